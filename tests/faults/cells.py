# SPDX-License-Identifier: Apache-2.0
"""The rows and columns of the matrix: what goes wrong, and with which request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aid.errors import CORAL, EXPIRED, THROTTLING, denied
from aid.sqsproxy import service_error
from aid.sts import refusal
from aid.watch import DOCUMENT, PUT, ROLES

COUNTS = (1, 2, None)  # requests that it strikes; None: all of them
PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n"
    + "<p>Please sign in to this network.</p>\n" * 40
    + "</html>\n"
)
HTML = {"Content-Type": "text/html"}
INTERIM = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """A column: one request of one of the programs."""

    name: str
    service: str  # imds, sqs, sts, ssm or kms
    match: str  # the stand-in's key
    before: str | None = None  # the request to that service before it
    program: str = "agent"
    kernel: bool = False  # only runs that seed the kernel make it


REQUESTS = (
    Request("token", "imds", PUT),
    Request("tag", "imds", "GET */tags/instance/*", PUT),
    Request("region", "imds", "GET */placement/region", PUT),
    Request("role", "imds", ROLES, PUT),
    Request("credentials", "imds", DOCUMENT, ROLES),
    Request("instance id", "imds", "GET */instance-id", DOCUMENT, kernel=True),
    Request("AssumeRole", "sts", "AssumeRole"),
    Request("GetQueueUrl", "sqs", "GetQueueUrl"),
    Request("ReceiveMessage", "sqs", "ReceiveMessage"),
    Request("DeleteMessageBatch", "sqs", "DeleteMessageBatch", "ReceiveMessage"),
    Request("GetParameter", "ssm", "GetParameter"),
    Request("GetParameter, version before", "ssm", "GetParameter:*", "GetParameter"),
    Request("GenerateRandom", "kms", "GenerateRandom", kernel=True),
    Request("GetQueueUrl, producer", "sqs", "GetQueueUrl", None, "producer"),
    Request("GetQueueAttributes", "sqs", "GetQueueAttributes", None, "producer"),
    Request(
        "SendMessageBatch", "sqs", "SendMessageBatch", "GetQueueAttributes", "producer"
    ),
)


@dataclass(frozen=True)
class Fault:
    """A row. Its kind is what rules.py goes by."""

    # unsent: no request can have come to anybody; broken: the request went out, and
    # no whole answer came; silent: the same, and the connection stays; status: an
    # answer with a status and none of AWS's names; name: with one of these; text:
    # status 200 with something else in it; none: it is right, in an unusual way.
    kind: str
    values: dict[str, Any] = field(default_factory=dict)  # of aid.faults.Fault
    own: dict[str, dict[str, Any]] = field(default_factory=dict)  # of other services
    status: int = 0
    done: bool = False  # the request is carried out
    strike: str = ""  # at a connection: reset, silence, refuse, cut, a certificate
    only: tuple[str, ...] = ("imds", "sqs", "sts", "ssm", "kms")  # that can do so


def answered(status: int, **values: Any) -> Fault:
    """A bare status."""
    values = {"body": f"{status}\n", **values}
    return Fault("status", {"status": status, **values}, status=status)


def by_name(code: str, values: dict[str, Any], text: str) -> Fault:
    """An error by its name, as each service of AWS words it."""
    own = {"sts": refusal(code, text.format("sts:AssumeRole"), values["status"])}
    for service, action in ("ssm", "GetParameter"), ("kms", "GenerateRandom"):
        said = text.format(f"{service}:{action}")
        own[service] = service_error(f"{code}Exception", said, shape=CORAL)
    return Fault("name", values, own, status=values["status"], only=SSL)


def says(text: str) -> Fault:
    """A text with status 200, instead of the answer."""
    return Fault("text", {"status": 200, "body": text})


NO_QUEUE = service_error(
    "QueueDoesNotExist",
    "The specified queue does not exist.",
    400,
    "AWS.SimpleQueueService.NonExistentQueue",
)
NO_PARAMETER = service_error("ParameterNotFound", "", shape=CORAL)
NOT_ALLOWED = "User: x is not authorized to perform: {} on resource: r"
SSL = ("sqs", "sts", "ssm", "kms")  # who is asked by TLS
FAULTS: dict[str, Fault] = {
    "refused": Fault("unsent", strike="refuse"),
    "reset before the request": Fault("unsent", strike="reset"),
    "silent before the request": Fault("unsent", strike="silence"),
    "TLS: expired certificate": Fault("unsent", strike="expired", only=SSL),
    "TLS: certificate of another host": Fault("unsent", strike="other", only=SSL),
    "TLS: self-signed certificate": Fault("unsent", strike="unknown", only=SSL),
    "TLS: cut in the handshake": Fault("unsent", strike="cut", only=SSL),
    "reset after the request, not done": Fault("broken", {"end": "reset"}),
    "reset after the request, done": Fault(
        "broken", {"end": "reset", "forward": True}, done=True
    ),
    "closed after the request, not done": Fault("broken", {"end": "drop"}),
    "reset in mid-body": Fault("broken", {"truncate": 3, "end": "reset"}, done=True),
    "silent, not done": Fault("silent", {"end": "silence"}),
    "silent, done": Fault("silent", {"end": "silence", "forward": True}, done=True),
    "trickle": Fault("silent", {"trickle": 1.0}, done=True),
    "late by 1.5 s": Fault("none", {"hold": 1.5}),
    "429": answered(429),
    "500": answered(500),
    "503": answered(503),
    "503 with an HTML page": answered(503, body=PAGE, headers=HTML),
    "400": answered(400),
    "401": answered(401),
    "403": answered(403),
    "404": answered(404),
    "405": answered(405),
    "408": answered(408),
    "413": answered(413),
    "421": answered(421),
    "redirect (307)": answered(307),  # world.py says where to
    "ThrottlingException": by_name("Throttling", THROTTLING, "Rate exceeded"),
    "AccessDenied": by_name("AccessDenied", denied("SendMessage"), NOT_ALLOWED),
    "ExpiredToken": by_name("ExpiredToken", EXPIRED, "The token is expired"),
    "QueueDoesNotExist": Fault("name", NO_QUEUE, only=("sqs",)),
    "ParameterNotFound": Fault("name", NO_PARAMETER, only=("ssm",)),
    "HTML page with 200": Fault("text", {"status": 200, "body": PAGE, "headers": HTML}),
    "half of the document": Fault("text", {"half": True}, done=True),
    "empty 200": says(""),
    "null": says("null"),
    "oversized": Fault("text", {}, done=True),  # world.py says how large
    "wrong MD5": Fault("text", {"corrupt": "md5"}, done=True, only=("sqs",)),
    "answered twice": Fault("none", {"twice": True}),
    "103 first": Fault("none", {"interim": INTERIM}),
}
# Plain text that is another text cannot be told from a right one.
ANY_TEXT = {"tag", "region", "instance id"}
HAS_MD5 = {"ReceiveMessage", "SendMessageBatch"}


@dataclass(frozen=True)
class Cell:
    """One fault of one request, so many times."""

    row: str
    column: Request
    count: int | None

    @property
    def fault(self) -> Fault:
        """The fault."""
        return FAULTS[self.row]

    @property
    def key(self) -> str:
        """What the results call it."""
        return f"{self.row} | {self.column.name} | {self.count or 'ever'}"

    def exists(self) -> bool:
        """Whether such a thing can happen."""
        if self.row == "wrong MD5":
            return self.column.name in HAS_MD5
        if self.row in ("half of the document", "null"):
            return self.column.name not in ANY_TEXT
        return self.column.service in self.fault.only


def all_cells() -> list[Cell]:
    """Every cell, row by row."""
    cells = [Cell(r, c, n) for r in FAULTS for c in REQUESTS for n in COUNTS]
    return [cell for cell in cells if cell.exists()]
