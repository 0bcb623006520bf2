# SPDX-License-Identifier: Apache-2.0
"""Running the two programs, and any other, to a known end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aid.layers import lacking, without_lacking, without_lacks
from aid.processes import end_group, group_alive
from aid.wait import FOR_EVER

AGENT = "sqs-entropy-agent"
PRODUCER = "sqs-entropy-producer"
LEFT_OVER = 5  # seconds for what was told to end when its parent was killed
STARTUP = 2048  # bytes that the start-up test takes and discards
# For tests that are not about how many messages a producer sends: a burst of ten, as
# the article has it.
BURST, SIZE = 10, 512
TEN = ("-c", str(Path(__file__).with_name("ten.conf")))
# The configuration of an agent that is given none, so that no empty queue costs
# seconds; test_wait_time.py is about those.
LOOK = Path(__file__).with_name("look.conf")
RUN_TIMEOUT = FOR_EVER  # seconds; no program's own deadline is near it


@dataclass
class Result:
    """What a program did."""

    code: int  # negative: the signal that ended it
    out: bytes
    err: str
    seconds: float
    command: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The lines of the log."""
        return self.err.splitlines()


def looking(program: str, args: list[str]) -> list[str]:
    """Add LOOK to what seeds, unless it has a configuration or does not run."""
    others = ("-c", "--c", "--doctor", "--status", "-h", "--help", "-V", "--version")
    if program != AGENT or any(arg.startswith(others) for arg in args):
        return args
    return ["-c", str(LOOK), *args]


@dataclass
class Runner:
    """Starts programs and makes sure that they end, children included."""

    build: Path
    env: dict[str, str]
    started: list[subprocess.Popen[Any]] = field(default_factory=list)

    def start(
        self,
        program: str,
        *args: str | Path,
        env: dict[str, str] | None = None,
        **values: Any,
    ) -> subprocess.Popen[bytes]:
        """Start a program in the background; the fixture ends it."""
        path = program if "/" in program else str(self.build / program)
        if not os.access(path, os.X_OK):
            pytest.fail(f"{path} is not there: run make first")
        values.setdefault("stdin", subprocess.DEVNULL)
        values.setdefault("stdout", subprocess.PIPE)
        values.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [
                *lacking(Path(path), self.build),
                *looking(program, [str(arg) for arg in args]),
            ],
            env=self.env if env is None else env,
            start_new_session=True,
            **values,
        )
        self.started.append(process)
        return process

    def finish(
        self, process: subprocess.Popen[bytes], timeout: float = RUN_TIMEOUT
    ) -> Result:
        """Wait for a started program, killing it when it takes too long."""
        began = time.monotonic()
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            said = (err or b"").decode(errors="replace")
            pytest.fail(f"{process.args} ran for over {timeout} s and said:\n{said}")
        seconds = time.monotonic() - began
        self._no_leftovers(process)
        said = without_lacks((err or b"").decode("utf-8", "replace"))
        command = without_lacking([str(a) for a in process.args])  # type: ignore[union-attr]
        if (copy := self.build / "said").is_dir():  # for tests/diagnostics
            with (copy / str(os.getpid())).open("a") as file:
                file.write(said)
        return Result(process.returncode, out or b"", said, seconds, command)

    def __call__(
        self,
        program: str,
        *args: str | Path,
        env: dict[str, str] | None = None,
        timeout: float = RUN_TIMEOUT,
        **values: Any,
    ) -> Result:
        """Run a program to its end."""
        began = time.monotonic()
        process = self.start(program, *args, env=env, **values)
        result = self.finish(process, timeout)
        result.seconds = time.monotonic() - began
        return result

    def _no_leftovers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + LEFT_OVER
        while left := group_alive(process.pid):
            if time.monotonic() > deadline:
                pytest.fail(f"{process.args} ended and left {', '.join(left)} running")
            time.sleep(0.02)


@pytest.fixture
def run(build: Path, env: dict[str, str]) -> Iterator[Runner]:
    """Give a function that runs a built program, with its arguments after it.

    Its start() and finish() do the same in two steps.
    """
    runner = Runner(build, env)
    yield runner
    for process in runner.started:
        end_group(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
