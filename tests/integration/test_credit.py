# SPDX-License-Identifier: Apache-2.0
"""What earns credit, how much, and what is used without any."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aid.attack import KINDS, Attack, each, edited, fill
from aid.forge import Message, Producer, send
from aid.kernel import needs_kernel
from aid.payload import body, noise
from aid.programs import AGENT, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.verdicts import (
    BAD,
    CREDIT,
    MALFORMED,
    POLICY,
    REDELIVERED,
    REFUSED,
    STALE,
    UNKNOWN,
    UNSIGNED,
    Judge,
)


def test_a_good_message_earns_what_it_claims(judge: Judge) -> None:
    [verdict] = judge(judge.good.message(judge.queue, bits=511))
    assert verdict.credited(511)
    assert (verdict.producer, verdict.bytes) == ("good", 512)
    assert verdict.seq == judge.good.seq - 1


def test_no_message_earns_more_than_eight_bits_a_byte(judge: Judge) -> None:
    claims = [4096, 4097, 2**32 - 1]
    verdicts = judge(*(judge.good.message(judge.queue, bits=b) for b in claims))
    assert [v.bits for v in verdicts] == [4096] * 3
    short = judge.good.message(judge.queue, size=32, bits=2**32 - 1)
    assert judge.one(short).credited(256)


def test_fewer_than_256_bits_in_all_earn_no_credit(judge: Judge) -> None:
    send(judge.queue, judge.good.message(judge.queue, bits=255))
    run = judge.look()
    assert run.verdicts[0].credited(255)
    assert run.credit == 0
    send(judge.queue, *(judge.good.message(judge.queue, bits=128) for _ in range(2)))
    assert judge.look().credit == CREDIT
    send(judge.queue, judge.good.message(judge.queue, bits=0))
    run = judge.look("--strict")
    assert (run.result.code, run.credit) == (65, 0)
    assert run.verdicts[0].withheld == ()


def test_half_the_bits_twice_are_not_all_bits(judge: Judge) -> None:
    message = judge.good.message(judge.queue, bits=CREDIT // 2)
    send(judge.queue, message, message)
    run = judge.look()
    assert [v.bits for v in run.verdicts] == [CREDIT // 2, 0]
    assert run.credit == 0


def test_credit_goes_to_a_first_receipt_only(
    run: Runner, queue: Queue, conf: Callable[..., Path]
) -> None:
    queue.send(body(noise(512)))
    message = queue.receive(1, VisibilityTimeout=0)[0]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    file = conf(queue=queue.url, unsigned="credit", unsigned_bits_per_byte=8)
    got = run(AGENT, "-c", file, "-o", os.devnull, "--strict", "-v")
    assert got.code == 65, got.err
    assert "delivered before" in got.err


def told(name: str, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """An edit of a receive's answer that sets a system attribute, or removes it."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        for message in document.get("Messages", []):
            message["Attributes"].pop(name)
            if value is not None:
                message["Attributes"][name] = value
        return document

    return edit


@pytest.mark.parametrize(
    "value", [None, "0", "-1", "2", "1.0", "", "one", str(2**32 + 1)]
)
def test_a_receive_count_that_is_not_surely_one_earns_nothing(
    judge: Judge, proxy: SqsProxy, value: str | None
) -> None:
    send(judge.queue, judge.message())
    proxy.fault("ReceiveMessage", edit=told("ApproximateReceiveCount", value))
    run = judge.look()
    assert run.verdicts[0].mixed(REDELIVERED), run.result.err
    assert run.credit == 0


@pytest.mark.parametrize("value", [None, "0", "-1", "", "now", str(2**64)])
def test_an_unknown_time_of_sending_earns_nothing(
    judge: Judge, proxy: SqsProxy, value: str | None
) -> None:
    send(judge.queue, judge.message())
    proxy.fault("ReceiveMessage", edit=told("SentTimestamp", value))
    run = judge.look()
    assert run.verdicts[0].mixed("time of sending unknown"), run.result.err
    assert run.credit == 0


