# SPDX-License-Identifier: Apache-2.0
"""The agent with an online half that belongs to an attacker."""

from __future__ import annotations

import os
import resource
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aid.environment import WANTED
from aid.forge import Fleet, Message, Producer, now
from aid.layers import lacking, without_lacks
from aid.processes import end_group
from aid.wait import FOR_EVER

IDENTITY, QUEUE, MESSAGE, END, UNKNOWN = range(1, 6)
REGION, ACCOUNT, NAME = "eu-west-1", "123456789012", "entropy"
ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}"
URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{NAME}"
# The sizes in agent/record.h.
IDENTITY_TEXT, ENTROPY = 256, 256
QUEUE_FIELDS = "I64s13s81s2x"  # entry, region, account, name


def record(kind: int, data: bytes = b"") -> bytes:
    """A datagram as the tool reads it."""
    return struct.pack("=II", len(data) + 4, kind) + data


def identity(text: bytes = b"i-0123456789abcdef0", length: int | None = None) -> bytes:
    """A record of identity."""
    size = len(text) if length is None else length
    return record(IDENTITY, struct.pack(f"=I{IDENTITY_TEXT}s", size, text))


def queue_record(
    region: str = REGION, account: str = ACCOUNT, name: str = NAME, entry: int = 0
) -> bytes:
    """A record that tells what was found of a configured queue."""
    found = (text.encode() for text in (region, account, name))
    return record(QUEUE, struct.pack(f"={QUEUE_FIELDS}", entry, *found))


def end(code: int = 0, received: int = 1, deleted: int = 1) -> bytes:
    """The record that ends a run."""
    return record(END, struct.pack("=iII", code, received, deleted))


def message(
    m: Message,
    sent: int | None = None,
    count: int = 1,
    entry: int = 0,
    **lengths: int,
) -> bytes:
    """A record of a message; lengths other than the true ones can be claimed."""
    entropy, signature = (m.entropy or "").encode(), m.signature or b""
    head = struct.pack(
        f"=qIIIII{ENTROPY}s64s",
        now() if sent is None else sent,
        count,
        lengths.get("entropy", len(entropy)),
        lengths.get("signature", len(signature)),
        lengths.get("payload", len(m.payload)),
        entry,
        entropy,
        signature,
    )
    return record(MESSAGE, head + m.payload)


@dataclass
class Ended:
    """How a run went."""

    code: int
    said: str
    err: str
    seconds: float
    memory: int  # bytes, at most

    def numbers(self) -> dict[str, int]:
        """The numbers that the tool printed, by their names."""
        words = self.said.split()
        return {n: int(v) for n, v in zip(words[::2], words[1::2], strict=True)}


@dataclass
class Compromised:
    """Runs the agent with the attacker's online half."""

    tool: Path
    build: Path
    directory: Path
    env: dict[str, str]
    producer: Producer
    fleet: Fleet
    limit: int | None = 256 << 20  # bytes of address space
    output: str = "/dev/null"
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def configure(self, **values: object) -> Path:
        """Write a configuration that trusts the producer."""
        settings = {
            "queue": URL,
            "trusted-producers": self.directory / "trusted.d",
            "seal-key": self.directory / "fleet",
            **values,
        }
        path = self.directory / "agent.conf"
        path.write_text("".join(f'{n} = "{v}"\n' for n, v in settings.items()))
        return path

    def state(self, name: str | int) -> Path:
        """A state directory for one of several that run at the same time."""
        path = self.directory / f"state-{name}"
        path.mkdir(exist_ok=True)
        return path

    def start(
        self, mode: str, *args: str, data: bytes = b"", **env: object
    ) -> subprocess.Popen[bytes]:
        """Start the tool with records to send."""
        records = self.directory / f"records-{time.monotonic_ns()}"
        records.write_bytes(data)
        output = ["-o", self.output] if self.output else []
        configured = self.directory / "agent.conf"
        command = lacking(self.tool, self.build)

        def limit() -> None:
            if self.limit is not None:
                resource.setrlimit(resource.RLIMIT_AS, (self.limit, self.limit))

        with records.open("rb") as file:
            process = subprocess.Popen(
                [*command, mode, "-c", configured, *output, *args],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**self.env, **{n: str(v) for n, v in env.items()}},
                preexec_fn=limit,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def finish(
        self, process: subprocess.Popen[bytes], seconds: float = FOR_EVER
    ) -> Ended:
        """Wait for the end of a started tool."""
        began = time.monotonic()
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            pytest.fail(f"{process.args} had not ended after {seconds} s")
        took = time.monotonic() - began
        said = without_lacks(err.decode(errors="replace"))
        assert "Sanitizer" not in said, said
        assert "runtime error" not in said, said
        assert process.returncode >= 0, f"signal {-process.returncode}: {said}"
        return Ended(process.returncode, out.decode(), said, took, 0)

    def __call__(self, mode: str, *args: str, **values: object) -> Ended:
        """Run the tool to its end."""
        began = time.monotonic()
        ended = self.finish(self.start(mode, *args, **values))  # type: ignore[arg-type]
        ended.seconds = time.monotonic() - began
        return ended


@pytest.fixture
def compromised(build: Path, tmp_path: Path) -> Iterator[Compromised]:
    """Give the agent with an attacker's online half."""
    env = {n: v for n, v in os.environ.items() if WANTED.fullmatch(n)}
    for name in "STATE_DIRECTORY", "RUNTIME_DIRECTORY":
        env[name] = str(tmp_path / name.lower())
        Path(env[name]).mkdir()
    (tmp_path / "trusted.d").mkdir()
    producer, fleet = Producer(), Fleet()
    producer.trust(tmp_path / "trusted.d")
    fleet.key_file(tmp_path / "fleet")
    tool = build / "tests/programs/online"
    if not tool.exists():
        pytest.fail(f"{tool} is not there: run make tests first")
    made = Compromised(tool, build, tmp_path, env, producer, fleet)
    made.configure()
    yield made
    for process in made.started:
        end_group(process)
