# SPDX-License-Identifier: Apache-2.0
"""The connection to SQS is made while the credentials are fetched."""

from __future__ import annotations

import ssl
import threading
from typing import Any

import pytest

from aid.attack import Attack, fails, fill
from aid.certificates import Certificate
from aid.connect import ConnectProxy
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy
from aid.tls import Serve, bundled
from aid.watch import DOCUMENT, PUT, ROLES

# These tests would wait in vain for a program that connects when it has the
# credentials: IMDS gives them only when SQS has read the beginning of TLS.
CALLS = ["ReceiveMessage", "DeleteMessageBatch"]


class Greeted:
    """Sets `event` when a client begins TLS; refuses the first `refused` of them."""

    def __init__(self, refused: int = 0) -> None:
        self.event = threading.Event()
        self.count, self.refused = 0, refused

    def __call__(self, *_: Any) -> int | None:
        self.count += 1
        self.event.set()
        if self.count <= self.refused:
            return int(ssl.ALERT_DESCRIPTION_INTERNAL_ERROR)
        return None

    def on(self, context: ssl.SSLContext) -> None:
        """Be told of each client hello."""
        context.sni_callback = self


@pytest.fixture
def greeted() -> Greeted:
    """What is told of each client hello."""
    return Greeted()


@pytest.fixture
def proxy_of(serve: Serve, certificate: Certificate, greeted: Greeted) -> SqsProxy:
    """SQS behind TLS, which says when a client has begun it."""
    return serve(certificate, greeted.on)


@pytest.mark.parametrize("asked", [PUT, ROLES, DOCUMENT])
def test_tls_begins_before_imds_has_answered(
    attack: Attack,
    queue: Queue,
    proxy_of: SqsProxy,
    certificate: Certificate,
    greeted: Greeted,
    asked: str,
) -> None:
    [payload] = fill(queue)
    attack.imds.fault(asked, count=None, gate=greeted.event)
    env = bundled(attack, proxy_of, certificate.path)
    got = attack.agent("-q", queue.url, env={**env, "AWS_REGION": REGION})
    assert (got.code, got.out) == (0, payload), got.err
    assert [r.key for r in proxy_of.records] == CALLS
    assert proxy_of.connections == 1


def test_a_queue_that_is_named_is_looked_up_over_it(
    attack: Attack,
    queue: Queue,
    proxy_of: SqsProxy,
    certificate: Certificate,
    greeted: Greeted,
) -> None:
    [payload] = fill(queue)
    attack.imds.fault(PUT, count=None, gate=greeted.event)
    env = bundled(attack, proxy_of, certificate.path)
    got = attack.agent("-q", queue.name, env={**env, "AWS_REGION": REGION})
    assert (got.code, got.out) == (0, payload), got.err
    assert [r.key for r in proxy_of.records] == ["GetQueueUrl", *CALLS]
    assert proxy_of.connections == 1


def test_a_producer_does_so_too(
    attack: Attack,
    queue: Queue,
    proxy_of: SqsProxy,
    certificate: Certificate,
    greeted: Greeted,
    generator: Any,
) -> None:
    attack.imds.fault(DOCUMENT, count=None, gate=greeted.event)
    env = bundled(attack, proxy_of, certificate.path)
    got = attack.producer("-q", queue.url, "-d", generator, env=env)
    assert got.code == 0, got.err
    assert proxy_of.connections == 1


def test_it_goes_through_the_proxy(
    attack: Attack,
    queue: Queue,
    proxy_of: SqsProxy,
    certificate: Certificate,
    connect_proxy: ConnectProxy,
) -> None:
    [payload] = fill(queue)
    attack.imds.fault(DOCUMENT, count=None, gate=connect_proxy.event)
    env = bundled(attack, proxy_of, certificate.path)
    env["AWS_ENDPOINT_URL_SQS"] = f"https://localhost:{proxy_of.port}"
    env["https_proxy"] = connect_proxy.url
    got = attack.agent("-q", queue.url, env=env)
    assert (got.code, got.out) == (0, payload), got.err
    assert connect_proxy.asked == [f"CONNECT localhost:{proxy_of.port}"]


# What goes wrong with it is nobody's business.


def test_without_credentials_no_request_is_sent(
    attack: Attack,
    queue: Queue,
    proxy_of: SqsProxy,
    certificate: Certificate,
    greeted: Greeted,
) -> None:
    fill(queue)
    attack.imds.enabled = False
    attack.imds.fault(PUT, count=None, gate=greeted.event)
    env = bundled(attack, proxy_of, certificate.path)
    got = attack.agent("-q", queue.url, env={**env, "AWS_REGION": REGION})
    fails(got, 77, "off (403)")
    assert greeted.count == 1
    assert proxy_of.records == []
    assert queue.depth() == (1, 0)


@pytest.mark.parametrize("asked", [PUT, DOCUMENT])
def test_one_that_breaks_is_made_anew(
    attack: Attack,
    queue: Queue,
    serve: Serve,
    certificate: Certificate,
    asked: str,
) -> None:
    [payload] = fill(queue)
    greeted = Greeted(refused=1)
    proxy = serve(certificate, greeted.on)
    attack.imds.fault(asked, count=None, gate=greeted.event)
    env = bundled(attack, proxy, certificate.path)
    got = attack.agent("-q", queue.url, env={**env, "AWS_REGION": REGION})
    assert (got.code, got.out) == (0, payload), got.err
    assert greeted.count == 2
    assert [r.key for r in proxy.records] == CALLS
    assert not [line for line in got.lines() if "TLS" in line]


def test_a_host_that_the_configuration_does_not_choose_is_not_connected(
    attack: Attack,
    queue: Queue,
    proxy_of: SqsProxy,
    certificate: Certificate,
    greeted: Greeted,
) -> None:
    """The region, and with it the host, comes from IMDS, which does not say."""
    fill(queue)
    attack.imds.enabled = False
    env = bundled(attack, proxy_of, certificate.path)
    del env["AWS_ENDPOINT_URL_SQS"]
    env.pop("AWS_REGION", None)
    got = attack.agent("-q", queue.name, env=env, timeout=5)
    fails(got, 77, "no region")
    assert greeted.count == 0
