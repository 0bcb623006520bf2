# SPDX-License-Identifier: Apache-2.0
"""A name server that knows a few IPv4 addresses and nothing else."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

A, IN = 1, 1
NO_SUCH_NAME = 3


def question(query: bytes) -> tuple[str, int, int]:
    """The name that is asked for, its type, and where the question ends."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode("ascii").lower())
        at += 1 + length
    (kind,) = struct.unpack_from(">H", query, at + 1)
    return ".".join(labels), kind, at + 5


class NameServer:
    """Answers over UDP, in a thread of its own, for as long as it is entered."""

    def __init__(self, host: str, names: dict[str, str]) -> None:
        self.names = names
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> NameServer:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; shutdown() wakes the thread."""
        # It is not connected, says shutdown(), and wakes it all the same.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(512)
            if not sender:
                return
            self._socket.sendto(self._answer(query), sender)

    def _answer(self, query: bytes) -> bytes:
        name, kind, end = question(query)
        self.asked.append(name)
        address = self.names.get(name)
        records = b""
        if address is not None and kind == A:
            # 0xc00c: the name of the question.
            records = struct.pack(">HHHIH", 0xC00C, A, IN, 1, 4)
            records += socket.inet_aton(address)
        flags = 0x8180 | (0 if address is not None else NO_SUCH_NAME)
        head = query[:2] + struct.pack(">HHHHH", flags, 1, bool(records), 0, 0)
        return head + query[12:end] + records
