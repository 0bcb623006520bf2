# SPDX-License-Identifier: Apache-2.0
"""A half that tries what it may not do, as tests/programs/confined_*.c have it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aid.kernel import needs_kernel
from aid.layers import WITHOUT
from aid.payload import noise
from aid.programs import Runner

PROGRAMS = ("agent", "agent-kernel", "producer")
HALVES = ("online", "offline")
REFUSALS = ("EPERM", "EACCES")


def try_forbidden(
    run: Runner, tmp_path: Path, program: str, half: str
) -> dict[str, str]:
    """Run the tool for a half; the file "victim" is there for it to move."""
    if "seccomp" in WITHOUT:
        pytest.skip("nothing forbidden is tried where no filter refuses it")
    tool = run.build / f"tests/programs/confined_{program.partition('-')[0]}"
    (tmp_path / "victim").touch()
    source = tmp_path / "source"
    source.write_bytes(noise(64))
    args = ["-q", "https://sqs.eu-west-1.amazonaws.com/1/q"]
    if program == "producer":
        args += ["-d", str(source)]
    elif program == "agent":
        args += ["-o", os.devnull]
    elif needs_kernel.args[0]:
        pytest.skip(needs_kernel.kwargs["reason"])
    env = {**run.env, "FORBIDDEN_FILE": str(tmp_path / "victim")}
    got = run(str(tool), half, *args, env=env)
    assert got.code == 0, got.err
    return dict(line.split() for line in got.out.decode().splitlines())


def not_refused(tried: dict[str, str]) -> dict[str, str]:
    """Those of the attempts that ended in another way than by a refusal."""
    return {name: end for name, end in tried.items() if end not in REFUSALS}
