# SPDX-License-Identifier: Apache-2.0
"""Our cryptography against vectors that others have published.

VECTORS=DIR names a folder that has wycheproof/testvectors_v1 of C2SP/wycheproof
and, in hpke, rfc9180.json and hpke-pq.json of FiloSottile/hpke and the working
group's hpkewg-test-vectors.json.  None is part of this project.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

VECTORS = Path(os.environ.get("VECTORS", ""))
ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "message"

pytestmark = pytest.mark.skipif(
    not os.environ.get("VECTORS"),
    reason="VECTORS=DIR names no folder of published vectors",
)


class Case(NamedTuple):
    """What the program is asked, and what it has to answer; None: an error."""

    name: str
    question: str
    answer: str | None


def line(verb: str, *words: str) -> str:
    """Word a question."""
    return " ".join([verb, *(word or "-" for word in words)])


def ask(questions: list[str]) -> list[str | None]:
    """Ask the program all at once."""
    text = "".join(question + "\n" for question in questions)
    done = subprocess.run(
        [TOOL], input=text, capture_output=True, text=True, check=True
    )
    pairs = [answer.partition(" ") for answer in done.stdout.splitlines()]
    assert len(pairs) == len(questions)
    return [said if verdict == "ok" else None for verdict, _, said in pairs]


def check(cases: list[Case], least: int, whole: bool = True) -> None:
    """Check at least so many cases: whole answers, or how they begin."""
    assert len(cases) >= least
    for case, said in zip(cases, ask([case.question for case in cases])):
        if said is not None and case.answer is not None and not whole:
            said = said[: len(case.answer)]
        assert said == case.answer, case.name


def wycheproof(name: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Go through the tests of a file, each with its name and its group."""
    file = VECTORS / "wycheproof" / "testvectors_v1" / f"{name}_test.json"
    for group in json.loads(file.read_text())["testGroups"]:
        for test in group["tests"]:
            yield f"{name} {test['tcId']}: {test.get('comment')}", group, test


def test_signatures_are_judged_as_published() -> None:
    check(
        [
            Case(
                name,
                line("check", test["sig"], group["publicKey"]["pk"], test["msg"]),
                "" if test["result"] == "valid" else None,
            )
            for name, group, test in wycheproof("ed25519")
        ],
        150,
    )


def test_keys_agree_as_published_and_on_no_zero() -> None:
    cases = []
    for name, _, test in wycheproof("x25519"):
        secret, shared = test["private"], test["shared"]
        zero = int(shared, 16) == 0
        assert test["result"] in ("valid", "acceptable"), name
        cases.append(
            Case(name, line("agree", secret, test["public"]), None if zero else shared)
        )
    # The answer's second half is our public key, of which the vectors know nothing.
    check(cases, 500, whole=False)


def test_macs_are_as_published() -> None:
    tests = list(wycheproof("hmac_sha256"))
    assert len(tests) >= 150
    macs = ask([line("hmac", test["key"], test["msg"]) for _, _, test in tests])
    for (name, _, test), mac in zip(tests, macs):
        assert mac is not None
        # Some tags are cut.
        genuine = mac[: len(test["tag"])] == test["tag"]
        assert genuine == (test["result"] == "valid"), name


def test_derived_keys_are_as_published() -> None:
    check(
        [
            Case(
                name,
                line(
                    "hkdf",
                    test["salt"],
                    test["ikm"],
                    test["info"],
                    test["size"].to_bytes(2, "big").hex(),
                ),
                test["okm"] if test["result"] == "valid" else None,
            )
            for name, _, test in wycheproof("hkdf_sha256")
        ],
        80,
    )


def test_texts_are_encrypted_and_judged_as_published() -> None:
    cases = []
    for name, _, test in wycheproof("chacha20_poly1305"):
        words = test["key"], test["iv"], test["aad"]
        valid, sealed = test["result"] == "valid", test["ct"] + test["tag"]
        cases.append(
            Case(name, line("decrypt", *words, sealed), test["msg"] if valid else None)
        )
        if valid:
            cases.append(Case(name, line("encrypt", *words, test["msg"]), sealed))
    check(cases, 500)


