# SPDX-License-Identifier: Apache-2.0
"""Outcomes that are not as they should be, and why they are as they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Known:
    """An outcome by name."""

    name: str
    reason: str
    wrong: str  # a pattern of what is wrong
    where: str  # a pattern of the fault's id with its stack

    def is_it(self, result: dict[str, Any], wrong: str) -> bool:
        """Whether this is it."""
        where = "\n".join([result["id"], *result["frames"], result["site"]])
        return bool(re.search(self.wrong, wrong) and re.search(self.where, where))


KNOWN = (
    Known(
        "libconfuse ends the program",
        "it asserts that it was given memory, and the scanner in it calls exit(2); "
        "nothing but the configuration was read by then.",
        "^crashed: SIG(ABRT|SEGV)|^exit 2$",
        "libconfuse",
    ),
    Known(
        "glibc's NSS crashes or asserts",
        "glibc 2.36 does so where it gets no memory for nsswitch.conf; that is before "
        "the fork.",
        "^crashed: SIG(ABRT|SEGV)",
        r"(?s)/allocation/0/.*libc\.so.*:getpwnam_r",
    ),
    Known(
        "OpenSSL's start crashes",
        "OpenSSL 3.0 frees what it has not made yet where its library context gets no "
        "memory; that is before a key is read, and before the fork.",
        "^crashed: SIGSEGV",
        r"(?s)/allocation/0/.*(CRYPTO_THREAD_run_once|(libcrypto[^\n]*\n){7})",
    ),
    Known(
        "libseccomp does not return",
        "libseccomp 2.5 goes round for ever, or frees twice, where it gets no memory; "
        "the half is not confined yet and does nothing else. A timer ends the agent's, "
        "TimeoutStartSec= or WatchdogSec= the producer's; nothing ends a producer that "
        "was started by hand.",
        "its own timer|crashed: SIG(ABRT|SEGV)|^hung",
        "libseccomp",
    ),
    Known(
        "a bounding set that is larger",
        "PR_CAPBSET_READ failing says that this kernel knows no more capabilities, and "
        "a drop is refused to who has no CAP_SETPCAP. Under no-new-privs, which is "
        "checked, the set means nothing.",
        "not confined at [^;]*CapBnd:[^;]*; CapBnd:[^;]*$",
        "/prctl/",
    ),
    Known(
        "a kernel without Landlock",
        "so a kernel answers that has none, and the program warns and goes on.",
        "not confined at [^;]*Landlock: False; Landlock: True$",
        "/landlock_create_ruleset/",
    ),
    Known(
        "a kernel without seccomp",
        "so a kernel answers that has none, and the program warns and goes on.",
        "not confined at [^;]*Seccomp",
        "/prctl/EINVAL",
    ),
    Known(
        "a stop that is not heard",
        "the pipe to which a signal is written refuses the one byte only when it is "
        "full, which is heard; here it is refused while it is empty.",
        "^hung",
        "/write/(.|\\n)*on_stop",
    ),
    Known(
        "a child that cannot begin",
        "a half that cannot be tied, or a command that cannot be started, ends at once "
        "with its copy of what its parent has, before it holds anything of its own. "
        "Its first three calls of fcntl(2) are what ties it.",
        "leaks",
        "split_fork|/3/|/1/[123]/fcntl/",
    ),
)


def why_known(result: dict[str, Any], wrong: str) -> Known | None:
    """The known outcome that this is."""
    return next((k for k in KNOWN if k.is_it(result, wrong)), None)
