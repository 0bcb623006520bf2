# SPDX-License-Identifier: Apache-2.0
"""Which OpenSSL the programs under test run with, and what it should have."""

from __future__ import annotations

import os
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

from aid.forge import FLEETS

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "message"
MLKEM_SINCE = (3, 5)


@lru_cache
def version() -> tuple[int, ...]:
    """The version that the library has of itself."""
    done = subprocess.run(
        [TOOL], input="openssl\n", capture_output=True, text=True, check=True
    )
    words = bytes.fromhex(done.stdout.split()[1]).decode()
    return tuple(int(part) for part in words.split("-")[0].split("."))


def should_have_mlkem() -> bool:
    """By its version alone: a test must not ask the code that it is about."""
    return version() >= MLKEM_SINCE


def _name() -> str:
    return "OpenSSL " + ".".join(map(str, version()))


@pytest.fixture
def mlkem() -> None:
    """Leave a test out where OpenSSL has no ML-KEM; make check-xwing has it."""
    if not should_have_mlkem():
        pytest.skip(f"{_name()} has no ML-KEM (make check-xwing runs this)")


@pytest.fixture
def no_mlkem() -> None:
    """Leave a test out where OpenSSL has ML-KEM."""
    if should_have_mlkem():
        pytest.skip(f"{_name()} has ML-KEM")


@pytest.fixture(params=FLEETS)
def kind(request: pytest.FixtureRequest) -> str:
    """Give the name of each seal, where OpenSSL has it."""
    if request.param == "xwing":
        request.getfixturevalue("mlkem")
    return request.param
