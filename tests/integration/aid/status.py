# SPDX-License-Identifier: Apache-2.0
"""The status file of the agent: read it, or write one that no run has written."""

from __future__ import annotations

import json
import time
from pathlib import Path

from aid.programs import Runner

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def status(run: Runner) -> dict[str, object]:
    """What the status file says."""
    return json.loads(Path(run.env["RUNTIME_DIRECTORY"], "agent.json").read_text())


def pretend(run: Runner, ago: float, credited: float | None = None) -> None:
    """Write the status of a run of this boot that injected so many seconds ago."""
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    values = {
        "boot": BOOT_ID.read_text().strip(),
        "injected": round((now - ago) * 1000),
        "credited": 0 if credited is None else round((now - credited) * 1000),
    }
    path = Path(run.env["RUNTIME_DIRECTORY"], "agent.json")
    path.write_text(json.dumps(values))
    path.chmod(0o644)
