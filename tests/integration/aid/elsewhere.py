# SPDX-License-Identifier: Apache-2.0
"""A producer in a directory that another user owns or can read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aid.halves import OTHER
from aid.maker import make_key
from aid.payload import noise
from aid.programs import PRODUCER, Runner
from aid.queue import Queue

needs_setpriv = pytest.mark.skipif(
    shutil.which("setpriv") is None, reason="needs setpriv(1)"
)
AS_OTHER = [f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]


@dataclass
class Elsewhere:
    """A directory that another user can read, with all that a producer needs."""

    folder: Path
    env: dict[str, str]
    state: Path

    def give(self) -> None:
        """Make the other user the owner of everything in it."""
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, OTHER, OTHER)


@pytest.fixture
def elsewhere(run: Runner) -> Iterator[Elsewhere]:
    """Give such a directory, which root owns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(run.build / PRODUCER, folder)
        (folder / "source").write_bytes(noise(1 << 14))
        state = folder / "state"
        state.mkdir(0o700)
        (folder / "home").mkdir()
        env = {**run.env, "STATE_DIRECTORY": str(state), "HOME": str(folder / "home")}
        make_key(run, folder / "key")
        yield Elsewhere(folder, env, state)


def top_up(run: Runner, at: Elsewhere, queue: Queue, *before: str) -> str:
    """Run a producer of that directory once; return its log."""
    file = at.folder / "conf"
    file.write_text(
        f'queue = "{queue.url}"\nsigning-key = "{at.folder / "key"}"\n'
        "low-watermark = 1000\nburst = 1\n"
    )
    command = [*before, at.folder / PRODUCER, "--once", "-c", file]
    made = run(str(command[0]), *command[1:], "-d", at.folder / "source", env=at.env)
    assert made.code == 0, made.err
    return made.err
