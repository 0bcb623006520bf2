# SPDX-License-Identifier: Apache-2.0
"""--doctor of both programs where all is well, and what it does not ask."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from aid.doctor import AGENT, MOUNTS, PRODUCER, Report, World, needs_root
from aid.queue import Moto, Role
from aid.status import pretend
from aid.wait import wait_until
from aid.worlds import closed_port, denial, fault, in_answer, own_keys, unit

pytestmark = needs_root

A, P = AGENT, PRODUCER
FAIL = "FAIL"
AGENT_LOOKS = {
    *("kernel", "clock", "confinement", "trusted keys", "state", "last run"),
    *("cloud-init", "injection", "IMDS", "credentials", "DNS", "route", "TLS"),
    *("clock skew", "identity", "queue"),
    *("permission sqs:ReceiveMessage", "permission sqs:DeleteMessage"),
    *(f"unit sqs-entropy-agent{end}" for end in (".service", ".timer", "-retry.timer")),
    "unit sqs-entropy-agent-watch.service",
}
PRODUCER_LOOKS = {
    *("clock", "confinement", "keys", "sequence", "udev", "device", "IMDS"),
    "last run",
    *("credentials", "DNS", "route", "TLS", "clock skew", "identity", "queue"),
    *("permission sqs:SendMessage", "permission sqs:GetQueueAttributes"),
    "unit sqs-entropy-producer.service",
}


@pytest.mark.parametrize(
    ("program", "looks"), [(AGENT, AGENT_LOOKS), (PRODUCER, PRODUCER_LOOKS)]
)
def test_all_is_well(world: World, program: str, looks: set[str]) -> None:
    """Each thing is looked at, and nothing is to be done; nothing was done either."""
    pretend(world.run, injected=60, credited=60)
    before = everything(world)
    got = world.look(program)
    assert got.wrong() == set(), got.findings
    assert (got.code, got.exit, got.err) == (0, 0, "")
    assert {f["name"] for f in got.findings} >= looks
    assert not [f for f in got.findings if f["level"] == "not asked"]
    assert everything(world) == before
    asked = set(world.proxy.keys())
    assert asked <= {"GET /", "GetQueueAttributes", *(PROBES[program])}
    for record in world.proxy.records:
        if record.key in PROBES[program]:
            assert record.status is not None
            assert 400 <= record.status < 500
    (message,) = world.queue.receive()
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


PROBES = {AGENT: {"ReceiveMessage", "DeleteMessage"}, PRODUCER: {"SendMessageBatch"}}


def everything(world: World) -> dict[str, tuple[int, float]]:
    """The files of the machine, but for what the harness writes itself."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime)
        for path in world.folder.rglob("*")
        if path.suffix != ".conf" and not path.is_dir() and path.name != "source"
    }


def test_lines_for_people(world: World) -> None:
    """A line each, the remedy in a second one, the numbers at the end."""
    world.last_run(exit=75, result="nothing to do", bytes=0, credit=0)
    got = world.doctor(AGENT)
    assert got.code == 0
    assert got.err == ""
    lines = got.out.decode().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("warning    last"))
    assert re.fullmatch(
        r"warning    last run: on 20\d\d-\S+Z: nothing to do \(exit 75\)", lines[at]
    )
    assert lines[at + 1] == (
        "           -> journalctl -b -t sqs-entropy-agent -u sqs-entropy-agent"
    )
    assert re.fullmatch(r"\d+ ok, [12] warnings?, 0 FAIL, \d+ not asked", lines[-1]), (
        lines[-1]
    )
    assert sum(line.startswith("ok         ") for line in lines) == int(
        lines[-1].split()[0]
    )


