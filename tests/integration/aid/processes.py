# SPDX-License-Identifier: Apache-2.0
"""Processes that tests start: that they end, and what is left of them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from pathlib import Path
from typing import Any


def die_with_parent() -> None:
    """Run in a child: end when pytest ends, however that is."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def group_alive(group: int) -> list[str]:
    """The commands of a process group that still run; zombies do not."""
    alive = []
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return []
    except PermissionError:
        pass  # of another user
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = path.read_text().rpartition(") ")
            state, _, pgrp = rest.split()[:3]
            if int(pgrp) == group and state not in "ZX":
                alive.append(name.partition("(")[2])
    return alive


def end_group(process: subprocess.Popen[Any]) -> None:
    """Kill what is left of a program started in a session of its own."""
    if process.poll() is not None and not group_alive(process.pid):
        return  # its number may be somebody else's by now
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
