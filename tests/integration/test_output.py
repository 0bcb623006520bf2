# SPDX-License-Identifier: Apache-2.0
"""Outputs and privileges that are not there: no message is spent on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aid.attack import Attack, each, fails, fill, one_line, untouched
from aid.payload import noise
from aid.programs import AGENT, PRODUCER, STARTUP
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.wait import wait_until

NOBODY = 65534
root = pytest.mark.skipif(os.geteuid() != 0, reason="not root: cannot become another")


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
    """Run the agent there; its exit code and what it said."""
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
def test_a_full_disk_behind_standard_output(
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


def test_a_device_that_is_always_full(attack: Attack, queue: Queue) -> None:
    fill(queue)
    got = attack.agent("-q", queue.url, output="/dev/full")
    fails(got, 70, "cannot write 512 bytes", "/dev/full", "lost", "No space left")
    assert queue.depth() == (0, 0)  # nobody could know before


def test_a_pipe_that_nobody_reads(
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


def test_a_standard_output_that_is_closed(
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


def test_a_standard_output_that_is_an_input(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    with Path(os.devnull).open("rb") as null:
        got = attack.agent("-q", queue.url, stdout=null)
    one_line(got, 70, "standard output is not open for writing")
    untouched(queue, proxy)


def test_an_output_that_cannot_be_made(
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


# Without privilege.


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
    """How to start a program as a user without any right."""
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


@root
def test_an_output_that_is_not_permitted(
    attack: Attack, queue: Queue, proxy: SqsProxy, public: Path
) -> None:
    fill(queue)
    program = str(public / AGENT)
    to = public / "seed"
    got = attack.agent("-q", queue.url, output=to, program=program, **as_nobody(attack))
    fails(got, 77, "cannot open", str(to), "Permission denied")
    untouched(queue, proxy)


# The producer's source.


def no_source(attack: Attack, path: Path | str, code: int, *words: str) -> None:
    """Refused before anything is asked of anybody."""
    got = attack.producer("-q", "some-queue", "-d", path)
    fails(got, code, str(path), *words)
    assert attack.imds.connections == 0
    assert attack.proxy.connections == 0


def test_the_kernels_own_generator_is_no_source(
    attack: Attack, tmp_path: Path, conf: Callable[..., Path]
) -> None:
    link = tmp_path / "hwrng"
    link.symlink_to("/dev/urandom")
    second = tmp_path / "again"
    second.symlink_to(link)
    for path in each(
        {str(p): p for p in ("/dev/random", "/dev/urandom", link, second)}
    ):
        no_source(attack, path, 78, "kernel's own generator", "/dev/hwrng")
    file = conf(queue="some-queue", device="/dev/urandom")
    fails(attack.producer("-c", file), 78, "kernel's own generator")


@root
def test_the_kernels_own_generator_under_another_name(
    attack: Attack, tmp_path: Path
) -> None:
    for minor in (8, 9):
        node = tmp_path / f"node{minor}"
        try:
            os.mknod(node, 0o20666, os.makedev(1, minor))
        except PermissionError:
            pytest.skip("no device node can be made here")
        no_source(attack, node, 78, "kernel's own generator")


def test_a_source_that_is_none(attack: Attack, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    link = tmp_path / "dangling"
    link.symlink_to(tmp_path / "nowhere")
    for path in (tmp_path / "missing", link, tmp_path / "file" / "x"):
        no_source(attack, path, 69, "is not there", "set device")
    no_source(attack, tmp_path, 78, "is not a device", "/dev/hwrng")


@root
def test_a_source_that_may_not_be_read(
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


@pytest.mark.parametrize("size", [0, 100, 511])
def test_a_source_that_ends_within_a_message(
    attack: Attack, queue: Queue, proxy: SqsProxy, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "ends"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    os.write(writer, noise(size))
    process = attack.run.start(PRODUCER, "--once", "-q", queue.url, "-d", path)
    # By then the source is open.
    wait_until(lambda: bool(proxy.matching("GetQueueAttributes")))
    os.close(writer)
    got = attack.run.finish(process)
    fails(got, 69, str(path), "has ended")
    assert queue.depth() == (0, 0)


def test_a_file_that_is_too_short(attack: Attack, queue: Queue, tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(noise(STARTUP + 1000))  # one message and a half
    got = attack.producer("-q", queue.url, "-d", path)
    assert got.code == 69, got.err
    assert sum("has ended" in line for line in got.lines()) == 1
    [message] = queue.receive()
    assert "sent 1 of 10 messages" in got.err
    assert len(message["Body"]) == 684
    assert queue.depth() == (0, 1)


def test_a_device_that_has_nothing(attack: Attack, queue: Queue) -> None:
    got = attack.producer("-q", queue.url, "-d", "/dev/null")
    fails(got, 69, "/dev/null", "has ended")
    assert queue.depth() == (0, 0)
