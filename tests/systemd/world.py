# SPDX-License-Identifier: Apache-2.0
"""A booted container and what it can reach: stand-ins at AWS's own addresses."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import Machine

from aid.imds import Imds
from aid.nameserver import NameServer
from aid.queue import Queue
from aid.sqsproxy import SqsProxy

METADATA = "169.254.169.254"
# No address of loopback, which would be let through where others are not.
SERVICE, NAMES = "10.99.0.2", "10.99.0.3"
REGION = "eu-west-1"
HOST = f"sqs.{REGION}.amazonaws.com"
AGENT = "sqs-entropy-agent.service"
PRODUCER = "sqs-entropy-producer.service"
# A device that is not the source, in two places: in a /dev that a unit may not
# see, and where nothing but the device's numbers tell what it is.
FOREIGN = ["/dev/foreign", "/srv/foreign"]
UNCONDITIONAL = "[Unit]\nConditionVirtualization=\n"


@dataclass
class World:
    """A machine and what it can reach."""

    machine: Machine
    imds: Imds
    sqs: SqsProxy
    names: NameServer
    client: Any

    def make_queue(self, name: str) -> Queue:
        """Make a queue, whose URL is as at AWS."""
        made = self.client.create_queue(QueueName=name)["QueueUrl"]
        return Queue(name, made, self.client)

    def configure(self, program: str, **values: object) -> None:
        """Write a program's configuration, which trusts the stand-in."""
        values.setdefault("ca-bundle", "/etc/ssl/stand-in.pem")
        lines = [
            f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"
            for key, value in values.items()
        ]
        path = f"/etc/sqs-entropy/{program}.conf"
        self.machine.write(path, "\n".join(lines) + "\n")

    def start(self, unit: str) -> subprocess.CompletedProcess[str]:
        """Start a unit, which has to be down."""
        self.machine.run("systemctl", "stop", unit)
        self.machine.run("systemctl", "reset-failed", unit)
        return self.machine.run("systemctl", "start", unit)


def address(value: str) -> None:
    """Give this network namespace an address."""
    command = ["ip", "address", "add", f"{value}/32", "dev", "lo"]
    subprocess.run(command, check=True, timeout=10)


def settle(root: Path, bundle: str) -> None:
    """What an installer would have done."""
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").write_text(f"nameserver {NAMES}\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    (root / "etc/ssl/stand-in.pem").write_bytes(Path(bundle).read_bytes())


def enable(root: Path) -> None:
    """What a package would have done with the files."""
    links = root / "etc/systemd/system"
    for target, unit in (
        ("multi-user", AGENT),
        ("multi-user", PRODUCER),
        ("multi-user", "sqs-entropy-agent-watch.service"),
        ("timers", "sqs-entropy-agent.timer"),
        ("timers", "sqs-entropy-agent-retry.timer"),
    ):
        wants = links / f"{target}.target.wants"
        wants.mkdir(exist_ok=True)
        (wants / unit).symlink_to(f"/usr/lib/systemd/system/{unit}")
    users = ["sqs-entropy-agent.conf", "sqs-entropy-producer.conf"]
    command = ["chroot", str(root), "systemd-sysusers", *users]
    subprocess.run(command, check=True, timeout=30)


def add_devices(machine: Machine) -> None:
    """The generator, as the udev rule leaves it, and devices of no concern."""
    machine.must("mknod", "--mode=640", "/dev/hwrng", "c", "10", "183")
    machine.must("chgrp", "sqs-entropy-producer", "/dev/hwrng")
    for path in FOREIGN:
        machine.must("mknod", "--mode=666", path, "b", "7", "0")
        machine.must("cat", path)
