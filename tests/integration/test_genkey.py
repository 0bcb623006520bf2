# SPDX-License-Identifier: Apache-2.0
"""Key files of the producer: made by --genkey, private, and of the right kind."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from aid.forge import SEAL, SIGN
from aid.maker import Maker
from aid.programs import PRODUCER


@pytest.mark.parametrize(
    ("args", "word", "public_of"),
    [
        ((), SIGN, Ed25519PrivateKey.from_private_bytes),
        (("--seal",), SEAL, X25519PrivateKey.from_private_bytes),
    ],
)
def test_genkey_makes_a_private_pair_and_never_overwrites(
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
    shown = maker.run(PRODUCER, "--pubkey", pair.file)
    assert (shown.code, shown.out.decode(), shown.err) == (0, pair.line, "")
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


def test_pubkey_refuses_what_is_no_secret_key(maker: Maker) -> None:
    pair = maker.genkey("new.key")
    public = maker.judge.directory / "new.pub"
    public.write_text(pair.line)
    public.chmod(0o600)
    for path, why in (
        (public, "this is a public signing key; a secret signing key belongs here"),
        (maker.judge.directory / "nothing", "cannot open key file"),
    ):
        got = maker.run(PRODUCER, "--pubkey", path)
        assert (got.code, got.out) == (78, b"")
        assert why in got.err
    pair.file.chmod(0o644)
    assert maker.run(PRODUCER, "--pubkey", pair.file).code == 78


SEALING = f"{SEAL}-secret {base64.b64encode(bytes(range(32))).decode()}"
SIGNING = SEALING.replace(SEAL, SIGN)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SEALING[:-4], f':1: malformed: "{SEAL}-secret", a space and the 44 char'),
        (f"{SEALING} old", ":1: remove what follows the key's 44 characters"),
        (f"{SEALING}\n{SEALING}", ":2: a second key: a file holds one of each kind"),
        (f"{SIGNING}\n{SEALING}", ":2: this is a secret sealing key; a secret sign"),
        (f"{SEALING}\n{SIGNING}", ":1: this is a secret sealing key; a secret sign"),
        (SIGNING[:-4], f':1: malformed: "{SIGN}-secret", a space and the 44 char'),
        ("hello", f'"{SIGN}-secret BASE64" or "{SEAL}-secret BASE64" or "'),
    ],
)
def test_pubkey_tells_what_is_wrong_with_its_line(
    maker: Maker, text: str, why: str
) -> None:
    """Of a sealing key as well, although the file of a signing key looks alike."""
    file = maker.judge.directory / "damaged.key"
    file.touch(0o600)
    file.write_text(text)
    got = maker.run(PRODUCER, "--pubkey", file)
    assert (got.code, got.out) == (78, b"")
    assert why in got.err


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_signing_key_that_others_may_open_is_refused(maker: Maker, mode: int) -> None:
    pair = maker.sign()
    pair.file.chmod(mode)
    got = maker.once()
    assert got.code == 78, got.err
    [line] = got.lines()
    assert str(pair.file) in line
    assert "chmod" in line
    assert maker.queue.depth() == (0, 0)


def test_keys_of_the_wrong_kind_are_refused(maker: Maker) -> None:
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
