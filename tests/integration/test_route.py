# SPDX-License-Identifier: Apache-2.0
"""An agent that starts before the network, in a network namespace of its own.

The addresses are those of an instance, the metadata service's included; they
are there for the namespace alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aid import certificates, standin
from aid.imds import Imds
from aid.payload import body, noise
from aid.processes import die_with_parent
from aid.programs import AGENT, Result, Runner
from aid.queue import Moto, Queue
from aid.sqsproxy import SqsProxy
from aid.wait import FOR_EVER, PATIENCE, wait_until

IMDS_ADDRESS = "169.254.169.254"
SQS_ADDRESS = "10.77.0.1"
DNS_ADDRESS = "10.77.0.53"
NAME = "sqs.route.example"
CLONE_NEWNET = 0x40000000
IP_FREEBIND = 15
TOOLS = ("ip", "nsenter", "unshare")

needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, TOOLS)),
    reason="needs root and ip(8), nsenter(1), unshare(1)",
)
pytestmark = needs_namespaces


def set_namespace(path: str) -> None:
    """Make what this thread opens from now on belong there."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")
    finally:
        os.close(fd)


@dataclass
class Namespace:
    """A machine's network, of which nothing is up yet."""

    holder: subprocess.Popen[bytes]
    proxy: SqsProxy | None = None
    imds: Imds | None = None
    timers: list[threading.Timer] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The path by which other programs enter the namespace."""
        return f"/proc/{self.holder.pid}/ns/net"

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Open sockets in the namespace for as long as this lasts."""
        here = f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net"
        back = os.open(here, os.O_RDONLY | os.O_CLOEXEC)
        set_namespace(self.path)
        try:
            yield
        finally:
            set_namespace(f"/proc/self/fd/{back}")
            os.close(back)

    def ip(self, *args: str) -> None:
        """Run the program ip in the namespace."""
        command = ["nsenter", f"--net={self.path}", "ip", *args]
        subprocess.run(command, check=True, timeout=FOR_EVER)

    def up(self, *addresses: str) -> None:
        """Add addresses to the loopback interface, and set it up."""
        self.ip("link", "set", "lo", "up")
        for address in addresses:
            self.ip("address", "add", f"{address}/32", "dev", "lo")

    def later(self, seconds: float, *addresses: str) -> None:
        """Add addresses after some seconds."""
        self.timers.append(threading.Timer(seconds, self.up, addresses))
        self.timers[-1].start()


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    """Give a namespace that ends with the test."""
    command = ["unshare", "--net", "sleep", "1000"]
    holder = subprocess.Popen(command, preexec_fn=die_with_parent)
    mine = Path("/proc/self/ns/net").readlink()
    made = Namespace(holder)
    try:
        wait_until(
            lambda: Path(made.path).readlink() != mine or holder.poll() is not None
        )
        assert holder.poll() is None, "no network namespaces here"
        yield made
    finally:
        for timer in made.timers:
            timer.cancel()
            timer.join()
        holder.kill()
        holder.wait()


@pytest.fixture
def inner(monkeypatch: pytest.MonkeyPatch, namespace: Namespace) -> None:
    """Have the stand-ins listen in the namespace, at addresses that come later."""

    class Server(standin.Server):
        def server_bind(self) -> None:
            """Bind in the namespace; threads and what they connect to stay out."""
            self.socket.close()
            with namespace.inside():
                self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.socket.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
            super().server_bind()

    monkeypatch.setattr(standin, "Server", Server)


def answer(query: bytes) -> bytes:
    """The A record that every name has (RFC 1035), nothing else."""
    end = query.index(0, 12) + 5
    is_a = query[end - 4 : end - 2] == b"\0\1"
    head = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + bytes(4)
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(SQS_ADDRESS)
    return head + query[12:end] + (record if is_a else b"")


