# SPDX-License-Identifier: Apache-2.0
"""The cloud-init module with a machine of its own."""

from __future__ import annotations

import logging
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aid import directives
from aid.programs import AGENT

SCRIPT = """#!/bin/sh
case "$*" in
*--check*) exec {agent} "$@" ;;
esac
echo "$@" >>{calls}
cat "$2" >>{calls}.conf
{end}
"""


class Host:
    """A machine of its own for the module."""

    def __init__(self, folder: Path, build: Path) -> None:
        self.cc: ModuleType = directives.load("cc_sqs_entropy")
        self.etc = folder / "etc"
        self.bin = folder / "bin"
        self.scratch = folder / "run"
        self.calls = folder / "calls"
        self.agent = build / AGENT
        self.bin.mkdir()
        self.scratch.mkdir()
        self.cc.DIRECTORY = self.etc
        self.cc.SCRATCH = self.scratch
        self.cc.PROGRAM_PATH = str(self.bin)
        # This machine may be a container.
        self.cc.DETECT_VIRT = str(self.bin / "systemd-detect-virt")
        self.cc.STATUS = folder / "status"
        self.be_in("none", 1)
        self.install("exit 0")

    @property
    def conf(self) -> Path:
        """The agent's configuration."""
        return self.etc / "agent.conf"

    @property
    def trusted(self) -> Path:
        """The agent's directory of keys."""
        return self.etc / "trusted.d"

    def install(self, end: str, script: str = SCRIPT) -> None:
        """Install an agent that is the real one for --check only."""
        path = self.bin / AGENT
        path.write_text(script.format(agent=self.agent, calls=self.calls, end=end))
        path.chmod(0o755)

    def be_in(self, virt: str, code: int, bounding: int = (1 << 41) - 1) -> None:
        """Be what systemd-detect-virt says, with a bounding set of capabilities."""
        path = self.bin / "systemd-detect-virt"
        path.write_text(f"#!/bin/sh\necho {virt}\nexit {code}\n")
        path.chmod(0o755)
        self.cc.STATUS.write_text(f"Name:\tinit\nCapBnd:\t{bounding:016x}\n")

    def handle(self, directive: Any, modern: bool = True, *words: str) -> None:
        """Call the module as cloud-init does: modern means 23.2 or later."""
        cfg = {"sqs_entropy": directive}
        if modern:
            self.cc.handle(name="sqs_entropy", cfg=cfg, cloud=None, args=[*words])
        else:
            log = logging.getLogger("cloudinit")
            self.cc.handle("sqs_entropy", cfg, None, log, [*words])

    def runs(self) -> list[str]:
        """The arguments of each run of the agent."""
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def files(self) -> dict[str, str]:
        """All that is in /etc/sqs-entropy, hidden files too."""
        paths = [path for path in self.etc.rglob("*") if path.is_file()]
        return {str(p.relative_to(self.etc)): p.read_text() for p in paths}


def ours(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What the module logged."""
    return [r for r in caplog.records if r.name == "cc_sqs_entropy"]


def loudest(caplog: pytest.LogCaptureFixture) -> int:
    """The highest level at which it logged."""
    return max((record.levelno for record in ours(caplog)), default=0)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What it logged as a warning or worse."""
    return [r.getMessage() for r in ours(caplog) if r.levelno >= logging.WARNING]
