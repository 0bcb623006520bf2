# SPDX-License-Identifier: Apache-2.0
"""The proxies that the environment names serve https, not loopback and not IMDS."""

from __future__ import annotations

import pytest

from aid import certificates
from aid.attack import Attack, fails, fill
from aid.certificates import Certificate
from aid.connect import ConnectProxy
from aid.main_path import both_ways
from aid.programs import Runner
from aid.queue import Moto, Queue
from aid.sqsproxy import SqsProxy
from aid.tls import Serve, bundled


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_https_goes_through_the_proxy(
    run: Runner,
    moto: Moto,
    queue: Queue,
    bundle: certificates.Certificate,
    connect_proxy: ConnectProxy,
    address: str,
) -> None:
    port = connect_proxy.server_address[1]
    with SqsProxy(moto.url, tls=bundle.tls) as proxy:
        env = {
            **run.env,
            "AWS_CA_BUNDLE": bundle.path,
            "AWS_ENDPOINT_URL_SQS": f"https://localhost:{proxy.port}",
            "https_proxy": f"http://{address}:{port}",
        }
        both_ways(run, queue, env)
        assert set(connect_proxy.asked) == {f"CONNECT localhost:{proxy.port}"}


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
def test_a_dead_proxy_is_named_and_can_be_gone_round(
    attack: Attack,
    queue: Queue,
    serve: Serve,
    certificate: Certificate,
    name: str,
) -> None:
    [payload] = fill(queue)
    proxy = serve(certificate)
    env = {**bundled(attack, proxy, certificate.path), name: "http://127.0.0.1:1"}
    got = attack.agent("-q", queue.url, env=env)
    fails(got, 69, "ReceiveMessage", "proxy")
    assert proxy.connections == 0
    assert queue.depth() == (1, 0)
    got = attack.agent("-q", queue.url, env={**env, "no_proxy": "127.0.0.1"})
    assert (got.code, got.out) == (0, payload), got.err


def test_dead_proxies_do_not_matter_on_loopback(attack: Attack, queue: Queue) -> None:
    names = ("http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy")
    [payload] = fill(queue)
    env = attack.env(**dict.fromkeys(names, "http://127.0.0.1:1"))
    got = attack.agent("-q", queue.name, env=env)
    assert (got.code, got.out) == (0, payload), got.err


def test_no_proxy_comes_between_agent_and_imds(attack: Attack, queue: Queue) -> None:
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        [payload] = fill(queue)
        env = attack.env(**{name: "http://127.0.0.1:1"})
        got = attack.agent("-q", queue.url, env=env)
        assert (got.code, got.out) == (0, payload), got.err
