# SPDX-License-Identifier: Apache-2.0
"""Tests of moto as the SQS stand-in, of the fault proxy, and of the fixtures."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from aid import certificates
from aid.imds import Imds
from aid.programs import Runner
from aid.queue import REGION, Moto, Queue, Role
from aid.sqsproxy import SqsFault, SqsProxy, service_error
from aid.wait import FOR_EVER, wait_until


@pytest.fixture
def client(moto: Moto, proxy: SqsProxy) -> Any:
    """Give a client that goes through the proxy and tries once."""
    return moto.client("sqs", endpoint_url=proxy.url)


def batch(*bodies: str) -> list[dict[str, str]]:
    """Entries of SendMessageBatch."""
    return [{"Id": str(i), "MessageBody": b} for i, b in enumerate(bodies)]


def entries_to_delete(messages: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Entries of DeleteMessageBatch."""
    return [
        {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]}
        for i, m in enumerate(messages)
    ]


def post(
    proxy: SqsProxy, operation: str, document: dict[str, Any], timeout: float = FOR_EVER
) -> bytes:
    """Ask without botocore, which forgives more than a client should."""
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS." + operation,
        "Authorization": f"AWS4-HMAC-SHA256 Credential=t/20260101/{REGION}/sqs/"
        "aws4_request, SignedHeaders=host, Signature=0",
    }
    link = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=timeout)
    try:
        link.request("POST", "/", json.dumps(document), headers)
        return link.getresponse().read()
    finally:
        link.close()


# Moto, as far as the design counts on it.


def test_a_queue_is_fresh(queue: Queue) -> None:
    assert queue.depth() == (0, 0)
    queue.send("one")
    assert queue.depth() == (1, 0)
    assert queue.receive()[0]["Body"] == "one"
    assert queue.depth() == (0, 1)


def test_a_fifo_queue_drops_duplicates(make_queue: Callable[..., Queue]) -> None:
    queue = make_queue(fifo=True)
    for _ in range(2):
        queue.send("one", MessageGroupId="g", MessageDeduplicationId="d")
    assert queue.depth() == (1, 0)


def test_moto_checks_signatures_in_iam_mode(
    moto: Moto, queue: Queue, make_role: Callable[..., Role]
) -> None:
    good = make_role("sqs:ReceiveMessage").credentials()
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    keys = dict(zip(names, (good.access_key, good.secret_key, good.token)))
    with moto.iam_mode():
        moto.client("sqs", **keys).receive_message(QueueUrl=queue.url)
        bad = moto.client("sqs", **{**keys, "aws_secret_access_key": "x" * 40})
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            bad.receive_message(QueueUrl=queue.url)
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            queue.depth()
        with pytest.raises(ClientError, match="AccessDenied"):
            moto.client("sqs", **keys).purge_queue(QueueUrl=queue.url)
    assert queue.depth() == (0, 0)


def test_imds_gives_credentials_that_moto_knows(
    moto: Moto, queue: Queue, make_role: Callable[..., Role]
) -> None:
    role = make_role("sqs:*")
    with Imds(role=role.name, issue=role.credentials) as imds:
        values = json.loads(imds.document())
    with moto.iam_mode():
        moto.client(
            "sqs",
            aws_access_key_id=values["AccessKeyId"],
            aws_secret_access_key=values["SecretAccessKey"],
            aws_session_token=values["Token"],
        ).receive_message(QueueUrl=queue.url)


def test_the_aws_cli_uses_the_stand_ins(
    run: Runner, proxy: SqsProxy, imds: Imds, queue: Queue
) -> None:
    queue.send("hello")
    aws = Path(sys.executable).with_name("aws")
    # The option, since this program overrides AWS_ENDPOINT_URL_SQS by itself.
    arguments = ["--endpoint-url", proxy.url, "--region", REGION, "sqs"]
    arguments += ["receive-message", "--queue-url", queue.url]
    result = run(str(aws), *arguments)
    assert result.code == 0, result.err
    assert json.loads(result.out)["Messages"][0]["Body"] == "hello"
    assert proxy.keys() == ["ReceiveMessage"]
    document = json.loads(imds.document())
    assert proxy.records[0].note["access_key"] == document["AccessKeyId"]


# Forwarding.


