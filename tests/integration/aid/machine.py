# SPDX-License-Identifier: Apache-2.0
"""A machine of its own for --setup: /etc, /run and /var/lib are folders of the test.

They are bound there in a mount namespace.  A systemctl of the test notes what it is
asked, where the machine has one.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from aid.payload import noise
from aid.programs import PRODUCER, Result, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.users import HAS_USERS, PRODUCER_OFFLINE, PRODUCER_ONLINE

ENTER = (
    "mount --make-rprivate / && mount --bind $ROOT/lib /var/lib"
    " && mount --bind $ROOT/run /run && mount --bind $ROOT/etc /etc"
    " && { [ ! -e /dev/hwrng ] || mount --bind /dev/null /dev/hwrng; }"
    ' && exec "$@"'
)
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/run/asked
case $1 in
is-enabled) grep -qx "$2" /run/enabled ;;
is-active) [ -e /run/active ] ;;
enable) echo "$2" >>/run/enabled ;;
restart|start) [ -e /run/skipped ] || : >/run/active ;;
stop) rm -f /run/active ;;
esac
"""
NO_USERS = pytest.mark.skipif(not HAS_USERS, reason="needs root, to make users")


@dataclass
class Machine:
    """Where the producer is set up."""

    run: Runner
    root: Path
    queue: Queue
    device: Path

    @property
    def conf(self) -> Path:
        """The configuration."""
        return self.root / "etc/sqs-entropy/producer.conf"

    @property
    def key(self) -> Path:
        """The signing key."""
        return self.root / "etc/sqs-entropy/signing.key"

    @property
    def aws(self) -> Path:
        """Where the service has AWS files."""
        return self.root / "lib" / PRODUCER_ONLINE / ".aws"

    @property
    def arn(self) -> str:
        """The queue's."""
        return f"arn:aws:sqs:eu-west-1:123456789012:{self.queue.name}"

    def write(self, path: str, text: str) -> None:
        """Write a file below the root."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def systemd(self) -> None:
        """Have systemd run."""
        (self.root / "run/systemd/system").mkdir(parents=True)
        self.write("run/bin/systemctl", SYSTEMCTL)
        (self.root / "run/bin/systemctl").chmod(0o755)
        (self.root / "run/enabled").touch()

    def asked(self) -> list[str]:
        """What systemctl was asked since the last call."""
        path = self.root / "run/asked"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def command(self, *args: str) -> list[str]:
        """The producer there."""
        enter = ["/usr/bin/env", "unshare", "--mount", "sh", "-c", ENTER, "sh"]
        return [*enter, str(self.run.build / PRODUCER), *args]

    def env(self) -> dict[str, str]:
        """Root's shell. What is set there is not the service's."""
        return {
            "PATH": "/run/bin:" + os.environ["PATH"],
            "ROOT": str(self.root),
            "HOME": "/run/root",
            "AWS_REGION": "us-east-2",
            "AWS_PROFILE": "of-the-shell",
        }

    def program(self, *args: str, answers: str = "") -> Result:
        """Run the producer there, with that on standard input."""
        file = self.root / "answers"
        file.write_text(answers)
        with file.open() as stdin:
            return self.run(*self.command(*args), env=self.env(), stdin=stdin)

    def start(self, *args: str, terminal: int) -> subprocess.Popen[bytes]:
        """Start the producer at a terminal."""
        command = self.command(*args)
        both = dict.fromkeys(("stdin", "stderr"), terminal)
        return self.run.start(*command, env=self.env(), **both)

    def setup(self, *args: str, answers: str = "") -> Result:
        """Run --setup there."""
        return self.program("--setup", *args, answers=answers)

    def tree(self) -> dict[str, tuple[object, ...]]:
        """All that is there: kind, owner, mode, time and content of each file."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            # The last is what mount(8) makes.
            if name in ("answers", "run", "run/asked", "run/mount"):
                continue
            st = path.lstat()
            text = path.read_bytes() if path.is_file() else b""
            digest = hashlib.sha256(text).hexdigest()
            found[name] = (st.st_mode, st.st_uid, st.st_mtime_ns, st.st_ino, digest)
        return found


def levels(got: Result) -> dict[str, str]:
    """The level of each finding, by its name."""
    found = re.findall(r"^(ok|warning|FAIL|not asked) +(\S.*?): ", got.err, re.M)
    return {name: level for level, name in found}


@pytest.fixture
def machine(run: Runner, tmp_path: Path, queue: Queue, proxy: SqsProxy) -> Machine:
    """Give a machine on which the package has just been installed."""
    root = tmp_path / "machine"
    for folder in "etc", "run", "lib":
        (root / folder).mkdir(parents=True)
    # What a package brings.
    for name in "passwd", "group", "ld.so.cache", "localtime":
        if Path("/etc", name).exists():
            shutil.copy(Path("/etc", name), root / "etc" / name)
    (root / "etc/sqs-entropy").mkdir()
    for name in PRODUCER_OFFLINE, PRODUCER_ONLINE:
        (root / "lib" / name).mkdir(mode=0o700)
        if HAS_USERS:
            shutil.chown(root / "lib" / name, name, name)
    device = tmp_path / "generator"
    device.write_bytes(noise(1 << 18))
    one = Machine(run, root, queue, device)
    # Where SQS is; another than AWS's is no question of --setup.
    one.write(
        f"etc/default/{PRODUCER}",
        f"# of the test\nAWS_ENDPOINT_URL_SQS='{proxy.url}'\n"
        "AWS_EC2_METADATA_DISABLED=true\n",
    )
    return one
