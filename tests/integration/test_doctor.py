# SPDX-License-Identifier: Apache-2.0
"""--doctor of both programs: worlds in each of which one thing is wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from aid import certificates
from aid.doctor import (
    AGENT,
    MOUNTS,
    PRODUCER,
    WAIT_SYNC,
    Report,
    World,
    needs_root,
)
from aid.sqsproxy import service_error
from aid.status import pretend
from aid.sts import Sts, refusal
from aid.users import AGENT_ONLINE
from aid.wait import wait_until

pytestmark = needs_root

DENIED = "User: arn:aws:sts::123456789012:assumed-role/a/i is not authorized to perform"


def denial(action: str, why: str) -> dict[str, Any]:
    """The members of a fault that refuses an action as IAM words it."""
    text = f"{DENIED}: {action} on resource: arn:aws:sqs:eu-west-1:1:q {why}"
    return service_error(
        "AccessDeniedException",
        text,
        403,
        query_code="AccessDenied",
        shape="com.amazon.coral.service",
    )


SCP = denial("sqs:receivemessage", "with an explicit deny in a service control policy")
NOT_ALLOWED = denial(
    "sqs:sendmessage",
    "because no identity-based policy allows the sqs:sendmessage action",
)
KMS = service_error(
    "KmsAccessDenied",
    "The ciphertext refers to a customer master key that does not exist",
    400,
    query_code="KMS.AccessDeniedException",
)
KEY_OFF = service_error(
    "KmsDisabled", "The request was denied.", query_code="KMS.DisabledException"
)
SCOPE = service_error(
    "InvalidSignatureException",
    "Credential should be scoped to a valid region.",
    403,
    query_code="SignatureDoesNotMatch",
    shape="com.amazon.coral.service",
)


# What is broken, by its name.


def no_name(w: World) -> None:
    """DNS does not know the endpoint, and nobody answers as name server."""
    nobody = w.write("resolv.conf", "nameserver 127.0.0.1\noptions attempts:1\n")
    w.more.append(f"mount --bind {nobody} $(realpath /etc/resolv.conf)")
    w.env["AWS_ENDPOINT_URL_SQS"] = "https://sqs.nowhere.example"


def no_route(w: World) -> None:
    """A network without a way out; the keys are from the environment."""
    w.before = ["unshare", "--net"]
    own_keys(w)
    w.env["AWS_ENDPOINT_URL_SQS"] = "https://192.0.2.1"


def own_keys(w: World) -> None:
    """Credentials that need nobody."""
    w.env |= {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def closed_port() -> int:
    """A port of loopback at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def refused(w: World) -> None:
    """Nobody listens at the endpoint."""
    w.env["AWS_ENDPOINT_URL_SQS"] = f"https://127.0.0.1:{closed_port()}"


def no_proxy(w: World) -> None:
    """A proxy that is not there."""
    w.env["HTTPS_PROXY"] = f"http://127.0.0.1:{closed_port()}"


def other_ca(w: World) -> None:
    """A bundle that did not issue the certificate."""
    folder = w.folder / "other"
    folder.mkdir()
    w.env["AWS_CA_BUNDLE"] = certificates.make(folder).path


def old_certificate(w: World) -> None:
    """A certificate that ends in two days."""
    folder = w.folder / "short"
    folder.mkdir()
    short = certificates.make(folder, ends=2)
    assert w.proxy.context is not None
    w.proxy.context.load_cert_chain(*short.tls)
    w.env["AWS_CA_BUNDLE"] = short.path


def no_bundle(w: World) -> None:
    """A bundle that is not there."""
    w.env["AWS_CA_BUNDLE"] = "/nonexistent.pem"


def wrong_clock(w: World) -> None:
    """The service is 400 s ahead."""
    date = formatdate(time.time() + 400, usegmt=True)
    w.proxy.fault("GET /", count=None, headers={"Date": date}, forward=True)


def no_role(w: World) -> None:
    """An instance without a role."""
    w.imds.role = None


def lost_hop(w: World) -> None:
    """The answer to the token's PUT is lost."""
    w.imds.fault("PUT *", count=None, end="silence")


def imds_off(w: World) -> None:
    """The metadata service is off."""
    w.imds.enabled = False


def old_credentials(w: World) -> None:
    """The metadata service goes on giving what has expired."""
    w.imds.rotation = False
    w.imds.lifetime = -60


def no_credentials(w: World) -> None:
    """Nobody gives any."""
    w.env["AWS_EC2_METADATA_DISABLED"] = "true"
    w.env["AWS_REGION"] = "eu-west-1"


def no_tag(w: World) -> None:
    """Neither a queue nor a tag that names one."""
    del w.conf["queue"]
    w.imds.tags = {}
    w.imds.tags_enabled = True


