# SPDX-License-Identifier: Apache-2.0
"""Errors that SQS, or a proxy before it, is known to answer."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from aid.attack import Attack, fails, fill
from aid.certificates import Certificate
from aid.errors import (
    EXPIRED,
    PASSING,
    THROTTLED,
    THROTTLING,
    UNKNOWN_KEY,
    UNSIGNED,
    WRONG_SIGNATURE,
    denied,
    skewed,
)
from aid.queue import Moto, Queue
from aid.sqsproxy import SqsProxy, service_error
from aid.tls import bundled

DAY = 86400


def signed_at(proxy: SqsProxy, operation: str) -> list[float]:
    """The times for which an operation's requests were signed."""
    stamps = [
        dict(record.note["headers"])["X-Amz-Date"]
        for record in proxy.matching(operation)
    ]
    return [
        datetime.strptime(s, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
        for s in stamps
    ]


# Refused.


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("GetQueueUrl", "GetQueueUrl"),
        ("ReceiveMessage", "ReceiveMessage"),
        ("DeleteMessageBatch", "DeleteMessage"),
    ],
)
def test_the_agent_is_denied(
    attack: Attack, queue: Queue, proxy: SqsProxy, operation: str, permission: str
) -> None:
    fill(queue)
    proxy.fault(operation, count=None, **denied(permission))
    got = attack.agent("-q", queue.name)
    fails(got, 77, operation, "AccessDenied", f"allow sqs:{permission} on", "(IMDS)")
    assert len(proxy.matching(operation)) == 1
    assert queue.depth() == ((0, 1) if operation[0] == "D" else (1, 0))


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("GetQueueUrl", "GetQueueUrl"),
        ("GetQueueAttributes", "GetQueueAttributes"),
        ("SendMessageBatch", "SendMessage"),
    ],
)
def test_the_producer_is_denied(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    generator: Path,
    operation: str,
    permission: str,
) -> None:
    proxy.fault(operation, count=None, **denied(permission))
    got = attack.producer("-q", queue.name, "-d", generator)
    fails(got, 77, operation, "AccessDenied", f"allow sqs:{permission} on", "(IMDS)")
    assert len(proxy.matching(operation)) == 1
    assert queue.depth() == (0, 0)


def test_an_entry_is_denied(attack: Attack, queue: Queue, proxy: SqsProxy) -> None:
    fill(queue)
    proxy.fault(
        "DeleteMessageBatch",
        count=None,
        fail_entries=[0],
        fail_code="AccessDenied",
        sender_fault=True,
    )
    got = attack.agent("-q", queue.url)
    fails(got, 65, "DeleteMessageBatch", "AccessDenied", "left in the queue")
    assert queue.depth() == (0, 1)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (UNSIGNED, ["AccessDenied", "allow sqs:ReceiveMessage"]),
        (UNKNOWN_KEY, ["InvalidClientTokenId", "check the access key (IMDS)"]),
        (WRONG_SIGNATURE, ["SignatureDoesNotMatch", "check the secret key (IMDS)"]),
    ],
    ids=["unsigned", "unknown key", "wrong signature"],
)
def test_authentication_failures_say_what_to_check(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    fault: dict[str, Any],
    words: list[str],
) -> None:
    fill(queue)
    proxy.fault(**fault)
    fails(attack.agent("-q", queue.url), 77, "ReceiveMessage", "HTTP 403", *words)
    proxy.fault(**{**fault, "headers": {}})
    fails(attack.agent("-q", queue.url), 77, "ReceiveMessage", "HTTP 403", words[1])
    assert len(proxy.records) == 2
    assert queue.depth() == (1, 0)


