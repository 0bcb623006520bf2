# SPDX-License-Identifier: Apache-2.0
"""The system calls that each half may make: those that it makes, and a few others."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from aid import certificates
from aid.kernel import needs_kernel
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, Runner
from aid.queue import Moto, Queue
from aid.sqsproxy import SqsProxy
from aid.trace import needs_strace, whole_lines

LISTS = Path(__file__).parents[2] / "common/confine/calls.c"
# The arrays of calls.c that make up the list of each half.
ROLES = {
    "online": ("any_role", "online_only", "any_role_rules", "online_rules"),
    "agent offline": ("any_role", "offline_only", "any_role_rules", "random_rules"),
    "producer offline": ("any_role", "offline_only", "any_role_rules", "source_rules"),
}

# What is allowed beside what the runs below do, and why: in any half, and in those
# that open files or talk to the network.
REASONS = {
    "another size of words or times, on other architectures": """
        clock_gettime64 clock_getres_time64 clock_nanosleep_time64 futex_time64
        getuid32 geteuid32 getgid32 getegid32 _llseek fstat64 fstatat64 ppoll_time64
        fcntl64 mmap2 sigreturn""",
    "another release of the C library, or another C library": """
        fstat statx newfstatat ppoll nanosleep clock_getres gettimeofday time
        clock_gettime readv writev pread64 pwrite64 lseek getppid getpid gettid getuid
        geteuid getgid getegid poll restart_syscall rt_sigreturn getrandom fcntl""",
    "malloc(3), by chance and size": "brk mmap munmap mremap madvise mprotect",
    "locks of the C library and of OpenSSL": "futex sched_yield",
    "an end by abort(3) or a sanitizer": """
        rt_sigaction rt_sigprocmask sigaltstack tgkill exit exit_group write""",
    "what happens at other times: slow disks, an early end, more messages": """
        read sendmsg recvmsg clock_nanosleep close""",
}
OFFLINE = {
    "state and output, by the kind of the run": """
        fsync fdatasync ftruncate ftruncate64 wait4""",
}
OF_ROLE = {
    "agent offline": OFFLINE,
    "producer offline": {
        **OFFLINE,
        "a device that is opened again": "open openat ioctl",
        "the end of the online half, on other architectures": """
            timer_settime timer_settime64""",
    },
    "online": {
        "another size of words or times": """
            pselect6_time64 _newselect stat64 lstat64 statfs64 fstatfs64
            arm_fadvise64_64""",
        "other releases of the C library, its name look-ups and libcurl": """
            stat lstat access faccessat faccessat2 open openat select pselect6 recv send
            sendmmsg recvfrom sendto fadvise64 eventfd2 pipe2 epoll_create1 epoll_ctl
            epoll_wait epoll_pwait socketpair getcwd readlink readlinkat uname sysinfo
            sched_getaffinity set_robust_list rseq clone prlimit64 shutdown bind
            getsockname getpeername getsockopt setsockopt ioctl getdents64 statfs
            fstatfs""",
    },
}


def listed(role: str) -> set[str]:
    """The names on a half's list."""
    text = re.sub(r"/\*.*?\*/", "", LISTS.read_text(), flags=re.DOTALL)
    found: set[str] = set()
    for array in ROLES[role]:
        body_of = re.search(rf" {array}\[\] = {{(.*?)}};", text, re.DOTALL)
        assert body_of, array
        found |= set(re.findall(r'"(\w+)"', body_of[1]))
    return found | {"tgkill"}


def confined_calls(log: Path, program: str) -> dict[str, dict[str, set[str]]]:
    """What each half did after its filter was set: the calls, and how they failed."""
    made: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    role_of: dict[str, str] = {}
    first = ""
    for line in whole_lines(log):
        found = re.match(r"(\d+) +(\w+)\((.*?)\) += (-?\d+)(?: (E\w+))?", line)
        if not found:
            continue
        pid, call, args, result, error = found.groups()
        first = first or pid
        if pid in role_of:
            made[role_of[pid]][call].add(error or "")
            if call in ("clone", "clone3") and int(result) > 0:
                role_of[result] = role_of[pid]
        elif call == "seccomp" and "SECCOMP_SET_MODE_FILTER" in args and result == "0":
            role_of[pid] = f"{program} offline" if pid == first else "online"
    return made


@needs_strace
@needs_kernel
def test_each_half_may_do_what_it_does_and_no_more(
    run: Runner,
    queue: Queue,
    tmp_path: Path,
    moto: Moto,
    bundle: certificates.Certificate,
    key: Path,
) -> None:
    source, conf = tmp_path / "source", tmp_path / "producer.conf"
    source.write_bytes(noise(1 << 16))
    conf.write_text(f'queue = "{queue.url}"\nsigning-key = "{key}"\nburst = 10\n')
    commands: list[tuple[str, list[str | Path]]] = [
        (PRODUCER, ["--once", "-c", conf, "-d", source]),
        (AGENT, ["-q", queue.url, "-m", "3"]),
        (AGENT, ["-q", queue.name, "-o", "-"]),
        (AGENT, ["-q", queue.url, "-o", tmp_path / "output"]),
    ]
    queue.send(body(noise(512)))
    made: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    with SqsProxy(moto.url, tls=bundle.tls) as proxy:
        env = {**run.env, "AWS_CA_BUNDLE": str(bundle.path)}
        env["AWS_ENDPOINT_URL_SQS"] = f"https://localhost:{proxy.port}"
        for program, args in commands:
            log = tmp_path / f"strace-{len(made)}-{len(args)}"
            strace = [str(shutil.which("strace")), "-f", "-qq", "-o", str(log)]
            got = run(*strace, run.build / program, *args, env=env)
            assert got.code == 0, got.err
            name = program.removeprefix("sqs-entropy-")
            for role, calls in confined_calls(log, name).items():
                for call, ends in calls.items():
                    made[role][call] |= ends
    assert set(made) == set(ROLES)
    for role in ROLES:
        given = [*REASONS.values(), *OF_ROLE[role].values()]
        reasons = set(" ".join(given).split())
        # The look whether the filter is in force.
        assert made[role].pop("execve") == {"EPERM"}
        refused = {call for call, ends in made[role].items() if "EPERM" in ends}
        assert (role, refused) == (role, set())
        assert (role, set(made[role]) - listed(role)) == (role, set())
        unused = listed(role) - set(made[role])
        assert (role, unused - reasons) == (role, set())


@pytest.mark.parametrize("role", ROLES)
def test_no_half_may_move_a_file_or_send_a_signal(role: str) -> None:
    for word in ("rename", "kill", "link", "chmod", "chown", "exec", "fork", "ptrace"):
        assert {n for n in listed(role) if word in n} <= {"tgkill", "readlink"} | {
            "readlinkat"
        }
    if role == "agent offline":
        assert {n for n in listed(role) if "open" in n} == set()
