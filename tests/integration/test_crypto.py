# SPDX-License-Identifier: Apache-2.0
"""Signatures and sealing against Python's `cryptography`, in both directions.

What is signed, and HPKE's key schedule (RFC 9180), are written down here a
second time, from the specifications alone; `cryptography` has the primitives,
and an HPKE of its own.  Every case is made from its own seed, "SEED/NUMBER":
a failure prints it, and CRYPTO_SEED=... CRYPTO_CASES=... repeat a run or try
another.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import pathlib
import random
import re
import struct
import subprocess
from typing import NamedTuple

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from aid.forge import seal, xwing_keys, xwing_public, xwing_unseal

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "message"
SEED = os.environ.get("CRYPTO_SEED", "sqs-entropy")
CASES = int(os.environ.get("CRYPTO_CASES", "600"))

DOMAIN = b"sqs-entropy message v1"
PAYLOAD_MAX = 16384
ARN = b"arn:aws:sqs:eu-west-1:123456789012:queue.fifo"
TEXT = "abcxyzABCXYZ0189-_./;=~% äΩ中\U0001f3b2"

# DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305
KEM_SUITE = b"KEM" + struct.pack(">H", 0x0020)
HPKE_SUITE = b"HPKE" + struct.pack(">HHH", 0x0020, 0x0001, 0x0003)
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
XWING_SUITE = hpke.Suite(
    hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305
)

CLAIM = re.compile(
    r"v=1;key=[0-9a-f]{16};seq=(0|[1-9][0-9]*);time=(0|[1-9][0-9]*);"
    r"bits=(0|[1-9][0-9]*);seal=(none|x25519|xwing)",
    re.ASCII,
)

# ---- the judge's own copy of what is specified


def signed_bytes(entropy: bytes, arn: bytes, payload: bytes) -> bytes:
    fields = [struct.pack(">I", len(f)) + f for f in (entropy, arn, payload)]
    return DOMAIN + b"\0" + b"".join(fields)


def extract(salt: bytes, suite: bytes, label: bytes, ikm: bytes) -> bytes:
    text = b"HPKE-v1" + suite + label + ikm
    return hmac.new(salt, text, hashlib.sha256).digest()


def expand(prk: bytes, suite: bytes, label: bytes, info: bytes, size: int) -> bytes:
    text = struct.pack(">H", size) + b"HPKE-v1" + suite + label + info
    out, block, number = b"", b"", 1
    while len(out) < size:
        block = hmac.new(prk, block + text + bytes([number]), hashlib.sha256).digest()
        out += block
        number += 1
    return out[:size]


def cipher(
    dh: bytes, enc: bytes, recipient: bytes, info: bytes
) -> tuple[ChaCha20Poly1305, bytes]:
    """The AEAD and its base nonce."""
    eae_prk = extract(b"", KEM_SUITE, b"eae_prk", dh)
    shared = expand(eae_prk, KEM_SUITE, b"shared_secret", enc + recipient, 32)
    context = (
        b"\0"
        + extract(b"", HPKE_SUITE, b"psk_id_hash", b"")
        + extract(b"", HPKE_SUITE, b"info_hash", info)
    )
    secret = extract(shared, HPKE_SUITE, b"secret", b"")
    key = expand(secret, HPKE_SUITE, b"key", context, 32)
    return ChaCha20Poly1305(key), expand(secret, HPKE_SUITE, b"base_nonce", context, 12)


def judge_seal(case: Case) -> bytes:
    ephemeral = X25519PrivateKey.from_private_bytes(case.ephemeral)
    enc = ephemeral.public_key().public_bytes_raw()
    recipient = case.seal_key.public_key()
    aead, nonce = cipher(
        ephemeral.exchange(recipient), enc, recipient.public_bytes_raw(), case.info
    )
    return enc + aead.encrypt(nonce, case.payload, case.entropy)


def judge_open(case: Case, sealed: bytes) -> bytes | None:
    enc = sealed[:32]
    recipient = case.seal_key.public_key().public_bytes_raw()
    dh = case.seal_key.exchange(X25519PublicKey.from_public_bytes(enc))
    aead, nonce = cipher(dh, enc, recipient, case.info)
    try:
        return aead.decrypt(nonce, sealed[32:], case.entropy)
    except InvalidTag:
        return None


def judge_verify(
    key: bytes, signature: bytes, entropy: bytes, arn: bytes, payload: bytes
) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(
            signature, signed_bytes(entropy, arn, payload)
        )
    except InvalidSignature:
        return False
    return True


# ---- the cases


class Case(NamedTuple):
    """A message with the keys of both ends."""

    name: str
    secret: bytes  # Ed25519
    sealing_secret: bytes  # X25519, the fleet's
    ephemeral: bytes
    entropy: bytes
    arn: bytes
    info: bytes
    payload: bytes

    @property
    def sign_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)

    @property
    def public(self) -> bytes:
        return self.sign_key.public_key().public_bytes_raw()

    @property
    def seal_key(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.sealing_secret)


def number(rng: random.Random, bits: int) -> int:
    """Of any length, and often next to a power of two."""
    value = rng.getrandbits(rng.randint(0, bits))
    return rng.choice([0, value, value, (1 << bits) - 1])


def make_claim(rng: random.Random) -> str:
    return (
        f"v=1;key={rng.randbytes(8).hex()};seq={number(rng, 64)};"
        f"time={number(rng, 63)};bits={number(rng, 32)};"
        f"seal={rng.choice(['none', 'x25519', 'xwing'])}"
    )


def make_text(rng: random.Random, most: int) -> bytes:
    text = "".join(rng.choice(TEXT) for _ in range(rng.randint(0, most)))
    return text.encode()[:most].decode(errors="ignore").encode()


def make_case(number: int) -> Case:
    name = f"{SEED}/{number}"
    rng = random.Random(name)
    size = rng.choice([0, 1, 31, 32, 63, 64, 65, 512, rng.randint(0, 2000)])
    if number % 50 == 0:
        size = PAYLOAD_MAX
    claim = make_claim(rng).encode() if rng.random() < 0.8 else make_text(rng, 255)
    arn = ARN if rng.random() < 0.8 else make_text(rng, 190) or b"x"
    return Case(
        name=name,
        secret=rng.randbytes(32),
        sealing_secret=rng.randbytes(32),
        ephemeral=rng.randbytes(32),
        entropy=claim,
        arn=arn,
        info=DOMAIN if rng.random() < 0.5 else rng.randbytes(rng.randint(0, 200)),
        payload=rng.randbytes(size),
    )


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [make_case(number) for number in range(CASES)]


def flip(rng: random.Random, data: bytes) -> bytes:
    """One bit of it changed."""
    bit = rng.randrange(8 * len(data))
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# ---- the tool


def ask(lines: list[tuple[str, ...]]) -> list[bytes | None]:
    """One process's answer to each line; None: access denied, malformed."""
    assert TOOL.exists(), f"{TOOL} is not there: run 'make tests' first"
    text = "".join(" ".join(line) + "\n" for line in lines)
    done = subprocess.run(
        [TOOL], input=text, capture_output=True, timeout=600, text=True
    )
    assert done.returncode == 0, done.stderr
    answers = done.stdout.splitlines()
    assert len(answers) == len(lines)
    return [answer(line) for line in answers]


