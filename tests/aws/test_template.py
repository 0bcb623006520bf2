# SPDX-License-Identifier: Apache-2.0
"""The template's parameters, its queue, and the lines that it gives to paste."""

from __future__ import annotations

import json
import re
import shlex

import jsonschema
import pytest
import yaml
from template import ACCOUNT, ANCHOR, CHOICES, KEY, REGION, TOPIC, Stack, load

from aid.environment import ROOT

TEMPLATE = load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QueueName", "entropy.fifo"),
        ("QueueName", "x" * 76),
        ("QueueName", ""),
        ("Fifo", "true"),
        ("KmsKey", "alias/aws/sqs"),
        ("KmsKey", f"{KEY}\n"),
        ("KmsKey", TOPIC),
        ("ProducerIdentity", "role"),
        ("TrustAnchorArn", f"arn:aws:iam::{ACCOUNT}:role/x"),
        ("SealKeyParameter", "entropy/seal-key"),
        ("SealKeyParameter", "/entropy/seal-key:3"),
        ("SealKeyParameter", "/entropy/*"),
        ("SealKeyParameter", "/"),
        ("SealKeyKmsKey", "alias/aws/ssm"),
        ("Depth", "0"),
        ("Depth", "100001"),
        ("AlarmTopic", "on-call"),
    ],
)
def test_a_parameter_that_cannot_be_right_is_refused(name: str, value: str) -> None:
    with pytest.raises(AssertionError, match=name):
        Stack(TEMPLATE, **{name: value})


def test_the_choices_of_the_tests_are_all_that_there_is() -> None:
    free = {"QueueName", "TrustAnchorArn", "CertificateName", "SealKeyKmsKey", "Depth"}
    assert set(CHOICES) | free == set(TEMPLATE["Parameters"])
    kinds = set(TEMPLATE["Parameters"]["ProducerIdentity"]["AllowedValues"])
    assert kinds == {"user", *CHOICES["ProducerIdentity"]}


def test_roles_anywhere_needs_its_trust_anchor() -> None:
    given = {"ProducerIdentity": "roles-anywhere"}
    assert len(Stack(TEMPLATE, **given).refused()) == 1
    assert not Stack(TEMPLATE, **given, TrustAnchorArn=ANCHOR).refused()
    assert not Stack(TEMPLATE).refused()


def test_the_kms_key_of_a_parameter_needs_that() -> None:
    assert len(Stack(TEMPLATE, SealKeyKmsKey=KEY).refused()) == 1
    given = {"SealKeyKmsKey": KEY, "SealKeyParameter": "/a"}
    assert not Stack(TEMPLATE, **given).refused()


def test_the_depth_is_what_a_producer_keeps_unless_told() -> None:
    rows = (ROOT / "producer" / "conf.c").read_text()
    found = re.search(r'\{"depth", \w+, \w+, "(\d+)"', rows)
    assert found
    assert TEMPLATE["Parameters"]["Depth"]["Default"] == int(found[1])


@pytest.mark.parametrize("fifo", ["no", "yes"])
@pytest.mark.parametrize("key", ["", KEY])
def test_the_queue(fifo: str, key: str) -> None:
    queue = Stack(TEMPLATE, Fifo=fifo, KmsKey=key).resources["Queue"]["Properties"]
    wanted = {
        "QueueName": "entropy.fifo" if fifo == "yes" else "entropy",
        "MessageRetentionPeriod": 14 * 86400,
        "VisibilityTimeout": 30,
        "MaximumMessageSize": 32768,
        "RedriveAllowPolicy": {"redrivePermission": "denyAll"},
    }
    if fifo == "yes":
        wanted["FifoQueue"] = True
        wanted["DeduplicationScope"] = "messageGroup"
        wanted["FifoThroughputLimit"] = "perMessageGroupId"
    wanted.update({"KmsMasterKeyId": key} if key else {"SqsManagedSseEnabled": True})
    assert queue == wanted


def test_the_options_that_the_texts_name_exist() -> None:
    text = (ROOT / "packaging" / "aws" / "sqs-entropy.yaml").read_text()
    named = set(re.findall(r"sqs-entropy-(agent|producer) --([a-z-]+)", text))
    assert {option for _, option in named} == {"doctor", "setup"}
    for program, option in named:
        assert (
            f'{{"{option}", SETTING_ACTION' in (ROOT / program / "conf.c").read_text()
        )


