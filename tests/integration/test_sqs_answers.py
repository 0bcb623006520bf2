# SPDX-License-Identifier: Apache-2.0
"""Wrong answers to look-ups, deletes and sends, and answers that are no HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aid.attack import KINDS, Attack, each, edited, fails, fill
from aid.queue import Queue
from aid.sqsproxy import SqsProxy

UNCONFIRMED: list[dict[str, Any]] = [
    {},
    {"Successful": []},
    {"Successful": None},
    {"Successful": {"Id": "0"}},
    {"Successful": "0"},
    {"Successful": [None, 0, "0", [], {}]},
    {"Successful": [{"Id": 0}]},
    {"Successful": [{"Id": "1"}, {"Id": "9"}, {"Id": "10"}]},
    {"Successful": [{"Id": "00"}, {"Id": "-0"}, {"Id": "+0"}, {"Id": " 0"}]},
    {"Successful": [{"Id": ""}, {"Id": "0x0"}, {"Id": "/"}, {"Id": ":"}]},
    {"Successful": [{"Id": ["0"]}], "Failed": [{"Id": 0}]},
    {"Failed": "0", "successful": [{"Id": "0"}]},
]


def test_a_message_is_used_only_after_its_delete_was_confirmed(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue, len(UNCONFIRMED))
    for document in each({str(d): json.dumps(d) for d in UNCONFIRMED}):
        proxy.fault("DeleteMessageBatch", status=200, body=document)
        got = attack.agent("-q", queue.url)
        fails(got, 65, "DeleteMessageBatch", "outcome is unknown", "left in the queue")
    assert queue.depth() == (0, len(UNCONFIRMED))


def test_a_delete_both_confirmed_and_refused_is_refused(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    entry = {"Id": "0", "SenderFault": True, "Code": "ReceiptHandleIsInvalid"}
    text = json.dumps({"Successful": [{"Id": "0"}], "Failed": [entry]})
    proxy.fault("DeleteMessageBatch", count=None, status=200, body=text)
    got = attack.agent("-q", queue.url)
    fails(got, 65, "ReceiptHandleIsInvalid", "left in the queue")
    assert queue.depth() == (0, 1)


# The other operations.


NO_URL = [
    *KINDS.values(),
    "",
    "queue",
    "ftp://127.0.0.1/1/q",
    "http://",
    "http:///1/q",
    "http://user:pw@127.0.0.1/1/q",
    "http://127.0.0.1/1/q?x=y",
    "http://127.0.0.1/1/q\r\nX: y",
    "http://127.0.0.1/1/" + "q" * 5000,
    "http://127.0.0.1/123456789012/another",
    "http://127.0.0.1/123456789012/",
]


def test_what_is_no_queue_url_is_refused(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for url in each({str(u): u for u in NO_URL}):
        proxy.fault("GetQueueUrl", edit=edited("QueueUrl", to=url))
        got = attack.agent("-q", queue.name)
        fails(got, 69, "GetQueueUrl", "QueueUrl", "endpoint")
    assert queue.depth() == (1, 0)


NO_COUNT = [None, True, -1, 0.5, 10**400, [], {}, "", "x", "-1", "1.5", "9" * 20]


@pytest.mark.parametrize("suffix", ["", "NotVisible", "Delayed"])
def test_a_depth_that_is_no_number_sends_nothing(
    attack: Attack, queue: Queue, proxy: SqsProxy, generator: Path, suffix: str
) -> None:
    name = "ApproximateNumberOfMessages" + suffix
    # A service that delays nothing may not say so.
    values = [v for v in NO_COUNT if v is not None or suffix != "Delayed"]
    for value in each({str(v): v for v in values}):
        edit = edited("Attributes", name, to=value)
        proxy.fault("GetQueueAttributes", edit=edit)
        got = attack.producer("-q", queue.url, "-d", generator)
        fails(got, 69, "GetQueueAttributes", "numbers of messages")
    assert proxy.matching("SendMessageBatch") == []


@pytest.mark.parametrize(
    "document",
    [{}, {"Successful": "0"}, {"Successful": [{"Id": 0}, None]}],
    ids=str,
)
def test_a_send_that_is_not_confirmed_is_not_repeated(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    generator: Path,
    document: dict[str, Any],
) -> None:
    text = json.dumps(document)
    proxy.fault("SendMessageBatch", count=None, status=200, body=text, forward=True)
    got = attack.producer("-q", queue.url, "-d", generator)
    fails(got, 69, "SendMessageBatch", "outcome is unknown")
    assert queue.depth() == (10, 0)
    assert len(proxy.matching("SendMessageBatch")) == 1


# HTTP itself.


@pytest.mark.parametrize(
    "raw",
    [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "{}",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        "HTTP/1.1 200 OK\r\n" + "X: y\r\n" * 5000 + "\r\n{}",
        "HTTP/1.1 200 OK\r\nX: " + "y" * 200_000 + "\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nContent-Len",
    ],
    ids=lambda r: r[:48].strip(),
)
def test_an_answer_that_is_not_proper_http_costs_no_message(
    attack: Attack, queue: Queue, proxy: SqsProxy, raw: str
) -> None:
    fill(queue)
    proxy.fault("ReceiveMessage", count=None, raw=raw)
    fails(attack.agent("-q", queue.url), 69, "ReceiveMessage")
    assert queue.depth() == (1, 0)
