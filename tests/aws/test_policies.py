# SPDX-License-Identifier: Apache-2.0
"""Who may do what, by the template's own statements.

moto looks at actions alone, so resources, conditions and the queue's policy are
evaluated here: for each stack that the parameters can make.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.session import Session
from policies import Identity, Request, allowed, identity, on_queue, trusts
from template import (
    ACCOUNT,
    ANCHOR,
    CHOICES,
    KEY,
    RECEIVERS,
    SEAL_KEY,
    SENDER,
    Stack,
    combinations,
    load,
)

PRODUCERS = {"user": "ProducerUser", "roles-anywhere": "AnywhereRole", "iot": "IotRole"}
PRODUCER = {"sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:SendMessage"}
AGENT = {"sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage"}
PLAIN = {"aws:SecureTransport": "false"}
OTHER_QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:entropy-2"
ADMINISTRATOR = Identity(f"arn:aws:iam::{ACCOUNT}:role/admin").broader()
STRANGER = Identity(f"arn:aws:iam::{ACCOUNT}:role/stranger")
FOREIGNER = Identity("arn:aws:iam::210987654321:role/other").broader()


def actions() -> set[str]:
    """All that SQS can be asked for; a batch needs what its single form needs."""
    model = Session().get_service_model("sqs")
    return {f"sqs:{name.removesuffix('Batch')}" for name in model.operation_names}


ACTIONS = actions()
TEMPLATE = load()
# Whom an alarm tells is no matter of these.
PARAMETERS = [name for name in CHOICES if name != "AlarmTopic"]
STACKS = [
    *(Stack(TEMPLATE, **given) for given in combinations(*PARAMETERS)),
    Stack(TEMPLATE, SealKeyParameter=SEAL_KEY, SealKeyKmsKey=KEY),
]


def may(stack: Stack, who: Identity, resource: str = "", **context: str) -> set[str]:
    """Name what somebody may do with the queue, or with another."""
    resource = resource or stack.attribute("Queue", "Arn")
    return {
        action
        for action in ACTIONS
        if on_queue(stack, Request(who, action, resource, context))
    }


def producer(stack: Stack) -> Identity | None:
    """Give the producer that the stack made."""
    name = PRODUCERS.get(stack.values["ProducerIdentity"])
    return identity(stack, name) if name else None


def agent(stack: Stack) -> Identity:
    """Give the role of the instances."""
    return identity(stack, "AgentRole")


def knows_senders(stack: Stack) -> bool:
    """Tell whether it is known to a stack who sends."""
    return any([producer(stack), *stack.values["SenderArns"]])


def everybody(stack: Stack) -> list[Identity]:
    """Give all that have to do with a stack or would like to."""
    named = [*stack.values["SenderArns"], *stack.values["ReceiverArns"]]
    known = [Identity(arn) for arn in named if arn]
    known += [who for who in (producer(stack), agent(stack)) if who]
    return [*known, *(who.broader() for who in known), ADMINISTRATOR, FOREIGNER]


def test_every_stack_is_looked_at() -> None:
    made = {name for stack in STACKS for name in stack.resources}
    assert made == set(TEMPLATE["Resources"])
    assert len(STACKS) == 257


@pytest.mark.parametrize(
    ("who", "wanted"), [(producer, PRODUCER), (agent, AGENT)], ids=["producer", "agent"]
)
def test_each_may_do_what_it_asks_for_and_no_more(
    who: Callable[[Stack], Identity | None], wanted: set[str]
) -> None:
    for stack in STACKS:
        if found := who(stack):
            assert may(stack, found) == wanted
            assert may(stack, found, OTHER_QUEUE) == set()
            assert may(stack, found, **PLAIN) == set()


def test_others_may_nothing() -> None:
    for stack in STACKS:
        for who in (STRANGER, FOREIGNER):
            assert may(stack, who) == set()


def test_an_administrator_may_neither_send_nor_receive() -> None:
    kept = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"}
    for stack in STACKS:
        refused = kept | ({"sqs:SendMessage"} if knows_senders(stack) else set())
        assert may(stack, ADMINISTRATOR) == ACTIONS - refused
        assert may(stack, ADMINISTRATOR, **PLAIN) == set()


def test_nobody_both_sends_and_receives() -> None:
    # An agent's role that a careless hand gave all of SQS is among them.
    for stack in STACKS:
        if not knows_senders(stack):
            continue
        for who in everybody(stack):
            both = {"sqs:SendMessage", "sqs:ReceiveMessage"} & may(stack, who)
            assert len(both) < 2, (stack.given, who)


def test_those_who_are_named_do_their_part() -> None:
    for stack in STACKS:
        for names, wanted in (("SenderArns", PRODUCER), ("ReceiverArns", AGENT)):
            for arn in filter(None, stack.values[names]):
                # Another account has to allow it as well, by a policy there.
                alone = wanted if f":{ACCOUNT}:" in arn else set()
                assert may(stack, Identity(arn)) == alone
                policy = {"Effect": "Allow", "Action": [*wanted], "Resource": "*"}
                assert may(stack, Identity(arn, [policy])) == wanted


def test_those_who_are_not_named_do_not() -> None:
    stack = Stack(TEMPLATE)
    for arn in (SENDER, *RECEIVERS.split(",")):
        got = may(stack, Identity(arn).broader())
        assert not got & {"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"}


def keys(who: Identity, resource: str = KEY, through: str = "sqs") -> set[str]:
    """Name what somebody may do with a key through a service; its policy lets IAM."""
    host = {"kms:ViaService": f"{through}.eu-west-1.amazonaws.com"} if through else {}
    return {
        action
        for action in ("kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt")
        if allowed(Request(who, action, resource, host), [], ACCOUNT)
    }


def test_the_key_is_for_those_who_need_it_and_through_sqs_alone() -> None:
    for stack in STACKS:
        for who, wanted in (
            (producer(stack), {"kms:GenerateDataKey", "kms:Decrypt"}),
            (agent(stack), {"kms:Decrypt"}),
        ):
            if who:
                assert keys(who) == (wanted if stack.conditions["HasKey"] else set())
                assert not keys(who, f"{KEY}0")
                assert not keys(who, through="s3") | keys(who, through="")


OF_SEAL_KEY = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter{SEAL_KEY}"


def test_the_sealing_key_is_for_agents_and_no_other_parameter() -> None:
    for stack in STACKS:
        for who in filter(None, (producer(stack), agent(stack))):
            reads = who == agent(stack) and stack.conditions["HasSealKey"]
            for action in ("ssm:GetParameter", "ssm:PutParameter", "ssm:GetParameters"):
                request = Request(who, action, OF_SEAL_KEY)
                wanted = reads and action == "ssm:GetParameter"
                assert allowed(request, [], ACCOUNT) == wanted
            request = Request(who, "ssm:GetParameter", f"{OF_SEAL_KEY}:3")
            assert allowed(request, [], ACCOUNT) == reads
            for other in (f"{OF_SEAL_KEY}s", OF_SEAL_KEY.rpartition("/")[0]):
                request = Request(who, "ssm:GetParameter", other)
                assert not allowed(request, [], ACCOUNT)


def test_its_kms_key_serves_that_parameter_alone() -> None:
    stack = Stack(TEMPLATE, SealKeyParameter=SEAL_KEY, SealKeyKmsKey=KEY)
    context = {"kms:EncryptionContext:PARAMETER_ARN": OF_SEAL_KEY}
    via = {"kms:ViaService": "ssm.eu-west-1.amazonaws.com"}
    for who, given, wanted in (
        (agent(stack), {**via, **context}, True),
        (agent(stack), {**via, "kms:EncryptionContext:PARAMETER_ARN": "x"}, False),
        (agent(stack), {**context, "kms:ViaService": "sqs.eu-west-1"}, False),
        (agent(stack), context, False),
        (producer(stack), {**via, **context}, False),
    ):
        assert who is not None
        request = Request(who, "kms:Decrypt", KEY, given)
        assert allowed(request, [], ACCOUNT) == wanted


def test_random_bytes_are_for_agents_that_ask_for_them() -> None:
    for stack in STACKS:
        for who in filter(None, (producer(stack), agent(stack))):
            request = Request(who, "kms:GenerateRandom", "*")
            wanted = who == agent(stack) and stack.conditions["HasFallback"]
            assert allowed(request, [], ACCOUNT) == wanted


ANYWHERE = "rolesanywhere.amazonaws.com"
THING = "credentials.iot.amazonaws.com"
CN = "aws:PrincipalTag/x509Subject/CN"
GIVEN = {"aws:SourceArn": ANCHOR, CN: "pi-1"}
TAKERS = [
    ("AgentRole", "ec2.amazonaws.com", {}, True),
    ("AgentRole", "lambda.amazonaws.com", {}, False),
    ("AgentRole", ANYWHERE, GIVEN, False),
    ("IotRole", THING, {}, True),
    ("IotRole", "ec2.amazonaws.com", {}, False),
    ("AnywhereRole", ANYWHERE, GIVEN, True),
    ("AnywhereRole", ANYWHERE, {**GIVEN, "aws:SourceArn": f"{ANCHOR}0"}, False),
    ("AnywhereRole", ANYWHERE, {**GIVEN, CN: "laptop"}, False),
    ("AnywhereRole", ANYWHERE, {CN: "pi-1"}, False),
    ("AnywhereRole", "ec2.amazonaws.com", GIVEN, False),
]


@pytest.mark.parametrize(("role", "service", "context", "wanted"), TAKERS)
def test_who_takes_a_role(
    role: str, service: str, context: dict[str, str], wanted: bool
) -> None:
    kind = {"IotRole": "iot", "AnywhereRole": "roles-anywhere"}.get(role, "user")
    anchor = ANCHOR if kind == "roles-anywhere" else ""
    stack = Stack(
        TEMPLATE, ProducerIdentity=kind, TrustAnchorArn=anchor, CertificateName="pi-*"
    )
    for action in ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"):
        more = kind == "roles-anywhere" or action == "sts:AssumeRole"
        request = Request(Identity(service), action, role, context)
        assert trusts(stack, role, request) == (wanted and more)


def test_a_certificate_or_a_thing_leads_to_the_producers_role_alone() -> None:
    stack = Stack(TEMPLATE, ProducerIdentity="roles-anywhere", TrustAnchorArn=ANCHOR)
    profile = stack.resources["AnywhereProfile"]["Properties"]
    assert profile["RoleArns"] == [stack.attribute("AnywhereRole", "Arn")]
    assert profile["Enabled"] is True
    stack = Stack(TEMPLATE, ProducerIdentity="iot")
    alias = stack.resources["IotRoleAlias"]["Properties"]
    assert alias["RoleArn"] == stack.attribute("IotRole", "Arn")
    [statement] = stack.policy("IotPolicy")["Statement"]
    assert statement["Action"] == "iot:AssumeRoleWithCertificate"
    assert statement["Resource"].endswith(f":rolealias/{alias['RoleAlias']}")
