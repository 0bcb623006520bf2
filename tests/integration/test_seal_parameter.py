# SPDX-License-Identifier: Apache-2.0
"""A sealing key that the role may read: seal-key = "ssm:NAME"."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aid.attack import KINDS, each, edited, without
from aid.errors import coral
from aid.forge import SEAL, SIGN, Fleet, Message, XwingFleet, key_line, send
from aid.kernel import needs_kernel
from aid.programs import AGENT, Result
from aid.queue import REGION, Moto, Queue, Role
from aid.sqsproxy import SqsProxy, service_error
from aid.verdicts import Judge, Run

GET = "GetParameter"


def text_of(fleet: Fleet) -> str:
    """The text of the agent's key file."""
    return key_line(fleet.word + "-secret", fleet.secret_bytes)


class Store:
    """An agent whose sealing key is a parameter, and that parameter."""

    def __init__(self, judge: Judge, moto: Moto, ssm: SqsProxy) -> None:
        self.judge, self.ssm = judge, ssm
        self.client = moto.client("ssm")
        self.name = f"/entropy/{secrets.token_hex(8)}"
        self.keys = {text_of(judge.fleet).split()[1]}
        judge.settings |= {"seal_key": f"ssm:{self.name}", "region": REGION}
        judge.run.env["AWS_ENDPOINT_URL_SSM"] = ssm.url

    def put(self, value: str, kind: str = "SecureString", **values: Any) -> int:
        """Store another version; return its number."""
        self.keys |= set(value.split()[1::2])
        answer = self.client.put_parameter(
            Name=self.name, Value=value, Type=kind, Overwrite=True, **values
        )
        return int(answer["Version"])

    def sealed(self, fleet: Fleet | None = None) -> Message:
        """A good message, sealed for a fleet."""
        to = (fleet or self.judge.fleet).public_key
        return self.judge.good.message(self.judge.queue, to=to)

    def look(self, *args: str | Path, **values: Any) -> Run:
        """Run the agent for as many messages as there are; it tells no key."""
        run = self.judge.look("-m", "10", *args, **values)
        said = run.result.out.decode(errors="replace") + run.result.err
        assert not any(key in said for key in self.keys)
        return run

    def asked(self) -> list[str]:
        """Which parameters were asked for, each by one request with decryption."""
        requests = [json.loads(r.note["request"]) for r in self.ssm.records]
        assert len(self.ssm.matching(GET)) == len(requests)
        assert all(r["WithDecryption"] is True for r in requests)
        return [r["Name"] for r in requests]

    def refused(self, got: Result, code: int, *words: str) -> None:
        """Check that a run ended for want of a key, before it received anything."""
        assert got.code == code, got.err
        [line] = [line for line in got.lines() if "seal-key: " in line]
        for word in words:
            assert word in line
        assert self.judge.proxy.matching("ReceiveMessage") == []


@pytest.fixture
def store(
    make_judge: Callable[..., Judge], queue: Queue, moto: Moto, beside: SqsProxy
) -> Store:
    """Give a store whose parameter is not there yet."""
    return Store(make_judge(queue), moto, beside)


def test_the_key_of_a_parameter_opens_messages(store: Store) -> None:
    store.put(text_of(store.judge.fleet))
    send(store.judge.queue, store.sealed())
    run = store.look("--strict", "-vv")
    assert run.result.code == 0, run.result.err
    assert run.verdicts[0].credited(512)
    assert store.asked() == [store.name]
    # It was there before anything was received.
    [asked] = store.ssm.records
    [received, *_] = store.judge.proxy.matching("ReceiveMessage")
    assert asked.ended is not None
    assert asked.ended < received.began


# docs/fleet.md has it as it stands here.
PUT = "aws ssm put-parameter --name /entropy/seal-key --type SecureString --value file:///etc/sqs-entropy/seal.key"


def test_the_documented_command_makes_one(
    store: Store, moto: Moto, tmp_path: Path
) -> None:
    key = store.judge.fleet.key_file(tmp_path / "seal.key")
    subprocess.run(
        ["sh", "-ec", f"{PUT.replace('/etc/sqs-entropy/seal.key', str(key))} >&2"],
        env={
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": moto.url,
        },
        check=True,
    )
    store.judge.settings["seal_key"] = "ssm:/entropy/seal-key"
    send(store.judge.queue, store.sealed())
    run = store.look()
    store.client.delete_parameter(Name="/entropy/seal-key")
    assert run.result.code == 0, run.result.err
    assert run.verdicts[0].credited(512)


@needs_kernel
def test_it_does_so_in_the_kernel(store: Store) -> None:
    store.put(text_of(store.judge.fleet))
    send(store.judge.queue, store.sealed())
    run = store.look("--strict", kernel=True)
    assert run.result.code == 0, run.result.err
    assert run.credit == 256


