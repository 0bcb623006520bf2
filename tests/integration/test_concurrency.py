# SPDX-License-Identifier: Apache-2.0
"""Many runs at once on one machine: they share its state, and its status."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

from aid.forge import send
from aid.kernel import needs_kernel
from aid.maker import Maker
from aid.manager import Service
from aid.payload import noise
from aid.programs import AGENT, PRODUCER, Runner
from aid.status import status
from aid.trace import needs_strace
from aid.verdicts import CREDIT, FORGETFUL, SEEN, Judge, Verdict
from aid.wait import PATIENCE, wait_until

AGENTS, MESSAGES, PAYLOADS = 50, 40, 8
TIMEOUT, GRACE = 60, 3  # seconds, and when a timer ends the agent itself


def test_of_fifty_agents_at_once_one_credits_a_payload(judge: Judge) -> None:
    """Each payload comes in five envelopes, of which one may earn credit."""
    payloads = [noise(64, seed) for seed in range(PAYLOADS)]
    send(
        judge.queue,
        *(
            judge.good.message(judge.queue, payload=payloads[i % PAYLOADS], bits=CREDIT)
            for i in range(MESSAGES)
        ),
    )
    conf = judge.conf(messages=1, wait_time=0, timeout=TIMEOUT)
    places = [judge.directory / f"run{i}" for i in range(AGENTS)]
    started = []
    for place in places:
        place.mkdir()
        env = {**judge.run.env, "RUNTIME_DIRECTORY": str(place)}
        args = ("-c", conf, "-o", place / "out")
        started.append(judge.run.start(AGENT, *args, env=env))
    most = TIMEOUT + GRACE + PATIENCE
    codes = Counter(judge.run.finish(one, most).code for one in started)
    assert codes == {0: MESSAGES, 75: AGENTS - MESSAGES}
    credited = Counter[bytes]()
    for place in places:
        for told in json.loads((place / "agent.json").read_text())["messages"]:
            verdict = Verdict.read(told)
            assert (
                verdict.credited(CREDIT)
                or verdict.mixed(SEEN)
                or (
                    # Whoever waits for the others for a quarter of its time goes on.
                    verdict.mixed(FORGETFUL)
                )
            ), verdict
            credited[(place / "out").read_bytes()] += verdict.credited()
    assert set(credited) == set(payloads)
    assert max(credited.values()) == 1
    # The memory is whole: it knows what was credited, and takes more.
    known = [payload for payload, n in credited.items() if n]
    again = judge(*(judge.message(payload=payload) for payload in known))
    assert all(verdict.mixed(SEEN) for verdict in again)


@contextlib.contextmanager
def readers(run: Runner, program: str) -> Iterator[list[dict[str, Any]]]:
    """Ask for the status without a pause; give what was told, none of it torn."""
    ending = threading.Event()
    told: list[dict[str, Any]] = []
    wrong: list[str] = []

    def ask() -> None:
        while not ending.is_set():
            done = subprocess.run(
                [run.build / program, "--status", "--json"],
                env=run.env,
                capture_output=True,
                check=False,
            )
            if done.returncode == 0:
                told.append(json.loads(done.stdout))
            elif done.returncode != 75:  # 75: none was written so far
                wrong.append(done.stderr.decode())

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield told
    finally:
        ending.set()
        thread.join()
    assert not wrong, wrong
    assert told


def test_a_status_is_never_torn_by_the_next_runs(judge: Judge) -> None:
    """They have no order, because somebody else has locked the memory."""
    assert judge() == []
    conf = judge.conf(messages=10, wait_time=0, timeout=2)
    with readers(judge.run, AGENT) as told, judge.state.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        for count in (10, 0, 3, 1):  # of messages: long and short documents
            send(judge.queue, *(judge.message() for _ in range(count)))
            args = [("-c", conf, "-o", judge.directory / f"o{i}") for i in range(4)]
            started = [judge.run.start(AGENT, *a) for a in args]
            for one in started:
                assert judge.run.finish(one).code in (0, 69, 75)
    assert len({document["boottime"] for document in told}) > 1


@needs_strace
def test_of_two_runs_that_write_the_status_at_once_one_remains(judge: Judge) -> None:
    """The first stops when it has written, before it cuts the file to its length."""
    judge()
    send(judge.queue, *(judge.message() for _ in range(10)))
    path = Path(judge.run.env["RUNTIME_DIRECTORY"], "agent.json")
    path.unlink()
    with judge.state.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        slow = judge.run.start(
            str(shutil.which("strace")),
            *("-f", "-qq", "-o", os.devnull, "-P", path, "-e", "trace=pwrite64"),
            *("-e", "inject=pwrite64:signal=STOP:when=1"),
            judge.run.build / AGENT,
            *("-c", judge.conf(timeout=15), "-o", judge.directory / "slow"),
        )
        wait_until(lambda: path.exists() and path.stat().st_size > 0)
        long = path.stat().st_size
        fast = judge.conf(messages=1, wait_time=0, timeout=15)
        assert judge.run(AGENT, "-c", fast, "-o", judge.directory / "fast").code == 75
        assert path.stat().st_size < long
        assert slow.poll() is None, "it was not held up"
        os.killpg(slow.pid, signal.SIGCONT)
        assert judge.run.finish(slow).code == 0
    got = judge.run(AGENT, "--status", "--json")
    assert got.code == 0, got.err
    assert json.loads(got.out)["received"] == 10


@needs_kernel
def test_a_run_in_vain_forgets_nothing_that_another_did_meanwhile(judge: Judge) -> None:
    assert judge() == []
    conf = judge.conf(messages=1, wait_time=0, timeout=8)
    gate = threading.Event()
    judge.proxy.forget()
    judge.proxy.fault("ReceiveMessage", gate=gate)
    with judge.state.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        slow = judge.run.start(AGENT, "-c", conf)
        # It has read what runs before it did, and found the queue empty.
        wait_until(
            lambda: any(
                "upstream" in record.note
                for record in judge.proxy.matching("ReceiveMessage")
            )
        )
        send(judge.queue, judge.message())
        assert judge.run(AGENT, "-c", conf).code == 0
        seeded = status(judge.run)["injected"]
        gate.set()
        assert judge.run.finish(slow).code == 75
    told = status(judge.run)
    assert (told["result"], told["injected"]) == ("nothing to do", seeded)
    got = judge.run(AGENT, "-c", conf, "--unless-seeded", "600")
    assert "nothing to do" in got.err


def numbers(maker: Maker) -> list[int]:
    """The sequence numbers of the messages that are in the queue."""
    return [int(message.claims()["seq"]) for message in maker.messages()]


def test_of_producers_that_start_at_once_one_numbers_messages(maker: Maker) -> None:
    maker.sign()
    conf = maker.conf(low_watermark=1000)
    file = Path(maker.run.env["STATE_DIRECTORY"], "sequence")
    for turn in range(3):
        if turn < 2:  # the file is made while others make it
            file.unlink(missing_ok=True)
        started = [maker.run.start(PRODUCER, "--once", "-c", conf) for _ in range(8)]
        ended = [maker.run.finish(one) for one in started]
        served = sum(one.code == 0 for one in ended)
        assert served > 0
        for one in ended:
            assert one.code in (0, 69), one.err
            assert one.code == 0 or "another producer uses" in one.err, one.err
        found = numbers(maker)
        assert len(found) == len(set(found)) == served * 10
        assert [path.name for path in file.parent.iterdir()] == ["sequence"]


def move_over(source: Path, target: Path) -> None:
    """Install a program as packages do: a new file takes the name."""
    new = target.with_name(target.name + ".new")
    shutil.copy2(source, new)
    new.rename(target)


def break_program(installed: Path) -> None:
    """Put what cannot even be run in the place of a program."""
    broken = installed.with_name("broken")
    broken.write_text("")
    broken.rename(installed)


def test_an_upgrade_under_a_producer_that_runs(maker: Maker, tmp_path: Path) -> None:
    """It goes on as the old program; the next start is the new one."""
    maker.sign()
    installed = tmp_path / PRODUCER
    move_over(maker.run.build / PRODUCER, installed)
    gate = threading.Event()
    maker.judge.proxy.fault("GetQueueAttributes", gate=gate)
    old = maker.run.start(str(installed), "-c", maker.conf())
    wait_until(lambda: bool(maker.judge.proxy.matching("GetQueueAttributes")))
    break_program(installed)
    assert Path(f"/proc/{old.pid}/exe").readlink().name.endswith("(deleted)")
    gate.set()
    wait_until(lambda: maker.queue.depth()[0] == 10)
    seen = numbers(maker)
    move_over(maker.run.build / PRODUCER, installed)
    told = maker.run(str(installed), "--status", "--json")
    assert (told.code, json.loads(told.out)["state"]) == (0, "running")
    old.send_signal(signal.SIGTERM)
    assert maker.run.finish(old).code == 0
    assert maker.run(str(installed), "--once", "-c", maker.conf()).code == 0
    seen += numbers(maker)
    assert len(set(seen)) == len(seen) == 20
    assert seen == sorted(seen)


def test_an_upgrade_under_an_agent_that_runs(judge: Judge, tmp_path: Path) -> None:
    installed = tmp_path / AGENT
    move_over(judge.run.build / AGENT, installed)
    message = judge.message()
    send(judge.queue, message)
    gate = threading.Event()
    judge.proxy.fault("ReceiveMessage", gate=gate)
    args = ("-c", judge.conf(), "-t", "60", "-o", judge.directory / "out")
    old = judge.run.start(str(installed), *args)
    wait_until(lambda: bool(judge.proxy.matching("ReceiveMessage")))
    break_program(installed)
    gate.set()
    assert judge.run.finish(old).code == 0
    assert (judge.directory / "out").read_bytes() == message.payload
    # The next program knows what this one has used.
    assert judge.one(judge.message(payload=message.payload)).mixed(SEEN)


def test_the_status_of_a_producer_that_is_restarted_is_never_torn(
    maker: Maker, start: Callable[..., Service]
) -> None:
    """Ten starts, of which every other one is killed at work."""
    maker.settings |= {"low_watermark": 100000, "burst": 10, "interval": 1}
    with readers(maker.run, PRODUCER) as told:
        for turn in range(10):
            service = start("-c", maker.conf())
            service.wait_ready()
            for _ in range(10):
                service.process.send_signal(signal.SIGHUP)
                time.sleep(0.01)
            if turn % 2:
                service.process.kill()
                service.run.finish(service.process)
            else:
                service.stop()
            service.manager.heard.clear()
    assert {"running", "ended"} <= {document["state"] for document in told}
