# SPDX-License-Identifier: Apache-2.0
"""Sealed messages: opened by the fleet they are for, and discarded by all others.

By X25519, and by X-Wing where OpenSSL has ML-KEM; where not, its refusal.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from aid.forge import (
    ENC,
    FLEETS,
    SIGN,
    TAG,
    Fleet,
    Message,
    Producer,
    XwingFleet,
    arn_of,
    flip,
    key_line,
    seal,
    send,
    unseal,
    xwing_keys,
    xwing_unseal,
)
from aid.kernel import needs_kernel
from aid.maker import KeyPair, Maker
from aid.programs import AGENT, PRODUCER, STARTUP, Result, Runner
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


def test_the_tests_own_xwing_is_that_of_cryptography() -> None:
    hpke = pytest.importorskip("cryptography.hazmat.primitives.hpke")
    suite = hpke.Suite(
        hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305
    )
    fleet = XwingFleet()
    key = hpke.MLKEM768X25519PrivateKey(*xwing_keys(fleet.seed))
    sealed = seal(fleet.public_key, PLAIN, b"", INFO)
    assert suite.decrypt(sealed, key, INFO) == PLAIN
    sealed = suite.encrypt(PLAIN, key.public_key(), INFO)
    assert xwing_unseal(fleet.seed, sealed, b"", INFO) == PLAIN
    assert xwing_unseal(fleet.seed, sealed, b"x", INFO) is None


@pytest.fixture
def judge(
    kind: str, make_judge: Callable[..., Judge], queue: Queue, tmp_path: Path
) -> Judge:
    """Give an agent that holds the fleet's key, of each kind."""
    judge = make_judge(queue)
    judge.fleet = FLEETS[kind]()
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
    assert len(message.payload) == 512 + judge.fleet.enc + TAG
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


@pytest.mark.parametrize("smallest", [True, False])
def test_the_smallest_and_the_greatest_sealed_message_open(
    judge: Judge, smallest: bool
) -> None:
    size = 32 if smallest else 16384 - judge.fleet.enc - TAG
    verdict = judge.one(sealed(judge, size=size))
    assert verdict.credited(size)
    assert verdict.bytes == size


def test_a_message_for_another_fleet_is_discarded(judge: Judge) -> None:
    others = [sealed(judge, to=type(judge.fleet)().public_key) for _ in range(5)]
    assert all(map(discarded, judge(*others[:3])))
    send(judge.queue, *others[3:])
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
    said = "no seal-key is configured"
    if judge.fleet.name == "xwing":
        said += ", and seal=xwing takes OpenSSL 3.5 or later as well (Debian 13 has it)"
    assert f"it is sealed, and {said}\n" in run.result.err
    # It was not used: with the key it would still count.
    key = judge.fleet.key_file(judge.directory / "seal.key")
    judge.settings["seal_key"] = str(key)
    assert judge.one(message).credited()


def test_clear_messages_are_still_taken(judge: Judge) -> None:
    assert judge.one(judge.message()).credited()


def test_a_sealed_payload_with_a_clear_claim_is_used_as_it_is(judge: Judge) -> None:
    message = sealed(judge)
    entropy = (message.entropy or "").replace(f"seal={judge.fleet.name}", "seal=none")
    assert judge.one(message.but(entropy=entropy)).mixed(BAD)
    # By the producer itself: its word counts, and the bytes go in as they are.
    bytes_sealed = seal(judge.fleet.public_key, secrets.token_bytes(64), b"")
    verdict = judge.one(judge.message(payload=bytes_sealed))
    assert verdict.credited()
    assert verdict.bytes == 64 + judge.fleet.enc + TAG


def test_a_clear_payload_with_a_sealed_claim_is_discarded(judge: Judge) -> None:
    message = judge.good.message(judge.queue)
    entropy = (message.entropy or "").replace("seal=none", f"seal={judge.fleet.name}")
    by_stranger = message.but(entropy=entropy)
    by_producer = judge.good.message(judge.queue, seal=judge.fleet.name)
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
    enc = judge.fleet.enc
    point = enc - ENC  # where X25519's half begins
    payloads = [
        good.payload[:-1],
        good.payload[: enc + TAG],
        good.payload[:33],
        good.payload + b"\0",
        # A point of small order.
        good.payload[:point] + bytes(ENC) + good.payload[enc:],
        good.payload[:point] + b"\x01" + bytes(ENC - 1) + good.payload[enc:],
        flip(good.payload, 8 * enc - 1),  # a point's last bit means nothing
        flip(good.payload, 0),
        flip(good.payload, 8 * len(good.payload) - 1),
        secrets.token_bytes(len(good.payload)),
    ]
    # Signed as they are, so that nothing but the opening can tell.
    messages = [judge.good.sign(entropy, arn, p) for p in payloads]
    for _, verdict in judge.each(messages):
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
    public, secret = judge.fleet.public_key, judge.fleet.secret_bytes
    word = judge.fleet.word
    for text in (
        key_line(word, public),
        key_line(SIGN + "-secret", secret),
        key_line(word + "-secret", secret) * 2,
        key_line(word + "-secret", secret[:31]),
        key_line(word + "-secret", secret + b"\0"),
        key_line(word + "-secret", secret).replace(" ", "  "),
        "",
        "# nothing\n",
    ):
        key.write_text(text)
        refused(judge, str(key))
    key.unlink()
    refused(judge, str(key), "No such file")
    key.mkdir()
    refused(judge, str(key))


