# SPDX-License-Identifier: Apache-2.0
"""The main path in one step: the producer sends, the agent takes."""

from __future__ import annotations

from pathlib import Path

from aid.payload import noise
from aid.programs import AGENT, PRODUCER, TEN, Runner
from aid.queue import Queue


def both_ways(run: Runner, queue: Queue, env: dict[str, str], *before: str) -> None:
    """Send ten messages with the producer and take them with the agent."""
    source = Path(env["HOME"], "source")
    source.write_bytes(noise(1 << 14))
    programs = {n: run.build / n for n in (PRODUCER, AGENT)}
    commands = {
        PRODUCER: ["--once", *TEN, "-q", queue.name, "-d", str(source)],
        AGENT: ["-q", queue.name, "-m", "10", "-o", "-"],
    }
    for name, args in commands.items():
        command = [*before, str(programs[name]), *args]
        got = run(command[0], *command[1:], env=env)
        assert got.code == 0, got.err
    assert len(got.out) == 5120
    assert queue.depth() == (0, 0)
