# SPDX-License-Identifier: Apache-2.0
"""The clients that are measured, as the commands that they are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from world import STORE, Canned, World

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/entropy"
REGION = "eu-west-1"
RECEIPT = "AQEB" + 3 * (
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"
IMDS = ("PUT /latest/api/token", f"GET {ROLE_PATH}", f"GET {ROLE_PATH}sqs-entropy")
TOKEN = "AQAEAABdMUjTJ5rJ0123456789abcdefghijklmnopqrstuvwxyzAB=="
QUARTER = 4 * "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/+"


@dataclass
class Client:
    """One row of a table."""

    name: str
    command: list[str]
    env: dict[str, str]
    asks: list[str] = field(default_factory=list)  # of SQS, beside IMDS


def agent(world: World, imds: Canned, sqs: Canned, service: str) -> Client:
    """The agent, which trusts what the system trusts, and injects if it may."""
    conf = world.folder / "agent.conf"
    conf.write_text(f'trusted-producers = "{world.folder}/trusted"\n')
    command = [
        str(world.build / "sqs-entropy-agent"),
        *("-c", str(conf), "-q", QUEUE, "--endpoint-url", sqs.url(service)),
        *([] if world.kernel else ["-o", "-"]),
    ]
    env = world.env(imds)
    if service == "https" and not world.system_trust:
        env["AWS_CA_BUNDLE"] = world.certificate.path
    return Client("agent", command, env, ["ReceiveMessage", "DeleteMessageBatch"])


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
    """The agent's five, each as the words that curl takes for it."""
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


def curl(
    world: World, imds: Canned, sqs: Canned, service: str, trust: str = "system"
) -> Client:
    """One process of curl that knows beforehand what the answers will say.

    trust: the system's store as curl is built to read it; "folder": its hashed
    folder; "alone": the one certificate that is needed.
    """
    others = sorted(STORE.glob("*.pem"))
    cacert = {
        "system": [],
        "folder": [
            "--cacert",
            str(others[0]) if others else "",
            "--capath",
            str(STORE),
        ],
        "alone": ["--cacert", world.certificate.path],
    }[trust if service == "https" else "system"]
    command = ["curl", "-q"]
    for n, words in enumerate(_curl_requests(imds.url("imds"), sqs.url(service))):
        command += [*(["--next"] if n > 0 else []), "-sS", "--fail", *cacert, *words]
    name = "curl" if service == "http" else f"curl, {TRUSTS[trust]}"
    return Client(
        name, command, world.env(imds), ["ReceiveMessage", "DeleteMessageBatch"]
    )


TRUSTS = {
    "system": "as the system trusts",
    "folder": "hashed folder",
    "alone": "one certificate",
}
