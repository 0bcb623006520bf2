# SPDX-License-Identifier: Apache-2.0
"""Sealed messages: opened by the fleet they are for, and discarded by all others."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from aid.forge import (
    ENC,
    SEAL,
    SIGN,
    TAG,
    Fleet,
    Message,
    Producer,
    arn_of,
    flip,
    key_line,
    seal,
    send,
    unseal,
)
from aid.kernel import needs_kernel
from aid.maker import Maker
from aid.programs import STARTUP
from aid.queue import Queue
from aid.verdicts import (
    BAD,
    CREDIT,
    SEALED,
    SEEN,
    STALE,
    UNKNOWN,
    Judge,
    Verdict,
    refused,
)

# RFC 9180, appendix A.2 (the suite of ours), base mode: what sealing gives when
# the pair of section A.2.1 seals its first plaintext.
INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
SECRET = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb"
ENCAPSULATED = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
AAD = b"Count-0"
PLAIN = b"Beauty is truth, truth beauty"
CIPHERTEXT = (
    "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce8188"
    "3d2dd1b51a28"
)


def test_the_tests_own_hpke_is_that_of_the_rfc() -> None:
    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(SECRET))
    sealed = bytes.fromhex(ENCAPSULATED + CIPHERTEXT)
    assert unseal(key, sealed, AAD, INFO) == PLAIN
    assert unseal(key, sealed, b"Count-1", INFO) is None
    to = key.public_key().public_bytes_raw()
    assert unseal(key, seal(to, PLAIN, AAD, INFO), AAD, INFO) == PLAIN


def test_the_tests_own_hpke_is_that_of_cryptography() -> None:
    hpke = pytest.importorskip("cryptography.hazmat.primitives.hpke")
    suite = hpke.Suite(
        hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305
    )
    key = X25519PrivateKey.generate()
    to = key.public_key()
    sealed = seal(to.public_bytes_raw(), PLAIN, b"", INFO)
    assert suite.decrypt(sealed, key, INFO) == PLAIN
    assert unseal(key, suite.encrypt(PLAIN, to, INFO), b"", INFO) == PLAIN


@pytest.fixture
def judge(make_judge: Callable[..., Judge], queue: Queue, tmp_path: Path) -> Judge:
    """Give an agent that holds the fleet's key."""
    judge = make_judge(queue)
    key = judge.fleet.key_file(tmp_path / "seal.key")
    judge.settings["seal_key"] = str(key)
    return judge


def sealed(judge: Judge, **values: object) -> Message:
    """A good sealed message."""
    values.setdefault("to", judge.fleet.public_key)
    return judge.good.message(judge.queue, **values)  # type: ignore[arg-type]


def discarded(verdict: Verdict) -> bool:
    """Whether the message was discarded because it did not open."""
    return verdict.discarded == SEALED and (verdict.bytes, verdict.bits) == (0, 0)


def test_a_sealed_message_is_opened_and_credited(judge: Judge) -> None:
    payload = secrets.token_bytes(512)
    message = sealed(judge, payload=payload)
    assert len(message.payload) == 512 + ENC + TAG
    assert payload not in message.payload
    send(judge.queue, message)
    run = judge.look("--strict")
    assert run.result.code == 0, run.result.err
    assert run.verdicts[0].credited(512)
    assert run.output == payload
    assert judge.one(message).mixed(SEEN)


@needs_kernel
def test_a_sealed_message_is_credited_in_the_kernel(judge: Judge) -> None:
    [verdict] = judge(sealed(judge), kernel=True)
    assert verdict.credited(512)
    assert verdict.bytes == 512


@pytest.mark.parametrize("size", [32, 16384 - ENC - TAG])
def test_the_smallest_and_the_greatest_sealed_message_open(
    judge: Judge, size: int
) -> None:
    verdict = judge.one(sealed(judge, size=size))
    assert verdict.credited(size)
    assert verdict.bytes == size


def test_a_message_for_another_fleet_is_discarded(judge: Judge) -> None:
    others = [sealed(judge, to=Fleet().public_key) for _ in range(3)]
    assert all(map(discarded, judge(*others)))
    send(judge.queue, *(sealed(judge, to=Fleet().public_key) for _ in range(2)))
    run = judge.look()
    assert run.result.code == 65, run.result.err
    assert run.result.err.count("does not open with this seal-key") == 2
    assert run.output == b""
    assert judge.queue.depth() == (0, 0)


def test_a_sealed_message_is_discarded_without_a_key(judge: Judge) -> None:
    del judge.settings["seal_key"]
    message = sealed(judge)
    assert discarded(judge.one(message))
    send(judge.queue, message)
    run = judge.look()
    assert run.result.code == 65
    assert "no seal-key is configured" in run.result.err
    # It was not used: with the key it would still count.
    key = judge.fleet.key_file(judge.directory / "seal.key")
    judge.settings["seal_key"] = str(key)
    assert judge.one(message).credited()


def test_clear_messages_are_still_taken(judge: Judge) -> None:
    assert judge.one(judge.message()).credited()


def test_a_sealed_payload_with_a_clear_claim_is_used_as_it_is(judge: Judge) -> None:
    message = sealed(judge)
    entropy = (message.entropy or "").replace("seal=x25519", "seal=none")
    assert judge.one(message.but(entropy=entropy)).mixed(BAD)
    # By the producer itself: its word counts, and the bytes go in as they are.
    bytes_sealed = seal(judge.fleet.public_key, secrets.token_bytes(64), b"")
    verdict = judge.one(judge.message(payload=bytes_sealed))
    assert verdict.credited()
    assert verdict.bytes == 64 + ENC + TAG


