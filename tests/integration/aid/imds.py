#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A faithful stand-in for the EC2 Instance Metadata Service, version 2 only.

    cd tests/integration
    python3 -m aid.imds --port 0 --port-file FILE [--role NAME] ...

The model is the EC2 User Guide, "Use the Instance Metadata Service to access
instance metadata", with the statuses that the service answers there. Standard
library only, Python 3.9 or later.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import secrets
import string
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable
from urllib.parse import unquote

from aid import service
from aid.faults import Answer, Fault, Record, Request
from aid.standin import StandIn

TOKEN_PATH = "/latest/api/token"
TOKEN_HEADER = "X-aws-ec2-metadata-token"
TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
TTL_MAX = 21600
VERSIONS = ("1.0", "2021-03-23", "latest")
ROLE_PATH = "meta-data/iam/security-credentials/"
TAGS_PATH = "meta-data/tags/instance/"
ACCOUNT = "123456789012"

ERROR_PAGE = """<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
\t"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>{title}</title>
 </head>
 <body>
  <h1>{title}</h1>
 </body>
</html>
"""
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
}


@dataclass
class Credentials:
    """A role's credentials as a source gives them."""

    access_key: str
    secret_key: str
    token: str


def made_up() -> Credentials:
    """Credentials of the right shape that open nothing."""
    alphabet = string.ascii_uppercase + "234567"
    return Credentials(
        "ASIA" + "".join(secrets.choice(alphabet) for _ in range(16)),
        base64.b64encode(secrets.token_bytes(30)).decode(),
        base64.b64encode(secrets.token_bytes(768)).decode(),
    )


def stamp(when: float) -> str:
    """RFC 3339 in UTC without a fraction, the form in which IMDS gives times."""
    utc = datetime.fromtimestamp(when, timezone.utc)
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def error(status: int) -> Answer:
    """The page that comes with a status."""
    page = ERROR_PAGE.format(title=f"{status} - {TITLES[status]}")
    return Answer(status, [("Content-Type", "text/html")], page.encode())


@dataclass
class Issued:
    """Credentials with the times that the document tells."""

    credentials: Credentials
    updated: float
    expires: float


# What tests and control documents may change while it serves.
SETTINGS = (
    "enabled",
    "role",
    "region",
    "zone",
    "instance_id",
    "tags",
    "tags_enabled",
    "error_code",
    "rotation",
    "lifetime",
)


