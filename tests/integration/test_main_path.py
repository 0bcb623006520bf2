# SPDX-License-Identifier: Apache-2.0
"""The main path: source to queue to consumer, with the two real programs."""

from __future__ import annotations

import base64
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aid.faults import Fault
from aid.imds import Imds
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, STARTUP, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsFault, SqsProxy
from aid.wait import wait_until


def operations(proxy: SqsProxy) -> list[str]:
    """What was asked of SQS, in order."""
    return [record.key for record in proxy.records]


def test_bytes_go_from_the_source_to_the_consumer(
    run: Runner, queue: Queue, source: Path, proxy: SqsProxy
) -> None:
    made = run(PRODUCER, "--once", "-q", queue.name, "-d", source)
    assert made.code == 0, made.err
    assert "sent 10 of 10 messages of 512 bytes" in made.err
    assert queue.depth() == (10, 0)
    got = run(AGENT, "-q", queue.name, "-m", "10", "-o", "-")
    assert got.code == 0, got.err
    assert "10 messages" in got.err
    assert len(got.out) == 5120
    pieces = {got.out[i : i + 512] for i in range(0, 5120, 512)}
    data = source.read_bytes()[STARTUP:]
    assert pieces == {data[i : i + 512] for i in range(0, 5120, 512)}
    assert queue.depth() == (0, 0)


