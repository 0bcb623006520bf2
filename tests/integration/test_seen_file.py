# SPDX-License-Identifier: Apache-2.0
"""The state file "seen", by which an agent knows what it has used."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aid.forge import Message, send
from aid.kernel import needs_kernel
from aid.programs import AGENT
from aid.queue import Queue
from aid.trace import whole_lines
from aid.verdicts import FORGETFUL, SEEN, Judge, Run

DIGEST, DIGESTS = 8, 4096  # bytes of each that are kept
HEAD = "=8sQQ"  # of a slot: magic, generation, checksum
SLOT = struct.calcsize(HEAD) + 8 + DIGEST * DIGESTS
SECOND = -(-SLOT // 4096) * 4096  # where the second slot begins
SIZE = SECOND + SLOT


def fnv1a(data: bytes) -> int:
    """The checksum of a slot."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def read(path: Path) -> tuple[int, list[bytes]]:
    """Which digest is overwritten next, and all digests; both slots are whole."""
    data = path.read_bytes()
    assert len(data) == SIZE
    slot = data[:SLOT]
    assert data[SECOND:] == slot
    magic, generation, checksum = struct.unpack_from(HEAD, slot)
    state = slot[struct.calcsize(HEAD) :]
    summed = magic + struct.pack("=Q", generation) + state
    assert (magic, checksum) == (b"SQSESEEN", fnv1a(summed))
    digests = state[8:]
    return (
        struct.unpack_from("=I", state)[0],
        [digests[i : i + DIGEST] for i in range(0, len(digests), DIGEST)],
    )


def write(path: Path, due: int, digests: list[bytes]) -> None:
    """Make the file say that, in one slot alone."""
    state = struct.pack("=II", due, 0) + b"".join(digests)
    start = b"SQSESEEN" + struct.pack("=Q", 9)
    path.write_bytes(start + struct.pack("=Q", fnv1a(start + state)) + state)


def test_the_file_is_private_and_of_one_size(judge: Judge) -> None:
    assert judge() == []
    first = judge.state.stat()
    assert (first.st_mode & 0o7777, first.st_size) == (0o600, SIZE)
    # No write can lack a block later.
    assert first.st_blocks * 512 >= SIZE
    assert judge(judge.message(), Message(secrets.token_bytes(64)))[0].credited()
    due, digests = read(judge.state)
    # What is unsigned leaves no trace: a stranger cannot fill the memory.
    assert due == sum(any(digest) for digest in digests) == 3
    assert judge.state.stat().st_ino == first.st_ino
    assert [path.name for path in judge.state.parent.iterdir()] == ["seen"]


def test_a_full_memory_replaces_the_oldest(judge: Judge) -> None:
    messages = [judge.message() for _ in range(9)]
    assert all(v.credited() for v in judge(*messages))
    known = read(judge.state)[1][:10]
    others = [secrets.token_bytes(DIGEST) for _ in range(DIGESTS - 10)]
    # The last one is due next, then the first.
    write(judge.state, DIGESTS - 1, [*known, *others])
    assert [v.withheld for v in judge(*messages)] == [(SEEN,)] * 9
    due, after = read(judge.state)
    assert due == DIGESTS
    assert after[:-1] == [*known, *others[:-1]]
    assert after[-1] != others[-1]  # by the control
    judge.one(judge.message())
    due, last = read(judge.state)
    assert due == 2
    assert last[2:] == after[2:]
    assert last[0] != after[0]
    assert last[1] != after[1]


def test_replays_push_nothing_out(judge: Judge) -> None:
    message = judge.message()
    judge.one(message)
    before = judge.state.read_bytes()
    send(judge.queue, *[message] * 10)
    assert [v.withheld for v in judge.look().verdicts] == [(SEEN,)] * 10
    assert judge.state.read_bytes() == before


def without_memory(judge: Judge, *words: str, timeout: int = 10) -> Run:
    """Run the agent with a good message, which must be used without credit."""
    message = judge.message()
    send(judge.queue, message)
    run = judge.look("-v", "--timeout", str(timeout))
    assert run.result.code == 0, run.result.err
    assert run.verdicts[0].mixed(FORGETFUL), run.verdicts
    assert run.credit == 0
    assert run.output == message.payload
    for word in words:
        assert word in run.result.err
    return run


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a slot gone, one spoilt": lambda d: d[:SLOT].replace(b"SQSE", b"XXXX"),
    "half a slot": lambda d: d[: SLOT // 2],
    "a byte": lambda d: d[:1],
    "another magic": lambda d: d.replace(b"SQSESEEN", b"SQSESEEM"),
    "a bit of both": lambda d: d[:99] + b"?" + d[100:SECOND] + bytes(SLOT - 1) + b"?",
    "text": lambda d: b"seen\n" * 99,
}


