# SPDX-License-Identifier: Apache-2.0
"""An empty queue: a message is waited for, with time left for its delete."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from aid.payload import body, noise
from aid.programs import AGENT, Result, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.wait import wait_until

RECEIVE = "ReceiveMessage"
EMPTY = 75
# Seconds; a time-out that no busy machine reaches, and a wait that would.
LONG = 300
REST = 2  # seconds of a time-out in which no poll goes on


class Bench(NamedTuple):
    """Runs agents on queues behind a proxy."""

    run: Runner
    proxy: SqsProxy
    conf: Callable[..., Path]

    def command(self, *queues: Queue, **values: object) -> list[str]:
        """Build the words of a run that writes what it got to standard output."""
        words = ["-c", str(self.conf(**values)), "-o", "-", "-v"]
        return words + [word for queue in queues for word in ("-q", queue.url)]

    def ask(self, *queues: Queue, **values: object) -> Result:
        """Run the agent to its end."""
        return self.run(AGENT, *self.command(*queues, **values))

    def waits(self) -> list[int]:
        """How long each receive was to wait."""
        asked = [json.loads(r.note["request"]) for r in self.proxy.matching(RECEIVE)]
        return [request["WaitTimeSeconds"] for request in asked]


@pytest.fixture
def bench(run: Runner, proxy: SqsProxy, conf: Callable[..., Path]) -> Bench:
    """Give a bench whose proxy keeps the requests."""
    return Bench(run, proxy, conf)


def test_a_message_that_comes_late_is_used(bench: Bench, queue: Queue) -> None:
    payload = noise(512)
    words = bench.command(queue, timeout=LONG, wait_time=LONG)
    process = bench.run.start(AGENT, *words)
    wait_until(lambda: len(bench.proxy.matching(RECEIVE)) > 1)
    queue.send(body(payload))
    got = bench.run.finish(process)
    assert (got.code, got.out) == (0, payload), got.err
    assert bench.waits() == [1, 20]
    assert queue.depth() == (0, 0)


def test_a_message_in_any_queue_ends_the_wait(
    bench: Bench, make_queue: Callable[..., Queue]
) -> None:
    """And no queue has to wait for the end of another's time."""
    payload = noise(512)
    queues = [make_queue() for _ in range(2)]
    words = bench.command(*queues, timeout=LONG, wait_time=LONG)
    process = bench.run.start(AGENT, *words)
    wait_until(lambda: len(bench.proxy.matching(RECEIVE)) > 2)
    queues[1].send(body(payload))
    got = bench.run.finish(process)
    assert (got.code, got.out) == (0, payload), got.err
    assert bench.waits() == [1, 1, 2, 2]


def test_a_queue_that_stays_empty_ends_with_75(bench: Bench, queue: Queue) -> None:
    got = bench.ask(queue, timeout=LONG, wait_time=2)
    assert (got.code, got.out) == (EMPTY, b""), got.err
    assert got.lines()[-1].endswith(f"the queue {queue.url} is empty")
    assert bench.waits() == [1, 2]
    assert got.seconds >= 3


def test_whoever_may_not_wait_looks_once(bench: Bench, queue: Queue) -> None:
    got = bench.ask(queue, timeout=LONG, wait_time=0)
    assert got.code == EMPTY, got.err
    assert bench.waits() == [1]


def test_the_time_for_the_delete_is_left(bench: Bench, queue: Queue) -> None:
    """However busy the machine is: the sum of the polls leaves it."""
    got = bench.ask(queue, timeout=5, wait_time=LONG)
    assert got.code == EMPTY, got.err
    assert sum(bench.waits()) <= 5 - REST


def test_a_poll_that_fails_is_made_anew(bench: Bench, queue: Queue) -> None:
    payload = noise(512)
    bench.proxy.fault(RECEIVE, skip=1, status=503)
    words = bench.command(queue, timeout=LONG, wait_time=LONG)
    process = bench.run.start(AGENT, *words)
    wait_until(lambda: len(bench.proxy.matching(RECEIVE)) > 2)
    queue.send(body(payload))
    got = bench.run.finish(process)
    assert (got.code, got.out) == (0, payload), got.err
    assert "could not wait for a message: ReceiveMessage" in got.err
    assert len(bench.proxy.matching(RECEIVE)) == 3


@pytest.mark.parametrize("status", [200, 504])
def test_who_does_not_let_it_wait_is_not_asked_in_a_loop(
    bench: Bench, queue: Queue, status: int
) -> None:
    """And the queue stays an empty one, if it was so when it could be asked."""
    bench.proxy.fault(RECEIVE, skip=1, count=None, status=status, body="{}")
    got = bench.ask(queue, timeout=LONG, wait_time=2)
    assert got.code == EMPTY, got.err
    assert f"the queue {queue.url} is empty" in got.lines()[-1]
    # The look, and one each second; a short one that failed is tried again.
    assert len(bench.proxy.matching(RECEIVE)) <= 1 + 2 + 2


def test_what_came_and_could_not_be_deleted_is_no_empty_queue(
    bench: Bench, queue: Queue
) -> None:
    bench.proxy.fault("DeleteMessageBatch", count=None, end="drop")
    words = bench.command(queue, timeout=LONG, wait_time=LONG)
    process = bench.run.start(AGENT, *words)
    wait_until(lambda: len(bench.proxy.matching(RECEIVE)) > 1)
    queue.send(body(noise(512)))
    got = bench.run.finish(process)
    assert (got.code, got.out) == (69, b""), got.err
    assert "DeleteMessageBatch" in got.lines()[-1]
