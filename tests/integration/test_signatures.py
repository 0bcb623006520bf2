# SPDX-License-Identifier: Apache-2.0
"""Our requests before a service that checks signatures and policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aid.attack import Attack, fails, fill
from aid.environment import PLACE
from aid.imds import Credentials
from aid.queue import REGION, Moto, Queue, Role
from aid.sqsproxy import SqsProxy
from aid.watch import WatchedImds

ALL = ("sqs:*",)


class Instance:
    """Programs on an instance that has a role, before a strict service."""

    def __init__(self, attack: Attack, moto: Moto, imds: WatchedImds) -> None:
        self.attack, self.moto, self.imds = attack, moto, imds
        attack.imds = imds

    def env(self, **values: str | None) -> dict[str, str]:
        """The environment with this instance's metadata service."""
        return self.attack.env(**{PLACE: self.imds.url, **values})


@pytest.fixture
def instance(
    attack: Attack, moto: Moto, make_role: Callable[..., Role]
) -> Iterator[Callable[..., Instance]]:
    """Give a function that makes an instance whose role may do these actions."""
    running: list[WatchedImds] = []

    def make(
        *actions: str, change: Callable[[Credentials], Credentials] = lambda c: c
    ) -> Instance:
        role = make_role(*actions)

        def issue() -> Credentials:
            return change(role.credentials())

        standin = WatchedImds(region=REGION, issue=issue)
        running.append(standin.start())
        standin.document()  # before anything is checked
        return Instance(attack, moto, standin)

    yield make
    for standin in running:
        standin.stop()
        assert not standin.errors


def statuses(proxy: SqsProxy) -> list[tuple[str, int | None]]:
    """What was asked of SQS and how it was answered."""
    return [(record.key, record.status) for record in proxy.records]


def test_every_operation_is_accepted(
    instance: Callable[..., Instance],
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    generator: Path,
) -> None:
    there = instance(*ALL)
    with there.moto.iam_mode():
        made = attack.producer("-q", queue.name, "-d", generator, env=there.env())
        got = attack.agent("-q", queue.name, "-m", "10", env=there.env())
    assert made.code == 0, made.err
    assert "sent 10 of 10" in made.err
    assert got.code == 0, got.err
    assert len(got.out) == 5120
    assert queue.depth() == (0, 0)
    assert statuses(proxy) == [
        ("GetQueueUrl", 200),
        ("GetQueueAttributes", 200),
        ("SendMessageBatch", 200),
        ("GetQueueUrl", 200),
        ("ReceiveMessage", 200),
        ("DeleteMessageBatch", 200),
    ]
    access_key = json.loads(there.imds.document())["AccessKeyId"]
    assert {r.note["access_key"] for r in proxy.records} == {access_key}
    assert all(r.note["session"] for r in proxy.records)


def test_keys_of_the_environment_are_accepted(
    attack: Attack,
    moto: Moto,
    queue: Queue,
    make_role: Callable[..., Role],
) -> None:
    [payload] = fill(queue)
    given = make_role(*ALL).credentials()
    env = attack.env(
        AWS_ACCESS_KEY_ID=given.access_key,
        AWS_SECRET_ACCESS_KEY=attack.secret(given.secret_key),
        AWS_SESSION_TOKEN=attack.secret(given.token),
        AWS_REGION=REGION,
        AWS_EC2_METADATA_DISABLED="true",
    )
    with moto.iam_mode():
        got = attack.agent("-q", queue.url, env=env)
    assert (got.code, got.out) == (0, payload), got.err


def wrong_secret(given: Credentials) -> Credentials:
    """The secret key with its first character changed."""
    first = "B" if given.secret_key[0] == "A" else "A"
    return Credentials(given.access_key, first + given.secret_key[1:], given.token)


def wrong_key(given: Credentials) -> Credentials:
    """An access key that nobody was given."""
    return Credentials("ASIA" + "X" * 16, given.secret_key, given.token)


def wrong_token(given: Credentials) -> Credentials:
    """A session token of somebody else."""
    return Credentials(given.access_key, given.secret_key, given.token[::-1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (wrong_secret, ["SignatureDoesNotMatch", "check the secret key (IMDS)"]),
        (wrong_key, ["InvalidClientTokenId", "check the access key (IMDS)"]),
        (wrong_token, ["InvalidClientTokenId", "check the access key (IMDS)"]),
    ],
    ids=["secret key", "access key", "session token"],
)
@pytest.mark.parametrize("by", ["url", "name"])
def test_wrong_credentials_are_refused(
    instance: Callable[..., Instance],
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    change: Callable[[Credentials], Credentials],
    words: list[str],
    by: str,
) -> None:
    fill(queue)
    there = instance(*ALL, change=change)
    with there.moto.iam_mode():
        got = attack.agent("-q", getattr(queue, by), env=there.env())
    fails(got, 77, "HTTP 403", *words)
    assert len(proxy.records) == 1
    assert queue.depth() == (1, 0)


def test_a_wrong_secret_sends_nothing(
    instance: Callable[..., Instance],
    attack: Attack,
    queue: Queue,
    generator: Path,
) -> None:
    there = instance(*ALL, change=wrong_secret)
    with there.moto.iam_mode():
        got = attack.producer("-q", queue.url, "-d", generator, env=there.env())
    fails(got, 77, "GetQueueAttributes", "check the secret key (IMDS)")
    assert queue.depth() == (0, 0)


@pytest.mark.parametrize(
    ("allowed", "operation", "missing", "held"),
    [
        (["sqs:ReceiveMessage", "sqs:DeleteMessage*"], "GetQueueUrl", "GetQueueUrl", 0),
        (["sqs:GetQueueUrl"], "ReceiveMessage", "ReceiveMessage", 0),
        (
            ["sqs:GetQueueUrl", "sqs:ReceiveMessage"],
            "DeleteMessageBatch",
            "DeleteMessage",
            1,
        ),
    ],
    ids=["look-up", "receive", "delete"],
)
def test_a_missing_permission_of_the_agent_is_named(
    instance: Callable[..., Instance],
    attack: Attack,
    queue: Queue,
    allowed: list[str],
    operation: str,
    missing: str,
    held: int,
) -> None:
    fill(queue)
    there = instance(*allowed)
    with there.moto.iam_mode():
        got = attack.agent("-q", queue.name, env=there.env())
    fails(got, 77, operation, "AccessDenied", f"allow sqs:{missing} on", "(IMDS)")
    assert queue.depth() == (1 - held, held)


def test_a_missing_permission_to_send_is_named(
    instance: Callable[..., Instance],
    attack: Attack,
    queue: Queue,
    generator: Path,
) -> None:
    there = instance("sqs:GetQueueUrl", "sqs:GetQueueAttributes")
    with there.moto.iam_mode():
        got = attack.producer("-q", queue.name, "-d", generator, env=there.env())
    fails(got, 77, "SendMessageBatch", "allow sqs:SendMessage on", "(IMDS)")
    assert queue.depth() == (0, 0)