def test_a_clear_payload_with_a_sealed_claim_is_discarded(judge: Judge) -> None:
    message = judge.good.message(judge.queue)
    entropy = (message.entropy or "").replace("seal=none", "seal=x25519")
    by_stranger = message.but(entropy=entropy)
    by_producer = judge.good.message(judge.queue, seal="x25519")
    for verdict in judge(by_stranger, by_producer):
        assert discarded(verdict), verdict


def test_a_payload_sealed_under_another_claim_is_discarded(judge: Judge) -> None:
    one, two = sealed(judge), sealed(judge)
    arn = arn_of(judge.queue)
    # Signed or not, what is sealed belongs to its own claim.
    moved = judge.good.sign(two.entropy or "", arn, one.payload)
    assert all(map(discarded, judge(moved, two.but(payload=one.payload))))


def test_a_message_sealed_by_a_stranger_earns_nothing(judge: Judge) -> None:
    to = judge.fleet.public_key
    stranger = Producer()
    unsigned = sealed(judge).but(signature=None)
    by_stranger = stranger.message(judge.queue, to=to)
    pretending = stranger.message(judge.queue, to=to, key=judge.good.key_id)
    bad, unknown, pretended = judge(unsigned, by_stranger, pretending)
    assert bad.mixed(BAD)
    assert unknown.mixed(UNKNOWN)
    assert pretended.mixed(BAD)
    assert judge.one(sealed(judge, time=1)).mixed(STALE)


def test_a_broken_seal_is_discarded(judge: Judge) -> None:
    good = sealed(judge, size=32)
    arn, entropy = arn_of(judge.queue), good.entropy or ""
    payloads = [
        good.payload[:-1],
        good.payload[: ENC + TAG],
        good.payload[:33],
        good.payload + b"\0",
        bytes(ENC) + good.payload[ENC:],  # a point of small order
        b"\x01" + bytes(ENC - 1) + good.payload[ENC:],
        flip(good.payload, 8 * ENC - 1),  # a point's last bit means nothing
        flip(good.payload, 8 * len(good.payload) - 1),
        secrets.token_bytes(80),
    ]
    # Signed as they are, so that nothing but the opening can tell.
    verdicts = judge(*(judge.good.sign(entropy, arn, p) for p in payloads))
    for verdict in verdicts:
        assert discarded(verdict), verdict


def test_fewer_than_32_sealed_bytes_are_discarded(judge: Judge) -> None:
    assert discarded(judge.one(sealed(judge, payload=bytes(31))))


# ---- key files


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666, 0o644])
def test_a_seal_key_that_others_may_open_is_refused(judge: Judge, mode: int) -> None:
    key = Path(judge.settings["seal_key"])
    key.chmod(mode)
    refused(judge, str(key), "chmod")


def test_a_seal_key_of_another_kind_is_refused(judge: Judge) -> None:
    key = Path(judge.settings["seal_key"])
    public = judge.fleet.public_key
    secret = judge.fleet.secret.private_bytes_raw()
    for text in (
        key_line(SEAL, public),
        key_line(SIGN + "-secret", secret),
        key_line(SEAL + "-secret", secret) * 2,
        key_line(SEAL + "-secret", secret[:31]),
        key_line(SEAL + "-secret", secret + b"\0"),
        key_line(SEAL + "-secret", secret).replace(" ", "  "),
        "",
        "# nothing\n",
    ):
        key.write_text(text)
        refused(judge, str(key))
    key.unlink()
    refused(judge, str(key), "No such file")
    key.mkdir()
    refused(judge, str(key))


# ---- the producer


def test_sealing_needs_signing(maker: Maker) -> None:
    maker.seal()
    got = maker.once()
    assert got.code == 78
    assert "signing-key" in got.err


def test_keys_of_genkey_lead_to_sealed_credit(maker: Maker) -> None:
    maker.sign()
    maker.seal()
    made = maker.once()
    assert made.code == 0, made.err
    run = maker.judge.look("--strict")
    assert run.result.code == 0, run.result.err
    assert run.credit == CREDIT
    assert run.output == maker.source.read_bytes()[STARTUP : STARTUP + 5120]


def test_the_producer_seals_as_the_rfc_says(maker: Maker) -> None:
    pair, fleet = maker.sign(), maker.seal()
    assert maker.once(message_bytes=100).code == 0
    key = X25519PrivateKey.from_private_bytes(fleet.secret)
    # The start-up test takes whole blocks.
    data = maker.source.read_bytes()[-(-STARTUP // 100) * 100 :]
    messages = maker.messages()
    assert len({m.payload[:ENC] for m in messages}) == 10  # a fresh key each
    for number, message in enumerate(messages):
        assert len(message.payload) == 100 + ENC + TAG
        assert message.claims()["seal"] == "x25519"
        assert message.claims()["bits"] == "100"
        assert message.is_by(pair.public, arn_of(maker.queue))
        plain = unseal(key, message.payload, (message.entropy or "").encode())
        assert plain == data[number * 100 : number * 100 + 100]


def test_revoked_producers_and_other_fleets_earn_nothing(maker: Maker) -> None:
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
