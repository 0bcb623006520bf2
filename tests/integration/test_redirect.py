# SPDX-License-Identifier: Apache-2.0
"""No answer of a service leads the agent to another host or path."""

from __future__ import annotations

import pytest

from aid.attack import Attack, edited, fails, fill, untouched
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy
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
            got = attack.agent("-q", queue.url, env=attack.env(AWS_REGION=REGION))
            fails(got, got.code, "IMDS", "302")
            assert got.code in (69, 77), got.err
        assert trap.connections == 0
    untouched(queue, proxy)


def test_a_role_name_leads_nowhere_else(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    attack.imds.fault(ROLES, status=200, body="../../../user-data?x#y%2f")
    got = attack.agent("-q", queue.url)
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
