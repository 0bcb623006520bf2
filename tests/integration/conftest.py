# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the stand-ins, a clean environment, and the programs under test."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import boto3
import pytest
from botocore.config import Config

from aid import certificates
from aid.imds import Credentials, Imds
from aid.sqsproxy import SqsProxy

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-west-1"  # that of aid/imds.py
MOTO_START = 60  # seconds; a cold start on a slow disk takes its time
RUN_TIMEOUT = 30  # seconds; no program's own deadline is near it

# What the machine of a developer or a builder has set and no test may see.
UNWANTED = re.compile(
    r"AWS_.*|BOTO.*|MOTO_.*|.*_PROXY|SSL_CERT_(FILE|DIR)"
    r"|(CURL|REQUESTS)_CA_BUNDLE|INITIAL_NO_AUTH_ACTION_COUNT",
    re.IGNORECASE,
)
# All that a program under test gets from outside.
WANTED = re.compile(
    r"PATH|LANG|LC_.*|TZ|TMPDIR|LD_LIBRARY_PATH|(A|L|T|UB)SAN_OPTIONS|LLVM_.*|GCOV_.*"
)


def pytest_configure(config: pytest.Config) -> None:
    """Clean this process, before boto3 and moto read its environment."""
    for name in [n for n in os.environ if UNWANTED.fullmatch(n)]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.devnull
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


