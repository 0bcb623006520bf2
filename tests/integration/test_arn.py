# SPDX-License-Identifier: Apache-2.0
"""ARNs, partitions and AWS's hosts, against botocore's own data."""

from __future__ import annotations

import functools
import os
import pathlib
import subprocess
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import botocore.session
from botocore.exceptions import EndpointVariantError
from botocore.regions import EndpointResolver

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
def hosts(region: str, partition: str) -> set[str]:
    """The hosts of SQS in a region, by every rule that botocore has."""
    found: set[str] = set()
    for dual in False, True:
        for fips in False, True:
            endpoint: dict[str, Any] | None = None
            try:
                endpoint = resolver().construct_endpoint(
                    "sqs",
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


def test_each_host_of_sqs_names_its_region() -> None:
    cases = [(h, r) for p in partitions() for r in p.regions for h in hosts(r, p.id)]
    assert len(cases) > 100
    assert answers("region", [(host,) for host, _ in cases]) == [r for _, r in cases]


def test_a_host_under_another_domain_names_none() -> None:
    all_hosts = [h for p in partitions() for r in p.regions for h in hosts(r, p.id)]
    bad = [h + end for h in all_hosts for end in (".example", ".", "/", "@x")]
    bad += ["x." + h for h in all_hosts if h.startswith("sqs")]
    assert set(answers("region", [(host,) for host in bad])) == {""}


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
