# SPDX-License-Identifier: Apache-2.0
"""A world whose files move while a producer runs, each producer in one of its own.

Its /etc and /run are folders of the test, bound there in a mount namespace, so that
the test moves what lies in them from outside, as other programs would.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

from aid.faults import Answer, Fault, Record, Request
from aid.payload import noise
from aid.sqsproxy import operation
from aid.standin import StandIn

HOST = "sqs.moving.test"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
OLD, NEW = "AKIAOLD0000000000000", "AKIANEW0000000000000"
DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
)
# What a program needs of /etc, beside what is moved.
ETC = ("passwd", "group", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime")
# /etc and /run of its own, then the program.
ENTER = (
    "mount --make-rprivate / && mount --bind $ROOT/etc /etc"
    ' && mount --bind $ROOT/run /run && exec "$@"'
)


def document(operation: str, text: str) -> str:
    """An answer of STS."""
    space = "https://sts.amazonaws.com/doc/2011-06-15/"
    return f'<{operation}Response xmlns="{space}">{text}</{operation}Response>'


ASSUMED = document(
    "AssumeRoleWithWebIdentity",
    "<AssumeRoleWithWebIdentityResult><Credentials>"
    f"<AccessKeyId>{NEW}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>"
    "<SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
    "</Credentials></AssumeRoleWithWebIdentityResult>",
)
INVALID = document(
    "Error",
    "<Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
    "<Message>Token expired</Message></Error>",
)


class Sqs(StandIn):
    """SQS as far as a producer sees it, for one key, and a queue for each row.

    It is STS as well, for the owner of one token.

    A queue whose name begins with "device" is always empty, all others are full.
    """

    good: dict[str, list[tuple[float, str]]]  # by queue: when, which operation

    def key(self, request: Request) -> str:
        """The operation."""
        return operation(request)

    def assume(self, request: Request) -> Answer:
        """As STS, for the new token."""
        token = parse_qs(request.body.decode())["WebIdentityToken"]
        if token == [NEW]:
            return Answer(200, [], ASSUMED.encode())
        return Answer(400, [], INVALID.encode())

    def respond(self, request: Request, fault: Fault, record: Record) -> Answer:
        """Refuse the old key; note what was done."""
        if record.key == "AssumeRoleWithWebIdentity":
            return self.assume(request)
        told = json.loads(request.body)
        name = told["QueueUrl"].rpartition("/")[2]
        if NEW not in request.header("Authorization"):
            why = {"__type": "com.amazon.coral.service#UnrecognizedClientException"}
            return Answer(403, [], json.dumps(why).encode())
        self.good[name].append((time.monotonic(), record.key))
        if record.key == "ReceiveMessage":
            return Answer(200, [], b"{}")
        if record.key == "GetQueueAttributes":
            depth = "0" if name.startswith("device") else "1000"
            values = dict(zip(DEPTHS, (depth, "0")))
            return Answer(200, [], json.dumps({"Attributes": values}).encode())
        done = [
            {
                "Id": entry["Id"],
                "MessageId": entry["Id"],
                "MD5OfMessageBody": hashlib.md5(  # noqa: S324
                    entry["MessageBody"].encode()
                ).hexdigest(),
            }
            for entry in told["Entries"]
        ]
        return Answer(200, [], json.dumps({"Successful": done, "Failed": []}).encode())

    def start(self) -> Sqs:
        """Begin with nothing noted."""
        self.good = defaultdict(list)
        return super().start()


def keys(access: str) -> str:
    """A credentials file."""
    return (
        f"[default]\naws_access_key_id = {access}\naws_secret_access_key = {SECRET}\n"
    )


@dataclass
class File:
    """A file that moves, and what it says while it is of no use and when it is."""

    path: Path
    bad: str
    good: str
    owner: int
    mode: int = 0o644

    def write(self, path: Path, text: str) -> None:
        """Write one, in a folder that may have to be made."""
        if not path.parent.exists():
            path.parent.mkdir(mode=0o755)
            os.chown(path.parent, self.owner, self.owner)
        path.write_text(text)
        path.chmod(self.mode)
        os.chown(path, self.owner, self.owner)

    def put(self, good: bool) -> None:
        """Make it as it is at first."""
        self.write(self.path, self.good if good else self.bad)

    def beside(self, good: bool) -> Path:
        """Make another one next to it."""
        path = self.path.with_name(self.path.name + ".new")
        self.write(path, self.good if good else self.bad)
        return path


@dataclass
class Generator:
    """A device that moves: a FIFO below /dev/shm, which gives bytes while it is good.

    It is good at first, for one message; a producer waits while it has no writer.
    """

    path: Path
    owner: int
    mode: int = 0o600
    writers: list[int] = field(default_factory=list)

    def write(self, path: Path, size: int) -> None:
        """Make one that has so many bytes; it stays open."""
        if not path.exists():
            os.mkfifo(path)
        path.chmod(self.mode)
        os.chown(path, self.owner, self.owner)
        self.writers.append(os.open(path, os.O_RDWR))
        os.write(self.writers[-1], noise(size, len(self.writers)))

    def put(self, good: bool) -> None:
        """Make it as it is at first, or give it bytes again."""
        self.write(self.path, 8192 if self.writers else 2048 + 600)

    def beside(self, good: bool) -> Path:
        """Make another one next to it."""
        path = self.path.with_name(self.path.name + ".new")
        self.write(path, 8192)
        return path

    def stop(self) -> None:
        """End."""
        while self.writers:
            os.close(self.writers.pop())


# How it moves: what is there at first, and the steps after the first failure.


def rename_over(thing: File | Generator) -> None:
    """As careful writers do."""
    thing.beside(True).rename(thing.path)


def install(thing: File | Generator) -> None:
    """Remove it and make it again, as the tool of that name does."""
    thing.path.unlink()
    thing.put(True)


def rewrite(thing: File | Generator) -> None:
    """As editors do that keep the file; a device works again."""
    thing.put(True)


def turn(thing: File | Generator) -> None:
    """A link that was to one folder is to another."""
    other = thing.path.parent.parent / f"{thing.path.parent.name}-other"
    other.mkdir(mode=0o755, exist_ok=True)
    os.chown(other, thing.owner, thing.owner)
    moved = other / "moved"
    thing.beside(True).rename(moved)
    link = thing.path.with_name("link")
    # Inside, the files have other names.
    link.symlink_to(os.path.relpath(moved, thing.path.parent))
    link.rename(thing.path)


def remove(thing: File | Generator) -> None:
    """Take it away."""
    thing.path.unlink()


def make_link(thing: File | Generator) -> None:
    """Have a link lead to what was there."""
    place = thing.path.parent / "before"
    place.mkdir(mode=0o755, exist_ok=True)
    os.chown(place, thing.owner, thing.owner)
    thing.path.rename(place / "first")
    thing.path.symlink_to("before/first")


def settle(root: Path) -> None:
    """The /etc and /run of a row."""
    (root / "etc").mkdir()
    (root / "run").mkdir()
    for name in ETC:
        source, target = Path("/etc", name), root / "etc" / name
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.exists():
            shutil.copy(source, target)
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
