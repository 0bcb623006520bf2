# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D103 (the test's name says it)
"""sqs-entropy-agent.service at work, confined as it is shipped."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
from machine import status
from world import AGENT, HOST, METADATA, UNCONDITIONAL, World

from aid.environment import ROOT
from aid.faults import CONNECT
from aid.wait import wait_until

TIMEOUT = 20  # seconds
SILENT = 3  # seconds, where nothing comes
PATIENCE = 30  # seconds; more than a busy machine adds to a time
CAP_SYS_ADMIN = 1 << 21
BODY = "c3FzLWVudHJvcHkgdW5pdCB0ZXN0LCB0aGlydHktdHdvIGJ5dGVzIGFuZCBtb3Jl"


@pytest.fixture(autouse=True)
def ready(world: World) -> Iterator[None]:
    """An agent that is not skipped, with a queue; each test cleans up."""
    machine = world.machine
    machine.drop_in(AGENT, "container", UNCONDITIONAL)
    world.configure(
        "agent",
        queue=f"https://{HOST}/123456789012/agent",
        timeout=TIMEOUT,
        **{"wait-time": 0},
    )
    machine.forget_runs()
    world.sqs.forget()
    world.imds.forget()
    yield
    world.sqs.clear()
    world.imds.clear()
    machine.drop_in(AGENT, "test", "")
    machine.remove("/etc/default/sqs-entropy-agent")
    machine.run("systemctl", "stop", AGENT)
    machine.run("systemctl", "reset-failed", AGENT)
    world.client.delete_queue(
        QueueUrl=world.client.create_queue(QueueName="agent")["QueueUrl"]
    )


def result(world: World) -> dict[str, object]:
    """What the status file tells."""
    return json.loads(world.machine.must("sqs-entropy-agent", "--status", "--json"))


def test_it_injects(world: World) -> None:
    queue = world.make_queue("agent")
    queue.send(BODY)
    done = world.start(AGENT)
    said = world.machine.invocation(AGENT)
    assert done.returncode == 0, said
    assert "from 1 message into the kernel" in said, said
    assert queue.depth() == (0, 0)
    assert result(world)["target"] == "kernel"
    assert HOST in world.names.asked
    assert [r.key for r in world.imds.records if r.faulty] == []
    assert world.machine.state() == "running"


def test_the_kernels_seed_is_saved_as_the_document_has_it(world: World) -> None:
    text = (ROOT / "docs/instance.md").read_text()
    (drop_in,) = re.findall(r"```ini\n(.*?random-seed.*?)```", text, re.DOTALL)
    seed = "/var/lib/systemd/random-seed"
    before = "of the last start, 32 bytes long"
    world.machine.write(seed, before, 0o600)
    world.machine.drop_in(AGENT, "test", drop_in)
    world.make_queue("agent").send(BODY)
    assert world.start(AGENT).returncode == 0
    saved = world.machine.path(seed).read_bytes()
    assert len(saved) == len(before)
    assert saved != before.encode(), world.machine.invocation(AGENT)


def test_again_it_leaves_the_queue_alone(world: World) -> None:
    queue = world.make_queue("agent")
    queue.send(BODY)
    queue.send(BODY)
    assert world.start(AGENT).returncode == 0
    assert queue.depth() == (1, 0), world.machine.invocation(AGENT)
    world.sqs.forget()
    assert world.start(AGENT).returncode == 0
    assert "--unless-seeded" in world.machine.invocation(AGENT)
    assert world.sqs.records == []


def test_strict_makes_it_fail(world: World) -> None:
    queue = world.make_queue("agent")
    queue.send(BODY)
    options = "SQS_ENTROPY_OPTIONS=--strict\n"
    world.machine.write("/etc/default/sqs-entropy-agent", options)
    assert world.start(AGENT).returncode != 0
    assert world.machine.show(AGENT, "ExecMainStatus") == "65"
    assert world.machine.state() == "degraded"


def test_other_options_leave_it_at_its_best_effort(world: World) -> None:
    options = 'SQS_ENTROPY_OPTIONS="-v --messages 11"\n'
    world.machine.write("/etc/default/sqs-entropy-agent", options)
    assert world.start(AGENT).returncode == 0
    assert "--messages" in world.machine.invocation(AGENT)
    assert world.machine.show(AGENT, "ExecMainStatus") == "0"
    assert world.machine.state() == "running"


SLOW = """\
[Unit]
Before=network-online.target
[Service]
Type=oneshot
ExecStart=/bin/sleep 600
[Install]
WantedBy=network-online.target
"""


def test_it_has_nobody_wait_for_the_network_target(world: World) -> None:
    """That has a time-out of minutes, and ssh is ordered behind the agent."""
    machine = world.machine
    queue = world.make_queue("agent")
    queue.send(BODY)
    machine.write("/etc/systemd/system/slow-online.service", SLOW)
    machine.must("systemctl", "--quiet", "enable", "slow-online.service")
    # The boot may have reached it.
    machine.must("systemctl", "stop", "network-online.target")
    began = time.monotonic()
    try:
        done = world.start(AGENT)
        took = time.monotonic() - began
    finally:
        machine.must("systemctl", "--quiet", "disable", "slow-online.service")
        machine.must("systemctl", "stop", "slow-online.service")
        machine.remove("/etc/systemd/system/slow-online.service")
        machine.must("systemctl", "daemon-reload")
    assert done.returncode == 0, machine.invocation(AGENT)
    assert queue.depth() == (0, 0)
    # Not ten minutes, nor systemd's time-out.
    assert took < TIMEOUT + PATIENCE


@pytest.mark.parametrize("where", ["imds", "sqs", "names"])
def test_what_is_silent_costs_its_timeout(world: World, where: str) -> None:
    host = "nowhere.example.org" if where == "names" else HOST
    url = f"https://{host}/123456789012/agent"
    world.configure("agent", queue=url, timeout=SILENT)
    if where != "names":
        getattr(world, where).fault(CONNECT, count=None, end="silence")
    began = time.monotonic()
    done = world.start(AGENT)
    took = time.monotonic() - began
    assert done.returncode == 0, world.machine.invocation(AGENT)
    # The unit's own time-out is 330 s.
    assert took < SILENT + PATIENCE
    assert world.machine.state() == "running"


def test_a_broken_configuration_does_not_degrade(world: World) -> None:
    world.machine.write("/etc/sqs-entropy/agent.conf", "quue = 1\n")
    assert world.start(AGENT).returncode == 0
    said = world.machine.invocation(AGENT)
    assert "/etc/sqs-entropy/agent.conf:1" in said
    assert world.machine.state() == "running"


def test_its_halves_have_only_what_they_need(world: World) -> None:
    world.imds.fault(CONNECT, count=None, end="silence")
    machine = world.machine
    machine.must("systemctl", "start", "--no-block", AGENT)
    deadline = time.monotonic() + TIMEOUT
    halves: list[dict[str, str]] = []
    while time.monotonic() < deadline:
        halves = [status(pid) for pid in machine.tasks(AGENT)]
        if [int(half["CapPrm"], 16) for half in halves] == [CAP_SYS_ADMIN, 0]:
            break
        time.sleep(0.02)
    assert len(halves) == 2, machine.invocation(AGENT)
    offline, online = halves
    for half, user in (
        (offline, "sqs-entropy-agent"),
        (online, "sqs-entropy-agent-net"),
    ):
        number = machine.must("id", "-u", user).strip()
        assert half["Uid"].split() == [number] * 4
        assert half["Groups"].split() == []
    assert int(online["CapPrm"], 16) == 0
    assert int(offline["CapPrm"], 16) == CAP_SYS_ADMIN
    assert int(offline["CapEff"], 16) == CAP_SYS_ADMIN
    for half in halves:
        assert half["NoNewPrivs"] == "1"
        # The unit's filters and the program's own.
        assert int(half["Seccomp_filters"]) >= 2


PROBE = r"""
try() {
	if "$@" >/dev/null 2>&1; then echo "DID $*"; else echo "refused $*"; fi
}
try touch /etc/probe
try touch /usr/probe
try touch /root/probe
try ls /root/.
try ls /home/.
try cat /etc/shadow-probe
try mount -t tmpfs none /tmp
try unshare --mount true
try unshare --user true
try mknod /tmp/null c 1 3
try chown nobody /tmp
try cat /dev/foreign
try cat /srv/foreign
try readlink /proc/1/root
try cat /dev/kmsg
try sh -c 'echo 1 >/proc/sys/kernel/domainname'
try date -s 2000-01-01
touch /tmp/suid && try chmod u+s /tmp/suid
try touch /var/lib/sqs-entropy/probe /run/sqs-entropy/probe
try cat /proc/sys/kernel/random/boot_id /etc/machine-id
"""


def test_the_unit_refuses_what_the_agent_never_needs(world: World) -> None:
    """A shell in the place of the agent tries what the agent never needs."""
    machine = world.machine
    machine.write("/etc/shadow-probe", "secret\n", 0o600)
    machine.must("chown", "sshd", "/etc/shadow-probe")
    machine.write("/etc/probe.sh", PROBE)
    machine.drop_in(
        AGENT, "test", "[Service]\nExecStart=\nExecStart=/bin/sh /etc/probe.sh\n"
    )
    world.start(AGENT)
    said = machine.invocation(AGENT)
    done = re.findall(r"^DID (.*)", said, re.MULTILINE)
    assert done == [
        "touch /var/lib/sqs-entropy/probe /run/sqs-entropy/probe",
        "cat /proc/sys/kernel/random/boot_id /etc/machine-id",
    ], said
    assert said.count("refused") == 18, said


def test_the_queue_comes_from_the_metadata_service(world: World) -> None:
    """With no queue configured; nor is anything else in the way."""
    queue = world.make_queue("tagged")
    queue.send(BODY)
    world.imds.tags, world.imds.tags_enabled = {"sqs-entropy:queue": "tagged"}, True
    world.configure("agent", timeout=TIMEOUT)
    try:
        assert world.start(AGENT).returncode == 0
    finally:
        world.imds.tags_enabled = False
    assert queue.depth() == (0, 0), world.machine.invocation(AGENT)
    assert world.imds.host == METADATA


def test_the_timer_waits_for_its_time(world: World) -> None:
    machine = world.machine
    timer = "sqs-entropy-agent.timer"
    machine.drop_in(timer, "container", UNCONDITIONAL)
    try:
        machine.must("systemctl", "start", timer)
        assert machine.show(timer, "ActiveState") == "active"
        at = machine.must(
            "date", "+%s", "-d", machine.show(timer, "NextElapseUSecRealtime")
        )
        assert 0 < int(at) - time.time() <= 48 * 3600
        assert machine.show(AGENT, "ActiveState") == "inactive"
        assert machine.show(timer, "RandomizedDelayUSec") == "1d"
    finally:
        machine.run("systemctl", "stop", timer)
        machine.drop_in(timer, "container", "")


RETRY, RETRIES = "sqs-entropy-agent-retry.timer", "sqs-entropy-agent-retry.service"
SOON = """\
[Timer]
OnActiveSec=
OnActiveSec=1
OnUnitInactiveSec=1
RandomizedDelaySec=0
AccuracySec=100ms
"""


@pytest.fixture
def retry(world: World) -> Iterator[None]:
    """Have the retry come at once, and again a second after it found nothing."""
    machine = world.machine
    machine.drop_in(RETRIES, "container", UNCONDITIONAL)
    machine.drop_in(RETRY, "container", UNCONDITIONAL + SOON)
    yield
    machine.run("systemctl", "stop", RETRY, RETRIES)
    machine.drop_in(RETRY, "container", "")
    machine.drop_in(RETRIES, "container", "")


def test_the_retries_come_less_often_with_time(world: World) -> None:
    machine = world.machine
    times = machine.show(RETRY, "TimersMonotonic")
    found = re.findall(r"(On\w+)USec=([^;]+) ;", times)
    assert sorted(found) == [
        ("OnActive", "15min"),
        ("OnActive", "35min"),
        ("OnActive", "5min"),
        ("OnUnitInactive", "1h"),
    ]
    assert machine.show(RETRY, "RandomizedDelayUSec") == "3min"
    assert not {"ssh.service", "multi-user.target"} & set(
        machine.show(RETRIES, "Before").split()
    )


@pytest.mark.usefixtures("retry")
@pytest.mark.parametrize(
    "options", ["", "--best-effort", "--output /run/sqs-entropy/bytes"]
)
def test_a_boot_that_was_not_seeded_is_tried_again_until_it_is(
    world: World, options: str
) -> None:
    """Then nothing is started any more, and the queue is left alone."""
    machine = world.machine
    queue = world.make_queue("agent")
    text = f'SQS_ENTROPY_OPTIONS="{options}"\n'
    machine.write("/etc/default/sqs-entropy-agent", text)
    machine.must("systemctl", "restart", RETRY)
    wait_until(lambda: len(world.sqs.matching("ReceiveMessage")) > 3)
    assert machine.state() == "running"
    queue.send(BODY)
    queue.send(BODY)
    wait_until(lambda: machine.show(RETRIES, "ActiveState") == "active")
    assert [result(world)[k] for k in ("exit", "target")] == [0, "kernel"]
    assert machine.show(RETRY, "SubState") == "running"
    asked = len(world.sqs.records)
    time.sleep(4)
    assert len(world.sqs.records) == asked
    assert queue.depth() == (1, 0), machine.invocation(RETRIES)
    assert machine.state() == "running"


@pytest.mark.usefixtures("retry")
@pytest.mark.parametrize("options", ["", "--unless-seeded 1"])
def test_a_boot_that_was_seeded_is_not_tried_again(world: World, options: str) -> None:
    machine = world.machine
    text = f'SQS_ENTROPY_OPTIONS="{options}"\n'
    machine.write("/etc/default/sqs-entropy-agent", text)
    queue = world.make_queue("agent")
    queue.send(BODY)
    queue.send(BODY)
    assert world.start(AGENT).returncode == 0
    assert queue.depth() == (1, 0), machine.invocation(AGENT)
    world.sqs.forget()
    time.sleep(1.5)  # the seed is older than the option allows
    machine.must("systemctl", "restart", RETRY)
    wait_until(lambda: machine.show(RETRIES, "ActiveState") == "active")
    assert machine.show(RETRY, "SubState") == "running"
    assert world.sqs.records == []
