# SPDX-License-Identifier: Apache-2.0
"""What IAM decides on a request, by the policies of a stack.

After AWS's "policy evaluation logic": an explicit Deny wins; within one account an
Allow of the identity or of the resource is enough, between accounts it takes both.
A condition or an element that this does not know is an error, never a guess.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from typing import Any

from template import ACCOUNT, Stack

KNOWN = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
EVERYTHING = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}


def listed(value: Any) -> list[Any]:
    """Give a list of what may be one value or several."""
    return value if isinstance(value, list) else [value]


def like(patterns: Any, text: str) -> bool:
    """Tell whether a text is like one of the patterns; * and ? stand for others."""
    return any(
        fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
        for pattern in listed(patterns)
    )


# Each with a key that the request lacks: a positive test fails, a negated one holds.
OPERATORS = {
    "Bool": lambda wanted, given: given in listed(wanted),
    "StringEquals": lambda wanted, given: given in listed(wanted),
    "StringLike": lambda wanted, given: given is not None and like(wanted, given),
    "ArnEquals": lambda wanted, given: given is not None and like(wanted, given),
    "ArnNotEquals": lambda wanted, given: given is None or not like(wanted, given),
    "ArnNotLike": lambda wanted, given: given is None or not like(wanted, given),
}


@dataclass
class Identity:
    """A user or a role, or a service, with what policies of its own allow."""

    arn: str  # or the name of a service
    statements: list[dict[str, Any]] = field(default_factory=list)

    def account(self) -> str:
        """Its account."""
        return self.arn.split(":")[4]

    def broader(self) -> Identity:
        """The same with a policy for all of SQS, as careless people attach."""
        return Identity(self.arn, [*self.statements, EVERYTHING])


@dataclass
class Request:
    """What somebody asks for."""

    who: Identity
    action: str
    resource: str
    context: dict[str, str] = field(default_factory=dict)

    def value(self, key: str) -> str | None:
        """Give what the service knows of the request."""
        if key == "aws:PrincipalArn" and ":" in self.who.arn:
            return self.who.arn
        default = {"aws:SecureTransport": "true"}
        return self.context.get(key, default.get(key))


def principal_fits(statement: dict[str, Any], who: Identity) -> bool:
    """Tell whether a statement of a resource is about somebody."""
    wanted = statement["Principal"]
    if wanted == "*":
        return True
    [(kind, names)] = wanted.items()
    assert kind in ("AWS", "Service"), kind
    return who.arn in listed(names)


def fits(statement: dict[str, Any], request: Request) -> bool:
    """Tell whether a statement is about a request."""
    assert set(statement) <= KNOWN, statement
    if "Principal" in statement and not principal_fits(statement, request.who):
        return False
    if not like(statement["Action"], request.action):
        return False
    if not like(statement.get("Resource", request.resource), request.resource):
        return False
    return all(
        OPERATORS[operator](wanted, request.value(key))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def effects(statements: list[dict[str, Any]], request: Request) -> set[str]:
    """Name the effects of the statements that are about a request."""
    return {s["Effect"] for s in statements if fits(s, request)}


def allowed(request: Request, resource: list[dict[str, Any]], owner: str) -> bool:
    """Decide, by the identity's statements and those of an account's resource."""
    own = effects(request.who.statements, request)
    theirs = effects(resource, request)
    if "Deny" in own | theirs:
        return False
    if request.who.account() == owner:
        return "Allow" in own | theirs
    return "Allow" in own & theirs


def trusts(stack: Stack, role: str, request: Request) -> bool:
    """Decide whether a service may take a role."""
    document = stack.resources[role]["Properties"]["AssumeRolePolicyDocument"]
    return effects(document["Statement"], request) == {"Allow"}


def identity(stack: Stack, name: str) -> Identity:
    """Give a user or a role of the stack with the policies attached to it."""
    own = set(stack.resources[name].get("Properties", {}))
    assert own <= {"Description", "AssumeRolePolicyDocument"}  # no policies here
    statements = []
    for policy, kind in stack.kinds().items():
        if kind == "AWS::IAM::ManagedPolicy":
            properties = stack.resources[policy]["Properties"]
            assert set(properties) <= {
                "Description",
                "PolicyDocument",
                "Users",
                "Roles",
            }
            if name in properties.get("Users", []) + properties.get("Roles", []):
                statements += properties["PolicyDocument"]["Statement"]
    return Identity(stack.attribute(name, "Arn"), statements)


def on_queue(stack: Stack, request: Request) -> bool:
    """Decide on a request to the stack's queue or to another one."""
    own = request.resource == stack.attribute("Queue", "Arn")
    statements = stack.policy("QueuePolicy")["Statement"] if own else []
    return allowed(request, statements, ACCOUNT)