def test_a_token_expired_once_gets_new_credentials(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    [payload] = fill(queue)
    attack.imds.after["security-credentials/sqs-entropy"] = attack.imds.rotate
    # Carried out all the same, so that the proxy notes whose request it was.
    proxy.fault("GetQueueUrl", forward=True, **EXPIRED)
    got = attack.agent("-q", queue.name)
    assert (got.code, got.out) == (0, payload), got.err
    first, second = (r.note["access_key"] for r in proxy.matching("GetQueueUrl"))
    assert first != second
    [received] = proxy.matching("ReceiveMessage")
    assert received.note["access_key"] == second


def test_a_token_that_stays_expired_ends_the_run(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    proxy.fault("*", count=None, **EXPIRED)
    got = attack.agent("-q", queue.url)
    fails(got, 77, "ReceiveMessage", "ExpiredToken", "renew the credentials (IMDS)")
    assert len(proxy.records) == 2
    assert queue.depth() == (1, 0)


# The clock.


@pytest.mark.parametrize("days", [-20000, -1, 1, 3650])
def test_a_clock_that_is_off_is_corrected(
    attack: Attack, queue: Queue, proxy: SqsProxy, days: int
) -> None:
    [payload] = fill(queue)
    there = time.time() + days * DAY
    proxy.fault("GetQueueUrl", forward=True, **skewed(there, ahead=days < 0))
    got = attack.agent("-q", queue.name)
    assert (got.code, got.out) == (0, payload), got.err
    first, second = signed_at(proxy, "GetQueueUrl")
    assert abs(first - time.time()) < 60
    assert abs(second - there) < 60
    for operation in ("ReceiveMessage", "DeleteMessageBatch"):
        [later] = signed_at(proxy, operation)
        assert abs(later - there) < 60


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2026 08:00:00 GMT"])
def test_a_clock_is_not_corrected_without_a_date(
    attack: Attack, queue: Queue, proxy: SqsProxy, date: str
) -> None:
    fill(queue)
    fault = skewed(time.time() + DAY, ahead=False)
    fault["headers"]["Date"] = date
    proxy.fault("*", count=None, **fault)
    fails(attack.agent("-q", queue.url), 77, "Signature expired", "clock")
    assert len(proxy.records) == 1


def test_a_clock_is_corrected_once(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    proxy.fault("*", count=None, **skewed(time.time() + DAY, ahead=False))
    fails(attack.agent("-q", queue.url), 77, "Signature expired", "clock")
    assert len(proxy.records) == 2
    assert queue.depth() == (1, 0)


def test_the_producers_clock_is_corrected(
    attack: Attack, queue: Queue, proxy: SqsProxy, generator: Path
) -> None:
    there = time.time() + 56 * 365 * DAY
    proxy.fault("GetQueueAttributes", **skewed(there, ahead=False))
    got = attack.producer("-q", queue.url, "-d", generator)
    assert got.code == 0, got.err
    [sent] = signed_at(proxy, "SendMessageBatch")
    assert abs(sent - there) < 60
    assert queue.depth() == (10, 0)


# Failures that pass.


passing = pytest.mark.parametrize("fault", list(PASSING.values()), ids=list(PASSING))


@passing
def test_a_failure_that_passes_is_asked_again(
    attack: Attack, queue: Queue, proxy: SqsProxy, fault: dict[str, Any]
) -> None:
    [payload] = fill(queue)
    proxy.fault("ReceiveMessage", **fault)
    got = attack.agent("-q", queue.url)
    assert (got.code, got.out) == (0, payload), got.err
    assert len(got.lines()) == 1
    keys = [r.key for r in proxy.records]
    assert keys == ["ReceiveMessage", "ReceiveMessage", "DeleteMessageBatch"]


@pytest.mark.parametrize("name", ["throttled", "500", "503"])
def test_a_failure_that_lasts_is_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy, name: str
) -> None:
    fill(queue)
    proxy.fault("*", count=None, **PASSING[name])
    # A throttled service is tried until the deadline: after at most 1, 2, 4 s.
    got = attack.agent("-q", queue.url, "-t", "6")
    fails(got, 69, "ReceiveMessage", "HTTP", "try later")
    tried = len(proxy.records)
    assert tried >= 3 if name == "throttled" else tried == 3
    assert queue.depth() == (1, 0)


IN_DOUBT: dict[str, dict[str, Any]] = {
    **{n: f for n, f in PASSING.items() if n not in ("throttled", "throttling")},
    "503 of a proxy": {"status": 503, "body": "<html>Unavailable</html>"},
    "503 with a wish": {"status": 503, "headers": {"x-amz-retry-after": "10"}},
    "unknown name": service_error("SomethingNew", "Never seen"),
    "header before body": {
        **THROTTLING,
        "headers": {"x-amzn-query-error": "InternalError;Receiver"},
    },
    "login": {"status": 407, "body": "", "headers": {"Proxy-Authenticate": "Basic"}},
    "moved": {"status": 307, "body": "", "headers": {"Location": "/again"}},
    "continue": {"raw": "HTTP/1.1 100 Continue\r\n\r\n"},
    "cut": {"truncate": 20, "end": "drop"},
}


@pytest.mark.parametrize("fault", list(IN_DOUBT.values()), ids=list(IN_DOUBT))
def test_a_send_of_unknown_outcome_is_not_repeated(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    generator: Path,
    fault: dict[str, Any],
) -> None:
    proxy.fault("SendMessageBatch", forward=True, **fault)
    got = attack.producer("-q", queue.url, "-d", generator)
    fails(got, 69, "SendMessageBatch", "the outcome is unknown for 10 of 10 messages")
    assert len(proxy.matching("SendMessageBatch")) == 1
    assert queue.depth() == (10, 0)


@pytest.mark.parametrize("end", ["drop", "reset"])
def test_a_send_that_found_no_connection_is_repeated(
    attack: Attack,
    moto: Moto,
    queue: Queue,
    certificate: Certificate,
    generator: Path,
    end: str,
) -> None:
    with SqsProxy(moto.url, tls=certificate.tls, keep_alive=False) as proxy:
        # The look at the queue has the first; the second ends before TLS stands.
        proxy.fault("connect", skip=1, end=end)
        env = bundled(attack, proxy, certificate.path)
        got = attack.producer("-q", queue.url, "-d", generator, env=env)
        assert got.code == 0, got.err
        assert "unknown" not in got.err
        assert proxy.connections == 3
        assert len(proxy.matching("SendMessageBatch")) == 1
    assert queue.depth() == (10, 0)


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize("code", ["InternalError", "ServiceUnavailable", "New"])
def test_an_entry_of_unknown_outcome_is_not_repeated(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    generator: Path,
    code: str,
    executed: bool,
) -> None:
    proxy.fault(
        "SendMessageBatch", fail_entries=[0, 4], fail_code=code, executed=executed
    )
    got = attack.producer("-q", queue.url, "-d", generator)
    assert got.code == 0, got.err
    assert f"{code}: " in got.err
    assert "the outcome is unknown for 2 of 10 messages" in got.err
    assert "sent 8 of 10 messages" in got.err
    assert len(proxy.matching("SendMessageBatch")) == 1
    bodies = [m["Body"] for m in queue.receive()]
    assert len(bodies) == len(set(bodies)) == (10 if executed else 8)


@pytest.mark.parametrize(
    "fault",
    [THROTTLED, THROTTLING, {**THROTTLING, "status": 503}, EXPIRED],
    ids=["throttled", "throttling", "throttling as 503", "expired"],
)
def test_a_send_that_was_refused_by_name_is_repeated(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    generator: Path,
    fault: dict[str, Any],
) -> None:
    proxy.fault("SendMessageBatch", **fault)
    got = attack.producer("-q", queue.url, "-d", generator)
    assert got.code == 0, got.err
    assert "unknown" not in got.err
    assert len(proxy.matching("SendMessageBatch")) == 2
    assert queue.depth() == (10, 0)


def test_too_many_in_flight_is_said_at_once(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fault = service_error("OverLimit", "Too many messages", 403, "OverLimit")
    proxy.fault("*", count=None, **fault)
    got = attack.agent("-q", queue.url)
    fails(got, 69, "OverLimit", "in flight", "visibility time-out")
    assert len(proxy.records) == 1


# Other statuses.


@pytest.mark.parametrize(
    ("fault", "code", "word"),
    [
        (denied("ReceiveMessage"), 77, "; allow sqs:"),
        (UNKNOWN_KEY, 77, "check the access key"),
        (PASSING["500"], 69, "InternalError"),
        (
            service_error("QueueDoesNotExist", "The specified queue does not exist."),
            78,
            "check its name",
        ),
    ],
    ids=["denied", "unknown key", "internal", "no queue"],
)
@pytest.mark.parametrize("operation", ["ReceiveMessage", "DeleteMessageBatch"])
def test_an_error_document_with_status_200_is_an_error(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    operation: str,
    fault: dict[str, Any],
    code: int,
    word: str,
) -> None:
    fill(queue)
    proxy.fault(operation, count=None, **{**fault, "status": 200, "headers": {}})
    fails(attack.agent("-q", queue.url), code, operation, "HTTP 200", word)
    assert sum(queue.depth()) == 1


def test_any_other_status_is_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for status in (201, 204, 206, 400, 404, 405, 418, 501, 599, 999):
        proxy.fault(status=status, body="" if status == 204 else "{}")
        fails(attack.agent("-q", queue.url), 69, "ReceiveMessage", f"HTTP {status}")
    assert queue.depth() == (1, 0)
