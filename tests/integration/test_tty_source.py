# SPDX-License-Identifier: Apache-2.0
"""A generator on a terminal (USB: /dev/ttyACM0): its bytes and its unplugging."""

from __future__ import annotations

import os
import select
import termios
import tty
from collections.abc import Callable
from pathlib import Path

from aid.payload import noise, payloads
from aid.programs import BURST, PRODUCER, SIZE, STARTUP, TEN, Runner
from aid.queue import Queue
from aid.source import Usb
from aid.sqsproxy import SqsProxy
from aid.wait import wait_until

# What a terminal's usual mode ends, stops, changes, kills or erases.
SPECIAL = b"\x03\x04\x08\x0a\x0d\x0f\x11\x12\x13\x15\x16\x17\x1a\x1c\x7f\xff"


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
    """The producer waits, sets it to raw mode again, and tests it anew."""
    file = conf(
        queue=queue.url,
        device=str(usb.path),
        interval=1,
        low_watermark=100,
        burst=BURST,
    )
    first = noise(STARTUP + BURST * SIZE)
    # What comes before it is opened is dropped: as much as a terminal holds.
    again = noise(STARTUP + BURST * SIZE + (1 << 17), 2)
    log = tmp_path / "log"
    with log.open("wb") as said:
        process = run.start(PRODUCER, "-v", "-c", file, stderr=said)
        wait_until(lambda: bool(proxy.matching("GetQueueAttributes")))
        usb.feed(first)
        wait_until(lambda: queue.depth()[0] == BURST)
        usb.unplug()
        wait_until(lambda: log.read_text().count("is not there") >= 3)
        usb.plug()
        usb.feed(again)
        wait_until(lambda: queue.depth()[0] >= 2 * BURST)
        process.terminate()
        ended = run.finish(process)
    assert ended.code == 0, log.read_text()
    assert "unplugged?" in log.read_text()
    assert "messages can be made again after" in log.read_text()
    sent = payloads(queue)
    assert sum(payload in first for payload in sent) == BURST
    assert all(max(data.find(p) for data in (first, again)) >= STARTUP for p in sent)
