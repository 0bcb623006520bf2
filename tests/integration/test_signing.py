# SPDX-License-Identifier: Apache-2.0
"""The producer's signatures, verified by the agent and by `cryptography`."""

from __future__ import annotations

import hashlib

import pytest

from aid.forge import arn_of, now
from aid.kernel import needs_kernel
from aid.maker import Maker
from aid.programs import STARTUP
from aid.verdicts import CREDIT


def test_a_producer_without_a_key_says_so_once(maker: Maker) -> None:
    got = maker.once()
    assert got.code == 0
    assert got.err.count("not signed") == 1
    assert all(m.entropy is None and m.signature is None for m in maker.messages())
    maker.sign()
    assert "not signed" not in maker.once().err


@pytest.mark.parametrize(("bits_per_byte", "bits"), [(1.0, 512), (0.3, 153), (8, 4096)])
def test_claims_and_signatures_are_as_designed(
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
        assert message.is_by(pair.public, arn_of(maker.queue))
        assert not message.is_by(pair.public, arn_of(maker.queue) + "x")


def test_a_queue_named_by_name_is_signed_by_its_path(maker: Maker) -> None:
    maker.sign()
    assert maker.once(queue=maker.queue.name).code == 0
    maker.judge.settings["queue"] = maker.queue.name
    run = maker.judge.look("--strict")
    assert run.result.code == 0, run.result.err
    assert run.credit == CREDIT


def test_a_key_of_genkey_leads_to_credit(maker: Maker) -> None:
    maker.sign()
    made = maker.once()
    assert made.code == 0, made.err
    run = maker.judge.look("--strict", "-v")
    assert run.result.code == 0, run.result.err
    assert run.credit == CREDIT
    assert [v.seq for v in run.verdicts] == list(range(1, 11))
    assert all(v.credited(512) and v.producer == "pi" for v in run.verdicts)
    assert run.output == maker.source.read_bytes()[STARTUP : STARTUP + 5120]


@needs_kernel
def test_a_key_of_genkey_leads_to_credit_in_the_kernel(maker: Maker) -> None:
    maker.sign()
    maker.seal()
    assert maker.once().code == 0
    run = maker.judge.look("--strict", kernel=True)
    assert run.result.code == 0, run.result.err
    assert run.credit == CREDIT
    assert run.status["target"] == "kernel"
    assert "injected 5120 bytes from 10 messages" in run.result.err
