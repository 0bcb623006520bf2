# SPDX-License-Identifier: Apache-2.0
"""System calls as strace saw them: rights that are dropped, times that are waited."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aid.halves import IS_ROOT, has_landlock
from aid.programs import Result, Runner

CALL = re.compile(r"^(?P<pid>\d+) +(?P<call>\w+)\((?P<args>.*)\) += (?P<rc>-?\d+)")
DROPS = (
    ("setgroups", "0, NULL"),
    ("setresgid", ""),
    ("setresuid", ""),
    ("prctl", "PR_SET_NO_NEW_PRIVS, 1"),
    ("capset", "permitted=0"),
    ("seccomp", "SECCOMP_SET_MODE_FILTER"),
)


@dataclass
class Call:
    """A system call that strace saw."""

    pid: int
    call: str
    args: str
    rc: int


def whole_lines(log: Path) -> Iterator[str]:
    """Read a log of strace -f: a line a call, in the order in which calls ended.

    A call that another process interrupted is in two lines there.
    """
    begun: dict[str, str] = {}
    for line in log.read_text().splitlines():
        pid, _, rest = line.partition(" ")
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix("<unfinished ...>").rstrip()
            continue
        if " resumed>" in rest:
            rest = begun.pop(pid) + rest.partition(" resumed>")[2]
        yield f"{pid} {rest}"


def traced(run: Runner, tmp_path: Path, *command: str | Path) -> list[Call]:
    """Run a command under strace; return its calls that have to do with rights."""
    log = tmp_path / "strace"
    names = "setgroups,setresgid,setresuid,setuid,setgid,capset,prctl,seccomp"
    names += ",landlock_restrict_self,socket,connect,socketpair,clone,clone3,fork"
    names += ",timer_settime,setrlimit,prlimit64"
    got = run(
        shutil.which("strace") or "strace",
        *("-f", "-qq", "-e", f"trace={names}", "-o", log),
        *command,
    )
    assert got.code == 0, got.err
    calls: list[Call] = []
    for line in whole_lines(log):
        found = CALL.match(line)
        if found:
            calls.append(
                Call(int(found["pid"]), found["call"], found["args"], int(found["rc"]))
            )
    return calls


def position(
    calls: list[Call], name: str, words: str, pid: int, after: int = -1
) -> int:
    """The index of the next such call of a process with success; or fail."""
    for i, c in enumerate(calls):
        same = (c.pid, c.call) == (pid, name) and words in c.args
        if same and i > after and c.rc >= 0:
            return i
    pytest.fail(f"{pid} never did {name}({words})")


def networked(calls: list[Call], pid: int) -> list[int]:
    """The indices of the calls by which a process asks for a network socket."""
    return [
        i
        for i, c in enumerate(calls)
        if c.pid == pid and c.call == "socket" and "AF_INET" in c.args
    ]


def check_drop(calls: list[Call], pid: int) -> int:
    """Check that a process drops its rights in order; return the index of the last."""
    places: list[int] = []
    for name, words in DROPS:
        after = places[-1] if places else -1
        places.append(position(calls, name, words, pid, after))
    if has_landlock():
        restricted = position(calls, "landlock_restrict_self", "", pid)
        assert places[-2] < restricted < places[-1]
    # That nothing can be had back was tried, and refused.
    tried = [
        c for c in calls[places[2] :] if c.pid == pid and c.call in ("setuid", "setgid")
    ]
    assert tried
    assert all(c.rc < 0 for c in tried)
    off = re.compile("PR_SET_DUMPABLE, (SUID_DUMP_DISABLE|0)")
    cores = [i for i, c in enumerate(calls) if c.pid == pid and off.match(c.args)]
    assert any(i > places[2] for i in cores), "dumpable again after setresuid"
    return places[-1]


SPEC = re.compile(r"\{tv_sec=(\d+), tv_nsec=(\d+)\}")
POLL = re.compile(r", (\d+)$")


def waits(run: Runner, tmp_path: Path, *command: str | Path) -> tuple[Result, int, int]:
    """Run a command under strace; return how long its halves meant to wait, in ms.

    First the offline half, then the online one with what it starts.

    Only waits that nothing ended before their time count, and as long as they were
    meant to be: a busy machine makes each longer, and adds nothing here.
    """
    log = tmp_path / "waits"
    names = "?poll,?ppoll,?select,?pselect6,?epoll_wait,nanosleep,clock_nanosleep"
    names += ",?fork,clone,?clone3"
    got = run(
        shutil.which("strace") or "strace",
        *("-f", "-qq", "-e", f"trace={names}", "-o", log),
        *command,
    )
    total, parent = dict[str, int](), ""
    for line in whole_lines(log):
        pid, _, rest = line.partition(" ")
        found = re.match(r" *(\w+)\((.*)\) += (\d+)", rest)
        if found is not None and found[1] in ("fork", "clone", "clone3"):
            parent = parent or pid
        if found is None or found[3] != "0":
            continue
        spec, number = SPEC.search(found[2]), POLL.search(found[2])
        if spec is not None:
            ms = int(spec[1]) * 1000 + int(spec[2]) // 1000000
        else:
            ms = int(number[1]) if number is not None else 0
        total[pid] = total.get(pid, 0) + ms
    offline = total.pop(parent, 0)
    return got, offline, sum(total.values())


needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None or not IS_ROOT, reason="needs strace, and root"
)
