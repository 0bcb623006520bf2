# SPDX-License-Identifier: Apache-2.0
"""Strangers who may write to the queue: what they send earns nothing.

Beside each message a good one gets its credit in the same run (verdicts.Judge).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable

import pytest

from aid.forge import Message, Producer, now, path_of, send
from aid.kernel import needs_kernel
from aid.programs import AGENT
from aid.queue import Queue
from aid.verdicts import (
    BAD,
    CREDIT,
    FUTURE,
    MALFORMED,
    POLICY,
    REFUSED,
    STALE,
    UNKNOWN,
    UNSIGNED,
    Judge,
)

FRESH = 300_000  # ms between signing and sending
MARGIN = 20_000  # for a slow machine


def test_a_good_message_earns_what_it_claims(judge: Judge) -> None:
    [verdict] = judge(judge.good.message(judge.queue, bits=511))
    assert verdict.credited(511)
    assert (verdict.producer, verdict.bytes) == ("good", 512)
    assert verdict.seq == judge.good.seq - 1


def test_forged_with_a_key_of_ones_own(judge: Judge) -> None:
    stranger = Producer()
    forged = stranger.message(judge.queue)
    assert forged.is_by(stranger.public_key, path_of(judge.queue))
    verdict = judge.one(forged)
    assert verdict.mixed(UNKNOWN)
    assert (verdict.producer, verdict.seq) == (None, None)


def test_forged_in_the_name_of_a_trusted_producer(judge: Judge) -> None:
    forged = Producer().message(judge.queue, key=judge.good.key_id)
    assert judge.one(forged).mixed(BAD)


def test_signed_by_one_trusted_producer_in_the_name_of_another(judge: Judge) -> None:
    other = Producer()
    other.trust(judge.trusted, "other")
    forged = other.message(judge.queue, key=judge.good.key_id)
    assert judge.one(forged).mixed(BAD)


@pytest.mark.parametrize("key", ["0" * 16, "f" * 16])
def test_a_key_id_of_nobody(judge: Judge, key: str) -> None:
    assert judge.one(judge.good.message(judge.queue, key=key)).mixed(UNKNOWN)


def test_unsigned(judge: Judge) -> None:
    assert judge.one(Message(secrets.token_bytes(512))).mixed(UNSIGNED)


def test_half_of_what_makes_a_signed_message(judge: Judge) -> None:
    good = judge.message()
    only_claim, only_signature = judge(good.but(signature=None), good.but(entropy=None))
    assert only_claim.mixed(BAD)
    assert only_signature.mixed(MALFORMED)


def test_signatures_of_other_lengths(judge: Judge) -> None:
    good = judge.message()
    signature = good.signature or b""
    wrong = [signature[:63], signature + b"\0", signature[:1], signature * 2]
    for verdict in judge(*(good.but(signature=s) for s in wrong)):
        assert verdict.mixed(BAD), verdict


def test_signatures_that_only_look_like_some(judge: Judge) -> None:
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


def test_a_signature_of_another_kind_of_text(judge: Judge) -> None:
    good = judge.message()
    key, entropy = judge.good.secret, (good.entropy or "").encode()
    texts = [good.payload, entropy, entropy + good.payload, b""]
    for verdict in judge(*(good.but(signature=key.sign(t)) for t in texts)):
        assert verdict.mixed(BAD), verdict


def test_parts_of_two_good_messages(judge: Judge) -> None:
    one, two = judge.message(), judge.message()
    mixtures = [
        one.but(payload=two.payload),
        one.but(entropy=two.entropy),
        one.but(signature=two.signature),
    ]
    for verdict in judge(*mixtures):
        assert verdict.mixed(BAD), verdict


def test_signed_for_another_queue(
    judge: Judge, make_queue: Callable[..., Queue]
) -> None:
    path = path_of(judge.queue)
    others = [
        make_queue(),
        path.replace("123456789012", "123456789013"),
        path + "x",
        path[:-1],
        path + "/",
        path.upper(),
        judge.queue.url,
        judge.queue.name,
        "",
    ]
    for verdict in judge(*(judge.good.message(other) for other in others)):
        assert verdict.mixed(BAD), verdict


def test_a_message_moved_to_another_queue(
    judge: Judge, make_judge: Callable[..., Judge], make_queue: Callable[..., Queue]
) -> None:
    send(judge.queue, judge.message())
    moved = Message.received(judge.queue.receive(1)[0])
    other = make_judge(make_queue())
    judge.good.trust(other.trusted, "the-same")
    assert other.one(moved).mixed(BAD)


def test_stale_and_future_dated(judge: Judge) -> None:
    offsets = [-FRESH - 1, -2 * FRESH, FRESH + MARGIN, 2 * FRESH]
    wrong = [judge.message(time=now() + offset) for offset in offsets]
    wrong += [judge.message(time=0), judge.message(time=2**63 - 1)]
    verdicts = judge(*wrong)
    for verdict, reason in zip(
        verdicts, [STALE, STALE, FUTURE, FUTURE, STALE, FUTURE], strict=True
    ):
        assert verdict.mixed(reason), verdict
        assert verdict.producer == "good"


def test_clocks_that_differ_a_little(judge: Judge) -> None:
    for offset in (-FRESH + MARGIN, FRESH - MARGIN):
        [verdict] = judge(judge.message(time=now() + offset))
        assert verdict.credited(CREDIT)


def test_truncated_and_lengthened(judge: Judge) -> None:
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


def test_truncated_below_what_a_message_may_be(judge: Judge) -> None:
    good = judge.good.message(judge.queue)
    assert judge(*(good.but(payload=good.payload[:n]) for n in (31, 1))) == []


MALFORMED_CLAIMS: dict[str, Callable[[dict[str, str]], str]] = {
    "empty value": lambda c: join({**c, "v": ""}),
    "version 0": lambda c: join({**c, "v": "0"}),
    "version 2": lambda c: join({**c, "v": "2"}),
    "version 10": lambda c: join({**c, "v": "10"}),
    "version 01": lambda c: join({**c, "v": "01"}),
    "upper-case key": lambda c: join({**c, "key": "ABCDEF0123456789"}),
    "short key": lambda c: join({**c, "key": c["key"][:15]}),
    "long key": lambda c: join({**c, "key": c["key"] + "0"}),
    "key without hex": lambda c: join({**c, "key": "g" * 16}),
    "key missing": lambda c: join({k: v for k, v in c.items() if k != "key"}),
    "seq missing": lambda c: join({k: v for k, v in c.items() if k != "seq"}),
    "time missing": lambda c: join({k: v for k, v in c.items() if k != "time"}),
    "bits missing": lambda c: join({k: v for k, v in c.items() if k != "bits"}),
    "seal missing": lambda c: join({k: v for k, v in c.items() if k != "seal"}),
    "v missing": lambda c: join({k: v for k, v in c.items() if k != "v"}),
    "another order": lambda c: join(dict(reversed(c.items()))),
    "two exchanged": lambda c: join({"v": "1", "seq": c["seq"], **c}),
    "a field more": lambda c: join({**c, "more": "1"}),
    "a field twice": lambda c: join(c) + ";bits=4096",
    "a semicolon behind": lambda c: join(c) + ";",
    "a semicolon before": lambda c: ";" + join(c),
    "a space behind": lambda c: join(c) + " ",
    "a space before": lambda c: " " + join(c),
    "a space within": lambda c: join(c).replace(";", "; "),
    "a line feed behind": lambda c: join(c) + "\n",
    "commas": lambda c: join(c).replace(";", ","),
    "colons": lambda c: join(c).replace("=", ":"),
    "upper-case names": lambda c: join(c).replace("bits", "BITS"),
    "plus": lambda c: join({**c, "seq": "+1"}),
    "minus": lambda c: join({**c, "seq": "-1"}),
    "leading zero": lambda c: join({**c, "seq": "01"}),
    "two zeros": lambda c: join({**c, "seq": "00"}),
    "hexadecimal": lambda c: join({**c, "bits": "0x100"}),
    "exponent": lambda c: join({**c, "bits": "1e3"}),
    "fraction": lambda c: join({**c, "bits": "256.0"}),
    "no digits": lambda c: join({**c, "bits": ""}),
    "a space for digits": lambda c: join({**c, "bits": " 256"}),
    "seq of 2^64": lambda c: join({**c, "seq": str(2**64)}),
    "time of 2^63": lambda c: join({**c, "time": str(2**63)}),
    "negative time": lambda c: join({**c, "time": "-" + c["time"]}),
    "bits of 2^32": lambda c: join({**c, "bits": str(2**32)}),
    "bits that wrap to 256": lambda c: join({**c, "bits": str(2**32 + 256)}),
    "negative bits": lambda c: join({**c, "bits": "-256"}),
    "digits of another script": lambda c: join({**c, "bits": "\u0662\u0665\u0666"}),
    "full-width digits": lambda c: join({**c, "bits": "\uff12\uff15\uff16"}),
    "seal of another kind": lambda c: join({**c, "seal": "aes"}),
    "seal in capitals": lambda c: join({**c, "seal": "NONE"}),
    "seal half": lambda c: join({**c, "seal": "non"}),
    "seal empty": lambda c: join({**c, "seal": ""}),
    "seal longer": lambda c: join({**c, "seal": "none0"}),
    "both seals": lambda c: join({**c, "seal": "nonehpke"}),
    "json": lambda c: json.dumps(c),
    "one character": lambda _: "v",
    "255 characters": lambda _: "v=1;key=".ljust(255, "0"),
}


def join(claims: dict[str, str]) -> str:
    """The text of a claim."""
    return ";".join(f"{name}={value}" for name, value in claims.items())


def test_malformed_claims_though_signed(judge: Judge) -> None:
    path = path_of(judge.queue)
    messages, names = [], {}
    for name, damage in MALFORMED_CLAIMS.items():
        good = judge.message()
        damaged = damage(good.claims())
        assert damaged != good.entropy, name
        names[damaged] = name
        messages.append(judge.good.sign(damaged, path, good.payload))
    for message, verdict in judge.each(messages):
        assert verdict.mixed(MALFORMED), (names[message.entropy or ""], verdict)


@pytest.mark.parametrize("policy", ["mix", "credit"])
def test_a_claim_beyond_255_characters_is_malformed(judge: Judge, policy: str) -> None:
    judge.settings["unsigned"] = policy
    path = path_of(judge.queue)
    long = judge.good.claim(CREDIT).ljust(256, ";")
    verdicts = judge(judge.good.sign(long, path, secrets.token_bytes(64)))
    assert verdicts[0].mixed(MALFORMED)


def test_no_more_credit_than_eight_bits_a_byte(judge: Judge) -> None:
    claims = [4096, 4097, 2**32 - 1]
    verdicts = judge(*(judge.good.message(judge.queue, bits=b) for b in claims))
    assert [v.bits for v in verdicts] == [4096] * 3
    short = judge.good.message(judge.queue, size=32, bits=2**32 - 1)
    assert judge.one(short).credited(256)


def test_less_than_256_bits_in_all_is_no_credit(judge: Judge) -> None:
    send(judge.queue, judge.good.message(judge.queue, bits=255))
    run = judge.look()
    assert run.verdicts[0].credited(255)
    assert run.credit == 0
    send(judge.queue, *(judge.good.message(judge.queue, bits=128) for _ in range(2)))
    assert judge.look().credit == CREDIT
    send(judge.queue, judge.good.message(judge.queue, bits=0))
    run = judge.look("--strict")
    assert (run.result.code, run.credit) == (65, 0)
    assert run.verdicts[0].withheld == ()


def test_revoked(judge: Judge) -> None:
    other = Producer()
    file = other.trust(judge.trusted, "other")
    assert judge.one(other.message(judge.queue)).producer == "other"
    file.unlink()
    verdict = judge.one(other.message(judge.queue))
    assert verdict.mixed(UNKNOWN)
    # What a file is not called is not trusted either.
    for name in "other.pub.old", ".other.pub", "other", "other.PUB":
        other.trust(judge.trusted).rename(judge.trusted / name)
        assert judge.one(other.message(judge.queue)).mixed(UNKNOWN), name


def test_keys_rotate_without_a_gap(judge: Judge) -> None:
    old, new = judge.good, Producer()
    assert judge.one(new.message(judge.queue)).mixed(UNKNOWN)
    new.trust(judge.trusted, "new")
    by_old, by_new = judge(old.message(judge.queue), new.message(judge.queue))
    assert by_old.credited()
    assert by_new.credited()
    assert (by_old.producer, by_new.producer) == ("good", "new")
    judge.pub.unlink()
    judge.good = new
    judge.trusted.joinpath("new.pub").rename(judge.pub)
    assert judge.one(old.message(judge.queue)).mixed(UNKNOWN)


def test_nobody_is_trusted_without_the_directory(judge: Judge) -> None:
    send(judge.queue, judge.message())
    judge.settings["trusted_producers"] = str(judge.directory / "nowhere")
    run = judge.look()
    assert run.verdicts[0].mixed(UNKNOWN)
    assert run.credit == 0


def test_the_policy_for_unsigned_is_for_unsigned_alone(judge: Judge) -> None:
    judge.settings["unsigned"] = "credit"
    judge.settings["unsigned_bits_per_byte"] = 8.0
    good = judge.message()
    signature = good.signature or b""
    forged = Producer().message(judge.queue)
    wrong = [
        forged,
        good.but(signature=signature[::-1]),
        good.but(entropy=None),
        Message(secrets.token_bytes(64)),
    ]
    unknown, bad, malformed, unsigned = judge(*wrong)
    assert unknown.mixed(UNKNOWN)
    assert bad.mixed(BAD)
    assert malformed.mixed(MALFORMED)
    assert unsigned.credited(512)


def test_the_policy_that_refuses(judge: Judge) -> None:
    judge.settings["unsigned"] = "refuse"
    good = judge.message()
    wrong = [
        Message(secrets.token_bytes(64)),
        Producer().message(judge.queue),
        good.but(signature=bytes(64)),
        good.but(entropy="v=1"),
    ]
    verdicts = judge(*wrong)
    reasons = [UNSIGNED, UNKNOWN, BAD, MALFORMED]
    for verdict, reason in zip(verdicts, reasons, strict=True):
        assert verdict.withheld == (reason, REFUSED)
        assert (verdict.discarded, verdict.bytes, verdict.bits) == (POLICY, 0, 0)
    # One that is signed and stale is the producer's: mixed.
    assert judge.one(judge.message(time=1)).mixed(STALE)


@needs_kernel
def test_the_kernel_itself_is_told_256_bits_beside_forgeries(judge: Judge) -> None:
    good = judge.message()
    wrong = [
        Producer().message(judge.queue),
        good.but(payload=good.payload[::-1]),
        Message(secrets.token_bytes(64)),
    ]
    unknown, bad, unsigned = judge(*wrong, kernel=True, args=("--strict",))
    assert unknown.mixed(UNKNOWN)
    assert bad.mixed(BAD)
    assert unsigned.mixed(UNSIGNED)


def test_the_status_for_people_and_for_programs(judge: Judge) -> None:
    send(judge.queue, judge.message(), Producer().message(judge.queue))
    run = judge.look("-v")
    text = judge.run(AGENT, "--status")
    assert text.code == 0
    lines = text.out.decode().splitlines()
    assert lines[0].startswith("last run: 20")
    assert lines[0].endswith(", done (exit 0)")
    told = "576 bytes into the output, credit 256 bits, 2 messages received"
    assert lines[1] == told
    assert lines[2] == f"  64 bytes, 256 bits, from good, number {judge.good.seq}"
    assert lines[3] == f"  512 bytes, 0 bits, no credit: {UNKNOWN}"
    assert len(lines) == 4
    program = judge.run(AGENT, "--status", "--json")
    assert (program.code, json.loads(program.out)) == (0, run.status)
    assert run.status["messages"][0]["key"] == judge.good.key_id
    assert judge.status.stat().st_mode & 0o777 == 0o644
    # The log says the same with -v.
    assert "from good: credited" in run.result.err
    assert UNKNOWN in run.result.err


def test_the_status_of_no_run_and_of_a_failed_one(judge: Judge) -> None:
    none = judge.run(AGENT, "--status")
    assert (none.code, none.out) == (75, b"")
    assert "has not run" in none.err
    run = judge.look()
    assert run.result.code == 75
    assert (run.status["exit"], run.status["credit"]) == (75, 0)
    assert run.verdicts == []
