# SPDX-License-Identifier: Apache-2.0
"""The world that clients are measured in: users, trust, state and stand-ins.

Where root runs it, it is a private mount namespace with the users of the two halves,
and with one more certificate in the system's trust store, so that "as the system
trusts" is measured with the whole store. Nothing outside is changed.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from aid import certificates, kernel, users  # noqa: E402

STORE = Path("/etc/ssl/certs")
STORE_BUNDLE = "ca-certificates.crt"
SERVER = "169.254.169.254"  # on the far side of a slow link; see link.c
CLONE_NEWNS, MS_BIND = 0x20000, 0x1000


@dataclass
class Canned:
    """A running stand-in; see canned.c."""

    process: subprocess.Popen[str]
    address: str
    ports: dict[str, int]

    def url(self, service: str) -> str:
        """Where a service is: imds, http, https."""
        scheme = "https" if service == "https" else "http"
        return f"{scheme}://{self.address}:{self.ports[service]}"

    def tell(self, line: str) -> None:
        """Write a line to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("bench: the stand-in ended")
        return line.strip()

    def stop(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def take(self) -> dict[str, Any]:
        """What was asked since the last time."""
        self.tell("take")
        return json.loads(self.hear())


@dataclass
class World:
    """Folders, certificate and stand-in of one run of the bench."""

    build: Path
    folder: Path  # in memory where there is such a file system
    certificate: certificates.Certificate
    system_trust: bool  # the system's store trusts the stand-in
    kernel: bool  # the agent can inject
    started: list[Canned] = field(default_factory=list)

    def canned(self, address: str = "127.0.0.1", namespace: str = "") -> Canned:
        """Start a stand-in there; its messages are trusted."""
        command = [
            str(self.build / "tests" / "bench" / "canned"),
            *(address, self.certificate.path, self.certificate.key),
            str(self.folder / "trusted" / f"canned{len(self.started)}.pub"),
            *([namespace] if namespace else []),
        ]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        canned = Canned(process, address, {})
        self.started.append(canned)
        canned.ports = json.loads(canned.hear())
        return canned

    @contextmanager
    def link(self, delay_ms: float) -> Iterator[tuple[str, str]]:
        """Two network namespaces, near and far, and a slow link; see link.c."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [str(self.build / "tests" / "bench" / "link"), str(round(delay_ms * 1000))],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        try:
            if not line:
                raise OSError(process.stderr.read().strip())
            sides = json.loads(line)
            yield sides["near"], sides["far"]
        finally:
            process.stdin.close()
            process.wait()

    def env(self, imds: Canned) -> dict[str, str]:
        """The environment of a client: nothing of the caller's."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            "STATE_DIRECTORY": str(self.folder / "state"),
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url("imds") + "/",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "GNUTLS_NO_IMPLICIT_INIT": "1",  # as the units have it
        }

    def stop(self) -> None:
        """End what was started."""
        for canned in self.started:
            canned.stop()


def _openssl(*args: str) -> str:
    done = subprocess.run(
        ["openssl", *args], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _trust_everywhere(folder: Path, pem: str) -> bool:
    """Put the certificate into this process's view of the system's store."""
    if os.geteuid() != 0 or not (STORE / STORE_BUNDLE).exists():
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    store = folder / "store"
    shutil.copytree(STORE, store, symlinks=True)
    text = Path(pem).read_text()
    bundle = (STORE / STORE_BUNDLE).read_text()
    (store / STORE_BUNDLE).unlink()
    (store / STORE_BUNDLE).write_text(bundle + text)
    (store / f"{_openssl('x509', '-hash', '-noout', '-in', pem)}.0").write_text(text)
    return (
        libc.unshare(CLONE_NEWNS) == 0
        and libc.mount(b"none", b"/", None, 0x44000, None) == 0  # MS_REC | MS_PRIVATE
        and libc.mount(bytes(store), bytes(STORE), None, MS_BIND, None) == 0
    )


@contextmanager
def world(build: Path) -> Iterator[World]:
    """A world in a temporary folder, gone afterwards."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="sqs-entropy-bench-", dir=memory))
    folder.chmod(0o755)
    for name in "home", "state", "run", "trusted":
        (folder / name).mkdir()
    certificate = certificates.make(folder, ("127.0.0.1", SERVER))
    made = World(
        build,
        folder,
        certificate,
        users.HAS_USERS and _trust_everywhere(folder, certificate.path),
        users.HAS_USERS and kernel.why_not() is None,
    )
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)
