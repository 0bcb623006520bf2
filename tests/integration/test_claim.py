# SPDX-License-Identifier: Apache-2.0
"""Claims (the Entropy attribute): their syntax, and the time of signing in them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable

import pytest

from aid.forge import arn_of, now
from aid.verdicts import CREDIT, FUTURE, MALFORMED, STALE, Judge

FRESH = 300_000  # ms between signing and sending
MARGIN = 20_000  # for a slow machine


def test_stale_and_future_dated_messages_earn_nothing(judge: Judge) -> None:
    offsets = [-FRESH - 1, -2 * FRESH, FRESH + MARGIN, 2 * FRESH]
    wrong = [judge.message(time=now() + offset) for offset in offsets]
    wrong += [judge.message(time=0), judge.message(time=2**63 - 1)]
    verdicts = judge(*wrong)
    for verdict, reason in zip(
        verdicts, [STALE, STALE, FUTURE, FUTURE, STALE, FUTURE], strict=True
    ):
        assert verdict.mixed(reason), verdict
        assert verdict.producer == "good"


def test_clocks_that_differ_a_little_cost_no_credit(judge: Judge) -> None:
    for offset in (-FRESH + MARGIN, FRESH - MARGIN):
        [verdict] = judge(judge.message(time=now() + offset))
        assert verdict.credited(CREDIT)


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


def test_malformed_claims_earn_nothing_though_signed(judge: Judge) -> None:
    arn = arn_of(judge.queue)
    messages, names = [], {}
    for name, damage in MALFORMED_CLAIMS.items():
        good = judge.message()
        damaged = damage(good.claims())
        assert damaged != good.entropy, name
        names[damaged] = name
        messages.append(judge.good.sign(damaged, arn, good.payload))
    for message, verdict in judge.each(messages):
        assert verdict.mixed(MALFORMED), (names[message.entropy or ""], verdict)


@pytest.mark.parametrize("policy", ["mix", "credit"])
def test_a_claim_beyond_255_characters_is_malformed(judge: Judge, policy: str) -> None:
    judge.settings["unsigned"] = policy
    arn = arn_of(judge.queue)
    long = judge.good.claim(CREDIT).ljust(256, ";")
    verdicts = judge(judge.good.sign(long, arn, secrets.token_bytes(64)))
    assert verdicts[0].mixed(MALFORMED)
