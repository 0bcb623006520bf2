# SPDX-License-Identifier: Apache-2.0
"""A role for keys: what STS is asked, and whatever it may answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from aid.attack import answer, each
from aid.programs import Result, Runner
from aid.queue import REGION, Role
from aid.sts import BY_KEYS, Sts, refusal
from aid.wait import FOR_EVER

TOOL = "tests/programs/sts"
DENIED = (
    "User: arn:aws:sts::123456789012:assumed-role/a/i-0 is not authorized to "
    "perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/b"
)


class Asker:
    """Asks for a role by the keys of another."""

    def __init__(self, run: Runner, sts: Sts, by: Role, role: Role) -> None:
        self.run, self.sts, self.role = run, sts, role
        given = by.credentials()
        sts.keys[given.access_key] = given.secret_key
        self.keys = {
            "AWS_ACCESS_KEY_ID": given.access_key,
            "AWS_SECRET_ACCESS_KEY": given.secret_key,
            "AWS_SESSION_TOKEN": given.token,
        }

    def __call__(
        self,
        session: str = "",
        external: str = "",
        duration: int = 0,
        limit: float = FOR_EVER,
        **variables: str,
    ) -> Result:
        """Ask once; limit is in seconds."""
        words = [self.sts.url, REGION, self.role.arn, session, external]
        env = {**self.run.env, **self.keys, **variables}
        numbers = str(duration), str(int(limit * 1000))
        return self.run(str(self.run.build / TOOL), *words, *numbers, env=env)


@pytest.fixture
def ask(run: Runner, sts: Sts, make_role: Callable[..., Role]) -> Asker:
    """Give an asker that may assume roles."""
    return Asker(run, sts, make_role("sts:AssumeRole"), make_role("sqs:*"))


def test_what_is_asked_for_is_signed_and_given(ask: Asker) -> None:
    got = ask("by-hand@night", "an/id with: everything=1", 900)
    assert got.code == 0, got.err
    key, expires = got.out.decode().split()
    [record] = ask.sts.records
    assert record.note["form"] == {
        "Action": BY_KEYS,
        "Version": "2011-06-15",
        "RoleArn": ask.role.arn,
        "RoleSessionName": "by-hand@night",
        "ExternalId": "an/id with: everything=1",
        "DurationSeconds": "900",
    }
    assert record.note["access_key"] == ask.keys["AWS_ACCESS_KEY_ID"]
    assert f"<AccessKeyId>{key}<" in record.note["answer"]
    told = record.note["answer"].partition("<Expiration>")[2].partition("<")[0]
    ends = datetime.fromisoformat(told.replace("Z", "+00:00")).timestamp()
    assert int(expires) // 1000 == int(ends)


def test_wrong_keys_are_refused_by_name(ask: Asker) -> None:
    got = ask(AWS_SECRET_ACCESS_KEY="x" * 40)
    assert got.code == 77
    assert "SignatureDoesNotMatch: check the secret key" in got.err
    got = ask(AWS_ACCESS_KEY_ID="AKIA" + "X" * 16)
    assert got.code == 77
    assert "InvalidClientTokenId: check the access key" in got.err
    assert "of environment" in got.err


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "trust": (
        refusal("AccessDenied", DENIED, 403),
        77,
        "the trust policy of the role has to name the identity that asks",
    ),
    "scp": (
        refusal(
            "AccessDenied",
            f"{DENIED} with an explicit deny in a service control policy",
            403,
        ),
        77,
        "have the organization's administrator take the Deny of sts:AssumeRole",
    ),
    "identity": (
        refusal("AccessDenied", f"{DENIED} because no identity-based policy", 403),
        77,
        "in a policy of the identity of the credentials",
    ),
    "source expired": (
        refusal("ExpiredToken", "The security token is expired", 403),
        77,
        "renew the credentials that ask, of environment",
    ),
    "region": (
        refusal("RegionDisabledException", "STS is not activated here", 403),
        77,
        f"activate STS in region {REGION}",
    ),
    "duration": (
        refusal("ValidationError", "DurationSeconds exceeds the MaxSessionDuration"),
        78,
        "external id and duration",
    ),
    "a login page": (answer(b"<html>Sign in</html>"), 69, "a login page in between"),
    "nothing": (answer(b""), 69, "without proper credentials"),
    "no STS": (answer(b"{}", 404), 69, "is this the endpoint of STS"),
    "huge": ({"pad": 1 << 20}, 69, "the answer is too large"),
}


def test_each_refusal_is_said_with_its_remedy(ask: Asker) -> None:
    for fault, code, words in each(REFUSED):
        ask.sts.clear()
        ask.sts.forget()
        ask.sts.fault(BY_KEYS, **{**fault, "count": None})
        got = ask()
        assert (got.code, got.out) == (code, b""), got.err
        assert words in got.err
        assert f"AssumeRole for {ask.role.arn}" in got.err


SPOILT = {
    "no key": ("<AccessKeyId>[^<]+</AccessKeyId>", ""),
    "no token": ("<SessionToken>[^<]+<", "<SessionToken><"),
    "entity": ("<AccessKeyId>", "<AccessKeyId>&who;"),
    "line break": ("<AccessKeyId>ASIA", "<AccessKeyId>ASIA\n"),
    "comment": ("<SessionToken>", "<!-- <SessionToken>"),
    "no end": ("</Credentials>", ""),
    "date": ("<Expiration>2", "<Expiration>x"),
}


def test_credentials_that_are_not_whole_are_none(ask: Asker) -> None:
    for edit in each(SPOILT):
        ask.sts.edits = [edit]
        got = ask()
        assert (got.code, got.out) == (69, b""), got.err
        assert "without proper credentials" in got.err
        assert not [s for s in ask.sts.secrets if s in got.err]


PASSING: dict[str, dict[str, Any]] = {
    "busy": {"status": 503},
    "throttled": refusal("Throttling", "Rate exceeded"),
    "too many": {"status": 429},
    "dropped": {"end": "drop"},
    "reset": {"end": "reset"},
    "cut": {"truncate": 100},
    "silent": {"end": "silence"},
}


def test_what_passes_is_waited_for(ask: Asker) -> None:
    for fault in each(PASSING):
        ask.sts.forget()
        ask.sts.fault(BY_KEYS, **fault)
        got = ask()
        assert got.code == 0, got.err
        assert len(ask.sts.records) >= 2


def test_the_deadline_binds_all_tries(ask: Asker) -> None:
    for fault in each({"silent": {"end": "silence"}, "busy": {"status": 503}}):
        ask.sts.clear()
        ask.sts.fault(BY_KEYS, count=None, **fault)
        got = ask(limit=3)
        assert got.code == 69, got.err
        assert got.out == b""


def test_the_clock_of_the_service_is_taken(ask: Asker) -> None:
    ahead = {"Date": "Fri, 22 Nov 2030 08:00:00 GMT"}
    late = refusal("SignatureDoesNotMatch", "Signature expired: now is later", 403)
    late["headers"] = {**late["headers"], **ahead}
    ask.sts.fault(BY_KEYS, **late)
    got = ask()
    assert got.code == 0, got.err
    dates = [dict(r.note["headers"])["X-Amz-Date"] for r in ask.sts.records[1:]]
    assert [date[:13] for date in dates] == ["20301122T0800"]
