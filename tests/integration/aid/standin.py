# SPDX-License-Identifier: Apache-2.0
"""The base of the stand-ins for AWS: an HTTP server that misbehaves on request.

Standard library only, Python 3.9 or later: the demo and the virtual machine
tests run it on machines that have nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from aid.faults import CONNECT, Answer, Fault, Record, Request, merged, wire

# No stand-in is sent more than a full SQS batch; a larger request is a defect.
REQUEST_MAX = 4 << 20
CONTROL_PATH = "/_control"
LINGER = 5  # seconds for whoever was refused to go away

Self = TypeVar("Self", bound="StandIn")


def reset(connection: socket.socket) -> None:
    """Close with RST at once; a shutdown() before would send FIN instead."""
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    os.close(connection.detach())


def shake_hands(connection: ssl.SSLSocket) -> None:
    """Begin TLS; whoever is refused reads why, which an RST at once would prevent."""
    try:
        connection.do_handshake()
    except ssl.SSLError:
        connection.shutdown(socket.SHUT_WR)
        with (
            contextlib.suppress(OSError),
            socket.socket(fileno=connection.detach()) as plain,
        ):
            plain.settimeout(LINGER)
            while plain.recv(4096):
                pass
        raise


def send_all(handler: Handler, answer: Answer, request: Request) -> None:
    """Send an answer that no fault touches."""
    handler.connection.sendall(b"".join(wire(answer, False, request.method == "HEAD")))


class Handler(BaseHTTPRequestHandler):
    """Reads one request after the other off a connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *args: Any) -> None:
        """Log nothing here: the log is StandIn.records."""

    def serve(self) -> None:
        """Hand the request over; the stand-in writes the answer itself."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit():
            self.send_error(411)
            self.close_connection = True
            return
        if int(length) > REQUEST_MAX:
            self.send_error(413)
            self.close_connection = True
            return
        body = self.rfile.read(int(length))
        number = self.server.numbers.get(threading.get_ident(), 0)
        headers = list(self.headers.items())
        # Not self.path: a doubled slash at its start is made single there.
        target = self.requestline.split()[1]
        request = Request(self.command, target, headers, body, number)
        self.server.standin.exchange(request, self)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = serve  # noqa: N815


class Server(ThreadingHTTPServer):
    """A thread a connection, each of which can be cut from outside."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, standin: StandIn, address: tuple[str, int]) -> None:
        """Bind at once, so that the port is known before anything is served."""
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.standin = standin
        self.numbers: dict[int, int] = {}
        self.open: set[socket.socket] = set()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without looking up the host's own name, which may hang in a test."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Run one connection in its own thread, TLS handshake included."""
        self.numbers[threading.get_ident()] = self.standin.connected()
        raw = request
        self.open.add(raw)
        try:
            if not self.standin.admit(request):
                return
            if self.standin.context is not None:
                request = self.standin.context.wrap_socket(
                    request, server_side=True, do_handshake_on_connect=False
                )
                self.open.add(request)
                shake_hands(request)
            Handler(request, client_address, self)
        except OSError:
            pass  # the other side went away, or refused our certificate
        finally:
            self.open.discard(raw)
            self.open.discard(request)
            if request is not raw:
                with contextlib.suppress(OSError):
                    request.close()
            self.numbers.pop(threading.get_ident(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A defect in a stand-in is shown by the test that owns it."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.standin.errors.append(error)

    def shutdown(self) -> None:
        """Wake the thread that waits for connections, so that it ends at once."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        super().shutdown()

    def cut(self) -> None:
        """Wake every thread that waits on a connection."""
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class StandIn:
    """A server in threads of this process, with faults and a log.

    Subclasses say what a request's key is and how it is answered.
    """

    fault_type: type[Fault] = Fault

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        keep_alive: bool = True,
        control: bool = False,
        tls: tuple[str, str] | None = None,
        log_file: str | None = None,
    ) -> None:
        """Only remember; start() binds. tls is (certificate chain, key), in PEM."""
        self.host, self.port = host, port
        self.keep_alive, self.control = keep_alive, control
        self.log_file = log_file
        self.context: ssl.SSLContext | None = None
        if tls is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.connections = 0
        self.errors: list[BaseException | None] = []
        self._lock = threading.RLock()
        self._faults: list[Fault] = []
        self._records: list[Record] = []
        self._stopping = threading.Event()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    # What a stand-in is.

    def key(self, request: Request) -> str:
        """What faults match and the log shows."""
        return f"{request.method} {request.path}"

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Carry the request out."""
        raise NotImplementedError

    def command(self, values: dict[str, Any]) -> None:
        """Carry out what a control document holds beside faults."""
        if values:
            raise ValueError(f"unknown command: {', '.join(sorted(values))}")

    def state(self) -> dict[str, Any]:
        """What GET on the control path tells beside the log."""
        return {}

    # Life.

    @property
    def url(self) -> str:
        """Where it listens, without a final slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.context else ''}://{host}:{self.port}"

    def start(self: Self) -> Self:
        """Listen, and serve until stop()."""
        self._stopping.clear()
        self._server = Server(self, (self.host, self.port))
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End at once, whatever a fault is waiting for; twice does no harm."""
        if self._server is None or self._thread is None:
            return
        self._stopping.set()
        self._server.shutdown()
        self._server.cut()
        self._server.server_close()
        self._thread.join()
        self._server = None

    def __enter__(self: Self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    # Faults and log.

    def fault(self, match: str = "*", **values: Any) -> Fault:
        """Add a fault; the first that strikes a request is used, one at a time."""
        return self.add(self.fault_type(match=match, **values))

    def add(self, fault: Fault) -> Fault:
        """Add a copy, since counting down changes it."""
        with self._lock:
            self._faults.append(replace(fault))
        return fault

    def clear(self) -> None:
        """Behave well from now on."""
        with self._lock:
            self._faults.clear()

    def faults_left(self) -> int:
        """Faults that have not struck as often as asked; None-counted ones stay."""
        with self._lock:
            return len(self._faults)

    @property
    def records(self) -> list[Record]:
        """The requests so far, in the order in which they came; copies."""
        with self._lock:
            return [replace(r) for r in self._records]

    def matching(self, match: str) -> list[Record]:
        """Those of the requests so far whose key matches, as for faults."""
        return [r for r in self.records if fnmatchcase(r.key, match)]

    def keys(self) -> list[str]:
        """The keys of the requests so far: what happened, in a line."""
        return [record.key for record in self.records]

    def forget(self) -> None:
        """Empty the log, so that a test sees only what it did itself."""
        with self._lock:
            self._records.clear()

    # One exchange.

    def connected(self) -> int:
        """Count a connection and give it its number."""
        with self._lock:
            self.connections += 1
            return self.connections

    def take(self, key: str) -> Fault | None:
        """The fault for this request, used up by one."""
        with self._lock:
            for fault in self._faults:
                if not fault.strikes(key):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self._faults.remove(fault)
                return fault
        return None

    def admit(self, connection: socket.socket) -> bool:
        """Apply a fault of the connection itself; False ends it."""
        fault = self.take(CONNECT)
        if fault is None:
            return True
        self._stopping.wait(fault.delay)
        if fault.end == "silence":
            self._wait_closed(connection)
        elif fault.end == "reset":
            reset(connection)
        elif fault.raw is not None:
            connection.sendall(fault.raw.encode("latin-1"))
        return fault.end == "answer" and fault.raw is None

    def exchange(self, request: Request, handler: Handler) -> None:
        """Answer one request as the faults have it."""
        if self.control and request.path == CONTROL_PATH:
            send_all(handler, self._control(request), request)
            return
        record = self._begin(request)
        fault = self.take(record.key)
        record.faulty = fault is not None
        try:
            self._perform(request, fault or self.fault_type(), record, handler)
        except OSError:
            record.outcome, record.status = "gone", None
            handler.close_connection = True
        except Exception as error:
            record.outcome = "failed"
            self.errors.append(error)
            handler.close_connection = True
        finally:
            record.ended = record.ended or time.time()
            self._write_log(record)

    def _begin(self, request: Request) -> Record:
        with self._lock:
            record = Record(
                number=len(self._records) + 1,
                key=self.key(request),
                method=request.method,
                path=request.path,
                connection=request.connection,
                began=time.time(),
            )
            self._records.append(record)
            return record

    def _perform(
        self, request: Request, fault: Fault, record: Record, handler: Handler
    ) -> None:
        self._stopping.wait(fault.delay)
        answer = Answer(fault.status or 200, [], fault.body.encode())
        if fault.carries_out():
            real = self.respond(request, fault, record)
            answer = real if fault.status is None else answer
        answer.headers = merged(answer.headers, fault.headers)
        self._stopping.wait(fault.hold)
        while fault.gate is not None and not fault.gate.wait(0.02):
            if self._stopping.is_set():
                break
        if fault.end != "answer" and fault.truncate is None and fault.raw is None:
            self._end(fault, record, handler)
            return
        closing = not self.keep_alive or fault.truncate is not None
        closing = closing or fault.raw is not None or handler.close_connection
        handler.close_connection = closing
        if fault.raw is not None:
            data, whole = fault.raw.encode("latin-1"), True
        else:
            data, whole = self._render(request, fault, answer, closing)
        self._send(data, whole, answer.status, fault, record, handler)
        if fault.end != "answer":
            self._end(fault, record, handler)

    def _render(
        self, request: Request, fault: Fault, answer: Answer, closing: bool
    ) -> tuple[bytes, bool]:
        answer.body = answer.body.ljust(fault.pad)
        if fault.half:
            answer.body = answer.body[: len(answer.body) // 2]
        if closing:
            answer.headers.append(("Connection", "close"))
        bodiless = request.method == "HEAD"
        head, body = wire(answer, fault.chunked and not bodiless, bodiless)
        whole = fault.truncate is None or fault.truncate >= len(body)
        data = head + (body if whole else body[: fault.truncate])
        before = fault.interim.encode("latin-1")
        return before + data * (2 if fault.twice else 1), whole

    def _send(
        self,
        data: bytes,
        whole: bool,
        status: int,
        fault: Fault,
        record: Record,
        handler: Handler,
    ) -> None:
        size = fault.piece if fault.trickle > 0 else max(len(data), 1)
        pieces = [data[i : i + size] for i in range(0, len(data), size)]
        for number, piece in enumerate(pieces):
            if number > 0 and self._stopping.wait(fault.trickle):
                raise OSError("stopping")
            if number == len(pieces) - 1:
                # Before the last byte: a client that has the whole answer must
                # find it in the log, and acts later than this moment.
                record.ended = time.time()
                record.status = status if whole else None
                record.outcome = "answered" if whole else "cut"
            handler.connection.sendall(piece)

    def _end(self, fault: Fault, record: Record, handler: Handler) -> None:
        outcome = {"drop": "dropped", "reset": "reset", "silence": "silent"}
        record.outcome, record.status = outcome[fault.end], None
        record.ended = time.time()
        handler.close_connection = True
        if fault.end == "reset":
            reset(handler.connection)
        elif fault.end == "silence":
            self._wait_closed(handler.connection)

    def _wait_closed(self, connection: socket.socket) -> None:
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        while not self._stopping.is_set():
            if poll.poll(50) and not connection.recv(4096):
                return

    def _write_log(self, record: Record) -> None:
        if self.log_file is None:
            return
        with self._lock, Path(self.log_file).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")

    def _control(self, request: Request) -> Answer:
        headers = [("Content-Type", "application/json")]
        status = 200
        result: dict[str, Any] = {}
        try:
            if request.method == "POST":
                self.apply(json.loads(request.body))
            with self._lock:
                result = {
                    **self.state(),
                    "faults": len(self._faults),
                    "connections": self.connections,
                    "requests": [asdict(r) for r in self._records],
                }
        except (ValueError, TypeError) as error:
            status, result = 400, {"error": str(error)}
        return Answer(status, headers, json.dumps(result).encode())

    def apply(self, document: dict[str, Any]) -> None:
        """Carry out a control document: {"fault": {...}, "clear": true, ...}."""
        if not isinstance(document, dict):
            raise ValueError("a control document is a JSON object")
        values = dict(document)
        with self._lock:
            if values.pop("clear", False):
                self.clear()
            if values.pop("forget", False):
                self.forget()
            faults = values.pop("fault", [])
            for fault in faults if isinstance(faults, list) else [faults]:
                self.add(self.fault_type.parse(fault))
            self.command(values)