# What is not asked is no fault: by what, and the words.
NOT_ASKED: dict[str, tuple[str, Callable[[World], None], str, str]] = {
    "STS": (
        A,
        lambda w: w.env.update(
            AWS_ENDPOINT_URL_STS=f"http://127.0.0.1:{closed_port()}"
        ),
        "identity",
        "cannot connect",
    ),
    "attributes": (
        A,
        fault("GetQueueAttributes", denial("sqs:getqueueattributes", "")),
        "queue",
        "may not ask for its attributes, and need not",
    ),
    "key": (
        A,
        in_answer(KmsMasterKeyId="alias/entropy"),
        "queue key",
        "encrypted with KMS's key alias/entropy",
    ),
    "systemd": (
        P,
        lambda w: (w.folder / "run/systemd/system").rmdir(),
        "units",
        "systemd does not run this machine",
    ),
    "systemctl": (
        P,
        lambda w: w.write("bin/systemctl", "#!/bin/sh\nexit 1\n") and None,
        "units",
        "systemctl does not answer",
    ),
    "unit": (
        P,
        unit("producer.service", LoadState="not-found"),
        "unit sqs-entropy-producer.service",
        "it is not installed",
    ),
    "cloud-init": (
        A,
        lambda w: shutil.rmtree(w.folder / "run/cloud-init"),
        "cloud-init",
        "cloud-init has not run here",
    ),
    "directive": (
        A,
        lambda w: w.write("lib/cloud/instance/cloud-config.txt", "x: y\n") and None,
        "cloud-init",
        "nobody has given it a directive",
    ),
    "no run": (
        A,
        lambda w: Path(w.env["RUNTIME_DIRECTORY"], "agent.json").unlink(),
        "last run",
        "there was none since the boot",
    ),
    # A run with --strict or with the fallback may have put bytes there.
    "no seed": (
        A,
        lambda w: Path(w.env["RUNTIME_DIRECTORY"], "last-seed").unlink(True),
        "kernel seed",
        "no run has seeded the kernel with success since the boot",
    ),
    "no service": (
        P,
        lambda w: Path(w.env["RUNTIME_DIRECTORY"], "producer.json").unlink(),
        "last run",
        "there was none since the boot",
    ),
    "Date": (
        A,
        lambda w: w.proxy.fault("GET /", count=None, headers={"Date": "now"}) and None,
        "clock skew",
        "does not tell its time",
    ),
    "IMDS": (P, own_keys, "IMDS", "IMDS is off by AWS_EC2_METADATA_DISABLED"),
}


@pytest.mark.parametrize("name", NOT_ASKED)
def test_what_nobody_may_ask_is_no_fault(world: World, name: str) -> None:
    """It is said, and the exit code is 0."""
    program, change, finding, words = NOT_ASKED[name]
    change(world)
    got = world.look(program)
    assert got.wrong() == set(), got.findings
    assert [f["level"] for f in got.of(finding) if words in f["text"]] == ["not asked"]
    assert got.code == 0


def test_a_warning_where_imds_is_not_needed(world: World) -> None:
    """Credentials from elsewhere do without a metadata service that is off."""
    own_keys(world)
    del world.env["AWS_EC2_METADATA_DISABLED"]
    world.imds.enabled = False
    got = world.look(AGENT)
    assert got.wrong() == {("warning", "IMDS")}
    assert got.code == 0


def test_several_queues(world: World) -> None:
    """Each is asked; the way to an endpoint is looked at once."""
    file = world.configuration(AGENT)
    got = Report.read(
        world.doctor(
            AGENT, "--json", "-q", world.queue.url, "-q", f"{world.queue.url}x"
        )
    )
    assert file.exists()
    assert [len(got.of(name)) for name in ("DNS", "identity")] == [1, 1]
    assert [f["level"] for f in got.of("queue")] == ["ok", "FAIL"]
    assert got.code == 78


def test_a_name_is_looked_up(world: World) -> None:
    """What it takes to have the URL is a permission, too."""
    world.conf["queue"] = world.queue.name
    assert world.look(AGENT).wrong() == set()
    fault("GetQueueUrl", denial("sqs:getqueueurl", ""))(world)
    got = world.look(AGENT)
    assert got.wrong() == {("FAIL", "permission sqs:GetQueueUrl")}
    assert "allow sqs:GetQueueUrl" in got.text("permission sqs:GetQueueUrl")


