# SPDX-License-Identifier: Apache-2.0
"""One cell in the world: the real programs, moto, and the stand-ins before it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cells import Cell
from doors import Certificates, Door, ImdsDoor, SqsDoor, SsmDoor, StsDoor, can_refuse
from rules import PARAMETER, Expected, expected

from aid.attack import LINE_MAX
from aid.environment import PLACE, ROOT, clean
from aid.faults import Answer, Fault, Record, Request
from aid.forge import SEAL, Fleet, Producer, key_line, send
from aid.kernel import why_not
from aid.payload import noise
from aid.programs import AGENT, PRODUCER, Result, Runner
from aid.queue import REGION, Moto, Queue, serving
from aid.sqsproxy import SqsFault
from aid.standin import StandIn
from aid.wait import PATIENCE
from aid.watch import leaked

BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
MESSAGES, BURST, CREDIT = 5, 3, 256
RANDOM = 64  # bytes of KMS
# Seconds of an agent.  A quarter of LONG, which the version before the newest has, is
# less than two silent connections take, and more than one takes on a busy machine.
LONG, SHORT, LONGEST = 38, 3, 96
WATCHDOG = 9.0  # seconds; a call of a producer has a third of it, not 30 s
OVERSIZE = {"imds": 17 << 10, "sts": 66 << 10, "ReceiveMessage": (64 << 20) + 4096}
OVERSIZED_SQS = (1 << 20) + (80 << 10)
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAFAULTS0000000000", "AWS_SECRET_ACCESS_KEY": "s" * 40}
ROLE = "arn:aws:iam::123456789012:role/faults"
CONFIG = f"""[profile role]
role_arn = {ROLE}
source_profile = keys
[profile keys]
aws_access_key_id = {KEYS["AWS_ACCESS_KEY_ID"]}
aws_secret_access_key = {KEYS["AWS_SECRET_ACCESS_KEY"]}
"""
# What a producer says first of a manager that has less patience than systemd.
OF_WATCHDOG = "WatchdogSec= is"


class Elsewhere(StandIn):
    """Where redirects lead; nobody may come."""

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Answer."""
        return Answer(200, [], b"{}")


@dataclass
class World:
    """What all cells share."""

    folder: Path
    moto: Moto
    certificates: Certificates
    producer: Producer  # whom the agents trust
    key: Path  # of the real producer
    fleet: Fleet  # whose key is a parameter
    secrets: set[str]  # that no program may print

    def lacks(self, cell: Cell) -> str | None:
        """Why a cell cannot be run on this machine."""
        if cell.fault.strike == "refuse" and not can_refuse():
            return "no CAP_NET_RAW, which it takes to refuse connections by number"
        if cell.column.kernel:
            return why_not()
        return None


def put_keys(moto: Moto, *keys: str) -> None:
    """Store the newest key, and another parameter with all, the newest last."""
    store = functools.partial(moto.client("ssm").put_parameter, Type="SecureString")
    store(Name=PARAMETER, Value=keys[-1])
    for key in keys:
        store(Name=f"{PARAMETER}/changed", Value=key, Overwrite=True)


