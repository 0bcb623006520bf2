# SPDX-License-Identifier: Apache-2.0
"""The half that talks to the network belongs to an attacker.

tests/programs/online.c is the agent with another online half: one that sends what it
is told to the real offline half, which is opened and confined as always.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from aid.compromised import (
    ACCOUNT,
    ARN,
    END,
    IDENTITY,
    MESSAGE,
    NAME,
    QUEUE,
    REGION,
    UNKNOWN,
    URL,
    Compromised,
    Ended,
    end,
    identity,
    message,
    queue_record,
    record,
)
from aid.forge import Fleet, Message, Producer, now
from aid.kernel import needs_kernel
from aid.processes import group_alive
from aid.wait import PATIENCE

SEQUENCES = 20_000
BATCH = 500  # in a process
SANITIZED = 10_000
MEMORY = 64 << 20  # bytes; the half itself takes 8 to 16 MiB
TIMEOUT = 3  # seconds of runs that do not play along


def arn_with(part: str, value: str) -> str:
    """The queue's ARN with another part."""
    parts = {"region": REGION, "account": ACCOUNT, "name": NAME, part: value}
    return "arn:aws:sqs:{region}:{account}:{name}".format(**parts)


# Control: an honest one.


def test_a_signed_message_gets_credit_and_once_only(compromised: Compromised) -> None:
    good = message(compromised.producer.message(ARN))
    got = compromised("send", data=queue_record() + identity() + good + end())
    assert (got.code, got.numbers()) == (0, {"used": 1, "bits": 256}), got.err
    again = compromised("send", data=queue_record() + identity() + good + end())
    assert (again.code, again.numbers()) == (0, {"used": 1, "bits": 0}), again.err
    twice = message(compromised.producer.message(ARN, bits=255))
    got = compromised("send", data=twice * 10 + end(0, 10, 10))
    assert got.numbers() == {"used": 10, "bits": 0}, got.err


@needs_kernel
def test_the_kernel_gets_credit_from_a_signed_message_only(
    compromised: Compromised,
) -> None:
    compromised.output = ""
    stranger = message(Producer().message(ARN)) + end()
    got = compromised("send", "--strict", data=stranger)
    assert (got.code, got.numbers()) == (65, {"used": 1, "bits": 0}), got.err
    good = message(compromised.producer.message(ARN)) + end()
    got = compromised("send", "--strict", data=good)
    assert (got.code, got.numbers()) == (0, {"used": 1, "bits": 256}), got.err


# What it may say, over and over.


@pytest.mark.parametrize(
    ("kind", "forged"),
    {
        "identity": identity() * 2,
        "queue": queue_record() * 2,
        "longer-identity": identity(length=257),
        "endless-identity": identity(length=0xFFFFFFFF),
        "endless-region": queue_record(region="r" * 64),
        "endless-account": queue_record(account="1" * 13),
        "endless-name": queue_record(name="q" * 81),
        "no-region": queue_record(region="evil.example/"),
        "no-account": queue_record(account="1"),
        "no-name": queue_record(name="a/b"),
        "no-queue": queue_record(entry=1),
        "no-queue-of-a-message": message(Producer().message(ARN), entry=1),
        "endless-queue": queue_record(entry=0xFFFFFFFF),
        "short-identity": record(IDENTITY, bytes(8)),
        "long-identity": record(IDENTITY, bytes(1024)),
        "short-queue": record(QUEUE, bytes(8)),
        "unknown": record(UNKNOWN, struct.pack("=iII", 0, 10, 256)),
        "type-0": record(0),
        "type-6": record(6, bytes(12)),
        "type-max": record(0xFFFFFFFF, bytes(12)),
        "no-type": struct.pack("=I", 3) + b"\3\0\0",
        "nothing": struct.pack("=I", 0),
        "huge": record(MESSAGE, bytes(30000)),
        "short-end": record(END, bytes(4)),
        "long-end": record(END, bytes(4096)),
    }.items(),
)
def test_a_record_that_cannot_be_ends_the_run(
    compromised: Compromised, kind: str, forged: bytes
) -> None:
    """Messages before that record are deleted and used, messages after it are not."""
    del kind
    first = message(compromised.producer.message(ARN))
    later = message(compromised.producer.message(ARN))
    got = compromised("send", data=first + forged + later + end(0, 2, 2))
    assert (got.code, got.numbers()) == (0, {"used": 1, "bits": 256}), got.err
    got = compromised("send", data=forged + first + end(0, 1, 1))
    assert got.code in (65, 70), got.err
    assert got.said == "" or got.numbers() == {"used": 0, "bits": 0}


