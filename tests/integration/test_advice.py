# SPDX-License-Identifier: Apache-2.0
"""Every diagnostic of SQS with advice, read whole: what is answered, what is said."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aid.attack import Attack, each, fails, fill
from aid.environment import PLACE
from aid.errors import skewed
from aid.payload import noise
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy, service_error

ROOT = Path(__file__).resolve().parents[2]

WHO = "arn:aws:sts::123456789012:assumed-role/entropy/i-0abc"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:entropy"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
POLICY = "arn:aws:organizations::210987654321:policy/o-x/service_control_policy/p-y"

# Each operation with the action that its denial names, and who asks for it.
ACTIONS = {
    "GetQueueUrl": "sqs:GetQueueUrl",
    "ReceiveMessage": "sqs:ReceiveMessage",
    "DeleteMessageBatch": "sqs:DeleteMessage",
    "GetQueueAttributes": "sqs:GetQueueAttributes",
    "SendMessageBatch": "sqs:SendMessage",
}
RECEIVE, SEND = "ReceiveMessage", "SendMessageBatch"


class Case(NamedTuple):
    """An answer, and what is right for it; {} stand for what each() fills in."""

    name: str
    code: str  # of the query protocol
    shape: str  # of the JSON protocol
    text: str
    exit: int
    advice: str
    status: int = 403
    operations: tuple[str, ...] = (RECEIVE,)


# How a text says which policy it was, and what to do about it (IAM User Guide,
# "Troubleshoot access denied error messages").
ADMIN = "have the organization's administrator "
OVERRULES = ": no Allow elsewhere overrules it"
REQUEST = "the VPC endpoint that the request came through"
MADE = "the session policy with which the credentials were made (IMDS)"
DENIALS = {
    "because no identity-based policy allows the {action} action": (
        "allow {Action} on {resource} in a policy of the identity of the credentials "
        "(IMDS){key}"
    ),
    "because no resource-based policy allows the {action} action": (
        "allow {Action} on {resource} to the identity of the credentials in the {own}"
    ),
    "because no permissions boundary allows the {action} action": (
        "allow {Action} on {resource} in the permissions boundary of the identity of "
        "the credentials (IMDS), too: its own policies do not suffice"
    ),
    "because no session policy allows the {action} action": (
        "allow {Action} on {resource} in " + MADE + ", too: the role's own policies do "
        "not suffice"
    ),
    "because no service control policy allows the {action} action": (
        ADMIN + "allow {Action} on {resource} in the service control policies (SCP): "
        "no policy of the account itself can"
    ),
    "because no resource control policy allows the {action} action": (
        ADMIN + "allow {Action} on {resource} in the resource control policies (RCP): "
        "no policy of the account itself can"
    ),
    "because no VPC endpoint policy allows the {action} action": (
        "allow {Action} on {resource} in the policy of " + REQUEST + ": a policy of "
        "the identity does not help"
    ),
    "with an explicit deny in an identity-based policy": (
        "take the Deny of {Action} on {resource} out of the policy of the identity of "
        "the credentials (IMDS)" + OVERRULES
    ),
    "with an explicit deny in a resource-based policy": (
        "take the Deny of {Action} on {resource} out of the {own}" + OVERRULES
    ),
    "with an explicit deny in a permissions boundary": (
        "take the Deny of {Action} on {resource} out of the permissions boundary of "
        "the identity of the credentials (IMDS)" + OVERRULES
    ),
    "with an explicit deny in a session policy": (
        "take the Deny of {Action} on {resource} out of " + MADE + OVERRULES
    ),
    "with an explicit deny in a service control policy": (
        ADMIN + "take the Deny of {Action} on {resource} out of the service control "
        "policy (SCP)" + OVERRULES
    ),
    f"with an explicit deny in a service control policy: {POLICY}": (
        ADMIN + "take the Deny of {Action} on {resource} out of the service control "
        "policy (SCP) " + POLICY + OVERRULES
    ),
    "with an explicit deny in a resource control policy": (
        ADMIN + "take the Deny of {Action} on {resource} out of the resource control "
        "policy (RCP)" + OVERRULES
    ),
    "with an explicit deny in a VPC endpoint policy": (
        "take the Deny of {Action} on {resource} out of the policy of "
        + REQUEST
        + OVERRULES
    ),
    "with an explicit deny": (
        "find the policy that denies {Action} on {resource}, which may be one of the "
        "identity, of the resource, of the VPC endpoint or of the organization"
        + OVERRULES
    ),
    "": (
        "allow {Action} on {resource} to the identity of the credentials (IMDS); from "
        "another account in the resource's own policy, too"
    ),
}


def denials(operation: str) -> Iterator[Case]:
    """What each kind of policy makes the service say of an operation, and of KMS."""
    uses = "kms:GenerateDataKey" if operation == SEND else "kms:Decrypt"
    subjects = {"AccessDenied": (ACTIONS[operation], QUEUE, "queue's own policy")}
    if operation in (RECEIVE, SEND):
        subjects["KMS.AccessDeniedException"] = (uses, KEY, "key policy")
    for code, (action, resource, own) in subjects.items():
        kms = code.startswith("KMS")
        words = {
            # SQS writes its own actions in small letters.
            "action": action if kms else action.lower(),
            "Action": action,
            "resource": resource,
            "own": own,
            "key": ", or in the key policy" if kms else "",
        }
        for why, advice in DENIALS.items():
            yield Case(
                f"{code} {why}",
                code,
                "KmsAccessDenied" if kms else "AccessDeniedException",
                f"User: {WHO} is not authorized to perform: {words['action']} on "
                f"resource: {resource} {why.format(**words)}".strip(),
                77,
                advice.format(**words),
                400 if kms else 403,
            )


PASS = "; this does not pass by itself"
KEYS = [
    (
        "Disabled",
        f"{KEY} is disabled.",
        f"{KEY}: enable it (aws kms enable-key), or let the queue's encryption have "
        "another key" + PASS,
    ),
    (
        "InvalidState",
        f"{KEY} is pending deletion.",
        f"{KEY}: its state forbids it (aws kms describe-key): cancel its deletion or "
        "import its material, or let the queue's encryption have another key" + PASS,
    ),
    (
        "NotFound",
        f"Key '{KEY}' does not exist",
        f"{KEY}: let KmsMasterKeyId of the queue be a key that exists in its region"
        + PASS,
    ),
    (
        "InvalidKeyUsage",
        "The key is not a symmetric one.",
        "the queue's KMS key: let KmsMasterKeyId of the queue be a symmetric key whose "
        "usage is ENCRYPT_DECRYPT" + PASS,
    ),
    (
        "OptInRequired",
        "",
        "the queue's KMS key: the key's account is suspended or not signed up for KMS: "
        "ask its owner" + PASS,
    ),
]


def key_code(name: str) -> str:
    """What the query protocol calls it."""
    return "KMS." + name + ("" if name == "OptInRequired" else "Exception")


UNKNOWN_KEY = (
    f"check the access key (IMDS): SQS in {REGION} does not know it, because it was "
    "deleted or is inactive, its session token is another's or missing, this region is "
    "not enabled in the account, or the key is of another partition than aws"
)
ACCOUNTS = (
    f"the account of the credentials (IMDS) may not use SQS in {REGION}: it is "
    "suspended, or not signed up, or not yet; look for AWS's mail to its owner, or ask "
    "AWS Support"
)
SIGNATURE = "check the secret key (IMDS), and that no proxy in between changes requests"
HEADERS = (
    "the signature came without all of its headers: look for a proxy in between that "
    "drops or changes them"
)
SCOPE = "Credential should be scoped to "
TABLE = [
    *(
        Case(name, key_code(name), "Kms" + name, text, 78, advice, 400, (op,))
        for name, text, advice in KEYS
        for op in (RECEIVE, SEND)
    ),
    Case(
        "a key that says nothing",
        "KMS.AccessDeniedException",
        "KmsAccessDenied",
        "The ciphertext refers to a key that you may not access.",
        77,
        "allow kms:Decrypt on the queue's KMS key to the identity of the credentials "
        "(IMDS); from another account in the resource's own policy, too",
        400,
    ),
    Case(
        "the same when it sends",
        "KMS.AccessDeniedException",
        "KmsAccessDenied",
        "",
        77,
        "allow kms:GenerateDataKey and kms:Decrypt on the queue's KMS key to the "
        "identity of the credentials (IMDS); from another account in the resource's "
        "own policy, too",
        400,
        (SEND,),
    ),
    Case(
        "a key of another account",
        "KMS.AccessDeniedException",
        "KmsAccessDenied",
        f"User: {WHO} is not authorized to perform: kms:Decrypt on this resource "
        "because the resource does not exist in this Region, no resource-based "
        "policies allow access, or a resource-based policy explicitly denies access",
        77,
        "allow kms:Decrypt on the queue's KMS key to the identity of the credentials "
        "in the key policy",
        400,
    ),
    Case(
        "KMS throttles",
        "KMS.ThrottlingException",
        "KmsThrottled",
        "Rate exceeded",
        69,
        "try later; a longer KmsDataKeyReusePeriodSeconds of the queue asks its key "
        "less often",
        400,
        (RECEIVE, SEND),
    ),
    Case(
        "a queue of another account",
        "AccessDenied",
        "AccessDeniedException",
        f"Access to the resource https://sqs.{REGION}.amazonaws.com/ is denied.",
        77,
        "allow {Action} on the queue to the identity of the credentials (IMDS); from "
        "another account in the resource's own policy, too",
        operations=tuple(ACTIONS),
    ),
    Case(
        "an unknown key",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        77,
        UNKNOWN_KEY,
        operations=tuple(ACTIONS),
    ),
    Case("an old name of it", "InvalidAccessKeyId", "X", "No.", 77, UNKNOWN_KEY),
    Case(
        "a wrong signature",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided",
        77,
        SIGNATURE,
    ),
    Case(
        "an expired token",
        "ExpiredToken",
        "ExpiredTokenException",
        "The security token included in the request is expired",
        77,
        "renew the credentials (IMDS)",
    ),
    Case("no signature", "MissingAuthenticationToken", "X", "Missing", 77, HEADERS),
    Case("half of one", "IncompleteSignature", "X", "Lacks a header", 77, HEADERS),
    Case(
        "no TLS",
        "InvalidSecurity",
        "InvalidSecurity",
        "All requests to this queue must use HTTPS and SigV4.",
        77,
        "use an endpoint and a queue URL that begin with https://",
    ),
    Case("opt in", "OptInRequired", "OptInRequired", "Subscribe.", 77, ACCOUNTS),
    Case(
        "suspended",
        "AccessDenied",
        "AccessDeniedException",
        "Your account has been suspended.",
        77,
        ACCOUNTS,
    ),
    Case(
        "another region",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        SCOPE + "a valid region. ",
        78,
        f"requests are signed for region {REGION} (from AWS_REGION), but {{host}} is "
        "in another one: let both be the queue's region",
        operations=tuple(ACTIONS),
    ),
    Case(
        "another region, as it was said before",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        SCOPE + "a valid region, not 'eu-west-1'.",
        78,
        f"requests are signed for region {REGION} (from AWS_REGION), but {{host}} is "
        "in another one: let both be the queue's region",
    ),
    Case(
        "another service",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        SCOPE + "correct service: 'sns'.",
        78,
        "{host} is no endpoint of SQS: check the endpoint and the queue's URL",
    ),
    Case(
        "no queue",
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "The specified queue does not exist.",
        78,
        f"there is no queue {{queue}} in region {REGION}: check its name, account and "
        "region",
        400,
        tuple(ACTIONS),
    ),
    Case(
        "in flight",
        "OverLimit",
        "OverLimit",
        "Too many messages.",
        69,
        "too many messages are in flight: wait for their visibility time-out",
    ),
    Case(
        "too large",
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "BatchRequestTooLong",
        "262145 bytes",
        69,
        "make the messages smaller",
        400,
        (SEND,),
    ),
    Case(
        "throttled",
        "RequestThrottled",
        "RequestThrottled",
        "Rate exceeded",
        69,
        "try later",
    ),
    Case(
        "out of order",
        "ServiceUnavailable",
        "ServiceUnavailable",
        "Unavailable",
        69,
        "try later",
        503,
    ),
]


class Stage:
    """The programs before a queue, each operation at hand."""

    def __init__(
        self, attack: Attack, queue: Queue, proxy: SqsProxy, generator: Path
    ) -> None:
        self.attack, self.queue, self.proxy = attack, queue, proxy
        self.generator, self.seed = generator, 0

    def feed(self) -> None:
        """Give the source enough for another run, and no byte twice."""
        self.seed += 1
        end = os.open(self.generator, os.O_RDWR | os.O_NONBLOCK)
        os.write(end, noise(8192, self.seed))
        os.close(end)

    def name(self, operation: str) -> str:
        """How the queue is named for it."""
        return self.queue.name if operation == "GetQueueUrl" else self.queue.url

    def run(self, operation: str, exit_code: int, fault: dict[str, Any]) -> str:
        """Have it fail so; what the program said of it."""
        self.proxy.clear()
        self.proxy.fault(operation, count=None, **fault)
        if operation == "DeleteMessageBatch":
            fill(self.queue)
        env = self.attack.env(AWS_REGION=REGION)
        if operation == SEND:
            self.feed()
        if operation in ("GetQueueAttributes", SEND):
            got = self.attack.producer(
                "-q", self.name(operation), "-d", self.generator, env=env
            )
        else:
            got = self.attack.agent("-q", self.name(operation), env=env)
        line = fails(got, exit_code)
        assert "\n" not in line
        return line.partition(": ")[2]

    def say(self, case: Case, operation: str) -> str:
        """The whole of what is right."""
        place = self.proxy.url.removeprefix("http://")
        code = case.code.removeprefix("AWS.SimpleQueueService.")
        text = f": {case.text.rstrip('. ')}" if case.text else ""
        advice = case.advice.format(
            Action=ACTIONS[operation], host=place, queue=self.name(operation)
        )
        return f"{operation}: HTTP {case.status} {code}{text}; {advice}"

    def check(self, case: Case, operation: str) -> None:
        """Have an operation answered so, in both ways to name the error."""
        fault = service_error(case.shape, case.text, case.status, case.code)
        assert self.run(operation, case.exit, fault) == self.say(case, operation)


@pytest.fixture
def stage(attack: Attack, queue: Queue, proxy: SqsProxy, generator: Path) -> Stage:
    """Give the programs before a queue."""
    return Stage(attack, queue, proxy, generator)


@pytest.mark.parametrize("operation", ACTIONS)
def test_each_policy_that_denies_has_its_own_remedy(
    stage: Stage, operation: str
) -> None:
    for case in each({case.name: case for case in denials(operation)}):
        stage.check(case, operation)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_what_to_do_is_said_whole(stage: Stage, case: Case) -> None:
    for operation in case.operations:
        stage.check(case, operation)


@pytest.mark.parametrize("code", ["AccessDenied", "KMS.AccessDeniedException"])
def test_a_text_without_end_keeps_who_and_which_policy(stage: Stage, code: str) -> None:
    """And one that is as long as ARNs may be is not cut at all."""
    why = "with an explicit deny in a service control policy"
    long = f"arn:aws:sqs:{REGION}:123456789012:" + "q" * 80
    who = f"arn:aws:sts::123456789012:assumed-role/{'r' * 64}/{'s' * 64}"
    for resource, whole in ((long, True), ("arn:" + "q" * 3000, False)):
        text = f"User: {who} is not authorized to perform: sqs:x on resource: "
        fault = service_error(code, text + resource + " " + why, 403, code)
        line = stage.run(RECEIVE, 77, fault)
        assert text in line
        assert (f"{resource} {why}; {ADMIN}" in line) == whole
        assert f" {why}; {ADMIN}take the Deny of sqs:x on " in line
        assert line.endswith("service control policy (SCP)" + OVERRULES)


def test_entries_of_a_batch_are_explained_as_well(stage: Stage) -> None:
    text = f"User: {WHO} is not authorized to perform: kms:GenerateDataKey on {KEY}"
    for code, exit_code, advice in (
        ("KMS.DisabledException", 78, KEYS[0][2].replace(KEY, "the queue's KMS key")),
        (
            "KmsAccessDenied",
            77,
            f"allow kms:GenerateDataKey on {KEY} to the identity of the credentials "
            "(IMDS); from another account in the resource's own policy, too",
        ),
    ):
        said = text if "Access" in code else "no"
        fault = {"fail_code": code, "fail_message": said, "sender_fault": True}
        line = stage.run(SEND, exit_code, {"fail_entries": range(10), **fault})
        assert line == f"{SEND}: {code}: {said}; {advice}"


CLOCK = "set this machine's clock, which is {} s {} the service's"


@pytest.mark.parametrize("ahead", [False, True])
def test_a_clock_that_cannot_be_corrected_is_set(stage: Stage, ahead: bool) -> None:
    day = 86400 * (-1 if ahead else 1)
    fault = skewed(time.time() + day, ahead)
    line = stage.run(RECEIVE, 77, fault)
    where = "ahead of" if ahead else "behind"
    said = re.fullmatch(".*; " + CLOCK.format(r"(\d+)", where), line)
    assert said, line
    assert abs(int(said[1]) - 86400) < 60
    fault["headers"]["Date"] = "yesterday"
    assert stage.run(RECEIVE, 77, fault).endswith("; set this machine's clock")


class Other(NamedTuple):
    """What is no error of SQS, or has more to it, and what is said of it."""

    fault: dict[str, Any]
    exit: int
    text: str
    operation: str = RECEIVE


OTHERS = {
    "redirect": Other(
        {"status": 307, "body": "", "headers": {"Location": "/again"}},
        69,
        "HTTP 307; a redirect is not followed: check the endpoint",
    ),
    "teapot": Other(
        {"status": 418, "body": "no"}, 69, "HTTP 418: no; is the endpoint one of SQS?"
    ),
    "page": Other(
        {"status": 200, "body": "<html>"},
        69,
        "HTTP 200 with a body that is not an answer of SQS; look for a proxy or a "
        "login page in between, and at the endpoint",
    ),
    "no messages": Other(
        {"status": 200, "body": '{"Messages": 7}'},
        69,
        "the answer's Messages are malformed; is the endpoint one of SQS?",
    ),
    "no URL": Other(
        {"status": 200, "body": ""},
        69,
        "the answer lacks a QueueUrl of that name; is the endpoint one of SQS?",
        "GetQueueUrl",
    ),
    "no numbers": Other(
        {"status": 200, "body": "{}"},
        69,
        "the answer lacks the numbers of messages; is the endpoint one of SQS?",
        "GetQueueAttributes",
    ),
    "bare 403": Other(
        {"status": 403, "body": ""},
        77,
        "HTTP 403; allow sqs:ReceiveMessage on the queue to the identity of the "
        "credentials (IMDS); from another account in the resource's own policy, too",
    ),
    "damage": Other(
        {"corrupt": "md5"},
        69,
        "the queue holds other bytes than were sent (MD5 differs); this message does "
        "not count as sent",
        SEND,
    ),
    "doubt": Other(
        {"status": 500, "body": ""},
        69,
        "HTTP 500; try later; the outcome is unknown for 10 of 10 messages, which are "
        "not sent again",
        SEND,
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_else_goes_wrong_is_said_whole(stage: Stage, name: str) -> None:
    other = OTHERS[name]
    said = stage.run(other.operation, other.exit, other.fault)
    assert said == f"{other.operation}: {other.text}"


def test_the_command_for_the_hop_limit_is_whole(attack: Attack) -> None:
    """It is told within another text: nobody knows the region."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"http://127.0.0.1:{listener.getsockname()[1]}"
        env = attack.env(**{PLACE: place})
        got = attack.agent("-q", "entropy", timeout=3, env=env)
    line = fails(got, 69, "no region", "asked EC2 metadata")
    assert re.search(r"--http-put-response-hop-limit 2\b", line), line