def no_queue(w: World) -> None:
    """The queue was deleted."""
    w.conf["queue"] += "x"


def fault(operation: str, values: dict[str, Any]) -> Callable[[World], None]:
    """The service refuses an operation."""

    def strike(w: World) -> None:
        w.proxy.fault(operation, count=None, **values)

    return strike


def attributes(**values: str) -> Callable[[World], None]:
    """The queue has another attribute."""

    def change(w: World) -> None:
        w.queue.client.set_queue_attributes(QueueUrl=w.queue.url, Attributes=values)

    return change


def in_answer(**values: str) -> Callable[[World], None]:
    """The same, where moto has no such attribute, in the answer alone."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        document["Attributes"].update(values)
        return document

    def change(w: World) -> None:
        w.proxy.fault("GetQueueAttributes", count=None, edit=edit)

    return change


def redrive(w: World) -> None:
    """What is not deleted moves to another queue."""
    client = w.queue.client
    dead = client.create_queue(QueueName=f"{w.queue.name}-dead")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    policy = {
        "deadLetterTargetArn": arn["Attributes"]["QueueArn"],
        "maxReceiveCount": "1",
    }
    attributes(RedrivePolicy=json.dumps(policy))(w)


def empty(w: World) -> None:
    """No message is there."""
    w.queue.client.purge_queue(QueueUrl=w.queue.url)


def mode(name: str, bits: int) -> Callable[[World], None]:
    """A file that others may read or write."""

    def change(w: World) -> None:
        (w.folder / name).chmod(bits)

    return change


def untrusted(w: World) -> None:
    """The last run's message was signed by a stranger."""
    message = {"bytes": 512, "bits": 0, "withheld": ["producer not trusted"]}
    w.last_run(credit=0, messages=[message])


def failed_run(w: World) -> None:
    """The last run failed."""
    w.last_run(exit=69, result="unreachable", bytes=0, credit=0)


def damaged_status(w: World) -> None:
    """Its status is no JSON."""
    Path(w.env["RUNTIME_DIRECTORY"], "agent.json").write_text("{")


def no_keys(w: World) -> None:
    """Nobody is trusted."""
    (w.folder / "trusted/pi.pub").unlink()


def misnamed(w: World) -> None:
    """A key in a file that nobody reads."""
    (w.folder / "trusted/pi.txt").write_text("")


def no_wait(w: World) -> None:
    """A machine without a clock of its own does not wait for NTP."""
    w.more.append("mount -t tmpfs none /sys/class")
    w.unit(WAIT_SYNC, UnitFileState="disabled")


def no_seal_key(w: World) -> None:
    """The fleet's secret key is not where the configuration says."""
    w.conf["seal-key"] = "/nonexistent"


def read_only(w: World) -> None:
    """The state lies on a file system that is read-only."""
    state = w.env["STATE_DIRECTORY"]
    w.more += [f"mount --bind {state} {state}", f"mount -o remount,ro,bind {state}"]


def no_state(w: World) -> None:
    """The directory of the state is not there."""
    Path(w.env["STATE_DIRECTORY"]).rmdir()


def no_user(w: World) -> None:
    """One of the users is missing."""
    text = Path("/etc/passwd").read_text()
    rest = "".join(
        line
        for line in text.splitlines(True)
        if not line.startswith(f"{AGENT_ONLINE}:")
    )
    w.more.append(f"mount --bind {w.write('passwd', rest)} /etc/passwd")


def unit(name: str, **state: str) -> Callable[[World], None]:
    """Have systemd say so of a unit."""
    return lambda w: w.unit(f"sqs-entropy-{name}", **state)


def other_list(w: World) -> None:
    """User-data has a list of modules of its own."""
    w.write(
        "lib/cloud/instance/cloud-config.txt",
        "sqs_entropy: {}\ncloud_init_modules:\n- ssh\nusers: [sqs_entropy]\n",
    )


def no_list(w: World) -> None:
    """The package's entry is not in the list."""
    w.write("run/cloud-init/cloud.cfg", "datasource: Ec2\n")


def no_device(w: World) -> None:
    """The device is not there."""
    w.conf["device"] = "/dev/nonexistent"


def silent_device(w: World) -> None:
    """The device gives no byte."""
    os.read(w.generator.fileno(), 65536)


def regular_device(w: World) -> None:
    """The device is a file for trials."""
    path = w.folder / "file"
    path.write_bytes(os.urandom(4096))
    w.conf["device"] = str(path)


def roots_device(w: World) -> None:
    """The rule has not given the device to its user."""
    os.chown(w.conf["device"], 0, 0)
    Path(w.conf["device"]).chmod(0o600)


