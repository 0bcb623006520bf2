# SPDX-License-Identifier: Apache-2.0
"""What runs of the agent leave in its runtime directory."""

from __future__ import annotations

import json
import struct
import time
from pathlib import Path

from aid.programs import Runner

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def status(run: Runner) -> dict[str, object]:
    """What the status file says."""
    return json.loads(Path(run.env["RUNTIME_DIRECTORY"], "agent.json").read_text())


def pretend(run: Runner, **ago: float) -> Path:
    """Write what earlier runs of this boot did, each so many seconds ago.

    The times are injected, credited, failed and forked; waited is how long a run
    waited. A machine that booted later than that is waited for.
    """
    while (now := time.clock_gettime(time.CLOCK_BOOTTIME)) <= max(ago.values()):
        time.sleep(0.1)
    ago = {name: now - value for name, value in ago.items()}
    if "waited" in ago:
        ago["waited"] = now - ago["waited"]
    names = ("injected", "credited", "failed", "waited", "forked")
    times = [round(ago.get(name, 0) * 1000) for name in names]
    boot = BOOT_ID.read_text().strip().encode()
    path = Path(run.env["RUNTIME_DIRECTORY"], "last-seed")
    path.write_bytes(struct.pack("=8s40s5q", b"SQSESEED", boot, *times))
    path.chmod(0o644)
    return path
