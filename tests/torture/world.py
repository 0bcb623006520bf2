# SPDX-License-Identifier: Apache-2.0
"""Where the tortured programs run: a service, a folder, and each scenario in it."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import hashlib
import json
import mmap
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = str(ROOT / "tests"), str(ROOT / "tests" / "integration")

from aid import kernel, users  # noqa: E402, F401 - users before any thread
from aid.faults import Answer, Fault, Record, Request  # noqa: E402
from aid.forge import Fleet, Message, Producer  # noqa: E402
from aid.imds import Imds  # noqa: E402
from aid.standin import StandIn  # noqa: E402

HALVES, EVENTS, DEPTH, FRAME, LEAKS = 4, 512, 12, 80, 32
INJECTED, POINTS = 1 << 16, 1 << 18
NOTHING, ALLOCATION, SHORT, RECORD = range(4)
CREDIT, WRITTEN, SYNCED, LANDLOCKED, KILLED, ENDED = range(1, 7)
NEVER = -(1 << 63)
NAMES = ("offline", "online", "runner", "command")
ARN = "arn:aws:sqs:eu-west-1:123456789012:"
URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/"
STARTUP, SIZE = 2048, 512
EXPIRED = {"body": '{"__type":"com.amazonaws.sqs#ExpiredToken"}', "status": 403}
U32, I64, U64 = ctypes.c_uint32, ctypes.c_int64, ctypes.c_uint64


class Event(ctypes.Structure):
    """What a process did, in the order of all of them."""

    _fields_ = (
        ("half", U32),
        ("kind", U32),
        ("ns", I64),
        ("value", I64),
        ("result", I64),
    )


class Point(ctypes.Structure):
    """An allocation or a transfer of a recording."""

    _fields_ = (("half", U32), ("what", U32), ("site", U64))


class Board(ctypes.Structure):
    """See board.h."""

    _fields_ = (
        *((n, U32) for n in ("what", "half", "ordinal", "number", "times")),
        ("pid", U32 * HALVES),
        ("counted", U32 * RECORD * HALVES),
        ("struck", U32),
        ("frame", ctypes.c_char * FRAME * DEPTH),
        ("leaks", U32 * HALVES),
        ("leaked", U64 * LEAKS * HALVES),
        ("injected", U32),
        ("events", U32),
        ("event", Event * EVENTS),
        ("bytes", ctypes.c_uint8 * INJECTED),
        ("points", U32),
        ("point", Point * POINTS),
    )


def ask(path: Path, **values: int) -> Board:
    """Make a board anew and write on it."""
    path.unlink(missing_ok=True)
    with path.open("x+b") as file:
        file.truncate(ctypes.sizeof(Board))
        board = Board.from_buffer(mmap.mmap(file.fileno(), 0))
    for name, value in values.items():
        setattr(board, name, value)
    return board


STATUS = ("State", "Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp")
LIMITS = ("Max core", "Max open", "Max data")


def confinement(pid: int) -> list[str]:
    """What a process has given up, as the kernel tells it; empty: it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    except OSError:
        return []
    found = [line for line in status if line.startswith(STATUS)]
    if any(line.startswith("State") and line.split()[1] in "ZX" for line in found):
        return []
    found = [line for line in found if not line.startswith("State")]
    return [*found, *(line for line in limits if line.startswith(LIMITS))]


