# SPDX-License-Identifier: Apache-2.0
"""What can be counted of a client: requests, bytes, memory, calls, instructions.

None of it depends on how fast the machine is, but for the system calls that wait, and
those that found nothing to do: these are left out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clients import Client, why_no_pollinate
from measure import FailedError
from world import Canned, World

CALL = re.compile(r"\d+ +(\w+)\(")
COLLECTED = re.compile(r"Collected : (\d+)")
# How often these are called depends on time. curl sets signals before each wait.
WAITS = {
    *("poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "futex"),
    *("nanosleep", "clock_nanosleep", "wait4", "waitid", "restart_syscall"),
    *("rt_sigaction", "rt_sigreturn", "sched_yield"),
}


def run(command: list[str], client: Client, **env: str) -> str:
    """Run a command around a client; its standard error."""
    done = subprocess.run(
        command,
        env={**client.env, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise FailedError(f"{client.name} ended with {done.returncode}: {done.stderr}")
    return done.stderr


def _service(counts: dict[str, int]) -> dict[str, int]:
    wire = counts["wire_in"] + counts["wire_out"]
    return {**counts, "wire": wire or counts["in"] + counts["out"]}


def traffic(client: Client, imds: Canned, sqs: Canned, service: str) -> dict[str, Any]:
    """What a client asks, by what the stand-ins counted.

    bytes are those of HTTP in both directions; wire has what TLS makes of them.
    """
    for canned in imds, sqs:
        canned.take()
    run(client.command, client)
    of_sqs = sqs.take()
    of_imds = of_sqs if imds is sqs else imds.take()
    both = _service(of_imds["imds"]), _service(of_sqs[service])
    return {
        "requests": sum(c["requests"] for c in both),
        "connections": sum(c["connections"] for c in both),
        "bytes": sum(c["in"] + c["out"] for c in both),
        "wire": sum(c["wire"] for c in both),
        "asked": {**of_imds["asked"], **of_sqs["asked"]},
    }


def why_no_calls() -> str | None:
    """Give the reason why system calls cannot be counted, if there is one."""
    return None if shutil.which("strace") else "strace is not installed"


def calls_by_name(client: Client, folder: Path) -> Counter[str]:
    """The system calls of all its processes in one run."""
    log = folder / "strace"
    run(["strace", "-f", "-o", str(log), *client.command], client)
    found: Counter[str] = Counter()
    with log.open(errors="replace") as lines:
        for line in lines:
            match = CALL.match(line)
            if match and "EAGAIN" not in line:
                found[match[1]] += 1
    return found


def calls(client: Client, folder: Path, runs: int) -> dict[str, int]:
    """System calls: all, and those that do not wait; the fewest of some runs."""
    found = [calls_by_name(client, folder) for _ in range(runs)]
    return {
        "all_calls": min(sum(c.values()) for c in found),
        "calls": min(sum(n for k, n in c.items() if k not in WAITS) for c in found),
    }


def why_no_instructions(world: World) -> str | None:
    """Give the reason why instructions cannot be counted, if there is one."""
    if not shutil.which("valgrind"):
        return "valgrind is not installed"
    for name in "programs/without", "bench/counted.so":
        if not (world.build / "tests" / name).exists():
            return f"tests/{name} is not built: see BENCH_SO in tests/rules.mk"
    return None


def instructions(client: Client, world: World, runs: int) -> int:
    """Instructions of user space in all its processes; the fewest of some runs.

    valgrind has no seccomp and no Landlock, and cannot have its files limited.
    """
    without = str(world.build / "tests" / "programs" / "without")
    shim = str(world.build / "tests" / "bench" / "counted.so")
    valgrind = shutil.which("valgrind") or "valgrind"
    command = [without, "seccomp,landlock", valgrind, "--tool=callgrind"]
    command += ["--callgrind-out-file=/dev/null", "--trace-children=yes", "--vgdb=no"]
    program = shutil.which(client.command[0]) or client.command[0]
    command += [program, *client.command[1:]]
    return min(
        sum(map(int, COLLECTED.findall(run(command, client, LD_PRELOAD=shim))))
        for _ in range(runs)
    )


# ---- memory


def _children(pid: int) -> list[int]:
    found = []
    for file in Path("/proc", str(pid), "task").glob("*/children"):
        for word in file.read_text().split():
            found += [int(word), *_children(int(word))]
    return found


def _memory(pid: int) -> dict[str, float]:
    """KiB of one process."""
    fields: dict[str, int] = {}
    for name in "smaps_rollup", "status":
        text = Path("/proc", str(pid), name).read_text()
        for match in re.finditer(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE):
            fields.setdefault(match[1], int(match[2]))
    return {
        "pss": fields["Pss"],
        "peak": fields["VmHWM"],
        "anonymous": fields["Anonymous"],
        "private": fields["Private_Clean"] + fields["Private_Dirty"],
    }


def memory(client: Client, sqs: Canned) -> list[dict[str, float]]:
    """Each process of a client while it waits for the answer to the last post.

    The first process is the first of the list.
    """
    sqs.tell(f"hold {client.posts} {client.last}")
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            client.command,
            env=client.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        if (line := sqs.hear()) != "held":
            raise FailedError(f"{client.name}: {line}")
        found = [_memory(pid) for pid in (process.pid, *_children(process.pid))]
        sqs.tell("go")
        if process.wait() != 0:
            said.seek(0)
            raise FailedError(f"{client.name}: {said.read().decode()}")
    return found


def together(processes: list[dict[str, float]]) -> dict[str, float]:
    """The sums over the processes."""
    return {name: sum(p[name] for p in processes) for name in processes[0]}


def whether(count: Callable[[], Any]) -> Any:
    """What is counted, or None if the machine does not let it be."""
    try:
        return count()
    except FailedError as why:
        print(f"bench: left out: {why}", file=sys.stderr)
        return None


def reasons(world: World) -> dict[str, str]:
    """What this machine does not let be measured, and why."""
    found = {
        "calls": why_no_calls(),
        "instructions": why_no_instructions(world),
        "pollinate": why_no_pollinate(),
        "trust": None
        if world.system_trust
        else "what the system trusts, since only root can have it trust the stand-in",
    }
    return {name: why for name, why in found.items() if why}
