# SPDX-License-Identifier: Apache-2.0
"""Silence of the metadata service, which the hop limit of its answers can cause.

EC2 sends the answer to the token's PUT with an IP time to live that is the hop
limit of the instance, 1 unless set otherwise. Behind the bridge of a container
the connection is made and that answer never comes.
"""

from __future__ import annotations

import re
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


WHOLE = (
    "raise the hop limit to 2: aws ec2 modify-instance-metadata-options "
    "--instance-id ID --http-put-response-hop-limit 2"
)


def test_silence_names_the_hop_limit(
    attack: Attack, queue: Queue, proxy: SqsProxy, silent: str
) -> None:
    """Where the region or the tag is asked for, too, and to the last digit."""
    fill(queue)
    known = {PLACE: silent, "AWS_REGION": REGION}
    for args, env in (
        (("-q", queue.url), known),
        (("-q", queue.url), {PLACE: silent}),
        ((), known),
    ):
        got = attack.agent(*args, timeout=1, env=attack.env(**env))
        line = fails(got, 69, "nobody answers", WHOLE)
        assert re.search(r"hop-limit 2\)?$", line), line
    untouched(queue, proxy)


def test_silence_behind_the_token_is_not_the_hop_limits(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    """A token that came shows that the hop limit is high enough."""
    fill(queue)
    attack.imds.fault(DOCUMENT, count=None, end="silence")
    got = attack.agent("-q", queue.url, timeout=2)
    line = fails(got, 69, "IMDS at", "stopped answering", "time")
    assert "hop limit" not in line
    untouched(queue, proxy)
