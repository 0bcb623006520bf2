# SPDX-License-Identifier: Apache-2.0
"""ARNs in the configuration and in signatures; partitions against botocore's data."""

from __future__ import annotations

import functools
import os
import pathlib
import subprocess
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.exceptions import EndpointVariantError
from botocore.regions import EndpointResolver

from aid.forge import Message, arn_of, send
from aid.maker import Maker
from aid.programs import AGENT, PRODUCER
from aid.queue import REGION, Moto, Queue
from aid.sqsproxy import SqsProxy
from aid.verdicts import BAD, UNSIGNED, Judge

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "message"
ACCOUNT = "123456789012"


def answers(verb: str, calls: list[tuple[str, ...]]) -> list[str]:
    """What the product's own functions say, one answer a call; "" for an error."""
    lines = [" ".join([verb, *(w.encode().hex() or "-" for w in c)]) for c in calls]
    got = subprocess.run(
        [TOOL],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    words = [line.partition(" ") for line in got.stdout.splitlines()]
    assert len(words) == len(calls)
    return [bytes.fromhex(w[2]).decode() if w[0] == "ok" else "" for w in words]


class Partition(NamedTuple):
    """What botocore knows of a partition."""

    id: str
    suffix: str
    dual: str
    regions: list[str]


def partitions() -> list[Partition]:
    """Botocore's partitions; the names for all regions at once are no regions."""
    data = botocore.session.Session().get_data("partitions")
    return [
        Partition(
            p["id"],
            p["outputs"]["dnsSuffix"],
            p["outputs"]["dualStackDnsSuffix"],
            [r for r in p["regions"] if not r.endswith("-global")],
        )
        for p in data["partitions"]
    ]


@functools.lru_cache(maxsize=1)
def resolver() -> EndpointResolver:
    """Botocore's own rules for the names of hosts."""
    return EndpointResolver(botocore.session.Session().get_data("endpoints"))


@functools.cache
def hosts(region: str, partition: str, service: str = "sqs") -> set[str]:
    """The hosts of a service in a region, by every rule that botocore has."""
    found: set[str] = set()
    for dual in False, True:
        for fips in False, True:
            endpoint: dict[str, Any] | None = None
            try:
                endpoint = resolver().construct_endpoint(
                    service,
                    region,
                    partition_name=partition,
                    use_dualstack_endpoint=dual,
                    use_fips_endpoint=fips,
                )
            except EndpointVariantError:
                continue
            assert endpoint is not None
            found.add(endpoint["hostname"])
            if "sslCommonName" in endpoint:
                found.add(endpoint["sslCommonName"])
    return found


def test_each_region_is_in_the_partition_that_botocore_says() -> None:
    cases = [(r, p) for p in partitions() for r in p.regions]
    assert len(cases) > 40
    got = answers("partition", [(region,) for region, _ in cases])
    assert got == [f"{p.id} {p.suffix} {p.dual}" for _, p in cases]


@pytest.mark.parametrize("service", ["sqs", "kms", "ssm"])
def test_each_host_of_a_service_names_its_region(service: str) -> None:
    cases = [
        (host, region)
        for p in partitions()
        for region in p.regions
        for host in hosts(region, p.id, service)
    ]
    assert len(cases) > 100
    calls = [(service, host) for host, _ in cases]
    assert answers("region", calls) == [region for _, region in cases]
    others = [(s, host) for s in ("sqs", "kms", "ssm", "s") for _, host in calls]
    of_others = [call for call in others if call[0] != service]
    assert set(answers("region", of_others)) == {""}


def test_a_host_under_another_domain_names_none() -> None:
    all_hosts = [h for p in partitions() for r in p.regions for h in hosts(r, p.id)]
    bad = [h + end for h in all_hosts for end in (".example", ".", "/", "@x")]
    bad += ["x." + h for h in all_hosts if h.startswith("sqs")]
    assert set(answers("region", [("sqs", host) for host in bad])) == {""}


def test_a_url_and_an_arn_of_one_queue_make_one_arn() -> None:
    for p in partitions():
        for region in p.regions:
            arn = f"arn:{p.id}:sqs:{region}:{ACCOUNT}:entropy"
            urls = [f"https://{h}/{ACCOUNT}/entropy" for h in hosts(region, p.id)]
            urls += [f"http://127.0.0.1:5000{urlsplit(urls[0]).path}"]
            calls = [(arn, "us-east-1"), *((url, region) for url in urls)]
            assert answers("arn", calls) == [arn] * len(calls)


def test_queues_of_two_regions_have_two_arns() -> None:
    calls = [
        (f"http://127.0.0.1:5000/{ACCOUNT}/entropy", region)
        for p in partitions()
        for region in p.regions
    ]
    assert len(set(answers("arn", calls))) == len(calls)


# ---- the programs


def spelled(queue: Queue, how: str) -> str:
    """The queue as a user may write it."""
    return {"url": queue.url, "name": queue.name, "arn": arn_of(queue)}[how]


SPELLINGS = ["url", "name", "arn"]


@pytest.mark.parametrize("sent_as", SPELLINGS)
@pytest.mark.parametrize("taken_as", SPELLINGS)
def test_url_name_and_arn_are_one_queue_to_a_signature(
    maker: Maker, sent_as: str, taken_as: str
) -> None:
    maker.sign()
    made = maker.once(queue=spelled(maker.queue, sent_as), burst=1)
    assert made.code == 0, made.err
    maker.judge.settings["queue"] = spelled(maker.queue, taken_as)
    [verdict] = maker.judge.look().verdicts
    assert verdict.credited(), verdict


def test_an_arn_needs_no_lookup(judge: Judge, proxy: SqsProxy) -> None:
    send(judge.queue, judge.message())
    judge.settings["queue"] = arn_of(judge.queue)
    got = judge.look()
    assert got.result.code == 0, got.result.err
    assert [r.key for r in proxy.records] == ["ReceiveMessage", "DeleteMessageBatch"]


def test_the_region_of_an_arn_overrules_what_is_set(judge: Judge, queue: Queue) -> None:
    send(queue, judge.message())
    judge.run.env["AWS_REGION"] = "us-east-2"
    judge.settings |= {"queue": arn_of(queue), "region": "us-west-2"}
    [verdict] = judge.look().verdicts
    assert verdict.credited(), verdict


def test_a_message_of_a_namesake_in_another_region_earns_nothing(
    maker: Maker, moto: Moto
) -> None:
    """Moto gives both queues one URL: only the region tells them apart."""
    maker.sign()
    assert maker.once(burst=1, region=REGION).code == 0
    [moved] = maker.messages()
    far = moto.client("sqs", region_name="us-east-2")
    url = far.create_queue(QueueName=maker.queue.name)["QueueUrl"]
    try:
        assert url == maker.queue.url
        send(Queue(maker.queue.name, url, far), moved)
        maker.judge.settings["region"] = "us-east-2"
        got = maker.judge.look()
    finally:
        far.delete_queue(QueueUrl=url)
    assert got.result.code == 0, got.result.err
    assert [v.withheld for v in got.verdicts] == [(BAD,)]
    assert got.credit == 0


NO_ARN = "the queue has no ARN"


def without_account(queue: Queue) -> str:
    """A URL of the queue that moto takes and that names no account."""
    return queue.url.replace(f"/{ACCOUNT}/", "/queue/")


def test_a_queue_without_an_account_is_used_without_signatures(maker: Maker) -> None:
    maker.sign()
    made = maker.once(queue=without_account(maker.queue), burst=2)
    assert made.code == 0, made.err
    assert made.err.count(NO_ARN) == 1
    maker.judge.settings["queue"] = without_account(maker.queue)
    run = maker.judge.look()
    assert run.result.code == 0, run.result.err
    assert run.result.err.count(NO_ARN) == 1
    assert [v.withheld for v in run.verdicts] == [(UNSIGNED,)] * 2


def test_check_says_that_a_queue_has_no_arn(maker: Maker) -> None:
    maker.sign()
    url = without_account(maker.queue)
    files = {
        PRODUCER: maker.conf,
        AGENT: maker.judge.conf,
    }
    for program, conf in files.items():
        for queue in url, maker.queue.url, maker.queue.name, arn_of(maker.queue):
            got = maker.run(program, "--check", "-c", conf(queue=queue))
            assert got.code == 0, got.err
            assert (NO_ARN in got.err) == (queue == url), got.err


def test_in_a_queue_without_an_account_no_signature_counts(judge: Judge) -> None:
    judge.settings["queue"] = without_account(judge.queue)
    path = urlsplit(without_account(judge.queue)).path
    messages: list[Message] = [
        judge.good.message(text) for text in ("", path, arn_of(judge.queue))
    ]
    send(judge.queue, *messages)
    run = judge.look()
    assert [v.withheld for v in run.verdicts] == [(BAD,)] * 3


def test_what_cannot_be_sealed_is_not_sent(maker: Maker) -> None:
    maker.sign()
    maker.seal()
    got = maker.once(queue=without_account(maker.queue))
    assert got.code == 78, got.err
    assert NO_ARN in got.err
    got = maker.run(PRODUCER, "--check", "-c", maker.conf())
    assert got.code == 0, got.err
    conf = maker.conf(queue=without_account(maker.queue))
    assert maker.run(PRODUCER, "--check", "-c", conf).code == 78
    assert maker.queue.depth() == (0, 0)
