# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D103 (the test's name says it)
"""A clone of a running machine, and the target that waits for its seed.

The container stands for the clone; nobody tells it so but the tests.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator

import pytest
from machine import Machine
from world import AGENT, HOST, UNCONDITIONAL, World

from aid.faults import CONNECT
from aid.queue import Queue
from aid.wait import wait_until

FORKED, SEEDED = "sqs-entropy-agent-forked.service", "sqs-entropy-agent-seeded.service"
TARGET, USER = "sqs-entropy-seeded.target", "needs-seed.service"
WATCH, RETRIES = "sqs-entropy-agent-watch.service", "sqs-entropy-agent-retry.service"
TIMER = "sqs-entropy-agent-retry.timer"
OPTIONS = "/etc/default/sqs-entropy-agent"
ANYWHERE = UNCONDITIONAL + "AssertVirtualization=\n"
DROP_INS = {
    AGENT: ANYWHERE,
    FORKED: ANYWHERE,
    RETRIES: ANYWHERE,
    SEEDED: f"{ANYWHERE}[Service]\nRestartSec=1s\n",
    WATCH: f"{ANYWHERE}ConditionPathExistsGlob=\n",
}
# As docs/snapshots.md has it, and nothing that takes time.
NEEDS_SEED = f"""\
[Unit]
Requires={TARGET}
After={TARGET}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
[Install]
WantedBy={TARGET}
"""
# The kernel's log, which a container has not got.  It ends once, as dmesg may.
DMESG = """\
#!/bin/sh
echo "$@" >/run/dmesg-options
[ ! -e /run/dmesg-done ] || exec sleep 600
while [ ! -s /run/cloned ]; do sleep 0.1; done
echo "[   12.345678] virtual machine fork, somebody said"
[ "$(cat /run/cloned)" = no ] ||
	echo "[   12.345679] random: crng reseeded due to virtual machine fork"
