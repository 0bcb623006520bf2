# SPDX-License-Identifier: Apache-2.0
"""The proxies that the environment names serve https, not loopback and not IMDS."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from aid import certificates
from aid.attack import Attack, fails, fill
from aid.certificates import Certificate
from aid.main_path import both_ways
from aid.programs import Runner
from aid.queue import Moto, Queue
from aid.sqsproxy import SqsProxy
from aid.tls import Serve, bundled


class Connect(socketserver.BaseRequestHandler):
    """A proxy that knows CONNECT and nothing else."""

    def handle(self) -> None:
        """Connect to whatever is asked for, and carry bytes both ways."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.request.recv(4096)
        method, target, _ = head.split(b"\r\n")[0].decode().split()
        self.server.asked.append(f"{method} {target}")  # type: ignore[attr-defined]
        host, _, port = target.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port))) as other:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = {self.request: other, other: self.request}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)


@pytest.fixture
def connect_proxy() -> Iterator[socketserver.ThreadingTCPServer]:
    """Give a proxy for https; `asked` holds what it was asked for."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connect)
    server.daemon_threads = True
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_https_goes_through_the_proxy(
    run: Runner,
    moto: Moto,
    queue: Queue,
    bundle: certificates.Certificate,
    connect_proxy: socketserver.ThreadingTCPServer,
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
        asked = connect_proxy.asked  # type: ignore[attr-defined]
        assert set(asked) == {f"CONNECT localhost:{proxy.port}"}


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
