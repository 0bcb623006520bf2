# SPDX-License-Identifier: Apache-2.0
"""Programs that a common user runs: what is possible, and what they report."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aid.attack import Attack, fails, fill, untouched
from aid.halves import needs_root
from aid.payload import noise
from aid.programs import AGENT, PRODUCER
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.wait import FOR_EVER

NOBODY = 65534


@pytest.fixture
def public(build: Path) -> Iterator[Path]:
    """Give a folder with the programs that every user can get to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for program in (AGENT, PRODUCER):
            shutil.copy(build / program, folder / program)
        yield folder


def as_nobody(attack: Attack) -> dict[str, object]:
    """The arguments that start a program as a user without any right."""
    env = attack.env(HOME="/nonexistent")
    if os.geteuid() != 0:
        return {"env": env}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": [], "env": env}


def test_the_kernel_takes_nothing_from_a_common_user(
    attack: Attack, queue: Queue, proxy: SqsProxy, public: Path
) -> None:
    fill(queue)
    program = str(public / AGENT)
    got = attack.agent("-q", queue.url, output="", program=program, **as_nobody(attack))
    fails(got, 77, "CAP_SYS_ADMIN", "run as root", "--output")
    assert attack.imds.connections == 0
    untouched(queue, proxy)


def test_a_common_user_may_have_the_bytes(
    attack: Attack, queue: Queue, public: Path
) -> None:
    [payload] = fill(queue)
    program = str(public / AGENT)
    got = attack.agent("-q", queue.url, program=program, **as_nobody(attack))
    assert (got.code, got.out) == (0, payload), got.err


@pytest.mark.parametrize("option", ["--check", "-o-"])
def test_a_common_user_is_told_once_that_both_halves_are_one(
    attack: Attack, queue: Queue, public: Path, option: str
) -> None:
    fill(queue)
    got = subprocess.run(
        [public / AGENT, "-q", queue.url, option],
        capture_output=True,
        timeout=FOR_EVER,
        check=True,
        **as_nobody(attack),
    )
    assert got.stderr.count(b"both halves run as this user") == 1


@needs_root
def test_an_output_that_is_not_permitted_costs_no_message(
    attack: Attack, queue: Queue, proxy: SqsProxy, public: Path
) -> None:
    fill(queue)
    program = str(public / AGENT)
    to = public / "seed"
    got = attack.agent("-q", queue.url, output=to, program=program, **as_nobody(attack))
    fails(got, 77, "cannot open", str(to), "Permission denied")
    untouched(queue, proxy)


@needs_root
def test_a_source_that_may_not_be_read_is_named(
    attack: Attack, proxy: SqsProxy, public: Path
) -> None:
    device = public / "hwrng"
    device.write_bytes(noise(8192))
    device.chmod(0o600)
    got = attack.producer(
        *("-q", "some-queue", "-d", device),
        program=str(public / PRODUCER),
        **as_nobody(attack),
    )
    fails(got, 77, "no permission", str(device))
    assert proxy.connections == 0
