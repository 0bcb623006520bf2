# SPDX-License-Identifier: Apache-2.0
"""Queues that are empty or not there, and names that are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aid.attack import Attack, each, fails, fill
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy


def test_an_empty_queue_is_reported_and_can_be_no_failure(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fails(attack.agent("-q", queue.url), 75, queue.url, "empty")
    assert len(proxy.records) == 1
    assert attack.agent("-q", queue.url, "--best-effort").code == 0


def test_an_empty_queue_is_reported_by_its_name(attack: Attack, queue: Queue) -> None:
    fails(attack.agent("-q", queue.name, "--strict"), 75, queue.name, "empty")


def test_a_name_without_a_queue_is_reported(attack: Attack, proxy: SqsProxy) -> None:
    line = fails(attack.agent("-q", "nobody-made-it"), 78, "NonExistentQueue")
    for word in ("nobody-made-it", f"region {REGION}", "check its name, account"):
        assert word in line
    assert len(proxy.records) == 1


def test_a_url_without_a_queue_is_reported(attack: Attack, proxy: SqsProxy) -> None:
    url = f"{proxy.url}/123456789012/nobody-made-it"
    line = fails(attack.agent("-q", url), 78, "NonExistentQueue")
    for word in (url, f"region {REGION}", "check its name, account"):
        assert word in line
    assert len(proxy.records) == 1


def test_a_queue_that_goes_while_the_agent_runs_is_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)

    def gone(document: dict[str, object]) -> dict[str, object]:
        queue.client.delete_queue(QueueUrl=queue.url)
        return document

    proxy.fault("ReceiveMessage", edit=gone)
    fails(attack.agent("-q", queue.url), 78, "DeleteMessageBatch", queue.url)


def test_a_producer_without_a_queue_says_what_to_set(
    attack: Attack, proxy: SqsProxy, generator: Path
) -> None:
    got = attack.producer("-q", "nobody-made-it", "-d", generator)
    fails(got, 78, "GetQueueUrl", "nobody-made-it", "check its name")
    got = attack.producer("-d", generator)
    fails(got, 78, "no queue", "--queue", "producer.conf")


NO_QUEUE = [
    "a b",
    "q" * 81,
    "../queue",
    "queue.fifo.fifo",
    ".fifo",
    "http://",
    "https://host/queue",
    "https://host/1/q?x",
    "https://user@host/1/q",
    "ftp://host/1/q",
    "https://host/1/" + "q" * 600,
    "queue\n",
    "\u00e9",
]


def test_what_is_no_queue_is_refused_before_anything_is_asked(
    attack: Attack, proxy: SqsProxy, conf: Callable[..., Path]
) -> None:
    for name in each({n: n for n in NO_QUEUE}):
        got = attack.agent("-q", name)
        assert got.code in (64, 78), got.err
        fails(got, got.code, "queue")
        if "\n" not in name:
            fails(attack.agent("-c", conf(queue=name)), 78, "queue")
    assert proxy.records == []
