# SPDX-License-Identifier: Apache-2.0
"""The state file "seen", by which an agent knows what it has used."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aid.forge import Message, send
from aid.kernel import needs_kernel
from aid.programs import AGENT
from aid.trace import whole_lines
from aid.verdicts import FORGETFUL, SEEN, Judge, Run

DIGEST, SLOTS = 32, 4096
DIGEST, SLOTS = 32, 4096
SIZE = DIGEST * (SLOTS + 1)  # of the file, with its head


def test_the_file_is_private_and_of_one_size(judge: Judge) -> None:
    assert judge() == []
    first = judge.state.stat()
    assert (first.st_mode & 0o7777, first.st_size) == (0o600, SIZE)
    assert judge(judge.message(), Message(secrets.token_bytes(64)))[0].credited()
    data = judge.state.read_bytes()
    assert len(data) == SIZE
    # What is unsigned leaves no trace: a stranger cannot fill the ring.
    used = [data[i : i + DIGEST] for i in range(DIGEST, SIZE, DIGEST)]
    assert sum(any(slot) for slot in used) == 3
    assert int.from_bytes(data[12:16], "little") in (3, 3 << 24)


def test_a_full_ring_replaces_the_oldest(judge: Judge) -> None:
    messages = [judge.message() for _ in range(9)]
    assert all(v.credited() for v in judge(*messages))
    head, *_ = slots = chunks(judge.state.read_bytes())
    others = [secrets.token_bytes(DIGEST) for _ in range(SLOTS - 10)]
    order = "little" if head[12] else "big"
    full = head[:12] + (SLOTS - 1).to_bytes(4, order) + head[16:]
    # All slots hold something; the last one is due next, then the first.
    judge.state.write_bytes(b"".join([full, *slots[1:11], *others]))
    assert [v.withheld for v in judge(*messages)] == [(SEEN,)] * 9
    after = chunks(judge.state.read_bytes())
    assert after[1:-1] == [*slots[1:11], *others[:-1]]
    assert after[-1] != others[-1]  # by the control
    assert after[0][12:16] == bytes(4)
    judge.one(judge.message())
    last = chunks(judge.state.read_bytes())
    assert last[3:] == after[3:]
    assert last[1] != after[1]
    assert last[2] != after[2]


def chunks(data: bytes) -> list[bytes]:
    """The head of the file and its slots."""
    return [data[i : i + DIGEST] for i in range(0, len(data), DIGEST)]


def test_replays_push_nothing_out(judge: Judge) -> None:
    message = judge.message()
    judge.one(message)
    before = judge.state.read_bytes()
    send(judge.queue, *[message] * 10)
    assert [v.withheld for v in judge.look().verdicts] == [(SEEN,)] * 10
    assert judge.state.read_bytes() == before


def without_memory(judge: Judge, *words: str) -> Run:
    """Run the agent with a good message, which must be used without credit."""
    message = judge.message()
    send(judge.queue, message)
    run = judge.look("-v")
    assert run.result.code == 0, run.result.err
    assert run.verdicts[0].mixed(FORGETFUL), run.verdicts
    assert run.credit == 0
    assert run.output == message.payload
    for word in words:
        assert word in run.result.err
    return run


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "one byte short": lambda d: d[:-1],
    "one byte more": lambda d: d + b"\0",
    "half": lambda d: d[: SIZE // 2],
    "a byte": lambda d: d[:1],
    "another magic": lambda d: b"X" + d[1:],
    "another version": lambda d: d[:8] + b"\x02\x02\x02\x02" + d[12:],
    "next beyond the end": lambda d: d[:12] + b"\x00\x10\x10\x00" + d[16:],
    "text": lambda d: b"seen\n" * 99,
    "zeros": lambda d: bytes(len(d)),
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


def test_a_disk_that_gets_full_gives_no_credit(
    judge: Judge, mounted: Callable[[str], Path]
) -> None:
    directory = mounted("size=16k")
    # The sparse file's head has its page, its slots have none.
    judge()
    page = os.sysconf("SC_PAGE_SIZE")
    with judge.state.open("r+b") as file:
        file.seek(12)
        file.write((2 * page // DIGEST).to_bytes(4, "little"))
    (directory / "fill").write_bytes(bytes(16384 - page))
    without_memory(judge, "cannot remember", "disk full")
    # And what was used then is not credited later, when there is room again.
    (directory / "fill").unlink()
    assert judge() == []


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
    # The head of the new file; then the digest, the head again, the credit.
    expected = ["pwrite64", *["pwrite64", "fdatasync"] * 2, "RNDADDENTROPY"]
    assert names == expected