def test_the_proxy_forwards_and_logs(
    proxy: SqsProxy, client: Any, queue: Queue
) -> None:
    url = client.get_queue_url(QueueName=queue.name)["QueueUrl"]
    # The stand-in saw the Host that the client sent.
    assert url.startswith(proxy.url + "/")
    client.send_message_batch(QueueUrl=queue.url, Entries=batch("a", "b"))
    got = client.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10)
    answer = client.delete_message_batch(
        QueueUrl=queue.url, Entries=entries_to_delete(got["Messages"])
    )
    assert len(answer["Successful"]) == 2
    assert proxy.keys() == [
        "GetQueueUrl",
        "SendMessageBatch",
        "ReceiveMessage",
        "DeleteMessageBatch",
    ]
    records = proxy.records
    assert [r.status for r in records] == [200] * 4
    assert records[1].note["entries"] == 2
    assert records[1].note["access_key"] == "test"
    # Kept alive towards the client, although moto closes.
    assert proxy.connections == 1
    moments = [t for r in records for t in (r.began, r.ended)]
    assert moments == sorted(moments)
    assert queue.depth() == (0, 0)


def test_the_proxy_forwards_errors_verbatim(proxy: SqsProxy, client: Any) -> None:
    with pytest.raises(client.exceptions.QueueDoesNotExist):
        client.get_queue_url(QueueName="no-such-queue")
    assert proxy.records[0].status == 400


def test_the_proxy_forwards_signatures(
    moto: Moto, proxy: SqsProxy, queue: Queue, make_role: Callable[..., Role]
) -> None:
    keys = make_role("sqs:ReceiveMessage").credentials()
    client = moto.client(
        "sqs",
        endpoint_url=proxy.url,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
    )
    with moto.iam_mode():
        client.receive_message(QueueUrl=queue.url)
    record = proxy.records[0]
    assert record.note["session"] is True
    assert record.note["access_key"] == keys.access_key
    assert keys.token not in repr(proxy.records)


def test_the_proxy_names_operations_of_the_query_protocol() -> None:
    with SqsProxy("http://127.0.0.1:1") as proxy:
        link = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=FOR_EVER)
        kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        link.request("POST", "/", "Action=SendMessage&Version=2012-11-05", kind)
        # Nobody listens behind: the proxy says so.
        assert link.getresponse().status == 502
        link.close()
        assert proxy.keys() == ["SendMessage"]


# Faults.


def test_a_fault_can_answer_instead(proxy: SqsProxy, client: Any, queue: Queue) -> None:
    error = service_error(
        "ThrottlingException", "Rate exceeded", query_code="RequestThrottled"
    )
    proxy.fault("SendMessage", **error)
    with pytest.raises(ClientError) as caught:
        client.send_message(QueueUrl=queue.url, MessageBody="x")
    assert caught.value.response["Error"]["Code"] == "RequestThrottled"
    assert queue.depth() == (0, 0)
    client.send_message(QueueUrl=queue.url, MessageBody="x")
    assert queue.depth() == (1, 0)


def test_a_fault_counts_by_operation(
    proxy: SqsProxy, client: Any, queue: Queue
) -> None:
    proxy.fault("SendMessage", status=503, count=1, skip=1)
    client.send_message(QueueUrl=queue.url, MessageBody="x")
    client.receive_message(QueueUrl=queue.url)
    with pytest.raises(ClientError):
        client.send_message(QueueUrl=queue.url, MessageBody="x")
    client.send_message(QueueUrl=queue.url, MessageBody="x")
    assert [r.status for r in proxy.matching("SendMessage")] == [200, 503, 200]


def test_a_fault_can_hide_an_outcome(
    proxy: SqsProxy, client: Any, queue: Queue
) -> None:
    proxy.fault("SendMessage", forward=True, end="drop")
    with pytest.raises(ConnectionClosedError):
        client.send_message(QueueUrl=queue.url, MessageBody="x")
    # It was done all the same.
    assert queue.depth() == (1, 0)
    record = proxy.records[0]
    assert (record.status, record.outcome) == (None, "dropped")
    assert record.note["upstream"] == 200


def test_a_fault_can_lose_a_request(proxy: SqsProxy, client: Any, queue: Queue) -> None:
    proxy.fault("SendMessage", end="drop")
    with pytest.raises(ConnectionClosedError):
        client.send_message(QueueUrl=queue.url, MessageBody="x")
    assert queue.depth() == (0, 0)


def test_a_fault_can_answer_never(proxy: SqsProxy, queue: Queue) -> None:
    proxy.fault("SendMessage", forward=True, end="silence")
    document = {"QueueUrl": queue.url, "MessageBody": "x"}
    with pytest.raises(TimeoutError):
        post(proxy, "SendMessage", document, timeout=1)
    wait_until(lambda: queue.depth() == (1, 0))


