# SPDX-License-Identifier: Apache-2.0
"""Bodies of messages: base64 of 32 to 16384 bytes is used, all else is deleted."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from aid.attack import Attack, each, fails, fill
from aid.payload import body, noise
from aid.queue import Queue

GOOD = body(noise(64))  # with padding
HIGH = base64.b64encode(b"\xff" * 64).decode()  # every character is "/"
assert GOOD.endswith("==")

NOT_BASE64 = {
    "hello": "hello",
    "words": "this is no base64 at all, but it is long enough for one message",
    "a line break": GOOD[:64] + "\n" + GOOD[64:],
    "lines of MIME": base64.encodebytes(noise(512)).decode(),
    "crlf at the end": GOOD + "\r\n",
    "two line feeds": GOOD + "\n\n",
    "a space before": " " + GOOD,
    "a space behind": GOOD + " ",
    "a tab within": GOOD[:4] + "\t" + GOOD[4:],
    "no padding": GOOD.rstrip("="),
    "half the padding": GOOD[:-1],
    "too much padding": GOOD + "=",
    "four more": GOOD + "====",
    "padding within": GOOD[:4] + "QUI=" + GOOD[4:],
    "padding in front": "=" + GOOD[:-1],
    "url-safe": HIGH.replace("/", "_"),
    "url-safe plus": GOOD[:4] + "-" + GOOD[5:],
    "trailing bits": body(b"\0" * 64)[:-3] + "B==",
    "two trailing bits": body(b"\0" * 65)[:-2] + "B=",
    "one character more": GOOD.rstrip("=") + "AAA",
    "hex": noise(64).hex() + "0",
    "latin-1": "\u00e9" * 64,
    "full width": "\uff21" * 64,
    "json": '{"entropy": "' + GOOD + '"}',
    "a quote": '"' + GOOD + '"',
}
WRONG_SIZE = {
    "one byte": body(noise(1)),
    "31 bytes": body(noise(31)),
    "16385 bytes": body(noise(16385)),
    "a quarter of a MiB": body(noise(190_000)),
}
MIB = 1 << 20
# What is written in twice to three times as many bytes of JSON, and what is not.
HUGE = {
    "quotation marks": ('"' * MIB, "not base64"),
    "backslashes": ("\\" * MIB, "not base64"),
    "line feeds": ("\n" * MIB, "not base64"),
    "emoji": ("\U0001f600" * (MIB // 4), "not base64"),
    "base64": ("A" * MIB, "32 to 16384 bytes"),
}
ALL = {
    **{name: (text, "not base64") for name, text in NOT_BASE64.items()},
    **{name: (text, "32 to 16384 bytes") for name, text in WRONG_SIZE.items()},
}


def test_a_useless_body_is_deleted(attack: Attack, queue: Queue) -> None:
    for text, why in each(ALL):
        name = queue.send(text)
        fails(attack.agent("-q", queue.url), 65, name, "discarded", why)
        assert queue.depth() == (0, 0)


def test_a_good_message_beside_a_useless_body_is_used(
    attack: Attack, queue: Queue
) -> None:
    for text, why in each(ALL):
        queue.send(text)
        [payload] = fill(queue)
        got = attack.agent("-q", queue.url, "-m", "10")
        assert (got.code, got.out) == (0, payload), got.err
        assert len(got.lines()) == 2
        assert "discarded" in got.lines()[0]
        assert why in got.lines()[0]
        assert "wrote 512 bytes from 1 message to" in got.lines()[1]
        assert queue.depth() == (0, 0)


@pytest.mark.parametrize("size", [32, 33, 34, 16384])
def test_payloads_of_exactly_the_limits_are_used(
    attack: Attack, queue: Queue, size: int
) -> None:
    [payload] = fill(queue, size=size)
    got = attack.agent("-q", queue.url)
    assert (got.code, got.out) == (0, payload), got.err


def test_ten_useless_bodies_are_all_deleted(attack: Attack, queue: Queue) -> None:
    for _ in range(10):
        queue.send("hello")
    got = attack.agent("-q", queue.url, "-m", "10")
    assert (got.code, got.out) == (65, b"")
    assert len(got.lines()) == 10
    assert all("discarded" in line for line in got.lines())
    assert queue.depth() == (0, 0)


def test_ten_bodies_of_a_mebibyte_are_all_deleted(attack: Attack, queue: Queue) -> None:
    whys = {queue.send(text): why for text, why in [*HUGE.values()] * 2}
    got = attack.agent("-q", queue.url, "-m", "10")
    assert (got.code, got.out) == (65, b""), got.err
    lines = got.lines()
    assert len(lines) == 10
    for name, why in whys.items():
        [line] = [line for line in lines if name in line]
        assert "discarded" in line
        assert why in line
    assert queue.depth() == (0, 0)


def test_a_huge_body_does_not_keep_what_is_behind_it_from_an_agent(
    attack: Attack, make_queue: Callable[..., Queue]
) -> None:
    queue = make_queue(fifo=True, ContentBasedDeduplication="true")
    payload = noise(512)
    for text, _ in each(HUGE):
        queue.send(text, MessageGroupId="g")
        queue.send(body(payload), MessageGroupId="g", MessageDeduplicationId=text[:9])
        fails(attack.agent("-q", queue.url), 65, "discarded")
        got = attack.agent("-q", queue.url)
        assert (got.code, got.out) == (0, payload), got.err
        assert queue.depth() == (0, 0)


def test_a_message_with_a_huge_attribute_is_deleted(
    attack: Attack, queue: Queue
) -> None:
    for name in each({"Entropy": "Entropy", "another": "x"}):
        value = {"DataType": "String", "StringValue": '"' * 100_000}
        queue.send(GOOD, MessageAttributes={name: value})
        fails(attack.agent("-q", queue.url), 65, "discarded", "attribute", "too long")
        assert queue.depth() == (0, 0)


def test_ten_bodies_of_the_greatest_size_are_used(attack: Attack, queue: Queue) -> None:
    payloads = fill(queue, 10, 16384)
    got = attack.agent("-q", queue.url, "-m", "10")
    assert got.code == 0, got.err
    pieces = {got.out[i : i + 16384] for i in range(0, 163840, 16384)}
    assert pieces == set(payloads)
    assert queue.depth() == (0, 0)
