# SPDX-License-Identifier: Apache-2.0
"""A hundred samples, from 1 byte to 100 MB, and what ent(1) says of a file."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MB = 1_000_000
TEXT = b"It was the best of times, it was the worst of times,\r\n"


def repeated(unit: bytes, size: int) -> bytes:
    """A unit again and again, cut to the size."""
    return (unit * (size // len(unit) + 1))[:size]


def biased(size: int) -> bytes:
    """Four of five bytes are 0."""
    chance = random.Random(size)
    unit = bytes(
        0 if chance.random() < 0.8 else chance.randrange(256)
        for _ in range(min(size, 99_991))
    )
    return repeated(unit, size)


KINDS: dict[str, Callable[[int], bytes]] = {
    "noise": lambda size: random.Random(size).randbytes(size),
    "bits": lambda size: (
        random.Random(size)
        .randbytes(size)
        .translate(bytes(i & 0x11 for i in range(256)))
    ),
    "biased": biased,
    "zeros": bytes,
    "constant": lambda size: repeated(b"\xff", size),
    "two": lambda size: repeated(b"\x00\xff", size),
    "four": lambda size: repeated(b"\x03\x50\x90\xc1", size),
    "text": lambda size: repeated(TEXT, size),
    "counter": lambda size: repeated(bytes(range(256)), size),
    "words": lambda size: repeated(
        b"".join(i.to_bytes(2, "big") for i in range(65536)), size
    ),
}
SIZES = [1, 2, 5, 6, 7, 256, 4096, 65537, MB]
LARGE = [("noise", size * MB) for size in (10, 30, 100)] + [("zeros", 100 * MB)]
LARGE += [(kind, 10 * MB) for kind in KINDS if kind not in ("noise", "zeros", "two")][
    :6
]
ALL = [(kind, size) for kind in KINDS for size in SIZES] + LARGE
# One of each size and kind.
SOME = [(kind, SIZES[(i + k) % 8]) for i, kind in enumerate(KINDS) for k in (0, 3)]


def files(directory: Path, which: list[tuple[str, int]]) -> Iterator[Path]:
    """Write one after the other, and take it away afterwards."""
    for kind, size in which:
        path = directory / f"{kind}-{size}"
        path.write_bytes(KINDS[kind](size))
        yield path
        path.unlink()


@dataclass(frozen=True)
class Figures:
    """The figures, as texts with the digits that were printed."""

    entropy: str
    compression: str
    chi_square: str
    exceeded: str
    mean: str
    pi: str
    error: str
    correlation: str


def figures(text: str, patterns: list[str]) -> Figures:
    """Find each, or fail."""
    found = []
    for pattern in patterns:
        match = re.search(pattern, text)
        assert match, f"{pattern} in {text}"
        found += match.groups()
    return Figures(*found)


def ent(path: Path) -> Figures:
    """What Debian's ent says, and "undefined" where it has no number."""
    done = subprocess.run(["ent", path], check=True, capture_output=True, text=True)
    text = done.stdout.replace("more than than", "more than")
    text = re.sub(r"-?nan \(error -?nan", "undefined (error undefined", text)
    return figures(
        text,
        [
            r"Entropy = (\S+) bits per byte",
            r"file by (\S+) percent",
            r"samples is (\S+), and",
            r"would exceed this value (.+) percent of the times",
            r"data bytes is (\S+) ",
            r"for Pi is (\S+) \(error (\S+)",
            r"coefficient is (\S+) ",
        ],
    )


def ours(text: str) -> Figures:
    """The same of --assess."""
    text = text.replace("undefined (fewer", "undefined (error undefined")
    return figures(
        text,
        [
            r"  entropy +(\S+) bits per byte",
            r"  optimum compression +(\S+) percent",
            r"  chi-square +(\S+), which (.+) percent of random samples exceed",
            r"  arithmetic mean +(\S+) ",
            r"  Monte Carlo Pi +(\S+) \(error (\S+)",
            r"  serial correlation +(\S+) ",
        ],
    )
