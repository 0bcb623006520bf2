# SPDX-License-Identifier: Apache-2.0
"""Environment, profile and configuration: the host that is asked, or the error.

Nothing leaves the machine: a proxy for https takes what is asked of any host to a
server of our own, which has a certificate for all of them.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.endpoint_provider import EndpointProvider

from aid import certificates
from aid.attack import Attack, each, fails
from aid.connect import ConnectProxy
from aid.faults import Answer, Fault, Record, Request
from aid.programs import AGENT, PRODUCER, Result
from aid.sqsproxy import SqsProxy

PATH = "/123456789012/q"
URL = f"https://sqs.eu-west-1.amazonaws.com{PATH}"
ARN = "arn:aws:sqs:eu-west-1:123456789012:q"
VPC = "vpce-1-2.sqs.eu-west-3.vpce.amazonaws.com"
EAST, WEST = {"AWS_REGION": "us-east-1"}, {"AWS_REGION": "us-west-2"}
FIPS = {"AWS_USE_FIPS_ENDPOINT": "true"}
DUAL = {"AWS_USE_DUALSTACK_ENDPOINT": "true"}
OWN = {"AWS_ENDPOINT_URL_SQS": "https://own.example"}
ANY = {"AWS_ENDPOINT_URL": "https://any.example"}
IGNORE = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
SERVICES = (
    "services = s\n[services s]\nsqs =\n  endpoint_url = https://section.example\n"
)
GLOBAL = "endpoint_url = https://profile.example\n"


@dataclass
class Case:
    """What is set, and what has to come of it."""

    queue: str
    host: str = ""  # "": an error, which has these words
    region: str = "eu-west-1"  # that is signed for
    words: tuple[str, ...] = ()  # of the error, or of the warning
    env: dict[str, str] = field(default_factory=dict)
    profile: str = ""  # of the default profile in the file
    conf: dict[str, Any] = field(default_factory=dict)
    args: tuple[str, ...] = ()


CASES = {
    # The queue and the region.
    "url": Case(URL, "sqs.eu-west-1.amazonaws.com"),
    "arn": Case(ARN, "sqs.eu-west-1.amazonaws.com"),
    "arn of China": Case(
        "arn:aws-cn:sqs:cn-north-1:123456789012:q",
        "sqs.cn-north-1.amazonaws.com.cn",
        "cn-north-1",
    ),
    "imds": Case("q", "sqs.eu-west-1.amazonaws.com"),
    "variable": Case("q", "sqs.us-east-1.amazonaws.com", "us-east-1", env=EAST),
    "profile": Case(
        "q", "sqs.sa-east-1.amazonaws.com", "sa-east-1", profile="region = sa-east-1\n"
    ),
    "vpc": Case(f"https://{VPC}{PATH}", VPC, "eu-west-3"),
    "legacy": Case(
        f"https://us-west-2.queue.amazonaws.com{PATH}",
        "us-west-2.queue.amazonaws.com",
        "us-west-2",
    ),
    "oldest": Case(
        f"https://queue.amazonaws.com{PATH}", "queue.amazonaws.com", "us-east-1"
    ),
    "url, other region": Case(
        URL,
        "sqs.eu-west-1.amazonaws.com",
        words=("AWS_REGION says the region us-east-1", "the queue's URL says"),
        env=EAST,
    ),
    "arn, other region": Case(
        ARN,
        "sqs.eu-west-1.amazonaws.com",
        words=('"region" in the configuration', "us-east-2", "the queue's ARN says"),
        conf={"region": "us-east-2"},
    ),
    "url, other host": Case(URL, "own.example", env=OWN),
    "vpc, other region": Case(
        "q",
        words=("AWS_REGION", "us-east-1", "AWS_ENDPOINT_URL_SQS", "eu-west-3"),
        env={**EAST, "AWS_ENDPOINT_URL_SQS": f"https://{VPC}"},
    ),
    "no region": Case(
        "q", words=("AWS_REGION: ", "Nowhere"), env={"AWS_REGION": "Nowhere"}
    ),
    # FIPS and IPv6.
    "fips": Case("q", "sqs-fips.us-east-1.amazonaws.com", "us-east-1", env=EAST | FIPS),
    "dual": Case("q", "sqs.us-east-1.api.aws", "us-east-1", env=EAST | DUAL),
    "both": Case(ARN, "sqs-fips.eu-west-1.api.aws", env=FIPS | DUAL),
    "url, fips": Case(URL, "sqs-fips.eu-west-1.amazonaws.com", env=FIPS),
    "fips of GovCloud": Case(
        "q",
        "sqs.us-gov-west-1.amazonaws.com",
        "us-gov-west-1",
        env={**FIPS, "AWS_REGION": "us-gov-west-1"},
    ),
    "fips by profile": Case(
        URL, "sqs-fips.eu-west-1.amazonaws.com", profile="use_fips_endpoint = true\n"
    ),
    "fips by file": Case(
        URL, "sqs-fips.eu-west-1.amazonaws.com", conf={"use-fips-endpoint": "true"}
    ),
    "file over profile": Case(
        URL,
        "sqs.eu-west-1.amazonaws.com",
        profile="use_fips_endpoint = true\n",
        conf={"use-fips-endpoint": "false"},
    ),
    "variable over file": Case(
        URL,
        "sqs.eu-west-1.amazonaws.com",
        env={"AWS_USE_DUALSTACK_ENDPOINT": "false"},
        conf={"use-dualstack-endpoint": "true"},
    ),
    "fips, vpc": Case(
        f"https://{VPC}{PATH}", words=("AWS_USE_FIPS_ENDPOINT", VPC), env=FIPS
    ),
    "fips, endpoint": Case(
        URL, words=("AWS_USE_FIPS_ENDPOINT", "AWS_ENDPOINT_URL_SQS"), env=FIPS | OWN
    ),
    "dual, profile's endpoint": Case(
        URL,
        words=("use-dualstack-endpoint", "endpoint_url of the profile default"),
        profile=GLOBAL,
        conf={"use-dualstack-endpoint": "true"},
    ),
    "no switch": Case(
        URL,
        words=("AWS_USE_FIPS_ENDPOINT", '"1"', "neither true nor false"),
        env={"AWS_USE_FIPS_ENDPOINT": "1"},
    ),
    "pseudo region": Case(
        "q",
        words=("fips-us-east-1", "use-fips-endpoint"),
        env={"AWS_REGION": "fips-us-east-1"},
    ),
    # Endpoints that are set.
    "option": Case(
        URL, "opt.example", env=OWN, args=("--endpoint-url", "https://opt.example")
    ),
    "own variable": Case(URL, "own.example", env=OWN | ANY, profile=SERVICES),
    "any variable": Case(
        URL,
        "any.example",
        env=ANY,
        profile=SERVICES,
        conf={"endpoint-url": "https://conf.example"},
    ),
    "file": Case(
        URL,
        "conf.example",
        profile=SERVICES,
        conf={"endpoint-url": "https://conf.example"},
    ),
    "services": Case(URL, "section.example", profile=GLOBAL + SERVICES),
    "profile's": Case(URL, "profile.example", profile=GLOBAL),
    "services of another": Case(
        URL,
        "profile.example",
        profile=GLOBAL + SERVICES.replace("sqs =", "sts ="),
    ),
    "no services": Case(
        URL,
        words=("services of the profile default", "[services x]"),
        profile="services = x\n",
    ),
    "ignored": Case(
        URL, "sqs.eu-west-1.amazonaws.com", env=OWN | IGNORE, profile=GLOBAL + SERVICES
    ),
    "ignored by profile": Case(
        ARN,
        "sqs.eu-west-1.amazonaws.com",
        env=ANY,
        profile="ignore_configured_endpoint_urls = true\n" + GLOBAL,
    ),
    "ours is not ignored": Case(
        ARN,
        "conf.example",
        env=OWN | IGNORE,
        conf={"endpoint-url": "https://conf.example"},
    ),
    "not http": Case(
        URL,
        words=("AWS_ENDPOINT_URL", "plain http"),
        env={"AWS_ENDPOINT_URL": "http://any.example"},
    ),
}


class EmptySqs(SqsProxy):
    """An SQS whose queues are all empty."""

    def respond(self, request: Request, _fault: Fault, record: Record) -> Answer:
        """Note the request; only the look-up of a name needs an answer."""
        self._note(request, record)
        named = record.key == "GetQueueUrl"
        body = json.dumps({"QueueUrl": URL} if named else {})
        return Answer(200, [], body.encode())


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[SqsProxy]:
    """Give an SQS at whatever host, whose queues are empty."""
    names = tuple({case.host for case in CASES.values()} - {""})
    certificate = certificates.make(tmp_path, names)
    with EmptySqs("http://127.0.0.1:1", keep=True, tls=certificate.tls) as server:
        yield server


Ask = Callable[..., Result]


@pytest.fixture
def ask(
    attack: Attack,
    aws: SqsProxy,
    connect_proxy: ConnectProxy,
    conf: Callable[..., Path],
    tmp_path: Path,
) -> Ask:
    """Give a function that runs a program in the way of a case."""
    connect_proxy.leads_to = aws.port
    folder = Path(attack.run.env["HOME"]) / ".aws"
    folder.mkdir()

    def run(program: str, case: Case, *args: str) -> Result:
        (folder / "config").write_text("[default]\n" + case.profile)
        looks = {"wait_time": 0} if program == AGENT else {}
        path = conf(queue=case.queue, **looks, **case.conf)
        env = attack.env(
            **{"AWS_ENDPOINT_URL_SQS": None, **case.env},
            AWS_CA_BUNDLE=str(tmp_path / "cert.pem"),
            https_proxy=connect_proxy.url,
        )
        return attack.program(program, "-c", path, *case.args, *args, env=env)

    return run


def scope(record: Record) -> str:
    """The region that a request was signed for."""
    [signed] = [v for n, v in record.note["headers"] if n.lower() == "authorization"]
    found = re.search(r"Credential=[^/]+/\d+/([^/]+)/sqs/", signed)
    assert found, signed
    return found.group(1)


def told(case: Case, got: Result) -> None:
    """Check that a warning is said where there is one, and only there."""
    for word in case.words:
        assert word in got.err, got.err
    assert ("says the region" in got.err) == bool(case.words), got.err


def test_each_case_leads_to_its_host(
    ask: Ask, aws: SqsProxy, connect_proxy: ConnectProxy
) -> None:
    for case in each(CASES):
        before = len(aws.records)
        connect_proxy.asked.clear()
        got = ask(AGENT, case, "-o", "-")
        if not case.host:
            fails(got, 78, *case.words)
            assert connect_proxy.asked == []
            continue
        assert got.code == 75, got.err
        told(case, got)
        assert set(connect_proxy.asked) == {f"CONNECT {case.host}:443"}
        assert {scope(record) for record in aws.records[before:]} == {case.region}


@pytest.mark.parametrize("program", [AGENT, PRODUCER])
def test_check_tells_the_host_or_the_error(
    ask: Ask, connect_proxy: ConnectProxy, program: str
) -> None:
    for name, case in zip(CASES, each(CASES)):
        got = ask(program, case, "--check")
        if not case.host:
            fails(got, 78, *case.words)
            continue
        assert got.code == 0, got.err
        told(case, got)
        first = got.out.decode().splitlines()[0]
        host = "" if name == "imds" else f"https://{case.host}"
        assert first.startswith(f'# endpoint = "{host}"  # '), first
    assert connect_proxy.asked == []


def test_the_producer_asks_the_same_host(
    ask: Ask, aws: SqsProxy, connect_proxy: ConnectProxy
) -> None:
    names = ("url, other region", "url, fips", "option", "fips, endpoint", "services")
    for name in names:
        case = CASES[name]
        before = len(aws.records)
        connect_proxy.asked.clear()
        got = ask(PRODUCER, case, "--once", "-d", "/dev/zero")
        if not case.host:
            assert got.code == 78, got.err
            assert all(word in got.err for word in case.words), got.err
            assert connect_proxy.asked == []
            continue
        told(case, got)
        assert set(connect_proxy.asked) == {f"CONNECT {case.host}:443"}
        assert {scope(record) for record in aws.records[before:]} == {case.region}


def test_check_says_which_place_names_the_endpoint(ask: Ask) -> None:
    places = {
        "url": "the queue's URL",
        "arn": "the region",
        "imds": "the region that EC2 metadata tells",
        "option": "--endpoint-url",
        "own variable": "AWS_ENDPOINT_URL_SQS",
        "any variable": "AWS_ENDPOINT_URL",
        "file": "endpoint-url",
        "services": "endpoint_url of sqs in [services s]",
        "profile's": "endpoint_url of the profile default",
    }
    for name, place in places.items():
        got = ask(AGENT, CASES[name], "--check")
        assert got.code == 0, got.err
        first = got.out.decode().splitlines()[0]
        assert first.endswith(f"  # {place}"), first


def test_a_region_that_nobody_sets_is_told_with_all_places(
    ask: Ask, attack: Attack
) -> None:
    attack.imds.fault("*placement/region*", count=None, status=404)
    case = Case("q", profile="output = json\n")
    got = ask(AGENT, case, "-o", "-")
    fails(
        got,
        78,
        "the queue names none",
        "AWS_REGION, AWS_DEFAULT_REGION",
        '"region" of the configuration',
        "the profile default has none",
        ".aws/config",
        "EC2 metadata",
        "placement/region",
    )


# Without a queue: the rules alone, for all regions.


def hosts_by_botocore(service: str) -> Iterator[tuple[str, bool, bool, str]]:
    """Region, FIPS, dual-stack and the URL that botocore's own rules give."""
    session = botocore.session.Session()
    partitions = session.get_data("partitions")
    rules = session.get_component("data_loader").load_service_model(
        service, "endpoint-rule-set-1"
    )
    provider = EndpointProvider(rules, partitions)
    for partition in partitions["partitions"]:
        # The name for all regions at once is no region.
        regions = [r for r in partition["regions"] if not r.endswith("-global")]
        for region, fips, dual in itertools.product(
            regions, (False, True), (False, True)
        ):
            found = provider.resolve_endpoint(
                Region=region, UseFIPS=fips, UseDualStack=dual
            )
            yield region, fips, dual, found.url


@pytest.mark.parametrize("service", ["sqs", "sts", "ssm", "kms"])
def test_each_region_has_the_hosts_that_botocore_says(
    build: Path, service: str
) -> None:
    cases = list(hosts_by_botocore(service))
    assert len(cases) > 160
    for region, fips, dual, url in cases:
        env = {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_USE_FIPS_ENDPOINT": str(fips).lower(),
            "AWS_USE_DUALSTACK_ENDPOINT": str(dual).lower(),
        }
        tool = build / "tests" / "programs" / "endpoint"
        said = subprocess.check_output([tool, service, "", region], env=env, text=True)
        assert said == url + "\n"