def die_with_parent() -> None:
    """Run in a child: end when pytest ends, however that is."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def group_alive(group: int) -> list[str]:
    """The commands of a process group that still run; zombies do not."""
    alive = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = path.read_text().rpartition(") ")
            state, _, pgrp = rest.split()[:3]
            if int(pgrp) == group and state not in "ZX":
                alive.append(name.partition("(")[2])
    return alive


def end_group(process: subprocess.Popen[Any]) -> None:
    """Kill what is left of a program started in a session of its own."""
    if process.poll() is not None and not group_alive(process.pid):
        return  # its number may be somebody else's by now
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def build() -> Path:
    """Where the programs were built."""
    return (ROOT / os.environ.get("BUILD", "build")).resolve()


@functools.lru_cache(maxsize=1)
def session() -> boto3.session.Session:
    """The one boto3 session: it reads its service models once."""
    return boto3.session.Session(region_name=REGION)


@dataclass
class Moto:
    """A moto server: SQS, IAM and STS that keep their promises."""

    url: str
    pid: int

    def client(self, service: str, **values: Any) -> Any:
        """A boto3 client of it that needs nothing from the environment."""
        values.setdefault("endpoint_url", self.url)
        values.setdefault("aws_access_key_id", "test")
        values.setdefault("aws_secret_access_key", "test")
        config = Config(retries={"total_max_attempts": 1}, read_timeout=30, proxies={})
        return session().client(service, config=config, **values)

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
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


def wait_for_moto(process: subprocess.Popen[Any], log: Path) -> str:
    """The URL, once it answers. The server picks its port and logs it."""
    deadline = time.monotonic() + MOTO_START
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", log.read_text())
        if found:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(found.group(1) + "/moto-api/", timeout=5).close()
                return found.group(1)
        time.sleep(0.05)
    raise RuntimeError(f"moto_server did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """Start moto_server of the interpreter that runs pytest."""
    log = tmp_path_factory.mktemp("moto") / "log"
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


@pytest.fixture
def imds() -> Iterator[Imds]:
    """Give an IMDSv2 stand-in with a role and the region of the queues."""
    with Imds(region=REGION) as standin:
        yield standin
    assert not standin.errors


@pytest.fixture
def proxy(moto: Moto) -> Iterator[SqsProxy]:
    """Give a fault proxy in front of moto, whose log shows what was asked."""
    with SqsProxy(moto.url, keep=True) as standin:
        yield standin
    assert not standin.errors


@pytest.fixture(scope="session")
def certificate(
    tmp_path_factory: pytest.TempPathFactory,
) -> certificates.Certificate:
    """Give a certificate for loopback; its path is the CA bundle to trust."""
    return certificates.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def tls_proxy(moto: Moto, certificate: certificates.Certificate) -> Iterator[SqsProxy]:
    """Give the fault proxy behind TLS."""
    with SqsProxy(moto.url, keep=True, tls=certificate.tls) as standin:
        yield standin
    assert not standin.errors


@dataclass
class Queue:
    """A queue of moto's; client goes to moto directly, past the proxy."""

    name: str
    url: str
    client: Any

    def send(self, body: str, **values: Any) -> str:
        """Send one message; its id."""
        values = {"QueueUrl": self.url, "MessageBody": body, **values}
        return self.client.send_message(**values)["MessageId"]

    def depth(self) -> tuple[int, int]:
        """Messages that are visible, and in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=names
        )
        values = answer["Attributes"]
        return int(values[names[0]]), int(values[names[1]])

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
def make_queue(moto: Moto) -> Iterator[Callable[..., Queue]]:
    """Give a function that makes queues; attributes are named as in CreateQueue."""
    client = moto.client("sqs")
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


@pytest.fixture
def env(tmp_path: Path, imds: Imds, proxy: SqsProxy) -> dict[str, str]:
    """Give an environment for programs: the stand-ins and nothing of the caller's.

    Credentials come from the IMDS stand-in, SQS is the proxy in front of moto.
    """
    home = tmp_path / "home"
    home.mkdir()
    clean = {n: v for n, v in os.environ.items() if WANTED.fullmatch(n)}
    clean["HOME"] = str(home)
    for name in "STATE_DIRECTORY", "RUNTIME_DIRECTORY":
        clean[name] = str(tmp_path / name.lower())
        Path(clean[name]).mkdir()
    clean["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = imds.url
    clean["AWS_ENDPOINT_URL_SQS"] = proxy.url
    return clean


@dataclass
class Result:
    """What a program did."""

    code: int  # negative: the signal that ended it
    out: bytes
    err: str
    seconds: float
    command: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """What it said, a message a line."""
        return self.err.splitlines()


@dataclass
class Runner:
    """Starts programs and makes sure that they end, children included."""

    build: Path
    env: dict[str, str]
    started: list[subprocess.Popen[Any]] = field(default_factory=list)

    def start(
        self,
        program: str,
        *args: str | Path,
        env: dict[str, str] | None = None,
        **values: Any,
    ) -> subprocess.Popen[bytes]:
        """Start a program in the background; the fixture ends it."""
        path = program if "/" in program else str(self.build / program)
        if not os.access(path, os.X_OK):
            pytest.fail(f"{path} is not there: run make first")
        values.setdefault("stdin", subprocess.DEVNULL)
        values.setdefault("stdout", subprocess.PIPE)
        values.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [path, *map(str, args)],
            env=self.env if env is None else env,
            start_new_session=True,
            **values,
        )
        self.started.append(process)
        return process

    def finish(
        self, process: subprocess.Popen[bytes], timeout: float = RUN_TIMEOUT
    ) -> Result:
        """Wait for a started program, killing it when it takes too long."""
        began = time.monotonic()
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            said = (err or b"").decode(errors="replace")
            pytest.fail(f"{process.args} ran for over {timeout} s and said:\n{said}")
        seconds = time.monotonic() - began
        self._no_leftovers(process)
        said = (err or b"").decode("utf-8", "replace")
        command = [str(a) for a in process.args]  # type: ignore[union-attr]
        return Result(process.returncode, out or b"", said, seconds, command)

    def __call__(
        self,
        program: str,
        *args: str | Path,
        env: dict[str, str] | None = None,
        timeout: float = RUN_TIMEOUT,
        **values: Any,
    ) -> Result:
        """Run a program to its end."""
        began = time.monotonic()
        process = self.start(program, *args, env=env, **values)
        result = self.finish(process, timeout)
        result.seconds = time.monotonic() - began
        return result

    def _no_leftovers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 1
        while left := group_alive(process.pid):
            if time.monotonic() > deadline:
                pytest.fail(f"{process.args} ended and left {', '.join(left)} running")
            time.sleep(0.02)


@pytest.fixture
def run(build: Path, env: dict[str, str]) -> Iterator[Runner]:
    """Give a function that runs a built program, with its arguments after it.

    Its start() and finish() do the same in two steps.
    """
    runner = Runner(build, env)
    yield runner
    for process in runner.started:
        end_group(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
