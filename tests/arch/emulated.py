# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: programs that run in qemu's emulation of processes.

That has no seccomp filters and no Landlock, so that each program says once that it
goes on without: the lines are taken away here, for tests that count lines, after a
look that each is there once at most. The machine's own programs may not say it.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest

UNCONFINED = ("this kernel has no seccomp filters: ", "this kernel has no Landlock: ")
ELSEWHERE = "the kernel's pool is not for a user namespace"
NO_FILTER = "it looks for the seccomp filter"
STRACE = "it traces system calls, which here are the emulator's"
COPY = "it copies a program, which here is a wrapper that only root can run"
# What cannot be seen in emulation, and why.
LEFT_OUT = {
    "::test_the_kernel_itself_is_told_256_bits": ELSEWHERE,
    "::test_a_sealed_message_is_credited_in_the_kernel": ELSEWHERE,
    "::test_a_key_of_genkey_leads_to_credit_in_the_kernel": ELSEWHERE,
    "::test_numbers_are_on_the_disk_before": STRACE,
    "::test_root_and_the_services_user_share": COPY,
    "::test_root_gives_away_nothing": COPY,
    "test_stopping.py::test_sig": NO_FILTER,
    "test_stopping.py::test_a_half_that_hangs": NO_FILTER,
    "::test_what_is_used_is_on_the_disk_before": STRACE,
}


def is_native(command: list[str]) -> bool:
    """Whether this program is one of the machine's own."""
    return command[0].startswith(os.environ["NATIVE"] + "/sqs-entropy-")


def without_warning(result: Any) -> Any:
    """The result of a program as a kernel with filters would have it."""
    lines = result.err.splitlines(keepends=True)
    kept = [line for line in lines if not any(u in line for u in UNCONFINED)]
    most = 0 if is_native(result.command) else 1
    assert all(result.err.count(u) <= most for u in UNCONFINED), result.err
    result.err = "".join(kept)
    return result


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have what programs said pass through here, once the helpers are there."""
    runner = importlib.import_module("aid.programs").Runner
    finish = runner.finish
    if getattr(finish, "emulated", False):
        return

    def cleaned(self: Any, *args: Any, **values: Any) -> Any:
        return without_warning(finish(self, *args, **values))

    cleaned.emulated = True  # type: ignore[attr-defined]
    runner.finish = cleaned


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot be seen here, with the reason."""
    for item in items:
        for name, reason in LEFT_OUT.items():
            if name in item.nodeid:
                item.add_marker(pytest.mark.skip(reason=reason))
