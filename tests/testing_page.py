# SPDX-License-Identifier: Apache-2.0
"""Writes sections of docs/testing.md, each by the command that it names."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/testing.md"
HEAD = """# What the tests have shown

Each section is written by the command that it names; seeds and commit are in it.
"""
SUBJECTS = (
    "Torture",
    "Faults",
    "Years",
    "Soak",
    "Concurrency",
    "Coverage",
    "Mutation",
    "Fuzzing",
)
BEGIN, END = "<!-- written by {} -->", "<!-- end -->"


def commit() -> str:
    """The commit of the source tree, and whether the tree differs from it."""
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    done = subprocess.run(
        [*git, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "no commit"


def replaced(page: str, subject: str, command: str, text: str) -> str:
    """The page with that section anew, in the order of SUBJECTS.

    What a person has written in front of the section's marker stays.
    """
    begin = BEGIN.format(command)
    head, *parts = re.split(r"^(?=## )", page or HEAD, flags=re.MULTILINE)
    found = {part.splitlines()[0].removeprefix("## "): part for part in parts}
    before = found.get(subject, f"## {subject}\n").partition(begin)[0].strip()
    found[subject] = f"{before}\n\n{begin}\n\n{text.strip()}\n\n{END}\n"
    ordered = sorted(found, key=SUBJECTS.index)
    return "\n".join([head.strip() + "\n", *(found[s].strip() + "\n" for s in ordered)])


def put_section(subject: str, command: str, text: str) -> None:
    """Replace the section of a subject, or add it where it belongs."""
    page = PAGE.read_text() if PAGE.exists() else ""
    PAGE.write_text(replaced(page, subject, command, text))
