# SPDX-License-Identifier: Apache-2.0
"""STS before moto's, which checks neither signatures nor tokens of providers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aid.faults import Answer, Fault, Record, Request
from aid.queue import REGION, Moto
from aid.sqsproxy import SqsProxy

BY_KEYS, BY_TOKEN = "AssumeRole", "AssumeRoleWithWebIdentity"
# What STS gave may ask it again.
GIVEN = re.compile(r"<AccessKeyId>([^<]+)</AccessKeyId>\s*<SecretAccessKey>([^<]+)<")
SECRET = re.compile("<(?:SecretAccessKey|SessionToken)>([^<]+)<")


def refusal(code: str, text: str, status: int = 400) -> dict[str, Any]:
    """The members of a fault that answers as STS words its errors."""
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n'
        f"  <Error>\n    <Type>Sender</Type>\n    <Code>{code}</Code>\n"
        f"    <Message>{text}</Message>\n  </Error>\n"
        "  <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>\n"
        "</ErrorResponse>\n"
    )
    return {"status": status, "headers": {"Content-Type": "text/xml"}, "body": body}


def refused(code: str, text: str) -> Answer:
    """The same as an answer."""
    said = refusal(code, text)
    return Answer(403, list(said["headers"].items()), said["body"].encode())


def signature(request: Request, key: str, secret: str) -> str:
    """The signature that botocore makes for a request as it came."""
    signed = re.search("SignedHeaders=([^,]+)", request.header("Authorization"))
    assert signed is not None
    names = [n for n in signed.group(1).split(";") if n != "host"]
    ours = AWSRequest(
        method=request.method,
        url=f"http://{request.header('Host')}{request.target}",
        data=request.body,
        headers={name: request.header(name) for name in names},
    )
    ours.context["timestamp"] = request.header("X-Amz-Date")
    judge = SigV4Auth(Credentials(key, secret), "sts", REGION)
    return judge.signature(
        judge.string_to_sign(ours, judge.canonical_request(ours)), ours
    )


class Sts(SqsProxy):
    """The service.

    `keys` are the secret keys by their access keys, `tokens` says of each token of
    another provider whether it is still good.
    """

    def __init__(self, upstream: str, **common: Any) -> None:
        super().__init__(upstream, keep=True, **common)
        self.keys: dict[str, str] = {}
        self.tokens: dict[str, bool] = {}
        self.secrets: set[str] = set()
        self.edits: list[tuple[str, str]] = []  # patterns in an answer, what instead

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Judge who asks; leave the rest to moto."""
        form = parse_qs(request.body.decode(), strict_parsing=True)
        record.note["form"] = {name: values for name, (values,) in form.items()}
        if self.key(request) == BY_TOKEN:
            judged = self._judge(request, record.note["form"]["WebIdentityToken"])
        else:
            judged = self._verify(request)
        if judged is not None:
            return judged
        answer = super().respond(request, fault, record)
        text = answer.body.decode()
        self.secrets |= set(SECRET.findall(text))
        self.keys |= dict(GIVEN.findall(text))
        for pattern, to in self.edits:
            text, count = re.subn(pattern, to, text)
            assert count == 1, f"{pattern} in {text}"
        answer.body = text.encode()
        return answer

    def _verify(self, request: Request) -> Answer | None:
        said = re.search(
            "Credential=([^/]+)/.* Signature=(.*)$", request.header("Authorization")
        )
        if said is None or said.group(1) not in self.keys:
            return refused(
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            )
        key = said.group(1)
        if said.group(2) != signature(request, key, self.keys[key]):
            return refused(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature "
                "you provided.",
            )
        return None

    def _judge(self, request: Request, token: str) -> Answer | None:
        if request.header("Authorization") or request.header("X-Amz-Date"):
            return refused("IncompleteSignature", "This action is not signed.")
        if token not in self.tokens:
            return refused(
                "InvalidIdentityToken",
                "No OpenIDConnect provider found in your account for https://issuer",
            )
        if not self.tokens[token]:
            return refused("ExpiredTokenException", "Token expired: current date/time")
        return None


@pytest.fixture
def sts(moto: Moto) -> Iterator[Sts]:
    """Give an STS."""
    with Sts(moto.url) as standin:
        yield standin
    assert not standin.errors
