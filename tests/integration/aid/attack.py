# SPDX-License-Identifier: Apache-2.0
"""The two programs where things go wrong, with what must hold for every run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, TEN, Result, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.wait import PATIENCE
from aid.watch import WatchedImds, Watcher, leaked

TIMEOUT = 30  # seconds of a run that is not about time
LINE_MAX = 2048  # characters: the text of a service, and what to do


@dataclass
class Attack:
    """Runs programs; checks each time that they keep their deadline and secrets."""

    run: Runner
    imds: WatchedImds
    proxy: SqsProxy
    secrets: set[str] = field(default_factory=set)
    shown: dict[tuple[int, str], str] = field(default_factory=dict)  # by the last

    def secret(self, text: str) -> str:
        """Remember another text that no program may show; return it."""
        self.secrets.add(text)
        return text

    def env(self, **values: str | None) -> dict[str, str]:
        """The programs' environment with changes; None takes a variable out."""
        changed = {**self.run.env, **values}
        return {n: v for n, v in changed.items() if v is not None}

    def program(
        self, program: str, *args: str | Path, limit: float = TIMEOUT, **values: Any
    ) -> Result:
        """Run a program to its end, which has to come within limit.

        One that does not keep it is silent for ever, as a rule: tests whose faults
        would have it end some time all the same look closer.
        """
        process = self.run.start(program, *args, **values)
        watcher = Watcher(process.pid)
        watcher.start()
        try:
            got = self.run.finish(process, timeout=limit + PATIENCE)
        finally:
            watcher.stop()
        self.shown = watcher.seen
        given = "\0".join([*got.command, *(values.get("env") or self.run.env).values()])
        self.check_secrets(got, given)
        return got

    def check_secrets(self, got: Result, given: str) -> None:
        """Check that no secret was logged, or shown in /proc unless it was given so."""
        secrets = self.secrets | self.imds.secrets
        said = got.err + got.out.decode("latin-1")
        assert not [s for s in secrets if leaked(s, said)]
        shown = "\n".join(self.shown.values())
        assert not [s for s in secrets if s not in given and leaked(s, shown)]

    def agent(
        self,
        *args: str | Path,
        timeout: int = TIMEOUT,
        output: str = "-",
        **values: Any,
    ) -> Result:
        """Run the agent within its deadline."""
        command = [*args, "-t", str(timeout), *(["-o", output] if output else [])]
        return self.program(
            values.pop("program", AGENT), *command, limit=timeout, **values
        )

    def producer(
        self, *args: str | Path, limit: float = TIMEOUT, **values: Any
    ) -> Result:
        """Run the producer with --once, for ten messages unless a file says else."""
        program = values.pop("program", PRODUCER)
        ten = TEN if "-q" in args and "-c" not in args else ()
        return self.program(program, "--once", *ten, *args, limit=limit, **values)


UNSIGNED = "messages are not signed, and earn no credit"


def one_line(got: Result, code: int, *words: str) -> str:
    """Check the exit code and that one clear line says why; return that line."""
    assert got.code == code, got.err
    # A producer without a key says so first, once, whatever happens then.
    lines = [line for line in got.lines() if UNSIGNED not in line]
    assert len(lines) == 1, got.err
    line = lines[0]
    name = Path(got.command[0]).name
    assert line.startswith(f"{name}: "), line
    assert len(line) < LINE_MAX
    assert line.isprintable(), line
    for word in words:
        assert word.lower() in line.lower(), f"no {word!r} in: {line}"
    return line


def fails(got: Result, code: int, *words: str) -> str:
    """The same as one_line() for a run that wrote no bytes."""
    assert got.out == b""
    return one_line(got, code, *words)


def fill(queue: Queue, count: int = 1, size: int = 512) -> list[bytes]:
    """Send messages; return their payloads."""
    payloads = [noise(size, seed) for seed in range(count)]
    for payload in payloads:
        queue.send(body(payload))
    return payloads


def none_lost(queue: Queue, count: int = 1) -> None:
    """Check that so many messages are still there, whoever holds them."""
    assert sum(queue.depth()) == count


@pytest.fixture
def attack(run: Runner, imds: WatchedImds, proxy: SqsProxy) -> Attack:
    """Give a runner of the programs that checks every run."""
    return Attack(run, imds, proxy)


def each(values: dict[str, Any]) -> Iterator[Any]:
    """Go through cases; the last name in the captured output is the failing one."""
    for name, value in values.items():
        print(f"case: {name}")
        yield value


def edited(*where: str | int, to: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """An edit of an answer that puts a value there."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        inner: Any = document
        for step in where[:-1]:
            inner = inner[step]
        inner[where[-1]] = to
        return document

    return edit


def without(*where: str | int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """An edit of an answer that takes out what is there."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        inner: Any = document
        for step in where[:-1]:
            inner = inner[step]
        del inner[where[-1]]
        return document

    return edit


# JSON of every kind but the one that is due.
KINDS: dict[str, Any] = {
    "null": None,
    "false": False,
    "number": 7,
    "huge": 10**400,
    "array": [],
    "object": {},
    "nested": [{"Id": ["0"]}],
}


def answer(text: bytes, status: int = 200) -> dict[str, Any]:
    """The members of a fault that goes on answering with these very bytes."""
    head = (
        f"HTTP/1.1 {status} OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"Content-Length: {len(text)}\r\n\r\n"
    )
    return {"raw": head + text.decode("latin-1"), "count": None}


def untouched(queue: Queue, proxy: SqsProxy) -> None:
    """Check that the queue was not asked for anything."""
    assert proxy.records == []
    assert queue.depth() == (1, 0)
