# SPDX-License-Identifier: Apache-2.0
"""Both programs of the architecture at their main job, alone and with natives."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aid.forge import ENC, TAG, Message, send
from aid.imds import Imds
from aid.maker import Maker
from aid.payload import noise
from aid.processes import end_group
from aid.programs import AGENT, PRODUCER, STARTUP, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.verdicts import CREDIT, LONGEST, SEEN, Judge

ROOT = Path(os.environ["ARCH_ROOT"])
OVERHEAD = ENC + TAG  # bytes that sealing adds
# ELF: class, data, e_machine (elf(5)).
MACHINES = {"arm64": (2, 1, 183), "armhf": (1, 1, 40)}
CENTURY = 100 * 365 * 86400.0  # seconds; passes 2038, where 32 bits end


@pytest.fixture
def native(env: dict[str, str]) -> Iterator[Runner]:
    """Give this machine's own programs."""
    runner = Runner(Path(os.environ["NATIVE"]), env)
    yield runner
    for process in runner.started:
        end_group(process)


@pytest.fixture
def pair(
    run: Runner,
    native: Runner,
    queue: Queue,
    source: Path,
    make_judge: Callable[..., Judge],
) -> Callable[[str, str], Maker]:
    """Give a function that makes a producer and an agent of "arm" or "native"."""
    runners = {"arm": run, "native": native}

    def make(producer: str, agent: str) -> Maker:
        judge = replace_run(make_judge(queue), runners[agent])
        return Maker(runners[producer], judge, source)

    return make


def replace_run(judge: Judge, run: Runner) -> Judge:
    """The same agent by another program."""
    judge.run = run
    return judge


@pytest.mark.parametrize("program", [AGENT, PRODUCER])
def test_it_is_of_this_architecture(run: Runner, program: str) -> None:
    """What follows would say nothing of programs for this machine."""
    path = ROOT / "usr/sbin" / program
    head = path.read_bytes()[:20]
    assert head[:4] == b"\x7fELF"
    machine = struct.unpack("<H", head[18:20])[0]
    assert (head[4], head[5], machine) == MACHINES[os.environ["ARCH"]]
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    got = run(program, "--version")
    assert got.code == 0, got.err
    assert program.encode() in got.out


def test_what_is_installed_stands(run: Runner) -> None:
    """The configuration as it comes is a good one, and nobody can write to it."""
    assert run(AGENT, "--check").code == 0
    got = run(PRODUCER, "--check", "-q", "entropy")
    assert got.code == 0, got.err
    for path in (ROOT / "etc/sqs-entropy").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o022 == 0, path


def test_ten_messages_go_from_the_source_to_the_file(
    pair: Callable[[str, str], Maker], source: Path, proxy: SqsProxy
) -> None:
    """Sent, received, verified, deleted, credited, and equal to the byte."""
    maker = pair("arm", "arm")
    maker.sign()
    made = maker.once(bits_per_byte=4.0)
    assert made.code == 0, made.err
    assert maker.queue.depth() == (10, 0)
    run = maker.judge.look()
    assert run.result.code == 0, run.result.err
    data = source.read_bytes()[STARTUP:]
    pieces = {data[i : i + 512] for i in range(0, 5120, 512)}
    assert {run.output[i : i + 512] for i in range(0, 5120, 512)} == pieces
    assert len(run.output) == 5120
    assert run.credit == CREDIT
    assert all(v.credited(2048) for v in run.verdicts), run.verdicts
    assert sorted(v.seq for v in run.verdicts if v.seq is not None) == list(
        range(1, 11)
    )
    assert maker.queue.depth() == (0, 0)
    assert proxy.matching("*Delete*")


@pytest.mark.parametrize(
    ("size", "sealed"),
    [
        (32, False),
        (511, False),
        (LONGEST, False),
        (33, True),
        (LONGEST - OVERHEAD, True),
    ],
)
@pytest.mark.parametrize(
    ("producer", "agent"), [("arm", "native"), ("native", "arm"), ("arm", "arm")]
)
def test_what_one_signs_the_other_credits(
    pair: Callable[[str, str], Maker],
    producer: str,
    agent: str,
    size: int,
    sealed: bool,
) -> None:
    """Byte order, alignment and the width of a long are no part of a message."""
    maker = pair(producer, agent)
    key = maker.sign()
    if sealed:
        maker.seal()
    settings = {"bits_per_byte": 8.0, "message_bytes": size, "burst": 2}
    maker.source.write_bytes(noise(STARTUP + 4 * size))
    made = maker.once(**settings)
    assert made.code == 0, made.err
    run = maker.judge.look()
    assert run.result.code == 0, run.result.err
    assert all(v.credited(8 * size) for v in run.verdicts), run.verdicts
    assert (len(run.verdicts), run.credit) == (2, CREDIT)
    assert len(run.output) == 2 * size
    again = maker.source.read_bytes()
    assert all(again.count(run.output[i : i + size]) for i in (0, size))
    assert key.line


@pytest.mark.parametrize(("first", "second"), [("arm", "native"), ("native", "arm")])
def test_a_machine_keeps_its_memory_when_its_programs_change(
    pair: Callable[[str, str], Maker], first: str, second: str
) -> None:
    """A Pi that goes from 32 to 64 bits: what was used stays so, numbers go on."""
    one, two = pair(first, first), pair(second, second)
    pair_of_keys = one.sign()
    two.settings["signing_key"] = str(pair_of_keys.file)
    (two.judge.trusted / "pi.pub").write_text(pair_of_keys.line)
    message = one.judge.message()
    one.judge.good.trust(two.judge.trusted, "good")
    send(one.queue, message)
    assert one.judge.look().verdicts[0].credited(CREDIT)
    send(one.queue, message)
    assert two.judge.look().verdicts[0].mixed(SEEN)
    assert one.once().code == 0
    last = max(int(m.claims()["seq"]) for m in drain(one))
    assert two.once().code == 0
    assert min(int(m.claims()["seq"]) for m in drain(two)) > last


def drain(maker: Maker) -> list[Message]:
    """Take all that is in the queue."""
    found = []
    while some := maker.queue.receive():
        for one in some:
            found.append(Message.received(one))
            maker.queue.client.delete_message(
                QueueUrl=maker.queue.url, ReceiptHandle=one["ReceiptHandle"]
            )
    return found


def test_credentials_may_last_beyond_2038(
    run: Runner, queue: Queue, imds: Imds
) -> None:
    """A time that 32 bits cannot hold is not one that has passed."""
    imds.lifetime = CENTURY
    imds.rotate()
    queue.send("A" * 684)
    got = run(AGENT, "-q", queue.url, "-o", "-")
    assert got.code == 0, got.err
    assert "expired" not in got.err
    asked = [record.key for record in imds.matching("*security-credentials/*")]
    assert len(asked) == len(set(asked)), asked