def test_the_status_counts_what_came_from_a_half_that_was_killed(
    compromised: Compromised,
) -> None:
    """It has told no number of its own."""
    good = message(compromised.producer.message(ARN))
    got = compromised("send", data=good)
    assert got.numbers() == {"used": 1, "bits": 256}, got.err
    file = Path(compromised.env["RUNTIME_DIRECTORY"], "agent.json")
    told = json.loads(file.read_text())
    assert [told[k] for k in ("received", "bytes", "credit")] == [1, 512, 256]


def test_a_second_end_and_what_follows_it_is_not_heard(
    compromised: Compromised,
) -> None:
    good = message(compromised.producer.message(ARN))
    got = compromised("send", data=end(0, 1, 1) + good + end(0, 1, 1))
    assert got.code == 65, got.err
    assert got.numbers() == {"used": 0, "bits": 0}
    for code in (1, -1, -12345, 0x7FFFFFFF, -0x80000000):
        got = compromised("send", data=end(code, 0xFFFFFFFF, 0xFFFFFFFF) * 3)
        assert got.code != 0, f"{code}: {got.err}"
        assert got.numbers() == {"used": 0, "bits": 0}


def test_no_run_takes_more_than_ten_messages(compromised: Compromised) -> None:
    many = [message(compromised.producer.message(ARN, size=16384)) for _ in range(12)]
    got = compromised("send", data=b"".join(many) + end(0, 12, 12))
    assert got.code == 0, got.err
    assert got.numbers() == {"used": 10, "bits": 256}


def test_lengths_that_lie_earn_nothing(compromised: Compromised) -> None:
    good = compromised.producer.message(ARN)
    for name in ("entropy", "signature", "payload"):
        for length in (0, 31, 63, 65, 255, 256, 511, 513, 16384, 16385, 2**32 - 1):
            data = message(good, **{name: length}) + end()
            got = compromised("send", data=data)
            bits = got.numbers()["bits"] if got.said else 0
            assert bits == 0, f"{name} {length}: {got.err}"


def test_the_configured_queue_outweighs_what_the_half_says(
    compromised: Compromised,
) -> None:
    """A message that was signed for another queue cannot be passed off either."""
    others = {"region": "us-east-1", "account": "999999999999", "name": "other"}
    for queue in URL, ARN:
        compromised.configure(queue=queue)
        for part, value in others.items():
            good = message(compromised.producer.message(ARN))
            said = queue_record(**{part: value})
            got = compromised("send", data=said + good + end())
            assert got.numbers()["bits"] == 256, got.err
            foreign = message(compromised.producer.message(arn_with(part, value)))
            got = compromised("send", data=said + foreign + end())
            assert got.numbers() == {"used": 1, "bits": 0}, got.err


def test_of_a_queue_known_by_name_only_the_account_is_believed(
    compromised: Compromised,
) -> None:
    """The region too, unless it is configured."""
    compromised.configure(queue="entropy", region=REGION)
    for part, value in {"region": "us-east-1", "name": "other"}.items():
        foreign = message(compromised.producer.message(arn_with(part, value)))
        said = queue_record(**{part: value})
        got = compromised("send", data=said + foreign + end())
        assert got.numbers() == {"used": 1, "bits": 0}, got.err
    foreign = message(compromised.producer.message(arn_with("account", "9" * 12)))
    got = compromised("send", data=queue_record(account="9" * 12) + foreign + end())
    assert got.numbers()["bits"] == 256, got.err