@pytest.fixture
def dns(namespace: Namespace) -> Iterator[list[bytes]]:
    """Give the list of queries that a name server in the namespace has received."""
    asked: list[bytes] = []
    with namespace.inside():
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
    server.bind((DNS_ADDRESS, 53))
    server.settimeout(0.05)
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            with contextlib.suppress(TimeoutError):
                query, client = server.recvfrom(512)
                asked.append(query)
                server.sendto(answer(query), client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield asked
    ending.set()
    thread.join()
    server.close()


@pytest.fixture
def bundle() -> Iterator[certificates.Certificate]:
    """Give a certificate that a user without rights can read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield certificates.make(Path(folder), (NAME, SQS_ADDRESS))


@dataclass
class Machine:
    """An instance that boots."""

    run: Runner
    namespace: Namespace
    queue: Queue
    imds: Imds
    proxy: SqsProxy
    env: dict[str, str]
    before: list[str]

    def agent(self, seconds: int, *args: str) -> Result:
        """Run the agent in the namespace."""
        command = [*self.before, str(self.run.build / AGENT), "-o", "-"]
        command += ["-t", str(seconds), *args]
        return self.run(command[0], *command[1:], env=self.env)


@pytest.fixture
def machine(
    run: Runner,
    moto: Moto,
    queue: Queue,
    namespace: Namespace,
    inner: None,
    dns: list[bytes],
    bundle: certificates.Certificate,
    tmp_path: Path,
) -> Iterator[Machine]:
    """Give a machine without a network, and all that it will find there."""
    resolv = tmp_path / "resolv.conf"
    resolv.write_text(f"nameserver {DNS_ADDRESS}\n")
    script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    before = ["nsenter", f"--net={namespace.path}", "unshare", "--mount"]
    before += ["/bin/sh", "-c", script, str(resolv)]
    before[0] = str(shutil.which(before[0]))
    env = {**run.env, "AWS_CA_BUNDLE": bundle.path, "AWS_REGION": "eu-west-1"}
    del env["AWS_EC2_METADATA_SERVICE_ENDPOINT"]
    with (
        Imds(host=IMDS_ADDRESS, port=80, region="eu-west-1") as imds,
        SqsProxy(moto.url, host=SQS_ADDRESS, tls=bundle.tls) as proxy,
    ):
        env["AWS_ENDPOINT_URL_SQS"] = f"https://{NAME}:{proxy.port}"
        yield Machine(run, namespace, queue, imds, proxy, env, before)
    assert imds.errors == []
    assert proxy.errors == []


ALL = (IMDS_ADDRESS, SQS_ADDRESS, DNS_ADDRESS)


@pytest.mark.parametrize("by_name", [True, False], ids=["name", "address"])
def test_the_agent_goes_on_when_the_network_comes(
    machine: Machine, dns: list[bytes], by_name: bool
) -> None:
    machine.queue.send(body(noise(512)))
    if not by_name:
        machine.env["AWS_ENDPOINT_URL_SQS"] = machine.proxy.url
    machine.namespace.later(2, *ALL)
    got = machine.agent(60, "-q", machine.queue.name)
    assert (got.code, got.out) == (0, noise(512)), got.err
    # As soon as it comes: whoever waits in ever longer pauses is still waiting.
    assert 2 < got.seconds < 2 + PATIENCE
    assert machine.proxy.keys()[-1] == "DeleteMessageBatch"
    assert machine.imds.keys() != []
    assert (dns != []) == by_name


@pytest.mark.parametrize(
    "steps",
    [
        [(0.5, [IMDS_ADDRESS]), (2, [DNS_ADDRESS]), (3, [SQS_ADDRESS])],
        [(0.5, [SQS_ADDRESS, DNS_ADDRESS]), (2, [IMDS_ADDRESS])],
        [(0.5, []), (2, ALL)],
    ],
    ids=["imds-first", "sqs-first", "loopback-first"],
)
def test_the_network_may_come_piece_by_piece(
    machine: Machine, steps: list[tuple[float, list[str]]]
) -> None:
    machine.queue.send(body(noise(512)))
    for seconds, addresses in steps:
        machine.namespace.later(seconds, *addresses)
    got = machine.agent(60, "-q", machine.queue.name)
    assert (got.code, got.out) == (0, noise(512)), got.err
    assert steps[-1][0] < got.seconds < steps[-1][0] + PATIENCE


def test_the_tag_is_read_when_the_network_comes(machine: Machine) -> None:
    """Without a configured queue the metadata service is asked first."""
    machine.queue.send(body(noise(512)))
    machine.imds.tags_enabled = True
    machine.imds.tags = {"sqs-entropy:queue": machine.queue.name}
    machine.namespace.later(2, *ALL)
    got = machine.agent(60)
    assert (got.code, got.out) == (0, noise(512)), got.err


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        ([], "no route"),
        ([IMDS_ADDRESS], "name"),
        ([IMDS_ADDRESS, DNS_ADDRESS], ""),
    ],
    ids=["none", "imds-alone", "no-sqs"],
)
def test_without_any_route_the_deadline_ends_the_run(
    machine: Machine, addresses: list[str], words: str
) -> None:
    machine.queue.send(body(noise(512)))
    if addresses:
        machine.namespace.up(*addresses)
    # What does answer may need more time on a busy machine.
    for seconds in (5, 20, 80):
        got = machine.agent(seconds, "-q", machine.queue.name)
        assert got.code == 69, got.err
        assert got.out == b""
        # Without a deadline it would go on for ever.
        assert seconds - 0.5 < got.seconds < seconds + PATIENCE
        if words in got.err:
            break
    assert words in got.err
    assert machine.queue.depth() == (1, 0)


def test_a_route_that_comes_too_late_costs_no_message(machine: Machine) -> None:
    machine.queue.send(body(noise(512)))
    got = machine.agent(2, "-q", machine.queue.name)
    assert got.code == 69, got.err
    # Nothing of it is left that would go on now.
    machine.namespace.up(*ALL)
    time.sleep(1)
    assert machine.proxy.records == []
    assert machine.queue.depth() == (1, 0)


def test_best_effort_without_a_network_is_no_failure(machine: Machine) -> None:
    got = machine.agent(1, "-q", machine.queue.name, "--best-effort")
    assert got.code == 0, got.err
    assert got.seconds < 1 + PATIENCE
