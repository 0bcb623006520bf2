# SPDX-License-Identifier: Apache-2.0
"""The real producer with keys that it made itself."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aid.forge import Message
from aid.programs import AGENT, BURST, PRODUCER, Result, Runner
from aid.queue import Queue
from aid.verdicts import Judge


@dataclass
class KeyPair:
    """What --genkey made: the file and the line that it printed."""

    file: Path
    line: str

    @property
    def secret(self) -> bytes:
        """The secret key's bytes."""
        return base64.b64decode(self.file.read_text().split()[1], validate=True)

    @property
    def public(self) -> bytes:
        """The public key's bytes."""
        return base64.b64decode(self.line.split()[1], validate=True)


@dataclass
class Maker:
    """The real producer with a key, feeding the queue of an agent."""

    run: Runner
    judge: Judge
    source: Path
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def queue(self) -> Queue:
        """The queue that gets the messages."""
        return self.judge.queue

    def genkey(self, name: str, *args: str) -> KeyPair:
        """Make a key pair."""
        file = self.judge.directory / name
        made = self.run(PRODUCER, "--genkey", file, *args)
        assert made.code == 0, made.err
        assert made.err == ""
        assert made.out.count(b"\n") == 1
        return KeyPair(file, made.out.decode())

    def conf(self, **values: Any) -> Path:
        """Write the producer's configuration."""
        path = self.judge.directory / "producer.conf"
        base = {
            "queue": self.queue.url,
            "device": str(self.source),
            "burst": BURST,
        }
        lines = []
        for name, value in {**base, **self.settings, **values}.items():
            text = f'"{value}"' if isinstance(value, str) else str(value)
            lines.append(f"{name.replace('_', '-')} = {text}\n")
        path.write_text("".join(lines))
        return path

    def once(self, *args: str, **values: Any) -> Result:
        """Run the producer with --once."""
        return self.run(PRODUCER, "--once", "-c", self.conf(**values), *args)

    def sign(self, name: str = "pi") -> KeyPair:
        """Make a signing key; the agent trusts the line that --genkey printed."""
        pair = self.genkey(f"{name}.key")
        (self.judge.trusted / f"{name}.pub").write_text(pair.line)
        self.settings["signing_key"] = str(pair.file)
        return pair

    def seal(self, option: str = "--seal") -> KeyPair:
        """Give the producer and the agent the fleet's keys."""
        pair = self.genkey("fleet.key", option)
        public = self.judge.directory / "fleet.pub"
        public.write_text(pair.line)
        self.settings["seal_to"] = str(public)
        self.judge.settings["seal_key"] = str(pair.file)
        return pair

    def messages(self) -> list[Message]:
        """All messages that are in the queue."""
        found: list[Message] = []
        while some := self.queue.receive():
            found += map(Message.received, some)
        return found


@pytest.fixture
def maker(run: Runner, judge: Judge, source: Path) -> Maker:
    """Give a producer without a key."""
    return Maker(run, judge, source)


def make_key(run: Runner, path: Path, *args: str) -> str:
    """Make a key pair; return the line of the public key."""
    made = run(PRODUCER, "--genkey", path, *args)
    assert made.code == 0, made.err
    return made.out.decode()


@pytest.fixture
def key(run: Runner, tmp_path: Path) -> Path:
    """Give a signing key's file."""
    path = tmp_path / "signing.key"
    made = run(PRODUCER, "--genkey", path)
    assert made.code == 0, made.err
    return path


@dataclass
class Trust:
    """The directory of keys that an agent trusts."""

    run: Runner
    folder: Path
    queue: Queue

    def add(self, name: str, line: str) -> None:
        """Trust a public key."""
        (self.folder / f"{name}.pub").write_text(line)

    def signers(self, file: Path) -> set[str]:
        """The names of those who signed the messages in the queue."""
        got = self.run(AGENT, "-c", file, "-m", "10", "-o", os.devnull, "-v")
        assert got.code == 0, got.err
        names = {p.stem for p in self.folder.glob("*.pub")}
        return {n for n in names if f"bytes from {n}: " in got.err}


@pytest.fixture
def trust(run: Runner, tmp_path: Path, queue: Queue) -> Trust:
    """Give the directory of keys that an agent trusts."""
    folder = tmp_path / "trusted"
    folder.mkdir(0o755)
    return Trust(run, folder, queue)