def answer(line: str) -> bytes | None:
    if line in ("error access denied", "error malformed"):
        return None
    status, _, result = line.partition(" ")
    assert status == "ok", line
    return bytes.fromhex(result)


def line(verb: str, *words: bytes) -> tuple[str, ...]:
    return (verb, *(word.hex() or "-" for word in words))


def compare(cases: list[Case], got: list[bytes | None], expected: list) -> None:
    for case, ours, theirs in zip(cases, got, expected, strict=True):
        if ours != theirs:
            pytest.fail(
                f"case {case.name} (CRYPTO_SEED={SEED}):\n{case}\n"
                f"ours      {ours!r}\nthe judge's {theirs!r}"
            )


# ---- signatures


def test_both_sides_sign_the_same_bytes(cases: list[Case]) -> None:
    got = ask([line("bytes", c.entropy, c.arn, c.payload) for c in cases])
    compare(cases, got, [signed_bytes(c.entropy, c.arn, c.payload) for c in cases])


def test_public_keys_are_those_of_cryptography(cases: list[Case]) -> None:
    compare(
        cases, ask([line("public", c.secret) for c in cases]), [c.public for c in cases]
    )


def test_our_signatures_hold_elsewhere(cases: list[Case]) -> None:
    """Ed25519 is deterministic: equal, and so verified, too."""
    got = ask([line("sign", c.secret, c.entropy, c.arn, c.payload) for c in cases])
    for case, signature in zip(cases, got, strict=True):
        assert signature is not None
        assert judge_verify(
            case.public, signature, case.entropy, case.arn, case.payload
        ), case
    compare(
        cases,
        got,
        [c.sign_key.sign(signed_bytes(c.entropy, c.arn, c.payload)) for c in cases],
    )


