# SPDX-License-Identifier: Apache-2.0
"""common/sigv4 against botocore's SigV4Auth, byte for byte.

Every case is made from its own seed, "SEED/NUMBER": a failure prints it, and
SIGV4_SEED=... SIGV4_CASES=... repeat a run or try another.
"""

from __future__ import annotations

import base64
import datetime
import os
import pathlib
import random
import struct
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "sigv4"
SEED = os.environ.get("SIGV4_SEED", "sqs-entropy")
CASES = int(os.environ.get("SIGV4_CASES", "12000"))

END = 0xFFFFFFFF
ABSENT = 0xFFFFFFFE
HEADERS_MAX = 48  # SIGV4_HEADERS_MAX

METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]
REGIONS = ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"]
SERVICES = ["sqs", "iam", "execute-api"]
DAYS = ["20150830", "20200229", "20261122", "20261123", "20371231", "21000301"]
UNICODE = "äßçñ\u0130\u01c5ΩЖ中日\u0301\u200d\ufeff\U0001f3b2\U0010fffd"
LETTERS = "abcxyzABCXYZ019-_.~"
SPACES = " \t"  # RFC 9110, section 5.6.3
VALUE_CHARS = LETTERS + ",;:=\"'/\\()<>@[]{}?%&+" + UNICODE
NAMES = [
    "Content-Type",
    "X-Amz-Target",
    "X-Amz-Meta",
    "X-Amz-Meta-A",
    "X-Amz-Meta_A",
    "X-Amz-Meta.a",
    "Accept-Encoding",
    "Cache-Control",
    "Range",
    "A",
    "Z",
    "!#$%&'*+.^_`|~9",
]
Header = tuple[str, str]


class Case(NamedTuple):
    """A request with all that its signature depends on."""

    name: str
    method: str
    scheme: str
    host: str
    port: int | None
    region: str
    service: str
    access: str
    secret: str
    token: str | None
    wall: int  # epoch milliseconds
    body: bytes
    headers: list[Header]


def text(rng: random.Random, chars: str, most: int) -> str:
    return "".join(rng.choice(chars) for _ in range(rng.randint(0, most)))


def any_case(rng: random.Random, name: str) -> str:
    form = rng.choice([str, str.lower, str.upper, None])
    if form is not None:
        return form(name)
    return "".join(rng.choice([c.lower(), c.upper()]) for c in name)


def make_value(rng: random.Random) -> str:
    """Words with blanks around and between them."""
    value = text(rng, SPACES, 3) if rng.random() < 0.3 else ""
    for _ in range(rng.randint(0, 4)):
        value += text(rng, VALUE_CHARS, 9)
        value += text(rng, SPACES, 3) if rng.random() < 0.4 else " "
    return value if rng.random() < 0.5 else value.strip(" ")


def make_headers(rng: random.Random) -> list[Header]:
    names = rng.sample(NAMES, rng.randint(0, 6))
    headers = [(name, make_value(rng)) for name in names]
    return [(any_case(rng, name), value) for name, value in headers]


def make_body(rng: random.Random) -> bytes:
    form = rng.random()
    if form < 0.3:
        return b""
    if form < 0.6:
        return rng.randbytes(rng.randint(1, 2000))
    if form < 0.61:
        return rng.randbytes(100_000)
    return text(rng, '{}":, ' + VALUE_CHARS, 200).encode()


def make_time(rng: random.Random) -> int:
    """Epoch milliseconds; few days, so that the cached key is used."""
    day = datetime.datetime.strptime(rng.choice(DAYS) + "+0000", "%Y%m%d%z")
    second = rng.choice([0, 86399, rng.randint(0, 86399)])
    return (int(day.timestamp()) + second) * 1000 + rng.randint(0, 999)


