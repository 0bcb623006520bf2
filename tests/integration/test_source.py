# SPDX-License-Identifier: Apache-2.0
"""Sources that fail, or are no generators: none of their bytes is sent."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from functools import reduce
from operator import xor as xor_of_two
from pathlib import Path
from typing import Literal

import pytest

from aid.attack import Attack, each, fails
from aid.halves import needs_root
from aid.payload import noise, payloads
from aid.programs import BURST, PRODUCER, SIZE, STARTUP, TEN, Runner
from aid.queue import Queue
from aid.source import fifo
from aid.sqsproxy import SqsProxy
from aid.wait import wait_until

RUN = 31  # of one value, at 1 bit a byte: the repetition count test's cutoff


def sent_operations(proxy: SqsProxy) -> int:
    """How many requests tried to send messages."""
    return sum(record.key.startswith("SendMessage") for record in proxy.records)


def sentences(count: int) -> bytes:
    """Lines of a navigation receiver whose clock is all that moves."""
    lines = []
    for second in range(count):
        text = f"GPGGA,{second:06},4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"
        lines.append(f"${text}*{reduce(xor_of_two, text.encode()):02X}\r\n")
    return "".join(lines).encode()


def counter(
    count: int, width: int, step: int, order: Literal["big", "little"]
) -> bytes:
    """Words that differ by the same amount each time."""
    top = 1 << 8 * width
    return b"".join(
        (i * step % top).to_bytes(width, order) for i in range(1, count + 1)
    )


DEAD: dict[str, tuple[bytes, float, str]] = {
    "stuck at zero": (bytes(1 << 16), 1.0, "repetition count test: byte 0x00"),
    "stuck at ones": (b"\xff" * (1 << 16), 1.0, "repetition count test: byte 0xff"),
    "alternating": (b"\x55\xaa" * (1 << 15), 4.0, "adaptive proportion test: byte"),
    "of four values": (b"0123" * (1 << 14), 6.0, "adaptive proportion test: byte"),
    "stuck bits": (
        bytes(b & 0x07 for b in noise(1 << 16)),
        8.0,
        "adaptive proportion test: byte 0x0",
    ),
    "text": (b"no generator at all, " * 3000, 8.0, "adaptive proportion test"),
    "a stuck register": (
        bytes.fromhex("79945329") * (1 << 14),
        1.0,
        "lag test: 42 bytes in a row equal those 4 before",
    ),
    "a stuck register of 16 bits": (bytes.fromhex("7994") * (1 << 15), 0.1, "lag test"),
    "one block for ever": (noise(512) * 128, 1.0, "those 512 before"),
    "the longest period": (noise(1024) * 64, 0.1, "those 1024 before"),
    "a counter of 8 bits": (counter(1 << 16, 1, 7, "big"), 1.0, "those 256 before"),
    "a counter of 16 bits": (
        counter(1 << 15, 2, 40503, "little"),
        1.0,
        "words of 2 bytes",
    ),
    "a counter of 24 bits": (
        counter(21845, 3, 0x9E3779, "big"),
        1.0,
        "words of 3 bytes",
    ),
    "a counter of 32 bits": (
        counter(1 << 14, 4, 0x9E3779B9, "big"),
        1.0,
        "words of 4 bytes",
    ),
    "a counter of 64 bits": (
        counter(1 << 13, 8, 0x9E3779B97F4A7C15, "little"),
        1.0,
        "words of 8 bytes",
    ),
    "sentences that repeat": (sentences(1) * 1000, 1.0, "lag test"),
    "sentences that count": (sentences(1000), 1.0, "lag test"),
}


@pytest.mark.parametrize("name", DEAD)
def test_a_dead_source_ends_the_producer(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    conf: Callable[..., Path],
    make_source: Callable[[bytes], Path],
    name: str,
) -> None:
    data, bits, what = DEAD[name]
    source = make_source(data)
    # Without --once too: nobody restarts it for a broken device.
    file = conf(queue=queue.url, device=str(source), bits_per_byte=bits)
    got = run(PRODUCER, "-c", file)
    assert got.code == 65, got.err
    # A warning for each test that failed, however often.
    discarded = [line for line in got.lines() if "discarded" in line]
    assert 1 <= len(discarded) <= 2
    failed = [line for line in got.lines() if "3 times in a row" in line]
    [line] = failed
    assert what in line
    assert str(source) in line
    assert "nothing of it is used" in line
    assert line == got.lines()[-1]
    assert queue.depth() == (0, 0)
    assert sent_operations(proxy) == 0


def test_a_block_that_no_lag_reaches_ends_the_producer(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    conf: Callable[..., Path],
    make_source: Callable[[bytes], Path],
) -> None:
    source = make_source(noise(4096) * 16)
    file = conf(queue=queue.url, device=str(source), message_bytes=4096)
    got = run(PRODUCER, "-c", file)
    assert got.code == 65, got.err
    assert "block test: a block of 4096 bytes equals the one before" in got.lines()[-1]
    assert queue.depth() == (0, 0)
    assert sent_operations(proxy) == 0


def test_a_source_that_gets_stuck_sends_good_messages_only(
    run: Runner, queue: Queue, conf: Callable[..., Path], tmp_path: Path
) -> None:
    fifo = tmp_path / "generator"
    os.mkfifo(fifo)
    file = conf(
        queue=queue.url, device=str(fifo), low_watermark=100, burst=BURST, interval=1
    )
    process = run.start(PRODUCER, "-c", file)
    good = noise(STARTUP + BURST * SIZE + 3 * SIZE)
    with fifo.open("wb", buffering=0) as generator:
        generator.write(good[: STARTUP + BURST * SIZE])
        wait_until(lambda: queue.depth()[0] == BURST)
        # The second batch: three good blocks, then nothing but one value.
        generator.write(good[STARTUP + BURST * SIZE :] + b"\x07" * 3 * STARTUP)
        ended = run.finish(process)
    assert ended.code == 65, ended.err
    # A send that this cut off may have said so since.
    assert "byte 0x07 came 31 times in a row" in ended.err
    sent = payloads(queue)
    allowed = [good[i : i + SIZE] for i in range(STARTUP, len(good), SIZE)]
    assert BURST <= len(sent) <= BURST + 3
    assert set(sent) <= set(allowed)
    assert len(set(sent)) == len(sent)


def test_one_failure_discards_a_block_and_begins_anew(
    run: Runner, queue: Queue, make_source: Callable[[bytes], Path]
) -> None:
    good = noise(STARTUP + 4 * SIZE)
    spoilt = noise(SIZE, 2)[: SIZE - 2 * RUN] + b"\x42" * RUN + noise(RUN, 3)
    rest = noise(STARTUP + 6 * SIZE, 4)
    source = make_source(good + spoilt + rest + noise(SIZE, 5))
    got = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
    assert got.code == 0, got.err
    [line] = [line for line in got.lines() if "discarded" in line]
    assert "byte 0x42 came 31 times in a row (cutoff 31)" in line
    used = good[STARTUP:] + rest[STARTUP:]
    expected = [used[i : i + SIZE] for i in range(0, len(used), SIZE)]
    assert payloads(queue) == expected


def test_a_run_across_two_blocks_is_seen(
    run: Runner, queue: Queue, make_source: Callable[[bytes], Path]
) -> None:
    first = noise(STARTUP + SIZE)[:-16] + b"\x42" * 16
    second = b"\x42" * 15 + noise(SIZE - 15, 2)
    rest = noise(STARTUP + BURST * SIZE, 3)
    source = make_source(first + second + rest)
    got = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
    assert got.code == 0, got.err
    assert "byte 0x42 came 31 times in a row" in got.err
    sent = payloads(queue)
    assert sent[0] == first[STARTUP:]
    assert second not in sent
    assert sent[1] == rest[STARTUP : STARTUP + SIZE]


def test_failures_that_are_not_in_a_row_do_not_end_it(
    run: Runner, queue: Queue, make_source: Callable[[bytes], Path]
) -> None:
    pieces, expected = [], []
    for turn in range(5):
        good = noise(STARTUP + 2 * SIZE, turn)
        pieces += [good, b"\0" * SIZE]
        expected += [good[STARTUP:-SIZE], good[-SIZE:]]
    got = run(
        PRODUCER, "--once", *TEN, "-q", queue.url, "-d", make_source(b"".join(pieces))
    )
    assert got.code == 0, got.err
    assert got.err.count("discarded") == 1  # it is told once
    assert payloads(queue) == expected


# ---- several sources


def xor(*parts: bytes) -> bytes:
    """The parts combined, byte by byte."""
    return bytes(a ^ b for a, b in zip(*parts, strict=True)) if parts[1:] else parts[0]


@pytest.mark.parametrize("count", [2, 3, 8])
def test_several_sources_are_sent_as_their_xor(
    run: Runner, queue: Queue, make_source: Callable[[bytes], Path], count: int
) -> None:
    data = [noise(STARTUP + BURST * SIZE, seed) for seed in range(count)]
    devices = ",".join(str(make_source(d)) for d in data)
    got = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", devices)
    assert got.code == 0, got.err
    whole = data[0][STARTUP:]
    for other in data[1:]:
        whole = xor(whole, other[STARTUP:])
    assert b"".join(payloads(queue)) == whole


def test_a_dead_source_is_told_once_and_the_other_goes_on(
    run: Runner, queue: Queue, make_source: Callable[[bytes], Path]
) -> None:
    data = noise(STARTUP + BURST * SIZE)
    good, dead = make_source(data), make_source(b"\x01" * (1 << 16))
    for devices in (f"{good},{dead}", f"{dead}, {good}"):
        got = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", devices)
        assert got.code == 0, got.err
        [line] = [line for line in got.lines() if "3 times in a row" in line]
        assert str(dead) in line
        assert "nothing of it is used: check or replace the hardware" in line
        assert line.endswith("; the other sources go on without it")
        assert b"".join(payloads(queue)) == data[STARTUP:]


def test_sources_that_are_all_dead_end_the_producer(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    make_source: Callable[[bytes], Path],
) -> None:
    dead = [make_source(bytes([value]) * (1 << 16)) for value in (1, 2)]
    got = run(PRODUCER, *TEN, "-q", queue.url, "-d", ",".join(map(str, dead)))
    assert got.code == 65, got.err
    for source in dead:
        assert got.err.count(f"{source} has failed its health tests") == 1
    assert sent_operations(proxy) == 0
    assert queue.depth() == (0, 0)


def test_a_failure_of_one_does_not_undo_the_other(
    run: Runner, queue: Queue, make_source: Callable[[bytes], Path]
) -> None:
    one = noise(STARTUP + BURST * SIZE)
    bad = noise(STARTUP, 1) + b"\0" * SIZE
    two = noise(STARTUP + BURST * SIZE, 2)
    devices = f"{make_source(one)},{make_source(bad + two)}"
    got = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", devices)
    assert got.code == 0, got.err
    assert b"".join(payloads(queue)) == xor(one[STARTUP:], two[STARTUP:])


def refused(
    run: Runner, queue: Queue, devices: object, *words: str, code: int = 78
) -> None:
    """Check that the producer does not begin."""
    got = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", str(devices))
    assert got.code == code, got.err
    for word in words:
        assert word in got.err
    assert queue.depth() == (0, 0)


def test_one_source_named_twice_is_refused(
    run: Runner, queue: Queue, make_source: Callable[[bytes], Path], tmp_path: Path
) -> None:
    source, other = make_source(noise(1 << 16)), make_source(noise(1 << 16, 2))
    (tmp_path / "soft").symlink_to(source)
    (tmp_path / "hard").hardlink_to(source)
    same = "are one source"
    refused(run, queue, f"{source},{source}", same)
    refused(run, queue, f"{source},{tmp_path}/soft", same)
    refused(run, queue, f"{source},{other},{tmp_path}/hard", same, str(source))
    refused(run, queue, f"{source},{tmp_path}/../{tmp_path.name}/source0", same)


def test_what_is_no_list_of_sources_is_refused(
    run: Runner, queue: Queue, make_source: Callable[[bytes], Path]
) -> None:
    source = make_source(noise(1 << 16))
    for devices in (",", f"{source},", f",{source}", f"{source},,{source}", " "):
        refused(run, queue, devices, "device")
    many = [make_source(noise(4096, seed)) for seed in range(9)]
    refused(run, queue, ",".join(map(str, many)), "at most 8")


# ---- the kernel's own generator


@pytest.fixture(params=["/dev/random", "/dev/urandom"])
def kernels(request: pytest.FixtureRequest) -> Path:
    """Give the kernel's generator, by both its names."""
    return Path(request.param)


