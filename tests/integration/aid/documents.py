# SPDX-License-Identifier: Apache-2.0
"""The commands of the documents: each block that is indented by four or more.

A fence of three backquotes is what its language says, and no command.  A comment
before a block says that it is not run here:

    <!-- not run: why -->
    <!-- run by FILE... -->   each command stands in one of these files
    <!-- run afresh: why -->  it is run where nothing is configured yet
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aid.environment import ROOT

MARK = re.compile(r"^\s*<!-- (not run|run by|run afresh):? (.+?) -->$")
INDENT = 4


def documents() -> list[Path]:
    """Name the documents whose commands count."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass
class Block:
    """Commands that stand together."""

    file: Path
    line: int
    kind: str  # "run", "run afresh", "not run" or "run by"
    why: str
    lines: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        """File and line, for people."""
        return f"{self.file.relative_to(ROOT)}:{self.line}"

    @property
    def text(self) -> str:
        """The commands without the indent."""
        margin = min(len(s) - len(s.lstrip()) for s in self.lines if s.strip())
        return "\n".join(s[margin:] for s in self.lines)

    @property
    def commands(self) -> list[str]:
        """Each command on one line, without its comment."""
        joined = re.sub(r"\\\n\s*", "", self.text)
        bare = (re.sub(r"\s+# .*", "", line).strip() for line in joined.splitlines())
        return [line for line in bare if line]

    def missing_elsewhere(self) -> list[str]:
        """Of a block that is run by files: the commands that none of them has."""
        files = [ROOT / word for word in self.why.replace(",", " ").split()]
        texts = [re.sub(r"\\\n\s*", "", file.read_text()) for file in files]
        return [c for c in self.commands if not any(c in text for text in texts)]


def outside_fences(text: str) -> Iterator[tuple[int, str]]:
    """Give the lines that are in no fence, with their numbers."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            yield number, "```"
        elif not fenced:
            yield number, line


def blocks(file: Path) -> list[Block]:
    """Read the blocks of a document."""
    found: list[Block] = []
    mark = ("run", "")
    current: Block | None = None
    before = ""
    for number, line in outside_fences(file.read_text()):
        deep = line.startswith(" " * INDENT)
        if deep and current is None and before == "":
            current = Block(file, number, *mark)
            found.append(current)
        if current is not None and (deep or not line.strip()):
            current.lines.append(line)
        else:
            current = None
        match = MARK.match(line)
        if match:
            mark = (match[1], match[2])
        elif line.strip():
            mark = ("run", "")
        before = line.strip()
    return found