class Imds(StandIn):
    """The service. Attributes may be changed while it runs.

    `issue` gives the credentials of each rotation, for tests whose SQS checks
    them; without it they are made up.
    """

    def __init__(
        self,
        role: str | None = "sqs-entropy",
        region: str = "eu-west-1",
        tags: dict[str, str] | None = None,
        user_data: bytes | None = None,
        issue: Callable[[], Credentials] = made_up,
        **common: Any,
    ) -> None:
        # The real one closes the connection after each answer.
        super().__init__(**{"keep_alive": False, **common})
        self.enabled = True
        self.role = role
        self.region, self.zone = region, f"{region}a"
        self.instance_id = "i-" + secrets.token_hex(8) + "0"
        self.tags = dict(tags or {})
        self.tags_enabled = tags is not None
        self.user_data = user_data
        self.error_code: str | None = None  # answer 200 with this Code instead
        self.lifetime = 6 * 3600.0  # seconds of a set of credentials
        self.rotate_before = 600.0  # seconds before the end; EC2 says 300 or more
        self.rotation = True  # False: the same ones even after their end
        self._issue = issue
        self._issued: Issued | None = None
        self._tokens: dict[str, float] = {}
        self._ahead = 0.0

    # For tests.

    def advance(self, seconds: float) -> None:
        """Let time pass in here: tokens and credentials grow older."""
        self._ahead += seconds

    def rotate(self) -> None:
        """New credentials from the next request on; the old ones stay valid."""
        self._issued = None

    def revoke_tokens(self) -> None:
        """Forget every token, as a restart of the service would."""
        self._tokens.clear()

    def command(self, values: dict[str, Any]) -> None:
        """{"set": {...}, "advance": SECONDS, "rotate": true, "revoke": true}."""
        values = dict(values)
        changes = values.pop("set", {})
        unknown = sorted(set(changes) - set(SETTINGS))
        if unknown:
            raise ValueError(f"unknown setting: {', '.join(unknown)}")
        for name, value in changes.items():
            setattr(self, name, value)
        self.advance(float(values.pop("advance", 0)))
        if values.pop("rotate", False):
            self.rotate()
        if values.pop("revoke", False):
            self.revoke_tokens()
        super().command(values)

    def state(self) -> dict[str, Any]:
        """The settings; never a token or a key."""
        return {name: getattr(self, name) for name in SETTINGS}

    # The protocol.

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Answer as the service does, with the headers that it has."""
        answer = self._answer(request)
        answer.headers.append(("Server", "EC2ws"))
        return answer

    def _answer(self, request: Request) -> Answer:
        if not self.enabled:
            return error(403)
        if request.path == TOKEN_PATH:
            return self._put(request) if request.method == "PUT" else error(405)
        if request.method not in ("GET", "HEAD"):
            return error(405)
        left = self._token_left(request.header(TOKEN_HEADER))
        if left <= 0:
            return error(401)
        answer = self._get(unquote(request.path))
        if answer.status == 200:
            answer.headers.append((TTL_HEADER, str(int(left))))
        return answer

    def _put(self, request: Request) -> Answer:
        if request.header("X-Forwarded-For"):
            return error(403)
        ttl = request.header(TTL_HEADER)
        if not re.fullmatch("[0-9]{1,5}", ttl) or not 1 <= int(ttl) <= TTL_MAX:
            return error(400)
        token = base64.urlsafe_b64encode(secrets.token_bytes(40)).decode()
        now = self._mono()
        with self._lock:
            self._tokens = {t: e for t, e in self._tokens.items() if e > now}
            self._tokens[token] = now + int(ttl)
        headers = [("Content-Type", "text/plain"), (TTL_HEADER, ttl)]
        return Answer(200, headers, token.encode())

    def _mono(self) -> float:
        return time.monotonic() + self._ahead

    def _token_left(self, token: str) -> float:
        with self._lock:
            return self._tokens.get(token, 0.0) - self._mono()

    # The tree.

    def _get(self, path: str) -> Answer:
        if path == "/":
            return text("\n".join(VERSIONS))
        version, _, rest = path[1:].partition("/")
        if version not in VERSIONS:
            return error(404)
        if rest == "user-data" and self.user_data is not None:
            kind = [("Content-Type", "application/octet-stream")]
            return Answer(200, kind, self.user_data)
        leaves = self._leaves()
        # botocore asks for availability-zone/ with a slash and is answered.
        leaf = leaves.get(rest) or leaves.get(rest.rstrip("/"))
        if leaf is not None:
            return text(leaf())
        return self._listing(leaves, rest)

    def _listing(self, leaves: dict[str, Callable[[], str]], folder: str) -> Answer:
        prefix = folder if not folder or folder.endswith("/") else folder + "/"
        names = set()
        for path in leaves:
            if path.startswith(prefix):
                name, slash, _ = path[len(prefix) :].partition("/")
                names.add(name + slash)
        if not prefix and self.user_data is not None:
            names.add("user-data")
        return text("\n".join(sorted(names))) if names else error(404)

    def _leaves(self) -> dict[str, Callable[[], str]]:
        plain = {
            "meta-data/ami-id": "ami-0123456789abcdef0",
            "meta-data/instance-id": self.instance_id,
            "meta-data/instance-type": "t4g.nano",
            "meta-data/local-hostname": "ip-10-0-0-10." + self.region,
            "meta-data/local-ipv4": "10.0.0.10",
            "meta-data/placement/availability-zone": self.zone,
            "meta-data/placement/region": self.region,
            "meta-data/services/domain": "amazonaws.com",
            "meta-data/services/partition": "aws",
        }
        if self.tags_enabled:
            plain.update({TAGS_PATH + k: v for k, v in self.tags.items()})
        leaves = {path: constant(value) for path, value in plain.items()}
        leaves["dynamic/instance-identity/document"] = self._identity
        if self.role is not None:
            leaves["meta-data/iam/info"] = self._profile
            leaves[ROLE_PATH + self.role] = self.document
        return leaves

    def _identity(self) -> str:
        document = {
            "accountId": ACCOUNT,
            "architecture": "arm64",
            "availabilityZone": self.zone,
            "billingProducts": None,
            "devpayProductCodes": None,
            "marketplaceProductCodes": None,
            "imageId": "ami-0123456789abcdef0",
            "instanceId": self.instance_id,
            "instanceType": "t4g.nano",
            "kernelId": None,
            "pendingTime": "2026-01-01T00:00:00Z",
            "privateIp": "10.0.0.10",
            "ramdiskId": None,
            "region": self.region,
            "version": "2017-09-30",
        }
        return json.dumps(document, indent=2)

    def _profile(self) -> str:
        arn = f"arn:aws:iam::{ACCOUNT}:instance-profile/{self.role}"
        now = self._current().updated
        document = {
            "Code": "Success",
            "LastUpdated": stamp(now),
            "InstanceProfileArn": arn,
            "InstanceProfileId": "AIPA0123456789ABCDEF0",
        }
        return json.dumps(document, indent=2)

    def _current(self) -> Issued:
        with self._lock:
            now = time.time() + self._ahead
            old = self._issued
            ageing = old is not None and old.expires - now <= self.rotate_before
            if old is None or (ageing and self.rotation):
                self._issued = Issued(self._issue(), now, now + self.lifetime)
            assert self._issued is not None
            return self._issued

    def document(self) -> str:
        """The role's credentials as they are given out now."""
        issued = self._current()
        if self.error_code is not None:
            failed = {
                "Code": self.error_code,
                "Message": f"EC2 cannot assume the role {self.role}.",
                "LastUpdated": stamp(issued.updated),
            }
            return json.dumps(failed, indent=2)
        document = {
            "Code": "Success",
            "LastUpdated": stamp(issued.updated),
            "Type": "AWS-HMAC",
            "AccessKeyId": issued.credentials.access_key,
            "SecretAccessKey": issued.credentials.secret_key,
            "Token": issued.credentials.token,
            "Expiration": stamp(issued.expires),
        }
        return json.dumps(document, indent=2)