def test_a_queue_known_by_name_is_told_once(compromised: Compromised) -> None:
    compromised.configure(queue="entropy")
    good = message(compromised.producer.message(ARN))
    got = compromised("send", data=queue_record() + good + end())
    assert got.numbers()["bits"] == 256, got.err
    far = {"region": "us-east-1"}
    foreign = message(compromised.producer.message(arn_with("region", "us-east-1")))
    got = compromised("send", data=foreign + queue_record(**far) + foreign)
    assert got.numbers() == {"used": 1, "bits": 0}, got.err
    got = compromised("send", data=queue_record(account="") + foreign + end())
    assert got.numbers() == {"used": 1, "bits": 0}, got.err
    assert "the queue has no ARN" in got.err


def test_what_the_service_says_can_be_invented_but_no_signature(
    compromised: Compromised,
) -> None:
    """For freshness and receipt count there is only the online half's word."""
    producer = compromised.producer
    for count, sent in ((0, now()), (2, now()), (2**32 - 1, now()), (1, 0), (1, -1)):
        data = message(producer.message(ARN), sent, count) + end()
        got = compromised("send", data=data)
        assert got.numbers() == {"used": 1, "bits": 0}, f"{count} {sent}: {got.err}"
    for sent in (2**63 - 1, -(2**63), 1):
        got = compromised("send", data=message(producer.message(ARN), sent) + end())
        assert got.numbers()["bits"] == 0, got.err
    bare = replace(producer.message(ARN), signature=None)
    got = compromised("send", data=message(bare) + end())
    assert got.numbers()["bits"] == 0, got.err


def test_a_seal_that_does_not_open_leaves_nothing(compromised: Compromised) -> None:
    sealed = compromised.producer.message(ARN, to=compromised.fleet.public_key)
    got = compromised("send", data=message(sealed) + end())
    assert got.numbers() == {"used": 1, "bits": 256}, got.err
    for m in (
        compromised.producer.message(ARN, to=Fleet().public_key),
        compromised.producer.message(ARN, seal="x25519"),
        compromised.producer.message(ARN, size=79, seal="x25519"),
        compromised.producer.message(ARN, size=32, seal="x25519"),
    ):
        got = compromised("send", data=message(m) + end())
        assert got.code == 65, got.err
        assert got.numbers() == {"used": 0, "bits": 0}


# When it does not play along.


def together(compromised: Compromised, runs: dict[str, tuple[str, bytes]]) -> None:
    """Run modes at the same time; each ends by its deadline and leaves nobody.

    The offline half may not kill the other one: that has to have an end of its own.
    """
    began = time.monotonic()
    started = {
        name: compromised.start(
            mode, "-t", str(TIMEOUT), data=data, STATE_DIRECTORY=compromised.state(name)
        )
        for name, (mode, data) in runs.items()
    }
    codes = {}
    for name, process in started.items():
        # None of them would end by itself.
        left = TIMEOUT + PATIENCE - (time.monotonic() - began)
        got = compromised.finish(process, max(left, 0.1))
        assert not group_alive(process.pid), name
        codes[name] = got.code
        assert name == "stay" or "credit 256" not in got.err
    assert codes == {
        **dict.fromkeys(runs, 70),
        **{n: c for n, c in EXPECTED.items() if n in runs},
    }


# All else is 70: what came was no record of an online half's.
EXPECTED = {"silent": 69, "stay": 0, "message": 0, "end": 65}


