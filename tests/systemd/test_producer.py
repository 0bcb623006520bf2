# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D103 (the test's name says it)
"""sqs-entropy-producer.service at work, confined as it is shipped."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from machine import status
from world import AGENT, HOST, PRODUCER, UNCONDITIONAL, World

from aid.faults import CONNECT

KEY = "/etc/sqs-entropy/signing.key"
SET_IDS = 1 << 6 | 1 << 7  # CAP_SETGID, CAP_SETUID
CONDITIONS = UNCONDITIONAL + "ConditionPathExists=/etc/sqs-entropy/producer.conf\n"

pytestmark = pytest.mark.usefixtures("hwrng")


def wait(what: Callable[[], object], seconds: float = 120) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture(autouse=True)
def ready(world: World) -> Iterator[None]:
    """A producer that is not skipped, with a queue; each test cleans up."""
    machine = world.machine
    machine.drop_in(PRODUCER, "container", CONDITIONS)
    world.configure(
        "producer",
        queue=f"https://{HOST}/123456789012/producer",
        burst=10,
        interval=1,
    )
    world.sqs.forget()
    yield
    world.sqs.clear()
    machine.run("systemctl", "stop", PRODUCER)
    machine.run("systemctl", "reset-failed", PRODUCER)
    machine.drop_in(PRODUCER, "test", "")
    machine.remove("/etc/sqs-entropy/producer.conf")
    machine.remove(KEY)
    world.client.delete_queue(
        QueueUrl=world.client.create_queue(QueueName="producer")["QueueUrl"]
    )


def test_without_a_configuration_it_is_skipped(world: World) -> None:
    world.machine.remove("/etc/sqs-entropy/producer.conf")
    assert world.start(PRODUCER).returncode == 0
    assert world.machine.show(PRODUCER, "ActiveState") == "inactive"
    assert world.machine.state() == "running"


def test_it_signs_with_a_key_that_only_root_can_read(world: World) -> None:
    machine = world.machine
    queue = world.make_queue("producer")
    machine.must("sqs-entropy-producer", "--genkey", KEY)
    assert machine.must("stat", "-c", "%U %a", KEY).strip() == "root 600"
    done = world.start(PRODUCER)
    said = machine.invocation(PRODUCER)
    assert done.returncode == 0, said
    assert wait(lambda: queue.depth()[0] >= 10), machine.invocation(PRODUCER)
    message = queue.receive(1)[0]
    assert {"Entropy", "Signature"} <= set(message["MessageAttributes"])
    assert wait(lambda: "10" in machine.show(PRODUCER, "StatusText"))


def test_anybody_reads_its_status_and_a_reload_is_a_look(world: World) -> None:
    machine = world.machine
    queue = world.make_queue("producer")
    assert world.start(PRODUCER).returncode == 0
    assert wait(lambda: queue.depth()[0] >= 10), machine.invocation(PRODUCER)
    before = machine.show(PRODUCER, "MainPID")
    machine.must("systemctl", "reload", PRODUCER)
    assert wait(lambda: "look at once" in machine.invocation(PRODUCER))
    assert machine.show(PRODUCER, "MainPID") == before
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    asked = (*nobody, "sqs-entropy-producer", "--status")
    assert wait(lambda: "in flight, 10 sent" in machine.must(*asked)), machine.must(
        *asked
    )
    machine.must("systemctl", "stop", PRODUCER)
    assert "(exit 0)" in machine.must(*asked)


def test_the_agent_gives_credit_for_it(world: World) -> None:
    """From the generator to the kernel, both services confined as shipped."""
    machine = world.machine
    queue = world.make_queue("producer")
    public = machine.must("sqs-entropy-producer", "--genkey", KEY)
    machine.write("/etc/sqs-entropy/trusted.d/here.pub", public)
    assert world.start(PRODUCER).returncode == 0
    assert wait(lambda: queue.depth()[0] >= 10), machine.invocation(PRODUCER)
    machine.must("systemctl", "stop", PRODUCER)
    machine.drop_in(AGENT, "container", UNCONDITIONAL)
    machine.forget_runs()
    world.configure("agent", queue=f"https://{HOST}/123456789012/producer")
    machine.write("/etc/default/sqs-entropy-agent", "SQS_ENTROPY_OPTIONS=--strict\n")
    try:
        done = world.start(AGENT)
    finally:
        machine.remove("/etc/default/sqs-entropy-agent")
    said = machine.invocation(AGENT)
    assert done.returncode == 0, said
    assert "into the kernel, credit 256 bits" in said
    seen = machine.must("stat", "-c", "%U %a", "/var/lib/sqs-entropy/seen")
    assert seen.strip() == "root 600"


def test_check_looks_at_the_key_that_the_unit_hands_over(world: World) -> None:
    """The unit copies it, whatever its mode is."""
    machine = world.machine
    check = ("sqs-entropy-producer", "--check")
    machine.must("sqs-entropy-producer", "--genkey", KEY)
    assert machine.run(*check).returncode == 0
    machine.must("chmod", "644", KEY)
    assert machine.run(*check).returncode == 78
    machine.write(KEY, "damaged\n")
    machine.must("chmod", "600", KEY)
    done = machine.run(*check)
    assert done.returncode == 78
    assert KEY in done.stderr + done.stdout


def test_without_a_key_it_sends_unsigned(world: World) -> None:
    machine = world.machine
    queue = world.make_queue("producer")
    done = world.start(PRODUCER)
    said = machine.invocation(PRODUCER)
    assert done.returncode == 0, said
    assert "messages are not signed" in said
    assert wait(lambda: queue.depth()[0] >= 10), machine.invocation(PRODUCER)
    assert "MessageAttributes" not in queue.receive(1)[0]


def test_it_is_ready_before_it_reaches_anybody(world: World) -> None:
    world.sqs.fault(CONNECT, count=None, end="silence")
    world.imds.fault(CONNECT, count=None, end="silence")
    began = time.monotonic()
    try:
        done = world.start(PRODUCER)
    finally:
        world.imds.clear()
    assert done.returncode == 0, world.machine.invocation(PRODUCER)
    # What is silent is waited for for ever, the unit for ten minutes.
    assert time.monotonic() - began < 60
    assert world.machine.show(PRODUCER, "SubState") == "running"
    # As shipped; systemd tells while it runs.
    assert world.machine.show(PRODUCER, "WatchdogUSec") == "3min"


def test_it_stops_within_seconds(world: World) -> None:
    world.make_queue("producer")
    assert world.start(PRODUCER).returncode == 0
    # Killed after TimeoutStopSec=, its result would be "timeout".
    world.machine.must("systemctl", "stop", PRODUCER)
    assert world.machine.show(PRODUCER, "Result") == "success"
    assert world.machine.tasks(PRODUCER) == []


def test_its_halves_have_only_what_they_need(world: World) -> None:
    machine = world.machine
    world.make_queue("producer")
    assert world.start(PRODUCER).returncode == 0
    main = int(machine.show(PRODUCER, "MainPID"))
    assert main > 0
    assert wait(lambda: len(machine.tasks(PRODUCER)) == 2)
    numbers = [
        machine.must("id", "-u", f"sqs-entropy-producer{half}").strip()
        for half in ("", "-net")
    ]

    def confined() -> bool:
        halves = [status(pid) for pid in machine.tasks(PRODUCER)]
        return all(
            half["Uid"].split() == [number] * 4
            and half["Groups"].split() == []
            and half["NoNewPrivs"] == "1"
            and int(half["Seccomp_filters"]) >= 2
            and all(int(half[f"Cap{s}"], 16) == 0 for s in ("Inh", "Prm", "Eff"))
            # Without CAP_SETPCAP it stays, and gives nothing after no-new-privs.
            and int(half["CapBnd"], 16) & ~SET_IDS == 0
            for half, number in zip(halves, numbers, strict=True)
        )

    assert wait(confined), [status(pid) for pid in machine.tasks(PRODUCER)]


@pytest.mark.parametrize("half", [0, 1])
def test_a_half_that_stands_still_is_replaced(world: World, half: int) -> None:
    machine = world.machine
    world.make_queue("producer")
    machine.drop_in(
        PRODUCER, "test", "[Service]\nWatchdogSec=6\nRestartSec=1\nTimeoutStopSec=3\n"
    )
    assert world.start(PRODUCER).returncode == 0
    assert wait(lambda: len(machine.tasks(PRODUCER)) == 2)
    time.sleep(8)
    assert machine.show(PRODUCER, "NRestarts") == "0", machine.invocation(PRODUCER)
    main = machine.show(PRODUCER, "MainPID")
    victims = machine.tasks(PRODUCER)
    os.kill(victims[half], signal.SIGSTOP)
    assert wait(lambda: machine.show(PRODUCER, "NRestarts") == "1")
    assert wait(lambda: machine.show(PRODUCER, "ActiveState") == "active")
    assert machine.show(PRODUCER, "MainPID") != main
    assert not set(victims) & set(machine.tasks(PRODUCER))


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"device": "/dev/zero"}, "65"),
        ({"device": "/dev/urandom"}, "78"),
        ({"interval": 0}, "78"),
    ],
)
def test_what_a_person_has_to_look_at_is_not_restarted(
    world: World, values: dict[str, object], code: str
) -> None:
    machine = world.machine
    world.make_queue("producer")
    machine.drop_in(PRODUCER, "test", "[Service]\nRestartSec=1\n")
    queue = f"https://{HOST}/123456789012/producer"
    world.configure("producer", queue=queue, **{"burst": 10, "interval": 1, **values})
    world.start(PRODUCER)
    assert wait(lambda: machine.show(PRODUCER, "ActiveState") == "failed")
    assert machine.show(PRODUCER, "ExecMainStatus") == code
    time.sleep(3)
    assert machine.show(PRODUCER, "NRestarts") == "0"
    assert machine.show(PRODUCER, "ActiveState") == "failed"


def test_a_failure_that_passes_is_restarted(world: World) -> None:
    machine = world.machine
    world.make_queue("producer")
    machine.drop_in(PRODUCER, "test", "[Service]\nRestartSec=1\n")
    assert world.start(PRODUCER).returncode == 0
    machine.must("systemctl", "kill", "--signal=KILL", PRODUCER)
    assert wait(lambda: machine.show(PRODUCER, "NRestarts") == "1")
    assert wait(lambda: machine.show(PRODUCER, "ActiveState") == "active")


def test_restarts_in_a_row_lose_nothing(world: World) -> None:
    """Thirty of them: by order, after a kill, and with SIGHUP on the way."""
    machine = world.machine
    queue = world.make_queue("producer")
    machine.must("sqs-entropy-producer", "--genkey", KEY)
    machine.drop_in(PRODUCER, "test", "[Service]\nRestartSec=1\n")
    assert world.start(PRODUCER).returncode == 0
    for turn in range(30):
        if turn % 3 == 1:
            machine.must("systemctl", "kill", "--signal=KILL", PRODUCER)
        if turn % 3 == 2:
            machine.must("systemctl", "--no-block", "restart", PRODUCER)
            machine.run("systemctl", "--no-block", "reload", PRODUCER)
            machine.run("systemctl", "kill", "--signal=HUP", PRODUCER)
            assert wait(lambda: machine.show(PRODUCER, "ActiveState") == "active"), (
                machine.invocation(PRODUCER)
            )
        else:
            machine.must("systemctl", "restart", PRODUCER)
    assert wait(lambda: queue.depth()[0] >= 10), machine.invocation(PRODUCER)
    assert wait(lambda: len(machine.tasks(PRODUCER)) == 2)
    assert machine.must("pgrep", "-c", "-f", "^/usr/sbin/sqs-entropy-prod") == "2\n"
    assert machine.must("ls", "/run/credentials").count("sqs-entropy-producer") == 1
    left = machine.must("sh", "-c", "ls -d /run/sqs-entropy-producer*")
    assert left == "/run/sqs-entropy-producer\n"
    machine.must("systemctl", "stop", PRODUCER)
    assert machine.show(PRODUCER, "Result") == "success"
    told = [
        (m["MessageAttributes"]["Entropy"]["StringValue"].split(";")[2], m["Body"])
        for _ in range(40)
        for m in queue.receive()
    ]
    assert len(told) >= 10
    assert len({number for number, _ in told}) == len(told)
    assert len({body for _, body in told}) == len(told)


PROBE = r"""
try() {
	if "$@" >/dev/null 2>&1; then echo "DID $*"; else echo "refused $*"; fi
}
try cat /dev/foreign
try cat /srv/foreign
try mknod /tmp/null c 1 3
try ls /root/.
try ls /home/.
try cat /etc/sqs-entropy/signing.key
try touch /etc/probe
try touch /usr/probe
try touch /dev/probe
try unshare --mount true
try unshare --user true
try chown nobody /tmp
try cat /proc/1/environ
try cat /proc/sys/kernel/random/boot_id
try date -s 2000-01-01
touch /tmp/suid && try chmod u+s /tmp/suid
try sh -c ': >/dev/hwrng'
try head -c 16 /dev/hwrng
try cat "$CREDENTIALS_DIRECTORY/signing-key"
try touch /var/lib/sqs-entropy-producer/probe
"""


def test_the_unit_refuses_what_the_producer_never_needs(world: World) -> None:
    """A shell in the place of the producer, before it changes its user."""
    machine = world.machine
    machine.must("sqs-entropy-producer", "--genkey", KEY)
    machine.write("/etc/probe.sh", PROBE)
    machine.drop_in(
        PRODUCER,
        "test",
        "[Service]\nType=oneshot\nRestart=no\n"
        "ExecStart=\nExecStart=/bin/sh /etc/probe.sh\n",
    )
    world.start(PRODUCER)
    said = machine.invocation(PRODUCER)
    done = re.findall(r"^DID (.*)", said, re.MULTILINE)
    assert done == [
        "cat /etc/sqs-entropy/signing.key",
        "head -c 16 /dev/hwrng",
        "cat /run/credentials/sqs-entropy-producer.service/signing-key",
    ], said
    assert said.count("refused") == 17, said


SECRETS = """
for user in sqs-entropy-producer sqs-entropy-producer-net; do
	for file in /dev/hwrng "$CREDENTIALS_DIRECTORY/signing-key" \
		/etc/sqs-entropy/signing.key /var/lib/sqs-entropy-producer/secret \
		/var/lib/sqs-entropy-producer-net/secret; do
		if setpriv --reuid="$user" --regid="$user" --clear-groups \
			head -c 1 "$file" >/dev/null 2>&1; then
			echo "OPENS $user $file"
		fi
	done
