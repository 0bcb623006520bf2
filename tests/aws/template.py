# SPDX-License-Identifier: Apache-2.0
"""The template with its parameters filled in, as CloudFormation would do it.

It knows the functions that the template uses, and ends with an error at any other,
so that nothing is ever taken for resolved that was not understood.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from aid.environment import ROOT

FILE = ROOT / "packaging" / "aws" / "sqs-entropy.yaml"
REGION, ACCOUNT, STACK = "eu-west-1", "123456789012", "entropy"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SEAL_KEY = "/entropy/seal-key"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call"
ANCHOR = f"arn:aws:rolesanywhere:{REGION}:{ACCOUNT}:trust-anchor/0123-abcd"
SENDER = "arn:aws:iam::210987654321:role/pi"
RECEIVERS = "arn:aws:iam::210987654321:role/web,arn:aws:iam::123456789012:role/db"
NOTHING = object()  # AWS::NoValue
# What a parameter may be beside its default, each combination a stack.
CHOICES = {
    "Fifo": ["yes"],
    "KmsKey": [KEY],
    "ProducerIdentity": ["roles-anywhere", "iot", "none"],
    "SenderArns": [SENDER],
    "ReceiverArns": [RECEIVERS],
    "SealKeyParameter": [SEAL_KEY],
    "KmsFallback": ["yes"],
    "AlarmTopic": [TOPIC],
}


class Tags(yaml.SafeLoader):
    """YAML with the short forms of CloudFormation's functions."""


def long_form(loader: Tags, suffix: str, node: yaml.Node) -> dict[str, Any]:
    """Read !Sub as Fn::Sub, and its like."""
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    return {name: loader.construct_sequence(node, deep=True)}  # type: ignore[arg-type]


Tags.add_multi_constructor("!", long_form)


def load(path: Path = FILE) -> dict[str, Any]:
    """Read the template, its functions in the long form."""
    return yaml.load(path.read_text(), Tags)  # noqa: S506 (a SafeLoader)


def physical(kind: str, name: str, properties: dict[str, Any]) -> dict[str, str]:
    """Say what Ref and GetAtt give of a resource, of the kinds that we have."""
    iam = f"arn:aws:iam::{ACCOUNT}"
    queue = properties.get("QueueName", "")
    return {
        "AWS::SQS::Queue": {
            "Ref": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{queue}",
            "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
            "QueueName": str(queue),
        },
        "AWS::SQS::QueuePolicy": {"Ref": name},
        "AWS::IAM::ManagedPolicy": {"Ref": f"{iam}:policy/{name}"},
        "AWS::IAM::Role": {"Ref": name, "Arn": f"{iam}:role/{name}"},
        "AWS::IAM::User": {"Ref": name, "Arn": f"{iam}:user/{name}"},
        "AWS::IAM::InstanceProfile": {"Ref": name},
        "AWS::RolesAnywhere::Profile": {"Ref": "0123-4567"},
        "AWS::IoT::RoleAlias": {"Ref": str(properties.get("RoleAlias"))},
        "AWS::IoT::Policy": {"Ref": str(properties.get("PolicyName"))},
        "AWS::CloudWatch::Alarm": {"Ref": name},
    }[kind]