def test_a_fault_can_hold_and_delay(proxy: SqsProxy, client: Any, queue: Queue) -> None:
    proxy.fault("SendMessage", delay=0.2, hold=0.2)
    began = time.monotonic()
    client.send_message(QueueUrl=queue.url, MessageBody="x")
    assert time.monotonic() - began >= 0.4


def test_a_fault_can_trickle(proxy: SqsProxy, client: Any, queue: Queue) -> None:
    proxy.fault("SendMessage", trickle=0.02, piece=32)
    began = time.monotonic()
    client.send_message(QueueUrl=queue.url, MessageBody="x")
    assert time.monotonic() - began >= 0.1


def test_a_fault_can_truncate(proxy: SqsProxy, queue: Queue) -> None:
    queue.send("x")
    proxy.fault("ReceiveMessage", truncate=40)
    with pytest.raises(http.client.IncompleteRead) as caught:
        post(proxy, "ReceiveMessage", {"QueueUrl": queue.url})
    assert len(caught.value.partial) == 40
    # The message is in flight although nobody has it.
    assert queue.depth() == (0, 1)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_fault_can_answer_too_much(
    proxy: SqsProxy, client: Any, queue: Queue, chunked: bool
) -> None:
    queue.send("x")
    proxy.fault("ReceiveMessage", pad=2 << 20, chunked=chunked)
    got = client.receive_message(QueueUrl=queue.url)
    assert got["Messages"][0]["Body"] == "x"
    if not chunked:
        headers = got["ResponseMetadata"]["HTTPHeaders"]
        assert int(headers["content-length"]) == 2 << 20


@pytest.mark.parametrize("executed", [False, True])
def test_a_fault_can_fail_entries_of_a_send(
    proxy: SqsProxy, client: Any, queue: Queue, executed: bool
) -> None:
    proxy.fault("SendMessageBatch", fail_entries=[1, 7], executed=executed)
    entries = batch("a", "b", "c")
    answer = client.send_message_batch(QueueUrl=queue.url, Entries=entries)
    assert [e["Id"] for e in answer["Successful"]] == ["0", "2"]
    assert [e["Id"] for e in answer["Failed"]] == ["1"]
    assert answer["Failed"][0]["SenderFault"] is False
    assert answer["Failed"][0]["Code"] == "InternalError"
    assert queue.depth() == (3 if executed else 2, 0)
    assert proxy.records[0].note["entries"] == 3


def test_a_fault_can_fail_a_whole_batch(
    proxy: SqsProxy, client: Any, queue: Queue
) -> None:
    proxy.fault(
        "SendMessageBatch",
        fail_entries=[0, 1],
        fail_code="InvalidMessageContents",
        sender_fault=True,
    )
    entries = batch("a", "b")
    answer = client.send_message_batch(QueueUrl=queue.url, Entries=entries)
    assert answer["Successful"] == []
    assert [e["Code"] for e in answer["Failed"]] == ["InvalidMessageContents"] * 2
    assert [e["SenderFault"] for e in answer["Failed"]] == [True, True]
    assert queue.depth() == (0, 0)


def test_a_fault_can_fail_entries_of_a_delete(
    proxy: SqsProxy, client: Any, queue: Queue
) -> None:
    queue.send("a")
    queue.send("b")
    proxy.fault("DeleteMessageBatch", fail_entries=[0])
    answer = client.delete_message_batch(
        QueueUrl=queue.url, Entries=entries_to_delete(queue.receive())
    )
    assert [e["Id"] for e in answer["Failed"]] == ["0"]
    assert queue.depth() == (0, 1)


def test_a_fault_can_corrupt_the_digest_of_a_body(
    proxy: SqsProxy, client: Any, queue: Queue
) -> None:
    right = hashlib.md5(b"a").hexdigest()  # noqa: S324
    proxy.fault("*Message*", corrupt="md5", count=2)
    sent = client.send_message_batch(QueueUrl=queue.url, Entries=batch("a"))
    got = client.receive_message(QueueUrl=queue.url)
    digests = [
        sent["Successful"][0]["MD5OfMessageBody"],
        got["Messages"][0]["MD5OfBody"],
    ]
    assert [len(d) for d in digests] == [32, 32]
    assert right not in digests


def test_a_corrupt_body_stays_base64(
    proxy: SqsProxy, client: Any, queue: Queue
) -> None:
    queue.send("AAAA")
    proxy.fault("ReceiveMessage", corrupt="body")
    got = client.receive_message(QueueUrl=queue.url)["Messages"][0]
    assert got["Body"] == "BAAA"
    assert got["MD5OfBody"] == hashlib.md5(b"AAAA").hexdigest()  # noqa: S324


