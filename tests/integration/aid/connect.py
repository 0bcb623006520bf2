# SPDX-License-Identifier: Apache-2.0
"""A proxy for https, as the variable https_proxy names one."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest


class ConnectProxy(socketserver.ThreadingTCPServer):
    """Knows CONNECT and nothing else.

    `asked` holds what it was asked for, and `event` is set then; with `leads_to`
    it connects to that port of loopback whatever host was asked for.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.asked: list[str] = []
        self.event = threading.Event()
        self.leads_to: int | None = None

    @property
    def url(self) -> str:
        """What the variable has to be."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Connection(socketserver.BaseRequestHandler):
    """One connection to the proxy."""

    server: ConnectProxy

    def handle(self) -> None:
        """Connect to what is asked for, and carry bytes both ways."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.request.recv(4096)
        method, target, _ = head.split(b"\r\n")[0].decode().split()
        self.server.asked.append(f"{method} {target}")
        self.server.event.set()
        host, _, port = target.rpartition(":")
        if self.server.leads_to is not None:
            host, port = "127.0.0.1", str(self.server.leads_to)
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
def connect_proxy() -> Iterator[ConnectProxy]:
    """Give a proxy for https."""
    server = ConnectProxy()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
