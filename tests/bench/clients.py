# SPDX-License-Identifier: Apache-2.0
"""The clients that are measured, as the commands that they are."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from world import STORE, STORE_BUNDLE, Canned, World

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/entropy"
REGION = "eu-west-1"
SERVICES = ("http", "https")
RECEIPT = "AQEB" + 3 * (
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"
TOKEN = "AQAEAABdMUjTJ5rJ0123456789abcdefghijklmnopqrstuvwxyzAB=="
QUARTER = 4 * "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/+"
HERE = Path(__file__).parent
ARTICLE = "boto3 producer, one by one"
STARTUP = 2048  # bytes that the producer's start-up test takes and discards


@dataclass
class Client:
    """One row of a table."""

    name: str
    command: list[str]
    env: dict[str, str]
    last: str  # the last thing that it posts; its memory is looked at there
    posts: int = 1  # how often it does
    messages: int = 1  # that it sends
    counted: bool = True  # valgrind can count its instructions


@dataclass
class Place:
    """Where the clients of one table find what they ask."""

    world: World
    imds: Canned
    sqs: Canned
    service: str  # http or https

    @property
    def url(self) -> str:
        """The endpoint."""
        return self.sqs.url(self.service)

    def env(self) -> dict[str, str]:
        """The environment of a client that trusts what the system trusts.

        For those whose libraries have a store of their own, or where the system's
        does not have the certificate, see trusting().
        """
        return self.world.env(self.imds)

    def trusting(self, whole: bool) -> dict[str, str]:
        """The same with the variable that names certificates, where TLS needs it.

        whole: the bundle with all of the system's, as large as what boto3 brings.
        """
        env = self.env()
        if whole:  # they wait 1 s for IMDS otherwise, which is not much for valgrind
            env["AWS_METADATA_SERVICE_TIMEOUT"] = "300"
        if self.service == "https":
            bundle = STORE / STORE_BUNDLE
            use = whole and self.world.system_trust
            env["AWS_CA_BUNDLE"] = str(bundle) if use else self.world.certificate.path
        return env


def agent(place: Place, program: str | None = None) -> Client:
    """The agent, which injects if it may, and fails if that earns no credit."""
    world = place.world
    conf = world.folder / "agent.conf"
    conf.write_text(f'trusted-producers = "{world.folder}/trusted"\n')
    command = [
        program or str(world.build / "sqs-entropy-agent"),
        *("-c", str(conf), "-q", QUEUE, "--endpoint-url", place.url),
        *("-t", "300"),  # valgrind takes its time
        *(["--strict"] if world.kernel else ["-o", "-"]),
    ]
    env = place.env() if world.system_trust else place.trusting(whole=False)
    return Client("agent", command, env, "DeleteMessageBatch")


def _signed(url: str, operation: str, document: dict[str, object]) -> list[str]:
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"AmazonSQS.{operation}",
        "X-Amz-Security-Token": 4 * QUARTER,
        "x-amzn-query-mode": "true",
    }
    return [
        *("--aws-sigv4", f"aws:amz:{REGION}:sqs"),
        *("-u", "ASIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        *(word for n, v in headers.items() for word in ("-H", f"{n}: {v}")),
        *("-d", json.dumps(document, separators=(",", ":")), f"{url}/"),
    ]


def _curl_requests(imds: str, sqs: str) -> list[list[str]]:
    """Five of the agent's, each as the words that curl takes for it."""
    receive = {
        "QueueUrl": QUEUE,
        "MaxNumberOfMessages": 1,
        "WaitTimeSeconds": 1,
        "MessageSystemAttributeNames": ["SentTimestamp", "ApproximateReceiveCount"],
        "MessageAttributeNames": ["All"],
    }
    delete = {
        "QueueUrl": QUEUE,
        "Entries": [{"Id": "0", "ReceiptHandle": RECEIPT + "=="}],
    }
    ttl = "X-aws-ec2-metadata-token-ttl-seconds: 21600"
    token = f"X-aws-ec2-metadata-token: {TOKEN}"
    return [
        ["-X", "PUT", "-H", ttl, f"{imds}/latest/api/token"],
        ["-H", token, f"{imds}{ROLE_PATH}"],
        ["-H", token, f"{imds}{ROLE_PATH}sqs-entropy"],
        _signed(sqs, "ReceiveMessage", receive),
        _signed(sqs, "DeleteMessageBatch", delete),
    ]


SYSTEM, FOLDER, ALONE = "as the system trusts", "hashed folder", "one certificate"


def _cacert(world: World, trust: str) -> list[str]:
    """Options: FOLDER has to name some other certificate instead of the bundle."""
    if trust == FOLDER:
        other = min(STORE.glob("*.pem"))
        return ["--cacert", str(other), "--capath", str(STORE)]
    return ["--cacert", world.certificate.path] if trust == ALONE else []