done
"""


def test_what_is_one_halfs_belongs_to_its_user(world: World) -> None:
    """Whatever Landlock and seccomp do: this shell has neither."""
    machine = world.machine
    machine.must("sqs-entropy-producer", "--genkey", KEY)
    for user in "sqs-entropy-producer", "sqs-entropy-producer-net":
        secret = f"/var/lib/{user}/secret"
        machine.write(secret, "secret\n", 0o600)
        machine.must("chown", f"{user}:{user}", secret)
    machine.write("/etc/probe.sh", SECRETS)
    machine.drop_in(
        PRODUCER,
        "test",
        "[Service]\nType=oneshot\nRestart=no\n"
        "ExecStart=\nExecStart=/bin/sh /etc/probe.sh\n",
    )
    world.start(PRODUCER)
    said = machine.invocation(PRODUCER)
    assert re.findall(r"OPENS (.*)", said) == [
        "sqs-entropy-producer /dev/hwrng",
        "sqs-entropy-producer /var/lib/sqs-entropy-producer/secret",
        "sqs-entropy-producer-net /var/lib/sqs-entropy-producer-net/secret",
    ], said


def test_a_drop_in_can_name_another_source(world: World) -> None:
    """What the head of the unit says about it is enough for systemd."""
    machine = world.machine
    machine.drop_in(
        PRODUCER,
        "test",
        "[Service]\nBindReadOnlyPaths=/dev/foreign\nDeviceAllow=/dev/foreign r\n"
        "Type=oneshot\nRestart=no\nExecStart=\n"
        "ExecStart=/bin/sh -c 'cat /dev/foreign && echo CAME'\n",
    )
    world.start(PRODUCER)
    assert "CAME" in machine.invocation(PRODUCER)


def test_a_source_may_appear_late(world: World) -> None:
    """The program tells that there is none, and is started until there is."""
    machine = world.machine
    machine.drop_in(PRODUCER, "test", "[Service]\nRestartSec=1\n")
    machine.must("mv", "/dev/hwrng", "/dev/away")
    try:
        world.start(PRODUCER)
        said = machine.invocation(PRODUCER)
        assert "/dev/hwrng is not there" in said, said
        assert wait(lambda: machine.show(PRODUCER, "ExecMainStatus") == "69"), said
        assert wait(lambda: int(machine.show(PRODUCER, "NRestarts")) >= 1), said
    finally:
        machine.must("mv", "/dev/away", "/dev/hwrng")
    assert wait(lambda: machine.show(PRODUCER, "ActiveState") == "active")
