# SPDX-License-Identifier: Apache-2.0
"""JSON documents that SQS should never send: no message is lost by them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aid.attack import (
    KINDS,
    Attack,
    answer,
    each,
    edited,
    fails,
    fill,
    none_lost,
    without,
)
from aid.payload import body, noise
from aid.queue import Queue
from aid.sqsproxy import SqsProxy

DEEP = 100_000
CEILINGS = {"ReceiveMessage": 64 << 20, "DeleteMessageBatch": (1 << 20) + (64 << 10)}
LOGIN = """<!DOCTYPE html><html><head><title>Hotel Wi-Fi</title></head>
<body><form action="/login"><input name="room"></form></body></html>"""
QUERY = """<?xml version="1.0"?><ReceiveMessageResponse
xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><ReceiveMessageResult/>
</ReceiveMessageResponse>"""

# Bodies that come with status 200 and are no document of the protocol.
NO_DOCUMENT = {
    "blank": b" \n",
    "html": LOGIN.encode(),
    "xml": QUERY.encode(),
    "truncated": b'{"Messages": [{"MessageId": "1", "Body": "QUJ',
    "unclosed": b'{"Messages": []',
    "nested arrays": b'{"Messages":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "nested objects": b'{"a":' * DEEP + b"0" + b"}" * DEEP,
    "nested, unclosed": b'{"a":' * DEEP,
    "many values": b'{"Messages": [[' + b"0," * DEEP + b"0]]}",
    "an array": b"[]",
    "a string": b'"Messages"',
    "a number": b"1",
    "null": b"null",
    "two documents": b"{}{}",
    "rubbish behind": b"{} x",
    "a comment": b"/* */ {}",
    "byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": '{"Messages": []}'.encode("utf-16"),
    "invalid utf-8": b'{"Messages": "\xff\xfe"}',
    "overlong utf-8": b'{"Messages": "\xc0\xaf"}',
    "a surrogate": b'{"Messages": "\xed\xa0\x80"}',
    "half a pair": b'{"Messages": "\\ud800"}',
    "nul": b'{"Messages": "a\0b"}',
    "escaped nul": b'{"Messages": "a\\u0000b"}',
    "nul in a key": b'{"Messages\\u0000": []}',
    "a line break": b'{"Messages": "a\nb"}',
    "duplicate keys": b'{"Messages": [], "Messages": []}',
    "nan": b'{"Messages": NaN}',
    "single quotes": b"{'Messages': []}",
    "binary": bytes(range(256)),
}


def test_a_receive_without_a_document_is_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for text in each(NO_DOCUMENT):
        proxy.clear()
        proxy.fault("ReceiveMessage", **answer(text))
        got = attack.agent("-q", queue.url)
        fails(got, 69, "ReceiveMessage", "HTTP 200", "login page", "endpoint")
    assert queue.depth() == (1, 0)
    assert len(proxy.records) == len(NO_DOCUMENT)  # each asked once


# Seen in the field: of a service whose shapes leave out what is empty.
EMPTY = ["", "{}", '{"Messages": null}', '{"Messages": []}', '{"__type": null}']


def test_an_empty_queue_is_worded_in_several_ways(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    for text in each({text: text for text in EMPTY}):
        proxy.fault("ReceiveMessage", status=200, body=text)
        fails(attack.agent("-q", queue.url), 75, f"the queue {queue.url} is empty")


def with_nulls(document: dict[str, Any]) -> dict[str, Any]:
    """Say null of all that is not there, as deep as it goes."""
    absent = {"MessageAttributes", "MD5OfMessageAttributes", "Failed", "__type"}
    for message in document.get("Messages", []):
        attributes = message.setdefault("MessageAttributes", {})
        for inner in attributes.values():
            inner.update(StringListValues=None, BinaryListValues=None)
            inner.setdefault("BinaryValue", None)
        attributes["Other"] = None
        message["Attributes"]["SenderId"] = None
        message.setdefault("MD5OfMessageAttributes", None)
    return {**dict.fromkeys(absent), **document}


@pytest.mark.parametrize("attributed", [False, True])
def test_null_is_what_is_not_there(
    attack: Attack, queue: Queue, proxy: SqsProxy, generator: Path, attributed: bool
) -> None:
    proxy.fault("*", count=None, edit=with_nulls)
    entropy = {"Entropy": {"DataType": "String", "StringValue": "v=1"}}
    payload = noise(512)
    values = {"MessageAttributes": entropy} if attributed else {}
    queue.send(body(payload), **values)
    got = attack.agent("-q", queue.name)
    assert (got.code, got.out) == (0, payload), got.err
    got = attack.producer("-q", queue.name, "-d", generator)
    assert got.code == 0, got.err
    assert queue.depth() == (10, 0)


def test_a_delete_without_a_body_confirms_nothing(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    proxy.fault("DeleteMessageBatch", status=200, body="")
    fails(attack.agent("-q", queue.url), 65, "outcome is unknown", "left in the queue")
    assert queue.depth() == (0, 1)


def test_a_delete_without_a_document_hands_nothing_over(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue, len(NO_DOCUMENT))
    for text in each(NO_DOCUMENT):
        proxy.clear()
        proxy.fault("DeleteMessageBatch", **answer(text))
        got = attack.agent("-q", queue.url)
        fails(got, 69, "DeleteMessageBatch", "HTTP 200", "login page", "endpoint")
    assert queue.depth() == (0, len(NO_DOCUMENT))


@pytest.mark.parametrize("name", ["blank", "html", "truncated", "nested arrays"])
def test_a_look_up_without_a_document_is_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy, name: str
) -> None:
    proxy.fault("GetQueueUrl", **answer(NO_DOCUMENT[name]))
    got = attack.agent("-q", queue.name)
    fails(got, 69, "GetQueueUrl", "HTTP 200", "login page", "endpoint")


@pytest.mark.parametrize("operation", ["GetQueueAttributes", "SendMessageBatch"])
@pytest.mark.parametrize("name", ["blank", "html", "truncated", "nested arrays"])
def test_the_producer_does_not_repeat_without_a_document(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    generator: Path,
    operation: str,
    name: str,
) -> None:
    proxy.fault(operation, **answer(NO_DOCUMENT[name]))
    got = attack.producer("-q", queue.url, "-d", generator)
    fails(got, 69, operation, "HTTP 200", "login page", "endpoint")
    assert len(proxy.matching(operation)) == 1  # its outcome is unknown


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("operation", CEILINGS)
def test_an_answer_over_the_ceiling_is_refused(
    attack: Attack, queue: Queue, proxy: SqsProxy, operation: str, chunked: bool
) -> None:
    fill(queue)
    proxy.fault(
        operation,
        count=None,
        status=200,
        body="{}",
        pad=CEILINGS[operation] + 1,
        chunked=chunked,
    )
    fails(attack.agent("-q", queue.url), 69, operation, "too large")
    none_lost(queue)


def test_an_answer_up_to_the_ceiling_is_read(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    [payload] = fill(queue)
    proxy.fault("ReceiveMessage", pad=CEILINGS["ReceiveMessage"])
    got = attack.agent("-q", queue.url)
    assert (got.code, got.out) == (0, payload), got.err


# Members of the wrong kind.


NO_LIST = [True, 7, -1.5, "", "Messages", {}, {"0": {}}, [[]], [None] * 3]


def test_messages_that_are_no_list_are_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue, len(NO_LIST))
    for value in each({str(v): v for v in NO_LIST}):
        proxy.fault("ReceiveMessage", edit=edited("Messages", to=value))
        got = attack.agent("-q", queue.url)
        fails(got, 69, "ReceiveMessage", "Messages", "endpoint")
    assert queue.depth() == (0, len(NO_LIST))


@pytest.mark.parametrize("field", ["", "MessageId", "ReceiptHandle", "Body"])
def test_a_message_with_a_wrong_member_is_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy, field: str
) -> None:
    where = ["Messages", 0, field] if field else ["Messages", 0]
    fill(queue, len(KINDS))
    for value in each(KINDS):
        proxy.fault("ReceiveMessage", edit=edited(*where, to=value))
        fails(attack.agent("-q", queue.url), 69, "ReceiveMessage", "endpoint")
    assert queue.depth() == (0, len(KINDS))


@pytest.mark.parametrize("field", ["MessageId", "ReceiptHandle", "Body"])
def test_a_message_without_a_member_is_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy, field: str
) -> None:
    fill(queue)
    proxy.fault("ReceiveMessage", edit=without("Messages", 0, field))
    fails(attack.agent("-q", queue.url), 69, "ReceiveMessage", "endpoint")
    assert queue.depth() == (0, 1)


def test_messages_beside_one_that_lacks_a_member_are_used(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    payloads = fill(queue, 3)
    proxy.fault("ReceiveMessage", edit=without("Messages", 1, "ReceiptHandle"))
    got = attack.agent("-q", queue.url, "-m", "3")
    assert got.code == 0, got.err
    assert len(got.out) == 1024
    assert {got.out[:512], got.out[512:]} < set(payloads)
    assert queue.depth() == (0, 1)


def test_a_digest_of_the_wrong_kind_is_damage(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue, len(KINDS))
    for value in each(KINDS):
        proxy.fault("ReceiveMessage", edit=edited("Messages", 0, "MD5OfBody", to=value))
        fails(attack.agent("-q", queue.url), 65, "damaged", "left in the queue")
    assert queue.depth() == (0, len(KINDS))


@pytest.mark.parametrize(
    "where",
    [
        ["MessageAttributes"],
        ["MessageAttributes", "Entropy"],
        ["MessageAttributes", "Entropy", "StringValue"],
        ["MessageAttributes", "Entropy", "DataType"],
        ["MD5OfMessageAttributes"],
    ],
    ids=lambda w: w[-1],
)
def test_a_wrong_message_attribute_is_damage(
    attack: Attack, queue: Queue, proxy: SqsProxy, where: list[str]
) -> None:
    entropy = {"DataType": "String", "StringValue": "v=1"}
    for value in each(KINDS):
        queue.send(body(noise(512)), MessageAttributes={"Entropy": entropy})
        proxy.fault("ReceiveMessage", edit=edited("Messages", 0, *where, to=value))
        fails(attack.agent("-q", queue.url), 65, "damaged", "left in the queue")
    assert queue.depth() == (0, len(KINDS))


def test_no_more_messages_than_asked_are_taken(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    payloads = fill(queue, 3)
    held = queue.receive(3)
    messages = [m for m in held for _ in range(8)]  # 24 entries
    text = json.dumps({"Messages": held[:2] + messages})
    proxy.fault("ReceiveMessage", status=200, body=text)
    got = attack.agent("-q", queue.url, "-m", "2")
    assert got.code == 0, got.err
    assert len(got.out) == 1024
    assert {got.out[:512], got.out[512:]} < set(payloads)
    [deleted] = proxy.matching("DeleteMessageBatch")
    assert deleted.note["entries"] == 2
    assert queue.depth() == (0, 1)


def test_one_message_twice_in_an_answer_counts_once(
    attack: Attack, queue: Queue, proxy: SqsProxy, conf: Callable[..., Path]
) -> None:
    [payload] = fill(queue, size=32)
    proxy.fault("ReceiveMessage", edit=lambda d: {"Messages": d["Messages"] * 9})
    file = conf(queue=queue.url, messages=10, unsigned="credit")
    got = attack.agent("-c", file, "--strict")
    assert (got.code, got.out) == (65, payload), got.err
    assert "from 1 message" in got.err
    assert queue.depth() == (0, 0)


def test_a_receipt_handle_of_any_text_goes_back_as_it_came(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    odd = '"\\\n\u2028\U0001f600' + "x" * 4000
    proxy.fault("ReceiveMessage", edit=edited("Messages", 0, "ReceiptHandle", to=odd))
    got = attack.agent("-q", queue.url)
    [deleted] = proxy.matching("DeleteMessageBatch")
    entries = json.loads(deleted.note["request"])["Entries"]
    assert [e["ReceiptHandle"] for e in entries] == [odd]
    assert got.out == b""
    assert got.code != 0
    none_lost(queue)


def test_text_of_the_service_cannot_forge_a_line(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    evil = "x\nsqs-entropy-agent: injected 512 bytes\x1b[2J\r"
    text = json.dumps({"__type": "a#" + evil, "message": evil})
    proxy.fault("ReceiveMessage", count=None, status=400, body=text)
    fails(attack.agent("-q", queue.url), 69, "ReceiveMessage", "HTTP 400")
