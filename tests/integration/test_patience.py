# SPDX-License-Identifier: Apache-2.0
"""A metadata service that is young, slow or throttled: asked until the deadline.

tests/unit/aws/test_imds_patience.c has every fault at every moment in virtual time;
here the programs meet the faults on the wire, many at once, because nearly all of
it is waiting.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from aid.environment import PLACE
from aid.imds import Imds
from aid.programs import AGENT, Result, Runner
from aid.queue import REGION, Queue
from aid.wait import PATIENCE
from aid.watch import DOCUMENT, PUT, ROLES

EMPTY = 75  # the queue is: SQS was asked, with the credentials
LONG = 30  # seconds; whoever gives up too early does so long before
SHORT = 2  # seconds; for what ends by the deadline alone
LASTS = 1.5  # seconds of a fault that passes
MOMENTS = {
    "token": PUT,
    "roles": ROLES,
    "document": DOCUMENT,
    "region": "GET */placement/region",
    "tag": "GET */tags/instance/*",
}
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/entropy"
FAILED = json.dumps({"Code": "Failed", "Message": "not yet"})


@dataclass(frozen=True)
class Kind:
    """A fault, and the exit code when it lasts; the code by moment overrules."""

    values: dict[str, Any]
    code: int = 69
    by_moment: tuple[tuple[str, int], ...] = ()
    only: tuple[str, ...] = tuple(MOMENTS)
    passes: bool = True

    def exit_code(self, moment: str) -> int:
        """The exit code of a run that meets it for ever."""
        return dict(self.by_moment).get(moment, self.code)


NOT_THERE = (("token", 77), ("roles", 77), ("region", 78), ("tag", 78))
FAULTS = {
    "silent": Kind({"end": "silence"}),
    "slow": Kind({"delay": 1.5}, code=EMPTY),
    "reset": Kind({"end": "reset"}),
    "dropped": Kind({"end": "drop"}),
    "429": Kind({"status": 429}),
    "500": Kind({"status": 500}),
    "503": Kind({"status": 503}),
    "cut": Kind({"truncate": 3, "end": "drop"}),
    "a page": Kind({"status": 200, "body": "<h1>Please sign in</h1> " * 20}),
    "too large": Kind({"pad": 17 << 10}),
    "404": Kind({"status": 404}, by_moment=NOT_THERE),
    "403": Kind({"status": 403}, code=77, passes=False),
    "401": Kind({"status": 401}, only=("roles", "document", "region", "tag")),
    "failed": Kind({"status": 200, "body": FAILED}, only=("document",)),
}


@dataclass
class Bench:
    """Runs agents beside each other, each with a metadata service of its own."""

    run: Runner
    queue: Queue

    def agent(self, imds: str, moment: str, timeout: int) -> Result:
        """Run one that comes to this moment on its way."""
        env = {**self.run.env, PLACE: imds}
        if moment != "region":
            env["AWS_REGION"] = REGION
        args = [] if moment == "tag" else ["-q", self.queue.url]
        command = [*args, "-t", str(timeout), "-o", "-"]
        process = self.run.start(AGENT, *command, env=env)
        return self.run.finish(process, timeout=timeout + PATIENCE)

    def meet(self, kind: Kind, moment: str, lasts: bool) -> Result:
        """Run one that meets a fault, for ever or for LASTS seconds."""
        tags = {"sqs-entropy:queue": self.queue.name}
        with Imds(region=REGION, tags=tags) as imds:
            imds.fault(MOMENTS[moment], count=None, **kind.values)
            timer = threading.Timer(LASTS, imds.clear)
            if not lasts:
                timer.start()
            # The others end by themselves, however late it is.
            short = lasts and kind.exit_code(moment) == 69
            got = self.agent(imds.url, moment, SHORT if short else LONG)
            timer.cancel()
        return got


@pytest.fixture
def bench(run: Runner, queue: Queue) -> Bench:
    """Give a bench with an empty queue."""
    return Bench(run, queue)


def at_once(cases: list[Callable[[], str | None]]) -> None:
    """Run all cases beside each other; each says what is wrong."""
    with ThreadPoolExecutor(len(cases)) as pool:
        said = pool.map(lambda case: case(), cases)
    assert [wrong for wrong in said if wrong] == []


@pytest.mark.parametrize("lasts", [True, False], ids=["for ever", "a while"])
def test_each_fault_at_each_moment_has_its_code(bench: Bench, lasts: bool) -> None:
    def case(name: str, kind: Kind, moment: str) -> Callable[[], str | None]:
        def meet() -> str | None:
            want = kind.exit_code(moment) if lasts else EMPTY
            got = bench.meet(kind, moment, lasts)
            if got.code == want:
                return None
            return f"{name} at {moment}: {got.code}, not {want}: {got.err}"

        return meet

    at_once(
        [
            case(name, kind, moment)
            for name, kind in FAULTS.items()
            for moment in kind.only
            if lasts or kind.passes
        ]
    )


@contextlib.contextmanager
def refusing() -> Iterator[int]:
    """Give a port at which nobody listens, and where nobody else can."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("moment", ["token", "region", "tag"])