@pytest.mark.parametrize("kernel", [False, pytest.param(True, marks=needs_kernel)])
def test_the_deadline_holds(compromised: Compromised, kernel: bool) -> None:
    if kernel:
        compromised.output = ""
    good = message(compromised.producer.message(ARN))
    together(
        compromised,
        {
            "silent": ("silent", b""),
            "close": ("close", b""),
            "stay": ("stay", good + end()),
        },
    )
    together(
        compromised,
        {
            "identity": ("flood", identity()),
            "queue": ("flood", queue_record()),
            "message": ("flood", message(Message(bytes(512)))),
            "end": ("flood", end()),
            "unknown": ("flood", record(UNKNOWN, bytes(12))),
        },
    )


# Whatever it says.


def templates(compromised: Compromised) -> bytes:
    """Good and bad records of every kind, which the mutants are made from."""
    producer, to = compromised.producer, compromised.fleet.public_key
    return b"".join(
        (
            identity(),
            queue_record(),
            message(producer.message(ARN)),
            message(producer.message(ARN, size=64, bits=512)),
            message(producer.message(ARN, to=to)),
            message(Producer().message(ARN)),
            message(producer.message(ARN, to=Fleet().public_key, size=2000)),
            *(message(Message(bytes(range(n)))) for n in (64, 128, 256)),
            end(),
            record(UNKNOWN, struct.pack("=iII", 0, 1, 256)),
        )
    )


def peak(process: subprocess.Popen[bytes]) -> int:
    """The most memory that the process has had so far, in bytes."""
    status = Path(f"/proc/{process.pid}/status")
    most = 0
    while process.poll() is None:
        try:
            lines = status.read_text().splitlines()
        except OSError:
            break
        values = [int(v.split()[1]) for v in lines if v.startswith("VmHWM")]
        most = max([most, *values])
        time.sleep(0.02)
    return most << 10


def mutants(compromised: Compromised, total: int, first: int = 1) -> list[Ended]:
    """Run this many sequences, two processes at a time."""
    data = templates(compromised)

    def one(seed: int) -> Ended:
        process = compromised.start(
            "mutate",
            data=data,
            SEQUENCES=BATCH,
            SEED=seed,
            STATE_DIRECTORY=compromised.state(seed),
        )
        memory = peak(process)
        ended = compromised.finish(process, 600)
        ended.memory = memory
        return ended

    seeds = range(first, first + total // BATCH)
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(one, seeds))


def check_mutants(results: list[Ended], total: int) -> None:
    """Check that all sequences were answered, some were used and none got credit."""
    for got in results:
        assert got.code == 0, got.err
        assert got.numbers()["sequences"] == BATCH, got.err
        assert got.numbers()["credited"] == 0, got.err
    assert sum(got.numbers()["sequences"] for got in results) >= total
    # Some get through, so that the attack is one on all of it.
    assert sum(got.numbers()["used"] for got in results) > total // 20


def test_mutants_get_no_credit_and_no_memory(compromised: Compromised) -> None:
    results = mutants(compromised, SEQUENCES)
    check_mutants(results, SEQUENCES)
    assert max(got.memory for got in results) < MEMORY


@needs_kernel
def test_mutants_get_no_credit_from_the_kernel(compromised: Compromised) -> None:
    compromised.output = ""
    check_mutants(mutants(compromised, 2 * BATCH, first=1000), 2 * BATCH)


@pytest.mark.skipif(
    "SANITIZED" not in os.environ,
    reason="SANITIZED=DIR names no build with sanitizers: run make check-mutants",
)
def test_mutants_find_nothing_for_the_sanitizers(
    compromised: Compromised,
) -> None:
    compromised.tool = Path(os.environ["SANITIZED"]) / "tests/programs/online"
    compromised.limit = None
    # Its leak check starts a process, which is refused.
    compromised.env["ASAN_OPTIONS"] = "detect_leaks=0"
    check_mutants(mutants(compromised, SANITIZED, first=2000), SANITIZED)
