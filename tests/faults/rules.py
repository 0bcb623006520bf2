# SPDX-License-Identifier: Apache-2.0
"""What has to come of each cell, by the rules of docs/faults.md.

They were not read off runs: the manual pages, docs/failures.md and the headers of
common/sqs and common/aws promise them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from cells import Cell

TRIES, STS_TRIES = 3, 8
SLOW = 1  # tries more, when a busy machine's stand-in is silent for 2 s
PASSING = (408, 429)  # and from 500 on
DENIED = (401, 403)
MANY = 10**6
PARAMETER = "/faults/seal-key"  # and more behind it


@dataclass(frozen=True)
class Expected:
    """What a run has to do."""

    code: int
    says: str = ""  # a regular expression, found in its one line
    asked: tuple[int, int] = (1, MANY)  # how often, the strikes at connections too
    lasts: bool = False  # until the deadline
    hidden: tuple[int, int] = (0, 0)  # messages in flight when it has ended
    there: bool = True  # SendMessageBatch: the messages are in the queue
    mixed: bool = False  # bytes of KMS are
    also: str = ""  # another line, as says is

    @property
    def served(self) -> bool:
        """Whether a message is used, or all of a burst is sent."""
        return self.code == 0


def expected(cell: Cell) -> Expected:
    """The outcome of a cell."""
    if cell.column.service == "imds":
        return of_imds(cell)
    if cell.column.service == "sts":
        return of_sts(cell)
    if cell.column.name == "SendMessageBatch":
        return of_send(cell)
    if cell.column.service == "ssm":
        return of_parameter(cell)
    if cell.column.service == "kms":
        return of_random(cell)
    return of_sqs(cell)


# ---- rules 1 and 2, and 8 of IMDS


def of_imds(cell: Cell) -> Expected:
    """A question for IMDS."""
    fault, token = cell.fault, cell.column.name == "token"
    least = (cell.count or 0) + 1
    served = Expected(0, asked=(least, MANY))
    if cell.column.name == "instance id" or fault.kind == "none":
        return Expected(0)
    if fault.status == 403:
        return Expected(77, r"is off \(403\)", (1, 1))
    no_token = token and fault.kind == "status" and not passes(fault.status)
    if no_token and fault.status != 404:
        return Expected(77, f"answered {fault.status} .* it is no IMDSv2", (1, 1))
    if cell.column.name == "tag" and cell.row == "empty 200":
        return Expected(78, "queue", (1, 1))
    if cell.count is not None:
        return served
    absent = {
        "token": (77, "it is no IMDSv2"),
        "tag": (78, "has no tag sqs-entropy:queue"),
        "region": (78, "region"),
        "role": (77, "no IAM role is attached"),
    }
    no_role = cell.column.name == "role" and cell.row == "empty 200"
    if (fault.status == 404 and cell.column.name in absent) or no_role:
        return Expected(*absent[cell.column.name], asked=(2, MANY))
    return Expected(69, of_passing_imds(cell), lasts=True)


def of_passing_imds(cell: Cell) -> str:
    """What is said of an IMDS that fails until the deadline."""
    if cell.fault.kind == "silent" or cell.fault.strike == "silence":
        return "in the time allowed"
    if cell.fault.kind in ("unsent", "broken"):
        return "cannot be reached|breaks connections"
    if cell.fault.status == 404:
        return "has no credentials for it"
    if cell.fault.kind == "status":
        return f"answered {cell.fault.status}"
    # A token or a role of no use is what the next question fails of.
    return (
        "malformed|no proper JSON|answered 401|has no credentials for it|no Code"
        "|too large|at most|gave a token over"
    )


def passes(status: int) -> bool:
    """Whether a status is that of a failure that passes."""
    return status >= 500 or status == 429


# ---- rules 3, 4, 7 and 8


def of_sqs(cell: Cell) -> Expected:
    """A request to SQS, SSM or KMS that does no harm when it is made twice."""
    fault, n = cell.fault, cell.count
    lost = partial(hidden_by, cell)
    retried = n is not None and n < TRIES
    answer = operation(cell)
    if fault.kind == "none":
        return Expected(0, asked=(1, 1))
    if fault.kind == "silent":
        return Expected(69, f"{answer}: .* in time", (1, 1), True, lost(1))
    if fault.kind in ("unsent", "broken") or fault.status >= 500 or is_passing(cell):
        if retried:
            return Expected(0, asked=(n + 1, n + 1), hidden=lost(n, served=True))
        return lasting(cell)
    if cell.row == "ExpiredToken":
        if n == 1:
            return Expected(0, asked=(2, 2))
        return Expected(77, f"{answer}: .* renew", (2, 2), hidden=lost(2))
    if fault.kind in ("status", "name"):
        return Expected(*of_refusal(cell), (1, 1), hidden=lost(1))
    return Expected(*of_text(cell), (1, 1), hidden=lost(1))


def operation(cell: Cell) -> str:
    """What a line calls the request."""
    return cell.column.match.partition(":")[0]


def is_passing(cell: Cell) -> bool:
    """Whether a status or a name of the answer is one that passes."""
    return cell.fault.status in PASSING or cell.row == "ThrottlingException"


def lasting(cell: Cell) -> Expected:
    """A failure that may pass, and does not."""
    fault, answer = cell.fault, operation(cell)
    throttled = fault.status == 429 or cell.row == "ThrottlingException"
    says = f"{answer}: " + (f"HTTP {fault.status}.*try later" if fault.status else "")
    if throttled and cell.column.program == "agent":
        hidden = hidden_by(cell, 1)
        return Expected(69, says, lasts=True, hidden=hidden)
    if fault.strike == "silence":
        return Expected(69, "no connection in time", lasts=True, hidden=(0, 1))
    # The first connection of a run may have been begun before it was needed.
    first = cell.column.before is None and cell.column.service != "kms"
    early = 1 if fault.kind == "unsent" and first else 0
    asked = (TRIES, TRIES + early)
    return Expected(69, says, asked, hidden=hidden_by(cell, TRIES))


def hidden_by(cell: Cell, strikes: int, served: bool = False) -> tuple[int, int]:
    """How many messages are in flight after so many failed requests."""
    if cell.column.name == "ReceiveMessage":
        return (strikes, strikes) if cell.fault.done else (0, 0)
    if cell.column.name == "DeleteMessageBatch" and not served:
        return (0, 0) if cell.fault.done else (1, 1)
    return (0, 0)


def of_refusal(cell: Cell) -> tuple[int, str]:
    """The code of a refusal, and what is said."""
    fault, answer, service = cell.fault, operation(cell), cell.column.service
    if cell.row == "ParameterNotFound":
        return 78, "there is no parameter"
    if cell.row == "QueueDoesNotExist":
        return 78, "there is no queue"
    if cell.row == "AccessDenied":
        return 77, f"{answer}: .* allow {service}:"
    if fault.status in DENIED:
        return 77, f"{answer}: HTTP {fault.status}"
    advice = {307: "a redirect is not followed"}
    if answer == "SendMessageBatch":
        advice[413] = "make the messages smaller"
    said = advice.get(fault.status, f"is the endpoint one of {service.upper()}")
    return 69, f"{answer}: HTTP {fault.status}.*{said}"


def of_text(cell: Cell) -> tuple[int, str]:
    """The same of an answer of 200 that is not the one."""
    answer = operation(cell)
    if cell.row == "oversized":
        return 69, f"{answer}: .* too large"
    if cell.row == "wrong MD5":
        return 65, "came damaged"
    if cell.row != "empty 200":
        return 69, f"{answer}: .* not an answer of {cell.column.service.upper()}"
    return {
        "ReceiveMessage": (75, "is empty"),
        "DeleteMessageBatch": (65, "does not mention entry"),
        "SendMessageBatch": (69, "does not mention entry"),
        "GetParameter": (69, f"{answer}: .* no Type and Value"),
        "GenerateRandom": (69, f"{answer}: .* no Plaintext of 64 bytes"),
    }.get(answer, (69, f"{answer}: the answer lacks"))


# ---- rule 5


def of_send(cell: Cell) -> Expected:
    """The one request that must not be made twice."""
    fault = cell.fault
    refused = fault.kind == "name" or fault.kind == "unsent"
    if fault.kind == "none" or refused:
        like = of_sqs(cell)
        return Expected(like.code, like.says, like.asked, like.lasts, there=like.served)
    unknown = ".* the outcome is unknown for"
    code, says = 69, "SendMessageBatch: "
    if fault.kind == "status" and not fault.status >= 500 and not is_passing(cell):
        code, says = of_refusal(cell)
    elif fault.kind == "text" and cell.row != "wrong MD5":
        code, says = of_text(cell)
    elif cell.row == "wrong MD5":
        says, unknown = "holds other bytes than were sent", ""
    lasts = fault.kind == "silent"
    return Expected(code, says + unknown, (1, 1), lasts, there=fault.done)


# ---- rule 6


def of_sts(cell: Cell) -> Expected:
    """The request for a role."""
    fault, n = cell.fault, cell.count
    if fault.kind == "none":
        return Expected(0)
    throttled = cell.row == "ThrottlingException"
    met = fault.kind in ("unsent", "broken", "silent") or throttled
    if met or passes(fault.status):
        if n is not None:
            return Expected(0, asked=(n + 1, n + 1 + SLOW))
        return Expected(69, "AssumeRole for ", (1, STS_TRIES), True)
    if fault.kind == "text":
        large = cell.row == "oversized"
        says = "too large" if large else "HTTP 200 without proper credentials"
        return Expected(69, f"AssumeRole for .*{says}", (1, 1 + SLOW))
    code = 77 if fault.status in DENIED or cell.row == "ExpiredToken" else 69
    says = f"AssumeRole for .*HTTP {fault.status}"
    return Expected(code, says, (1, 1 + SLOW))


# ---- rules 9 and 10


def of_parameter(cell: Cell) -> Expected:
    """A sealing key; without that of the version before it a run goes on."""
    if cell.column.before is None:
        like = replace(of_sqs(cell), hidden=(0, 0))
        named = f"seal-key: (?=.*{PARAMETER}).*{like.says}"
        return like if like.served else replace(like, says=named)
    # Two connections that are silent for 5 s outlast a quarter of the time.
    outlasts = cell.fault.strike == "silence" and cell.count == 2
    like = of_sqs(replace(cell, count=None) if outlasts else cell)
    named = f"sealed for version 1 of parameter {PARAMETER}/\\S+ does not .*{like.says}"
    also = "" if like.served else named
    says = "wrote 64 bytes from 1 message"
    return replace(like, code=0, says=says, also=also, lasts=False, hidden=(0, 0))


def of_random(cell: Cell) -> Expected:
    """Bytes in place of a message, of which there is none."""
    like = of_sqs(cell)
    mixed = like.served
    also = f"no bytes of KMS in place of a message: .*{like.says}"
    also = "injected 64 bytes of KMS .* credit 0" if mixed else also
    empty = replace(like, code=75, says="the queue .* is empty", also=also)
    return replace(empty, mixed=mixed, hidden=(0, 0))
