# SPDX-License-Identifier: Apache-2.0
"""A machine on which all is well, for --doctor to look at, and what it found.

Files that the programs look for at fixed places are put there in a mount namespace
of each run.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aid import certificates
from aid.imds import Imds
from aid.maker import make_key
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, Result, Runner
from aid.queue import Moto, Queue
from aid.sqsproxy import SqsProxy
from aid.users import FIRST_ID, HAS_USERS, PRODUCER_OFFLINE, USERS

UNSYNCHRONISED = 5  # adjtimex(2), TIME_ERROR
# A /run with what the folder holds, a /var/lib of the folder's, and no more.
MOUNTS = """set -e
mount -t tmpfs none /run
cp -a "$1"/run/. /run
mount --bind "$1"/lib /var/lib
shift
{more}
exec "$@"
"""
SYSTEMCTL = """#!/bin/sh
for unit; do :; done
cat "{folder}/units/$unit"
"""
UNIT = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "waiting",
    "UnitFileState": "enabled",
    "Result": "success",
}
LISTED = (
    "cloud_init_modules:\n- seed_random\n- [sqs_entropy, once-per-instance]\n- ssh\n"
)

UNITS = (
    *("agent.service", "agent.timer", "agent-retry.timer", "agent-watch.service"),
    "producer.service",
)
WAIT_SYNC = "systemd-time-wait-sync.service"

needs_root = pytest.mark.skipif(
    not HAS_USERS or shutil.which("unshare") is None,
    reason="needs root, the programs' users and unshare(1)",
)


def clock_is_kept() -> bool:
    """Whether something keeps this machine's clock right, as adjtimex(2) tells."""
    space = ctypes.create_string_buffer(512)
    return ctypes.CDLL(None).adjtimex(space) not in (UNSYNCHRONISED, -1)


@dataclass
class Report:
    """What --doctor said, in JSON."""

    code: int
    findings: list[dict[str, Any]]
    exit: int
    err: str

    @classmethod
    def read(cls, got: Result) -> Report:
        """Read what it printed."""
        assert got.out, got.err
        document = json.loads(got.out)
        return cls(got.code, document["findings"], document["exit"], got.err)

    def of(self, name: str) -> list[dict[str, Any]]:
        """The findings of that name."""
        return [f for f in self.findings if f["name"] == name]

    def wrong(self) -> set[tuple[str, str]]:
        """Level and name of what is wrong, but for a clock that nobody keeps here."""
        found = {
            (f["level"], f["name"])
            for f in self.findings
            if f["level"] in ("warning", "FAIL")
        }
        return found - (set() if clock_is_kept() else {("warning", "clock")})

    def text(self, name: str) -> str:
        """All that is said of it."""
        return "\n".join(f["text"] + "\n" + f.get("remedy", "") for f in self.of(name))


