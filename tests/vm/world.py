# SPDX-License-Identifier: Apache-2.0
"""All that a guest can reach: a network of its own with stand-ins for AWS.

Everything here is made inside a network namespace that dies with this process,
so nothing leaves it and nothing of it is left over.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Callable

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

from aid.certificates import Certificate
from aid.imds import Imds, constant
from aid.sqsproxy import SqsProxy, service_error

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
REGION = "eu-west-1"
QUEUE = "entropy"
SQS_HOST = f"sqs.{REGION}.amazonaws.com"
QUEUE_URL = f"https://{SQS_HOST}/123456789012/{QUEUE}"
IMDS_ADDRESS = "169.254.169.254"
ROUTER = "10.0.0.1"
SQS_ADDRESS = "10.0.0.2"
GUEST = "10.0.0.10"
MAC = "02:00:00:00:00:0a"
TAP = "tap0"
MESSAGES = 3  # put into the queue before a boot
# What a program would otherwise take from the machine that tests.
CLEAN = {
    "PATH": os.environ["PATH"],
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}


class Ec2Imds(Imds):
    """With what cloud-init's Ec2 data source wants to know about the network."""

    def _leaves(self) -> dict[str, Callable[[], str]]:
        leaves = super()._leaves()
        card = f"meta-data/network/interfaces/macs/{MAC}/"
        values = {
            "device-number": "0",
            "interface-id": "eni-0123456789abcdef0",
            "local-hostname": "ip-10-0-0-10." + self.region,
            "local-ipv4s": GUEST,
            "mac": MAC,
            "owner-id": "123456789012",
            "subnet-id": "subnet-0123456789abcdef0",
            "subnet-ipv4-cidr-block": "10.0.0.0/24",
            "vpc-id": "vpc-0123456789abcdef0",
            "vpc-ipv4-cidr-block": "10.0.0.0/16",
        }
        leaves.update({card + k: constant(v) for k, v in values.items()})
        leaves["meta-data/mac"] = constant(MAC)
        return leaves


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command that has to succeed, or say what it said."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, **options
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {said}")
    return done


def dnsmasq(logs: Path) -> list[str]:
    """DHCP for the guest, and DNS that knows one name and asks nobody."""
    return [
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--user=root",
        f"--interface={TAP}",
        "--bind-interfaces",
        "--except-interface=lo",
        f"--dhcp-range={GUEST},{GUEST},1h",
        f"--dhcp-host={MAC},{GUEST}",
        f"--dhcp-option=option:router,{ROUTER}",
        f"--dhcp-option=option:dns-server,{ROUTER}",
        f"--dhcp-leasefile={logs / 'leases'}",
        f"--address=/{SQS_HOST}/{SQS_ADDRESS}",
        "--no-resolv",
        "--no-hosts",
        "--no-ping",
        "--pid-file",
        "--log-queries",
        "--log-dhcp",
        f"--log-facility={logs / 'dnsmasq.log'}",
    ]


