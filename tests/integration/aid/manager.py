# SPDX-License-Identifier: Apache-2.0
"""A service manager that listens (sd_notify(3)), and a producer under it."""

from __future__ import annotations

import contextlib
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aid.processes import end_group
from aid.programs import PRODUCER, Runner
from aid.wait import PATIENCE, wait_until

WATCHDOG = 4.0  # seconds; signs of life are due after a third of it


@dataclass
class Manager:
    """A service manager that remembers what it heard, when and from which process."""

    path: Path
    heard: list[tuple[float, int, str]] = field(default_factory=list)

    def __enter__(self) -> Manager:
        """Listen on the socket."""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(str(self.path))
        self.socket.settimeout(0.05)
        self.ending = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening, and remove the socket."""
        self.ending = True
        self.thread.join()
        self.socket.close()
        self.path.unlink()

    def listen(self) -> None:
        """Note every datagram."""
        size = socket.CMSG_SPACE(struct.calcsize("3i"))
        while not self.ending:
            with contextlib.suppress(TimeoutError):
                data, control, _, _ = self.socket.recvmsg(4096, size)
                pid = struct.unpack("3i", control[0][2])[0]
                self.heard.append((time.monotonic(), pid, data.decode()))

    def lines(self) -> list[str]:
        """All lines that were heard."""
        return [line for _, _, text in self.heard for line in text.splitlines()]

    def says(self, *words: str) -> Callable[[], bool]:
        """A condition for wait_until(): some line holds all words."""
        return lambda: any(all(w in line for w in words) for line in self.lines())

    def signs(self) -> list[float]:
        """The times at which signs of life came."""
        return [t for t, _, text in list(self.heard) if "WATCHDOG=1" in text]

    def env(self, seconds: float = WATCHDOG) -> dict[str, str]:
        """The variables that a manager puts into a service's environment."""
        usec = str(int(seconds * 1e6))
        return {"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": usec}


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """Give a service manager."""
    with Manager(tmp_path / "notify") as listening:
        yield listening


@dataclass
class Service:
    """A producer that the manager has started."""

    run: Runner
    manager: Manager
    process: subprocess.Popen[bytes]

    def wait_ready(self) -> None:
        """Wait for READY=1 and the first sign of life."""
        wait_until(self.manager.says("READY=1"))
        wait_until(lambda: bool(self.manager.signs()))

    def lives_for(self, seconds: float) -> None:
        """Check that signs of life come in time for so many seconds."""
        self.wait_ready()
        began = time.monotonic()
        time.sleep(seconds)
        times = [began, *[t for t in self.manager.signs() if t > began]]
        gaps = [b - a for a, b in zip(times, [*times[1:], time.monotonic()])]
        assert max(gaps) < WATCHDOG, gaps
        assert self.process.poll() is None

    def is_silent(self) -> None:
        """Wait until no sign of life has come for as long as the watchdog waits.

        Those that were under way may come, others would come for ever.
        """
        began = time.monotonic()
        last = [began]
        while time.monotonic() - last[-1] <= WATCHDOG:
            assert time.monotonic() - began < WATCHDOG + PATIENCE, "never silent"
            time.sleep(0.02)
            last = [began, *(t for t in self.manager.signs() if t > began)]

    def stop(self) -> str:
        """Stop the service as a manager does; return its log."""
        self.process.send_signal(signal.SIGTERM)
        ended = self.run.finish(self.process)
        assert ended.code == 0, ended.err
        wait_until(lambda: self.manager.lines()[-1:] == ["STOPPING=1"])
        return ended.err


@pytest.fixture
def start(run: Runner, manager: Manager) -> Iterator[Callable[..., Service]]:
    """Give a function that starts a producer under the manager."""
    started = []

    def begin(*args: str | Path, **more: str) -> Service:
        env = {**run.env, **manager.env(), **more}
        started.append(run.start(PRODUCER, *args, env=env))
        return Service(run, manager, started[-1])

    yield begin
    for process in started:
        end_group(process)
