# SPDX-License-Identifier: Apache-2.0
"""Plain requests to the stand-ins, by a client that hides nothing."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlsplit

from botocore.utils import InstanceMetadataFetcher

from aid.imds import Imds
from aid.standin import StandIn
from aid.wait import FOR_EVER

TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"


def call(
    standin: StandIn,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = FOR_EVER,
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body of one request."""
    parts = urlsplit(standin.url)
    link = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        link.request(method, path, body, headers or {})
        answer = link.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, names, answer.read()
    finally:
        link.close()


def token(imds: Imds, ttl: str = "21600") -> str:
    """Get a token."""
    status, _, body = call(imds, "PUT", "/latest/api/token", {TTL: ttl})
    assert status == 200
    return body.decode()


def get(imds: Imds, path: str, timeout: float = FOR_EVER) -> tuple[int, str]:
    """Get a path with a fresh token."""
    headers = {TOKEN: token(imds)}
    status, _, body = call(imds, "GET", path, headers, timeout=timeout)
    return status, body.decode()


def fetch(imds: Imds, **values: Any) -> dict[str, Any]:
    """What botocore makes of it."""
    fetcher = InstanceMetadataFetcher(
        base_url=imds.url, env={}, timeout=FOR_EVER, **values
    )
    return fetcher.retrieve_iam_role_credentials()