# moto takes the operation for the action, which AWS does not.
SEND = ["sqs:SendMessage", "sqs:SendMessageBatch"]
# What a role may do, which program it is for, and what it lacks.
ROLES = [
    (A, ["sqs:ReceiveMessage", "sqs:DeleteMessage"], set()),
    (A, ["sqs:ReceiveMessage"], {"permission sqs:DeleteMessage"}),
    (A, ["sqs:DeleteMessage"], {"permission sqs:ReceiveMessage"}),
    (P, [*SEND, "sqs:GetQueueAttributes"], set()),
    (P, ["sqs:GetQueueAttributes"], {"permission sqs:SendMessage"}),
    (P, SEND, {"permission sqs:GetQueueAttributes"}),
]


def test_permissions_of_roles(
    world: World, moto: Moto, make_role: Callable[..., Role]
) -> None:
    """Moto's IAM decides: each permission that is lacking is named, and no other."""
    own_keys(world)
    for program, actions, lacking in ROLES:
        given = make_role(*actions).credentials()
        world.env |= {
            "AWS_ACCESS_KEY_ID": given.access_key,
            "AWS_SECRET_ACCESS_KEY": given.secret_key,
            "AWS_SESSION_TOKEN": given.token,
        }
        with moto.iam_mode():
            got = world.look(program)
        assert got.wrong() == {(FAIL, name) for name in lacking}, actions
        assert ":assumed-role/" in got.text("identity")
        assert world.queue.depth() == (1, 0)


UNIT_FILE = "default/sqs-entropy-agent"


def as_the_unit(world: World, *before: str | Path) -> Report:
    """Run the agent by the unit's own configuration, which is not there."""
    world.write(
        UNIT_FILE,
        '# keys\nAWS_ACCESS_KEY_ID="AKIAUNIT"\n; no\n AWS_SECRET_ACCESS_KEY = x\n',
    ).chmod(0o600)
    binary = shutil.copy(world.run.build / AGENT, world.folder)
    more = f"mount --bind {world.folder}/default /etc/default"
    return Report.read(
        world.run(
            *["/usr/bin/unshare", "--mount", "sh", "-c", MOUNTS.format(more=more)],
            *["sh", world.folder, *before, binary],
            *["--doctor", "--json", "-q", world.queue.url],
            env=world.env,
        )
    )


def test_the_unit_s_environment(world: World) -> None:
    """With the unit's configuration the variables are the unit's, too."""
    got = as_the_unit(world)
    said = got.text("environment")
    assert f"with 2 variables of /etc/{UNIT_FILE}" in said
    assert "access key AKIAUNIT..., from the environment" in got.text("credentials")


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv(1)")
def test_who_is_not_root(world: World) -> None:
    """He is told what only root can see, and that only root injects."""
    other = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    got = as_the_unit(world, "setpriv", *other)
    assert got.wrong() >= {
        ("warning", "environment"),
        ("warning", "users"),
        ("FAIL", "injection"),
    }
    (environment,), (users,) = got.of("environment"), got.of("users")
    assert environment["remedy"] == "run it as root"
    assert users["remedy"] == "run it as root, as the unit does"
    assert got.code == 77


def test_a_configuration_that_is_refused(world: World) -> None:
    """It is said as for any other action."""
    world.conf["trusted-producers"] = "x" * 5000
    got = world.doctor(AGENT)
    assert got.code == 78
    assert got.out == b""
    assert "trusted-producers" in got.err
    stray = world.run(PRODUCER, "--json", env=world.env)
    assert stray.code == 64
    assert "--json belongs to" in stray.err


def test_an_online_half_that_is_killed(world: World) -> None:
    """What the other half has found is reported, and that the end is missing."""
    world.imds.fault("PUT *", count=None, end="silence")
    script = MOUNTS.format(more="")
    started = world.run.start(
        "/usr/bin/unshare",
        *["--mount", "sh", "-c", script, "sh", str(world.folder)],
        *[str(world.run.build / AGENT), "--doctor", "--json"],
        *["-c", str(world.configuration(AGENT))],
        env=world.env,
    )
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
    wait_until(lambda: bool(world.imds.matching("PUT *")))
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    got = Report.read(world.run.finish(started))
    assert got.wrong() == {("FAIL", "network")}
    assert "the half that talks to the network ended early" in got.text("network")
    assert got.code == 70
