# SPDX-License-Identifier: Apache-2.0
"""Every bit of a signed message counts: attribute, signature, payload."""

from __future__ import annotations

import random
import re

from aid.forge import Message, flip
from aid.verdicts import BAD, MALFORMED, SEALED, UNKNOWN, Judge

NUMBER = "(?:0|[1-9][0-9]*)"
CLAIM = re.compile(
    f"v=1;key=([0-9a-f]{{16}});seq={NUMBER};time={NUMBER};bits={NUMBER};seal=(?:none|x25519)"
)


def latin(text: bytes) -> str:
    """The bytes as text; a byte above 127 becomes two bytes of UTF-8."""
    return text.decode("latin-1")


def expected(judge: Judge, mutant: Message) -> str:
    """The reason that the design gives for a mutant of a good message."""
    assert mutant.entropy is not None
    found = CLAIM.fullmatch(mutant.entropy)
    if found is None:
        return MALFORMED
    return BAD if found.group(1) == judge.good.key_id else UNKNOWN


def test_every_bit_of_the_attribute_counts(judge: Judge) -> None:
    good = judge.message()
    text = (good.entropy or "").encode()
    mutants = [good.but(entropy=latin(flip(text, i))) for i in range(8 * len(text))]
    reasons = set()
    for mutant, verdict in judge.each(mutants):
        reason = expected(judge, mutant)
        assert verdict.mixed(reason), (mutant.entropy, verdict)
        reasons.add(reason)
    assert reasons == {MALFORMED, UNKNOWN, BAD}


def test_every_bit_of_the_signature_counts(judge: Judge) -> None:
    good = judge.message()
    assert good.signature is not None
    mutants = [good.but(signature=flip(good.signature, i)) for i in range(512)]
    for _, verdict in judge.each(mutants):
        assert verdict.mixed(BAD), verdict


def test_every_bit_of_a_short_payload_counts(judge: Judge) -> None:
    good = judge.good.message(judge.queue, size=32)
    mutants = [good.but(payload=flip(good.payload, i)) for i in range(8 * 32)]
    for _, verdict in judge.each(mutants):
        assert verdict.mixed(BAD), verdict


def test_bits_all_over_a_usual_payload_count(judge: Judge) -> None:
    good = judge.good.message(judge.queue)
    bits = random.Random(1).sample(range(8 * 512), 256)
    lowest = range(0, 8 * 512, 8)
    mutants = [good.but(payload=flip(good.payload, i)) for i in {*bits, *lowest}]
    for _, verdict in judge.each(mutants):
        assert verdict.mixed(BAD), verdict


def test_bits_all_over_a_sealed_payload_count(judge: Judge) -> None:
    key = judge.fleet.key_file(judge.directory / "seal.key")
    judge.settings["seal_key"] = str(key)
    good = judge.good.message(judge.queue, size=64, to=judge.fleet.public_key)
    size = 8 * len(good.payload)
    bits = {*random.Random(2).sample(range(size), 64), 0, size - 1}
    mutants = [good.but(payload=flip(good.payload, i)) for i in bits]
    for _, verdict in judge.each(mutants):
        assert verdict.discarded == SEALED, verdict
        assert (verdict.bits, verdict.bytes) == (0, 0)
