# SPDX-License-Identifier: Apache-2.0
"""The fork into two halves: what each keeps, drops, and does when the other ends."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aid.halves import (
    IS_ROOT,
    check_common,
    check_files,
    check_powerless,
    check_user,
    halves,
    waiting_agent,
    waiting_producer,
)
from aid.kernel import needs_kernel
from aid.manager import Service
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, STARTUP, Runner
from aid.queue import Queue
from aid.source import fifo
from aid.sqsproxy import SqsProxy
from aid.trace import check_drop, needs_strace, networked, position, traced
from aid.users import (
    AGENT_OFFLINE,
    AGENT_ONLINE,
    PRODUCER_OFFLINE,
    PRODUCER_ONLINE,
)
from aid.wait import PATIENCE

CAP_SYS_ADMIN = 1 << 21
OWN_MEMORY_KIB = 819  # 0.8 MiB; half of that when this was written


def test_each_half_of_the_agent_holds_only_what_it_needs(
    run: Runner, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with waiting_agent(run, queue, proxy, "-o", output) as (online, offline):
        check_common(online)
        check_powerless(online, AGENT_ONLINE)
        check_files(online, set())
        check_common(offline)
        check_powerless(offline, AGENT_OFFLINE, missing=0)
        state = Path(run.env["STATE_DIRECTORY"], "seen")
        status = Path(run.env["RUNTIME_DIRECTORY"], "agent.json")
        check_files(offline, {str(output), str(state), str(status)})
        if IS_ROOT:
            assert offline.sockets() == 1
            assert str(state) in offline.files()


@needs_kernel
def test_the_agents_offline_half_has_one_capability_for_the_kernel(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    with waiting_agent(run, queue, proxy) as (online, offline):
        check_common(online)
        check_powerless(online, AGENT_ONLINE)
        check_files(online, set())
        check_common(offline)
        check_user(offline, AGENT_OFFLINE, missing=0)
        assert offline.capabilities() == {
            "CapInh": 0,
            "CapPrm": CAP_SYS_ADMIN,
            "CapEff": CAP_SYS_ADMIN,
            "CapBnd": CAP_SYS_ADMIN,
            "CapAmb": 0,
        }
        assert "/dev/random" in offline.files()
        assert offline.sockets() == 1


def test_each_half_of_the_producer_holds_only_what_it_needs(
    run: Runner, queue: Queue, proxy: SqsProxy, tmp_path: Path, key: Path
) -> None:
    with waiting_producer(run, queue, tmp_path, proxy, key) as (online, offline):
        for half in online, offline:
            check_common(half)
        check_powerless(online, PRODUCER_ONLINE)
        check_powerless(offline, PRODUCER_OFFLINE, missing=0)
        check_files(online, set())
        source = tmp_path / "source"
        state = Path(run.env["STATE_DIRECTORY"], "sequence")
        status = Path(run.env["RUNTIME_DIRECTORY"], "producer.json")
        check_files(offline, {str(source), str(state), str(status)})
        if IS_ROOT:
            assert str(source) in offline.files()
            assert offline.sockets() == 1


@pytest.mark.skipif(not IS_ROOT, reason="not root: the halves hide their memory")
def test_the_agents_offline_half_has_little_memory_of_its_own(
    run: Runner, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    with waiting_agent(run, queue, proxy, "-o", tmp_path / "output") as (_, offline):
        rollup = Path(f"/proc/{offline.pid}/smaps_rollup").read_text()
    own = re.search(r"^Private_Dirty: +(\d+) kB$", rollup, re.MULTILINE)
    assert own is not None
    assert int(own[1]) <= OWN_MEMORY_KIB


@needs_strace
def test_the_agent_drops_all_before_the_network(
    run: Runner, queue: Queue, tmp_path: Path
) -> None:
    queue.send(body(noise(512)))
    calls = traced(
        run, tmp_path, run.build / AGENT, "-q", queue.url, "-o", tmp_path / "out"
    )
    parent = calls[0].pid
    child = next(c.rc for c in calls if c.call in ("clone", "clone3", "fork") and c.rc)
    assert networked(calls, parent) == []
    dropped = check_drop(calls, child)
    assert networked(calls, child)[0] > dropped
    # It has an end of its own: the other half may not kill it.
    assert position(calls, "timer_settime", "", child) < dropped
    position(calls, "seccomp", "SECCOMP_SET_MODE_FILTER", parent)
    position(calls, "capset", "permitted=0", parent)
    # Core dumps are off before there are two, and before any secret.
    assert position(calls, "prctl", "PR_SET_DUMPABLE", parent) < next(
        i for i, c in enumerate(calls) if c.call == "socketpair"
    )


@needs_strace
def test_the_producer_drops_all_before_the_network(
    run: Runner, queue: Queue, tmp_path: Path, key: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(noise(1 << 16))
    file = tmp_path / "producer.conf"
    file.write_text(f'queue = "{queue.url}"\nsigning-key = "{key}"\nburst = 10\n')
    calls = traced(
        run, tmp_path, run.build / PRODUCER, "--once", "-c", file, "-d", source
    )
    parent = calls[0].pid
    child = next(c.rc for c in calls if c.call in ("clone", "clone3", "fork") and c.rc)
    assert networked(calls, parent) == []
    check_drop(calls, parent)
    assert networked(calls, child)[0] > check_drop(calls, child)
    assert len(queue.receive()) == 10


def test_only_the_offline_half_holds_the_managers_socket(
    start: Callable[..., Service], queue: Queue, source: Path
) -> None:
    service = start("-q", queue.url, "-d", source)
    service.wait_ready()
    online, offline = halves(service.process)
    if os.geteuid() != 0:
        pytest.skip("not root: the halves hide their descriptors")
    assert offline.sockets() == 2
    mine = {name for name in offline.files() if name.startswith("socket:")}
    assert mine.isdisjoint(online.files())
    service.stop()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGKILL, "signal 9 (Killed), out of memory?"),
        (signal.SIGQUIT, "signal 3 (Quit)"),
    ],
)
def test_the_end_of_the_online_half_is_seen_at_once(
    start: Callable[..., Service],
    queue: Queue,
    tmp_path: Path,
    run: Runner,
    number: int,
    words: str,
) -> None:
    """The producer does not first wait 30 s for its silent source."""
    with fifo(tmp_path) as (path, writer):
        service = start("-q", queue.url, "-d", path)
        os.write(writer, noise(STARTUP))
        service.wait_ready()
        time.sleep(0.3)
        os.kill(halves(service.process)[0].pid, number)
        ended = run.finish(service.process, timeout=PATIENCE)
    assert ended.code == 70, ended.err
    [line] = [line for line in ended.lines() if "was ended by" in line]
    assert line.endswith(f"the half that talks to the network was ended by {words}")