class World:
    """The network, IMDS, SQS and the producer, for one guest after the other."""

    def __init__(self, work: Path, certificate: Certificate) -> None:
        self.work, self.certificate = work, certificate
        self.dns: subprocess.Popen[bytes] | None = None
        self._network()
        self.moto = ThreadedMotoServer(ip_address="127.0.0.1", port=5000, verbose=False)
        self.moto.start()
        self.endpoint = "http://127.0.0.1:5000"
        self.sqs = SqsProxy(
            self.endpoint, host=SQS_ADDRESS, port=443, tls=certificate.tls
        )
        self.sqs.start()
        self.imds = Ec2Imds(region=REGION, host=IMDS_ADDRESS, port=80)
        self.imds.start()
        self.client = self._client()
        self.url = self.client.create_queue(QueueName=QUEUE)["QueueUrl"]
        self.public_key = self._make_key()

    def _network(self) -> None:
        run("ip", "link", "set", "lo", "up")
        run("ip", "tuntap", "add", TAP, "mode", "tap")
        for address in f"{ROUTER}/24", f"{SQS_ADDRESS}/24", f"{IMDS_ADDRESS}/32":
            run("ip", "address", "add", address, "dev", TAP)
        run("ip", "link", "set", TAP, "up")
        run("nft", "add table inet vm")
        hook = "{ type filter hook input priority 0 ; policy accept ; }"
        run("nft", f"add chain inet vm input {hook}")

    def _client(self) -> Any:
        config = Config(retries={"total_max_attempts": 1}, proxies={})
        return boto3.session.Session(region_name=REGION).client(
            "sqs",
            endpoint_url=self.endpoint,
            aws_access_key_id="onlooker",
            aws_secret_access_key="onlooker",
            config=config,
        )

    def _make_key(self) -> str:
        key = self.work / "signing.key"
        return self._producer("--genkey", str(key)).stdout.strip()

    def _producer(self, *options: str) -> subprocess.CompletedProcess[str]:
        state = self.work / "producer"
        state.mkdir(exist_ok=True)
        environment = CLEAN | {
            "AWS_ENDPOINT_URL_SQS": self.endpoint,
            "STATE_DIRECTORY": str(state),
        }
        program = str(BUILD / "sqs-entropy-producer")
        return run(program, *options, env=environment)

    def produce(self) -> None:
        """Have the real producer sign and send so many messages, and no others."""
        self.drain()
        source = self.work / "source"
        source.write_bytes(os.urandom(65536))
        conf = self.work / "producer.conf"
        conf.write_text(
            f'queue = "{QUEUE}"\nregion = "{REGION}"\n'
            f"device = {json.dumps(str(source))}\n"
            f"low-watermark = {MESSAGES}\nburst = {MESSAGES}\n"
            f'signing-key = "{self.work / "signing.key"}"\n'
        )
        self._producer("--once", "--config", str(conf))
        if self.depth() < MESSAGES:
            raise RuntimeError(f"the producer sent {self.depth()} messages only")

    def drain(self) -> None:
        """Leave the queue empty; PurgeQueue may be called once a minute only."""
        while True:
            answer = self.client.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10
            )
            if not answer.get("Messages"):
                return
            for message in answer["Messages"]:
                self.client.delete_message(
                    QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"]
                )

    def depth(self) -> int:
        """Messages that exist, those somebody holds now among them."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ]
        answer = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=names
        )
        return sum(int(answer["Attributes"][name]) for name in names)

    def serve(self, logs: Path) -> None:
        """Forget the boot before, and behave well."""
        self.end_dns()
        for standin in self.imds, self.sqs:
            standin.clear()
            standin.forget()
        run("nft", "flush chain inet vm input")
        self.dns = subprocess.Popen(dnsmasq(logs), stdin=subprocess.DEVNULL)

    def black_hole(self, address: str) -> None:
        """From now on packets to that address vanish, and nobody is told."""
        run("nft", f"add rule inet vm input ip daddr {address} counter drop")

    def black_holed(self) -> int:
        """Packets that vanished."""
        rules = run("nft", "-j", "list chain inet vm input").stdout
        items = [i.get("rule", {}) for i in json.loads(rules)["nftables"]]
        parts = [part for item in items for part in item.get("expr", [])]
        return sum(p["counter"]["packets"] for p in parts if "counter" in p)

    def deny(self) -> None:
        """Answer every request to SQS as for a role that may not."""
        text = "User: arn:aws:sts::123456789012:assumed-role/sqs-entropy/i-0 is not "
        text += "authorized to perform: sqs:receivemessage"
        self.sqs.fault(
            "*",
            count=None,
            **service_error(
                "AccessDeniedException",
                text,
                403,
                "AccessDenied",
                shape="com.amazon.coral.service",
            ),
        )

    def write_logs(self, logs: Path) -> None:
        """What the stand-ins saw, beside what the guest says."""
        for name, standin in ("imds", self.imds), ("sqs", self.sqs):
            lines = [json.dumps(vars(r)) for r in standin.records]
            (logs / f"{name}.jsonl").write_text("".join(f"{s}\n" for s in lines))

    def calls(self, operation: str) -> int:
        """Requests of that kind that SQS answered with success."""
        return sum(r.status == 200 for r in self.sqs.matching(operation))

    def end_dns(self) -> None:
        """Stop DHCP and DNS."""
        if self.dns is not None:
            self.dns.terminate()
            self.dns.wait(10)
            self.dns = None

    def close(self) -> None:
        """Stop everything."""
        self.end_dns()
        self.imds.stop()
        self.sqs.stop()
        self.moto.stop()


def wait_until(what: Callable[[], bool], seconds: float) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.1)
    return False
