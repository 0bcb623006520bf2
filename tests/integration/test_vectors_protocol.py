# SPDX-License-Identifier: Apache-2.0
"""Our requests to SQS, and what we read of its answers, by the SDKs' own cases.

VECTORS=DIR names a folder that has botocore/tests/unit/protocols of boto/botocore,
which is no part of this project.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aid.sqsproxy import SqsProxy

VECTORS = Path(os.environ.get("VECTORS", ""))
PROTOCOLS = VECTORS / "botocore" / "tests" / "unit" / "protocols"
FILES = ("json_1_0.json", "json_1_0-query-compatible.json")
ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "protocol"

pytestmark = pytest.mark.skipif(
    not os.environ.get("VECTORS"),
    reason="VECTORS=DIR names no folder of published vectors",
)

NO_HOST = "no operation of SQS has a host or a path of its own"
NO_COMPRESSION = "no operation of SQS takes a compressed body"
NO_CONVERSION = "no request of ours has a member of this kind"
NOT_APPLICABLE = {
    "AwsJson10EndpointTrait": NO_HOST,
    "AwsJson10EndpointTraitWithHostLabel": NO_HOST,
    "AwsJson10HostWithPath": NO_HOST,
    "SDKAppliedContentEncoding_awsJson1_0": NO_COMPRESSION,
    "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0": NO_COMPRESSION,
    "AwsJson10SerializeBooleanUnionValue": NO_CONVERSION,
    "AwsJson10SerializeBlobUnionValue": NO_CONVERSION,
}


class Case(NamedTuple):
    """A case with the suite's shapes."""

    suite: dict[str, Any]
    case: dict[str, Any]

    @property
    def operation(self) -> str:
        """What is asked for."""
        return self.case["given"]["name"]

    def headers(self, of: dict[str, Any]) -> dict[str, str]:
        """The headers of a request or an answer, as those of SQS."""
        prefix = self.suite["metadata"]["targetPrefix"]
        return {
            name.lower(): value.replace(f"{prefix}.", "AmazonSQS.")
            for name, value in of.get("headers", {}).items()
        }


def cases(direction: str) -> Iterator[Case]:
    """All of them that apply."""
    if not os.environ.get("VECTORS"):
        return
    for file in FILES:
        for suite in json.loads((PROTOCOLS / direction / file).read_text()):
            for case in suite["cases"]:
                if case["id"] not in NOT_APPLICABLE:
                    yield Case(suite, case)


def name_of(case: Case) -> str:
    """The published name."""
    return case.case["id"]


@pytest.fixture
def service() -> Iterator[SqsProxy]:
    """Give a service that answers with what a test says, and keeps requests."""
    with SqsProxy("http://127.0.0.1:1", keep=True) as proxy:
        yield proxy


def ask(service: SqsProxy, operation: str, request: Any) -> list[str]:
    """Have the program ask; the lines of what it says."""
    done = subprocess.run(
        [TOOL, service.url, operation],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        env={},
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("case", list(cases("input")), ids=name_of)
def test_requests_are_as_published(service: SqsProxy, case: Case) -> None:
    serialized = case.case["serialized"]
    # Only what is forwarded is noted; that nobody is there changes nothing.
    service.fault("*", status=200, body="{}", forward=True)
    assert ask(service, case.operation, case.case["params"]) == ["ok"]
    [record] = service.records
    sent = {name.lower(): value for name, value in record.note["headers"]}
    expected = case.headers(serialized)
    assert {name: sent.get(name) for name in expected} == expected
    assert json.loads(record.note["request"]) == json.loads(serialized["body"])
    # Of SQS this is true whatever the case is about, and all of it is signed.
    assert sent["x-amzn-query-mode"] == "true"
    signed = re.findall("SignedHeaders=([^,]+)", sent["authorization"])[0].split(";")
    ours = {n for n in sent if n.startswith("x-amz") or n in ("host", "content-type")}
    assert set(signed) == ours


def flat(shapes: dict[str, Any], shape: str, value: Any, path: str = "") -> list[str]:
    """The lines that the program prints of it."""
    kind = shapes[shape]
    if kind["type"] == "structure":
        inner = [(k, kind["members"][k]["shape"], v) for k, v in value.items()]
    elif kind["type"] == "map":
        inner = [(k, kind["value"]["shape"], v) for k, v in value.items()]
    elif kind["type"] == "list":
        inner = [(str(k), kind["member"]["shape"], v) for k, v in enumerate(value)]
    elif value is True:
        return [f"{path}\ttrue\t"]
    elif isinstance(value, int):
        return [f"{path}\tinteger\t{value}"]
    else:
        if kind["type"] == "blob":
            value = base64.b64encode(value.encode()).decode()
        return [f"{path}\tstring\t{value}"]
    return [line for k, s, v in inner for line in flat(shapes, s, v, f"{path}/{k}")]


def answer(service: SqsProxy, case: Case) -> list[str]:
    """What the program makes of the case's answer."""
    response = case.case["response"]
    service.fault(
        "*",
        count=None,
        status=response["status_code"],
        headers=response["headers"],
        body=response.get("body", ""),
    )
    return ask(service, case.operation, {})


def is_error(case: Case) -> bool:
    """Whether the answer is one."""
    return "errorCode" in case.case


@pytest.mark.parametrize(
    "case", [c for c in cases("output") if not is_error(c)], ids=name_of
)
def test_answers_are_read_as_published(service: SqsProxy, case: Case) -> None:
    first, *lines = answer(service, case)
    assert first == "ok"
    output = case.case["given"].get("output")
    expected = []
    if output is not None:
        expected = flat(case.suite["shapes"], output["shape"], case.case["result"])
    # Who reads an answer looks for members by name: others do not matter.
    unknown = [line for line in lines if line not in expected]
    assert [line for line in lines if line in expected] == expected
    assert all("/__type\t" in line or not expected for line in unknown)


@pytest.mark.parametrize(
    "case", [c for c in cases("output") if is_error(c)], ids=name_of
)
def test_errors_are_read_as_published(service: SqsProxy, case: Case) -> None:
    text = case.case.get("errorMessage", "")
    status = case.case["response"]["status_code"]
    said = f"{case.operation}: HTTP {status} {case.case['errorCode']}"
    advice = "; try later" if status >= 500 else ""
    assert answer(service, case) == [
        "error",
        said + (f": {text}" if text else "") + advice,
    ]


def test_no_case_is_left_out_unseen() -> None:
    """Each that does not apply is in the vectors, and enough others are."""
    ids = {
        case["id"]
        for direction in ("input", "output")
        for file in FILES
        for suite in json.loads((PROTOCOLS / direction / file).read_text())
        for case in suite["cases"]
    }
    assert set(NOT_APPLICABLE) <= ids
    assert len(ids) - len(NOT_APPLICABLE) >= 40
