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
        ("Depth", "0"),
        ("Depth", "100001"),
        ("AlarmTopic", "on-call"),
    ],
)
def test_a_parameter_that_cannot_be_right_is_refused(name: str, value: str) -> None:
    with pytest.raises(AssertionError, match=name):
        Stack(TEMPLATE, **{name: value})


def test_the_choices_of_the_tests_are_all_that_there_is() -> None:
    free = {"QueueName", "TrustAnchorArn", "CertificateName", "Depth"}
    assert set(CHOICES) | free == set(TEMPLATE["Parameters"])
    kinds = set(TEMPLATE["Parameters"]["ProducerIdentity"]["AllowedValues"])
    assert kinds == {"user", *CHOICES["ProducerIdentity"]}


def test_roles_anywhere_needs_its_trust_anchor() -> None:
    given = {"ProducerIdentity": "roles-anywhere"}
    assert len(Stack(TEMPLATE, **given).refused()) == 1
    assert not Stack(TEMPLATE, **given, TrustAnchorArn=ANCHOR).refused()
    assert not Stack(TEMPLATE).refused()


def test_the_depth_is_what_a_producer_keeps_unless_told() -> None:
    rows = (ROOT / "producer" / "conf.c").read_text()
    found = re.search(r'\{"low-watermark", \w+, \w+, "(\d+)"', rows)
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
    name, _, command = line.partition(" = ")
    words = shlex.split(command)
    assert name == "credential_process"
    assert "\n" not in line
    assert dict(zip(words[2::2], words[3::2])) == {
        "--certificate": "/etc/sqs-entropy/pi.pem",
        "--private-key": "/etc/sqs-entropy/pi.key",
        "--trust-anchor-arn": ANCHOR,
        "--profile-arn": f"arn:aws:rolesanywhere:{REGION}:{ACCOUNT}:profile/0123-4567",
        "--role-arn": f"arn:aws:iam::{ACCOUNT}:role/AnywhereRole",
    }
