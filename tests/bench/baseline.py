# SPDX-License-Identifier: Apache-2.0
"""What was counted before, and what has grown since.

Requests, connections and bytes are the program's alone, and are always judged. The
others follow from libraries, kernel and compiler as well, and are judged where these
are as they were.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from world import World

LIBRARIES = ("libcurl", "libcrypto", "yajl", "libconfuse", "libseccomp")
LANDLOCK_CREATE_RULESET = 444  # on every architecture
CPU = {"avx", "avx2", "avx512f", "adx", "bmi2", "sha_ni", "rdrand", "rdseed", "aes"}

# What a figure may grow by: a part of it, and a number. Bytes: names of versions in
# User-Agent. Calls: a read that got its bytes in two parts. Instructions: what of
# OpenSSL's arithmetic depends on the keys of the run.
TOLERANCE = {
    "requests": (0.0, 0),
    "connections": (0.0, 0),
    "bytes": (0.005, 0),
    "calls": (0.01, 2),
    "instructions": (0.02, 0),
}
# What has to be as it was for a figure to be judged.
SAME = ("machine", "libraries", "linked", "rights", "processor")
DEPENDS = {
    "calls": (*SAME, "kernel", "landlock"),
    "instructions": (*SAME, "compiler", "valgrind"),
}


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def _compiler(build: Path, program: Path) -> str:
    """The compiler, by what it wrote into the program, and how far it optimised."""
    names = re.findall(r"\]\s+(.+)", _said("readelf", "-p", ".comment", str(program)))
    flags = build / "flags"
    text = flags.read_text() if flags.exists() else ""
    kept = re.findall(r" (-O\w+|-fsanitize=\S+|--coverage)", text)
    return " ".join([*dict.fromkeys(names), *kept])


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, words = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return " ".join(sorted(CPU & set(words.split())))
    return ""


def environment(world: World) -> dict[str, str]:
    """What counts depend on beside the program."""
    program = world.build / "sqs-entropy-agent"
    versions = [f"{n} {_said('pkg-config', '--modversion', n)}" for n in LIBRARIES]
    linked = re.findall(r"^\s*(\S+?)(?:-[\d.]+)?\.so", _said("ldd", str(program)), re.M)
    libc = ctypes.CDLL(None)
    landlock = libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)
    return {
        "machine": platform.machine(),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "landlock": str(max(landlock, 0)),
        "libraries": ", ".join(
            [*versions, os.confstr("CS_GNU_LIBC_VERSION") or "libc"]
        ),
        "linked": " ".join(sorted({Path(name).name for name in linked})),
        "compiler": _compiler(world.build, program),
        "valgrind": _said("valgrind", "--version"),
        "processor": _processor(),
        "rights": "injects" if world.kernel else "writes to a file",
    }


@dataclass
class Verdict:
    """What was found of one figure of one client."""

    client: str
    figure: str
    before: int
    now: int | None
    limit: int
    why_not: str = ""  # the reason why it is not judged

    @property
    def grown(self) -> bool:
        """Whether it is more than it may be."""
        return not self.why_not and self.now is not None and self.now > self.limit

    def __str__(self) -> str:
        if self.now is None:
            return f"{self.client}: {self.figure}: not counted: {self.why_not}"
        change = 100 * (self.now / self.before - 1) if self.before else 0.0
        said = "not judged: " + self.why_not if self.why_not else "as before"
        if not self.why_not and self.now != self.before:
            said = "less" if self.now < self.before else "more, within the tolerance"
        if self.grown:
            said = f"GROWN: at most {self.limit} is allowed"
        return (
            f"{self.client}: {self.figure} {self.before} -> {self.now}"
            f" ({change:+.2f} %), {said}"
        )


def _why_not(figure: str, then: dict[str, str], now: dict[str, str]) -> str:
    for name in DEPENDS.get(figure, ()):
        if then.get(name) != now.get(name):
            return f"{name} was {then.get(name)!r} and is {now.get(name)!r}"
    return ""


def judge(before: dict[str, Any], now: dict[str, Any]) -> list[Verdict]:
    """Compare what was counted; both as written by counted()."""
    found = []
    for client, figures in before["counts"].items():
        for figure, (part, number) in TOLERANCE.items():
            old = figures.get(figure)
            if old is None:
                continue
            new = now["counts"].get(client, {}).get(figure)
            why_not = _why_not(figure, before["environment"], now["environment"])
            if new is None:
                why_not = now["left_out"].get(figure, "not counted in this run")
            limit = round(old * (1 + part)) + number
            found.append(Verdict(client, figure, old, new, limit, why_not))
    return found
