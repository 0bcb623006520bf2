# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D103 (the test's name says it)
"""The units as shipped, in the container that they find themselves in."""

from __future__ import annotations

import gzip
import itertools
import re
from pathlib import Path

import pytest
from machine import Machine
from world import AGENT, PRODUCER

TIMERS = ["sqs-entropy-agent.timer", "sqs-entropy-agent-retry.timer"]
RETRIES = "sqs-entropy-agent-retry.service"
WATCH = "sqs-entropy-agent-watch.service"
ON_DEMAND = [
    RETRIES,
    "sqs-entropy-agent-forked.service",
    "sqs-entropy-agent-seeded.service",
    "sqs-entropy-seeded.target",
]
UNITS = [AGENT, *TIMERS, WATCH, PRODUCER]
OLDEST = 249  # systemd of the oldest release that is supported, Ubuntu 22.04


@pytest.mark.parametrize("unit", UNITS)
def test_a_container_skips_it(machine: Machine, unit: str) -> None:
    assert machine.show(unit, "ConditionResult") == "no"
    assert machine.show(unit, "ActiveState") == "inactive"
    assert machine.show(unit, "NeedDaemonReload") == "no"


def test_the_boot_ends_well(machine: Machine) -> None:
    assert machine.state() == "running", machine.journal("-p", "warning")
    said = machine.journal()
    assert "ordering cycle" not in said
    # systemd names file and line of what it does not know or like.
    assert re.findall(r".*sqs-entropy[^ ]*\.(?:service|timer):\d+.*", said) == []


def test_this_systemd_finds_no_fault(machine: Machine) -> None:
    done = machine.run("systemd-analyze", "verify", "--man=no", *UNITS, *ON_DEMAND)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("unit", "limit"),
    [(AGENT, 23), *((unit, 23) for unit in ON_DEMAND[:3]), (WATCH, 15), (PRODUCER, 20)],
)
def test_this_systemd_finds_little_exposure(
    machine: Machine, unit: str, limit: int
) -> None:
    options = ["--no-pager", f"--threshold={limit}"]
    machine.must("systemd-analyze", "security", "--offline=true", *options, unit)


@pytest.mark.parametrize("name", ["agent", "producer"])
def test_udev_takes_the_rule(machine: Machine, name: str) -> None:
    if "verify" not in machine.run("udevadm", "--help").stdout:
        pytest.skip("udevadm verify came with systemd 254")
    rules = f"/usr/lib/udev/rules.d/60-sqs-entropy-{name}.rules"
    machine.must("udevadm", "verify", rules)


def test_the_agent_comes_before_ssh(machine: Machine) -> None:
    before = machine.show(AGENT, "Before").split()
    assert {"ssh.service", "sshd-keygen.target", "multi-user.target"} <= set(before)
    after = machine.show(AGENT, "After").split()
    assert "network-online.target" in after
    for limit in ("TimeoutStartUSec", "JobTimeoutUSec"):
        assert machine.show(AGENT, limit) == "5min 30s"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("TimeoutStopUSec", "10s"),
        ("Restart", "on-failure"),
        ("RestartUSec", "1min"),
        ("RestartPreventExitStatus", "64 65 78"),
        ("StartLimitIntervalUSec", "0"),
        # Each half has its own, which the program changes to.
        ("User", ""),
        ("PrivateUsers", "no"),
        ("DevicePolicy", "closed"),
    ],
)
def test_the_unit_ships_with_these_settings(
    machine: Machine, name: str, value: str
) -> None:
    assert machine.show(PRODUCER, name) == value


def added(root: Path) -> dict[str, int]:
    """In which version a directive came, by systemd's manual."""
    versions: dict[str, int] = {}
    names: list[str] = []
    for page in sorted((root / "usr/share/man/man5").glob("systemd.*.5.gz")):
        text = gzip.decompress(page.read_bytes()).decode().replace("\\", "")
        for before, line in itertools.pairwise(text.splitlines()):
            if before == ".PP":  # the head of an entry
                names = re.findall(r"fI([A-Z]\w+)=fR", line)
            elif came := re.match(r"Added in version (\d+)", line):
                for name in names:
                    versions.setdefault(name, int(came[1]))
                names = []
    return versions


def directives(path: Path) -> list[str]:
    """What a unit file sets."""
    return re.findall(r"^([A-Z]\w+)=", path.read_text(), re.MULTILINE)


def test_no_directive_is_too_new(root: Path) -> None:
    versions = added(root)
    if versions.get("RestartSteps") != 254:
        pytest.skip("this systemd's manual does not say when a directive came")
    for unit in [*UNITS, *ON_DEMAND]:
        for name in directives(root / "usr/lib/systemd/system" / unit):
            assert versions.get(name, 0) <= OLDEST, f"{unit}: {name}="