def test_the_user_data_is_what_cloud_init_takes() -> None:
    text = Stack(TEMPLATE).outputs["UserData"]
    assert text.startswith("#cloud-config\n")
    schema = json.loads((ROOT / "cloud-init" / "schema.json").read_text())
    values = yaml.safe_load(text)
    line = "sqs-entropy-ed25519 " + "A" * 43 + "= pi-1"
    assert values["sqs_entropy"]["trusted_producers"] == ["KEY"]
    values["sqs_entropy"]["trusted_producers"] = [line]
    jsonschema.validate(values, schema)
    assert values["sqs_entropy"]["queue"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:entropy"


def test_the_commands_are_one_line_each() -> None:
    for given in ({}, {"ProducerIdentity": "iot"}):
        outputs = Stack(TEMPLATE, **given).outputs
        for name in {"Setup", "AccessKey", "IotAttach", "RunInstances"} & set(outputs):
            assert "\n" not in outputs[name]
            assert shlex.split(outputs[name])[0] in ("aws", "sudo")


def test_the_credential_process_is_one_line_with_all_arns() -> None:
    given = {"ProducerIdentity": "roles-anywhere", "TrustAnchorArn": ANCHOR}
    line = Stack(TEMPLATE, **given).outputs["CredentialProcess"]
    words = shlex.split(line)
    assert words[:2] == ["/usr/local/bin/aws_signing_helper", "credential-process"]
    assert "\n" not in line
    assert dict(zip(words[2::2], words[3::2])) == {
        "--certificate": "/etc/sqs-entropy/pi.pem",
        "--private-key": "/etc/sqs-entropy/pi.key",
        "--trust-anchor-arn": ANCHOR,
        "--profile-arn": f"arn:aws:rolesanywhere:{REGION}:{ACCOUNT}:profile/0123-4567",
        "--role-arn": f"arn:aws:iam::{ACCOUNT}:role/AnywhereRole",
    }


PAGE = (ROOT / "docs" / "aws.md").read_text()


def rows(heading: str) -> dict[str, list[str]]:
    """Give the rows of the first table behind a heading, by their first cells."""
    part = PAGE.partition(f"{heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", part, re.MULTILINE)
    assert table
    cells = [line.strip("|\n").split("|") for line in table[0].splitlines()[2:]]
    return {
        name: [cell.strip() for cell in rest]
        for first, *rest in cells
        for name in re.findall(r"`(\w+)`", first)
    }


def test_the_page_has_each_parameter_with_its_default() -> None:
    said = {name: cells[0].strip("`") for name, cells in rows("### Parameters").items()}
    assert said == {
        name: str(slot["Default"]) or "none"
        for name, slot in TEMPLATE["Parameters"].items()
    }


def test_the_page_has_each_output_and_each_alarm() -> None:
    assert set(rows("### Outputs")) == set(TEMPLATE["Outputs"])
    alarms = {n for n, k in Stack(TEMPLATE).kinds().items() if k.endswith("::Alarm")}
    assert set(rows("## Alarms")) == alarms


def by_hand(name: str) -> dict[str, list[dict[str, object]]]:
    """Give a document that the page has people write."""
    found = re.search(rf"cat >{name}\.json <<'END'\n(.*?)\n +END\n", PAGE, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_what_is_made_by_hand_is_what_the_template_makes() -> None:
    stack = Stack(TEMPLATE)
    assert by_hand("producer") == stack.policy("ProducerPolicy")
    assert by_hand("agent") == stack.policy("AgentPolicy")
    role = stack.resources["AgentRole"]["Properties"]
    assert by_hand("ec2") == role["AssumeRolePolicyDocument"]
    text = json.dumps(stack.policy("QueuePolicy"))
    for made, named in (("ProducerUser", "producer"), ("AgentRole", "agent")):
        text = text.replace(f"/{made}", f"/entropy-{named}")
    wanted = json.loads(text)
    for statement in wanted["Statement"]:
        del statement["Sid"]
    assert by_hand("queue") == wanted


@pytest.mark.parametrize("fifo", ["no", "yes"])
def test_the_queue_made_by_hand(fifo: str) -> None:
    queue = Stack(TEMPLATE, Fifo=fifo).resources["Queue"]["Properties"]
    pattern = rf"--queue-name {re.escape(queue['QueueName'])} \\\n +--attributes (\S+)"
    found = re.search(pattern, PAGE)
    assert found
    said = dict(pair.split("=") for pair in found[1].split(","))
    left = {"QueueName", "VisibilityTimeout", "RedriveAllowPolicy"}  # the defaults
    assert said == {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in queue.items()
        if name not in left
    }