def both_kinds(*fleets: Fleet) -> str:
    """The lines of a file with the keys of several fleets."""
    return "".join(key_line(f.word + "-secret", f.secret_bytes) for f in fleets)


def test_an_agent_with_a_key_of_each_kind_opens_both(judge: Judge, mlkem: None) -> None:
    fleets = Fleet(), XwingFleet()
    Path(judge.settings["seal_key"]).write_text(both_kinds(*fleets))
    messages = [judge.good.message(judge.queue, to=f.public_key) for f in fleets]
    assert all(verdict.credited(512) for verdict in judge(*messages))
    said = judge.run(AGENT, "--check", "-c", judge.conf())
    assert said.code == 0, said.err
    for fleet in fleets:
        key_id = hashlib.sha256(fleet.public_key).hexdigest()[:16]
        assert f"# seal-key {fleet.name}: key {key_id}  # " in said.out.decode()


def test_a_message_of_the_other_kind_says_what_it_needs(judge: Judge) -> None:
    """An agent that holds one key gets a message that is sealed by the other KEM."""
    other = Fleet() if judge.fleet.name == "xwing" else XwingFleet()
    message = judge.good.message(judge.queue, to=other.public_key)
    assert message.claims()["seal"] == other.name
    assert discarded(judge.one(message))
    send(judge.queue, message)
    run = judge.look()
    assert run.result.code == 65
    needs = f"add the fleet's sqs-entropy-{other.name}-secret line"
    if other.name == "xwing":
        needs += ", which takes OpenSSL 3.5 or later (Debian 13 has it)"
    said = f"it is sealed, and seal-key has no key for seal={other.name}: {needs}\n"
    assert said in run.result.err


# ---- where OpenSSL has no ML-KEM

NO_MLKEM = "OpenSSL on this host has no ML-KEM-768: "


def says(got: Result, what: str, advice: str) -> None:
    """Assert that a program ends with 78, for want of ML-KEM, and with one line."""
    assert (got.code, got.out) == (78, b""), got.err
    [line] = got.lines()
    assert line.endswith(f": {what}: {NO_MLKEM}{advice}"), line


@pytest.mark.usefixtures("no_mlkem")
def test_no_key_of_xwing_is_made_without_mlkem(run: Runner, tmp_path: Path) -> None:
    key = tmp_path / "fleet.key"
    elsewhere = "make it on another host, with OpenSSL 3.5 or later (Debian 13 has it)"
    made = run(PRODUCER, "--genkey", key, "--seal=xwing")
    says(made, "cannot make a key", elsewhere)
    assert not key.exists()
    XwingFleet().key_file(key).chmod(0o600)
    says(run(PRODUCER, "--pubkey", key), "cannot tell the public key", elsewhere)


@pytest.mark.usefixtures("no_mlkem")
def test_an_agent_without_mlkem_refuses_a_key_of_xwing(
    make_judge: Callable[..., Judge], queue: Queue, tmp_path: Path
) -> None:
    """By --check and by a run, also beside a key that it could use."""
    judge = make_judge(queue)
    key = tmp_path / "seal.key"
    judge.settings["seal_key"] = str(key)
    key.touch(0o600)
    for text in both_kinds(XwingFleet()), both_kinds(Fleet(), XwingFleet()):
        key.write_text(text)
        send(queue, judge.message())
        for got in (
            judge.run(AGENT, "--check", "-c", judge.conf()),
            judge.look().result,
        ):
            says(
                got,
                "seal-key",
                "take the sqs-entropy-xwing-secret line out, and have this host's "
                "queue filled with messages that are not sealed so, or give it "
                "OpenSSL 3.5 or later (Debian 13 has it)",
            )
    assert queue.depth() == (2, 0)


@pytest.mark.usefixtures("no_mlkem")
def test_a_producer_without_mlkem_refuses_to_seal_by_xwing(
    make_judge: Callable[..., Judge], queue: Queue, run: Runner, source: Path
) -> None:
    """By --check and by a run, and nothing less is done in its place."""
    maker = Maker(run, make_judge(queue), source)
    maker.sign()
    public = maker.judge.directory / "fleet.pub"
    public.write_text(key_line(XwingFleet.word, XwingFleet().public_key))
    maker.settings["seal_to"] = str(public)
    for got in maker.run(PRODUCER, "--check", "-c", maker.conf()), maker.once():
        says(
            got,
            "seal-to",
            "seal on another host, with OpenSSL 3.5 or later (Debian 13 has it), or "
            "to an x25519 key, which a quantum computer could break",
        )
    assert queue.depth() == (0, 0)


