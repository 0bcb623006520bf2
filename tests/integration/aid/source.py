# SPDX-License-Identifier: Apache-2.0
"""Files and pipes that stand for a generator, the source of the producer."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aid.payload import noise


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Give a file that stands for the generator."""
    path = tmp_path / "source"
    path.write_bytes(noise(1 << 16))
    return path


@pytest.fixture
def make_source(tmp_path: Path) -> Callable[[bytes], Path]:
    """Give a function that makes files which stand for generators."""
    made: list[Path] = []

    def make(data: bytes) -> Path:
        path = tmp_path / f"source{len(made)}"
        path.write_bytes(data)
        made.append(path)
        return path

    return make


@pytest.fixture
def generator(tmp_path: Path) -> Iterator[Path]:
    """Give a source with enough for a burst that neither ends nor repeats."""
    path = tmp_path / "generator"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR)
    os.write(end, noise(8192))
    yield path
    os.close(end)


@contextlib.contextmanager
def fifo(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """Give a source that is silent, and the descriptor by which a test feeds it."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    try:
        yield path, writer
    finally:
        os.close(writer)


@contextlib.contextmanager
def trickle(writer: int, per_second: int) -> Iterator[None]:
    """Write so many bytes a second for as long as this lasts."""
    ending = threading.Event()

    def write() -> None:
        data = noise(1 << 16)
        step = max(1, per_second // 20)
        for at in range(0, len(data), step):
            if ending.wait(step / per_second):
                return
            os.write(writer, data[at : at + step])

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


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
