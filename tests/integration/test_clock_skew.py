# SPDX-License-Identifier: Apache-2.0
"""A producer whose clock is wrong, and right later (a Pi before NTP)."""

from __future__ import annotations

import contextlib
import re
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import formatdate
from pathlib import Path

import pytest

from aid.errors import skewed
from aid.faults import Answer, Fault, Record, Request
from aid.manager import Manager
from aid.payload import noise
from aid.programs import BURST, PRODUCER, TEN, Runner
from aid.queue import Moto, Queue
from aid.sqsproxy import SqsProxy, operation
from aid.wait import PATIENCE, wait_until

HOUR = 3600
TOLERANCE = 300  # seconds, of the real service


class Elsewhen(SqsProxy):
    """SQS in another time: our clock is that much behind its.

    As the real one it refuses signatures of another time, and dates all that it
    answers.
    """

    behind = 0.0  # seconds
    after: Callable[[str], None] | None = None  # of each answered operation
    tolerance = TOLERANCE

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Refuse or forward; both answers have the date of the other time."""
        there = time.time() + self.behind
        stamp = request.header("X-Amz-Date").replace("Z", "+0000")
        signed = datetime.strptime(stamp, "%Y%m%dT%H%M%S%z").timestamp()
        if abs(signed - there) > self.tolerance:
            refusal = skewed(there, ahead=signed > there)
            self._note(request, record)
            record.note["refused"] = True
            body = refusal["body"].encode()
            return Answer(refusal["status"], list(refusal["headers"].items()), body)
        answer = super().respond(request, fault, record)
        answer.headers = [h for h in answer.headers if h[0].lower() != "date"]
        answer.headers.append(("Date", formatdate(there, usegmt=True)))
        if self.after is not None:
            self.after(operation(request))
        return answer

    def refused(self, name: str) -> int:
        """How many requests for an operation were refused."""
        return sum("refused" in r.note for r in self.matching(name))


@pytest.fixture
def sqs(moto: Moto) -> Iterator[Elsewhen]:
    """Give SQS in another time."""
    with Elsewhen(moto.url, keep=True) as standin:
        yield standin
    assert not standin.errors


@pytest.fixture
def env(env: dict[str, str], sqs: Elsewhen) -> dict[str, str]:
    """Give an environment with SQS in another time."""
    return {**env, "AWS_ENDPOINT_URL_SQS": sqs.url}


@pytest.fixture
def key(run: Runner, tmp_path: Path) -> str:
    """Give the path of a signing key."""
    path = tmp_path / "key"
    assert run(PRODUCER, "--genkey", path).code == 0
    return str(path)


def nothing_was_sent(sqs: Elsewhen, queue: Queue) -> None:
    """Check that no message was sent, nor tried to be sent."""
    assert sqs.matching("SendMessageBatch") == []
    assert queue.depth() == (0, 0)


@pytest.mark.parametrize("behind", [-HOUR, 330, HOUR, 56 * 365 * 24 * HOUR])
def test_what_is_signed_by_a_wrong_clock_is_not_sent(
    run: Runner,
    queue: Queue,
    sqs: Elsewhen,
    source: Path,
    conf: Callable[..., Path],
    key: str,
    behind: int,
) -> None:
    sqs.behind = behind
    file = conf(queue=queue.url, device=str(source), signing_key=key, burst=BURST)
    got = run(PRODUCER, "--once", "-c", file)
    assert got.code == 69, got.err
    [line] = [line for line in got.lines() if "clock" in line]
    where = "behind" if behind > 0 else "ahead"
    found = re.search(rf"clock is (\d+) s {where}: ", line)
    assert found is not None, line
    # Less by the time that passed before the answer was looked at.
    assert abs(int(found[1]) - abs(behind)) < PATIENCE
    assert line.endswith("earn no credit, none is sent; is NTP running?")
    nothing_was_sent(sqs, queue)


def test_the_clock_is_judged_though_the_service_tolerates_it(
    run: Runner,
    queue: Queue,
    sqs: Elsewhen,
    source: Path,
    conf: Callable[..., Path],
    key: str,
) -> None:
    sqs.behind, sqs.tolerance = 600, 900
    file = conf(queue=queue.url, device=str(source), signing_key=key, burst=BURST)
    got = run(PRODUCER, "--once", "-c", file)
    assert got.code == 69, got.err
    assert sqs.refused("GetQueueAttributes") == 0
    nothing_was_sent(sqs, queue)


@pytest.mark.parametrize("behind", [-280, 0, 280])
def test_a_clock_that_is_right_enough_sends(
    run: Runner,
    queue: Queue,
    sqs: Elsewhen,
    source: Path,
    conf: Callable[..., Path],
    key: str,
    behind: int,
) -> None:
    sqs.behind = behind
    file = conf(queue=queue.url, device=str(source), signing_key=key, burst=BURST)
    got = run(PRODUCER, "--once", "-c", file)
    assert got.code == 0, got.err
    assert queue.depth() == (10, 0)


def test_a_wrong_clock_does_not_stop_unsigned_messages(
    run: Runner, queue: Queue, sqs: Elsewhen, source: Path
) -> None:
    sqs.behind = HOUR
    got = run(PRODUCER, "--once", *TEN, "-v", "-q", queue.url, "-d", source)
    assert got.code == 0, got.err
    assert "s behind" in got.err
    assert queue.depth() == (10, 0)
    # And neither does a clock that is found out by the send.
    sqs.behind = 0
    queue.client.purge_queue(QueueUrl=queue.url)
    sqs.after = lambda name: setattr(sqs, "behind", HOUR)
    got = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
    assert got.code == 0, got.err
    assert sqs.refused("SendMessageBatch") == 1
    assert queue.depth() == (10, 0)


def test_the_round_after_the_clock_was_set_sends(
    run: Runner,
    queue: Queue,
    sqs: Elsewhen,
    tmp_path: Path,
    conf: Callable[..., Path],
    key: str,
) -> None:
    """A correction of signatures ends when this machine's clock is set."""
    source = tmp_path / "source"
    source.write_bytes(noise(1 << 16))
    file = conf(
        queue=queue.url, device=str(source), signing_key=key, burst=BURST, interval=1
    )
    sqs.behind = HOUR
    with Manager(tmp_path / "notify") as manager:
        env = {**run.env, **manager.env(180)}
        process = run.start(PRODUCER, "-c", file, env=env)
        with contextlib.suppress(ProcessLookupError):
            wait_until(manager.says("STATUS=", "0 sent", "s behind"))
            wait_until(lambda: len(sqs.matching("GetQueueAttributes")) >= 4)
            assert sqs.refused("GetQueueAttributes") == 1
            nothing_was_sent(sqs, queue)
            sqs.behind = 0  # it was set
            wait_until(lambda: queue.depth()[0] == 10)
            assert sqs.refused("GetQueueAttributes") == 2
            wait_until(manager.says("STATUS=", "10 sent"))
            assert "clock" not in manager.lines()[-1]
        process.send_signal(signal.SIGTERM)
        ended = run.finish(process)
    assert ended.code == 0, ended.err
    assert "is NTP running?" in ended.err
    message = queue.receive(1)[0]
    claim = message["MessageAttributes"]["Entropy"]["StringValue"]
    signed = int(dict(f.split("=") for f in claim.split(";"))["time"]) / 1000
    assert abs(signed - time.time()) < TOLERANCE