class Stack:
    """What the template makes of parameters; others have their defaults."""

    def __init__(self, template: dict[str, Any] | None = None, **given: str) -> None:
        self.template = load() if template is None else template
        self.given = given
        self.values: dict[str, Any] = dict(PSEUDO)
        self.known: dict[str, dict[str, str]] = {}  # resources, by what names them
        for name, slot in self.template["Parameters"].items():
            value = given.get(name, slot["Default"])
            self.values[name] = self.allowed(name, slot, value)
        assert set(given) <= set(self.values), "no such parameter"
        self.conditions: dict[str, bool] = {}
        for name, condition in self.template["Conditions"].items():
            self.conditions[name] = self.resolve(condition)
        self.resources = dict(self.of("Resources"))
        self.outputs = {name: o["Value"] for name, o in self.of("Outputs")}

    @staticmethod
    def allowed(name: str, slot: dict[str, Any], value: Any) -> Any:
        """Check a parameter as CloudFormation does; return it."""
        if slot["Type"] == "CommaDelimitedList":
            return value.split(",")
        if slot["Type"] == "Number":
            assert slot["MinValue"] <= int(value) <= slot["MaxValue"], name
        if "AllowedValues" in slot:
            assert value in slot["AllowedValues"], name
        if "AllowedPattern" in slot:
            assert re.fullmatch(slot["AllowedPattern"], value), name
        return value

    def of(self, section: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Resolve what of a section there is under these conditions."""
        for name, part in self.template[section].items():
            if self.conditions.get(part.get("Condition"), True):
                plain = {k: v for k, v in part.items() if k != "Condition"}
                yield name, self.resolve(plain)

    def refused(self) -> list[str]:
        """Name the assertions of the rules that these parameters break."""
        return [
            assertion["AssertDescription"]
            for rule in self.template["Rules"].values()
            if self.resolve(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self.resolve(assertion["Assert"])
        ]

    def resolve(self, part: Any) -> Any:
        """Resolve the functions in a part of the template."""
        if isinstance(part, list):
            inner = [self.resolve(value) for value in part]
            return [value for value in inner if value is not NOTHING]
        if not isinstance(part, dict):
            return part
        [name, argument] = next(iter(part.items()), ("", None))
        if len(part) == 1 and name == "Condition" and isinstance(argument, str):
            return self.resolve(self.template["Conditions"][argument])
        if len(part) == 1 and (name == "Ref" or name.startswith("Fn::")):
            return getattr(self, f"do_{name.rpartition(':')[2].lower()}")(argument)
        inner = {key: self.resolve(value) for key, value in part.items()}
        return {key: value for key, value in inner.items() if value is not NOTHING}

    def do_ref(self, name: str) -> Any:
        """Ref: a parameter, a resource, or nothing."""
        if name == "AWS::NoValue":
            return NOTHING
        return self.values[name] if name in self.values else self.attribute(name, "Ref")

    def attribute(self, name: str, attribute: str) -> str:
        """Give what a resource is known by, if there is one."""
        if name not in self.known:
            part = self.template["Resources"][name]
            assert self.conditions.get(part.get("Condition"), True), f"no {name} here"
            own = part.get("Properties", {})
            own = {
                k: own[k] for k in ("QueueName", "RoleAlias", "PolicyName") if k in own
            }
            self.known[name] = physical(part["Type"], name, self.resolve(own))
        return self.known[name][attribute]

    def do_getatt(self, names: list[str]) -> str:
        """Fn::GetAtt."""
        return self.attribute(*names)

    def do_sub(self, text: str) -> str:
        """Fn::Sub, of a string alone."""

        def value(match: re.Match[str]) -> str:
            name, dot, attribute = match[1].partition(".")
            return str(self.do_getatt([name, attribute]) if dot else self.do_ref(name))

        return re.sub(r"\$\{([^!}]+)\}", value, text)

    def do_if(self, arguments: list[Any]) -> Any:
        """Fn::If, of which only one side is looked at."""
        condition, true, false = arguments
        return self.resolve(true if self.resolve({"Condition": condition}) else false)

    def do_equals(self, pair: list[Any]) -> bool:
        """Fn::Equals."""
        one, other = (self.resolve(value) for value in pair)
        return one == other

    def do_not(self, value: list[Any]) -> bool:
        """Fn::Not."""
        [inner] = value
        return not self.resolve(inner)

    def do_or(self, values: list[Any]) -> bool:
        """Fn::Or."""
        return any(self.resolve(value) for value in values)

    def do_join(self, arguments: list[Any]) -> str:
        """Fn::Join."""
        between, parts = arguments
        return between.join(self.resolve(parts))

    def kinds(self) -> dict[str, str]:
        """Name the resources with their types."""
        return {name: part["Type"] for name, part in self.resources.items()}

    def policy(self, name: str) -> dict[str, Any]:
        """Give the policy document of a resource."""
        return self.resources[name]["Properties"]["PolicyDocument"]


def combinations(*names: str) -> Iterator[dict[str, str]]:
    """Give the parameters of each combination of what these may be."""
    default = {name: slot["Default"] for name, slot in load()["Parameters"].items()}
    for values in itertools.product(*([default[n], *CHOICES[n]] for n in names)):
        chosen = dict(zip(names, values))
        if chosen.get("ProducerIdentity") == "roles-anywhere":
            chosen["TrustAnchorArn"] = ANCHOR
        yield {name: v for name, v in chosen.items() if v != default[name]}
