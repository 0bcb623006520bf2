# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D103 (the test's name says it)
"""What moves while sqs-entropy-producer.service runs, confined as it is shipped."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from world import HOST, PRODUCER, UNCONDITIONAL, World

from aid.errors import coral
from aid.payload import noise
from aid.wait import wait_until

RESTART = "[Service]\nRestartSec=1\n"
NET = "sqs-entropy-producer-net"
CREDENTIALS = f"/var/lib/{NET}/.aws/credentials"
OLD, NEW = "AKIAOLD0000000000000", "AKIANEW0000000000000"
USB = "/dev/ttyACM0"
SET_LOCK, GET_NUMBER = 0x40045431, 0x80045430  # of a terminal, see ioctl_tty(2)


@pytest.fixture(autouse=True)
def ready(world: World) -> Iterator[None]:
    """A producer that tops a queue up, over and over; each test cleans up."""
    machine = world.machine
    machine.drop_in(PRODUCER, "container", UNCONDITIONAL)
    machine.drop_in(PRODUCER, "test", RESTART)
    world.make_queue("moving")
    world.sqs.forget()
    yield
    world.sqs.clear()
    machine.run("systemctl", "stop", PRODUCER)
    machine.run("systemctl", "reset-failed", PRODUCER)
    machine.drop_in(PRODUCER, "test", "")
    machine.remove("/etc/sqs-entropy/producer.conf")
    url = world.client.create_queue(QueueName="moving")["QueueUrl"]
    world.client.delete_queue(QueueUrl=url)


def configure(world: World, **values: object) -> None:
    url = f"https://{HOST}/123456789012/moving"
    numbers = {"interval": 1, "low-watermark": 10000, "burst": 1}
    world.configure("producer", **{"queue": url, **numbers, **values})


def sent(world: World) -> int:
    """How many messages the queue was given."""
    return len(world.sqs.matching("SendMessageBatch"))


def tell(moved: float, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Print the time that it took."""
    restarts = world.machine.show(PRODUCER, "NRestarts")
    with capsys.disabled():
        print(f"\n  {time.monotonic() - moved:.1f} s, {restarts} restarts", end="")


class Usb:
    """A terminal in the machine that a generator is behind, under one name."""

    def __init__(self, world: World) -> None:
        root = world.machine.path("/dev/pts/ptmx")
        self.master = os.open(root, os.O_RDWR | os.O_NOCTTY)
        fcntl.ioctl(self.master, SET_LOCK, struct.pack("i", 0))
        number = fcntl.ioctl(self.master, GET_NUMBER, struct.pack("I", 0))
        self.node = f"/dev/pts/{struct.unpack('I', number)[0]}"
        world.machine.must("ln", "-sfn", self.node, USB)
        os.set_blocking(self.master, False)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.feed, daemon=True)
        self.thread.start()

    def feed(self) -> None:
        """Write bytes as fast as they are taken."""
        turn = 0
        while not self.ending.wait(0.001):
            turn += 1
            with contextlib.suppress(BlockingIOError):
                os.write(self.master, noise(256, self.master << 20 | turn))

    def unplug(self) -> None:
        """Hang up; a write that waits would keep it open."""
        self.ending.set()
        self.thread.join()
        os.close(self.master)


def test_a_generator_that_comes_back_under_its_name_is_used(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = world.machine
    first = Usb(world)
    unit = f"BindReadOnlyPaths=-{USB}\nDeviceAllow={USB} r\n"
    machine.drop_in(PRODUCER, "test", RESTART + unit)
    configure(world, device=USB)
    done = world.start(PRODUCER)
    assert done.returncode == 0, machine.invocation(PRODUCER)
    wait_until(lambda: sent(world) > 0)
    # The new one is there before the old one's number is free.
    second = Usb(world)
    assert first.node != second.node
    first.unplug()
    before, moved = sent(world), time.monotonic()
    wait_until(lambda: int(machine.show(PRODUCER, "NRestarts")) > 0)
    wait_until(lambda: sent(world) > before + 1)
    tell(moved, world, capsys)
    assert "to be started again" in machine.journal("-u", PRODUCER)
    machine.must("systemctl", "stop", PRODUCER)
    second.unplug()


@pytest.mark.usefixtures("hwrng")
@pytest.mark.parametrize("late", [False, True])
def test_aws_files_may_come_and_be_renewed(
    world: World, capsys: pytest.CaptureFixture[str], late: bool
) -> None:
    machine = world.machine

    def put(key: str) -> None:
        text = f"[default]\naws_access_key_id = {key}\naws_secret_access_key = x\n"
        machine.write(CREDENTIALS + ".new", text, 0o600)
        machine.must("chown", f"{NET}:{NET}", CREDENTIALS + ".new")
        machine.must("mv", CREDENTIALS + ".new", CREDENTIALS)

    def used(key: str) -> bool:
        return any(r.note.get("access_key") == key for r in world.sqs.records)

    world.imds.enabled = False
    try:
        configure(world)
        if not late:
            put(OLD)
        assert world.start(PRODUCER).returncode == 0, machine.invocation(PRODUCER)
        if late:
            wait_until(lambda: "is off (403)" in machine.invocation(PRODUCER))
        else:
            wait_until(lambda: used(OLD))
            refused = coral(
                "UnrecognizedClientException", "gone", "InvalidClientTokenId"
            )
            world.sqs.fault("GetQueueAttributes", **refused)
        moved = time.monotonic()
        put(NEW)
        wait_until(lambda: used(NEW))
        tell(moved, world, capsys)
        assert machine.show(PRODUCER, "NRestarts") == "0"
    finally:
        world.imds.enabled = True
        machine.remove(CREDENTIALS)


@pytest.mark.usefixtures("hwrng")
@pytest.mark.parametrize("folder", ["netconfig", "NetworkManager", ""])
def test_the_name_servers_may_be_told_late(
    world: World, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    machine = world.machine
    target = f"/run/{folder}/resolv.conf".replace("//", "/")
    text = machine.path("/etc/resolv.conf").read_text()
    machine.must("ln", "-sfn", target, "/etc/resolv.conf")
    try:
        configure(world)
        assert world.start(PRODUCER).returncode == 0, machine.invocation(PRODUCER)
        wait_until(lambda: "no address found" in machine.invocation(PRODUCER))
        moved = time.monotonic()
        machine.write(target, text)
        wait_until(lambda: sent(world) > 0)
        tell(moved, world, capsys)
        assert machine.show(PRODUCER, "NRestarts") == "0"
    finally:
        machine.remove("/etc/resolv.conf")
        machine.write("/etc/resolv.conf", text)
        machine.remove(target)
