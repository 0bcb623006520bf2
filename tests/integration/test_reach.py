# SPDX-License-Identifier: Apache-2.0
"""What each half can still reach, on a kernel with all layers and with one missing.

docs/threat-model.md has the table; this fills in one of its own and compares.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aid.forbidden import REFUSALS
from aid.halves import IS_ROOT, has_landlock
from aid.kernel import needs_kernel
from aid.payload import noise
from aid.programs import AGENT, Runner
from aid.users import (
    AGENT_OFFLINE,
    AGENT_ONLINE,
    HAS_USERS,
    PRODUCER_OFFLINE,
    PRODUCER_ONLINE,
)
from aid.wait import wait_until

PAGE = Path(__file__).parents[2] / "docs/threat-model.md"
HALVES = [(p, h) for p in ("agent", "producer") for h in ("online", "offline")]
COMMANDS = [(p, "command") for p in ("agent", "producer")]
USERS = {
    ("agent", "online"): AGENT_ONLINE,
    ("agent", "offline"): AGENT_OFFLINE,
    ("producer", "online"): PRODUCER_ONLINE,
    ("producer", "offline"): PRODUCER_OFFLINE,
}
# What is reached, by the words of the table: file, owner, group, mode.
FILES = {
    "signing key": ("signing.key", "root", "root", 0o400),
    "sealing key": ("seal.key", "root", "root", 0o400),
    "device": ("dev/hwrng", "root", PRODUCER_OFFLINE, 0o640),
    "sequence numbers": ("sequence", PRODUCER_OFFLINE, PRODUCER_OFFLINE, 0o600),
    "AWS files of the producer": ("aws", PRODUCER_ONLINE, PRODUCER_ONLINE, 0o600),
    "what every user can read": ("public", "root", "root", 0o644),
    "the same in /run": ("run/public", "root", "root", 0o644),
    "a secret of root's in /run": ("run/secret", "root", "root", 0o400),
}
SOURCE = "/dev/zero"  # of a producer that is to send nothing
OTHERS = {"a network socket": "network", "the pool, to inject": "pool"}

pytestmark = [
    pytest.mark.skipif(
        not IS_ROOT or not HAS_USERS or not has_landlock(),
        reason="not root, no users of the halves, or no Landlock here",
    ),
    needs_kernel,
]


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder that all users can get to, with the files in it."""
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as name,
        tempfile.TemporaryDirectory(dir="/dev/shm") as devices,
        tempfile.TemporaryDirectory(dir="/run") as volatile,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        for link, target in ("dev", devices), ("run", volatile):
            Path(target).chmod(0o755)
            (folder / link).symlink_to(target)
        for file, owner, group, mode in FILES.values():
            (folder / file).write_bytes(noise(64))
            (folder / file).chmod(mode)
            ids = pwd.getpwnam(owner).pw_uid, pwd.getpwnam(group).pw_gid
            os.chown(folder / file, *ids)
        yield folder


def said_by_command(
    run: Runner, place: Path, program: str, before: list[str], reach: str
) -> str:
    """What the tool says that the program runs as its credential_process."""
    notes, script = Path(tempfile.mkdtemp(dir=place)), place / "command"
    notes.chmod(0o777)
    tool = run.build / "tests/programs/confined_agent"
    said = notes / "said"
    command = f"REACH='{reach}' {tool} command >{said}.new && mv {said}.new {said}"
    script.write_text(f"#!/bin/sh\n{command}\n")
    script.chmod(0o755)
    (place / "config").write_text(f"[default]\ncredential_process = {script}\n")
    env = {**run.env, "AWS_CONFIG_FILE": str(place / "config")}
    args = ["-q", "https://sqs.eu-west-1.amazonaws.com/123456789012/q"]
    args += ["-o-", "-t", "120"] if program == "agent" else ["--once", "-d", SOURCE]
    process = run.start(
        *before, str(run.build / f"sqs-entropy-{program}"), *args, env=env
    )
    wait_until(said.exists)
    # It would run the command again and again, which gives no credentials.
    process.terminate()
    run.finish(process)
    return said.read_text()


def reached(
    run: Runner, place: Path, program: str, half: str, missing: str
) -> set[str]:
    """What a half, or its command, reaches on a kernel that lacks a layer, or none."""
    names = {f"file-{i}": word for i, word in enumerate(FILES)}
    reach = "".join(
        f"file-{i} {place / file}\n" for i, (file, *_) in enumerate(FILES.values())
    )
    before = [str(run.build / "tests/programs/without"), missing] if missing else []
    tool = str(run.build / f"tests/programs/confined_{program}")
    args = ["-q", "https://sqs.eu-west-1.amazonaws.com/123456789012/q"]
    if program == "producer":
        args += ["-d", str(place / "dev/hwrng")]
    if half == "command":
        text = said_by_command(run, place, program, before, reach)
    else:
        got = run(*before, tool, half, *args, env={**run.env, "REACH": reach})
        assert got.code == 0, got.err
        text = got.out.decode()
    tried = dict(line.split() for line in text.splitlines())
    assert set(tried) == {*names, *OTHERS.values()}
    ends = {tried[n]: n for n in tried}
    assert set(ends) <= {"done", *REFUSALS}, tried
    words = {**names, **{v: k for k, v in OTHERS.items()}}
    return {words[n] for n, end in tried.items() if end == "done"}


def table_of(page: str) -> dict[str, list[str]]:
    """The cells of the table below its title, by their first."""
    part = page.split("### What each half can still reach\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| (.+?) \|$", part, re.MULTILINE)
    cells = [[c.strip() for c in row.split("|")] for row in rows[1:]]
    return {row[0]: row[1:] for row in cells if not row[0].startswith("--")}


def test_the_table_of_what_each_half_can_reach_is_true(
    run: Runner, place: Path
) -> None:
    found: dict[str, list[str]] = {word: [] for word in (*FILES, *OTHERS)}
    for program, half in [*HALVES, *COMMANDS]:
        with_all = reached(run, place, program, half, "")
        lacking = {
            name: reached(run, place, program, half, layer)
            for name, layer in (("Landlock", "landlock"), ("seccomp", "seccomp"))
        }
        for word, cells in found.items():
            without = [n for n, words in lacking.items() if word in words]
            if word in with_all:
                assert len(without) == len(lacking), (word, program, half)
                cells.append("yes")
            else:
                cells.append(f"without {' or '.join(without)}" if without else "no")
    assert table_of(PAGE.read_text()) == found


def test_a_kernel_without_landlock_costs_a_warning_and_nothing_else(
    run: Runner, place: Path
) -> None:
    assert shutil.which("true") is not None
    tool = str(run.build / "tests/programs/without")
    args = ["-q", "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "--check"]
    got = run(tool, "landlock", run.build / AGENT, *args)
    assert got.code == 0, got.err
    assert got.err.count("this kernel has no Landlock") == 1
    got = run(AGENT, *args)
    assert "Landlock" not in got.err
