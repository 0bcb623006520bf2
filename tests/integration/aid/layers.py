# SPDX-License-Identifier: Apache-2.0
"""Layers of the confinement that the kernel lacks: WITHOUT=seccomp,landlock or one.

All programs of ours then run as on such a kernel; tests that are about a layer
itself are left out. See "make check-layers".
"""

from __future__ import annotations

import os
from pathlib import Path

WITHOUT = tuple(filter(None, os.environ.get("WITHOUT", "").split(",")))
SAID = {
    "seccomp": "this kernel has no seccomp filters: ",
    "landlock": "this kernel has no Landlock: ",
}


def lacking(program: Path, build: Path) -> list[str]:
    """The command that runs a program of a build as on the kernel that is tested."""
    if not WITHOUT or not program.resolve().is_relative_to(build.resolve()):
        return [str(program)]
    return [str(build / "tests/programs/without"), ",".join(WITHOUT), str(program)]


def without_lacking(command: list[str]) -> list[str]:
    """The command as it is without what lacking() puts before it."""
    return command[2:] if Path(command[0]).name == "without" else command


ONE_USER = "not started as root: "


def without_lacks(said: str) -> str:
    """What a program said, but for what is lacking here: a layer, or root.

    Each comes once at most.
    """
    lacks = [ONE_USER, *(SAID[layer] for layer in WITHOUT)]
    assert all(said.count(lack) <= 1 for lack in lacks), said
    lines = said.splitlines(keepends=True)
    return "".join(line for line in lines if not any(k in line for k in lacks))
