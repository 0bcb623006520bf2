# SPDX-License-Identifier: Apache-2.0
"""The real producer's messages, judged by the real agent and by `cryptography`."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from aid.forge import ENC, SEAL, SIGN, TAG, Message, now, path_of, unseal
from aid.maker import Maker
from aid.payload import noise
from aid.programs import AGENT, PRODUCER, STARTUP
from aid.verdicts import CREDIT, SEALED, UNKNOWN
from aid.wait import wait_until

# ---- keys


@pytest.mark.parametrize(
    ("args", "word", "public_of"),
    [
        ((), SIGN, Ed25519PrivateKey.from_private_bytes),
        (("--seal",), SEAL, X25519PrivateKey.from_private_bytes),
    ],
)
def test_genkey(
    maker: Maker, args: tuple[str, ...], word: str, public_of: Callable[[bytes], Any]
) -> None:
    old = os.umask(0)
    try:
        pair = maker.genkey("new.key", *args)
    finally:
        os.umask(old)
    assert pair.file.stat().st_mode & 0o7777 == 0o600
    assert pair.line.split(" ")[0] == word
    assert pair.file.read_text().split(" ")[0] == f"{word}-secret"
    public = public_of(pair.secret).public_key()  # type: ignore[attr-defined]
    assert public.public_bytes_raw() == pair.public
    assert pair.file.read_text().split()[1] not in pair.line
    # Never overwritten.
    before = pair.file.read_bytes()
    again = maker.run(PRODUCER, "--genkey", pair.file, *args)
    assert (again.code, again.out) == (78, b"")
    assert str(pair.file) in again.err
    assert pair.file.read_bytes() == before
    assert maker.genkey("other.key", *args).secret != pair.secret


def test_genkey_does_not_follow_a_link(maker: Maker) -> None:
    link = maker.judge.directory / "link"
    target = maker.judge.directory / "target"
    link.symlink_to(target)
    assert maker.run(PRODUCER, "--genkey", link).code == 78
    assert not target.exists()
    nowhere = maker.run(PRODUCER, "--genkey", target / "key")
    assert (nowhere.code, nowhere.out) == (78, b"")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_signing_key_that_others_may_open(maker: Maker, mode: int) -> None:
    pair = maker.sign()
    pair.file.chmod(mode)
    got = maker.once()
    assert got.code == 78, got.err
    [line] = got.lines()
    assert str(pair.file) in line
    assert "chmod" in line
    assert maker.queue.depth() == (0, 0)


def test_keys_of_the_wrong_kind(maker: Maker) -> None:
    pair, fleet = maker.sign(), maker.seal()
    public = Path(maker.settings["seal_to"])
    for values in (
        {"signing_key": str(fleet.file)},
        {"signing_key": str(public)},
        {"seal_to": str(pair.file)},
        {"seal_to": str(maker.judge.pub)},
        {"signing_key": str(pair.file.parent / "nothing")},
        {"seal_to": str(pair.file.parent / "nothing")},
    ):
        got = maker.once(**values)
        assert got.code == 78, got.err
        assert next(iter(values.values())) in got.err
    assert maker.queue.depth() == (0, 0)


def test_sealing_needs_signing(maker: Maker) -> None:
    maker.seal()
    got = maker.once()
    assert got.code == 78
    assert "signing-key" in got.err


# ---- end to end


def test_sealed_from_genkey_to_credit(maker: Maker) -> None:
    maker.sign()
    maker.seal()
    made = maker.once()
    assert made.code == 0, made.err
    run = maker.judge.look("--strict")
    assert run.result.code == 0, run.result.err
    assert run.credit == CREDIT
    assert run.output == maker.source.read_bytes()[STARTUP : STARTUP + 5120]


def test_unsigned_is_said_once(maker: Maker) -> None:
    got = maker.once()
    assert got.code == 0
    assert got.err.count("not signed") == 1
    assert all(m.entropy is None and m.signature is None for m in maker.messages())
    maker.sign()
    assert "not signed" not in maker.once().err


@pytest.mark.parametrize(("bits_per_byte", "bits"), [(1.0, 512), (0.3, 153), (8, 4096)])
def test_signed_as_the_design_says(
    maker: Maker, bits_per_byte: float, bits: int
) -> None:
    pair = maker.sign()
    began = now()
    assert maker.once(bits_per_byte=bits_per_byte).code == 0
    messages = maker.messages()
    assert len(messages) == 10
    key = hashlib.sha256(pair.public).digest()[:8].hex()
    for number, message in enumerate(messages, 1):
        claims = message.claims()
        assert list(claims) == ["v", "key", "seq", "time", "bits", "seal"]
        told = int(claims.pop("time"))
        assert began - 1 <= told <= now() + 1
        seq = str(number)
        rest = {"v": "1", "key": key, "seq": seq, "bits": str(bits), "seal": "none"}
        assert claims == rest
        assert message.is_by(pair.public, path_of(maker.queue))
        assert not message.is_by(pair.public, path_of(maker.queue) + "x")


def test_sealed_as_the_rfc_says(maker: Maker) -> None:
    pair, fleet = maker.sign(), maker.seal()
    assert maker.once(message_bytes=100).code == 0
    key = X25519PrivateKey.from_private_bytes(fleet.secret)
    data = maker.source.read_bytes()[STARTUP:]
    messages = maker.messages()
    assert len({m.payload[:ENC] for m in messages}) == 10  # a fresh key each
    for number, message in enumerate(messages):
        assert len(message.payload) == 100 + ENC + TAG
        assert message.claims()["seal"] == "hpke"
        assert message.claims()["bits"] == "100"
        assert message.is_by(pair.public, path_of(maker.queue))
        plain = unseal(key, message.payload, (message.entropy or "").encode())
        assert plain == data[number * 100 : number * 100 + 100]


def test_revoked_and_another_fleet(maker: Maker) -> None:
    maker.sign()
    maker.seal()
    assert maker.once().code == 0
    (maker.judge.trusted / "pi.pub").unlink()
    run = maker.judge.look("--strict")
    assert run.result.code == 65
    assert all(v.mixed(UNKNOWN) for v in run.verdicts)
    other = maker.genkey("other.key", "--seal")
    maker.judge.settings["seal_key"] = str(other.file)
    assert maker.once().code == 0
    run = maker.judge.look()
    assert run.result.code == 65
    assert all(v.discarded == SEALED for v in run.verdicts)


# ---- sequence numbers


def numbers(messages: list[Message]) -> list[int]:
    """Their sequence numbers."""
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
    # Killed at work, not after it.
    assert len(seen) < 6 * 1200


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_numbers_are_on_the_disk_before_they_are_used(
    maker: Maker, tmp_path: Path
) -> None:
    maker.sign()
    log = tmp_path / "trace"
    made = maker.run(
        shutil.which("strace") or "strace",
        *("-f", "-y", "-e", "trace=pwrite64,fdatasync,sendmsg", "-s", "0", "-o", log),
        maker.run.build / PRODUCER,
        *("--once", "-c", maker.conf()),
        timeout=60,
    )
    assert made.code == 0, made.err
    state = Path(maker.run.env["STATE_DIRECTORY"]) / "sequence"
    # The end of a call may be in a line of its own.
    pattern = r"^(\d+) +(pwrite64|fdatasync|sendmsg)\(\d+<([^>]+)>"
    calls = re.findall(pattern, log.read_text(), re.MULTILINE)
    [offline] = {pid for pid, _, where in calls if where == str(state)}
    ours = [name for pid, name, _ in calls if pid == offline]
    assert ours == ["pwrite64", "fdatasync", *["sendmsg"] * 10]


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


def test_a_damaged_sequence_is_not_guessed(maker: Maker) -> None:
    maker.sign()
    assert maker.once().code == 0
    maker.messages()
    file = Path(maker.run.env["STATE_DIRECTORY"]) / "sequence"
    assert file.stat().st_mode & 0o7777 == 0o600
    file.write_bytes(noise(1024))
    got = maker.once()
    assert got.code == 78, got.err
    assert str(file) in got.err
    assert "damaged" in got.err
    assert maker.queue.depth()[0] == 0


def test_nothing_is_signed_when_no_number_can_be_kept(maker: Maker) -> None:
    maker.sign()
    state = Path(maker.run.env["STATE_DIRECTORY"])
    (state / "sequence").mkdir()
    got = maker.once()
    assert got.code != 0
    assert str(state / "sequence") in got.err
    assert maker.queue.depth() == (0, 0)


def test_what_the_halves_say_goes_into_a_log_file_too(
    maker: Maker, tmp_path: Path
) -> None:
    maker.judge.settings["queue"] = "nobody-made-it"
    conf = maker.conf(queue="nobody-made-it")
    log = tmp_path / "log"
    log.write_bytes(b"older lines\n" * 1000)
    commands = {
        AGENT: ("-c", maker.judge.conf(), "-o", os.devnull),
        PRODUCER: ("--once", "-c", conf),
    }
    for program, args in commands.items():
        with log.open("ab") as file:
            assert maker.run(program, *args, stderr=file).code == 78
        last = log.read_text().splitlines()[-1]
        assert last.startswith(f"{program}: ")
        assert "nobody-made-it" in last