def drawn(stream: bytes) -> Iterator[str]:
    """Inputs as the vectors' publisher draws them: a byte of length, so many bytes."""
    at = 0
    while True:
        end = at + 1 + stream[at]
        yield stream[at + 1 : end].hex()
        at = end


def test_sealing_is_that_of_rfc_9180() -> None:
    """Each vector has a digest of 1,000 ciphertexts in a row."""
    suite = {"mode": 0, "kem_id": 0x20, "kdf_id": 1, "aead_id": 3}
    vectors = json.loads((VECTORS / "hpke" / "rfc9180.json").read_text())
    ours = [v for v in vectors if all(v[k] == suite[k] for k in suite)]
    assert ours
    for vector in ours:
        [context] = ask(
            [line("context", vector["skRm"], vector["enc"], vector["info"])]
        )
        assert context is not None
        key, nonce = context[:64], int(context[64:], 16)
        inputs = drawn(hashlib.shake_128().digest(1 << 20))
        pairs = [(next(inputs), next(inputs)) for _ in range(1000)]
        questions = [
            line("encrypt", key, f"{nonce ^ number:024x}", aad, text)
            for number, (aad, text) in enumerate(pairs)
        ]
        sealed = [text or "" for text in ask(questions)]
        together = bytes.fromhex("".join(sealed))
        digest = hashlib.shake_128(together).hexdigest(16)
        assert digest == vector["encryptions_accumulated"]
        aad, text = pairs[0]
        single = line(
            "open", vector["skRm"], vector["info"], aad, vector["enc"] + sealed[0]
        )
        assert ask([single]) == [text]


# ---- ML-KEM-768 and X-Wing


@pytest.mark.usefixtures("mlkem")
def test_keys_of_mlkem_are_as_published() -> None:
    check(
        [
            Case(name, line("mlkem-public", test["seed"]), test["ek"])
            for name, _, test in wycheproof("mlkem_768_keygen_seed")
        ],
        100,
    )


@pytest.mark.usefixtures("mlkem")
def test_secrets_are_encapsulated_as_published() -> None:
    check(
        [
            Case(
                name,
                line("mlkem-encapsulate", test["ek"], test["m"]),
                test["c"] + test["K"] if test["result"] == "valid" else None,
            )
            for name, _, test in wycheproof("mlkem_768_encaps")
        ],
        250,
    )


@pytest.mark.usefixtures("mlkem")
def test_secrets_are_decapsulated_as_published() -> None:
    """Those of a seed or a ciphertext that is too short, too: refused."""
    check(
        [
            Case(
                name,
                line("mlkem-decapsulate", test["seed"], test["c"]),
                test["K"] if test["result"] == "valid" else None,
            )
            for name, _, test in wycheproof("mlkem_768")
        ],
        190,
    )


@pytest.mark.usefixtures("mlkem")
@pytest.mark.parametrize("file", ["hpkewg-test-vectors.json", "hpke-pq.json"])
def test_sealing_by_xwing_is_that_of_the_working_group(file: str) -> None:
    suite = {"mode": 0, "kem_id": 0x647A, "kdf_id": 1, "aead_id": 3}
    vectors = json.loads((VECTORS / "hpke" / file).read_text())
    ours = [v for v in vectors if all(v[k] == suite[k] for k in suite)]
    assert ours
    cases = []
    for v in ours:
        secret, enc, info = v["skRm"], v["enc"], v["info"]
        keys = v["key"] + v["base_nonce"]
        cases += [
            Case("public key", line("xwing-public", secret), v["pkRm"]),
            Case("key schedule", line("xwing-context", secret, enc, info), keys),
        ]
        # Sealed one by one: the nonce of each is the first.
        first = v["encryptions"][0]
        aad, text, sealed = first["aad"], first["pt"], enc + first["ct"]
        asked = line("xwing-seal", v["pkRm"], v["ikmE"], info, aad, text)
        cases += [
            Case("sealed", asked, sealed),
            Case("opened", line("xwing-open", secret, info, aad, sealed), text),
        ]
        # The others of the row, by the cipher alone.
        cases += [
            Case(
                f"encryption {number}",
                line("encrypt", v["key"], e["nonce"], e["aad"], e["pt"]),
                e["ct"],
            )
            for number, e in enumerate(v["encryptions"])
        ]
    check(cases, 4)
