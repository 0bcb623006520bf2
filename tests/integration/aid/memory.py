# SPDX-License-Identifier: Apache-2.0
"""What lies in the memory of a process that runs, as root can see it."""

from __future__ import annotations

import base64
import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

PIECE = 16  # bytes of a secret in a row that are a find
PIECES = 12  # of those looked for in each form of a secret


@dataclass
class Image:
    """A copy of all that a process can write to, by the map that it lies in."""

    pid: int
    maps: dict[str, bytes]

    @classmethod
    def of(cls, pid: int) -> Image:
        """Take an image; the process should be waiting."""
        maps = {}
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
        try:
            for line in lines:
                found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw\S* (.*)", line)
                if found is None:
                    continue
                begin, end = int(found[1], 16), int(found[2], 16)
                name = found[3].split(maxsplit=3)[3:] or ["anonymous"]
                with contextlib.suppress(OSError):
                    data = os.pread(fd, end - begin, begin)
                    maps[f"{name[0].strip()} {found[1]}"] = data
        finally:
            os.close(fd)
        assert maps
        return cls(pid, maps)

    def find(self, secret: bytes | str) -> list[str]:
        """Where copies of the secret begin, whole or in part, as it is or in base64."""
        places = set()
        for form in forms(secret):
            for piece, offset in pieces(form).items():
                for name, data in self.maps.items():
                    at = data.find(piece)
                    while at >= 0:
                        places.add(f"{name}+{max(0, at - offset):#x}")
                        at = data.find(piece, at + 1)
        return sorted(places)

    def around(self, place: str, before: int = 64, after: int = 128) -> bytes:
        """The bytes around a find, for whoever has to explain it."""
        name, _, offset = place.rpartition("+")
        at = int(offset, 16)
        return self.maps[name][max(0, at - before) : at + after]


def forms(secret: bytes | str) -> list[bytes]:
    """The forms in which a secret may lie in memory."""
    if isinstance(secret, str):
        return [secret.encode()]
    coded = [base64.b64encode(bytes(skip) + secret) for skip in range(3)]
    # The characters that only the secret decides.
    return [
        secret,
        *(text[(4 * skip + 2) // 3 : -4] for skip, text in enumerate(coded)),
    ]


def pieces(form: bytes) -> dict[bytes, int]:
    """Stretches of a form that are unlikely by chance, and their offsets."""
    size = min(PIECE, len(form))
    last = len(form) - size
    starts = sorted({last * i // (PIECES - 1) for i in range(PIECES)})
    found = {form[i : i + size]: i for i in starts}
    return {piece: at for piece, at in found.items() if len(set(piece)) > 4}