@dataclass
class World:
    """The machine; what a test changes of it is what is wrong."""

    run: Runner
    queue: Queue
    proxy: SqsProxy
    imds: Imds
    folder: Path
    env: dict[str, str]
    conf: dict[str, str]  # of both programs
    more: list[str] = field(default_factory=list)  # commands before the program
    before: list[str] = field(default_factory=list)  # words before it
    generator: Any = None  # the writing end of the device
    sts: Any = None  # instead of moto

    def write(self, name: str, text: str) -> Path:
        """Write a file of the machine; its /run is run/, its /var/lib is lib/."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def unit(self, name: str, **state: str) -> None:
        """Have systemd say so of a unit."""
        lines = [f"{k}={v}\n" for k, v in {**UNIT, **state}.items()]
        self.write(f"units/{name}", "".join(lines))

    def last_run(self, **values: Any) -> None:
        """Have the agent's last run end so."""
        status = {
            "time": int(time.time() * 1000),
            "exit": 0,
            "result": "done",
            "bytes": 512,
            "credit": 256,
            "messages": [],
            **values,
        }
        Path(self.env["RUNTIME_DIRECTORY"], "agent.json").write_text(json.dumps(status))

    def service(self, **values: Any) -> None:
        """Have the producer's service say so of itself."""
        now = int(time.time() * 1000)
        status = {
            "time": now,
            "boottime": int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000),
            "started": now - 60000,
            "since": now,
            "state": "running",
            "serial": 1,
            "queues": [],
            **values,
            "serial_end": 1,
        }
        path = Path(self.env["RUNTIME_DIRECTORY"], "producer.json")
        path.write_text(json.dumps(status))

    def configuration(self, program: str) -> Path:
        """The program's configuration file."""
        agent = ("queue", "trusted-producers", "seal-key", "fallback")
        producer = ("queue", "device", "signing-key", "message-bytes")
        names = agent if program == AGENT else producer
        lines = [f'{n} = "{v}"\n' for n, v in self.conf.items() if n in names]
        return self.write(f"{program}.conf", "".join(lines).replace('"512"', "512"))

    def doctor(self, program: str, *args: str) -> Result:
        """Run it in its mount namespace."""
        script = MOUNTS.format(more="\n".join(self.more))
        binary = str(self.run.build / program)
        return self.run(
            "/usr/bin/unshare",
            *["--mount", "sh", "-c", script, "sh", str(self.folder)],
            *[*self.before, binary, "--doctor", "-c"],
            *[str(self.configuration(program)), *args],
            env=self.env,
        )

    def look(self, program: str) -> Report:
        """The same, as JSON."""
        got = Report.read(self.doctor(program, "--json"))
        if (copy := self.run.build / "said").is_dir():  # for tests/diagnostics
            with (copy / f"{os.getpid()}-doctor").open("a") as file:
                for f in got.findings:
                    file.write(f["text"] + "\n" + f.get("remedy", "") + "\n")
        return got


def give(path: Path) -> None:
    """Make the producer's offline user the owner."""
    number = FIRST_ID + USERS.index(PRODUCER_OFFLINE)
    os.chown(path, number, number)


@pytest.fixture
def world(run: Runner, moto: Moto, queue: Queue, imds: Imds) -> Iterator[World]:
    """Give a machine on which all is well."""
    with tempfile.TemporaryDirectory(prefix="sqs-entropy-doctor-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in "trusted", "state", "runtime":
            (folder / part).mkdir()
        certificate = certificates.make(folder, ends=30)
        with SqsProxy(moto.url, keep=True, tls=certificate.tls) as proxy:
            env = run.env
            env |= {
                "AWS_ENDPOINT_URL_SQS": proxy.url,
                "AWS_ENDPOINT_URL_STS": moto.url,
                "AWS_CA_BUNDLE": certificate.path,
                "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "1",
                "STATE_DIRECTORY": str(folder / "state"),
                "RUNTIME_DIRECTORY": str(folder / "runtime"),
                "PATH": f"{folder}/bin:{run.env['PATH']}",
            }
            made = World(run, queue, proxy, imds, folder, env, {})
            furnish(made)
            yield made
        assert not proxy.errors
        made.generator.close()
        if made.sts is not None:
            made.sts.stop()


def furnish(world: World) -> None:
    """Put all there that should be there."""
    queue, folder = world.queue, world.folder
    line = make_key(world.run, folder / "signing.key")
    world.write("trusted/pi.pub", line)
    source = world.folder / "source"
    os.mkfifo(source)
    world.generator = source.open("r+b", buffering=0)
    world.generator.write(noise(8192))
    give(source)
    give(Path(world.env["STATE_DIRECTORY"]))
    world.conf = {
        "queue": queue.url,
        "trusted-producers": str(folder / "trusted"),
        "device": str(source),
        "signing-key": str(folder / "signing.key"),
        "message-bytes": "512",
    }
    queue.send(body(noise(512)))
    world.last_run()
    world.service()
    for name in UNITS:
        world.unit(f"sqs-entropy-{name}")
    world.unit(WAIT_SYNC)
    systemctl = world.write("bin/systemctl", SYSTEMCTL.format(folder=folder))
    systemctl.chmod(0o755)
    (folder / "run/systemd/system").mkdir(parents=True)
    world.write("run/cloud-init/cloud.cfg", LISTED)
    world.write("lib/cloud/instance/cloud-config.txt", "sqs_entropy: {}\n")


Break = Callable[[World], None]
__all__ = ["AGENT", "PRODUCER", "Break", "Report", "World", "needs_root"]
