# SPDX-License-Identifier: Apache-2.0
"""Landlock: the files that each half can still get at, and when it gave up others."""

from __future__ import annotations

from pathlib import Path

import pytest

from aid.forbidden import HALVES, PROGRAMS, not_refused, try_forbidden
from aid.halves import has_landlock
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, TEN, Runner
from aid.queue import Queue
from aid.trace import Call, needs_strace, position, traced

pytestmark = pytest.mark.skipif(
    not has_landlock(), reason="this kernel has no Landlock, or does not use it"
)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("half", HALVES)
def test_files_that_a_half_does_not_need_are_refused(
    run: Runner, tmp_path: Path, program: str, half: str
) -> None:
    tried = try_forbidden(run, tmp_path, program, half)
    tried = {n: e for n, e in tried.items() if n.startswith("landlock-")}
    assert {"landlock-root", "landlock-home"} <= set(tried)
    if half == "offline":
        # Who looks up no names needs no file of /etc.
        assert "landlock-passwd" in tried
    assert not_refused(tried) == {}
    assert (tmp_path / "victim").exists()


def check_order(calls: list[Call], pid: int) -> None:
    """A half restricts itself after it gave up new privileges, before its filter."""
    restricted = position(calls, "landlock_restrict_self", "", pid)
    assert position(calls, "prctl", "PR_SET_NO_NEW_PRIVS, 1", pid) < restricted
    assert restricted < position(calls, "seccomp", "SECCOMP_SET_MODE_FILTER", pid)


def both(calls: list[Call]) -> tuple[int, int]:
    """The process that was started, and the one that it forked."""
    forks = ("clone", "clone3", "fork")
    return calls[0].pid, next(c.rc for c in calls if c.call in forks and c.rc)


@needs_strace
def test_both_halves_of_the_agent_restrict_themselves(
    run: Runner, queue: Queue, tmp_path: Path
) -> None:
    queue.send(body(noise(512)))
    command = (run.build / AGENT, "-q", queue.url, "-o", tmp_path / "out")
    calls = traced(run, tmp_path, *command)
    for pid in both(calls):
        check_order(calls, pid)


@needs_strace
def test_both_halves_of_the_producer_restrict_themselves(
    run: Runner, queue: Queue, source: Path, tmp_path: Path
) -> None:
    command = (run.build / PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
    calls = traced(run, tmp_path, *command)
    for pid in both(calls):
        check_order(calls, pid)