def test_the_queue_as_a_url_needs_no_lookup(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    payload = noise(512)
    queue.send(body(payload))
    got = run(AGENT, "--queue", queue.url, "--output", "-")
    assert (got.code, got.out) == (0, payload), got.err
    assert operations(proxy) == ["ReceiveMessage", "DeleteMessageBatch"]


def test_one_connection_serves_the_run(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    queue.send(body(noise(512)))
    assert run(AGENT, "-q", queue.name, "-o", "-").code == 0
    assert operations(proxy) == ["GetQueueUrl", "ReceiveMessage", "DeleteMessageBatch"]
    assert len({record.connection for record in proxy.records}) == 1


def test_the_queue_comes_from_the_instance_tag(
    run: Runner, queue: Queue, imds: Imds
) -> None:
    payload = noise(512)
    queue.send(body(payload))
    imds.tags_enabled = True
    imds.tags = {"sqs-entropy:queue": queue.url}
    got = run(AGENT, "-o", "-")
    assert (got.code, got.out) == (0, payload), got.err


def test_without_any_queue_it_says_what_to_set(run: Runner) -> None:
    got = run(AGENT, "-o", "-")
    assert got.code == 78
    assert "--queue" in got.err
    assert "sqs-entropy:queue" in got.err
    assert len(got.lines()) == 1


def test_a_message_whose_delete_fails_is_not_used(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    for seed in range(3):
        queue.send(body(noise(512, seed)))
    refusal = {"fail_code": "ReceiptHandleIsInvalid", "sender_fault": True}
    proxy.add(SqsFault(match="DeleteMessageBatch", fail_entries=[1], **refusal))
    got = run(AGENT, "-q", queue.url, "-m", "3", "-o", "-")
    assert got.code == 0, got.err
    assert len(got.out) == 1024
    assert queue.depth() == (0, 1)
    assert "left in the queue" in got.err


def test_a_delete_without_known_outcome_hands_nothing_over(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    queue.send(body(noise(512)))
    proxy.add(
        SqsFault(match="DeleteMessageBatch", count=None, forward=True, end="drop")
    )
    got = run(AGENT, "-q", queue.url, "-o", "-")
    assert got.code == 69, got.err
    assert got.out == b""


def test_a_delete_that_succeeds_at_the_second_try_counts(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    payload = noise(512)
    queue.send(body(payload))
    proxy.add(SqsFault(match="DeleteMessageBatch", forward=False, end="drop"))
    got = run(AGENT, "-q", queue.url, "-o", "-")
    assert (got.code, got.out) == (0, payload), got.err
    assert queue.depth() == (0, 0)


def test_a_damaged_message_is_left_and_the_others_are_used(
    run: Runner, queue: Queue, proxy: SqsProxy
) -> None:
    queue.send(body(noise(512)))
    proxy.add(SqsFault(match="ReceiveMessage", corrupt="body"))
    got = run(AGENT, "-q", queue.url, "-o", "-")
    assert got.code == 65, got.err
    assert got.out == b""
    assert "damaged" in got.err
    assert queue.depth() == (0, 1)


def test_a_fifo_queue_works(
    run: Runner, make_queue: Callable[..., Queue], source: Path
) -> None:
    queue = make_queue(fifo=True)
    made = run(PRODUCER, "--once", "-q", queue.name, "-d", source)
    assert made.code == 0, made.err
    assert queue.depth() == (10, 0)
    got = run(AGENT, "-q", queue.name, "-m", "10", "-o", "-")
    assert got.code == 0, got.err
    assert got.out == source.read_bytes()[STARTUP:][:5120]  # in order


def test_the_producer_leaves_a_full_queue_alone(
    run: Runner, queue: Queue, source: Path
) -> None:
    for seed in range(10):
        queue.send(body(noise(512, seed)))
    made = run(PRODUCER, "--once", "-q", queue.url, "-d", source)
    assert made.code == 0, made.err
    assert "enough" in made.err
    assert queue.depth() == (10, 0)


def test_settings_from_a_file_are_used(
    run: Runner, queue: Queue, source: Path, conf: Callable[..., Path]
) -> None:
    file = conf(
        queue=queue.url,
        device=str(source),
        low_watermark=3,
        burst=25,
        message_bytes=100,
    )
    made = run(PRODUCER, "--once", "-c", file)
    assert made.code == 0, made.err
    assert "sent 25 of 25 messages of 100 bytes" in made.err
    assert queue.depth() == (25, 0)
    assert len(base64.b64decode(queue.receive(1)[0]["Body"])) == 100


def test_nothing_is_sent_twice_after_an_unknown_outcome(
    run: Runner, queue: Queue, source: Path, proxy: SqsProxy
) -> None:
    proxy.add(SqsFault(match="SendMessageBatch", forward=True, end="drop"))
    made = run(PRODUCER, "--once", "-q", queue.url, "-d", source)
    assert made.code == 69, made.err
    bodies = [m["Body"] for m in queue.receive()]
    assert len(bodies) == len(set(bodies)) == 10
    assert operations(proxy).count("SendMessageBatch") == 1


def test_refused_entries_are_sent_again(
    run: Runner, queue: Queue, source: Path, proxy: SqsProxy
) -> None:
    proxy.add(SqsFault(match="SendMessageBatch", fail_entries=[0, 4]))
    made = run(PRODUCER, "--once", "-q", queue.url, "-d", source)
    assert made.code == 0, made.err
    assert queue.depth() == (10, 0)
    bodies = [m["Body"] for m in queue.receive()]
    assert len(set(bodies)) == 10


def test_the_producer_refills_what_is_taken(
    run: Runner, queue: Queue, conf: Callable[..., Path], tmp_path: Path
) -> None:
    fifo = tmp_path / "endless"
    os.mkfifo(fifo)
    file = conf(queue=queue.url, device=str(fifo), low_watermark=4, burst=2, interval=1)
    process = run.start(PRODUCER, "-c", file)
    with fifo.open("wb", buffering=0) as generator:
        generator.write(noise(4096))
        wait_until(lambda: queue.depth()[0] == 4)
        time.sleep(1.5)
        assert queue.depth()[0] == 4
        process.send_signal(signal.SIGTERM)
        ended = run.finish(process, timeout=5)
    assert ended.code == 0, ended.err
    assert ended.seconds < 1


def stop_quickly(run: Runner, process: object, sent: int = signal.SIGTERM) -> None:
    """SIGTERM ends it within a second, and that is success."""
    process.send_signal(sent)  # type: ignore[attr-defined]
    ended = run.finish(process, timeout=5)  # type: ignore[arg-type]
    assert ended.code == 0, ended.err
    assert ended.seconds < 1


def test_sigterm_ends_the_wait_for_a_dead_source(
    run: Runner, queue: Queue, tmp_path: Path, proxy: SqsProxy
) -> None:
    fifo = tmp_path / "dead"
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR)
    process = run.start(PRODUCER, "-q", queue.url, "-d", fifo)
    wait_until(lambda: "GetQueueAttributes" in operations(proxy))
    time.sleep(0.2)
    stop_quickly(run, process)
    os.close(writer)


@pytest.mark.parametrize("operation", ["GetQueueAttributes", "SendMessageBatch"])
def test_sigterm_ends_a_call_that_hangs(
    run: Runner, queue: Queue, source: Path, proxy: SqsProxy, operation: str
) -> None:
    proxy.add(SqsFault(match=operation, count=None, end="silence"))
    process = run.start(PRODUCER, "-q", queue.url, "-d", source)
    wait_until(lambda: operation in operations(proxy))
    stop_quickly(run, process)


def test_sigterm_ends_the_pause_between_looks(
    run: Runner, queue: Queue, source: Path
) -> None:
    process = run.start(PRODUCER, "-q", queue.url, "-d", source)
    wait_until(lambda: queue.depth()[0] == 10)
    time.sleep(0.3)
    stop_quickly(run, process)


def test_sigint_ends_the_retry_of_an_imds_that_is_silent(
    run: Runner, source: Path, imds: Imds
) -> None:
    imds.add(Fault(match="*", count=None, end="silence"))
    process = run.start(PRODUCER, "-q", "some-queue", "-d", source)
    wait_until(lambda: len(imds.records) > 0)
    stop_quickly(run, process, signal.SIGINT)


def test_both_halves_end_when_one_is_killed(
    run: Runner, queue: Queue, source: Path
) -> None:
    process = run.start(PRODUCER, "-q", queue.url, "-d", source)
    wait_until(lambda: queue.depth()[0] == 10)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    os.kill(int(children.split()[0]), signal.SIGKILL)
    ended = run.finish(process, timeout=10)
    assert ended.code == 70, ended.err


def test_strict_and_best_effort_decide_the_exit_code(
    run: Runner, queue: Queue, conf: Callable[..., Path]
) -> None:
    queue.send(body(noise(512)))
    got = run(AGENT, "-q", queue.url, "-o", os.devnull, "--strict")
    assert got.code == 65, got.err
    assert "no credit" in got.err
    got = run(AGENT, "-q", queue.url, "-o", os.devnull)
    assert got.code == 75, got.err
    assert "empty" in got.err
    got = run(AGENT, "-q", queue.url, "-o", os.devnull, "--best-effort")
    assert got.code == 0
    got = run(AGENT, "--messages", "11", "--best-effort")
    assert got.code == 0
    file = conf(queue=queue.url, unsigned="credit", unsigned_bits_per_byte=0.5)
    queue.send(body(noise(512)))
    got = run(AGENT, "-c", file, "-o", os.devnull, "--strict")
    assert got.code == 0, got.err


def test_refused_messages_are_deleted_and_go_nowhere(
    run: Runner, queue: Queue, conf: Callable[..., Path]
) -> None:
    queue.send(body(noise(512)))
    got = run(AGENT, "-c", conf(queue=queue.url, unsigned="refuse"), "-o", "-")
    assert (got.code, got.out) == (65, b""), got.err
    assert queue.depth() == (0, 0)