def test_a_service_that_refuses_is_asked_until_it_listens(
    bench: Bench, moment: str
) -> None:
    tags = {"sqs-entropy:queue": bench.queue.name}
    with ThreadPoolExecutor(1) as pool:
        with refusing() as port:
            got = bench.agent(f"http://127.0.0.1:{port}", moment, 1)
            assert got.code == 69, got.err
            late = pool.submit(bench.agent, f"http://127.0.0.1:{port}", moment, LONG)
            time.sleep(LASTS)
        with Imds(region=REGION, tags=tags, port=port):
            assert late.result().code == EMPTY, late.result().err


def test_a_young_instance_gets_its_credentials(bench: Bench) -> None:
    """The role's path is 404 for about two seconds, and then it is there."""
    with Imds(region=REGION, role=None) as imds:
        timer = threading.Timer(2, setattr, (imds, "role", "entropy-role"))
        timer.start()
        got = bench.agent(imds.url, "roles", 10)
        assert got.code == EMPTY, got.err
        assert len(imds.matching(ROLES)) > 2


def test_another_role_attached_meanwhile_is_asked_for_by_name(bench: Bench) -> None:
    with Imds(region=REGION, role="old") as imds:
        gone = imds.fault("GET */security-credentials/old", count=None, status=404)
        timer = threading.Timer(LASTS, setattr, (imds, "role", "new"))
        timer.start()
        got = bench.agent(imds.url, "document", LONG)
        assert got.code == EMPTY, got.err
        assert gone.count is None
        assert imds.matching("GET */security-credentials/new")


def test_slow_answers_are_waited_for(bench: Bench) -> None:
    with Imds(region=REGION) as imds:
        imds.fault("*", count=None, delay=3)
        got = bench.agent(imds.url, "document", LONG)
        assert got.code == EMPTY, got.err


# What the machine says of itself.


def test_the_variables_of_the_sdks_bound_the_tries(bench: Bench) -> None:
    with Imds(region=REGION) as imds:
        imds.fault(PUT, count=None, status=503)
        bench.run.env["AWS_METADATA_SERVICE_NUM_ATTEMPTS"] = "2"
        got = bench.agent(imds.url, "token", LONG)
        assert (got.code, len(imds.matching(PUT))) == (69, 2), got.err
    for name in "NUM_ATTEMPTS", "TIMEOUT":
        variable = f"AWS_METADATA_SERVICE_{name}"
        bench.run.env[variable] = "some"
        got = bench.agent("http://127.0.0.1:9", "token", 1)
        assert got.code == 78, got.err
        assert f"{variable} is some: write a whole number" in got.err
        del bench.run.env[variable]


MACHINE = """
set -e
mount -t tmpfs none /sys
mkdir -p /sys/class/dmi/id
echo "$0" > /sys/class/dmi/id/sys_vendor
ip link set lo up
ip address add 169.254.169.254/32 dev lo
exec "$@"
"""
IN_NAMESPACES = ["unshare", "--net", "--mount", "/bin/sh", "-c", MACHINE]
# Connections are made, and nobody takes them.
SILENT = """
import socket, subprocess, sys
with socket.create_server(("169.254.169.254", 80)):
    sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


@pytest.mark.parametrize(
    ("vendor", "seconds", "code"), [("QEMU", 60, 77), ("Amazon EC2", 6, 69)]
)
def test_only_an_instance_waits_for_a_service_that_is_silent(
    run: Runner, vendor: str, seconds: int, code: int
) -> None:
    """Nobody has configured an endpoint.

    On an instance the deadline ends the run; on another machine there is no
    service, and without it there are no credentials.
    """
    try:
        probe = subprocess.run([*IN_NAMESPACES, vendor, "true"], check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare(1)")
    if probe.returncode != 0:
        pytest.skip("needs root, ip(8) and a /sys to mount on")
    env = {**run.env, "AWS_REGION": REGION}
    del env[PLACE]
    agent = [str(run.build / AGENT), "-q", QUEUE, "-o", "-", "-t", str(seconds)]
    wrapped = [vendor, sys.executable, "-c", SILENT, *agent]
    before = str(shutil.which(IN_NAMESPACES[0]))
    got = run(before, *IN_NAMESPACES[1:], *wrapped, env=env)
    assert got.code == code, got.err
    assert "169.254.169.254" in got.err
    assert ("this machine is no EC2 instance" in got.err) == (code == 77)
    assert ("--http-put-response-hop-limit 2" in got.err) == (code == 69)
