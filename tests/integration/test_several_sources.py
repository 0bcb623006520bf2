# SPDX-License-Identifier: Apache-2.0
"""Sources that come late, go away or never answer, alone and beside others."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from aid.halves import halves, needs_root
from aid.manager import Service
from aid.payload import noise, payloads
from aid.programs import BURST, PRODUCER, SIZE, STARTUP, TEN, Runner
from aid.queue import Queue
from aid.source import Usb, fifo
from aid.sqsproxy import SqsProxy
from aid.wait import PATIENCE, wait_until

PIDFD_GETFD = 438  # on every architecture
OTHERS = "; the other sources go on without it"


def block_on(pid: int, path: Path) -> None:
    """Let the reads of a process of this file wait, as a driver does that knows none.

    The process has it open without waiting, and shares that with who has its
    descriptor (pidfd_getfd(2)).
    """
    shared = os.pidfd_open(pid)
    for name in Path(f"/proc/{pid}/fd").iterdir():
        if name.readlink() != path:
            continue
        fd = ctypes.CDLL(None, use_errno=True).syscall(
            PIDFD_GETFD, shared, int(name.name), 0
        )
        assert fd >= 0, os.strerror(ctypes.get_errno())
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        assert flags & os.O_NONBLOCK
        fcntl.fcntl(fd, fcntl.F_SETFL, flags & ~os.O_NONBLOCK)
        os.close(fd)
    os.close(shared)


def sleeps_in_read(pid: int) -> bool:
    """Whether the process is in a read(2)."""
    return "pipe_read" in Path(f"/proc/{pid}/stack").read_text()


@needs_root
def test_a_driver_that_sleeps_does_not_hold_up_other_sources(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    conf: Callable[..., Path],
    make_source: Callable[[bytes], Path],
    tmp_path: Path,
) -> None:
    good = make_source(noise(1 << 22))
    values = {"interval": 1, "low_watermark": 1000, "burst": BURST}
    log = tmp_path / "log"
    with fifo(tmp_path) as (silent, writer), log.open("wb") as said:
        # It passes its test, and gives a message.
        os.write(writer, noise(STARTUP + SIZE, 2))
        file = conf(queue=queue.url, device=f"{silent},{good}", **values)
        process = run.start(PRODUCER, "-c", file, stderr=said)
        wait_until(lambda: bool(proxy.matching("GetQueueAttributes")))
        offline = halves(process)[1]
        block_on(offline.pid, silent)
        wait_until(lambda: sleeps_in_read(offline.pid))
        wait_until(lambda: queue.depth()[0] >= 3 * BURST)
        assert f"{silent} gave no byte for 30 s" in log.read_text()
        assert log.read_text().count(OTHERS) == 1, log.read_text()
        process.terminate()
        assert run.finish(process, timeout=PATIENCE).code == 0


@needs_root
def test_a_stop_ends_a_read_that_sleeps(
    run: Runner, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    with fifo(tmp_path) as (silent, _):
        process = run.start(PRODUCER, *TEN, "-q", queue.url, "-d", silent)
        wait_until(lambda: bool(proxy.matching("GetQueueAttributes")))
        offline = halves(process)[1]
        block_on(offline.pid, silent)
        wait_until(lambda: sleeps_in_read(offline.pid))
        # The main process alone is told.
        os.kill(offline.pid, signal.SIGTERM)
        assert run.finish(process, timeout=PATIENCE).code == 0


def state_of(run: Runner, device: Path) -> str:
    """What the status says of a source; "" while there is none."""
    got = run(PRODUCER, "--status", "--json")
    sources = json.loads(got.out)["sources"] if got.code == 0 else []
    return next((s["state"] for s in sources if s["device"] == str(device)), "")


def test_one_that_is_unplugged_counts_again_after_its_test(
    run: Runner,
    queue: Queue,
    start: Callable[..., Service],
    conf: Callable[..., Path],
    make_source: Callable[[bytes], Path],
    usb: Usb,
) -> None:
    """It is told once that it is gone, why, and that it is back."""
    good = make_source(noise(1 << 22))
    values = {"interval": 1, "low_watermark": 1000, "burst": BURST}
    service = start("-c", conf(queue=queue.url, device=f"{usb.path},{good}", **values))
    usb.feed(noise(1 << 18, 2))
    service.wait_ready()
    wait_until(lambda: queue.depth()[0] >= BURST)
    assert state_of(run, usb.path) == "good"
    usb.unplug()
    wait_until(lambda: state_of(run, usb.path) == "gone")
    depth = queue.depth()[0]
    wait_until(lambda: queue.depth()[0] >= depth + 2 * BURST)
    assert state_of(run, good) == "good"
    usb.plug()
    usb.feed(noise(1 << 18, 3))
    wait_until(lambda: state_of(run, usb.path) == "good")
    said = service.stop()
    for text in ("unplugged?", "is not there: set device to a"):
        [line] = [line for line in said.splitlines() if text in line]
        assert str(usb.path) in line
        assert line.endswith(OTHERS)
    assert said.count(f"{usb.path}: has passed its start-up test, and counts") == 1
    assert said.count(str(usb.path)) == 3, said


def test_one_that_is_not_there_at_the_start_keeps_no_other_from_it(
    run: Runner,
    queue: Queue,
    make_source: Callable[[bytes], Path],
    usb: Usb,
) -> None:
    data = noise(STARTUP + BURST * SIZE)
    # Where it may be seen when it comes.
    absent = usb.path.with_name("absent")
    devices = f"{absent},{make_source(data)}"
    got = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", devices)
    assert got.code == 0, got.err
    assert got.err.count(str(absent)) == 1
    assert f"{absent} is not there: set device" in got.err
    assert b"".join(payloads(queue)) == data[STARTUP:]


def test_a_fifo_waits_for_its_writer(
    run: Runner, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    data = noise(STARTUP + BURST * SIZE)
    path = tmp_path / "fifo"
    os.mkfifo(path)
    process = run.start(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", path)
    # By then the source is open, and asked for bytes: some reads find none.
    wait_until(lambda: bool(proxy.matching("GetQueueAttributes")))
    time.sleep(1)
    path.write_bytes(data)
    got = run.finish(process)
    assert got.code == 0, got.err
    assert str(path) not in got.err
    assert b"".join(payloads(queue)) == data[STARTUP:]
