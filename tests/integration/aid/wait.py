# SPDX-License-Identifier: Apache-2.0
"""Waiting until another process or thread has made a condition true.

No verdict may depend on the speed of the machine (tests/busy shows that none
does). So a test that waits for what must come waits for as long as it takes, up
to FOR_EVER; and one that checks that something ends in time allows PATIENCE
beyond that time, and has a defect take longer: it says what a defect would take.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 20  # seconds; more than a busy machine adds
FOR_EVER = 120  # seconds; what has not come by then does not come


def wait_until(condition: Callable[[], bool], seconds: float = FOR_EVER) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
