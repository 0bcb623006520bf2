# SPDX-License-Identifier: Apache-2.0
"""Metadata services that are absent, off, slow, wrong, or change on the way."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from aid.attack import KINDS, Attack, each, fails, fill, untouched
from aid.environment import PLACE
from aid.programs import Result
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy
from aid.watch import DOCUMENT, PUT, ROLES


@pytest.fixture
def closed() -> Iterator[str]:
    """Give a place where nobody listens."""
    # Bound, so that nobody else can listen there meanwhile.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


# Not there.


def test_an_instance_without_a_role_is_told_so(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    attack.imds.role = None
    got = attack.agent("-q", queue.url)
    fails(got, 77, "no IAM role is attached", "attach an instance profile", "sqs:")
    untouched(queue, proxy)


def test_an_empty_list_of_roles_is_no_role(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    attack.imds.fault(ROLES, count=None, status=200, body="\n")
    fails(attack.agent("-q", queue.url), 77, "no IAM role is attached")
    untouched(queue, proxy)


def test_a_service_that_cannot_be_reached_is_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy, closed: str
) -> None:
    fill(queue)
    env = attack.env(**{PLACE: closed, "AWS_REGION": REGION})
    got = attack.agent("-q", queue.url, env=env, timeout=2)
    line = fails(got, 69, "no AWS credentials", "cannot be reached")
    for place in ("AWS_ACCESS_KEY_ID", ".aws/credentials", closed[len("http://") :]):
        assert place in line
    untouched(queue, proxy)


def test_without_imds_a_region_has_to_be_set(
    attack: Attack, queue: Queue, proxy: SqsProxy, closed: str
) -> None:
    fill(queue)
    env = attack.env(**{PLACE: closed})
    got = attack.agent("-q", queue.url, env=env, timeout=2)
    fails(got, 69, "no region", "AWS_REGION", "cannot be reached")
    untouched(queue, proxy)


def test_a_service_that_is_off_is_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    attack.imds.enabled = False
    env = attack.env(AWS_REGION=REGION)
    got = attack.agent("-q", queue.url, env=env)
    fails(got, 77, "IMDS", "off (403)", "--http-endpoint enabled")
    assert len(attack.imds.records) == 1
    untouched(queue, proxy)


@pytest.mark.parametrize("value", ["true", "TRUE", "True"])
def test_the_environment_can_disable_it(
    attack: Attack, queue: Queue, proxy: SqsProxy, value: str
) -> None:
    fill(queue)
    env = attack.env(AWS_REGION=REGION, AWS_EC2_METADATA_DISABLED=value)
    got = attack.agent("-q", queue.url, env=env)
    fails(got, 77, "off by AWS_EC2_METADATA_DISABLED", "unset it")
    assert attack.imds.connections == 0
    untouched(queue, proxy)


@pytest.mark.parametrize("value", ["false", "", "1"])
def test_only_true_in_the_environment_disables_it(
    attack: Attack, queue: Queue, value: str
) -> None:
    [payload] = fill(queue)
    env = attack.env(AWS_EC2_METADATA_DISABLED=value)
    got = attack.agent("-q", queue.url, env=env)
    assert (got.code, got.out) == (0, payload), got.err


def test_a_service_of_version_1_is_not_asked_further(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for status in (400, 404, 405):
        attack.imds.clear()
        attack.imds.fault(PUT, count=None, status=status)
        env = attack.env(AWS_REGION=REGION)
        got = attack.agent("-q", queue.url, env=env)
        fails(got, 77, f"answered {status}", "no IMDSv2")
    assert not attack.imds.matching("GET *")
    untouched(queue, proxy)


# There, and wrong.


def once(attack: Attack, queue: Queue) -> Result:
    """Run the agent with a single try: what is wrong is not asked for again."""
    env = attack.env(AWS_METADATA_SERVICE_NUM_ATTEMPTS="1")
    return attack.agent("-q", queue.url, env=env)


@pytest.mark.parametrize("chunked", [False, True])
def test_answers_that_are_too_large_are_asked_for_again(
    attack: Attack, queue: Queue, proxy: SqsProxy, chunked: bool
) -> None:
    [payload] = fill(queue)
    for match in (PUT, "GET */region", ROLES, DOCUMENT):
        attack.imds.fault(match, count=None, pad=200_000, chunked=chunked)
        got = attack.agent("-q", queue.url, timeout=2)
        fails(got, 69, "IMDS at", "gave an answer that is too large")
        attack.imds.clear()
    untouched(queue, proxy)
    attack.imds.fault(ROLES, count=2, pad=200_000, chunked=chunked)
    assert attack.agent("-q", queue.url).out == payload


def test_a_503_is_asked_again(attack: Attack, queue: Queue) -> None:
    [payload] = fill(queue)
    for match in (PUT, ROLES, DOCUMENT):
        attack.imds.fault(match, status=503)
    got = attack.agent("-q", queue.url)
    assert (got.code, got.out) == (0, payload), got.err
    assert len(got.lines()) == 1


def test_an_error_document_is_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    attack.imds.error_code = "AssumeRoleUnauthorizedAccess"
    got = attack.agent("-q", queue.url, timeout=2)
    line = fails(got, 77, "AssumeRoleUnauthorizedAccess", "check the role", "trust")
    assert "EC2 cannot assume the role sqs-entropy" in line
    untouched(queue, proxy)


NO_DOCUMENT = {
    "empty": "",
    "html": "<html>log in</html>",
    "truncated": '{"Code": "Success", "AccessKeyId": "ASIA',
    "nested": '{"Code":' + "[" * 7000 + "]" * 7000 + "}",
    "list": "[]",
    "no members": "{}",
    "duplicate": '{"Code": "Success", "Code": "Success"}',
    "nul": '{"Code": "Success\\u0000"}',
}


def test_what_is_no_document_is_refused(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for text in each(NO_DOCUMENT):
        attack.imds.fault(DOCUMENT, status=200, body=text)
        fails(once(attack, queue), 69, "IMDS", "role sqs-entropy")
    untouched(queue, proxy)


WRONG = {
    **KINDS,
    "nothing": "",
    "a line break": "AKIA\r\nX-Forwarded-For: 1",
    "a space": "AK IA",
    "unicode": "\u00e9" * 20,
    "long": "x" * 15_000,
}
# A token may be long.
TOKENS = {name: value for name, value in WRONG.items() if name != "long"}


@pytest.mark.parametrize(
    "member", ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"]
)
def test_a_document_with_a_wrong_member_is_refused(
    attack: Attack, queue: Queue, proxy: SqsProxy, member: str
) -> None:
    fill(queue)
    good = json.loads(attack.imds.document())
    secret = attack.secret("SeCrEt/ThAt/IsNotToBeSeen+0123456789abcd")
    for value in each(WRONG if member != "Token" else TOKENS):
        document = {**good, "SecretAccessKey": secret, member: value}
        attack.imds.fault(DOCUMENT, status=200, body=json.dumps(document))
        fails(once(attack, queue), 69, "IMDS", "role sqs-entropy")
    untouched(queue, proxy)


IMPOSSIBLE = [
    (PUT, "", "token"),
    (PUT, "a\r\nHost: b", "token"),
    (PUT, "t" * 2000, "token"),
    ("GET */region", "", "region"),
    ("GET */region", "eu west", "region"),
    ("GET */region", "../x", "region"),
    ("GET */region", "evil.example/", "region"),
    ("GET */region", "<html>", "region"),
    ("GET */region", "eu-west-1.evil.example", "region"),
    ("GET */region", "eu-west-1@127.0.0.1", "region"),
    ("GET */region", "eu-west-1-" + "x" * 60, "region"),
    (ROLES, "a\tb", "security-credentials"),
    (ROLES, "r" * 300, "security-credentials"),
]


def test_impossible_values_are_refused(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for match, text, word in each({f"{c[0]} {c[1]}": c for c in IMPOSSIBLE}):
        attack.imds.fault(match, status=200, body=text)
        got = once(attack, queue)
        assert got.code in (69, 78), got.err
        fails(got, got.code, word)
    untouched(queue, proxy)


# Changing on the way.


def renewals(attack: Attack) -> int:
    """How often a token was asked for."""
    return len(attack.imds.matching(PUT))


def test_a_token_that_expires_is_renewed_once(attack: Attack, queue: Queue) -> None:
    [payload] = fill(queue)
    lives = iter([True])

    def revoke() -> None:
        if next(lives, False):
            attack.imds.revoke_tokens()

    attack.imds.after["placement/region"] = revoke
    got = attack.agent("-q", queue.url)
    assert (got.code, got.out) == (0, payload), got.err
    assert renewals(attack) == 2
    got_statuses = [r.status for r in attack.imds.matching("GET *")]
    assert got_statuses == [200, 401, 200, 200]


def test_a_token_that_expires_after_every_answer_is_renewed(
    attack: Attack, queue: Queue
) -> None:
    [payload] = fill(queue)
    attack.imds.after["meta-data"] = attack.imds.revoke_tokens
    got = attack.agent("-q", queue.url)
    # Whatever is asked for next renews it.
    assert (got.code, got.out) == (0, payload), got.err


def test_a_service_that_takes_no_token_is_reported(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    attack.imds.fault("GET *", count=None, status=401)
    got = attack.agent("-q", queue.url, timeout=2)
    fails(got, 69, "IMDS", "401")
    # With pauses: it is no storm.
    assert 2 <= renewals(attack) < 20
    untouched(queue, proxy)


def test_credentials_past_their_end_are_used_all_the_same(
    attack: Attack, queue: Queue
) -> None:
    [payload] = fill(queue)
    attack.imds.lifetime, attack.imds.rotation = -3600, False
    got = attack.agent("-q", queue.url)
    assert (got.code, got.out) == (0, payload), got.err


# Where it is.


@pytest.mark.parametrize("slashes", ["/", "//"])
def test_an_endpoint_may_end_with_a_slash(
    attack: Attack, queue: Queue, slashes: str
) -> None:
    [payload] = fill(queue)
    env = attack.env(**{PLACE: attack.imds.url + slashes})
    got = attack.agent("-q", queue.url, env=env)
    assert (got.code, got.out) == (0, payload), got.err
    assert not attack.imds.matching("*//*")


NOWHERE = [
    "127.0.0.1",
    "ftp://127.0.0.1",
    "http://",
    "http:///",
    "http://u:p@127.0.0.1",
    "http://127.0.0.1/?x",
    "http://127.0.0.1 /",
    "http://" + "h" * 400,
    "http://192.0.2.1",
    "http://metadata.example",
    "http://127.0.0.1.example",
]


def test_an_endpoint_that_may_not_be_is_refused(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for place in each({p: p for p in NOWHERE}):
        got = attack.agent("-q", queue.url, env=attack.env(**{PLACE: place}))
        # Whoever tries to reach somebody fails otherwise.
        fails(got, 78)
    untouched(queue, proxy)
