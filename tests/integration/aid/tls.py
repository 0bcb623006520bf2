# SPDX-License-Identifier: Apache-2.0
"""The fault proxy behind TLS with a certificate of choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aid.attack import Attack
from aid.certificates import Certificate
from aid.queue import Moto
from aid.sqsproxy import SqsProxy

Serve = Callable[..., SqsProxy]


@pytest.fixture
def serve(moto: Moto) -> Iterator[Serve]:
    """Give a function that starts the proxy behind TLS with a certificate."""
    running: list[SqsProxy] = []

    def start(certificate: Certificate, change: Callable | None = None) -> SqsProxy:
        proxy = SqsProxy(moto.url, keep=True, tls=certificate.tls)
        if change is not None:
            change(proxy.context)
        running.append(proxy.start())
        return proxy

    yield start
    for proxy in running:
        proxy.stop()
        assert not proxy.errors


def bundled(attack: Attack, proxy: SqsProxy, bundle: str | Path) -> dict[str, str]:
    """The environment of a program that uses the proxy and trusts the bundle."""
    return attack.env(AWS_ENDPOINT_URL_SQS=proxy.url, AWS_CA_BUNDLE=str(bundle))
