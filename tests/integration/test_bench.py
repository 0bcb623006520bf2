# SPDX-License-Identifier: Apache-2.0
"""That the bench notices when a run of the agent costs more, and only then."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from aid.certificates import make
from aid.environment import ROOT
from aid.programs import AGENT

BENCH = ROOT / "tests" / "bench"
sys.path.insert(0, str(BENCH))
import baseline  # noqa: E402

ENVIRONMENT = {
    name: "as before" for names in baseline.DEPENDS.values() for name in names
}
FIGURES = {
    "requests": 6,
    "connections": 5,
    "bytes": 8000,
    "calls": 1000,
    "instructions": 1_000_000,
}
COUNTED = {
    "environment": ENVIRONMENT,
    "left_out": {},
    "counts": {"agent, http": FIGURES},
}


def grown(figures: dict[str, Any], **environment: str) -> list[str]:
    """The figures that are found to have grown over COUNTED."""
    now = copy.deepcopy(COUNTED)
    now["counts"]["agent, http"].update(figures)
    now["environment"].update(environment)
    return [v.figure for v in baseline.judge(COUNTED, now) if v.grown]


def test_each_count_that_grows_is_found() -> None:
    assert grown({}) == []
    for name, value in {
        "requests": 7,
        "connections": 6,
        "bytes": 8041,
        "calls": 1013,
        "instructions": 1_020_001,
    }.items():
        assert grown({name: value}) == [name]


def test_what_shrinks_or_wavers_is_not() -> None:
    assert grown({name: value // 2 for name, value in FIGURES.items()}) == []
    assert grown({"bytes": 8040, "calls": 1012, "instructions": 1_020_000}) == []


@pytest.mark.parametrize(
    ("what", "judged"),
    [
        ("compiler", {"calls"}),
        ("valgrind", {"calls"}),
        ("kernel", {"instructions"}),
        ("libraries", set()),
        ("rights", set()),
    ],
)
def test_what_another_machine_changes_is_not_judged(
    what: str, judged: set[str]
) -> None:
    always = {"requests", "connections", "bytes"}
    twice = {name: value * 2 for name, value in FIGURES.items()}
    assert set(grown(twice, **{what: "another"})) == always | judged


def test_what_could_not_be_counted_is_said() -> None:
    now = copy.deepcopy(COUNTED)
    del now["counts"]["agent, http"]["calls"]
    now["left_out"] = {"calls": "strace is not installed"}
    said = [str(v) for v in baseline.judge(COUNTED, now) if v.figure == "calls"]
    assert said == ["agent, http: calls: not counted: strace is not installed"]


def bench(build: Path, kept: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the check of the agent without TLS."""
    return subprocess.run(
        [
            *(sys.executable, BENCH / "bench", "--check", "--only", "agent, http"),
            *("--runs", "1", "--baseline", kept, *args),
        ],
        env={**os.environ, "BUILD": str(build)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_planted_growth_is_found_in_the_programs(build: Path, tmp_path: Path) -> None:
    kept = tmp_path / "baseline.json"
    done = bench(build, kept, "--write")
    assert done.returncode == 0, done.stdout + done.stderr
    done = bench(build, kept)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GROWN" not in done.stdout

    # All of it twice.
    wasteful = tmp_path / "wasteful"
    wasteful.write_text(
        f'#!/bin/sh\n"{build / AGENT}" "$@" && exec "{build / AGENT}" "$@"\n'
    )
    wasteful.chmod(0o755)
    done = bench(build, kept, "--agent", str(wasteful))
    assert done.returncode == 1, done.stdout + done.stderr
    found = {line.split()[2] for line in done.stdout.splitlines() if "GROWN" in line}
    expected = {"requests", "connections", "bytes"}
    counted = json.loads(kept.read_text())["counts"]["agent, http"]
    assert found == expected | {n for n in ("calls", "instructions") if n in counted}
    assert ("calls" in counted) == bool(shutil.which("strace"))


def started(stack: ExitStack, *command: str | Path) -> dict[str, Any] | None:
    """Start a program of the bench; the line that it prints, or None if it ended.

    The end of its input ends it, and that comes first when the stack is closed.
    """
    pipe = subprocess.PIPE
    process = stack.enter_context(
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    return json.loads(line) if line else None


# Seconds until there is a connection, until that is TLS, and until an answer.
TRIPS = """
import socket, ssl, sys, time
began = time.monotonic()
plain = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print(time.monotonic() - began)
tls = ssl.create_default_context(cafile=sys.argv[3])
connection = tls.wrap_socket(plain, server_hostname=sys.argv[1])
print(time.monotonic() - began)
connection.sendall(b"POST / HTTP/1.1\\r\\nX-Amz-Target: A.ReceiveMessage\\r\\n\\r\\n")
connection.recv(1)
print(time.monotonic() - began)
"""


def test_a_slow_link_counts_each_round_trip(build: Path, tmp_path: Path) -> None:
    far, delay_ms = "169.254.169.254", 20
    certificate = make(tmp_path, (far,))
    folder = build / "tests" / "bench"
    with ExitStack() as stack:
        sides = started(stack, folder / "link", str(delay_ms * 1000))
        if sides is None:
            pytest.skip("no namespaces of network, or no /dev/net/tun")
        canned = (folder / "canned", far, *certificate.tls, tmp_path / "trust.pub")
        ports = started(stack, *canned, sides["far"])
        assert ports is not None
        enter = "nsenter", f"--net={sides['near']}", sys.executable, "-c", TRIPS
        said = subprocess.run(
            [*enter, far, str(ports["https"]), certificate.path],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert len(said.split()) == 3
    # TCP, TLS 1.3, a request: no less than so many trips; a busy machine adds to it.
    for n, seconds in enumerate(said.split(), 1):
        assert float(seconds) * 1000 >= 2 * delay_ms * n, said
