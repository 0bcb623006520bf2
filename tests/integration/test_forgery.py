# SPDX-License-Identifier: Apache-2.0
"""Strangers who may write to the queue: what they send earns nothing.

Beside each message a good one gets its credit in the same run (verdicts.Judge).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from aid.forge import Message, Producer, arn_of, send
from aid.queue import REGION, Queue
from aid.verdicts import BAD, MALFORMED, UNKNOWN, UNSIGNED, Judge


def test_a_signature_by_an_unknown_key_earns_nothing(judge: Judge) -> None:
    stranger = Producer()
    forged = stranger.message(judge.queue)
    assert forged.is_by(stranger.public_key, arn_of(judge.queue))
    verdict = judge.one(forged)
    assert verdict.mixed(UNKNOWN)
    assert (verdict.producer, verdict.seq) == (None, None)


def test_a_forgery_in_a_trusted_name_earns_nothing(judge: Judge) -> None:
    forged = Producer().message(judge.queue, key=judge.good.key_id)
    assert judge.one(forged).mixed(BAD)


def test_no_trusted_producer_signs_in_the_name_of_another(judge: Judge) -> None:
    other = Producer()
    other.trust(judge.trusted, "other")
    forged = other.message(judge.queue, key=judge.good.key_id)
    assert judge.one(forged).mixed(BAD)


def test_an_unsigned_message_earns_nothing(judge: Judge) -> None:
    assert judge.one(Message(secrets.token_bytes(512))).mixed(UNSIGNED)


def test_a_claim_or_a_signature_alone_earns_nothing(judge: Judge) -> None:
    good = judge.message()
    only_claim, only_signature = judge(good.but(signature=None), good.but(entropy=None))
    assert only_claim.mixed(BAD)
    assert only_signature.mixed(MALFORMED)


def test_signatures_of_other_lengths_earn_nothing(judge: Judge) -> None:
    good = judge.message()
    signature = good.signature or b""
    wrong = [signature[:63], signature + b"\0", signature[:1], signature * 2]
    for verdict in judge(*(good.but(signature=s) for s in wrong)):
        assert verdict.mixed(BAD), verdict


def test_look_alikes_of_signatures_earn_nothing(judge: Judge) -> None:
    good = judge.message()
    signature = good.signature or b""
    # L, the order of the base point: s + L is the same signature to a verifier
    # that does not look at its range (RFC 8032, section 5.1.7).
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    wrong = {
        "zeros": bytes(64),
        "ones": b"\xff" * 64,
        "identity point": b"\x01" + bytes(63),
        "halves exchanged": signature[32:] + signature[:32],
        "malleable": signature[:32] + s.to_bytes(32, "little"),
    }
    for verdict in judge(*(good.but(signature=s) for s in wrong.values())):
        assert verdict.mixed(BAD), verdict


def test_a_signature_of_other_bytes_earns_nothing(judge: Judge) -> None:
    good = judge.message()
    key, entropy = judge.good.secret, (good.entropy or "").encode()
    texts = [good.payload, entropy, entropy + good.payload, b""]
    for verdict in judge(*(good.but(signature=key.sign(t)) for t in texts)):
        assert verdict.mixed(BAD), verdict


def test_parts_of_two_good_messages_earn_nothing(judge: Judge) -> None:
    one, two = judge.message(), judge.message()
    mixtures = [
        one.but(payload=two.payload),
        one.but(entropy=two.entropy),
        one.but(signature=two.signature),
    ]
    for verdict in judge(*mixtures):
        assert verdict.mixed(BAD), verdict


def test_a_message_signed_for_another_queue_earns_nothing(
    judge: Judge, make_queue: Callable[..., Queue]
) -> None:
    arn = arn_of(judge.queue)
    others = [
        make_queue(),
        arn.replace("123456789012", "123456789013"),
        arn.replace(REGION, "eu-west-2"),
        arn.replace("arn:aws:", "arn:aws-cn:"),
        urlsplit(judge.queue.url).path,
        arn + "x",
        arn.upper(),
        judge.queue.url,
        "",
    ]
    for verdict in judge(*(judge.good.message(other) for other in others)):
        assert verdict.mixed(BAD), verdict


def test_a_message_moved_to_another_queue_earns_nothing(
    judge: Judge, make_judge: Callable[..., Judge], make_queue: Callable[..., Queue]
) -> None:
    send(judge.queue, judge.message())
    moved = Message.received(judge.queue.receive(1)[0])
    other = make_judge(make_queue())
    judge.good.trust(other.trusted, "the-same")
    assert other.one(moved).mixed(BAD)


def test_truncated_and_lengthened_payloads_earn_nothing(judge: Judge) -> None:
    good = judge.good.message(judge.queue)
    sizes = [511, 256, 33, 32]
    wrong = [good.but(payload=good.payload[:n]) for n in sizes]
    wrong += [
        good.but(payload=good.payload + b"\0"),
        good.but(payload=good.payload * 2),
    ]
    verdicts = judge(*wrong)
    assert [v.bytes for v in verdicts] == [*sizes, 513, 1024]
    for verdict in verdicts:
        assert verdict.mixed(BAD), verdict


def test_a_payload_below_the_least_size_is_not_used(judge: Judge) -> None:
    good = judge.good.message(judge.queue)
    assert judge(*(good.but(payload=good.payload[:n]) for n in (31, 1))) == []