def test_signatures_of_others_hold_here(cases: list[Case]) -> None:
    got = ask(
        [
            line(
                "verify",
                c.sign_key.sign(signed_bytes(c.entropy, c.arn, c.payload)),
                c.public,
                c.entropy,
                c.arn,
                c.payload,
            )
            for c in cases
        ]
    )
    compare(cases, got, [b""] * len(cases))


def test_tampered_signatures_hold_nowhere(cases: list[Case]) -> None:
    """One bit of one field changed: refused by both."""
    lines, expected = [], []
    for case in cases:
        rng = random.Random(case.name + " tampered")
        signature = case.sign_key.sign(
            signed_bytes(case.entropy, case.arn, case.payload)
        )
        fields = [signature, case.public, case.entropy, case.arn, case.payload]
        at = rng.choice([i for i, field in enumerate(fields) if field])
        changed = flip(rng, fields[at])
        if at in (2, 3) and b"\0" in changed:
            changed += b"x"  # a C string would end there
            changed = changed.replace(b"\0", b"x")
        fields[at] = changed
        signature, key, entropy, arn, payload = fields
        assert not judge_verify(key, signature, entropy, arn, payload)
        lines.append(line("verify", *fields))
        expected.append(None)
    compare(cases, ask(lines), expected)


def test_moved_borders_between_fields_break_the_signature(cases: list[Case]) -> None:
    """The end of one field moved to the beginning of the next: refused."""
    chosen = [c for c in cases if len(c.entropy) > 1 and len(c.arn) < 180]
    lines = []
    for case in chosen:
        signature = case.sign_key.sign(
            signed_bytes(case.entropy, case.arn, case.payload)
        )
        entropy, arn = case.entropy[:-1], case.entropy[-1:] + case.arn
        lines.append(line("verify", signature, case.public, entropy, arn, case.payload))
    assert len(chosen) > len(cases) / 2
    compare(chosen, ask(lines), [None] * len(chosen))


# ---- sealing


def test_agreements_are_those_of_cryptography(cases: list[Case]) -> None:
    peers = [c.seal_key.public_key() for c in cases]
    keys = [X25519PrivateKey.from_private_bytes(c.ephemeral) for c in cases]
    got = ask(
        [
            line("agree", case.ephemeral, peer.public_bytes_raw())
            for case, peer in zip(cases, peers, strict=True)
        ]
    )
    compare(
        cases,
        got,
        [
            key.exchange(peer) + key.public_key().public_bytes_raw()
            for key, peer in zip(keys, peers, strict=True)
        ],
    )


def seal_lines(cases: list[Case]) -> list[tuple[str, ...]]:
    return [
        line(
            "seal",
            c.seal_key.public_key().public_bytes_raw(),
            c.ephemeral,
            c.info,
            c.entropy,
            c.payload,
        )
        for c in cases
    ]


def test_what_we_seal_opens_elsewhere(cases: list[Case]) -> None:
    """The same ephemeral key makes the same bytes, which open."""
    got = ask(seal_lines(cases))
    compare(cases, got, [judge_seal(c) for c in cases])
    opened = [judge_open(c, sealed or b"") for c, sealed in zip(cases, got)]
    compare(cases, opened, [c.payload for c in cases])