def test_the_kernels_generator_is_refused(
    run: Runner, queue: Queue, kernels: Path, tmp_path: Path
) -> None:
    own = "the kernel's own generator"
    refused(run, queue, kernels, own, str(kernels))
    first, second = tmp_path / "first", tmp_path / "second"
    first.symlink_to(kernels)
    second.symlink_to(first)
    refused(run, queue, second, own, str(second))
    refused(run, queue, f"/dev/../dev//{kernels.name}", own)
    with kernels.open("rb") as file:
        got = run(
            PRODUCER,
            *("--once", "-q", queue.url, "-d", "/dev/stdin"),
            stdin=file,
        )
    assert got.code == 78, got.err
    assert own in got.err


@pytest.fixture
def nodes(tmp_path: Path, kernels: Path) -> Iterator[list[Path]]:
    """Give other nodes of the same device: made, and bound over a file."""
    if os.geteuid() != 0:
        pytest.skip("not root: no device can be made")
    made, bound = tmp_path / "made", tmp_path / "bound"
    try:
        os.mknod(made, stat.S_IFCHR | 0o600, kernels.stat().st_rdev)
        made.open("rb").close()
    except OSError as error:
        pytest.skip(f"no device can be made here: {error}")
    bound.touch()
    command = ["mount", "--bind", str(kernels), str(bound)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    yield [made, bound]
    subprocess.run(["umount", "-l", str(bound)], check=True)


def test_the_kernels_generator_is_refused_by_any_node(
    run: Runner, queue: Queue, nodes: list[Path]
) -> None:
    for node in nodes:
        refused(run, queue, node, "the kernel's own generator", str(node))


def test_devices_that_are_no_generators_are_refused(
    run: Runner, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    refused(run, queue, tmp_path, "not a device")
    # It may come later: not 78, after which a service is not started again.
    refused(run, queue, tmp_path / "nothing", "not there", code=69)
    with socket.socket(socket.AF_UNIX) as nothing_behind:
        nothing_behind.bind(str(tmp_path / "s"))
        refused(run, queue, tmp_path / "s", "no generator behind it", code=69)
    zero = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", "/dev/zero")
    assert zero.code == 65, zero.err
    assert "byte 0x00" in zero.lines()[-1]
    assert sent_operations(proxy) == 0


def test_a_source_that_ends_or_falls_silent_sends_no_half_message(
    run: Runner, queue: Queue, tmp_path: Path, make_source: Callable[[bytes], Path]
) -> None:
    short = make_source(noise(STARTUP + 2 * SIZE + SIZE // 2))
    got = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", short)
    assert got.code != 0
    assert "has ended" in got.err
    sent = payloads(queue)
    data = short.read_bytes()[STARTUP:]
    assert set(sent) <= {data[:SIZE], data[SIZE : 2 * SIZE]}
    # For thirty seconds, after which nothing is left of what came.
    with fifo(tmp_path) as (path, writer):
        os.write(writer, noise(STARTUP + 100))
        got = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", path)
    assert got.code == 69, got.err
    assert "gave no byte for 30 s" in got.err
    # Those of before may be seen again by now.
    assert set(payloads(queue)) <= set(sent)


# ---- refused before anybody is asked, or ending early


def no_source(attack: Attack, path: Path | str, code: int, *words: str) -> None:
    """Check that a source is refused before anybody is asked for anything."""
    got = attack.producer("-q", "some-queue", "-d", path)
    fails(got, code, str(path), *words)
    assert attack.imds.connections == 0
    assert attack.proxy.connections == 0


def test_the_kernels_generator_is_refused_before_anything_is_asked(
    attack: Attack, tmp_path: Path, conf: Callable[..., Path]
) -> None:
    link = tmp_path / "hwrng"
    link.symlink_to("/dev/urandom")
    second = tmp_path / "again"
    second.symlink_to(link)
    for path in each(
        {str(p): p for p in ("/dev/random", "/dev/urandom", link, second)}
    ):
        no_source(attack, path, 78, "kernel's own generator", "/dev/hwrng")
    file = conf(queue="some-queue", device="/dev/urandom")
    fails(attack.producer("-c", file), 78, "kernel's own generator")


@needs_root
def test_the_kernels_generator_is_refused_under_another_name(
    attack: Attack, tmp_path: Path
) -> None:
    for minor in (8, 9):
        node = tmp_path / f"node{minor}"
        try:
            os.mknod(node, 0o20666, os.makedev(1, minor))
        except PermissionError:
            pytest.skip("no device node can be made here")
        no_source(attack, node, 78, "kernel's own generator")


def test_a_source_that_is_none_is_named(attack: Attack, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    link = tmp_path / "dangling"
    link.symlink_to(tmp_path / "nowhere")
    for path in (tmp_path / "missing", link, tmp_path / "file" / "x"):
        no_source(attack, path, 69, "is not there", "set device")
    no_source(attack, tmp_path, 78, "is not a device", "/dev/hwrng")


@pytest.mark.parametrize("size", [0, 100, 511])
def test_a_source_that_ends_within_a_message_sends_nothing(
    attack: Attack, queue: Queue, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "ends"
    path.write_bytes(noise(size))
    got = attack.producer("-q", queue.url, "-d", path)
    assert got.code == 69, got.err
    assert got.lines()[-1].endswith(f"{path} has ended: it is no endless source")
    assert queue.depth() == (0, 0)


def test_a_file_that_is_too_short_sends_whole_messages_only(
    attack: Attack, queue: Queue, tmp_path: Path
) -> None:
    path = tmp_path / "short"
    path.write_bytes(noise(STARTUP + 1000))  # one message and a half
    got = attack.producer("-q", queue.url, "-d", path)
    assert got.code == 69, got.err
    assert sum("has ended" in line for line in got.lines()) == 1
    [message] = queue.receive()
    assert "sent 1 of 10 messages" in got.err
    assert len(message["Body"]) == 684
    assert queue.depth() == (0, 1)


def test_a_device_that_has_nothing_sends_nothing(attack: Attack, queue: Queue) -> None:
    got = attack.producer("-q", queue.url, "-d", "/dev/null")
    fails(got, 69, "/dev/null", "has ended")
    assert queue.depth() == (0, 0)


def test_what_came_before_a_source_failed_is_sent(
    run: Runner, queue: Queue, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(noise(STARTUP + 5 * 512) + bytes(1 << 14))
    got = run(PRODUCER, *TEN, "-q", queue.url, "-d", source)
    assert got.code == 65, got.err
    assert queue.depth() == (5, 0)
