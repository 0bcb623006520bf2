# SPDX-License-Identifier: Apache-2.0
"""No answer of a service leads the agent to another host or path."""

from __future__ import annotations

import pytest

from aid.attack import Attack, each, edited, fails, fill, untouched
from aid.forge import arn_of, send
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy
from aid.verdicts import Judge
from aid.watch import DOCUMENT, PUT, ROLES


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_sqs_is_not_followed(
    attack: Attack, queue: Queue, proxy: SqsProxy, status: int
) -> None:
    fill(queue)
    with SqsProxy("http://127.0.0.1:1", keep=True) as trap:
        proxy.fault(
            "*", count=None, status=status, headers={"Location": trap.url + "/"}
        )
        got = attack.agent("-q", queue.url)
        fails(got, 69, "ReceiveMessage", f"HTTP {status}", "endpoint")
        assert (trap.connections, trap.records) == (0, [])
    assert len(proxy.records) == 1
    assert queue.depth() == (1, 0)


def test_a_redirect_of_imds_is_not_followed(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    with SqsProxy("http://127.0.0.1:1") as trap:
        for match in (PUT, ROLES, DOCUMENT):
            attack.imds.clear()
            attack.imds.fault(
                match, count=None, status=302, headers={"Location": trap.url}
            )
            env = attack.env(AWS_REGION=REGION)
            # It asks again until its time is over.
            got = attack.agent("-q", queue.url, timeout=5, env=env)
            fails(got, got.code, "IMDS", "302")
            assert got.code in (69, 77), got.err
        assert trap.connections == 0
    untouched(queue, proxy)


def test_a_role_name_leads_nowhere_else(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    attack.imds.fault(ROLES, status=200, body="../../../user-data?x#y%2f")
    env = attack.env(AWS_METADATA_SERVICE_NUM_ATTEMPTS="1")
    got = attack.agent("-q", queue.url, env=env)
    fails(got, got.code, "IMDS")
    assert got.code in (69, 77), got.err
    asked = attack.imds.records[-1].path
    assert asked.endswith("/security-credentials/..%2F..%2F..%2Fuser-data%3Fx%23y%252f")
    untouched(queue, proxy)


def test_a_queue_url_elsewhere_leads_nobody_there(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    with SqsProxy("http://127.0.0.1:1") as trap:
        url = f"{trap.url}/123456789012/{queue.name}"
        proxy.fault("GetQueueUrl", edit=edited("QueueUrl", to=url))
        attack.agent("-q", queue.name)
        assert trap.connections == 0


# The instance tag, which anybody with ec2:CreateTags may set.

TAG = "sqs-entropy:queue"
NOT_AWS = [
    "http://127.0.0.1:{port}/123456789012/{name}",
    "https://127.0.0.1:{port}/123456789012/{name}",
    "http://localhost:{port}/123456789012/{name}",
    "http://sqs.{region}.amazonaws.com/123456789012/{name}",
    "https://sqs.{region}.amazonaws.com:8443/123456789012/{name}",
    "https://sqs.{region}.amazonaws.com@127.0.0.1:{port}/123456789012/{name}",
    "https://127.0.0.1:{port}#sqs.{region}.amazonaws.com/123456789012/{name}",
    "https://sqs.{region}.amazonaws.com.evil.example/123456789012/{name}",
    "https://sqs.{region}.evil.example/123456789012/{name}",
    "https://evil.example/123456789012/{name}",
    "https://ec2-192-0-2-1.{region}.compute.amazonaws.com/123456789012/{name}",
    "https://vpce-1.vpce-svc-2.{region}.vpce.amazonaws.com/123456789012/{name}",
    "https://s3.{region}.amazonaws.com/123456789012/{name}",
    "arn:aws:sqs:{region}.evil.example/:123456789012:{name}",
    "arn:aws:sqs:127.0.0.1:{port}:{name}",
    "arn:aws-cn:sqs:{region}:123456789012:{name}",
    "127.0.0.1:{port}",
    "/123456789012/{name}",
    "{name}\n{name}",
]


def test_a_tag_chooses_no_host(attack: Attack, queue: Queue, proxy: SqsProxy) -> None:
    fill(queue)
    attack.imds.tags_enabled = True
    endpoints = {"none": None, "set": proxy.url}
    with SqsProxy("http://127.0.0.1:1") as trap:
        port = trap.url.rsplit(":", 1)[1]
        for text in NOT_AWS:
            tag = text.format(port=port, name=queue.name, region=REGION)
            attack.imds.tags = {TAG: tag}
            for endpoint in each(endpoints):
                env = attack.env(AWS_ENDPOINT_URL_SQS=endpoint)
                fails(attack.agent(env=env), 78, "queue")
        assert trap.connections == 0
    untouched(queue, proxy)


def test_a_tag_chooses_no_other_region_than_the_one_that_is_set(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    attack.imds.tags_enabled = True
    env = attack.env(AWS_REGION="us-east-2")
    host = f"https://sqs.{REGION}.amazonaws.com"
    for tag in arn_of(queue), f"{host}/123456789012/{queue.name}":
        attack.imds.tags = {TAG: tag}
        fails(attack.agent(env=env), 78, TAG, REGION, "us-east-2")
    untouched(queue, proxy)


@pytest.mark.parametrize(
    "host",
    [
        "sqs.{}.amazonaws.com",
        "sqs.{}.amazonaws.com:443",
        "{}.queue.amazonaws.com",
        "sqs.{}.api.aws",
        "sqs-fips.{}.amazonaws.com",
        "vpce-0a1-b2.sqs.{}.vpce.amazonaws.com",
    ],
)
def test_a_tag_may_have_a_queue_at_a_host_of_aws(
    attack: Attack, queue: Queue, host: str
) -> None:
    """The endpoint that is set stands in for that host."""
    [payload] = fill(queue)
    attack.imds.tags_enabled = True
    url = f"https://{host.format(REGION)}/123456789012/{queue.name}"
    attack.imds.tags = {TAG: url}
    got = attack.agent()
    assert (got.code, got.out) == (0, payload), got.err


def test_a_queue_url_of_another_region_moves_no_signature(
    judge: Judge, proxy: SqsProxy
) -> None:
    """What SQS answers for a name has no say in the region of the queue's ARN."""
    send(judge.queue, judge.message())
    url = f"https://sqs.us-east-2.amazonaws.com/123456789012/{judge.queue.name}"
    proxy.fault("GetQueueUrl", edit=edited("QueueUrl", to=url))
    judge.settings["queue"] = judge.queue.name
    [verdict] = judge.look().verdicts
    assert verdict.credited(), verdict