def test_what_others_seal_opens_here(cases: list[Case]) -> None:
    got = ask(
        [
            line("open", c.sealing_secret, c.info, c.entropy, judge_seal(c))
            for c in cases
        ]
    )
    compare(cases, got, [c.payload for c in cases])


def test_our_sealing_is_the_hpke_of_cryptography(cases: list[Case]) -> None:
    """Its own HPKE, which takes no aad, opens ours, and we open what it seals."""
    bare = [case._replace(entropy=b"") for case in cases]
    sealed = ask(seal_lines(bare))
    opened = [
        SUITE.decrypt(text, case.seal_key, info=case.info)
        for case, text in zip(bare, sealed, strict=True)
        if text is not None
    ]
    compare(bare, opened, [case.payload for case in bare])
    lines = [
        line(
            "open",
            case.sealing_secret,
            case.info,
            b"",
            SUITE.encrypt(case.payload, case.seal_key.public_key(), info=case.info),
        )
        for case in bare
    ]
    compare(bare, ask(lines), [case.payload for case in bare])


def test_what_was_tampered_with_opens_nowhere(cases: list[Case]) -> None:
    """One bit of key, info, aad or text changed, or some cut: refused by both."""
    lines = []
    for case in cases:
        rng = random.Random(case.name + " tampered")
        sealed = judge_seal(case)
        form = rng.randrange(5)
        if form == 0 and case.info:
            case = case._replace(info=flip(rng, case.info))
        elif form == 1 and case.entropy:
            case = case._replace(entropy=flip(rng, case.entropy))
        elif form == 2:
            case = case._replace(sealing_secret=rng.randbytes(32))
        elif form == 3:
            sealed = sealed[: -rng.randint(1, 16)]
        else:
            sealed = flip(rng, sealed)
        if len(sealed) >= 48:
            assert judge_open(case, sealed) is None
        lines.append(line("open", case.sealing_secret, case.info, case.entropy, sealed))
    compare(cases, ask(lines), [None] * len(cases))


# ---- sealing by X-Wing, whose secret keys are 32 bytes as well

XWING_CASES = slice(0, 200)  # each makes and expands several keys


def xwing_seal_lines(cases: list[Case]) -> list[tuple[str, ...]]:
    return [
        line(
            "xwing-seal",
            xwing_public(c.sealing_secret),
            c.ephemeral + c.secret,
            c.info,
            c.entropy,
            c.payload,
        )
        for c in cases
    ]


@pytest.mark.usefixtures("mlkem")
def test_public_keys_of_xwing_are_those_of_cryptography(cases: list[Case]) -> None:
    some = cases[XWING_CASES]
    got = ask([line("xwing-public", c.sealing_secret) for c in some])
    compare(some, got, [xwing_public(c.sealing_secret) for c in some])


@pytest.mark.usefixtures("mlkem")
def test_what_we_seal_by_xwing_opens_elsewhere(cases: list[Case]) -> None:
    some = cases[XWING_CASES]
    sealed = ask(xwing_seal_lines(some))
    opened = [
        xwing_unseal(c.sealing_secret, text or b"", c.entropy, c.info)
        for c, text in zip(some, sealed, strict=True)
    ]
    compare(some, opened, [c.payload for c in some])


@pytest.mark.usefixtures("mlkem")
def test_what_others_seal_by_xwing_opens_here(cases: list[Case]) -> None:
    some = cases[XWING_CASES]
    lines = [
        line(
            "xwing-open",
            c.sealing_secret,
            c.info,
            c.entropy,
            seal(xwing_public(c.sealing_secret), c.payload, c.entropy, c.info),
        )
        for c in some
    ]
    compare(some, ask(lines), [c.payload for c in some])


@pytest.mark.usefixtures("mlkem")
def test_our_sealing_by_xwing_is_the_hpke_of_cryptography(cases: list[Case]) -> None:
    """Its own HPKE, which takes no aad, opens ours, and we open what it seals."""
    bare = [case._replace(entropy=b"") for case in cases[XWING_CASES]]
    keys = [hpke.MLKEM768X25519PrivateKey(*xwing_keys(c.sealing_secret)) for c in bare]
    opened = [
        XWING_SUITE.decrypt(text or b"", key, info=case.info)
        for case, key, text in zip(bare, keys, ask(xwing_seal_lines(bare)), strict=True)
    ]
    compare(bare, opened, [case.payload for case in bare])
    lines = [
        line(
            "xwing-open",
            case.sealing_secret,
            case.info,
            b"",
            XWING_SUITE.encrypt(case.payload, key.public_key(), info=case.info),
        )
        for case, key in zip(bare, keys, strict=True)
    ]
    compare(bare, ask(lines), [case.payload for case in bare])


