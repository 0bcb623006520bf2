# SPDX-License-Identifier: Apache-2.0
"""Outputs that cannot be written cost no message."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from aid.attack import Attack, each, fails, fill, one_line, untouched
from aid.programs import AGENT
from aid.queue import Queue
from aid.sqsproxy import SqsProxy


def cannot_mount() -> str | None:
    """Give the reason why no small file system can be made, if there is one."""
    if os.geteuid() != 0:
        return "not root: no small file system can be mounted"
    if shutil.which("unshare") is None or shutil.which("mount") is None:
        return "unshare or mount is not installed"
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=8k", "t", "/mnt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"no tmpfs can be mounted here: {done.stderr}" if done.returncode else None


WHY_NOT = cannot_mount()
small_disk = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))

# A file system with room for little, seen by the program alone.
ON_SMALL_DISK = """
mount -t tmpfs -o size=32k tmpfs "$1" || exit 99
if [ -n "$2" ]; then head -c 28672 /dev/zero >"$1/other" || exit 98; fi
out=$3
shift 3
case $out in
"") exec "$@" ;;
append) exec "$@" >>"$DISK/redirected" ;;
*) exec "$@" >"$DISK/redirected" ;;
esac
"""


def on_disk(
    attack: Attack, disk: Path, full: bool, redirect: str, *args: str | Path
) -> tuple[int, str]:
    """Run the agent with its output on the small disk; its exit code and its log."""
    script = ["unshare", "-m", "sh", "-c", ON_SMALL_DISK, "sh", disk]
    got = attack.run(
        shutil.which("unshare") or "unshare",
        *script[1:],
        "full" if full else "",
        redirect,
        attack.run.build / AGENT,
        *args,
        env=attack.env(DISK=str(disk)),
    )
    assert len(got.lines()) == 1, got.err
    return got.code, got.err


@small_disk
def test_a_full_disk_is_found_before_a_message_is_taken(
    attack: Attack, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    fill(queue)
    to = tmp_path / "out"
    code, said = on_disk(attack, tmp_path, True, "", "-q", queue.url, "-o", to)
    assert code == 70
    assert "no room" in said
    assert str(to) in said
    untouched(queue, proxy)


@small_disk
@pytest.mark.parametrize("redirect", ["append", "create"])
def test_a_full_disk_behind_standard_output_is_found_too(
    attack: Attack, queue: Queue, proxy: SqsProxy, tmp_path: Path, redirect: str
) -> None:
    fill(queue)
    args = ("-q", queue.url, "-o", "-")
    code, said = on_disk(attack, tmp_path, True, redirect, *args)
    assert code == 70
    assert "no room" in said
    untouched(queue, proxy)


@small_disk
def test_a_small_disk_with_room_is_enough(
    attack: Attack, queue: Queue, tmp_path: Path
) -> None:
    fill(queue)
    for redirect in ("append", "create"):
        fill(queue)
        args = ("-q", queue.url, "-o", "-")
        code, said = on_disk(attack, tmp_path, False, redirect, *args)
        assert code == 0, said


def test_a_device_that_is_always_full_loses_the_bytes(
    attack: Attack, queue: Queue
) -> None:
    fill(queue)
    got = attack.agent("-q", queue.url, output="/dev/full")
    fails(got, 70, "cannot write 512 bytes", "/dev/full", "lost", "No space left")
    assert queue.depth() == (0, 0)  # nobody could know before


def test_a_pipe_that_nobody_reads_is_found_before(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        got = attack.agent("-q", queue.url, stdout=writer)
    finally:
        os.close(writer)
    one_line(got, 70, "nobody reads standard output", "closed")
    untouched(queue, proxy)


def test_a_closed_standard_output_is_found_before(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    got = attack.program(
        "/bin/sh",
        *("-c", 'exec "$0" "$@" >&-', attack.run.build / AGENT),
        *("-q", queue.url, "-o", "-"),
    )
    assert got.code == 70, got.err
    assert len(got.lines()) == 1
    assert "standard output" in got.err
    untouched(queue, proxy)


def test_a_standard_output_for_reading_is_found_before(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    with Path(os.devnull).open("rb") as null:
        got = attack.agent("-q", queue.url, stdout=null)
    one_line(got, 70, "standard output is not open for writing")
    untouched(queue, proxy)


def test_an_output_that_cannot_be_made_costs_no_message(
    attack: Attack, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    fill(queue)
    (tmp_path / "file").touch()
    places = {
        "a folder": tmp_path,
        "no folder": tmp_path / "not" / "there",
        "in a file": tmp_path / "file" / "x",
        "a long name": tmp_path / ("x" * 300),
    }
    for path in each(places):
        got = attack.agent("-q", queue.url, output=path)
        fails(got, 70, "cannot open", str(path)[:80])
    untouched(queue, proxy)


def test_what_a_file_held_stays_when_nothing_comes(
    attack: Attack, queue: Queue, tmp_path: Path
) -> None:
    file = tmp_path / "seed"
    file.write_bytes(b"old" * 1000)
    fails(attack.agent("-q", queue.url, output=file), 75, "empty")
    assert file.read_bytes() == b"old" * 1000
    [payload] = fill(queue)
    assert attack.agent("-q", queue.url, output=file).code == 0
    assert file.read_bytes() == payload
