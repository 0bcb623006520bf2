# SPDX-License-Identifier: Apache-2.0
"""The agent ends by its deadline, whoever is silent or slow."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from aid.attack import Attack, fails, fill, one_line, untouched
from aid.certificates import Certificate
from aid.errors import PASSING
from aid.forge import send
from aid.imds import Imds
from aid.payload import body, noise
from aid.programs import AGENT, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsFault, SqsProxy
from aid.standin import StandIn
from aid.tls import Serve, bundled
from aid.trace import waits
from aid.verdicts import Judge
from aid.wait import PATIENCE, wait_until
from aid.watch import DOCUMENT, PUT, ROLES

ROUNDING = 50  # ms: each wait is rounded, some of them up


def test_the_agent_keeps_its_deadline_when_sqs_is_silent(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    proxy.add(SqsFault(match="*", count=None, end="silence"))
    got = run(AGENT, "-q", queue.url, "-o", "-", "-t", "2")
    assert got.code == 69, got.err
    # Not before its time; without a deadline, never.
    assert 1.5 < got.seconds < 2 + PATIENCE
    assert len(got.lines()) == 1


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("silent", ["sqs", "imds"])
def test_no_half_means_to_wait_beyond_the_deadline(
    run: Runner, queue: Queue, proxy: SqsProxy, imds: Imds, tmp_path: Path, silent: str
) -> None:
    """To the millisecond, on a busy machine too: what counts is what they ask for."""
    standin: StandIn = proxy if silent == "sqs" else imds
    standin.fault(count=None, end="silence")
    command = [run.build / AGENT, "-q", queue.url, "-o", "-", "-t", "5"]
    got, offline, online = waits(run, tmp_path, *command)
    assert got.code == 69, got.err
    assert 1000 < online <= 5000 + ROUNDING
    # It grants the other half 300 ms, and waits for its end in small steps.
    assert offline <= 5500 + ROUNDING


def test_an_endless_answer_keeps_the_deadline(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    proxy.fault(
        "ReceiveMessage", count=None, status=200, body="{}", trickle=0.05, pad=5000
    )
    # All of it would take four minutes.
    got = attack.agent("-q", queue.url, timeout=5)
    line = one_line(got, 69, "ReceiveMessage")
    assert "in time" in line
    assert queue.depth() == (1, 0)


def test_no_pause_passes_the_deadline(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    proxy.fault("*", count=None, delay=4.5, **PASSING["503"])
    got = attack.agent("-q", queue.url, timeout=5)
    fails(got, 69, "ReceiveMessage")
    assert queue.depth() == (1, 0)


def test_a_handshake_that_hangs_keeps_the_deadline(
    attack: Attack, queue: Queue, serve: Serve, certificate: Certificate
) -> None:
    fill(queue)
    proxy = serve(certificate)
    proxy.fault("connect", count=None, end="silence")
    env = bundled(attack, proxy, certificate.path)
    # The handshake would hang for ever, and the next try as well.
    got = attack.agent("-q", queue.url, env=env, timeout=4)
    fails(got, 69, "ReceiveMessage", "in time")
    assert queue.depth() == (1, 0)


@pytest.mark.parametrize(
    ("match", "fault"),
    [
        (DOCUMENT, {"trickle": 0.05}),
        (PUT, {"trickle": 0.5}),
        ("GET */region", {"truncate": 2, "end": "silence"}),
        (PUT, {"end": "silence"}),
    ],
    ids=["a long trickle", "a slow trickle", "a stall", "silence"],
)
def test_slowness_keeps_the_deadline(
    attack: Attack, queue: Queue, proxy: SqsProxy, match: str, fault: dict[str, Any]
) -> None:
    """The trickles would take a minute or more, and the others last for ever."""
    fill(queue)
    attack.imds.fault(match, count=None, **fault)
    got = attack.agent("-q", queue.url, timeout=2)
    fails(got, 69, "IMDS", "in the time allowed")
    untouched(queue, proxy)


def test_an_imds_that_is_throttled_is_asked_with_pauses(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    attack.imds.fault(ROLES, count=None, status=503)
    fails(attack.agent("-q", queue.url, timeout=2), 69, "IMDS", "503")
    assert 1 < len(attack.imds.matching(ROLES)) < 10
    untouched(queue, proxy)


def test_an_agent_goes_on_beside_another_that_is_slow(
    judge: Judge, proxy: SqsProxy
) -> None:
    """It waits a share of its time, and then gives no credit."""
    send(judge.queue, judge.message())
    proxy.fault("ReceiveMessage", count=1, end="silence")
    first = judge.run.start(AGENT, "-c", judge.conf(), "-o", os.devnull, "-t", "120")
    wait_until(lambda: judge.state.exists() and bool(proxy.records))
    run = judge.look("-t", "30")
    assert run.result.code == 0, run.result.err
    # The first one still holds the memory of used messages.
    assert first.poll() is None
    assert run.status["credit"] == 0
    assert judge.queue.depth() == (0, 0)


def test_an_output_that_nobody_opens_keeps_the_deadline(
    attack: Attack, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    fill(queue)
    os.mkfifo(tmp_path / "fifo")
    got = attack.agent("-q", queue.url, output=tmp_path / "fifo", timeout=1)
    fails(got, 69, "nobody has opened", str(tmp_path / "fifo"))
    untouched(queue, proxy)


def test_an_output_that_nobody_can_open_is_not_waited_for(
    attack: Attack, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    """A socket gives the same error as a FIFO without a reader."""
    fill(queue)
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "socket"))
        got = attack.agent("-q", queue.url, output=tmp_path / "socket", timeout=300)
    fails(got, 70, "cannot open", str(tmp_path / "socket"))
    untouched(queue, proxy)


def test_an_output_that_is_opened_late_gets_all(
    attack: Attack, queue: Queue, tmp_path: Path
) -> None:
    [payload] = fill(queue)
    os.mkfifo(tmp_path / "fifo")
    process = attack.run.start(AGENT, "-q", queue.url, "-o", tmp_path / "fifo")
    assert (tmp_path / "fifo").read_bytes() == payload
    assert attack.run.finish(process).code == 0


@pytest.mark.parametrize("standard", [True, False])
def test_an_output_that_is_not_read_keeps_the_deadline(
    run: Runner, queue: Queue, tmp_path: Path, standard: bool
) -> None:
    for seed in range(10):
        queue.send(body(noise(16384, seed)))
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(tmp_path / "fifo", os.O_WRONLY)
    output = "-" if standard else tmp_path / "fifo"
    args = ["-q", queue.url, "-m", "10", "-t", "5", "-o", output]
    got = run(AGENT, *args, stdout=writer)
    os.close(writer)
    os.close(reader)
    assert got.code == 69, got.err
    assert "is read too slowly for --timeout" in got.err