def test_after_a_rotation_both_open(store: Store) -> None:
    """What is in the queue was sealed before, what comes is sealed for the new key."""
    old, new, strange = Fleet(), store.judge.fleet, Fleet()
    for fleet in (strange, old, new):
        version = store.put(text_of(fleet))
    send(store.judge.queue, *map(store.sealed, (new, old, strange)))
    run = store.look("-v")
    assert run.result.code == 0, run.result.err
    assert [v.bytes for v in run.verdicts] == [512, 512, 0]
    assert run.verdicts[2].discarded == "sealed for somebody else"
    assert store.asked() == [store.name, f"{store.name}:{version - 1}"]
    said = f"seal-key: version {version} of parameter {store.name}, and the one before"
    assert said in run.result.err


@pytest.mark.usefixtures("mlkem")
def test_a_parameter_may_hold_a_key_of_each_kind(store: Store) -> None:
    """And what was sealed for its version before opens, by either."""
    before, x25519, xwing = XwingFleet(), store.judge.fleet, XwingFleet()
    store.put(text_of(before))
    store.put(text_of(xwing) + text_of(x25519))
    send(store.judge.queue, *map(store.sealed, (before, x25519, xwing, XwingFleet())))
    run = store.look()
    assert run.result.code == 0, run.result.err
    assert [v.bytes for v in run.verdicts] == [512, 512, 512, 0]
    assert "does not open with this seal-key" in run.result.err


NO_MLKEM = "OpenSSL on this host has no ML-KEM-768: take the sqs-entropy-xwing-secret"


@pytest.mark.usefixtures("no_mlkem")
def test_a_parameter_with_a_key_that_openssl_cannot_use_is_refused(
    store: Store,
) -> None:
    """The newest; of the version before it is a warning."""
    both = text_of(store.judge.fleet) + text_of(XwingFleet())
    store.put(both)
    send(store.judge.queue, store.sealed())
    store.refused(store.look().result, 78, f": seal-key: {NO_MLKEM}")
    assert store.judge.queue.depth() == (1, 0)
    store.put(text_of(store.judge.fleet))
    run = store.look()
    assert run.result.code == 0, run.result.err
    assert run.verdicts[0].credited(512)
    assert f"version 1 of parameter {store.name} does not open: " in run.result.err
    assert NO_MLKEM in run.result.err


def test_a_version_or_a_label_is_asked_for_alone(store: Store) -> None:
    old, new = Fleet(), store.judge.fleet
    first = store.put(text_of(old))
    second = store.put(text_of(new))
    store.client.label_parameter_version(
        Name=store.name, ParameterVersion=first, Labels=["before"]
    )
    for by, fleet, other in (
        (str(second), new, old),
        (str(first), old, new),
        ("before", old, new),
    ):
        store.ssm.forget()
        store.judge.settings["seal_key"] = f"ssm:{store.name}:{by}"
        send(store.judge.queue, store.sealed(fleet), store.sealed(other))
        run = store.look()
        assert [v.bytes for v in run.verdicts] == [512, 0], run.result.err
        assert store.asked() == [f"{store.name}:{by}"]


def test_the_version_before_may_be_of_no_use(store: Store) -> None:
    """The newest opens what is sealed for it, and a warning tells the rest."""
    store.put("nothing")
    store.put(text_of(store.judge.fleet))
    send(store.judge.queue, store.sealed())
    run = store.look()
    assert run.result.code == 0, run.result.err
    assert (
        f"seal-key: what was sealed for version 1 of parameter {store.name} does not "
        f"open: parameter {store.name}:1:1: not a key: a line"
    ) in run.result.err
    assert f"; write ssm:{store.name}:2 to have the newest alone" in run.result.err
    # It is not waited for until the end, and what passes is no advice.
    store.ssm.fault(GET, skip=1, count=None, end="silence")
    send(store.judge.queue, store.sealed())
    run = store.look("-t", "8")
    assert run.result.code == 0, run.result.err
    said = f"version 1 of parameter {store.name} does not open in this run: "
    assert said in run.result.err
    assert "to have the newest alone" not in run.result.err


def test_the_same_key_twice_is_one(store: Store) -> None:
    for _ in range(2):
        store.put(text_of(store.judge.fleet))
    send(store.judge.queue, store.sealed())
    run = store.look("-v")
    assert run.result.code == 0, run.result.err
    assert "and the one before" not in run.result.err


def no_key(store: Store) -> None:
    """Something else is stored."""
    store.put("hello")


def signing_key(store: Store) -> None:
    """A key of another kind is."""
    store.put(key_line(SIGN + "-secret", secrets.token_bytes(32)))


def public_key(store: Store) -> None:
    """That of the producers is."""
    store.put(key_line(SEAL, store.judge.fleet.public_key))


