# SPDX-License-Identifier: Apache-2.0
"""Reads the texts of the programs out of their source."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("common", "agent", "producer")
STRING = r'"(?:[^"\\\n]|\\.)*"'
LITERAL = re.compile(rf"{STRING}(?:\s*(?:PRI\w+\s*)?{STRING})*")
NO_TEXT = re.compile(
    r"/\*.*?\*/|^\s*#include.*?$|SETTING_SHOWN\([^)]*\)", re.DOTALL | re.MULTILINE
)
MACRO = re.compile(
    rf"^#define (\w+)(?: |\t|\\\n)+({STRING}(?:\s*\\?\s*{STRING})*)$", re.MULTILINE
)
NAME = re.compile(rf"{STRING}|#define \w+|\b[A-Z][A-Z_]+\b")
CONVERSION = re.compile(r"%[-.*0-9]*(?:[hjlz]*[dfgoux]|[cs]|$)")
ESCAPES = {r"\n": "\n", r"\"": '"', r"\'": "'", r"\\": "\\"}


def literals(source: str) -> Iterator[str]:
    """Read the string literals of C, joined where only white space is between."""
    for match in LITERAL.finditer(NO_TEXT.sub("", source)):
        parts = [s[1:-1] for s in re.findall(STRING, match[0])]
        yield re.sub(r"\\.", lambda e: ESCAPES.get(e[0], e[0]), "".join(parts))


def in_any(text: str, said: str) -> bool:
    """Look for a format, with whatever in the place of its conversions."""
    words = CONVERSION.split(text.replace("%%", "\0"))
    words = [word.replace("\0", "%") for word in words]
    if not all(word in said for word in words):
        return False
    return re.search(".*".join(map(re.escape, words)), said) is not None


def files(suffix: str) -> Iterator[Path]:
    """Name the files of the programs."""
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob(f"*{suffix}"))


@functools.cache
def macros() -> dict[str, str]:
    """Read which macros are texts."""
    found = {}
    for path in (*files(".h"), *files(".c")):
        for name, value in MACRO.findall(path.read_text()):
            found[name] = value.replace("\\\n", " ")
    return found


def expanded(path: Path) -> str:
    """Read a file of C with the macros that are texts in their places."""
    text = NO_TEXT.sub("", path.read_text())
    return NAME.sub(lambda m: macros().get(m[0], m[0]), text)
