# SPDX-License-Identifier: Apache-2.0
"""The two processes of a program that runs, seen from outside."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aid.layers import WITHOUT
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.wait import wait_until

CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="not root")
OTHER = 12345  # a user id that nobody has
IDLE = 0.3  # seconds of waiting in which a process has nothing more to do
LANDLOCK = 444  # landlock_create_ruleset, on every architecture


def ids_of(user: str, missing: int) -> tuple[int, int]:
    """The user and group that a half has; `missing` where root's user is not there."""
    if not IS_ROOT:
        return os.getuid(), os.getgid()
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return missing, missing
    return entry.pw_uid, entry.pw_gid


def has_landlock() -> bool:
    """Whether this kernel can confine to files."""
    return (
        "landlock" not in WITHOUT and ctypes.CDLL(None).syscall(LANDLOCK, 0, 0, 1) >= 1
    )


@dataclass
class Half:
    """One process of a program that runs."""

    pid: int

    def status(self) -> dict[str, str]:
        """The fields of /proc/PID/status."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return dict(map(str.strip, line.split(":", 1)) for line in lines)

    def capabilities(self) -> dict[str, int]:
        """The five sets of capabilities."""
        status = self.status()
        return {name: int(status[name], 16) for name in CAPABILITIES}

    def ids(self, name: str) -> set[int]:
        """The real, effective, saved and file system id."""
        return set(map(int, self.status()[name].split()))

    def limit(self, name: str) -> list[str]:
        """The soft and the hard limit of a resource."""
        text = Path(f"/proc/{self.pid}/limits").read_text()
        found = re.search(rf"^Max {name} +(\S+) +(\S+)", text, re.MULTILINE)
        assert found is not None
        return list(found.groups())

    def files(self) -> list[str]:
        """What the descriptors lead to, without those of the standard streams."""
        found = []
        for file in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
                found += [str(file.readlink())] if int(file.name) > 2 else []
        return found

    def sockets(self) -> int:
        """How many of the descriptors are sockets."""
        return sum(name.startswith("socket:") for name in self.files())

    def switches(self) -> int:
        """How often it has begun to wait for something."""
        return int(self.status()["voluntary_ctxt_switches"])

    def wait_idle(self, after: int = -1) -> None:
        """Wait until it has waited a while, and more often than `after` times."""
        since, seen = time.monotonic(), -1

        def is_idle() -> bool:
            nonlocal since, seen
            now = self.switches()
            if now != seen or not self.status()["State"].startswith("S"):
                since, seen = time.monotonic(), now
            return now > after and time.monotonic() - since > IDLE

        wait_until(is_idle)

    def is_confined(self) -> bool:
        """Whether the last step, the seccomp filter, is done."""
        with contextlib.suppress(OSError, KeyError):
            if "seccomp" in WITHOUT:
                # The last step but for the filter.
                return self.limit("data size") == [str(128 << 20)] * 2
            return self.filters() > 0
        return False

    def filters(self) -> int:
        """How many seccomp filters it has, without the one that takes a layer away."""
        # Linux 5.9 and later say how many there are.
        told = self.status().get("Seccomp_filters", "2")
        return int(told) - (1 if WITHOUT else 0)


def halves(process: subprocess.Popen[bytes]) -> tuple[Half, Half]:
    """Online and offline half of a program, once both are confined."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(lambda: bool(children.read_text().split()))
    online = Half(int(children.read_text().split()[0]))
    offline = Half(process.pid)
    wait_until(lambda: online.is_confined() and offline.is_confined())
    return online, offline


@contextlib.contextmanager
def waiting_agent(
    run: Runner, queue: Queue, proxy: SqsProxy, *args: str | Path, **values: Any
) -> Iterator[tuple[Half, Half]]:
    """Run an agent whose answer to a receive is held back."""
    queue.send(body(noise(512)))
    proxy.fault("ReceiveMessage", hold=600)
    process = run.start(AGENT, "-q", queue.url, "-t", "300", *args, **values)
    wait_until(lambda: bool(proxy.matching("ReceiveMessage")))
    yield halves(process)
    process.kill()


@contextlib.contextmanager
def waiting_producer(
    run: Runner,
    queue: Queue,
    tmp_path: Path,
    proxy: SqsProxy,
    key: Path,
    **values: Any,
) -> Iterator[tuple[Half, Half]]:
    """Run a producer that waits for a source."""
    source = tmp_path / "source"
    os.mkfifo(source)
    writer = os.open(source, os.O_RDWR)
    file = tmp_path / "producer.conf"
    file.write_text(f'queue = "{queue.url}"\nsigning-key = "{key}"\n')
    process = run.start(PRODUCER, "-c", file, "-d", source, **values)
    wait_until(lambda: bool(proxy.matching("GetQueueAttributes")))
    yield halves(process)
    process.send_signal(signal.SIGTERM)
    os.close(writer)


def check_common(half: Half) -> None:
    """What holds for each half of both programs, whoever starts them."""
    status = half.status()
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2" or "seccomp" in WITHOUT
    assert (half.filters() == 0) == ("seccomp" in WITHOUT)
    assert half.limit("core file size") == ["0", "0"]
    assert half.limit("open files") == ["64", "64"]
    assert half.limit("data size") == [str(128 << 20)] * 2
    capabilities = half.capabilities()
    assert capabilities["CapInh"] == capabilities["CapAmb"] == 0
    assert capabilities["CapPrm"] == capabilities["CapEff"]


def check_user(half: Half, user: str, missing: int = 65534) -> None:
    """Check that a half is this user and in no other group than the user's."""
    uid, gid = ids_of(user, missing)
    assert half.ids("Uid") == {uid}
    assert half.ids("Gid") == {gid}
    assert half.status()["Groups"] == "" or not IS_ROOT


def check_powerless(half: Half, user: str, missing: int = 65534) -> None:
    """Check that a half has no capability; under root, no way to get one either."""
    assert half.capabilities() == {
        **dict.fromkeys(CAPABILITIES, 0),
        **({} if IS_ROOT else {"CapBnd": half.capabilities()["CapBnd"]}),
    }
    check_user(half, user, missing)


def check_files(half: Half, allowed: set[str]) -> None:
    """Check that descriptors lead to allowed files, or to no file at all."""
    if not IS_ROOT:
        return  # it hides them
    for name in half.files():
        kind = re.match(r"socket:|pipe:|anon_inode:\[event", name)
        assert kind or name in allowed, half.files()
