# SPDX-License-Identifier: Apache-2.0
"""The agent ends by its deadline, whoever is silent or slow."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from aid.attack import Attack, fails, fill, one_line, untouched
from aid.certificates import Certificate
from aid.errors import PASSING
from aid.forge import send
from aid.programs import AGENT, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsFault, SqsProxy
from aid.tls import Serve, bundled
from aid.verdicts import Judge
from aid.watch import DOCUMENT, PUT, ROLES


def test_the_agent_keeps_its_deadline_when_sqs_is_silent(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    proxy.add(SqsFault(match="*", count=None, end="silence"))
    got = run(AGENT, "-q", queue.url, "-o", "-", "-t", "2")
    assert got.code == 69, got.err
    assert 1.5 < got.seconds < 2.9
    assert len(got.lines()) == 1


def test_an_endless_answer_keeps_the_deadline(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    proxy.fault(
        "ReceiveMessage", count=None, status=200, body="{}", trickle=0.05, pad=5000
    )
    got = attack.agent("-q", queue.url, timeout=1)
    line = one_line(got, 69, "ReceiveMessage")
    assert "in time" in line
    assert queue.depth() == (1, 0)


def test_no_pause_passes_the_deadline(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    proxy.fault("*", count=None, delay=0.9, **PASSING["503"])
    got = attack.agent("-q", queue.url, timeout=1)
    fails(got, 69, "ReceiveMessage")
    assert queue.depth() == (1, 0)


def test_a_handshake_that_hangs_keeps_the_deadline(
    attack: Attack, queue: Queue, serve: Serve, certificate: Certificate
) -> None:
    fill(queue)
    proxy = serve(certificate)
    proxy.fault("connect", count=None, end="silence")
    env = bundled(attack, proxy, certificate.path)
    got = attack.agent("-q", queue.url, env=env, timeout=1)
    fails(got, 69, "ReceiveMessage", "in time")
    assert got.seconds < 1.6
    assert queue.depth() == (1, 0)


@pytest.mark.parametrize(
    ("match", "fault"),
    [
        (DOCUMENT, {"trickle": 0.02}),
        (PUT, {"trickle": 0.3}),
        ("GET */region", {"truncate": 2, "end": "silence"}),
        (PUT, {"end": "silence"}),
        (ROLES, {"status": 503}),
    ],
    ids=["a long trickle", "a slow trickle", "a stall", "silence", "503"],
)
def test_slowness_keeps_the_deadline(
    attack: Attack, queue: Queue, proxy: SqsProxy, match: str, fault: dict[str, Any]
) -> None:
    fill(queue)
    attack.imds.fault(match, count=None, **fault)
    got = attack.agent("-q", queue.url, timeout=1)
    fails(got, got.code, "IMDS")
    assert got.code in (69, 77), got.err
    assert got.seconds < 1.6
    untouched(queue, proxy)


def test_an_agent_waits_for_another_no_longer_than_its_deadline(
    judge: Judge, proxy: SqsProxy
) -> None:
    send(judge.queue, judge.message())
    proxy.fault("ReceiveMessage", count=1, end="silence")
    first = judge.run.start(AGENT, "-c", judge.conf(), "-o", os.devnull, "-t", "8")
    while not judge.state.exists() or not proxy.records:
        assert first.poll() is None
        time.sleep(0.02)
    run = judge.look("-t", "1")
    assert run.result.code == 69, run.result.err
    assert run.result.seconds < 3
    assert run.status["credit"] == 0
    assert judge.queue.depth() == (1, 0)
