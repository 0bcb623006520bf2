# SPDX-License-Identifier: Apache-2.0
"""The stand-ins for AWS that most tests ask for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aid import certificates
from aid.queue import REGION, Moto, Server
from aid.sqsproxy import SqsProxy
from aid.watch import WatchedImds


@pytest.fixture
def imds() -> Iterator[WatchedImds]:
    """Give an IMDSv2 stand-in with a role and the region of the queues."""
    with WatchedImds(region=REGION) as standin:
        yield standin
    assert not standin.errors


@pytest.fixture
def proxy(server: Server) -> Iterator[SqsProxy]:
    """Give a fault proxy in front of SQS, whose log shows what was asked."""
    with SqsProxy(server.url, keep=True) as standin:
        yield standin
    assert not standin.errors


@pytest.fixture
def beside(moto: Moto) -> Iterator[SqsProxy]:
    """Give such a proxy for services that are asked beside SQS."""
    with SqsProxy(moto.url, keep=True) as standin:
        yield standin
    assert not standin.errors


@pytest.fixture(scope="session")
def certificate(
    tmp_path_factory: pytest.TempPathFactory,
) -> certificates.Certificate:
    """Give a certificate for loopback; its path is the CA bundle to trust."""
    return certificates.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def tls_proxy(moto: Moto, certificate: certificates.Certificate) -> Iterator[SqsProxy]:
    """Give the fault proxy behind TLS."""
    with SqsProxy(moto.url, keep=True, tls=certificate.tls) as standin:
        yield standin
    assert not standin.errors


@pytest.fixture
def bundle(tmp_path: Path) -> Iterator[certificates.Certificate]:
    """Give a certificate that a user without rights can read, for several names."""
    names = "localhost", "127.0.0.1", "::1", "queue.example"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield certificates.make(Path(folder), names)