def test_a_fault_can_corrupt_the_digest_of_attributes(
    proxy: SqsProxy, client: Any, queue: Queue
) -> None:
    value = {"Entropy": {"DataType": "String", "StringValue": "v=1"}}
    queue.send("AAAA", MessageAttributes=value)
    right = queue.receive(VisibilityTimeout=0)[0]["MD5OfMessageAttributes"]
    proxy.fault("ReceiveMessage", corrupt="attributes-md5")
    got = client.receive_message(QueueUrl=queue.url, MessageAttributeNames=["All"])
    wrong = got["Messages"][0]["MD5OfMessageAttributes"]
    assert len(wrong) == len(right)
    assert wrong != right


def test_a_fault_can_corrupt_the_document(proxy: SqsProxy, queue: Queue) -> None:
    proxy.fault("GetQueueUrl", corrupt="json")
    body = post(proxy, "GetQueueUrl", {"QueueName": queue.name})
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(body)
    assert json.loads(body + b"}")["QueueUrl"].endswith(queue.name)


def test_a_fault_can_edit_the_document(
    proxy: SqsProxy, client: Any, queue: Queue
) -> None:
    def edit(document: dict[str, Any]) -> dict[str, Any]:
        return {"Attributes": {**document["Attributes"], "Policy": "x"}}

    proxy.fault("GetQueueAttributes", edit=edit)
    got = client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])
    assert got["Attributes"]["Policy"] == "x"


def test_a_fault_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="corrupt is one of"):
        SqsFault(corrupt="x")


# TLS.


def test_a_client_that_trusts_the_certificate_is_served(
    moto: Moto,
    tls_proxy: SqsProxy,
    certificate: certificates.Certificate,
    queue: Queue,
) -> None:
    client = moto.client("sqs", endpoint_url=tls_proxy.url, verify=certificate.path)
    client.send_message(QueueUrl=queue.url, MessageBody="x")
    assert tls_proxy.url.startswith("https://")
    assert queue.depth() == (1, 0)


@pytest.mark.parametrize(
    ("names", "begins", "ends", "reason"),
    [
        (("127.0.0.1",), -2, -1, "expired"),
        (("127.0.0.1",), 1, 2, "not yet valid"),
        (("sqs.example",), -1, 1, "mismatch"),
    ],
)
def test_a_client_that_does_not_trust_it_is_not_served(
    tmp_path: Path, names: tuple[str, ...], begins: float, ends: float, reason: str
) -> None:
    made = certificates.make(tmp_path, names, begins, ends)
    context = ssl.create_default_context(cafile=made.path)
    with SqsProxy("http://127.0.0.1:1", tls=made.tls) as proxy:
        link = socket.create_connection(("127.0.0.1", proxy.port), 5)
        with link, pytest.raises(ssl.SSLCertVerificationError, match=reason):
            context.wrap_socket(link, server_hostname="127.0.0.1")
        assert proxy.records == []


# The fixtures themselves.


def test_the_environment_is_clean(
    env: dict[str, str], imds: Imds, proxy: SqsProxy
) -> None:
    aws = {n: v for n, v in env.items() if n.startswith("AWS_")}
    assert aws == {
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url,
        "AWS_ENDPOINT_URL_SQS": proxy.url,
    }
    assert not [n for n in env if n.lower().endswith(("_proxy", "_ca_bundle"))]
    assert "SSL_CERT_FILE" not in env
    assert "REQUESTS_CA_BUNDLE" not in os.environ
    assert Path(env["HOME"]).is_dir()


def test_a_run_gives_code_output_and_errors(run: Runner, env: dict[str, str]) -> None:
    script = "import os, sys; print(os.environ['HOME']); sys.exit('bye')"
    result = run(sys.executable, "-c", script)
    assert result.code == 1
    assert result.out.decode() == env["HOME"] + "\n"
    assert result.lines() == ["bye"]
    assert 0 < result.seconds < FOR_EVER


def test_a_run_ends_what_hangs(run: Runner) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"ran for over 0\.2 s"):
        run("/bin/sleep", "60", timeout=0.2)


def test_a_run_sees_what_is_left_over(run: Runner) -> None:
    with pytest.raises(pytest.fail.Exception, match="left sleep running"):
        run("/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 &")


def test_a_run_needs_a_build(run: Runner) -> None:
    with pytest.raises(pytest.fail.Exception, match="run make first"):
        run("no-such-program")