class Sqs(StandIn):
    """As much of SQS, SSM and KMS as a scenario needs; it looks at who asks."""

    board: Board | None = None
    parameter = ""  # the sealing key
    sent: list[tuple[str, str]] = []  # noqa: RUF012 - emptied for each pair of runs
    mine = threading.local()  # of a connection, each of which has a thread

    def admit(self, connection: socket.socket) -> bool:
        """Note in which run a connection was made."""
        self.mine.board = self.board
        return super().admit(connection)

    def reset(self, board: Board, queues: dict[str, list[Message]]) -> None:
        """Begin a run."""
        with self._lock:
            self.board, self.queues = board, {n: list(m) for n, m in queues.items()}
            self.deleted: dict[str, tuple[int, Message]] = {}
            self.given: dict[str, Message] = {}
            self.looks: list[tuple[str, int, list[str]]] = []
            self.before = len(self.sent)
            self.errors.clear()
            self.clear()
            self.forget()

    def key(self, request: Request) -> str:
        """The operation."""
        return request.header("X-Amz-Target").rpartition(".")[2] or request.path

    def look(self, what: str) -> None:
        """See how far both halves are confined; the offline one when it has to be."""
        assert self.board is not None
        for half in (1, 0) if "Batch" in what else (1,):
            state = confinement(self.board.pid[half])
            events = self.board.event[: min(self.board.events, EVENTS)]
            locked = any(
                (e.half, e.kind, e.result) == (half, LANDLOCKED, 0) for e in events
            )
            if state:
                self.looks.append((what, half, [*state, f"Landlock: {locked}"]))

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Carry out an operation."""
        if len(request.body) < int(request.header("Content-Length") or 0):
            raise OSError("the request was cut")
        asked = json.loads(request.body or b"{}")
        with self._lock:
            if self.mine.board is not self.board:
                raise OSError("of a process that was killed, in a run before")
            self.look(record.key)
            answer = getattr(self, f"_{record.key}")(asked)
        kind = [("Content-Type", "application/x-amz-json-1.0")]
        return Answer(200, kind, json.dumps(answer).encode())

    def _GetQueueAttributes(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        kinds = "", "NotVisible", "Delayed"
        return {"Attributes": {f"ApproximateNumberOfMessages{k}": "0" for k in kinds}}

    def _GetParameter(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        kind = {"Name": asked["Name"], "Type": "SecureString", "Version": 2}
        return {"Parameter": kind | {"Value": self.parameter}}

    def _GenerateRandom(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        some = secrets.token_bytes(asked["NumberOfBytes"])
        return {"Plaintext": base64.b64encode(some).decode()}

    def _ReceiveMessage(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        queue = self.queues[asked["QueueUrl"].rpartition("/")[2]]
        some = [queue.pop(0) for _ in queue[: asked.get("MaxNumberOfMessages", 1)]]
        return {"Messages": [self._give(m) for m in some]} if some else {}

    def _give(self, m: Message) -> dict[str, Any]:
        receipt = secrets.token_hex(8)
        self.given[receipt] = m
        body = base64.b64encode(m.payload)
        sent = m.claims()["time"] if m.entropy else str(int(time.time() * 1000))
        found: dict[str, Any] = {
            "MessageId": receipt,
            "ReceiptHandle": receipt,
            "MD5OfBody": hashlib.md5(body, usedforsecurity=False).hexdigest(),
            "Body": body.decode(),
            "Attributes": {"SentTimestamp": sent, "ApproximateReceiveCount": "1"},
        }
        if m.entropy and m.signature:
            attributes = m.request()["MessageAttributes"]
            signature = base64.b64encode(m.signature).decode()
            attributes["Signature"]["BinaryValue"] = signature
            found["MessageAttributes"] = attributes
            found["MD5OfMessageAttributes"] = digest(attributes)
        return found

    def _DeleteMessageBatch(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        for entry in asked["Entries"]:
            receipt = entry["ReceiptHandle"]
            self.deleted[receipt] = time.monotonic_ns(), self.given[receipt]
        return {"Successful": [{"Id": e["Id"]} for e in asked["Entries"]], "Failed": []}

    def _SendMessageBatch(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        done = []
        for entry in asked["Entries"]:
            body, attributes = entry["MessageBody"], entry.get("MessageAttributes")
            self.sent.append((attributes["Entropy"]["StringValue"], body))
            md5 = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
            done.append({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": md5})
            done[-1]["MD5OfMessageAttributes"] = digest(attributes)
        return {"Successful": done, "Failed": []}


def digest(attributes: dict[str, Any]) -> str:
    """The MD5 of attributes, as the API of SQS defines it."""
    text = b""
    for name, value in sorted(attributes.items()):
        kind = value["DataType"]
        raw = value.get("StringValue", "").encode()
        if kind == "Binary":
            raw = base64.b64decode(value["BinaryValue"])
        for part in name.encode(), kind.encode():
            text += len(part).to_bytes(4, "big") + part
        text += b"\2" if kind == "Binary" else b"\1"
        text += len(raw).to_bytes(4, "big") + raw
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Scenario:
    """One way in which a program is run."""

    name: str
    program: str  # agent or producer
    code: int = 0
    credit: bool = False
    queues: tuple[str, ...] = ("entropy",)
    filled: bool = True  # a message in each queue
    signed: bool = True
    sealed: bool = False
    settings: str = ""  # a line of the configuration, in place of seal-key's
    again: bool = False  # it has run before, with the same messages
    credentials: str = "env"  # env, imds, expired, process
    status: bool = False
    service: bool = False  # for a manager, until it is told to stop
    args: tuple[str, ...] = ()


SCENARIOS = {
    s.name: s
    for s in (
        Scenario("credit", "agent", credit=True),
        Scenario("empty", "agent", code=75, filled=False),
        Scenario(
            "fallback", "agent", code=75, filled=False, settings='fallback = "kms"'
        ),
        Scenario("sealed", "agent", credit=True, sealed=True),
        Scenario(
            "sealed by parameter",
            "agent",
            credit=True,
            sealed=True,
            settings='seal-key = "ssm:/seal-key"',
        ),
        Scenario("unsigned", "agent", signed=False),
        Scenario("fifo", "agent", credit=True, queues=("entropy.fifo",)),
        Scenario(
            "two queues", "agent", credit=True, queues=("one", "two"), args=("-m", "2")
        ),
        Scenario("replayed", "agent", again=True),
        Scenario("imds", "agent", credit=True, credentials="imds"),
        Scenario("renewed", "agent", credit=True, credentials="expired"),
        Scenario("process", "agent", credit=True, credentials="process"),
        Scenario("agent status", "agent", again=True, status=True),
        Scenario("once", "producer"),
        Scenario("sending sealed", "producer", sealed=True),
        Scenario("sending fifo", "producer", queues=("entropy.fifo",)),
        Scenario("sending to two", "producer", queues=("one", "two")),
        Scenario("sending again", "producer", again=True),
        Scenario("serving", "producer", service=True),
        Scenario("producer status", "producer", again=True, status=True, service=True),
    )
}


@dataclass
class World:
    """A folder with keys, and a service of its own."""

    folder: Path
    build: Path
    sqs: Sqs = field(default_factory=Sqs)
    imds: Imds = field(default_factory=Imds)
    forge: Producer = field(default_factory=Producer)
    fleet: Fleet = field(default_factory=Fleet)
    made: dict[str, list[dict[str, list[Message]]]] = field(default_factory=dict)
    plain: dict[bytes, bytes] = field(default_factory=dict)  # of what is sealed
    sent: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # before

    def __post_init__(self) -> None:
        """Write what no run changes."""
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        for name in "trusted", "home":
            (self.folder / name).mkdir()
        self.forge.trust(self.folder / "trusted")
        self.fleet.key_file(self.folder / "seal.key").chmod(0o600)
        self.sqs.parameter = (self.folder / "seal.key").read_text()
        for words in ("--genkey", "signing.key"), ("--genkey", "fleet.key", "--seal"):
            public = subprocess.run(
                [self.build / "sqs-entropy-producer", *words],
                cwd=self.folder,
                stdout=subprocess.PIPE,
                check=True,
            )
            (self.folder / words[1]).with_suffix(".pub").write_bytes(public.stdout)
        document = json.dumps(
            {"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "secret"}
        )
        (self.folder / "document").write_text(document)
        process = f"[default]\ncredential_process = /bin/cat {self.folder}/document\n"
        (self.folder / "process").write_text(process)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(self.folder / "notify"))
        self.sqs.start()
        self.imds.start()

    def env(self, s: Scenario) -> dict[str, str]:
        """What the program gets, and nothing of the caller's."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "STATE_DIRECTORY": str(self.folder / "state"),
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
            "AWS_DEFAULT_REGION": "eu-west-1",
            **{f"AWS_ENDPOINT_URL_{n}": self.sqs.url for n in ("SQS", "SSM", "KMS")},
            "GNUTLS_NO_IMPLICIT_INIT": "1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
        if s.service and not s.status:
            env["NOTIFY_SOCKET"] = str(self.folder / "notify")
        if s.credentials == "process":
            env["AWS_CONFIG_FILE"] = str(self.folder / "process")
        elif s.credentials == "env":
            env |= {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}
        if s.credentials in ("env", "process"):
            env["AWS_EC2_METADATA_DISABLED"] = "true"
        else:
            env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = self.imds.url
        return env

    def configure(self, s: Scenario) -> Path:
        """Write the configuration of a scenario."""
        path = self.folder / f"{s.name.replace(' ', '-')}.conf"
        urls = ", ".join(f'"{URL}{q}"' for q in s.queues)
        lines = [f"queue = {{{urls}}}"]
        if s.program == "agent":
            lines += [f'trusted-producers = "{self.folder}/trusted"', "wait-time = 0"]
            key = f'seal-key = "{self.folder}/seal.key"' if s.sealed else ""
            lines.append(s.settings or key)
        else:
            lines += [f'device = "{self.folder}/source"', "low-watermark = 1"]
            lines += ["burst = 2", f'signing-key = "{self.folder}/signing.key"']
            lines += [f'seal-to = "{self.folder}/fleet.pub"'] * s.sealed
        path.write_text("\n".join(lines) + "\n")
        return path

    def command(self, s: Scenario, timeout: int) -> list[str]:
        """The program's own words; timeout is the agent's."""
        conf = self.configure(s)
        if s.status:
            mode = ["--status"]
        else:
            mode = ["-t", str(timeout)] if s.program == "agent" else ["--once"]
            mode = [] if s.service else mode
        return ["-c", str(conf), *mode, *s.args]

    def messages(self, s: Scenario, run: int) -> dict[str, list[Message]]:
        """What the queues hold in the first run and in the second one."""
        if s.name not in self.made:
            made = [{q: self.make(s, q) for q in s.queues} for _ in range(2)]
            self.made[s.name] = made
        return self.made[s.name][run]

    def make(self, s: Scenario, queue: str) -> list[Message]:
        """A message for a queue."""
        if s.program != "agent" or not s.filled:
            return []
        if not s.signed:
            return [Message(secrets.token_bytes(SIZE))]
        to = self.fleet.public_key if s.sealed else None
        plain = secrets.token_bytes(SIZE)
        message = self.forge.message(ARN + queue, SIZE, to, plain)
        self.plain[message.payload] = plain
        return [message]

    def begin(self, board: Board, s: Scenario, run: int) -> None:
        """Set up the service, and before a first run the state too."""
        if run == 0:
            self.sqs.sent = list(self.sent.get(s.name, []))
        self.sqs.reset(board, self.messages(s, run))
        with contextlib.suppress(BlockingIOError):
            while self.manager.recv(4096, socket.MSG_DONTWAIT):
                pass
        if s.credentials == "expired" and run == 0:
            self.sqs.fault("ReceiveMessage", **EXPIRED)
        (self.folder / "source").write_bytes(os.urandom(STARTUP + 16 * SIZE))
        if run > 0:
            return
        initial = self.folder / f"initial-{s.name}"
        for name in "state", "run":
            shutil.rmtree(self.folder / name, ignore_errors=True)
            if initial.is_dir():
                shutil.copytree(initial / name, self.folder / name)
                for path in (self.folder / name).iterdir():
                    old = (initial / name / path.name).stat()
                    os.chown(path, old.st_uid, old.st_gid)
            else:
                (self.folder / name).mkdir()
