# SPDX-License-Identifier: Apache-2.0
"""A generator on a terminal (USB: /dev/ttyACM0): its bytes and its unplugging."""

from __future__ import annotations

import contextlib
import os
import select
import tempfile
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aid.payload import noise, payloads
from aid.programs import BURST, PRODUCER, SIZE, STARTUP, TEN, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.wait import wait_until

# What a terminal's usual mode ends, stops, changes, kills or erases.
SPECIAL = b"\x03\x04\x08\x0a\x0d\x0f\x11\x12\x13\x15\x16\x17\x1a\x1c\x7f\xff"


@dataclass
class Usb:
    """A generator that can be plugged in and out under one name."""

    path: Path
    master: int = -1
    slave: int = -1

    def plug(self) -> None:
        """Make the terminal."""
        self.master, self.slave = os.openpty()
        # The producer is no longer root when it opens it again.
        os.fchmod(self.slave, 0o666)
        self.path.symlink_to(os.ttyname(self.slave))

    def unplug(self) -> None:
        """Hang up and remove the name."""
        os.close(self.master)
        os.close(self.slave)
        self.master = self.slave = -1
        self.path.unlink()

    def feed(self, data: bytes) -> threading.Thread:
        """Write bytes as fast as the program takes them."""

        def write() -> None:
            rest = memoryview(data)
            with contextlib.suppress(OSError):  # unplugged
                while rest:
                    rest = rest[os.write(self.master, rest[:256]) :]

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        return thread


@pytest.fixture
def usb() -> Iterator[Usb]:
    """Give a generator where every user can see it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        device = Usb(Path(folder, "ttyACM0"))
        device.plug()
        yield device
        if device.master >= 0:
            device.unplug()


def test_every_byte_comes_as_it_was_given(
    run: Runner, queue: Queue, proxy: SqsProxy, usb: Usb
) -> None:
    """The terminal swallows, changes and echoes nothing; older bytes are dropped."""
    data = bytearray(noise(STARTUP + BURST * SIZE))
    for turn in range(BURST):
        at = STARTUP + turn * SIZE
        # In an order of its own each time: what comes again is discarded.
        data[at : at + 256] = sorted(range(256), key=noise(256, turn).__getitem__)
        data[at + 300 : at + 300 + len(SPECIAL)] = SPECIAL
    os.write(usb.master, b"ready\n")
    process = run.start(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", usb.path)
    # By then the source is open.
    wait_until(lambda: bool(proxy.matching("GetQueueAttributes")))
    # What the usual mode had to say before.
    assert os.read(usb.master, 64) == b"ready\r\n"
    thread = usb.feed(bytes(data))
    ended = run.finish(process)
    thread.join()
    assert ended.code == 0, ended.err
    assert b"".join(payloads(queue)) == data[STARTUP:]
    assert select.select([usb.master], [], [], 0)[0] == []


def test_carrier_and_flow_control_of_a_modem_do_not_matter(
    run: Runner, queue: Queue, proxy: SqsProxy, usb: Usb
) -> None:
    mode = termios.tcgetattr(usb.slave)
    mode[tty.IFLAG] |= termios.IXOFF | termios.IXON | termios.IUCLC
    mode[tty.CFLAG] &= ~termios.CLOCAL
    mode[tty.CC][termios.VMIN] = 0  # type: ignore[index]
    termios.tcsetattr(usb.slave, termios.TCSANOW, mode)
    process = run.start(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", usb.path)
    wait_until(lambda: bool(proxy.matching("GetQueueAttributes")))
    now = termios.tcgetattr(usb.slave)
    thread = usb.feed(noise(STARTUP + BURST * SIZE))
    ended = run.finish(process)
    thread.join()
    assert ended.code == 0, ended.err
    assert now[tty.CFLAG] & termios.CLOCAL
    assert not now[tty.IFLAG] & (termios.IXOFF | termios.IXON)


def test_a_generator_may_be_unplugged_and_come_back(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    usb: Usb,
    conf: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """The producer waits, and ends when the device is back: systemd restarts it."""
    file = conf(
        queue=queue.url,
        device=str(usb.path),
        interval=1,
        low_watermark=100,
        burst=BURST,
    )
    log = tmp_path / "log"
    with log.open("wb") as said:
        process = run.start(PRODUCER, "-v", "-c", file, stderr=said)
        wait_until(lambda: bool(proxy.matching("GetQueueAttributes")))
        usb.feed(noise(STARTUP + BURST * SIZE))
        wait_until(lambda: queue.depth()[0] == BURST)
        usb.unplug()
        wait_until(lambda: log.read_text().count("is not there") >= 3)
        assert process.poll() is None
        assert "unplugged?" in log.read_text()
        usb.plug()
        ended = run.finish(process)
    assert ended.code == 69, log.read_text()
    assert "is back" in log.read_text()
    # What came before is whole, and nothing else came.
    assert set(payloads(queue)) <= {
        noise(STARTUP + BURST * SIZE)[i : i + SIZE]
        for i in range(STARTUP, STARTUP + BURST * SIZE, SIZE)
    }
    looks = len(proxy.matching("GetQueueAttributes"))
    again = run.start(PRODUCER, "-c", file)
    wait_until(lambda: len(proxy.matching("GetQueueAttributes")) > looks)
    usb.feed(noise(STARTUP + BURST * SIZE, 2))
    wait_until(lambda: queue.depth()[0] >= BURST)
    again.terminate()
    assert run.finish(again).code == 0