def test_seal_takes_no_other_name(run: Runner, tmp_path: Path) -> None:
    for word in "X25519", "mlkem768", "none", "xwing,x25519":
        made = run(PRODUCER, "--genkey", tmp_path / "k", f"--seal={word}")
        assert (made.code, made.out) == (64, b"")
        assert f'--seal: "{word}" is neither x25519 nor xwing (see --help)' in made.err
    made = run(PRODUCER, "--genkey", tmp_path / "k", "--seal=")
    assert (made.code, made.out) == (64, b"")
    assert "option --seal= needs a value (see --help)" in made.err
    made = run(PRODUCER, "--genkey", tmp_path / "k", "--seal", "xwing")
    assert made.code == 64
    assert "unexpected argument xwing (see --help)" in made.err
    assert not (tmp_path / "k").exists()


# ---- the producer


def give_keys(maker: Maker) -> KeyPair:
    """Give the producer and the agent the fleet's keys, of the kind that is tried."""
    return maker.seal(f"--seal={maker.judge.fleet.name}")


def test_sealing_needs_signing(maker: Maker) -> None:
    give_keys(maker)
    got = maker.once()
    assert got.code == 78
    assert "signing-key" in got.err


def test_keys_of_genkey_lead_to_sealed_credit(maker: Maker) -> None:
    maker.sign()
    give_keys(maker)
    made = maker.once()
    assert made.code == 0, made.err
    run = maker.judge.look("--strict")
    assert run.result.code == 0, run.result.err
    assert run.credit == CREDIT
    assert run.output == maker.source.read_bytes()[STARTUP : STARTUP + 5120]


def open_as(pair: KeyPair, message: Message) -> bytes | None:
    """What is sealed, opened without the programs."""
    aad = (message.entropy or "").encode()
    if message.claims()["seal"] == "xwing":
        return xwing_unseal(pair.secret, message.payload, aad)
    key = X25519PrivateKey.from_private_bytes(pair.secret)
    return unseal(key, message.payload, aad)


def test_the_producer_seals_as_the_rfc_says(maker: Maker) -> None:
    pair, fleet = maker.sign(), give_keys(maker)
    assert maker.once(message_bytes=100).code == 0
    enc = maker.judge.fleet.enc
    # The start-up test takes whole blocks.
    data = maker.source.read_bytes()[-(-STARTUP // 100) * 100 :]
    messages = maker.messages()
    assert len({m.payload[:enc] for m in messages}) == 10  # a fresh key each
    for number, message in enumerate(messages):
        assert len(message.payload) == 100 + enc + TAG
        assert message.claims()["seal"] == maker.judge.fleet.name
        assert message.claims()["bits"] == "100"
        assert message.is_by(pair.public, arn_of(maker.queue))
        plain = open_as(fleet, message)
        assert plain == data[number * 100 : number * 100 + 100]


def test_revoked_producers_and_other_fleets_earn_nothing(maker: Maker) -> None:
    maker.sign()
    give_keys(maker)
    assert maker.once().code == 0
    (maker.judge.trusted / "pi.pub").unlink()
    run = maker.judge.look("--strict")
    assert run.result.code == 65
    assert all(v.mixed(UNKNOWN) for v in run.verdicts)
    other = maker.genkey("other.key", f"--seal={maker.judge.fleet.name}")
    maker.judge.settings["seal_key"] = str(other.file)
    assert maker.once().code == 0
    run = maker.judge.look()
    assert run.result.code == 65
    assert all(v.discarded == SEALED for v in run.verdicts)


def test_the_longest_message_leaves_room_for_the_seal(maker: Maker) -> None:
    maker.sign()
    pair = give_keys(maker)
    most = 16384 - maker.judge.fleet.enc - TAG
    refused = maker.once(message_bytes=most + 1)
    assert refused.code == 78
    added = maker.judge.fleet.enc + TAG
    said = f"message-bytes: sealing adds {added} bytes, and 16384 are allowed in all"
    assert said in refused.err
    maker.source.write_bytes(secrets.token_bytes(3 * most))
    made = maker.once(message_bytes=most, burst=1, low_watermark=1)
    assert made.code == 0, made.err
    [message] = maker.messages()
    assert len(message.payload) == 16384
    assert len(open_as(pair, message) or b"") == most


def test_a_public_key_that_is_none_is_found_at_the_start(maker: Maker) -> None:
    maker.sign()
    give_keys(maker)
    public = Path(maker.settings["seal_to"])
    length = len(maker.judge.fleet.public_key)
    public.write_text(key_line(maker.judge.fleet.word, bytes(length)))
    for got in maker.run(PRODUCER, "--check", "-c", maker.conf()), maker.once():
        assert got.code == 78
        said = f"seal-to: {public}: nothing can be sealed to this key: "
        assert f"{said}take the line that --genkey --seal printed" in got.err
    # A producer seals to one key.
    both = [key_line(kind.word, kind().public_key) for kind in FLEETS.values()]
    public.write_text("".join(both))
    got = maker.once()
    assert got.code == 78
    assert f"{public}:2: a second key: a file holds one" in got.err
