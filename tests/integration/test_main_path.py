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

from aid.elasticmq import both_servers
from aid.forge import arn_of
from aid.imds import Imds
from aid.maker import Maker
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, STARTUP, TEN, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsFault, SqsProxy
from aid.verdicts import CREDIT, Judge
from aid.wait import PATIENCE, wait_until

pytestmark = both_servers


def blocks(data: bytes) -> list[bytes]:
    """The messages of which it is made, in any order."""
    return sorted(data[i : i + 512] for i in range(0, len(data), 512))


def operations(proxy: SqsProxy) -> list[str]:
    """What was asked of SQS, in order."""
    return [record.key for record in proxy.records]


def test_bytes_go_from_the_source_to_the_consumer(
    run: Runner, queue: Queue, source: Path, proxy: SqsProxy
) -> None:
    made = run(PRODUCER, "--once", *TEN, "-q", queue.name, "-d", source)
    assert made.code == 0, made.err
    assert "sent 10 of 10 messages of 512 bytes" in made.err
    assert queue.depth() == (10, 0)
    got = run(AGENT, "-q", queue.name, "-m", "10", "-o", "-")
    assert got.code == 0, got.err
    assert "10 messages" in got.err
    assert blocks(got.out) == blocks(source.read_bytes()[STARTUP:][:5120])
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
    imds.tags_enabled = True
    for tag in queue.name, arn_of(queue):
        queue.send(body(payload))
        imds.tags = {"sqs-entropy:queue": tag}
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
    made = run(PRODUCER, "--once", *TEN, "-q", queue.name, "-d", source)
    assert made.code == 0, made.err
    assert queue.depth() == (10, 0)
    got = run(AGENT, "-q", queue.name, "-m", "10", "-o", "-")
    assert got.code == 0, got.err
    # Each is a group of its own, and groups have no order.
    assert blocks(got.out) == blocks(source.read_bytes()[STARTUP:][:5120])


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("fifo", [False, True])
def test_signed_and_sealed_messages_earn_credit(
    run: Runner,
    make_judge: Callable[..., Judge],
    make_queue: Callable[..., Queue],
    source: Path,
    fifo: bool,
    sealed: bool,
) -> None:
    maker = Maker(run, make_judge(make_queue(fifo=fifo)), source)
    maker.sign()
    if sealed:
        maker.seal()
    made = maker.once()
    assert made.code == 0, made.err
    got = maker.judge.look("--strict")
    assert got.result.code == 0, got.result.err
    assert got.credit == CREDIT
    assert all(v.credited() and v.producer == "pi" for v in got.verdicts)
    assert blocks(got.output) == blocks(source.read_bytes()[STARTUP:][:5120])
    assert maker.queue.depth() == (0, 0)


def test_the_producer_leaves_a_full_queue_alone(
    run: Runner, queue: Queue, source: Path
) -> None:
    for seed in range(10):
        queue.send(body(noise(512, seed)))
    made = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
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
    made = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
    assert made.code == 69, made.err
    bodies = [m["Body"] for m in queue.receive()]
    assert len(bodies) == len(set(bodies)) == 10
    assert operations(proxy).count("SendMessageBatch") == 1


def test_throttled_entries_are_sent_again(
    run: Runner, queue: Queue, source: Path, proxy: SqsProxy
) -> None:
    code = "RequestThrottled"
    proxy.add(SqsFault(match="SendMessageBatch", fail_entries=[0, 4], fail_code=code))
    made = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
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
        ended = run.finish(process)
    assert ended.code == 0, ended.err
    # Not after the 30 s that the silent source would be given.
    assert ended.seconds < PATIENCE


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


def test_what_the_halves_say_goes_into_a_log_file_too(
    maker: Maker, tmp_path: Path
) -> None:
    maker.judge.settings["queue"] = "nobody-made-it"
    conf = maker.conf(queue="nobody-made-it")
    log = tmp_path / "log"
    log.write_bytes(b"older lines\n" * 1000)
    commands = {
        AGENT: ("-c", maker.judge.conf(), "-o", os.devnull),
        PRODUCER: ("--once", "-c", conf),
    }
    for program, args in commands.items():
        with log.open("ab") as file:
            assert maker.run(program, *args, stderr=file).code == 78
        last = log.read_text().splitlines()[-1]
        assert last.startswith(f"{program}: ")
        assert "nobody-made-it" in last
