# SPDX-License-Identifier: Apache-2.0
"""The sequence numbers of signed messages: each is used once, whatever happens."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from aid.elsewhere import AS_OTHER, Elsewhere, needs_setpriv, top_up
from aid.forge import Message
from aid.halves import OTHER, needs_root
from aid.maker import Maker
from aid.payload import noise
from aid.programs import PRODUCER, Runner
from aid.queue import Queue
from aid.trace import whole_lines
from aid.wait import wait_until


def numbers(messages: list[Message]) -> list[int]:
    """The sequence numbers of messages."""
    return [int(m.claims()["seq"]) for m in messages]


def test_numbers_go_on_after_a_restart(maker: Maker) -> None:
    maker.sign()
    seen: list[int] = []
    for _ in range(4):
        assert maker.once().code == 0
        seen += numbers(maker.messages())
    assert len(set(seen)) == 40
    assert seen == sorted(seen)


def test_numbers_go_on_after_a_kill_at_any_time(maker: Maker) -> None:
    maker.sign()
    maker.settings |= {"message_bytes": 32, "low_watermark": 5000, "burst": 1200}
    # So slow that it is killed at work, not after it, by a slow test too.
    maker.judge.proxy.fault("SendMessageBatch", count=None, hold=0.02)
    chance = random.Random(4)
    seen: list[int] = []
    for turn in range(6):
        process = maker.run.start(PRODUCER, "-c", maker.conf())
        wait_until(lambda: maker.queue.depth()[0] > 0)
        time.sleep(chance.random() * 0.3)
        if turn % 2:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            # The offline half alone: the other one ends by itself.
            os.kill(process.pid, signal.SIGKILL)
        maker.run.finish(process)
        now_seen = numbers(maker.messages())
        assert now_seen
        assert not seen or min(now_seen) > max(seen)
        seen += now_seen
    assert len(seen) == len(set(seen))
    assert len(seen) < 6 * 1200


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_numbers_are_on_the_disk_before_they_are_used(
    maker: Maker, tmp_path: Path
) -> None:
    maker.sign()
    log = tmp_path / "trace"
    made = maker.run(
        shutil.which("strace") or "strace",
        *(
            "-f",
            "-y",
            "-e",
            "trace=pwrite64,fdatasync,fsync,sendmsg",
            "-s",
            "0",
            "-o",
            log,
        ),
        maker.run.build / PRODUCER,
        *("--once", "-c", maker.conf()),
    )
    assert made.code == 0, made.err
    state = Path(maker.run.env["STATE_DIRECTORY"]) / "sequence"
    pattern = r"^(\d+) +(pwrite64|fdatasync|fsync|sendmsg)\(\d+<([^>]+)>"
    calls = re.findall(pattern, "\n".join(whole_lines(log)), re.MULTILINE)
    [offline] = {pid for pid, _, where in calls if where == str(state)}
    ours = [name for pid, name, _ in calls if pid == offline]
    # Two slots when the file is made; it and its directory are synced. Two slots
    # again for the first block, each before the next step.
    block = ["pwrite64", "pwrite64", "fdatasync"] * 2
    new = [*["pwrite64"] * 4, "fsync", "fsync"]
    first = [*new, *block]
    assert ours[: len(first)] == first
    # One answer has all ten messages, or on a slow machine some.
    answers = ours[len(first) :]
    assert 1 <= len(answers) <= 10
    assert set(answers) == {"sendmsg"}


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    "call",
    ["flock", "ftruncate", "pwrite64", "fdatasync", "fsync", "?rename,?renameat"],
)
def test_a_kill_at_any_call_repeats_no_number(maker: Maker, call: str) -> None:
    maker.sign()
    maker.settings |= {"low_watermark": 1, "burst": 1}
    file = Path(maker.run.env["STATE_DIRECTORY"]) / "sequence"
    command = [str(shutil.which("strace")), "-qq", "-o", os.devnull]
    tail = [maker.run.build / PRODUCER, "--once", "-c", maker.conf()]
    killed, code = 0, -9
    while code != 0:
        file.unlink(missing_ok=True)
        kill = f"inject={call}:signal=KILL:when={killed + 1}"
        code = maker.run(*command, "-e", f"trace={call}", "-e", kill, *tail).code
        seen = numbers(maker.messages())
        assert maker.once().code == 0
        seen += numbers(maker.messages())
        assert seen
        assert len(set(seen)) == len(seen)
        assert max(seen) < 4096  # not lost
        killed += code != 0
    assert killed > 0


def test_two_producers_do_not_share_numbers(maker: Maker) -> None:
    maker.sign()
    first = maker.run.start(PRODUCER, "-c", maker.conf())
    wait_until(lambda: maker.queue.depth()[0] == 10)
    second = maker.once()
    # Not 78, after which a service would not be started again.
    assert second.code == 69, second.err
    assert "another producer" in second.err
    assert "another state directory" in second.err
    first.send_signal(signal.SIGTERM)
    assert maker.run.finish(first).code == 0
    assert len(set(numbers(maker.messages()))) == 10


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (noise(1024), "damaged"),
        (b"x", "damaged"),
        (bytes(8192), "empty"),
        (b"", "empty"),
    ],
    ids=["noise", "a byte", "zeros", "no length"],
)
def test_a_lost_sequence_goes_on_above_all_that_was_given(
    maker: Maker, content: bytes, word: str
) -> None:
    maker.sign()
    assert maker.once().code == 0
    before = numbers(maker.messages())
    file = Path(maker.run.env["STATE_DIRECTORY"]) / "sequence"
    assert file.stat().st_mode & 0o7777 == 0o600
    file.write_bytes(content)
    for said in (f"{file} was {word}", ""):
        got = maker.once()
        assert got.code == 0, got.err
        assert said in got.err
        assert ("sequence numbers go on" in got.err) == bool(said)
        now = numbers(maker.messages())
        assert min(now) > max(before)
        # A number that each reader of JSON keeps to the last digit.
        assert max(now) < 2**53
        before = now


def test_nothing_is_signed_when_no_number_can_be_kept(maker: Maker) -> None:
    maker.sign()
    state = Path(maker.run.env["STATE_DIRECTORY"])
    (state / "sequence").mkdir()
    got = maker.once()
    assert got.code != 0
    assert str(state / "sequence") in got.err
    assert maker.queue.depth() == (0, 0)


@needs_root
@needs_setpriv
@pytest.mark.parametrize("root_first", [True, False])
def test_root_and_the_services_user_share_the_sequence(
    run: Runner, queue: Queue, elsewhere: Elsewhere, root_first: bool
) -> None:
    elsewhere.give()
    setpriv = [str(shutil.which("setpriv")), *AS_OTHER]
    for who in ([], setpriv) if root_first else (setpriv, [], setpriv):
        os.chown(elsewhere.folder / "key", OTHER if who else 0, OTHER)
        top_up(run, elsewhere, queue, *who)
        path = elsewhere.state / "sequence"
        assert (path.stat().st_uid, path.stat().st_gid) == (OTHER, OTHER)
        assert path.stat().st_mode & 0o7777 == 0o600


@needs_root
def test_root_gives_away_nothing_that_was_there(
    run: Runner, queue: Queue, elsewhere: Elsewhere
) -> None:
    """A user who may write to the directory must not come to own root's files."""
    path = elsewhere.state / "sequence"
    top_up(run, elsewhere, queue)
    assert path.stat().st_uid == 0
    os.chown(elsewhere.state, OTHER, OTHER)
    top_up(run, elsewhere, queue)
    assert path.stat().st_uid == 0  # not empty
    path.unlink()
    victim = elsewhere.folder / "victim"
    victim.touch(0o600)
    path.hardlink_to(victim)
    top_up(run, elsewhere, queue)
    assert victim.stat().st_uid == 0
    path.unlink()
    victim.write_bytes(b"root's own")
    path.symlink_to(victim)
    file = elsewhere.folder / "conf"
    made = run(PRODUCER, "--once", "-c", file, env=elsewhere.env)
    assert made.code != 0
    assert victim.read_bytes() == b"root's own"
    assert victim.stat().st_uid == 0
