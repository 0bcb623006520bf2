# SPDX-License-Identifier: Apache-2.0
"""The stand-ins of tests/integration with faults of their connections as well."""

from __future__ import annotations

import ctypes
import json
import select
import socket
import ssl
import struct
import threading
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from aid import certificates
from aid.certificates import Certificate
from aid.faults import Answer, Fault, Record, Request
from aid.sqsproxy import SqsProxy
from aid.standin import StandIn, reset
from aid.sts import Sts
from aid.watch import WatchedImds

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
ETH_P_IP, PACKET_HOST = 0x0800, 0
RETURN = 0x06
BEGUN = b"\x16\x03\x03\x00\x7a\x02\x00"  # of a ServerHello


def can_refuse() -> bool:
    """Whether packets can be seen and made here, which refusing takes."""
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM):
            return True
    except OSError:
        return False


def attach(to: socket.socket, *program: tuple[int, int, int, int]) -> None:
    """Have a socket take only packets for which a program of BPF returns a length."""
    text = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(text)
    head = struct.pack("HL", len(program), ctypes.addressof(buffer))
    to.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, head)


class Refuser(threading.Thread):
    """Refuses connections as a machine does at whose port nobody listens.

    A program cannot count what its kernel refuses, nor stop listening between two
    connections of which the second comes in a moment. So the listening socket is
    made deaf, and each SYN is answered by an RST of ours; before the last of them
    leaves, the socket hears again.
    """

    def __init__(self, listening: socket.socket, count: int | None) -> None:
        super().__init__(daemon=True)
        self.listening, self.count = listening, count
        self.seen: set[tuple[int, int]] = set()  # port and sequence number
        self.ending = False
        port = listening.getsockname()[1]
        # Without a protocol it hears nothing before it has its filter.
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        syn_to_port = (
            (0xB1, 0, 0, 0),  # the length of the IP header
            (0x48, 0, 0, 2),  # the port
            (0x15, 0, 4, port),
            (0x50, 0, 0, 13),  # the flags
            (0x54, 0, 0, 0x12),
            (0x15, 0, 1, 0x02),  # SYN without ACK
            (RETURN, 0, 0, 0xFFFF),
            (RETURN, 0, 0, 0),
        )
        attach(self.wire, *syn_to_port)
        self.wire.bind(("lo", ETH_P_IP))
        self.wire.settimeout(0.05)
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        attach(listening, (RETURN, 0, 0, 0))

    def run(self) -> None:
        """Refuse until it was often enough, or the end."""
        while not self.ending and len(self.seen) != self.count:
            try:
                packet, (_, _, kind, *_) = self.wire.recvfrom(256)
            except TimeoutError:
                continue
            if kind == PACKET_HOST:
                self.refuse(packet[(packet[0] & 15) * 4 :])
        self.wire.close()
        self.raw.close()

    def refuse(self, syn: bytes) -> None:
        """Answer one SYN."""
        source, port, sequence = struct.unpack_from(">HHI", syn)
        self.seen.add((source, sequence))
        if len(self.seen) == self.count:
            self.listening.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        rst = struct.pack(
            ">HHIIBBHHH",
            port,
            source,
            0,
            sequence + 1 & 0xFFFFFFFF,
            0x50,
            0x14,
            0,
            0,
            0,
        )
        loopback = socket.inet_aton("127.0.0.1")
        pseudo = loopback + loopback + struct.pack(">BBH", 0, 6, len(rst)) + rst
        total = sum(struct.unpack(f">{len(pseudo) // 2}H", pseudo))
        total = (total & 0xFFFF) + (total >> 16)
        check = struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF)
        self.raw.sendto(rst[:16] + check + rst[18:], ("127.0.0.1", 0))


class Certificates:
    """A good certificate, the bad ones, and the bundle that is trusted."""

    def __init__(self, folder: Path) -> None:
        kinds: dict[str, dict[str, Any]] = {
            "good": {},
            "expired": {"begins": -2.0, "ends": -1.0},
            "other": {"names": ("other.example",)},
            "unknown": {},
        }
        made: dict[str, Certificate] = {}
        for name, values in kinds.items():
            (folder / name).mkdir()
            made[name] = certificates.make(folder / name, **values)
        self.good = made["good"]
        self.contexts = {n: self.context(c) for n, c in made.items()}
        self.bundle = folder / "bundle.pem"
        trusted = [c for n, c in made.items() if n != "unknown"]
        self.bundle.write_text("".join(Path(c.path).read_text() for c in trusted))

    @staticmethod
    def context(certificate: Certificate) -> ssl.SSLContext:
        """A server's side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate.tls)
        return context


class Door(StandIn):
    """A stand-in whose connections are struck from a moment on.

    That is its start, or the answer to the request `before`.
    """

    strike, count = "", 0
    before: str | None = None
    strikes, refuser = 0, None
    shown: dict[str, ssl.SSLContext] = {}  # noqa: RUF012

    def strike_connections(
        self, how: str, count: int | None, before: str | None
    ) -> None:
        """Begin, now or behind the answer to that request."""
        self.own = threading.local()
        self.strike, self.count, self.before = how, count, before
        self.armed = False
        if before is None:
            self.arm()

    def arm(self) -> None:
        """Strike from now on."""
        if self.strike == "refuse" and not self.armed:
            assert self._server is not None
            self.refuser = Refuser(self._server.socket, self.count)
            self.refuser.start()
        self.armed = True

    def struck(self) -> int:
        """How many connections were."""
        return len(self.refuser.seen) if self.refuser else self.strikes

    def stop(self) -> None:
        """Let go of what refuses."""
        if self.refuser is not None:
            self.refuser.ending = True
            self.refuser.join()
        super().stop()

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Answer; the next connection may be the one that is to be struck."""
        answer = super().respond(request, fault, record)
        if self.strike and self.before and fnmatchcase(record.key, self.before):
            self.arm()
        return answer

    @property
    def context(self) -> ssl.SSLContext | None:
        """What this connection is shown."""
        shown = getattr(getattr(self, "own", None), "context", None)
        return shown or self._context

    @context.setter
    def context(self, value: ssl.SSLContext | None) -> None:
        self._context = value

    def admit(self, connection: socket.socket) -> bool:
        """Strike a connection; False ends it."""
        if not self.strike:
            return super().admit(connection)
        self.own.context = None
        with self._lock:
            left = self.count is None or self.strikes < self.count
            if not self.armed or self.strike == "refuse" or not left:
                return True
            self.strikes += 1
        self.own.context = self.shown.get(self.strike)
        if self.strike == "reset":
            reset(connection)
        elif self.strike == "silence":
            self._wait_closed(connection)
        elif self.strike == "cut":
            select.select([connection], [], [], 5)
            connection.sendall(BEGUN)
        return self.own.context is not None


class ImdsDoor(Door, WatchedImds):
    """IMDS."""


class SqsDoor(Door, SqsProxy):
    """SQS, or KMS."""


class SsmDoor(SqsDoor):
    """SSM, where a version of a parameter is another request than the newest."""

    def key(self, request: Request) -> str:
        """Give the operation, and the version that it asks for."""
        colon, version = json.loads(request.body)["Name"].rpartition(":")[1:]
        return super().key(request) + (colon and colon + version)


class StsDoor(Door, Sts):
    """STS."""