def test_a_damaged_file_is_reported_and_left(judge: Judge) -> None:
    judge()
    good = judge.state.read_bytes()
    for name, damage in DAMAGE.items():
        print(f"case: {name}")
        judge.state.write_bytes(damage(good))
        without_memory(judge, str(judge.state), "damaged", "remove it")
        assert judge.state.read_bytes() == damage(good)
    judge.state.unlink()
    assert judge() == []


def test_damage_to_one_copy_forgets_nothing(judge: Judge) -> None:
    message = judge.message()
    assert judge.one(message).credited()
    for spoil in (
        lambda d: bytes(SLOT) + d[SLOT:],
        lambda d: d[:SECOND] + secrets.token_bytes(SLOT),
        lambda d: d[:SLOT],
        lambda d: d[:60] + b"?" + d[61:],
    ):
        judge.state.write_bytes(spoil(judge.state.read_bytes()))
        assert judge.one(message).mixed(SEEN)
        assert read(judge.state)[0] > 0


@pytest.mark.parametrize("size", [0, 1, SIZE])
def test_a_file_of_zeros_or_of_no_length_is_a_new_one(judge: Judge, size: int) -> None:
    judge.state.write_bytes(bytes(size))
    message = judge.message()
    send(judge.queue, message)
    run = judge.look()
    assert run.verdicts[0].credited()
    assert f"{judge.state} was empty" in run.result.err
    assert judge.one(message).mixed(SEEN)


def test_what_is_no_file_gives_no_credit(judge: Judge) -> None:
    target = judge.directory / "target"
    for make in (
        lambda: judge.state.mkdir(),
        lambda: os.mkfifo(judge.state),
        lambda: judge.state.symlink_to(target),
    ):
        make()
        without_memory(judge, str(judge.state))
        assert not target.exists()
        if judge.state.is_dir():
            judge.state.rmdir()
        else:
            judge.state.unlink()


def test_a_missing_directory_gives_no_credit(judge: Judge) -> None:
    judge.run.env["STATE_DIRECTORY"] = str(judge.directory / "no" / "where")
    without_memory(judge, "no credit can be given")


def test_a_directory_that_cannot_be_written_gives_no_credit(judge: Judge) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes anywhere")
    Path(judge.run.env["STATE_DIRECTORY"]).chmod(0o500)
    without_memory(judge, "no credit can be given", "Permission denied")


@pytest.fixture
def mounted(judge: Judge) -> Iterator[Callable[[str], Path]]:
    """Give a function that mounts a small file system as the state's directory."""
    directory = Path(judge.run.env["STATE_DIRECTORY"])
    if os.geteuid() != 0:
        pytest.skip("not root: no file system can be mounted")

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        return directory

    yield mount
    if os.path.ismount(directory):
        subprocess.run(["umount", "-l", str(directory)], check=True)


def test_a_locked_file_costs_a_quarter_of_the_time_and_the_credit(
    judge: Judge,
) -> None:
    assert judge() == []
    with judge.state.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        run = without_memory(judge, "no credit can be given", "locked", timeout=12)
    assert 3 <= run.result.seconds < 12
    assert judge() == []


def test_a_read_only_file_system_gives_no_credit(
    judge: Judge, mounted: Callable[[str], Path]
) -> None:
    mounted("ro")
    without_memory(judge, "no credit can be given", "Read-only")


def test_a_disk_that_is_full_from_the_start_gives_no_credit(
    judge: Judge, mounted: Callable[[str], Path]
) -> None:
    directory = mounted("size=16k")
    (directory / "fill").write_bytes(bytes(16384))
    without_memory(judge)


def test_a_disk_that_gets_full_takes_no_credit_away(
    judge: Judge, mounted: Callable[[str], Path]
) -> None:
    directory = mounted("size=512k")
    judge()
    with contextlib.suppress(OSError):
        (directory / "fill").write_bytes(bytes(1 << 20))
    message = judge.message()
    assert judge.one(message).credited()
    assert judge.one(message).mixed(SEEN)