def curl(place: Place, trust: str = SYSTEM) -> Client:
    """One process of curl that knows beforehand what the answers will say."""
    command = ["curl", "-q"]
    cacert = _cacert(place.world, trust) if place.service == "https" else []
    requests = _curl_requests(place.imds.url("imds"), place.url)
    for n, words in enumerate(requests):
        command += [*(["--next"] if n > 0 else []), "-sS", "--fail", *cacert, *words]
    name = "curl" if place.service == "http" else f"curl, {trust}"
    return Client(name, command, place.env(), "DeleteMessageBatch")


def curls(place: Place) -> list[Client]:
    """The ways in which curl may trust."""
    if place.service == "http":
        return [curl(place)]
    ways = [SYSTEM, FOLDER, ALONE] if place.world.system_trust else [ALONE]
    return [curl(place, trust) for trust in ways]


def boto3(place: Place) -> Client:
    """The article's consumer."""
    command = [sys.executable, str(HERE / "article_receive.py"), REGION, place.url]
    return Client(
        "boto3 consumer",
        [*command, "entropy"],
        place.trusting(whole=True),
        "DeleteMessage",
    )


def _aws(place: Place, operation: str, *words: str) -> str:
    program = str(Path(sys.executable).with_name("aws"))
    common = ("--endpoint-url", place.url, "--queue-url", QUEUE)
    return shlex.join([program, "sqs", operation, *common, *words])


def aws(place: Place) -> list[Client]:
    """The aws command, as people type it: without a delete and with one."""
    receive = _aws(place, "receive-message", "--query", "Messages[0].ReceiptHandle")
    delete = _aws(place, "delete-message", "--receipt-handle")
    env = place.trusting(whole=True)
    both = f'{delete} "$({receive} --output text)"'
    return [
        Client("aws receive", shlex.split(receive), env, "ReceiveMessage"),
        Client(
            "aws receive, delete",
            ["sh", "-c", both],
            env,
            "DeleteMessage",
            counted=False,
        ),
    ]


def pollinate(place: Place) -> Client:
    """What Ubuntu runs at the first boot; it signs nothing and asks no IMDS."""
    trust = ["--cacert", place.world.certificate.path]
    system = place.world.system_trust or place.service == "http"
    command = ["pollinate", "--testing", "--quiet", "--server", f"{place.url}/"]
    command += [] if system else ["--curl-opts", shlex.join(trust)]
    return Client("pollinate", command, place.env(), "/", counted=False)


def why_no_pollinate() -> str | None:
    """Give the reason why it cannot be measured, if there is one."""
    return None if shutil.which("pollinate") else "pollinate is not installed"


def consumers(place: Place) -> list[Client]:
    """Whoever takes a message, the agent first."""
    found = [agent(place), *curls(place), boto3(place), *aws(place)]
    if why_no_pollinate() is None:
        found.append(pollinate(place))
    return found


def _producer_conf(place: Place, count: int, name: str, signed: bool) -> str:
    folder = place.world.folder
    source, key = folder / f"source{count}", folder / "signing.key"
    conf = folder / f"{name}{count}.conf"
    source.write_bytes(os.urandom(STARTUP + 512 * count))
    text = (
        f'queue = "{QUEUE}"\ndevice = "{source}"\nlow-watermark = 1\nburst = {count}\n'
    )
    if signed:
        if not key.exists():
            program = str(place.world.build / "sqs-entropy-producer")
            genkey = [program, "--genkey", key]
            subprocess.run(genkey, check=True, capture_output=True)
        text += f'signing-key = "{key}"\n'
    conf.write_text(text)
    return str(conf)


def _producer(place: Place, count: int, name: str, signed: bool) -> Client:
    program = str(place.world.build / "sqs-entropy-producer")
    conf = _producer_conf(place, count, name, signed)
    command = [program, "--once", "-c", conf, "--endpoint-url", place.url]
    env = place.env() if place.world.system_trust else place.trusting(whole=False)
    return Client(name, command, env, "SendMessageBatch", count // 10, count)


def _boto3_producer(place: Place, count: int, name: str, each: int) -> Client:
    script = [sys.executable, str(HERE / "article_send.py"), REGION, place.url]
    command = [*script, "entropy", "/dev/urandom", str(count), str(each)]
    env = place.trusting(whole=True)
    return Client(name, command, env, "SendMessageBatch", count // each, count)


def producers(place: Place, count: int) -> list[Client]:
    """Whoever sends a burst of so many messages in tens, the producer first."""
    return [
        _producer(place, count, "producer", signed=True),
        _boto3_producer(place, count, "boto3 producer", each=10),
    ]


def more_producers(place: Place, count: int) -> list[Client]:
    """The producer without a key, and the article's with a request a message."""
    return [
        _producer(place, count, "producer, unsigned", signed=False),
        _boto3_producer(place, count // 10, ARTICLE, each=1),
    ]