@contextlib.contextmanager
def made_world() -> Iterator[World]:
    """Make what all cells share."""
    with tempfile.TemporaryDirectory(prefix="sqs-entropy-faults-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for sub in "certificates", "trusted":
            (folder / sub).mkdir()
        (folder / "config").write_text(CONFIG)
        producer = Producer()
        producer.trust(folder / "trusted")
        key = folder / "signing.key"
        made = Runner(BUILD, clean(folder))(PRODUCER, "--genkey", key)
        assert made.code == 0, made.err
        with serving(folder) as server:
            certificates = Certificates(folder / "certificates")
            fleets = Fleet(), Fleet()
            keys = [key_line(f"{SEAL}-secret", f.secret_bytes) for f in fleets]
            put_keys(server, *keys)
            hidden = {KEYS["AWS_SECRET_ACCESS_KEY"], *(k.split()[1] for k in keys)}
            yield World(folder, server, certificates, producer, key, fleets[-1], hidden)


class Run:
    """One cell."""

    def __init__(self, world: World, cell: Cell, seconds: int) -> None:
        self.world, self.cell, self.seconds = world, cell, seconds
        self.column = cell.column
        self.folder = Path(tempfile.mkdtemp(dir=world.folder, prefix="cell-"))
        self.folder.chmod(0o755)
        name = f"entropy-{secrets.token_hex(8)}"
        client = world.moto.sqs
        url = client.create_queue(QueueName=name)["QueueUrl"]
        self.queue = Queue(name, url, client)
        self.payloads: list[bytes] = []
        self.doors: dict[str, Door] = {}
        self.wrong: list[str] = []

    def __enter__(self) -> Run:
        """Start the stand-ins."""
        tls = self.world.certificates.good.tls
        # An IMDS closes each connection; the others when connections are struck.
        kept = {"tls": tls, "keep_alive": not self.cell.fault.strike}
        tags = {"sqs-entropy:queue": self.queue.name}
        url = self.world.moto.url
        self.doors = {
            "imds": ImdsDoor(region=REGION, tags=tags),
            "sqs": SqsDoor(url, keep=True, **kept),
            "sts": StsDoor(url, **kept),
            "ssm": SsmDoor(url, keep=True, **kept),
            "kms": SqsDoor(url, keep=True, **kept),
        }
        self.doors["sts"].keys = {  # type: ignore[attr-defined]
            KEYS["AWS_ACCESS_KEY_ID"]: KEYS["AWS_SECRET_ACCESS_KEY"]
        }
        self.elsewhere = Elsewhere().start()
        for door in self.doors.values():
            door.shown = {
                n: c for n, c in self.world.certificates.contexts.items() if n != "good"
            }
            door.start()
        self.generator = self.folder / "generator"
        os.mkfifo(self.generator)
        self.source = os.open(self.generator, os.O_RDWR)
        os.write(self.source, noise(8192, secrets.randbits(32)))
        return self

    def __exit__(self, *_: object) -> None:
        """End all."""
        for standin in (*self.doors.values(), self.elsewhere):
            standin.stop()
            self.wrong += [f"stand-in: {error!r}" for error in standin.errors]
        os.close(self.source)
        self.queue.client.delete_queue(QueueUrl=self.queue.url)
        shutil.rmtree(self.folder)

    def harm(self) -> None:
        """Put the fault where it belongs."""
        fault, column = self.cell.fault, self.column
        door = self.doors[column.service]
        if fault.strike:
            door.strike_connections(fault.strike, self.cell.count, column.before)
            return
        values = dict(fault.own.get(column.service, fault.values))
        if fault.status == 307:
            values["headers"] = {"Location": self.elsewhere.url + "/"}
        if self.cell.row == "oversized":
            size = OVERSIZE.get(column.service, OVERSIZED_SQS)
            values["pad"] = OVERSIZE.get(column.name, size)
        kind = SqsFault if column.service != "imds" else Fault
        door.add(kind(match=column.match, count=self.cell.count, **values))

    def env(self) -> dict[str, str]:
        """What the program gets from outside."""
        env = clean(self.folder)
        env[PLACE] = self.doors["imds"].url
        for service in "sqs", "sts", "ssm", "kms":
            env[f"AWS_ENDPOINT_URL_{service.upper()}"] = self.doors[service].url
        env["AWS_CA_BUNDLE"] = str(self.world.certificates.bundle)
        if self.column.name != "region":
            env["AWS_REGION"] = REGION
        if self.column.service in ("sqs", "ssm", "kms"):
            env.update(KEYS)
        if self.column.service == "sts":
            env["AWS_CONFIG_FILE"] = str(self.world.folder / "config")
            env["AWS_PROFILE"] = "role"
        return env

    def conf(self) -> Path:
        """The configuration of the program."""
        by_name = self.column.match == "GetQueueUrl"
        values: dict[str, Any] = {
            "queue": self.queue.name if by_name else self.queue.url
        }
        if self.column.name == "tag":
            values = {}
        if self.column.program == "producer":
            values |= {"device": str(self.generator), "burst": BURST}
            values["signing-key"] = str(self.world.key)
        else:
            values |= {"wait-time": 0, "messages": 1}
            values["trusted-producers"] = str(self.world.folder / "trusted")
        if self.column.service == "ssm":
            changed = "/changed" if self.column.before else ""
            values["seal-key"] = f"ssm:{PARAMETER}{changed}"
        if self.column.service == "kms":
            values["fallback"] = "kms"
        path = self.folder / "test.conf"
        path.write_text("".join(f"{n} = {json.dumps(v)}\n" for n, v in values.items()))
        return path

    def go(self) -> Result:
        """Run the program."""
        runner = Runner(BUILD, self.env())
        if self.column.program == "producer":
            return self.produce(runner)
        sealed = self.column.service == "ssm"
        to = self.world.fleet.public_key if sealed else None
        make = functools.partial(self.world.producer.message, bits=CREDIT, to=to)
        count = 0 if self.column.service == "kms" else MESSAGES
        self.payloads = [secrets.token_bytes(64) for _ in range(count)]
        send(self.queue, *[make(self.queue, payload=p) for p in self.payloads])
        args: list[Any] = ["-c", self.conf(), "-t", self.seconds]
        if not self.column.kernel:
            args += ["-o", self.folder / "output"]
        return runner(AGENT, *args, timeout=self.seconds + 1 + PATIENCE)

    def produce(self, runner: Runner) -> Result:
        """Run the producer; what lasts for ever does so for one call."""
        limit = 3 * LONG
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(self.folder / "notify"))
            if self.seconds < LONG:
                runner.env["NOTIFY_SOCKET"] = str(self.folder / "notify")
                usec = int(WATCHDOG / SHORT * self.seconds * 1e6)
                runner.env["WATCHDOG_USEC"] = str(usec)
            return runner(
                PRODUCER, "--once", "-c", self.conf(), timeout=limit + PATIENCE
            )

    # What came of it.

    def asked(self) -> int:
        """How often the request came, and how often its connection was struck."""
        door = self.doors[self.column.service]
        return len(door.matching(self.column.match)) + door.struck()

    def met(self) -> bool:
        """Whether the fault has struck at all."""
        door = self.doors[self.column.service]
        return door.struck() > 0 or any(r.faulty for r in door.records)

    def say(self, what: str, got: object, want: object) -> None:
        """Note a difference."""
        if got != want:
            self.wrong.append(f"{what}: {got}, not {want}")

    def judge(self, got: Result, want: Expected) -> None:
        """Compare all that can be seen with what has to be."""
        self.say("exit code", got.code, want.code)
        low, high = want.asked
        if not low <= self.asked() <= high:
            self.wrong.append(f"asked {self.asked()} times, not {low} to {high}")
        lines = [line for line in got.lines() if OF_WATCHDOG not in line]
        for says in want.says, want.also:
            if not any(re.search(says, line, re.IGNORECASE) for line in lines):
                self.wrong.append(f"no line says {says!r}")
        counted = want.code != 0 or self.column.service == "ssm"
        if counted and len(lines) != (2 if want.also else 1):
            self.wrong.append(f"{len(lines)} lines")
        if any(len(line) > LINE_MAX or not line.isprintable() for line in lines):
            self.wrong.append("a line is too long, or not printable")
        self.say("requests behind a redirect", self.elsewhere.keys(), [])
        if self.column.program == "producer":
            self.judge_queue(want)
        else:
            self.judge_use(want)
        self.judge_secrets(got)
        if self.wrong:
            self.wrong.append("it said: " + " // ".join(got.lines()))

    def judge_queue(self, want: Expected) -> None:
        """What a producer has sent: all or nothing, and nothing twice."""
        bodies = [m["Body"] for m in self.queue.receive()]
        sends = self.column.name == "SendMessageBatch"
        there = want.there if sends else want.served
        self.say("messages in the queue", len(bodies), BURST if there else 0)
        self.say("different messages", len(set(bodies)), len(bodies))

    def judge_use(self, want: Expected) -> None:
        """What an agent has used, and what the queue has lost."""
        status = json.loads(self.status() or "{}")
        credit = status.get("credit", 0)
        self.say("credit", credit, CREDIT if want.served else 0)
        mixed = status.get("fallback", 0)
        self.say("bytes of KMS", mixed, RANDOM if want.mixed else 0)
        output = self.folder / "output"
        used = output.read_bytes() if output.exists() else b""
        if not self.column.kernel:
            one = bool(used) and used in self.payloads
            self.say("bytes of a message", one, want.served)
        if self.column.service == "ssm" and not want.served:
            self.say("requests without a key", self.doors["sqs"].keys(), [])
        deletes = self.doors["sqs"].matching("DeleteMessageBatch")
        confirmed = [
            r
            for r in deletes
            if (r.status, r.outcome) == (200, "answered")
            and (not r.faulty or self.cell.fault.kind == "none")
        ]
        if (credit or used) and not confirmed:
            self.wrong.append("credit without a confirmed delete")
        self.judge_depth(want)

    def status(self) -> str:
        """The text of the agent's status file, if there is one."""
        file = self.folder / "runtime_directory" / "agent.json"
        return file.read_text() if file.exists() else ""

    def judge_secrets(self, got: Result) -> None:
        """Look for what the run had and may not show, bytes of KMS among them."""
        text = got.err + got.out.decode(errors="replace") + self.status()
        hidden = set(self.world.secrets)
        for door in self.doors.values():
            hidden |= getattr(door, "secrets", set())
        for record in self.doors["kms"].records:
            hidden |= set(re.findall('"Plaintext": *"([^"]+)', str(record.note)))
        if any(leaked(secret, text) for secret in hidden):
            self.wrong.append("it shows a secret")

    def judge_depth(self, want: Expected) -> None:
        """How many messages there are, and how many of them are hidden."""
        visible, hidden = self.queue.depth()
        low, high = want.hidden
        if not low <= hidden <= high:
            self.wrong.append(f"{hidden} messages in flight, not {low} to {high}")
        lost = self.column.name == "DeleteMessageBatch" and self.cell.fault.done
        gone = len(self.payloads) - visible - hidden
        self.say("messages deleted", gone, 1 if want.served or lost else 0)


def run_cell(world: World, cell: Cell) -> dict[str, Any]:
    """Run a cell; a run that did not come to its fault decides nothing."""
    want = expected(cell)
    seconds = SHORT if want.lasts else LONG
    while True:
        with Run(world, cell, seconds) as run:
            run.harm()
            got = run.go()
            run.judge(got, want)
            again = not run.met() and seconds < LONGEST
        if not again:
            break
        seconds *= 2
    if not run.met():
        run.wrong.append("the fault was not met")
    said = [line for line in got.lines() if OF_WATCHDOG not in line]
    return {
        "cell": cell.key,
        "code": got.code,
        "asked": run.asked(),
        "seconds": round(got.seconds, 2),
        "said": said[0] if said else "",
        "wrong": run.wrong,
    }