@pytest.mark.parametrize(
    "where",
    [
        ["Attributes"],
        ["Attributes", "SentTimestamp"],
        ["Attributes", "ApproximateReceiveCount"],
    ],
    ids=lambda w: w[-1],
)
def test_a_wrong_system_attribute_costs_the_credit_only(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    conf: Callable[..., Path],
    where: list[str],
) -> None:
    file = conf(queue=queue.url, unsigned="credit", unsigned_bits_per_byte=8)
    for seed, value in enumerate(each(KINDS)):
        payload = noise(512, seed)  # the same bytes would earn credit once
        queue.send(body(payload))
        proxy.fault("ReceiveMessage", edit=edited("Messages", 0, *where, to=value))
        got = attack.agent("-c", file, "--strict")
        assert got.out == payload
        # The time counts for signed messages only.
        assert got.code == (0 if where[-1] == "SentTimestamp" else 65), got.err
    assert queue.depth() == (0, 0)


def test_an_odd_receive_count_earns_nothing(
    attack: Attack, queue: Queue, proxy: SqsProxy, conf: Callable[..., Path]
) -> None:
    where = ["Messages", 0, "Attributes", "ApproximateReceiveCount"]
    file = conf(queue=queue.url, unsigned="credit", unsigned_bits_per_byte=8)
    odd = ["9" * 20, str(2**32 + 1), str(2**64 + 1), "-1", "0x1", "1e0", " 1", "", "2"]
    for count in each({c: c for c in odd}):
        [payload] = fill(queue)
        proxy.fault("ReceiveMessage", edit=edited(*where, to=count))
        got = attack.agent("-c", file, "--strict")
        assert (got.code, got.out) == (65, payload), got.err


def test_the_policy_for_unsigned_is_for_unsigned_alone(judge: Judge) -> None:
    judge.settings["unsigned"] = "credit"
    judge.settings["unsigned_bits_per_byte"] = 8.0
    good = judge.message()
    signature = good.signature or b""
    forged = Producer().message(judge.queue)
    wrong = [
        forged,
        good.but(signature=signature[::-1]),
        good.but(entropy=None),
        Message(secrets.token_bytes(64)),
    ]
    unknown, bad, malformed, unsigned = judge(*wrong)
    assert unknown.mixed(UNKNOWN)
    assert bad.mixed(BAD)
    assert malformed.mixed(MALFORMED)
    assert unsigned.credited(512)


def test_the_policy_refuse_discards_what_no_producer_signed(judge: Judge) -> None:
    judge.settings["unsigned"] = "refuse"
    good = judge.message()
    wrong = [
        Message(secrets.token_bytes(64)),
        Producer().message(judge.queue),
        good.but(signature=bytes(64)),
        good.but(entropy="v=1"),
    ]
    verdicts = judge(*wrong)
    reasons = [UNSIGNED, UNKNOWN, BAD, MALFORMED]
    for verdict, reason in zip(verdicts, reasons, strict=True):
        assert verdict.withheld == (reason, REFUSED)
        assert (verdict.discarded, verdict.bytes, verdict.bits) == (POLICY, 0, 0)
    # One that is signed and stale is the producer's: mixed.
    assert judge.one(judge.message(time=1)).mixed(STALE)


@needs_kernel
def test_the_kernel_itself_is_told_256_bits_beside_forgeries(judge: Judge) -> None:
    good = judge.message()
    wrong = [
        Producer().message(judge.queue),
        good.but(payload=good.payload[::-1]),
        Message(secrets.token_bytes(64)),
    ]
    unknown, bad, unsigned = judge(*wrong, kernel=True, args=("--strict",))
    assert unknown.mixed(UNKNOWN)
    assert bad.mixed(BAD)
    assert unsigned.mixed(UNSIGNED)
