# SPDX-License-Identifier: Apache-2.0
"""moto, the SQS, IAM and STS of the tests, with its queues and its roles."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import boto3
import pytest
from botocore.config import Config

from aid.imds import Credentials
from aid.processes import die_with_parent, end_group
from aid.wait import FOR_EVER

REGION = "eu-west-1"  # that of aid/imds.py
MOTO_START = 120  # seconds; a cold start on a slow disk takes its time


@functools.lru_cache(maxsize=1)
def session() -> boto3.session.Session:
    """The one boto3 session: it reads its service models once."""
    return boto3.session.Session(region_name=REGION)


@dataclass
class Server:
    """A server of SQS that nobody here wrote."""

    url: str
    pid: int

    def client(self, service: str, **values: Any) -> Any:
        """A boto3 client of the server that needs nothing from the environment."""
        values.setdefault("endpoint_url", self.url)
        values.setdefault("aws_access_key_id", "test")
        values.setdefault("aws_secret_access_key", "test")
        once = {"total_max_attempts": 1}
        config = Config(retries=once, read_timeout=FOR_EVER, proxies={})
        return session().client(service, config=config, **values)

    @functools.cached_property
    def sqs(self) -> Any:
        """The client of most tests, which takes long to make."""
        return self.client("sqs")


class Moto(Server):
    """A moto server: SQS, IAM and STS that keep their promises."""

    @contextlib.contextmanager
    def iam_mode(self) -> Iterator[None]:
        """Have signatures and policies checked for as long as this lasts."""
        self.post("/moto-api/reset-auth", "0")
        try:
            yield
        finally:
            self.post("/moto-api/reset-auth", "inf")

    def post(self, path: str, body: str) -> None:
        """Send a command to moto itself."""
        request = urllib.request.Request(self.url + path, body.encode(), method="POST")
        request.add_header("Content-Type", "text/plain")
        with urllib.request.urlopen(request, timeout=FOR_EVER) as answer:
            answer.read()


def wait_for_moto(process: subprocess.Popen[Any], log: Path) -> str:
    """Wait for the server, which logs the port that it picked; return the URL."""
    deadline = time.monotonic() + MOTO_START
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", log.read_text())
        if found:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(found.group(1) + "/moto-api/", timeout=5).close()
                return found.group(1)
        time.sleep(0.05)
    raise RuntimeError(f"moto_server did not start:\n{log.read_text()[-2000:]}")


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Moto]:
    """Start moto_server of this interpreter, with its log in a folder."""
    log = folder / "moto.log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    try:
        yield Moto(wait_for_moto(process, log), process.pid)
    finally:
        end_group(process)


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """Start moto_server of the interpreter that runs pytest."""
    with serving(tmp_path_factory.mktemp("moto")) as server:
        yield server


@dataclass
class Queue:
    """A queue of a server's; client goes there directly, past the proxy."""

    name: str
    url: str
    client: Any

    def send(self, body: str, **values: Any) -> str:
        """Send one message; return its id."""
        values = {"QueueUrl": self.url, "MessageBody": body, **values}
        return self.client.send_message(**values)["MessageId"]

    def depth(self) -> tuple[int, int]:
        """How many messages are visible, and how many are in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=names
        )
        values = answer["Attributes"]
        return int(values[names[0]]), int(values[names[1]])

    def delayed(self) -> int:
        """How many messages nobody can receive yet."""
        name = "ApproximateNumberOfMessagesDelayed"
        answer = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=[name]
        )
        return int(answer["Attributes"][name])

    def receive(self, count: int = 10, **values: Any) -> list[dict[str, Any]]:
        """Receive without deleting, all attributes included."""
        answer = self.client.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=count,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
            **values,
        )
        return answer.get("Messages", [])


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    """Give the server of this test: moto, unless it is for others too."""
    return request.getfixturevalue(getattr(request, "param", "moto"))


@pytest.fixture
def make_queue(server: Server) -> Iterator[Callable[..., Queue]]:
    """Give a function that makes queues; attributes are named as in CreateQueue."""
    client = server.sqs
    made: list[str] = []

    def make(fifo: bool = False, **attributes: str) -> Queue:
        name = f"entropy-{secrets.token_hex(8)}" + (".fifo" if fifo else "")
        if fifo:
            attributes["FifoQueue"] = "true"
        answer = client.create_queue(QueueName=name, Attributes=attributes)
        made.append(answer["QueueUrl"])
        return Queue(name, answer["QueueUrl"], client)

    yield make
    for url in made:
        with contextlib.suppress(client.exceptions.QueueDoesNotExist):
            client.delete_queue(QueueUrl=url)


@pytest.fixture
def queue(make_queue: Callable[..., Queue]) -> Queue:
    """Give a fresh standard queue."""
    return make_queue()


@dataclass
class Role:
    """An IAM role in moto, for tests in which signatures are checked."""

    name: str
    arn: str
    client: Any  # of STS

    def credentials(self) -> Credentials:
        """Give new credentials of the role, as `issue` of the IMDS stand-in."""
        answer = self.client.assume_role(
            RoleArn=self.arn, RoleSessionName="i-0123456789abcdef0"
        )
        values = answer["Credentials"]
        return Credentials(
            values["AccessKeyId"], values["SecretAccessKey"], values["SessionToken"]
        )


@pytest.fixture
def make_role(moto: Moto) -> Callable[..., Role]:
    """Give a function that makes roles, which may do the actions named."""

    def make(*actions: str) -> Role:
        name = f"entropy-{secrets.token_hex(8)}"
        client = moto.client("iam")
        trust = statement("sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})
        role = client.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        client.put_role_policy(
            RoleName=name,
            PolicyName="queue",
            PolicyDocument=statement(*actions, Resource="*"),
        )
        return Role(name, role["Role"]["Arn"], moto.client("sts"))

    return make


def statement(*actions: str, **values: Any) -> str:
    """Word a policy document with one statement."""
    allow = {"Effect": "Allow", "Action": list(actions), **values}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})
