# SPDX-License-Identifier: Apache-2.0
"""Defects that are planted by hand, each of which has to be found."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from world import ROOT

SOURCE = ("agent", "common", "producer", "tests", "packaging", "Makefile")


@dataclass(frozen=True)
class Defect:
    """A change of one file, and what it is found by."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    calls: tuple[str, ...]  # the faults that are tried
    found: str  # in what is wrong then
    scenario: str = "credit"


PLANTED = (
    Defect(
        "delete after inject",
        "agent/online/online.c",
        (
            (
                "		rc = delete_messages(run, q, err);\n	if (rc == 0)\n"
                "		rc = hand_over(run, i, err);\n",
                "		rc = hand_over(run, i, err);\n	if (rc == 0)\n"
                "		rc = delete_messages(run, q, err);\n",
            ),
            ("if (!run->deleted[k])\n			continue;", "(void)choose_messages;"),
        ),
        ("sendto", "recvfrom", "poll"),
        "credit without a confirmed delete",
    ),
    Defect(
        "forgotten sync",
        "common/base/slots.c",
        ((" || fdatasync(s->fd) != 0)", ")"),),
        ("pwrite64",),
        "credit before the digest was synced",
    ),
    Defect(
        "one of two remembered",
        "agent/offline/replay.c",
        (("(size_t k = 0; k < n;", "(size_t k = 0; k < n && k < 1;"),),
        ("pwrite64",),
        "credit for what is not remembered",
        "two queues",
    ),
    Defect(
        "going on unconfined",
        "common/confine/confine.c",
        (
            (
                "rc = confine_files(half->readable, err);",
                "(void)!confine_files(half->readable, err);",
            ),
        ),
        ("landlock_restrict_self", "landlock_add_rule", "setresuid", "capset"),
        "not confined",
    ),
)


def build_planted(defect: Defect) -> Path:
    """Build the programs from a copy of the source that has the defect."""
    home = ROOT / "build" / f"planted-{defect.name.replace(' ', '-')}"
    shutil.rmtree(home, ignore_errors=True)
    for name in (*SOURCE, "compile_flags.txt"):
        to = home / name
        to.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, to)
    file = home / defect.file
    text = file.read_text()
    for old, new in defect.changes:
        if text.count(old) != 1:
            raise SystemExit(f"planted: {defect.file} has not one: {old!r}")
        text = text.replace(old, new)
    file.write_text(text)
    command = ["make", "-C", home, f"-j{os.cpu_count()}", "tortured"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return home / "build"