def cut_key(store: Store) -> None:
    """Half of the line is missing."""
    store.put(text_of(store.judge.fleet)[:40])


def clear_key(store: Store) -> None:
    """It is there for all that may read parameters."""
    store.put(text_of(store.judge.fleet), "String")


def listed_key(store: Store) -> None:
    """The same, as a list."""
    store.put(text_of(store.judge.fleet).strip(), "StringList")


def no_version(store: Store) -> None:
    """A version is asked for that is not there."""
    store.put(text_of(store.judge.fleet))
    store.judge.settings["seal_key"] += ":7"


def nothing_at_all(store: Store) -> None:
    """Nobody has stored it."""


MADE: dict[str, tuple[Callable[[Store], None], str]] = {
    "missing": (
        nothing_at_all,
        "(aws ssm put-parameter --type SecureString), or check",
    ),
    "no version": (no_version, "check what stands behind the colon of "),
    "clear": (clear_key, "is a String, which is stored in the clear: delete it, and"),
    "list": (listed_key, "is a StringList, which is stored in the clear"),
    "no key": (no_key, ":1: not a key: a line"),
    "signing key": (signing_key, "belongs here, the line that begins with"),
    "public key": (public_key, "belongs here, the line that begins with"),
    "cut": (cut_key, ":1: malformed: "),
}


@pytest.mark.parametrize("name", MADE)
def test_a_parameter_that_gives_no_key_is_wrong_configuration(
    store: Store, name: str
) -> None:
    make, words = MADE[name]
    make(store)
    send(store.judge.queue, store.sealed())
    got = store.look().result
    store.refused(got, 78, words)
    assert store.judge.queue.depth() == (1, 0)
    for line in (text_of(store.judge.fleet), "hello"):
        assert line.split()[-1] not in got.err


DENIED = "User: arn:aws:sts::123456789012:assumed-role/r/i is not authorized to perform"
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "policy": (
        coral(
            "AccessDeniedException",
            f"{DENIED}: ssm:GetParameter on resource: arn:aws:ssm:eu-west-1:1:parameter"
            "/x because no identity-based policy allows the ssm:GetParameter action",
            "",
        ),
        77,
        "; allow ssm:GetParameter on arn:aws:ssm:eu-west-1:1:parameter/x in a policy "
        "of the identity of the credentials (environment)",
    ),
    "key": (
        service_error(
            "AccessDeniedException",
            f"{DENIED}: kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/2 because "
            "no identity-based policy allows the kms:Decrypt action",
        ),
        77,
        "; allow kms:Decrypt on arn:aws:kms:eu-west-1:1:key/2 in a policy of the",
    ),
    "hidden key": (
        service_error(
            "AccessDeniedException",
            "The ciphertext refers to a customer master key that does not exist, does "
            "not exist in this region, or you are not allowed to access. (Service: "
            "AWSKMS; Status Code: 400; Error Code: AccessDeniedException)",
        ),
        77,
        "; allow kms:Decrypt on the parameter's KMS key to the identity of the",
    ),
    "disabled key": (
        service_error("InvalidKeyId", "arn:aws:kms:eu-west-1:1:key/2 is disabled."),
        78,
        "cannot be used: enable it, or cancel its deletion; this does not pass by",
    ),
    "reserved name": (
        service_error(
            "ValidationException",
            'Parameter name: can\'t be prefixed with "ssm" (case-insensitive).',
        ),
        78,
        "; no parameter can have the name /entropy/",
    ),
    "throttled": (
        service_error("ThrottlingException", "Rate exceeded"),
        69,
        "ThrottlingException: Rate exceeded",
    ),
    "busy": (service_error("InternalServerError", "no", 500), 69, "try later"),
    "silent": ({"end": "silence"}, 69, "no answer in time"),
    "login page": (
        {"status": 200, "body": "<html>Sign in</html>"},
        69,
        "a body that is not an answer of SSM",
    ),
}


def test_each_refusal_is_told_with_its_remedy(store: Store) -> None:
    store.put(text_of(store.judge.fleet))
    send(store.judge.queue, store.sealed())
    for fault, code, words in each(REFUSED):
        store.ssm.clear()
        store.ssm.fault(GET, count=None, **fault)
        # What may pass by is waited for until the deadline.
        args = ("-t", "6") if code == 69 else ("-t", "60")
        store.refused(store.look(*args).result, code, store.name, words)
        store.judge.proxy.forget()
    assert store.judge.queue.depth() == (1, 0)


def test_what_passes_is_waited_for(store: Store) -> None:
    store.put(text_of(store.judge.fleet))
    for fault in each({"busy": {"status": 503}, "reset": {"end": "reset"}}):
        send(store.judge.queue, store.sealed())
        store.ssm.fault(GET, **fault)
        run = store.look("-t", "30")
        assert run.result.code == 0, run.result.err
        assert run.verdicts[0].credited(512)