@pytest.mark.parametrize("once", [True, False])
def test_what_was_signed_before_a_correction_is_not_sent(
    run: Runner,
    queue: Queue,
    sqs: Elsewhen,
    source: Path,
    conf: Callable[..., Path],
    key: str,
    once: bool,
) -> None:
    """A claim that was signed with the wrong time would earn no credit."""

    def shift(name: str) -> None:
        if name == "GetQueueAttributes" and not sqs.refused("SendMessageBatch"):
            sqs.behind = HOUR

    sqs.after = shift
    file = conf(
        queue=queue.url, device=str(source), signing_key=key, burst=BURST, interval=1
    )
    process = run.start(PRODUCER, *(["--once"] if once else []), "-c", file)
    wait_until(lambda: sqs.refused("SendMessageBatch") == 1)
    if once:
        ended = run.finish(process)
        assert ended.code == 69, ended.err
    else:
        wait_until(lambda: len(sqs.matching("GetQueueAttributes")) >= 3)
        assert queue.depth() == (0, 0)
        sqs.behind = 0
        wait_until(lambda: queue.depth()[0] == 10)
        process.send_signal(signal.SIGTERM)
        ended = run.finish(process)
        assert ended.code == 0, ended.err
    assert "is NTP running?" in ended.err
    assert sqs.refused("SendMessageBatch") == 1
    assert len(sqs.matching("SendMessageBatch")) == (1 if once else 2)
