# SPDX-License-Identifier: Apache-2.0
"""What people already run beside us, both ways: boto3 old and new, and aws."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aid.environment import ROOT
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, STARTUP, TEN, Runner
from aid.queue import REGION, Moto, Queue
from aid.sqsproxy import SqsProxy
from aid.wait import FOR_EVER

QUERY_PYTHON = ROOT / "build" / "venv-query" / "bin" / "python"
AWS = Path(sys.executable).with_name("aws")

# The seed article's producer and consumer, reduced to what they do.
ARTICLE_SEND = """
import base64, boto3, os, sys
sqs = boto3.resource("sqs", region_name=sys.argv[1], endpoint_url=sys.argv[2])
queue = sqs.get_queue_by_name(QueueName=sys.argv[3])
data = bytes.fromhex(sys.argv[4])
queue.send_message(MessageBody=base64.b64encode(data).decode("ascii"))
"""
ARTICLE_RECEIVE = """
import base64, boto3, os, sys
sqs = boto3.resource("sqs", region_name=sys.argv[1], endpoint_url=sys.argv[2])
queue = sqs.get_queue_by_name(QueueName=sys.argv[3])
for message in queue.receive_messages(MaxNumberOfMessages=1):
    sys.stdout.buffer.write(base64.b64decode(message.body))
    message.delete()
"""


@pytest.fixture(params=["current", "query"])
def python(request: pytest.FixtureRequest) -> str:
    """Give a Python whose boto3 is the current one, or speaks the Query protocol."""
    if request.param == "current":
        return sys.executable
    if not QUERY_PYTHON.exists():
        pytest.skip(f"{QUERY_PYTHON} is not there: ./bootstrap check makes it")
    return str(QUERY_PYTHON)


def script(python: str, text: str, proxy: SqsProxy, queue: Queue, *args: str) -> bytes:
    """Run one of the article's scripts; what it wrote."""
    env = {
        **{k: v for k, v in os.environ.items() if k in ("PATH", "LANG")},
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    done = subprocess.run(
        [python, "-c", text, REGION, proxy.url, queue.name, *args],
        env=env,
        capture_output=True,
        timeout=FOR_EVER,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def protocol(proxy: SqsProxy, key: str) -> str:
    """Which protocol the client spoke for an operation, by what was kept."""
    record = next(r for r in proxy.records if r.key == key)
    return dict(record.note["headers"])["Content-Type"]


def test_the_agent_takes_what_boto3_sends(
    run: Runner, queue: Queue, proxy: SqsProxy, python: str
) -> None:
    payload = noise(512, 5)
    script(python, ARTICLE_SEND, proxy, queue, payload.hex())
    kind = protocol(proxy, "SendMessage")
    assert ("json" in kind) == (python == sys.executable)
    got = run(AGENT, "-q", queue.name, "-o", "-")
    assert (got.code, got.out) == (0, payload), got.err


def test_boto3_takes_what_the_producer_sends(
    run: Runner, queue: Queue, proxy: SqsProxy, python: str, source: Path
) -> None:
    made = run(PRODUCER, "--once", *TEN, "-q", queue.name, "-d", source)
    assert made.code == 0, made.err
    data = source.read_bytes()[STARTUP:]
    expected = {data[i : i + 512] for i in range(0, 5120, 512)}
    got = script(python, ARTICLE_RECEIVE, proxy, queue)
    assert got in expected
    assert queue.depth() == (9, 0)


def aws(moto: Moto, command: str) -> subprocess.CompletedProcess[bytes]:
    """Run a shell line as people type it, with the endpoint named.

    aws 1.x has a legacy endpoint for SQS that only the option overrides.
    """
    command = command.replace("aws sqs", f"aws --endpoint-url {moto.url} sqs")
    env = {
        "PATH": f"{AWS.parent}:{os.environ['PATH']}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
    }
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env=env,
        capture_output=True,
        timeout=FOR_EVER,
        check=False,
    )


def test_the_agent_takes_what_aws_sends(
    run: Runner, queue: Queue, moto: Moto, tmp_path: Path
) -> None:
    payload = noise(512, 6)
    (tmp_path / "bytes").write_bytes(payload)
    done = aws(
        moto,
        f"aws sqs send-message --queue-url {queue.url} "
        f'--message-body "$(base64 -w 0 <{tmp_path}/bytes)"',
    )
    assert done.returncode == 0, done.stderr.decode()
    got = run(AGENT, "-q", queue.url, "-o", "-")
    assert (got.code, got.out) == (0, payload), got.err


def test_the_articles_shell_line_reads_the_producers_messages(
    run: Runner, queue: Queue, moto: Moto, source: Path
) -> None:
    for tool in ("jq", "ent", "base64"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    made = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
    assert made.code == 0, made.err
    line = (
        f"aws sqs receive-message --queue-url {queue.url} "
        "| jq -r '.Messages[0].Body' | base64 -d | ent"
    )
    done = aws(moto, line)
    assert done.returncode == 0, done.stderr.decode()
    found = re.search(rb"Entropy = ([0-9.]+) bits per byte", done.stdout)
    assert found
    # Any 512 uniform bytes score 7.59 on average: bytes came, no more.
    assert 7.4 < float(found.group(1)) < 7.75
    assert b"of this 512 byte file" in done.stdout or b"512 samples" in done.stdout


def test_attributes_of_others_do_no_harm(run: Runner, queue: Queue) -> None:
    payload = noise(600, 7)
    attributes = {
        "Entropy": {"DataType": "String", "StringValue": "x" * 300},
        "Signature": {"DataType": "Binary", "BinaryValue": b"\0" * 63},
        "Other.Thing": {"DataType": "Number.int", "StringValue": "12"},
        "Bytes": {"DataType": "Binary.gif", "BinaryValue": hashlib.md5(b"").digest()},  # noqa: S324
    }
    queue.send(body(payload), MessageAttributes=attributes)
    got = run(AGENT, "-q", queue.url, "-o", "-")
    assert (got.code, got.out) == (0, payload), got.err


def test_a_body_that_a_shell_made_is_taken(run: Runner, queue: Queue) -> None:
    payload = noise(48, 8)
    queue.send(base64.b64encode(payload).decode() + "\n")
    got = run(AGENT, "-q", queue.url, "-o", "-")
    assert (got.code, got.out) == (0, payload), got.err
