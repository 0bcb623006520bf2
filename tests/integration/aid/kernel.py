# SPDX-License-Identifier: Apache-2.0
"""Whether the running kernel can be given entropy, for tests that do so."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

CAP_SYS_ADMIN = 21


def why_not() -> str | None:
    """Give the reason why the kernel cannot be asked, if there is one."""
    if os.geteuid() != 0:
        return "not root: RNDADDENTROPY needs CAP_SYS_ADMIN"
    status = Path("/proc/self/status").read_text()
    caps = int(re.search(r"CapEff:\s*([0-9a-f]+)", status).group(1), 16)  # type: ignore[union-attr]
    if not caps >> CAP_SYS_ADMIN & 1:
        return "no CAP_SYS_ADMIN here: RNDADDENTROPY would be refused"
    if Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]:
        return "in a user namespace: the kernel lets only the first one add entropy"
    if shutil.which("strace") is None:
        return "strace is not installed"
    return None


REASON = why_not()
needs_kernel = pytest.mark.skipif(REASON is not None, reason=str(REASON))