def test_an_answer_that_is_not_whole_gives_no_key(store: Store) -> None:
    store.put(text_of(store.judge.fleet))
    where = [("Parameter",), ("Parameter", "Type"), ("Parameter", "Value")]
    edits = {f"no {path[-1]}": without(*path) for path in where}
    for path in where:
        edits |= {
            f"{path[-1]} is {kind}": edited(*path, to=value)
            for kind, value in KINDS.items()
        }
    for edit in each(edits):
        store.ssm.clear()
        store.ssm.fault(GET, count=None, edit=edit)
        store.refused(store.look().result, 69, f"parameter {store.name}: {GET}: ")
    # Without a number there is no version before.
    store.ssm.clear()
    store.ssm.fault(GET, count=None, edit=without("Parameter", "Version"))
    store.ssm.forget()
    send(store.judge.queue, store.sealed())
    assert store.look().result.code == 0
    assert store.asked() == [store.name]


def test_its_permissions_are_needed(
    store: Store, moto: Moto, make_role: Callable[..., Role]
) -> None:
    """Moto checks signatures and policies; the queue's are there in both."""
    store.put(text_of(store.judge.fleet))
    send(store.judge.queue, store.sealed())
    roles = {
        "sqs": make_role("sqs:*"),
        "both": make_role("sqs:*", "ssm:GetParameter"),
    }
    by = {name: role.credentials() for name, role in roles.items()}
    with moto.iam_mode():
        for name, given in by.items():
            keys = {
                "AWS_ACCESS_KEY_ID": given.access_key,
                "AWS_SECRET_ACCESS_KEY": given.secret_key,
                "AWS_SESSION_TOKEN": given.token,
            }
            run = store.look(env={**store.judge.run.env, **keys})
            if name == "sqs":
                words = "AccessDenied", "allow ssm:GetParameter on "
                store.refused(run.result, 77, *words)
    assert run.result.code == 0, run.result.err
    assert run.verdicts[0].credited(512)


def test_a_silent_store_does_not_outlast_the_run(store: Store) -> None:
    store.ssm.fault(GET, count=None, end="silence")
    began = time.monotonic()
    store.refused(store.look("-t", "6").result, 69, GET)
    assert time.monotonic() - began >= 1


@needs_kernel
def test_a_store_out_of_reach_is_made_up_for_as_a_queue_is(
    store: Store, moto: Moto
) -> None:
    """By bytes of KMS, where they are wanted; what is missing is not."""
    store.judge.settings["fallback"] = "kms"
    env = {**store.judge.run.env, "AWS_ENDPOINT_URL_KMS": moto.url}
    got = store.look("-t", "8", env=env, kernel=True).result
    store.refused(got, 78, "there is no parameter")
    assert "of KMS" not in got.err
    store.ssm.fault(GET, count=None, end="silence")
    got = store.look("-t", "8", env=env, kernel=True).result
    store.refused(got, 69, GET)
    assert "injected 64 bytes of KMS into the kernel, in place of a" in got.err


def test_a_file_asks_nobody(store: Store, tmp_path: Path) -> None:
    key = store.judge.fleet.key_file(tmp_path / "seal.key")
    store.judge.settings["seal_key"] = str(key)
    send(store.judge.queue, store.sealed())
    assert store.look().result.code == 0
    assert store.ssm.records == []


def test_check_says_what_sealing_is_worth_then(store: Store) -> None:
    """And asks nobody: that there is no such parameter is for --doctor."""
    shown = store.judge.look("--check").result
    assert shown.code == 0, shown.err
    for line in (
        f'# endpoint of SSM = "{store.ssm.url}"  # AWS_ENDPOINT_URL_SSM',
        f"# seal-key: parameter {store.name}  # the half that talks to the network "
        "reads it: sealing hides messages from readers of the queue, not from that "
        "half",
    ):
        assert line in shown.out.decode().splitlines()
    assert store.ssm.records == []


@pytest.mark.parametrize(
    "name", ["", ":1", "a:", "a:1:2", "a/b", "/a/", "a b", "a*", "$(id)"]
)
def test_what_names_no_parameter_is_refused(store: Store, name: str) -> None:
    store.judge.settings["seal_key"] = f"ssm:{name}"
    got = store.judge.look("--check").result
    assert got.code == 78, got.err
    assert "names no parameter: write ssm:NAME, ssm:NAME:VERSION or" in got.err


def test_status_does_not_show_it(store: Store) -> None:
    store.put(text_of(store.judge.fleet))
    send(store.judge.queue, store.sealed())
    assert store.look().result.code == 0
    shown = store.judge.run(AGENT, "--status", "--json")
    assert text_of(store.judge.fleet).split()[1].encode() not in shown.out