@pytest.mark.usefixtures("mlkem")
def test_what_was_sealed_by_xwing_and_changed_opens_nowhere(cases: list[Case]) -> None:
    """One bit of enc or text changed, another key, info or aad: refused by both."""
    some = cases[XWING_CASES]
    lines = []
    for number, case in enumerate(some):
        rng = random.Random(case.name + " changed")
        to = xwing_public(case.sealing_secret)
        sealed = seal(to, case.payload, case.entropy, case.info)
        if number % 4 == 0:
            case = case._replace(sealing_secret=rng.randbytes(32))
        elif number % 4 == 1:
            case = case._replace(info=case.info + b"x")
        elif number % 4 == 2:
            case = case._replace(entropy=case.entropy + b"x")
        else:
            sealed = flip(rng, sealed)
        theirs = xwing_unseal(case.sealing_secret, sealed, case.entropy, case.info)
        assert theirs is None
        lines.append(
            line("xwing-open", case.sealing_secret, case.info, case.entropy, sealed)
        )
    compare(some, ask(lines), [None] * len(some))


@pytest.mark.usefixtures("no_mlkem")
def test_without_mlkem_nothing_is_sealed_or_opened_by_xwing(cases: list[Case]) -> None:
    text = seal(xwing_public(bytes(32)), b"text", b"")
    opened = line("xwing-open", bytes(32), b"", b"", text)
    lines = [*xwing_seal_lines(cases[:1]), opened]
    done = subprocess.run(
        [TOOL],
        input="".join(" ".join(words) + "\n" for words in lines),
        capture_output=True,
        text=True,
        check=True,
    )
    said = "error not supported on this host"
    assert done.stdout.splitlines() == [said] * 2


# ---- the attribute


def mutate(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    form = rng.randrange(6)
    if form == 0:
        return text[:at] + text[at + 1 :]
    if form == 1:
        return text[:at] + rng.choice("0123456789af;= +-AF\n") + text[at:]
    if form == 2:
        return text[:at] + rng.choice("0123456789af;= +-AF\t") + text[at + 1 :]
    if form == 3:
        return text.replace("=", "=0", rng.randint(1, 5))
    if form == 4:
        fields = text.split(";")
        rng.shuffle(fields)
        return ";".join(fields)
    return text


def is_claim(text: str) -> bool:
    found = CLAIM.fullmatch(text)
    if found is None:
        return False
    seq, time, bits = map(int, found.groups()[:3])
    return seq < 1 << 64 and time < 1 << 63 and bits < 1 << 32


def test_both_sides_agree_on_what_a_claim_is() -> None:
    """Accepted exactly when the grammar says so, and then given back."""
    rng = random.Random(SEED + " claims")
    texts = [mutate(rng, make_claim(rng)) for _ in range(10 * CASES)]
    accepted = 0
    for text, got in zip(texts, ask([line("claim", t.encode()) for t in texts])):
        assert got == (text.encode() if is_claim(text) else None), text
        accepted += got is not None
    assert len(texts) / 10 < accepted < len(texts) / 2


def test_the_vectors_of_rfc_9180_come_out() -> None:
    """The judge itself: appendix A.2.1, sequence number 0."""
    case = make_case(0)._replace(
        sealing_secret=bytes.fromhex(
            "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb"
        ),
        ephemeral=bytes.fromhex(
            "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600"
        ),
        info=b"Ode on a Grecian Urn",
        entropy=b"Count-0",
        payload=b"Beauty is truth, truth beauty",
    )
    assert judge_seal(case).hex() == (
        "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db"
        "21993c62ce81883d2dd1b51a28"
    )
    compare([case], ask(seal_lines([case])), [judge_seal(case)])