# What writes the file, or gives it its name.
CALLS = ("flock", "ftruncate", "pwrite64", "fdatasync", "fsync", "?renameat,?renameat2")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("call", CALLS)
def test_a_kill_at_any_call_leaves_the_next_run_working(
    judge: Judge, make_queue: Callable[..., Queue], tmp_path: Path, call: str
) -> None:
    output = tmp_path / "killed"
    command = [str(shutil.which("strace")), "-qq", "-o", os.devnull]
    killed, code = 0, -9
    while code != 0:
        for path in (judge.state, output):
            path.unlink(missing_ok=True)
        first = judge.message()
        send(judge.queue, first)
        kill = f"inject={call}:signal=KILL:when={killed + 1}"
        tail = [judge.run.build / AGENT, "-c", judge.conf(), "-o", output]
        code = judge.run(*command, "-e", f"trace={call}", "-e", kill, *tail).code
        used = output.exists() and output.stat().st_size > 0
        # Another queue, because the killed run may still hold the message.
        judge.queue = make_queue()
        again = judge.one(judge.message(payload=first.payload))
        assert again.mixed(SEEN) or (again.credited() and not used)
        killed += code != 0
    assert killed > 0


@needs_kernel
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_what_cannot_be_remembered_earns_no_credit(judge: Judge) -> None:
    fault = "inject=pwrite64,fdatasync:error=ENOSPC"
    judge()
    send(judge.queue, judge.message())
    got = judge.run(
        *(str(shutil.which("strace")), "-qq", "-f", "-o", os.devnull),
        *("-e", "trace=pwrite64,fdatasync", "-e", fault),
        *(judge.run.build / AGENT, "-c", judge.conf()),
    )
    assert got.code == 0, got.err
    assert (
        "cannot remember which messages are used: no credit is given "
        "(is the disk full?)\n"
    ) in got.err
    assert "credit 0 bits: use cannot be remembered\n" in got.err


@needs_kernel
def test_what_is_used_is_on_the_disk_before_it_counts(
    judge: Judge, tmp_path: Path
) -> None:
    send(judge.queue, judge.message())
    log = tmp_path / "trace"
    got = judge.run(
        shutil.which("strace") or "strace",
        *("-f", "-y", "-e", "trace=pwrite64,fdatasync,ioctl", "-s", "0", "-o", log),
        judge.run.build / AGENT,
        *("-c", judge.conf()),
    )
    assert got.code == 0, got.err
    assert "credit 256 bits" in got.err
    calls = re.findall(
        rf"(pwrite64|fdatasync)\(\d+<{re.escape(str(judge.state))}>.* = \d+"
        r"|(RNDADDENTROPY)",
        "\n".join(whole_lines(log)),
    )
    names = [state or pool for state, pool in calls]
    # One slot is on the disk before the kernel gets its bytes, the other one after.
    slot = ["pwrite64", "pwrite64", "fdatasync"]
    assert names == [*slot, "RNDADDENTROPY", *slot]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_file_gets_its_name_when_it_is_whole_on_the_disk(
    judge: Judge, tmp_path: Path
) -> None:
    log = tmp_path / "trace"
    judge.run.env["STATE_DIRECTORY"] = str(tmp_path / "made")
    traced = f"{','.join(CALLS)},?fork,?vfork,?clone,?clone3,?landlock_restrict_self"
    got = judge.run(
        shutil.which("strace") or "strace",
        *("-y", "-e", f"trace={traced}", "-s", "0", "-o", log),
        judge.run.build / AGENT,
        *("-c", judge.conf(wait_time=0), "-o", tmp_path / "output"),
    )
    assert got.code == 75, got.err
    calls = [line for line in whole_lines(log) if not line.startswith("flock")]
    names = [re.split(r"at2?\(|\(", line)[0] for line in calls]
    # By this half alone, while the other one goes on, and before it is confined.
    fork = next(i for i, name in enumerate(names) if re.match("v?fork|clone", name))
    assert fork == 0
    assert names[1:10] == [
        "fsync",  # of where the directory is made
        *("ftruncate", *["pwrite64"] * 4, "fsync"),
        *("rename", "fsync"),
    ]
    assert names[10:11] in ([], ["landlock_restrict_self"])
    assert "rename" not in names[10:]
    synced = [line for line in calls if line.startswith("fsync")]
    places = (tmp_path, judge.state.with_name("seen.new"), judge.state.parent)
    for line, place in zip(synced, places, strict=False):
        assert f"<{place}>" in line
