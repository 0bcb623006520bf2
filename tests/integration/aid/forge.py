# SPDX-License-Identifier: Apache-2.0
"""Messages made from the text of the design alone, good ones and forged ones.

Nothing here is of the programs under test: signatures, the key exchange and the
cipher are the `cryptography` package's, HPKE follows RFC 9180.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from aid.queue import REGION, Queue

DOMAIN = b"sqs-entropy message v1"
SIGN, SEAL = "sqs-entropy-ed25519", "sqs-entropy-x25519"  # first words of key files
XWING = "sqs-entropy-xwing"
ENC, TAG = 32, 16  # bytes that sealing adds
XWING_ENC = 1088 + 32  # in the place of ENC

# DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305 (RFC 9180, section 7).
KEM_SUITE = b"KEM" + struct.pack(">H", 0x20)
HPKE_SUITE = b"HPKE" + struct.pack(">HHH", 0x20, 0x01, 0x03)
# The same with X-Wing (draft-connolly-cfrg-xwing-kem, draft-ietf-hpke-pq).
XWING_SUITE = b"HPKE" + struct.pack(">HHH", 0x647A, 0x01, 0x03)
XWING_LABEL = b"\\.//^\\"


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def arn_of(queue: Queue | str, region: str = REGION) -> str:
    """The ARN that a signature binds a message to; a text is already an ARN."""
    if isinstance(queue, str):
        return queue
    _, account, name = urlsplit(queue.url).path.split("/")
    return f"arn:aws:sqs:{region}:{account}:{name}"


def key_line(word: str, key: bytes) -> str:
    """A line of a key file."""
    return f"{word} {base64.b64encode(key).decode()}\n"


def signed_text(entropy: str, arn: str, payload: bytes) -> bytes:
    """The bytes that a signature covers."""
    fields = entropy.encode(), arn.encode(), payload
    return DOMAIN + b"\0" + b"".join(struct.pack(">I", len(f)) + f for f in fields)


# ---- HPKE, base mode, single shot


def _extract(salt: bytes, suite: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")


def _expand(prk: bytes, suite: bytes, label: bytes, info: bytes, size: int) -> bytes:
    labeled = struct.pack(">H", size) + b"HPKE-v1" + suite + label + info
    return hmac.digest(prk, labeled + b"\x01", "sha256")[:size]


def _schedule(suite: bytes, secret: bytes, info: bytes) -> tuple[Any, bytes]:
    context = b"\0" + _extract(b"", suite, b"psk_id_hash", b"")
    context += _extract(b"", suite, b"info_hash", info)
    prk = _extract(secret, suite, b"secret", b"")
    key = _expand(prk, suite, b"key", context, 32)
    nonce = _expand(prk, suite, b"base_nonce", context, 12)
    return ChaCha20Poly1305(key), nonce


def _cipher(shared: bytes, enc: bytes, to: bytes, info: bytes) -> tuple[Any, bytes]:
    prk = _extract(b"", KEM_SUITE, b"eae_prk", shared)
    secret = _expand(prk, KEM_SUITE, b"shared_secret", enc + to, 32)
    return _schedule(HPKE_SUITE, secret, info)


def xwing_keys(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """The two secret keys that a seed of X-Wing stands for."""
    both = hashlib.shake_256(seed).digest(96)
    return (
        MLKEM768PrivateKey.from_seed_bytes(both[:64]),
        X25519PrivateKey.from_private_bytes(both[64:]),
    )


def xwing_public(seed: bytes) -> bytes:
    """The public key that belongs to a seed."""
    return b"".join(k.public_key().public_bytes_raw() for k in xwing_keys(seed))


def _xwing_cipher(
    shared: tuple[bytes, bytes], enc: bytes, to: bytes, info: bytes
) -> tuple[Any, bytes]:
    text = b"".join(shared) + enc[-32:] + to[-32:] + XWING_LABEL
    return _schedule(XWING_SUITE, hashlib.sha3_256(text).digest(), info)


def _xwing_seal(to: bytes, plain: bytes, aad: bytes, info: bytes) -> bytes:
    first, text = MLKEM768PublicKey.from_public_bytes(to[:-32]).encapsulate()
    ephemeral = X25519PrivateKey.generate()
    second = ephemeral.exchange(X25519PublicKey.from_public_bytes(to[-32:]))
    enc = text + ephemeral.public_key().public_bytes_raw()
    cipher, nonce = _xwing_cipher((first, second), enc, to, info)
    return enc + cipher.encrypt(nonce, plain, aad)


def seal(to: bytes, plain: bytes, aad: bytes, info: bytes = DOMAIN) -> bytes:
    """Seal for the holder of the secret key to the public key `to`, of either KEM."""
    if len(to) > ENC:
        return _xwing_seal(to, plain, aad, info)
    ephemeral = X25519PrivateKey.generate()
    enc = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(to))
    cipher, nonce = _cipher(shared, enc, to, info)
    return enc + cipher.encrypt(nonce, plain, aad)


def unseal(
    key: X25519PrivateKey, sealed: bytes, aad: bytes, info: bytes = DOMAIN
) -> bytes | None:
    """Open a sealed payload; None if it is not genuine or for another key."""
    enc = sealed[:ENC]
    shared = key.exchange(X25519PublicKey.from_public_bytes(enc))
    to = key.public_key().public_bytes_raw()
    cipher, nonce = _cipher(shared, enc, to, info)
    return _decrypt(cipher, nonce, sealed[ENC:], aad)


def xwing_unseal(
    seed: bytes, sealed: bytes, aad: bytes, info: bytes = DOMAIN
) -> bytes | None:
    """The same by X-Wing."""
    enc = sealed[:XWING_ENC]
    mlkem, x25519 = xwing_keys(seed)
    first = mlkem.decapsulate(enc[:-32])
    second = x25519.exchange(X25519PublicKey.from_public_bytes(enc[-32:]))
    cipher, nonce = _xwing_cipher((first, second), enc, xwing_public(seed), info)
    return _decrypt(cipher, nonce, sealed[XWING_ENC:], aad)


def _decrypt(cipher: Any, nonce: bytes, text: bytes, aad: bytes) -> bytes | None:
    try:
        return cipher.decrypt(nonce, text, aad)
    except InvalidTag:
        return None


# ---- messages


@dataclass(frozen=True)
class Message:
    """One message as it stands in a queue."""

    payload: bytes
    entropy: str | None = None
    signature: bytes | None = None

    @classmethod
    def received(cls, message: dict[str, Any]) -> Message:
        """A message from what boto3 received."""
        values = message.get("MessageAttributes", {})
        return cls(
            base64.b64decode(message["Body"], validate=True),
            values.get("Entropy", {}).get("StringValue"),
            values.get("Signature", {}).get("BinaryValue"),
        )

    def but(self, **values: Any) -> Message:
        """The same message with changes; its signature stays as it was."""
        return replace(self, **values)

    def request(self) -> dict[str, Any]:
        """The members of SendMessage other than the queue."""
        attributes: dict[str, Any] = {}
        if self.entropy is not None:
            value = {"DataType": "String", "StringValue": self.entropy}
            attributes["Entropy"] = value
        if self.signature is not None:
            value = {"DataType": "Binary", "BinaryValue": self.signature}
            attributes["Signature"] = value
        text = base64.b64encode(self.payload).decode()
        return {"MessageBody": text, "MessageAttributes": attributes}

    def claims(self) -> dict[str, str]:
        """The fields of the claim."""
        assert self.entropy is not None
        return dict(part.split("=", 1) for part in self.entropy.split(";"))

    def is_by(self, public_key: bytes, arn: str) -> bool:
        """Whether the signature holds, says `cryptography`."""
        assert self.entropy is not None
        assert self.signature is not None
        key = Ed25519PublicKey.from_public_bytes(public_key)
        try:
            key.verify(self.signature, signed_text(self.entropy, arn, self.payload))
        except InvalidSignature:
            return False
        return True


def send(queue: Queue, *messages: Message) -> None:
    """Send messages, ten in a call."""
    for first in range(0, len(messages), 10):
        batch = messages[first : first + 10]
        entries = [{"Id": str(i), **m.request()} for i, m in enumerate(batch)]
        done = queue.client.send_message_batch(QueueUrl=queue.url, Entries=entries)
        assert len(done["Successful"]) == len(batch), done


@dataclass
class Producer:
    """Somebody who can sign; whether an agent trusts it is another matter."""

    secret: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    seq: int = 0

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that agents know it by."""
        return self.secret.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """The id by which claims name the key."""
        return hashlib.sha256(self.public_key).digest()[:8].hex()

    def trust(self, directory: Path, name: str = "producer") -> Path:
        """Write the public key into the directory of trusted keys."""
        file = directory / f"{name}.pub"
        file.write_text(key_line(SIGN, self.public_key))
        return file

    def claim(self, bits: int, **values: Any) -> str:
        """The text of the Entropy attribute; values go in place of the right ones."""
        self.seq += 1
        fields = {
            "v": 1,
            "key": self.key_id,
            "seq": self.seq,
            "time": now(),
            "bits": bits,
            "seal": "none",
            **values,
        }
        return ";".join(f"{name}={value}" for name, value in fields.items())

    def sign(self, entropy: str, arn: str, payload: bytes) -> Message:
        """Sign the three parts, whatever they are."""
        signature = self.secret.sign(signed_text(entropy, arn, payload))
        return Message(payload, entropy, signature)

    def message(
        self,
        queue: Queue | str,
        size: int = 512,
        to: bytes | None = None,
        payload: bytes | None = None,
        **values: Any,
    ) -> Message:
        """A message as it should be; values replace those of the claim."""
        payload = secrets.token_bytes(size) if payload is None else payload
        if to is not None:
            values.setdefault("seal", "x25519" if len(to) == ENC else "xwing")
        values.setdefault("bits", len(payload))
        entropy = self.claim(**values)
        if to is not None:
            payload = seal(to, payload, entropy.encode())
        return self.sign(entropy, arn_of(queue), payload)


@dataclass
class Fleet:
    """The key pair of the agents that sealed messages are for."""

    secret: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    name = "x25519"  # of the seal
    word = SEAL  # the first of its public key's line
    enc = ENC  # bytes that sealing adds before the text

    @property
    def public_key(self) -> bytes:
        """The public key that producers seal to."""
        return self.secret.public_key().public_bytes_raw()

    @property
    def secret_bytes(self) -> bytes:
        """What the agent's file holds."""
        return self.secret.private_bytes_raw()

    def key_file(self, path: Path) -> Path:
        """Write the agent's seal-key."""
        path.touch(0o600)
        path.write_text(key_line(self.word + "-secret", self.secret_bytes))
        return path


@dataclass
class XwingFleet(Fleet):
    """The same by X-Wing."""

    seed: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    name = "xwing"
    word = XWING
    enc = XWING_ENC

    @property
    def public_key(self) -> bytes:
        """The public key that producers seal to."""
        return xwing_public(self.seed)

    @property
    def secret_bytes(self) -> bytes:
        """What the agent's file holds."""
        return self.seed


FLEETS = {fleet.name: fleet for fleet in (Fleet, XwingFleet)}


def flip(data: bytes, bit: int) -> bytes:
    """The same bytes with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