def make_case(number: int) -> Case:
    name = f"{SEED}/{number}"
    rng = random.Random(name)
    region = rng.choice(REGIONS)
    host = rng.choice(
        [
            f"sqs.{region}.amazonaws.com",
            f"SQS.{region}.Api.AWS",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "[fd00:ec2::254]",
        ]
    )
    # Few secrets: the cached key must follow them, and must also be used.
    secret = rng.choice(["wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "s", ""])
    if rng.random() < 0.05:
        secret = base64.b64encode(rng.randbytes(rng.randint(1, 90))).decode()
    token = rng.choice([None, None, "", make_value(rng)])
    if rng.random() < 0.3:
        token = base64.b64encode(rng.randbytes(rng.randint(1, 900))).decode()
    return Case(
        name=name,
        method=rng.choice(METHODS),
        scheme=rng.choice(["http", "https"]),
        host=host,
        port=rng.choice([None, None, 80, 443, 8080, 1, 65535]),
        region=region,
        service=rng.choice(SERVICES),
        access="AKID" + text(rng, "ABCDEFGHIJKLMNOP234567", 16),
        secret=secret,
        token=token,
        wall=make_time(rng),
        body=make_body(rng),
        headers=make_headers(rng),
    )


def host_header(case: Case) -> str:
    """Host as a client sends it: the scheme's own port goes unsaid."""
    if case.port in (None, {"http": 80, "https": 443}[case.scheme]):
        return case.host.lower()
    return f"{case.host.lower()}:{case.port}"


def url(case: Case) -> str:
    port = "" if case.port is None else f":{case.port}"
    return f"{case.scheme}://{case.host}{port}/"


def field(value: str | bytes | None) -> bytes:
    if value is None:
        return struct.pack(">I", ABSENT)
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">I", len(data)) + data


def record(case: Case) -> bytes:
    fields = [
        case.method,
        host_header(case),
        case.region,
        case.service,
        case.access,
        case.secret,
        case.token,
        str(case.wall),
        case.body,
    ]
    for header in case.headers:
        fields.extend(header)
    return b"".join(map(field, fields)) + struct.pack(">I", END)


def run_tool(data: bytes) -> subprocess.CompletedProcess[bytes]:
    assert TOOL.exists(), f"{TOOL} is not there: run 'make tests' first"
    return subprocess.run([TOOL], input=data, capture_output=True, timeout=600)


def ours(cases: list[Case]) -> list[tuple[str, ...]]:
    """[(X-Amz-Date, Authorization)] of all cases, signed by one process."""
    done = run_tool(b"".join(map(record, cases)))
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode().split("\n")[:-1]
    return [tuple(line.split("\t")) for line in lines]


def botocores(case: Case) -> tuple[str, ...]:
    """The same by botocore, and its request as it is to be sent."""
    request = AWSRequest(method=case.method, url=url(case), data=case.body)
    for name, value in case.headers:
        # Not "headers[name] = value": AWSRequest's own way to append.
        request.headers.add_header(name, value)
    signer = botocore.auth.SigV4Auth(
        Credentials(case.access, case.secret, case.token or None),
        case.service,
        case.region,
    )
    now = datetime.datetime.fromtimestamp(
        case.wall // 1000, datetime.timezone.utc
    ).replace(tzinfo=None)
    with mock.patch("botocore.auth.get_current_datetime", return_value=now):
        signer.add_auth(request)
    return request.headers["X-Amz-Date"], request.headers["Authorization"]


def base_case(**changes: Any) -> Case:
    case = Case(
        name="by hand",
        method="POST",
        scheme="https",
        host="sqs.eu-west-1.amazonaws.com",
        port=None,
        region="eu-west-1",
        service="sqs",
        access="AKIDEXAMPLE",
        secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        token=None,
        wall=1440938160000,
        body=b"{}",
        headers=[("Content-Type", "application/x-amz-json-1.0")],
    )
    return case._replace(**changes)


def test_random_requests_are_signed_as_botocore_does() -> None:
    cases = [make_case(number) for number in range(CASES)]
    signed = ours(cases)
    assert len(signed) == len(cases)
    for case, got in zip(cases, signed):
        expected = botocores(case)
        if got != expected:
            pytest.fail(
                f"case {case.name} (SIGV4_SEED={SEED}):\n{case}\n"
                f"ours      {got}\nbotocore's {expected}"
            )


def test_cases_have_what_they_are_for() -> None:
    """The generator is a judge too: a thinned-out one would pass anything."""
    cases = [make_case(number) for number in range(2000)]

    def share(of: Callable[[Case], object]) -> float:
        return sum(1 for case in cases if of(case)) / len(cases)

    def lower_names(case: Case) -> list[str]:
        return [name.lower() for name, _ in case.headers]

    assert share(lambda c: c.token) > 0.2
    assert share(lambda c: not c.body) > 0.2
    assert share(lambda c: b"\0" in c.body) > 0.1
    assert share(lambda c: lower_names(c) != sorted(lower_names(c))) > 0.2
    assert share(lambda c: any("  " in v for _, v in c.headers)) > 0.05
    assert share(lambda c: any(v != v.strip() for _, v in c.headers)) > 0.2
    assert share(lambda c: host_header(c)[-1:].isdigit()) > 0.2


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"host": "sqs.eu-west-2.amazonaws.com"},
        {"port": 8443},
        {"region": "eu-west-2"},
        {"service": "iam"},
        {"secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ"},
        {"token": "t"},
        {"wall": 1440938161000},
        {"wall": 1440938160000 + 86400_000},
        {"body": b"{} "},
        {"headers": []},
        {"headers": [("Content-Type", "application/x-amz-json-1.1")]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_counts(change: dict[str, Any]) -> None:
    """A change in any part changes the signature, and botocore agrees.

    The same process has signed the unchanged request just before.
    """
    plain, changed = base_case(), base_case(**change)
    signed = ours([plain, changed, plain])
    assert signed[0] == signed[2] == botocores(plain)
    assert signed[1] == botocores(changed)
    assert signed[0][1].split()[-1] != signed[1][1].split()[-1]


def test_limits_are_reached() -> None:
    """The most that is allowed is signed rightly."""
    case = base_case(
        headers=[(f"X-H{i}", "v") for i in range(HEADERS_MAX)],
        token="t" * 16384,
    )
    assert ours([case]) == [botocores(case)]


@pytest.mark.parametrize(
    "change",
    [
        {"headers": [(f"X-H{i}", "v") for i in range(HEADERS_MAX + 1)]},
        {"headers": [("A", "v" * 65536)]},
        {"token": "t" * 65536},
        {"secret": "s" * 513},
        {"region": "r" * 300},
    ],
    ids=lambda change: next(iter(change)),
)
def test_limits_are_kept(change: dict[str, Any]) -> None:
    done = run_tool(record(base_case(**change)))
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"larger than allowed" in done.stderr


def test_the_tool_refuses_cut_input() -> None:
    whole = record(base_case())
    for length in (1, 3, 4, 7, len(whole) // 2, len(whole) - 4, len(whole) - 1):
        done = run_tool(whole[:length])
        assert (done.returncode, done.stdout) == (1, b""), length
        assert b"malformed" in done.stderr
