# SPDX-License-Identifier: Apache-2.0
"""--unless-seeded: a run is left out when another one has seeded the kernel."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aid.imds import Imds
from aid.kernel import needs_kernel
from aid.payload import body, noise
from aid.programs import AGENT, Result, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsFault, SqsProxy
from aid.status import BOOT_ID, pretend, status
from aid.wait import PATIENCE, wait_until

HOUR = 3600.0


def asked(run: Runner, queue: Queue, proxy: SqsProxy, *args: str | Path) -> bool:
    """Whether an agent whose output is the kernel goes to the queue."""
    before = len(proxy.records)
    got = run(AGENT, "-q", queue.url, *args)
    done = len(proxy.records) > before
    # The queue is empty. Without the right to inject it ends before.
    assert done or got.code == 0, got.err
    assert ("nothing to do" in got.err) == (not done)
    return done


def test_without_the_option_nothing_is_left_out(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    pretend(run, injected=5)
    got = run(AGENT, "-q", queue.url)
    assert "nothing to do" not in got.err


def test_a_seeded_kernel_is_left_alone(
    run: Runner, queue: Queue, proxy: SqsProxy, imds: Imds
) -> None:
    queue.send(body(noise(512)))
    file = pretend(run, injected=5)
    before = file.read_bytes()
    got = run(AGENT, "-q", queue.url, "--unless-seeded", "600")
    assert got.code == 0, got.err
    found = re.search(r"seeded (\d+) s ago", got.err)
    assert found is not None, got.err
    assert 5 <= int(found[1]) < 5 + PATIENCE
    assert len(got.lines()) == 1
    assert proxy.records == []
    assert imds.records == []
    assert queue.depth() == (1, 0)
    # Not even a state file.
    assert list(Path(run.env["STATE_DIRECTORY"]).iterdir()) == []
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_an_output_is_written_all_the_same(
    run: Runner, queue: Queue, conf: Callable[..., Path]
) -> None:
    pretend(run, injected=5)
    for seed in range(2):
        queue.send(body(noise(512, seed)))
    got = run(AGENT, "-q", queue.url, "--unless-seeded", "600", "-o", "-")
    assert (got.code, len(got.out)) == (0, 512), got.err
    file = conf(queue=queue.url, output=os.devnull)
    got = run(AGENT, "-c", file, "--unless-seeded", "600")
    assert got.code == 0, got.err
    assert queue.depth() == (0, 0)


@needs_kernel
@pytest.mark.parametrize(
    ("ago", "credited", "args", "done"),
    [
        (40.0, None, [], True),
        (101.0, None, [], False),
        (-HOUR, None, [], False),  # the future
        (5.0, None, ["--strict"], False),  # it gave no credit
        (5.0, 40.0, ["--strict"], True),
        (5.0, 101.0, ["--strict"], False),
        (5.0, None, ["--strict", "--best-effort"], True),  # the last one holds
        (5.0, None, ["--best-effort", "--strict"], False),
    ],
)
def test_a_run_counts_by_its_age_and_its_credit(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    ago: float,
    credited: float | None,
    args: list[str],
    done: bool,
) -> None:
    times = (
        {"injected": ago}
        if credited is None
        else {"injected": ago, "credited": credited}
    )
    pretend(run, **times)
    assert asked(run, queue, proxy, "--unless-seeded", "100", *args) != done


@needs_kernel
@pytest.mark.parametrize(
    ("ago", "waited", "args", "tried"),
    [
        (5.0, 9.9, [], False),
        (40.0, 9.9, [], False),
        (61.0, 9.9, [], True),
        (5.0, 3.0, [], True),  # the rest of the time-out
        (5.0, 9.9, ["-t", "20"], True),
        (5.0, 9.9, ["--strict"], True),
        (-HOUR, 9.9, [], True),  # the future
    ],
)
def test_a_boot_waits_once(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    ago: float,
    waited: float,
    args: list[str],
    tried: bool,
) -> None:
    pretend(run, failed=ago, waited=waited)
    got = run(AGENT, "-q", queue.url, "--unless-seeded", "600", *args)
    assert got.code == (75 if tried else 69), got.err
    assert (len(proxy.records) > 0) == tried
    assert ("waited in vain" in got.err) == (not tried)


@needs_kernel
def test_what_was_waited_is_written_down(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    proxy.add(SqsFault(match="ReceiveMessage", count=None, delay=300.0))
    got = run(AGENT, "-q", queue.url, "-t", "2", "--unless-seeded", "600")
    assert got.code == 69, got.err
    first = status(run)
    assert 1500 <= int(str(first["waited"])) < 2000 + 1000 * PATIENCE
    asked = len(proxy.records)
    got = run(AGENT, "-q", queue.url, "-t", "2", "--unless-seeded", "600")
    assert (got.code, "waited in vain" in got.err) == (69, True), got.err
    assert len(proxy.records) == asked
    # The next try, a minute later, is no continuation.
    assert status(run) == first


@needs_kernel
def test_a_boot_waits_once_for_a_message(
    run: Runner, queue: Queue, proxy: SqsProxy, conf: Callable[..., Path]
) -> None:
    """And what comes a moment later still looks whether there is one."""
    command = ["-c", conf(queue=queue.url, timeout=5), "--unless-seeded", "600"]
    got = run(AGENT, *command)
    assert got.code == 75, got.err
    # The last two seconds are not counted, however slow the machine is.
    assert 2000 <= int(str(status(run)["waited"])) <= 3000
    proxy.forget()
    got = run(AGENT, *command)
    assert got.code == 75, got.err
    asked = [json.loads(r.note["request"]) for r in proxy.matching("ReceiveMessage")]
    assert [request["WaitTimeSeconds"] for request in asked] == [0]


@needs_kernel
@pytest.mark.parametrize("cut", [0, 1, 8, 48, 87])
def test_a_damaged_file_counts_for_none(
    run: Runner, queue: Queue, proxy: SqsProxy, cut: int
) -> None:
    file = pretend(run, injected=5)
    file.write_bytes(file.read_bytes()[:cut])
    assert asked(run, queue, proxy, "--unless-seeded", "600")


def seed(run: Runner, queue: Queue, *args: str) -> Result:
    """Inject one message."""
    queue.send(body(noise(512)))
    got = run(AGENT, "-q", queue.url, *args)
    assert "into the kernel" in got.err
    return got


@needs_kernel
def test_a_run_is_remembered_by_those_that_follow(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    began = time.clock_gettime(time.CLOCK_BOOTTIME) * 1000
    assert seed(run, queue).code == 0
    first = status(run)
    assert began - 1 <= int(first["injected"]) <= int(first["boottime"])
    assert first["credited"] == 0
    assert first["boot"] == BOOT_ID.read_text().strip()
    assert not asked(run, queue, proxy, "--unless-seeded", "600")
    # One that finds nothing does not make it forgotten.
    assert run(AGENT, "-q", queue.url).code == 75
    assert status(run)["injected"] == first["injected"]
    assert int(status(run)["boottime"]) > int(first["boottime"])
    assert not asked(run, queue, proxy, "--unless-seeded", "600")
    shown = run(AGENT, "--status")
    assert b"kernel last seeded: " in shown.out
    assert b"with credit" not in shown.out


@needs_kernel
def test_a_run_that_failed_does_not_count(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    assert seed(run, queue, "--strict").code == 65
    assert status(run)["injected"] == 0
    assert asked(run, queue, proxy, "--unless-seeded", "600")
    assert b"seeded" not in run(AGENT, "--status").out


@needs_kernel
def test_credit_is_remembered(
    run: Runner, queue: Queue, conf: Callable[..., Path]
) -> None:
    queue.send(body(noise(512)))
    file = conf(queue=queue.url, unsigned="credit", unsigned_bits_per_byte=8)
    got = run(AGENT, "-c", file)
    assert got.code == 0, got.err
    assert status(run)["credited"] == status(run)["injected"] != 0
    assert b"with credit: " in run(AGENT, "--status").out
    again = run(AGENT, "-c", file, "--unless-seeded", "600", "--strict")
    assert again.code == 0, again.err
    assert "nothing to do" in again.err


@needs_kernel
def test_of_two_runs_at_once_one_seeds(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    """cloud-init and a unit may start the agent at the same time."""
    for number in range(2):
        queue.send(body(noise(512, number)))
    proxy.add(SqsFault(match="ReceiveMessage", hold=1))
    args = ["-q", queue.url, "--unless-seeded", "600"]
    started = [run.start(AGENT, *args) for _ in range(2)]
    ended = [run.finish(process) for process in started]
    assert [got.code for got in ended] == [0, 0], ended
    said = sorted("nothing to do" in got.err for got in ended)
    assert said == [False, True], ended
    assert queue.depth() == (1, 0)


@needs_kernel
@pytest.mark.parametrize("args", [[], ["--unless-seeded", "600"]])
def test_a_clone_is_seeded_whatever_was_before(
    run: Runner, queue: Queue, args: list[str]
) -> None:
    pretend(run, injected=5, credited=5)
    assert seed(run, queue, *args, "--forked").code == 0
    first = status(run)
    assert int(str(first["injected"])) >= int(str(first["forked"])) > 0
    assert first["credited"] == 0
    # From then on it is a machine as any other.
    got = run(AGENT, "-q", queue.url, "--unless-seeded", "600")
    assert (got.code, "nothing to do" in got.err) == (0, True), got.err


@needs_kernel
def test_a_clone_that_finds_no_message_is_not_seeded(
    run: Runner, queue: Queue, proxy: SqsProxy, conf: Callable[..., Path]
) -> None:
    pretend(run, injected=5, credited=5, failed=1, waited=9)
    got = run(AGENT, "-c", conf(queue=queue.url, wait_time=0), "--forked")
    assert got.code == 75, got.err
    assert b"seeded" not in run(AGENT, "--status").out
    assert asked(run, queue, proxy, "--unless-seeded", "600")


@needs_kernel
def test_what_the_template_began_seeds_no_clone(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    """All clones end that run with the same bytes."""
    queue.send(body(noise(512)))
    cloned = threading.Event()
    proxy.add(SqsFault(match="ReceiveMessage", gate=cloned))
    process = run.start(AGENT, "-q", queue.url)
    wait_until(lambda: bool(proxy.matching("ReceiveMessage")))
    pretend(run, forked=0)
    cloned.set()
    got = run.finish(process)
    assert got.code == 0, got.err
    assert "into the kernel" in got.err
    assert status(run)["injected"] == 0


def test_a_clone_without_a_place_to_note_it_says_so(
    run: Runner, queue: Queue, tmp_path: Path
) -> None:
    """A file in the place of the directory."""
    (tmp_path / "file").write_text("")
    run.env["RUNTIME_DIRECTORY"] = str(tmp_path / "file")
    got = run(AGENT, "-q", queue.url, "--forked", "-t", "3")
    assert "cannot note that this machine was cloned: a later run" in got.err


@pytest.mark.parametrize("value", ["0", "604801", "-5", "1.5", "ten", ""])
def test_values_that_are_no_time_are_refused(run: Runner, value: str) -> None:
    got = run(AGENT, "--unless-seeded", value)
    assert got.code == 64, got.err
    assert "--unless-seeded" in got.err


def test_the_file_has_no_such_key(run: Runner, conf: Callable[..., Path]) -> None:
    got = run(AGENT, "-c", conf(unless_seeded=5), "--check")
    assert got.code == 78, got.err
