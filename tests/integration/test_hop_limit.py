# SPDX-License-Identifier: Apache-2.0
"""Silence of the metadata service, which the hop limit of its answers can cause.

EC2 sends the answer to the token's PUT with an IP time to live that is the hop
limit of the instance, 1 unless set otherwise. Behind the bridge of a container
the connection is made and that answer never comes.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from aid.attack import Attack, fails, fill, untouched
from aid.environment import PLACE
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy
from aid.watch import DOCUMENT


@pytest.fixture
def silent() -> Iterator[str]:
    """Give a place that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_silence_names_the_hop_limit(
    attack: Attack, queue: Queue, proxy: SqsProxy, silent: str
) -> None:
    fill(queue)
    env = attack.env(**{PLACE: silent, "AWS_REGION": REGION})
    got = attack.agent("-q", queue.url, env=env)
    # The end by the deadline would be 69.
    fails(got, 77, "nobody answers", "hop limit", "--http-put-response-hop-limit 2")
    untouched(queue, proxy)


def test_silence_until_the_deadline_names_the_hop_limit(
    attack: Attack, queue: Queue, proxy: SqsProxy, silent: str
) -> None:
    fill(queue)
    got = attack.agent("-q", queue.url, timeout=1, env=attack.env(**{PLACE: silent}))
    # The end of all tries, after three seconds, would be 77.
    fails(got, 69, "hop limit")
    untouched(queue, proxy)


def test_silence_behind_the_token_is_not_the_hop_limits(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    """A token that came shows that the hop limit is high enough."""
    fill(queue)
    attack.imds.fault(DOCUMENT, count=None, end="silence")
    # All tries take three seconds, and end with other words.
    got = attack.agent("-q", queue.url, timeout=3)
    line = fails(got, 69, "IMDS at", "time")
    assert "hop limit" not in line
    untouched(queue, proxy)
