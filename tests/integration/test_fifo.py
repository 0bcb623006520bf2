# SPDX-License-Identifier: Apache-2.0
"""FIFO queues: every message is a group of its own, and nobody waits for another."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from aid.attack import Attack
from aid.environment import ROOT
from aid.queue import Queue


def documented() -> dict[str, str]:
    """The attributes of the FIFO queue that docs/aws.md makes."""
    text = (ROOT / "docs" / "aws.md").read_text()
    [found] = re.findall(r"--queue-name \S+\.fifo \\\n +--attributes (\S+)\n", text)
    return dict(pair.split("=") for pair in found.split(","))


@pytest.fixture(params=[{}, documented()], ids=["plain", "documented"])
def fifo(make_queue: Callable[..., Queue], request: pytest.FixtureRequest) -> Queue:
    """Give a FIFO queue without any attribute, and one as the documents make it."""
    return make_queue(fifo=True, **request.param)


def test_the_documented_queue_has_high_throughput(
    make_queue: Callable[..., Queue],
) -> None:
    queue = make_queue(fifo=True, **documented())
    answer = queue.client.get_queue_attributes(
        QueueUrl=queue.url, AttributeNames=["All"]
    )
    attributes = answer["Attributes"]
    assert attributes["FifoQueue"] == "true"
    assert attributes["DeduplicationScope"] == "messageGroup"
    assert attributes["FifoThroughputLimit"] == "perMessageGroupId"


@pytest.fixture
def filled(attack: Attack, fifo: Queue, generator: Path) -> Queue:
    """Give a FIFO queue with ten messages of the producer's."""
    got = attack.producer("-q", fifo.url, "-d", generator)
    assert got.code == 0, got.err
    assert fifo.depth() == (10, 0)
    return fifo


def test_every_message_is_a_group_of_its_own_that_its_body_names(
    filled: Queue,
) -> None:
    messages = filled.receive()
    assert len(messages) == 10
    for message in messages:
        name = hashlib.sha256(message["Body"].encode()).hexdigest()[:32]
        assert message["Attributes"]["MessageGroupId"] == name
        assert message["Attributes"]["MessageDeduplicationId"] == name


def test_messages_in_flight_keep_no_other_from_an_agent(
    attack: Attack, filled: Queue
) -> None:
    held = {m["Body"] for _ in range(3) for m in filled.receive(1)}
    assert len(held) == 3
    assert filled.depth() == (7, 3)
    got = attack.agent("-q", filled.url)
    assert got.code == 0, got.err
    assert filled.depth() == (6, 3)
    assert base64.b64encode(got.out).decode() not in held


def test_agents_that_do_not_delete_hold_up_nobody(
    attack: Attack, filled: Queue
) -> None:
    attack.proxy.fault("DeleteMessageBatch", count=3, end="drop")
    codes = [attack.agent("-q", filled.url).code for _ in range(2)]
    assert codes == [69, 0]
    assert filled.depth() == (8, 1)
