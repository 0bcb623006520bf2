# SPDX-License-Identifier: Apache-2.0
"""A queue is kept at its depth, in batches with a look before each."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from aid.payload import noise
from aid.programs import PRODUCER, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.wait import wait_until

ACCOUNT = "123456789012"
LOOK, SEND = "GetQueueAttributes", "SendMessageBatch"


def test_a_depth_is_approached_by_looks_and_batches(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    source: Path,
    conf: Callable[..., Path],
) -> None:
    url = f"{proxy.url}/{ACCOUNT}/{queue.name}"
    file = conf(queue=url, device=str(source), depth=35, producers=1)
    made = run(PRODUCER, "--once", "-c", file)
    assert made.code == 0, made.err
    assert "sent 30 of 30 messages of 512 bytes to the queue" in made.err
    assert queue.depth() == (30, 0)
    calls = [r.key for r in proxy.records if r.key in (LOOK, SEND)]
    assert calls == [LOOK, SEND] * 3 + [LOOK]
    again = run(PRODUCER, "--once", "-c", file)
    assert (again.code, queue.depth()) == (0, (30, 0))
    assert "the queue has enough: 30 messages" in again.err


def test_one_of_two_producers_fills_a_third_at_once_and_stops_when_told(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    make_source: Callable[[bytes], Path],
    conf: Callable[..., Path],
) -> None:
    """Without any setting: a depth of 1,000, which two share."""
    url = f"{proxy.url}/{ACCOUNT}/{queue.name}"
    file = conf(queue=url, device=str(make_source(noise(1 << 18))))
    process = run.start(PRODUCER, "-c", file)
    wait_until(lambda: queue.depth()[0] >= 30)
    process.send_signal(signal.SIGTERM)
    got = run.finish(process)
    assert got.code == 0, got.err
    assert queue.depth()[0] <= 335
    process = run.start(PRODUCER, "-c", file)
    wait_until(lambda: queue.depth()[0] >= 335)
    process.send_signal(signal.SIGTERM)
    assert run.finish(process).code == 0
    assert queue.depth()[0] < 1000


def test_what_the_queue_delays_is_not_sent_again(
    run: Runner,
    make_queue: Callable[..., Queue],
    source: Path,
    conf: Callable[..., Path],
) -> None:
    """Nobody can receive it yet, and it counts all the same."""
    queue = make_queue(DelaySeconds="900")
    rules = [{"depth": 35, "producers": 1}, {"low_watermark": 10, "burst": 30}]
    for rule in rules:
        file = conf(queue=queue.url, device=str(source), **rule)
        got = run(PRODUCER, "--once", "-c", file)
        assert got.code == 0, got.err
        assert queue.delayed() == 30
    assert queue.depth() == (0, 0)
    assert "the queue has enough: 30 messages" in got.err
