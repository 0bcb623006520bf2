# SPDX-License-Identifier: Apache-2.0
"""The users of both programs, for root's tests: the machine need not have them."""

from __future__ import annotations

import atexit
import ctypes
import os
import pwd
import shutil
import tempfile
from pathlib import Path

AGENT_OFFLINE = "sqs-entropy-agent"
AGENT_ONLINE = "sqs-entropy-agent-net"
PRODUCER_OFFLINE = "sqs-entropy-producer"
PRODUCER_ONLINE = "sqs-entropy-producer-net"
USERS = (AGENT_OFFLINE, AGENT_ONLINE, PRODUCER_OFFLINE, PRODUCER_ONLINE)
FIRST_ID = 62301

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000


def lines_of(file: str) -> str:
    """The entries of passwd(5) or group(5) that are to be added."""
    rest = ":/nonexistent:/usr/sbin/nologin" if file == "passwd" else ""
    return "".join(
        f"{name}:x:{number}:" + (f"{number}:{rest}" if rest else "") + "\n"
        for number, name in enumerate(USERS, FIRST_ID)
    )


def missing() -> list[str]:
    """The users that are not there."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return [name for name in USERS if name not in known]


def have_users() -> bool:
    """Give the users to this process and its children, if root may; tell if so.

    They are added to a copy of /etc/passwd that only these processes see.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not missing():
        return True
    private = MS_REC | MS_PRIVATE
    if (
        os.geteuid() != 0
        or len(missing()) < len(USERS)
        or libc.unshare(CLONE_NEWNS) != 0
        or libc.mount(b"none", b"/", None, private, None) != 0
    ):
        return False
    folder = tempfile.mkdtemp(prefix="sqs-entropy-users-")
    # Not before the end: nothing can be mounted on a file whose name is gone.
    atexit.register(shutil.rmtree, folder)
    for name in ("passwd", "group"):
        file = Path("/etc", name)
        copy = Path(folder, name)
        copy.write_text(file.read_text().rstrip("\n") + "\n" + lines_of(name))
        copy.chmod(0o644)
        if libc.mount(bytes(copy), bytes(file), None, MS_BIND, None) != 0:
            return False
    return not missing()


HAS_USERS = have_users()