def no_signing_key(w: World) -> None:
    """No key is configured."""
    del w.conf["signing-key"]


def no_landlock(w: World) -> None:
    """The kernel has no Landlock."""
    w.before = [str(w.run.build / "tests/programs/without"), "landlock"]


def loud_sts(code: str, text: str) -> Callable[[World], None]:
    """STS knows better."""

    def change(w: World) -> None:
        w.sts = Sts(w.env["AWS_ENDPOINT_URL_STS"]).start()
        w.sts.fault("GetCallerIdentity", count=None, **refusal(code, text, 403))
        w.env["AWS_ENDPOINT_URL_STS"] = w.sts.url

    return change


A, P = AGENT, PRODUCER
WARNING, FAIL = "warning", "FAIL"
NO_KEY = "the security token included in the request is invalid"
# What is broken: in which program, how, level and name of what is found, the exit
# code, and words of its text.
WORLDS: dict[str, tuple[str, Callable[[World], None], str, str, int, str]] = {
    "DNS": (A, no_name, FAIL, "DNS", 69, "no address found for this name"),
    "route": (A, no_route, FAIL, "route", 69, "no route: check the network"),
    "refused": (A, refused, FAIL, "connection", 69, "cannot connect: check host"),
    "proxy": (P, no_proxy, FAIL, "proxy", 69, "check host, port, firewall"),
    "CA": (A, other_ca, FAIL, "TLS", 69, "cannot verify its certificate"),
    "expiry": (P, old_certificate, WARNING, "TLS", 0, "the certificate expires on"),
    "no bundle": (A, no_bundle, FAIL, "configuration", 78, "AWS_CA_BUNDLE"),
    "clock": (A, wrong_clock, WARNING, "clock skew", 0, "behind the service's, whose"),
    "clock of P": (P, wrong_clock, FAIL, "clock skew", 69, "no message is sent"),
    "role": (A, no_role, FAIL, "credentials", 77, "no IAM role is attached"),
    "hop": (A, lost_hop, FAIL, "IMDS", 69, "raise the hop limit to 2"),
    "IMDS off": (A, imds_off, FAIL, "IMDS", 77, "--http-endpoint enabled"),
    "expired": (A, old_credentials, FAIL, "credentials", 77, "renew the credentials"),
    "no one": (A, no_credentials, FAIL, "credentials", 77, "no AWS credentials"),
    "unknown": (
        A,
        loud_sts("InvalidClientTokenId", NO_KEY),
        FAIL,
        "identity",
        77,
        "check the access key of the credentials that ask",
    ),
    "tag": (A, no_tag, FAIL, "tag", 78, "--instance-metadata-tags enabled"),
    "no queue": (A, no_queue, FAIL, "queue", 78, "check its name, account and region"),
    "SCP": (
        A,
        fault("ReceiveMessage", SCP),
        FAIL,
        "permission sqs:ReceiveMessage",
        77,
        "out of the service control policy (SCP)",
    ),
    "no send": (
        P,
        fault("SendMessageBatch", NOT_ALLOWED),
        FAIL,
        "permission sqs:SendMessage",
        77,
        "allow sqs:SendMessage on",
    ),
    "no delete": (
        A,
        fault("DeleteMessage", denial("sqs:deletemessage", "")),
        FAIL,
        "permission sqs:DeleteMessage",
        77,
        "allow sqs:DeleteMessage",
    ),
    "no depth": (
        P,
        fault("GetQueueAttributes", denial("sqs:getqueueattributes", "")),
        FAIL,
        "permission sqs:GetQueueAttributes",
        77,
        "allow sqs:GetQueueAttributes",
    ),
    "KMS": (A, fault("ReceiveMessage", KMS), FAIL, "queue key", 77, "kms:Decrypt"),
    "KMS off": (
        P,
        fault("SendMessageBatch", KEY_OFF),
        FAIL,
        "queue key",
        78,
        "aws kms enable-key",
    ),
    "region": (A, fault("*Message", SCOPE), FAIL, "region", 78, "signed for region"),
    "redrive": (A, redrive, WARNING, "queue redrive", 0, '{"RedrivePolicy":""}'),
    "visibility": (
        A,
        attributes(VisibilityTimeout="3"),
        WARNING,
        "queue visibility",
        0,
        "--attributes VisibilityTimeout=30",
    ),
    "clear": (
        A,
        in_answer(SqsManagedSseEnabled="false"),
        WARNING,
        "queue encryption",
        0,
        "--attributes SqsManagedSseEnabled=true",
    ),
    "small": (
        P,
        in_answer(MaximumMessageSize="1024"),
        FAIL,
        "queue message size",
        78,
        "--attributes MaximumMessageSize=262144",
    ),
    "empty": (A, empty, WARNING, "queue depth", 0, "sqs-entropy-producer --status"),
    "mode": (A, mode("trusted/pi.pub", 0o666), FAIL, "trusted keys", 78, "chmod"),
    "untrusted": (A, untrusted, WARNING, "last run", 0, "into a file NAME.pub of"),
    "failed run": (A, failed_run, WARNING, "last run", 0, "unreachable (exit 69)"),
    "damaged": (A, damaged_status, WARNING, "last run", 0, "run the agent again"),
    "no keys": (A, no_keys, WARNING, "trusted keys", 0, "a file NAME.pub there"),
    "misnamed": (A, misnamed, WARNING, "trusted keys", 0, "that ends in .pub, or"),
    "no wait": (
        P,
        no_wait,
        WARNING,
        f"unit {WAIT_SYNC}",
        0,
        f"systemctl enable --now {WAIT_SYNC}",
    ),
    "no seal key": (A, no_seal_key, FAIL, "seal key", 78, "cannot open key file"),
    "state": (A, read_only, FAIL, "state", 77, "on a file system that is not"),
    "no state": (A, no_state, WARNING, "state", 0, "systemd-tmpfiles --create"),
    "user": (A, no_user, WARNING, "users", 0, "make it with systemd-sysusers"),
    "landlock": (A, no_landlock, WARNING, "confinement", 0, "no Landlock"),
    "timer": (
        A,
        unit("agent.timer", SubState="elapsed"),
        FAIL,
        "unit sqs-entropy-agent.timer",
        78,
        "systemctl restart sqs-entropy-agent.timer",
    ),
    "disabled": (
        A,
        unit("agent.service", UnitFileState="disabled"),
        WARNING,
        "unit sqs-entropy-agent.service",
        0,
        "systemctl enable --now sqs-entropy-agent.service",
    ),
    "failed": (
        P,
        unit("producer.service", ActiveState="failed", SubState="failed"),
        FAIL,
        "unit sqs-entropy-producer.service",
        78,
        "journalctl -b -u sqs-entropy-producer.service",
    ),
    "inactive": (
        P,
        unit("producer.service", ActiveState="inactive", SubState="dead"),
        FAIL,
        "unit sqs-entropy-producer.service",
        78,
        "systemctl start sqs-entropy-producer.service",
    ),
    "masked": (
        P,
        unit("producer.service", LoadState="masked"),
        FAIL,
        "unit sqs-entropy-producer.service",
        78,
        "systemctl unmask sqs-entropy-producer.service",
    ),
    "unloaded": (
        P,
        unit("producer.service", LoadState="error"),
        FAIL,
        "unit sqs-entropy-producer.service",
        78,
        "systemctl status sqs-entropy-producer.service",
    ),
    "list": (A, other_list, WARNING, "cloud-init", 0, "before ssh into it"),
    "no list": (A, no_list, FAIL, "cloud-init", 78, "cloud-init-module-list update"),
    "no device": (P, no_device, FAIL, "device", 69, "/dev/nonexistent"),
    "silence": (P, silent_device, FAIL, "device", 69, "see whether it is plugged in"),
    "file": (P, regular_device, WARNING, "device", 0, "set device to a hardware"),
    "udev": (P, roots_device, WARNING, "udev", 0, "udevadm trigger"),
    "sequence": (P, read_only, FAIL, "sequence", 77, "cannot be written"),
    "key mode": (P, mode("signing.key", 0o644), FAIL, "keys", 78, "signing.key"),
    "no key": (P, no_signing_key, WARNING, "keys", 0, "--genkey /etc/sqs-entropy"),
}


@pytest.mark.parametrize("name", WORLDS)
def test_one_thing_is_wrong(world: World, name: str) -> None:
    """It is found and named with what to do, and nothing else is blamed."""
    program, break_it, level, finding, code, words = WORLDS[name]
    break_it(world)
    got = world.look(program)
    assert got.wrong() == {(level, finding)}, got.findings
    assert words in got.text(finding)
    assert (got.code, got.exit) == (code, code)
    assert got.err == ""


AGENT_LOOKS = {
    *("kernel", "clock", "confinement", "trusted keys", "state", "last run"),
    *("cloud-init", "injection", "IMDS", "credentials", "DNS", "route", "TLS"),
    *("clock skew", "identity", "queue"),
    *("permission sqs:ReceiveMessage", "permission sqs:DeleteMessage"),
    *(f"unit sqs-entropy-agent{end}" for end in (".service", ".timer", "-retry.timer")),
}
PRODUCER_LOOKS = {
    *("clock", "confinement", "keys", "sequence", "udev", "device", "IMDS"),
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
