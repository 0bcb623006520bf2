# SPDX-License-Identifier: Apache-2.0
"""Requests, answers, faults and records: what the stand-ins for AWS deal in."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field, fields
from email.utils import formatdate
from fnmatch import fnmatchcase
from typing import Any

# The key that a fault matches to strike before TLS and before any byte is read.
CONNECT = "connect"
ENDS = ("answer", "drop", "reset", "silence")


@dataclass
class Request:
    """One HTTP request as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        """The path without the query, which may hold a signature."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str:
        """The first value of a header, or nothing: what most servers look at."""
        wanted = name.lower()
        return next((v for n, v in self.headers if n.lower() == wanted), "")


@dataclass
class Answer:
    """One HTTP answer; Date, Content-Length and Connection are added if absent."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


@dataclass
class Fault:
    """What happens to the requests whose key matches, instead of the right answer.

    The key is "METHOD /path" for plain HTTP and the operation's name for SQS;
    "connect" strikes a connection before its first byte. Unless `forward` says
    otherwise the request is really carried out only when its own answer is sent:
    `forward=True, end="drop"` is the unknown outcome.
    """

    match: str = "*"  # shell pattern
    count: int | None = 1  # requests struck; None: all until cleared
    skip: int = 0  # matching requests let through first
    delay: float = 0.0  # seconds before the request is carried out
    hold: float = 0.0  # seconds between carrying out and answering
    gate: threading.Event | None = None  # no answer before somebody sets it
    forward: bool | None = None
    status: int | None = None  # this answer instead, with headers and body
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    raw: str | None = None  # these bytes (latin-1) instead of any HTTP answer
    pad: int = 0  # the body filled up with spaces to this many bytes
    chunked: bool = False  # no Content-Length to go by
    truncate: int | None = None  # only so many bytes of the body are sent
    half: bool = False  # half of the body, with a Content-Length that fits
    interim: str = ""  # bytes (latin-1) before the answer, such as a 1xx
    twice: bool = False  # the whole answer once more behind itself
    trickle: float = 0.0  # seconds between pieces of the answer
    piece: int = 1  # bytes in a piece
    end: str = "answer"  # one of ENDS; with truncate: what follows the cut

    def __post_init__(self) -> None:
        """Refuse what would silently test nothing."""
        if self.end not in ENDS:
            raise ValueError(f"end is one of {', '.join(ENDS)}, not {self.end!r}")
        if (
            self.piece < 1
            or self.skip < 0
            or (self.count is not None and self.count < 1)
        ):
            raise ValueError("piece and count are at least 1, skip at least 0")

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Fault:
        """From JSON; an unknown name is refused, for it would test nothing."""
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(f"unknown in a fault: {', '.join(unknown)}")
        return cls(**values)

    def carries_out(self) -> bool:
        """Whether the request reaches what the stand-in stands for."""
        if self.forward is not None:
            return self.forward
        replaced = self.status is not None or self.raw is not None
        return not replaced and (self.end == "answer" or self.truncate is not None)

    def strikes(self, key: str) -> bool:
        """Whether key is meant; "*" means requests, not connections."""
        if CONNECT in (key, self.match):
            return key == self.match
        return fnmatchcase(key, self.match)


@dataclass
class Record:
    """One request in the log. It never holds a secret."""

    number: int
    key: str
    method: str
    path: str
    connection: int
    began: float  # seconds since the epoch, as strace -ttt prints them
    ended: float | None = None  # just before the answer's last byte left
    status: int | None = None  # None: no whole answer was sent
    outcome: str = "pending"  # answered dropped reset silent cut gone failed
    faulty: bool = False
    note: dict[str, Any] = field(default_factory=dict)


def wire(answer: Answer, chunked: bool, bodiless: bool) -> tuple[bytes, bytes]:
    """The answer's head and body as bytes for the socket."""
    body = b"" if bodiless else answer.body
    headers = list(answer.headers)
    names = {name.lower() for name, _ in headers}
    if "date" not in names:
        headers.append(("Date", formatdate(usegmt=True)))
    if chunked:
        headers.append(("Transfer-Encoding", "chunked"))
        size = 8192
        parts = [body[i : i + size] for i in range(0, len(body), size)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"
    elif "content-length" not in names:
        headers.append(("Content-Length", str(len(answer.body))))
    reason = http.client.responses.get(answer.status, "Unknown")
    lines = [f"HTTP/1.1 {answer.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1"), body


def merged(
    headers: list[tuple[str, str]], over: dict[str, str]
) -> list[tuple[str, str]]:
    """The headers with those of a fault in place of theirs."""
    names = {name.lower() for name in over}
    return [h for h in headers if h[0].lower() not in names] + list(over.items())