echo "[   12.345680] later"
touch /run/dmesg-done
"""


@pytest.fixture(scope="module", autouse=True)
def units(world: World) -> Iterator[None]:
    """Units that are not skipped here, and one that needs the seed."""
    machine = world.machine
    paths = {unit: f"/run/systemd/system/{unit}.d/forked.conf" for unit in DROP_INS}
    for unit, text in DROP_INS.items():
        machine.write(paths[unit], text)
    machine.write(f"/etc/systemd/system/{USER}", NEEDS_SEED)
    machine.must("systemctl", "--quiet", "enable", USER)
    yield
    machine.run("systemctl", "--quiet", "disable", USER)
    for path in (*paths.values(), f"/etc/systemd/system/{USER}"):
        machine.remove(path)
    machine.must("systemctl", "daemon-reload")


@pytest.fixture(autouse=True)
def queue(world: World) -> Iterator[Queue]:
    """A queue whose messages earn credit, and nothing that is up already."""
    machine = world.machine
    configure(world, "credit")
    machine.forget_runs()
    world.sqs.forget()
    yield world.make_queue("forked")
    world.sqs.clear()
    machine.remove(OPTIONS)
    machine.run("systemctl", "stop", USER, TARGET, *DROP_INS)
    machine.run("systemctl", "reset-failed", USER, TARGET, *DROP_INS)
    made = world.client.create_queue(QueueName="forked")["QueueUrl"]
    world.client.delete_queue(QueueUrl=made)


def configure(world: World, unsigned: str) -> None:
    world.configure(
        "agent",
        queue=f"https://{HOST}/123456789012/forked",
        timeout=20,
        unsigned=unsigned,
        **{"wait-time": 0, "unsigned-bits-per-byte": 8},
    )


def send(queue: Queue) -> None:
    """Bytes that no message had before, so that they earn credit."""
    queue.send(b64encode(os.urandom(64)).decode())


def states(machine: Machine) -> list[str]:
    return [machine.show(unit, "ActiveState") for unit in (TARGET, USER)]


def reach(world: World, queue: Queue) -> None:
    """As of a boot that was seeded, by one message."""
    send(queue)
    world.machine.must("systemctl", "start", USER)
    assert states(world.machine) == ["active", "active"]
    assert queue.depth() == (0, 0)


def at(machine: Machine, unit: str, name: str) -> int:
    return int(machine.show(unit, name + "Monotonic"))


def test_whoever_needs_a_seed_gets_one(world: World, queue: Queue) -> None:
    reach(world, queue)
    assert len(world.sqs.matching("DeleteMessage*")) == 1


def test_a_boot_that_was_seeded_is_not_seeded_again(world: World, queue: Queue) -> None:
    for _ in range(2):
        send(queue)
    assert world.start(AGENT).returncode == 0
    world.sqs.forget()
    world.machine.must("systemctl", "start", USER)
    assert states(world.machine) == ["active", "active"]
    assert world.sqs.records == []


def test_a_queue_that_is_empty_is_asked_until_it_is_not(
    world: World, queue: Queue
) -> None:
    machine = world.machine
    assert machine.run("systemctl", "start", USER).returncode != 0
    assert states(machine) == ["inactive", "inactive"]
    send(queue)
    wait_until(lambda: states(machine) == ["active", "active"])
    assert machine.state() == "running"


def test_bytes_without_credit_reach_nothing(world: World, queue: Queue) -> None:
    """And the queue is not emptied by trying."""
    configure(world, "mix")
    for _ in range(3):
        send(queue)
    machine = world.machine
    assert machine.run("systemctl", "start", USER).returncode != 0
    assert machine.show(SEEDED, "ExecMainStatus") == "65"
    assert machine.show(SEEDED, "ActiveState") == "failed"
    assert states(machine) == ["inactive", "inactive"]
    assert queue.depth() == (2, 0)


def test_an_output_of_the_file_reaches_nothing(world: World, queue: Queue) -> None:
    send(queue)
    path = "/etc/sqs-entropy/agent.conf"
    world.machine.write(
        path, world.machine.path(path).read_text() + 'output = "/dev/null"\n'
    )
    reach_by_kernel = world.machine.run("systemctl", "start", USER)
    assert reach_by_kernel.returncode == 0
    said = world.machine.invocation(SEEDED)
    assert "into the kernel, credit 256 bits" in said, said


def test_a_clone_is_not_seeded_until_it_is(world: World, queue: Queue) -> None:
    """Nothing that needs the seed is up while the clone has none of its own."""
    machine = world.machine
    reach(world, queue)
    send(queue)
    world.sqs.fault(CONNECT, count=None, end="silence")
    machine.must("systemctl", "restart", "--no-block", FORKED)
    wait_until(lambda: machine.show(FORKED, "ActiveState") == "activating")
    wait_until(lambda: states(machine) == ["inactive", "inactive"])
    # Whoever asks for it now waits, too.
    machine.must("systemctl", "start", "--no-block", USER)
    assert states(machine) == ["inactive", "inactive"]
    world.sqs.clear()
    wait_until(lambda: states(machine) == ["active", "active"])
    assert "credit 256 bits" in machine.invocation(FORKED)
    ended = at(machine, FORKED, "ExecMainExitTimestamp")
    reached = at(machine, TARGET, "ActiveEnterTimestamp")
    assert ended < reached < at(machine, USER, "ActiveEnterTimestamp")
    assert queue.depth() == (0, 0)
    assert len(world.sqs.matching("DeleteMessage*")) == 2
    assert machine.state() == "running"


def test_a_clone_that_gets_no_message_is_not_seeded(world: World, queue: Queue) -> None:
    """Whatever an operator wants of the usual runs."""
    machine = world.machine
    machine.write(OPTIONS, "SQS_ENTROPY_OPTIONS=--best-effort\n")
    reach(world, queue)
    assert machine.run("systemctl", "restart", FORKED).returncode != 0
    assert machine.show(FORKED, "ExecMainStatus") == "75"
    assert states(machine) == ["inactive", "inactive"]
    assert machine.state() == "degraded"
    send(queue)
    wait_until(lambda: states(machine) == ["active", "active"])
    # The seed of its template is none of its own.
    assert len(world.sqs.matching("DeleteMessage*")) == 2


def test_the_retries_begin_anew_for_a_clone(world: World, queue: Queue) -> None:
    machine = world.machine
    reach(world, queue)
    machine.must("systemctl", "start", RETRIES)
    assert machine.show(RETRIES, "ActiveState") == "active"
    assert machine.run("systemctl", "restart", FORKED).returncode != 0
    wait_until(lambda: machine.show(RETRIES, "ActiveState") == "inactive")
    send(queue)
    wait_until(lambda: states(machine) == ["active", "active"])
    machine.must("systemctl", "start", RETRIES)
    assert machine.show(RETRIES, "ActiveState") == "active"
    assert queue.depth() == (0, 0)


@pytest.mark.parametrize("cloned", ["no", "yes"])
def test_the_kernels_word_has_a_clone_seeded(
    world: World, queue: Queue, cloned: str
) -> None:
    machine = world.machine
    reach(world, queue)
    send(queue)
    before = machine.show(FORKED, "InvocationID")
    machine.write("/usr/local/bin/dmesg", DMESG, 0o755)
    try:
        machine.must("systemctl", "start", WATCH)
        machine.write("/run/cloned", cloned)
        # By then it has read all lines, and has asked for what they call for.
        wait_until(lambda: machine.show(WATCH, "NRestarts") != "0")
        wait_until(lambda: machine.show(FORKED, "Job") in ("", "0"))
        assert (machine.show(FORKED, "InvocationID") != before) == (cloned == "yes")
        assert queue.depth() == (int(cloned == "no"), 0)
        wait_until(lambda: states(machine) == ["active", "active"])
    finally:
        machine.run("systemctl", "stop", WATCH)
        for path in ("/usr/local/bin/dmesg", "/run/cloned", "/run/dmesg-done"):
            machine.remove(path)
    options = machine.path("/run/dmesg-options").read_text().split()
    known = machine.must("dmesg", "--help")
    assert all(option.partition("=")[0] in known for option in options)


def test_a_container_is_told_that_it_has_no_seed(machine: Machine) -> None:
    machine.drop_in(SEEDED, "here", "[Unit]\nAssertVirtualization=!container\n")
    try:
        assert machine.run("systemctl", "start", USER).returncode != 0
        assert machine.show(SEEDED, "AssertResult") == "no"
        assert states(machine) == ["inactive", "inactive"]
    finally:
        machine.drop_in(SEEDED, "here", "")


def test_the_units_are_ordered(machine: Machine) -> None:
    assert SEEDED in machine.show(TARGET, "Requires").split()
    assert SEEDED in machine.show(TARGET, "After").split()
    # A clone has all of these begin anew.
    assert {SEEDED, RETRIES, TIMER} <= set(machine.show(FORKED, "ConsistsOf").split())
    # Nothing has the first try of a clone wait.
    assert "network-online.target" not in machine.show(FORKED, "After").split()
