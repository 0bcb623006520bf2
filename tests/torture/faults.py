# SPDX-License-Identifier: Apache-2.0
"""What can fail in a run: a recording of it, and the points that it has."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

NOT_FOLLOWED = {  # by a repetition with senseless arguments, see begin_half()
    *("exit_group", "exit", "rt_sigreturn", "vfork", "setsid", "umask", "execve"),
    *("rt_sigsuspend", "pause", "sync", "restart_syscall", "getcpu"),
}
# The errors that Linux documents for a call and that a machine may meet.  close(2)
# has none here: the kernel closes a descriptor also where it reports an error, and
# strace would leave it open.  connect(2) is not blocking, and has no EINTR; futex(2)
# gives the C library only what it provokes.
ERRORS = {
    "accept4": "EMFILE",
    "access": "EACCES EIO",
    "capget": "EPERM",
    "capset": "EPERM",
    "clone": "EAGAIN ENOMEM",
    "clone3": "EAGAIN ENOSYS",
    "connect": "ECONNREFUSED ENETUNREACH ETIMEDOUT",
    "dup2": "EMFILE EINTR",
    "epoll_create1": "EMFILE ENOMEM",
    "epoll_ctl": "ENOMEM ENOSPC",
    "epoll_wait": "EINTR",
    "eventfd2": "EMFILE ENOMEM",
    "fallocate": "ENOSPC EOPNOTSUPP",
    "fchown": "EPERM EIO",
    "fcntl": "EMFILE EINVAL",
    "fdatasync": "EIO ENOSPC EINTR",
    "flock": "EINTR ENOLCK EAGAIN",
    "fstat": "EIO",
    "fsync": "EIO ENOSPC EINTR",
    "ftruncate": "EIO EINTR",
    "getdents64": "EIO",
    "getpeername": "ENOTCONN ENOBUFS",
    "getrandom": "EINTR ENOSYS",
    "getsockname": "ENOBUFS",
    "getsockopt": "ENOBUFS",
    "ioctl": "EPERM EINTR EIO",
    "landlock_add_rule": "ENOMEM EINVAL",
    "landlock_create_ruleset": "EOPNOTSUPP ENOMEM",
    "landlock_restrict_self": "E2BIG ENOMEM EPERM",
    "lseek": "EIO",
    "mkdir": "EACCES ENOSPC EROFS",
    "mkdirat": "EACCES ENOSPC EROFS",
    "mmap": "ENOMEM",
    "mprotect": "ENOMEM",
    "newfstatat": "EACCES EIO",
    "openat": "EACCES EMFILE ENOENT EINTR EIO",
    "pipe2": "EMFILE ENFILE",
    "poll": "EINTR ENOMEM",
    "ppoll": "EINTR ENOMEM",
    "prctl": "EPERM EINVAL",
    "pread64": "EIO EINTR",
    "prlimit64": "EPERM",
    "pwrite64": "EIO ENOSPC EINTR",
    "read": "EIO EINTR EAGAIN",
    "readlink": "EACCES ENOENT",
    "recvfrom": "ECONNRESET EINTR EAGAIN ETIMEDOUT",
    "recvmsg": "EINTR EAGAIN ENOMEM",
    "renameat": "EACCES ENOSPC EIO",
    "rt_sigaction": "EINVAL",
    "rt_sigprocmask": "EINVAL",
    "seccomp": "ENOMEM EINVAL EACCES",
    "select": "EINTR",
    "sendmsg": "EINTR EAGAIN ENOBUFS EPIPE",
    "sendto": "ECONNRESET EPIPE EINTR EAGAIN ENOBUFS",
    "setgroups": "EPERM ENOMEM",
    "setresgid": "EPERM",
    "setresuid": "EPERM EAGAIN",
    "setsockopt": "ENOPROTOOPT ENOBUFS",
    "socket": "EMFILE EACCES EAFNOSUPPORT ENOBUFS",
    "socketpair": "EMFILE ENFILE",
    "statfs": "EIO",
    "timer_create": "EAGAIN ENOMEM",
    "timer_settime": "EINVAL",
    "unlinkat": "EACCES EROFS",
    "wait4": "EINTR ECHILD",
    "write": "EIO EINTR EAGAIN ENOSPC EPIPE",
}
CALL = re.compile(r"^(\w+)\(")
FRAMES = 10  # of a stack, that make a site


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong in one run."""

    scenario: str
    kind: str  # allocation, own allocation, short, error, kill
    half: int
    ordinal: int
    call: str = ""
    error: str = ""
    times: int = 0  # calls of a child that come before its own; see begin_half()
    site: str = ""  # where the program asks for it

    @property
    def id(self) -> str:
        """What makes it different from all others."""
        values = asdict(self)
        return "/".join(str(values[n]) for n in values if n not in ("times", "site"))

    def alike(self, program: str) -> tuple[object, ...]:
        """What faults of the same place in a program have in common."""
        return program, self.kind, self.half, self.call, self.error, self.site


def stacks(log: Path) -> Iterator[tuple[str, str]]:
    """Each call in a log of strace -k, with its stack."""
    name, frames = "", []
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith(" > "):
            frames.append(line)
            continue
        if name:
            yield name, "\n".join(frames[:FRAMES])
        found = CALL.match(line)
        name, frames = found[1] if found else "", []
    if name:
        yield name, "\n".join(frames[:FRAMES])


def of_calls(scenario: str, logs: list[Path]) -> Iterator[Fault]:
    """The faults of system calls; logs are those of the halves.

    What the first one does before the marker is the work of the loader, which
    ends a program that it cannot load with 127.
    """
    counts = [dict[str, int]() for _ in logs]
    found: list[tuple[int, int, str, str]] = []
    for half, log in enumerate(logs):
        begun = half > 0
        for call, site in stacks(log):
            counts[half][call] = counts[half].get(call, 0) + 1
            if begun:
                found.append((half, counts[half][call], call, site))
            begun = begun or call == "getcpu"
    for half, ordinal, call, site in found:
        if half > 0 and call in NOT_FOLLOWED:
            continue
        # More than any half makes, also when it makes some more than recorded.
        times = max(c.get(call, 0) for c in counts) + 40 if half > 0 else 0
        values = {"half": half, "ordinal": ordinal, "call": call, "site": site}
        yield Fault(scenario, "kill", times=times, **values)
        for error in ERRORS.get(call, "").split():
            yield Fault(scenario, "error", error=error, times=times, **values)


def thinned(program: str, faults: list[Fault]) -> list[Fault]:
    """Of the same fault at the same site of one scenario the first one."""
    seen = dict[tuple[object, ...], Fault]()
    for fault in faults:
        seen.setdefault((fault.scenario, *fault.alike(program)), fault)
    return list(seen.values())


def strace() -> str:
    """The tracer."""
    found = shutil.which("strace")
    if found is None:
        raise RuntimeError("strace is not installed")
    return found


def numbers() -> dict[str, int]:
    """The system calls of this machine by their names, as its headers have them."""
    for folder in "/usr/include", *map(str, Path("/usr/include").glob("*-linux-gnu*")):
        path = Path(folder, "asm", "unistd_64.h")
        if path.is_file():
            text = path.read_text()
            return {n: int(v) for n, v in re.findall(r"#define __NR_(\w+) (\d+)", text)}
    raise RuntimeError("no <asm/unistd_64.h>, which has the numbers of calls")