def text(body: str) -> Answer:
    """Plain text, the type in which IMDS serves its JSON documents too."""
    return Answer(200, [("Content-Type", "text/plain")], body.encode())


def constant(value: str) -> Callable[[], str]:
    """A leaf that is only a value."""
    return lambda: value


def from_file(path: str) -> Callable[[], Credentials]:
    """Credentials as a JSON file has them, read anew at each rotation."""

    def read() -> Credentials:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        return Credentials(
            values["AccessKeyId"], values["SecretAccessKey"], values["Token"]
        )

    return read


def tag(pair: str) -> tuple[str, str]:
    """KEY=VALUE of the command line."""
    key, equals, value = pair.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{pair!r} is not KEY=VALUE")
    return key, value


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    service.add_arguments(parser)
    parser.add_argument("--role", default="sqs-entropy", metavar="NAME")
    parser.add_argument("--no-role", action="store_true", help="no role is attached")
    parser.add_argument("--region", default="eu-west-1")
    parser.add_argument("--instance-id", metavar="ID", help="otherwise at random")
    parser.add_argument(
        "--tag",
        type=tag,
        action="append",
        metavar="KEY=VALUE",
        help="an instance tag; without one, tags are not in the metadata",
    )
    parser.add_argument("--user-data", metavar="FILE")
    parser.add_argument(
        "--credentials",
        metavar="FILE",
        help="JSON with AccessKeyId, SecretAccessKey and Token; otherwise made up",
    )
    parser.add_argument("--lifetime", type=float, default=21600, metavar="SECONDS")
    parser.add_argument("--disabled", action="store_true", help="403 for everything")
    return parser


def main() -> int:
    """Run as a program; the exit code."""
    args = arguments().parse_args()

    def make() -> Imds:
        imds = Imds(
            role=None if args.no_role else args.role,
            region=args.region,
            tags=dict(args.tag) if args.tag else None,
            user_data=Path(args.user_data).read_bytes() if args.user_data else None,
            issue=from_file(args.credentials) if args.credentials else made_up,
            host=args.host,
            port=args.port,
            control=args.control,
            log_file=args.log,
        )
        imds.instance_id = args.instance_id or imds.instance_id
        imds.lifetime = args.lifetime
        imds.enabled = not args.disabled
        return imds

    return service.run(make, args)


if __name__ == "__main__":
    sys.exit(main())
