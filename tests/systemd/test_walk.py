# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D103 (the test's name says it)
"""The six commands, as a new user types them: from nothing to a credited run.

"make check-walk" runs this.  What was typed and printed has to be docs/walkthrough.md,
but for numbers, names and keys that are made anew; WALK=write writes that page.

One container is both machines, one after the other: the Pi, and an instance to which
the role's credentials come by IMDS.  The packages are those of "make deb".
CloudFormation, IAM, STS and SQS are moto, with policies enforced.  Of cloud-init the
module's own functions write the files; whole boots with cloud-init are in tests/vm.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from machine import Machine
from world import (
    AGENT,
    HOST,
    METADATA,
    NAMES,
    PRODUCER,
    REGION,
    SERVICE,
    UNCONDITIONAL,
    add_devices,
    address,
    settle,
)

from aid import certificates
from aid.account import account
from aid.directives import load
from aid.environment import ROOT
from aid.imds import Credentials, Imds, made_up
from aid.nameserver import NameServer
from aid.queue import Moto
from aid.sqsproxy import SqsProxy
from aid.wait import wait_until

WALK = os.environ.get("WALK", "")
pytestmark = [
    pytest.mark.skipif(not WALK, reason="make check-walk runs it"),
    pytest.mark.filterwarnings("ignore:Tried to parse"),
]
PAGE = ROOT / "docs/walkthrough.md"
STS = f"sts.{REGION}.amazonaws.com"
CA = "/usr/local/share/ca-certificates/stand-in.crt"
TIMERS = ("sqs-entropy-agent.timer", "sqs-entropy-agent-retry.timer")
CONFIGURED = UNCONDITIONAL + "ConditionPathExists=/etc/sqs-entropy/producer.conf\n"
LIMIT = 600  # seconds of the whole walk, downloads apart

# What differs from run to run and from machine to machine.
VARYING = [
    (r"sqs-entropy-ed25519 \S{44}", "KEY"),
    (r"\b(AKIA|ASIA|LSIA|AIDA|AROA)[A-Z0-9]+", "ACCESS"),
    (r"\b[0-9a-f]{16,}\b", "HEX"),
    (r"\bentropy-[A-Za-z]+-[A-Za-z0-9]+", "MADE"),
    (r"\b(ahead of|behind)\b", "OFF"),
    (r"\d+", "N"),
    (r"[ ]+", " "),
]


def alike(text: str) -> list[str]:
    """The lines without what varies; of --doctor which findings there are."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    lines = []
    for line in text.splitlines():
        found = re.match(r"(ok|warning|FAIL|not asked) ([^:]+): ", line)
        if found and not line.startswith(("ok message", "ok service")):
            line = f"{found[1]} {found[2]}"
        if not line.lstrip().startswith("->"):
            lines.append(line.rstrip())
    return lines


@dataclass
class Walk:
    """The machine, its world, and what has been typed and printed."""

    machine: Machine
    moto: Moto
    imds: Imds
    page: list[str] = field(default_factory=list)
    role: Credentials = field(default_factory=made_up)

    def tell(self, text: str) -> None:
        """Add paragraphs."""
        for paragraph in text.split("\n\n"):
            self.page.append(textwrap.fill(paragraph, 88, break_on_hyphens=False))

    def show(self, prompt: str, command: str, out: str) -> None:
        """Add a command and what it printed."""
        lines = [f"{prompt}{command}", *out.rstrip("\n").splitlines()]
        block = "\n".join(f"    {line}".rstrip() for line in lines)
        self.page.append(
            f"<!-- not run: tests/systemd/test_walk.py does it -->\n\n{block}"
        )

    def admin(self, *words: str, shown: str = "") -> str:
        """Run the AWS CLI where the account is administrated."""
        env = {
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.moto.url,
        }
        done = subprocess.run(
            [sys.executable, "-m", "awscli", *words],
            env=env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.show("admin$ ", shown or "aws " + " ".join(words), done.stdout)
        return done.stdout

    def on(self, host: str, *words: str, answers: str = "", shown: str = "") -> str:
        """Run a command on one of the machines, as root."""
        command = ["nsenter", "--target", str(self.machine.leader), "--all", *words]
        done = subprocess.run(
            command,
            input=answers,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
            check=False,
        )
        self.show(f"{host}# ", shown or " ".join(words), done.stdout)
        assert done.returncode == 0, done.stdout
        return done.stdout


def of_role(walk: Walk) -> Credentials:
    """Take the role that instances have with the stack's instance profile."""
    iam = walk.moto.client("iam")
    [role] = [r for r in iam.list_roles()["Roles"] if "Agent" in r["RoleName"]]
    got = walk.moto.client("sts").assume_role(
        RoleArn=role["Arn"], RoleSessionName="i-0123456789abcdef0"
    )["Credentials"]
    return Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])


def trust(machine: Machine, bundle: str) -> None:
    """Have the machine trust the stand-ins as it trusts AWS."""
    machine.write(CA, Path(bundle).read_text())
    machine.must("update-ca-certificates")


@pytest.fixture
def walk(root: Path, tmp_path: Path) -> Iterator[Walk]:
    """Give the world before the first command."""
    for value in (METADATA, SERVICE, NAMES):
        address(value)
    certificate = certificates.make(tmp_path, names=(HOST, STS), ends=99)
    settle(root, certificate.path)
    (root / "etc/hostname").write_text("pi-1\n")
    machine = Machine(root)
    try:
        machine.wait()
        trust(machine, certificate.path)
        # nspawn's own id of the boot, which the services do not see: theirs is the
        # kernel's, because each has a /proc of its own.
        machine.must("umount", "/proc/sys/kernel/random/boot_id")
        machine.drop_in(PRODUCER, "container", CONFIGURED)
        made: list[Walk] = []
        with (
            account() as moto,
            Imds(
                host=METADATA, port=80, region=REGION, issue=lambda: made[0].role
            ) as imds,
            SqsProxy(moto.url, host=SERVICE, port=443, tls=certificate.tls),
            NameServer(NAMES, {HOST: SERVICE, STS: SERVICE}),
        ):
            made.append(Walk(machine, moto, imds))
            yield made[0]
    finally:
        machine.stop()


def deploy(walk: Walk) -> dict[str, str]:
    """The first command: queue, policies, role and user."""
    walk.tell(
        "## 1. Queue, permissions and roles\n\nWhere the account is administrated."
    )
    words = ["cloudformation", "deploy", "--stack-name", "entropy"]
    words += ["--template-file", "packaging/aws/sqs-entropy.yaml"]
    walk.admin(*words, "--capabilities", "CAPABILITY_IAM")
    client = walk.moto.client("cloudformation")
    [stack] = client.describe_stacks(StackName="entropy")["Stacks"]
    return {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}


def output(walk: Walk, name: str) -> str:
    """Ask for one of the lines to paste."""
    query = f"Stacks[0].Outputs[?OutputKey=='{name}'].OutputValue"
    return walk.admin(
        *("cloudformation", "describe-stacks", "--stack-name", "entropy"),
        *("--query", query, "--output", "text"),
        shown="aws cloudformation describe-stacks --stack-name entropy --output text "
        f'\\\n        --query "{query}"',
    ).strip()


def install(walk: Walk, host: str, program: str) -> None:
    """Install a package, which says more than it is worth to show."""
    [package] = walk.machine.path("/root").glob(f"{program}_*.deb")
    walk.machine.must("apt-get", "install", "--yes", f"/root/{package.name}")
    walk.show(f"{host}# ", f"apt install ./{program}_*.deb", "")


def set_up(walk: Walk) -> str:
    """The second and third command: a Pi becomes a producer."""
    walk.tell("## 2. The package on the Pi\n\nWhat apt says is left out.")
    install(walk, "pi", "sqs-entropy-producer")
    add_devices(walk.machine)
    walk.tell(
        "## 3. The Pi becomes a producer\n\n"
        "The stack has the command, and the one that makes the access key. Here a "
        "here-document answers; a person is asked, and sees no secret."
    )
    command = output(walk, "Setup").removeprefix("sudo ")
    words = output(walk, "AccessKey").split()
    answer = walk.moto.client("iam").create_access_key(UserName=words[4])
    key = answer["AccessKey"]
    hidden = "key\nACCESS-KEY-ID\nSECRET-ACCESS-KEY\n\ndirective"
    answers = hidden.replace("ACCESS-KEY-ID", key["AccessKeyId"], 1)
    answers = answers.replace("SECRET-ACCESS-KEY", key["SecretAccessKey"])
    document = hidden.replace("\n", "\n    ").replace("\n    \n", "\n\n")
    with walk.moto.iam_mode():
        return walk.on(
            "pi",
            *command.split(),
            answers=f"{answers}\n",
            shown=f"{command} <<END\n    {document}\n    END",
        )


def user_data_of(printed: str) -> str:
    """What --setup printed on standard output."""
    begin = printed.index("#cloud-config")
    lines = printed[begin:].splitlines()
    ours = [line for line in lines if line.startswith(("#cloud", "sqs_entropy", "  "))]
    return "\n".join(ours) + "\n"


def launch(walk: Walk, user_data: str) -> None:
    """The fourth: an instance with that user-data; its boot runs the agent."""
    directive = yaml.safe_load(user_data)["sqs_entropy"]
    module = load("cc_sqs_entropy")
    assert module.validate(directive) == []
    machine = walk.machine
    machine.write("/etc/sqs-entropy/agent.conf", module.configuration(directive))
    for name, text in module.key_files(directive).items():
        machine.write(f"/etc/sqs-entropy/trusted.d/{name}", text)
    # Up to now it was skipped in a container, as in a root that an image is made of.
    for unit in (AGENT, *TIMERS):
        machine.drop_in(unit, "container", UNCONDITIONAL)
    machine.must("systemctl", "start", *TIMERS)


def test_the_six_commands_lead_to_a_credited_run(walk: Walk, hwrng: None) -> None:
    began = time.monotonic()
    outputs = deploy(walk)
    printed = set_up(walk)
    assert not re.search("^FAIL", printed, re.M)
    queue = outputs["QueueUrl"]
    depth = ("ApproximateNumberOfMessages",)

    def is_full() -> bool:
        got = walk.moto.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=depth)
        return int(got["Attributes"][depth[0]]) >= 10

    wait_until(is_full)
    walk.tell("The service fills the queue from now on.")
    with walk.moto.iam_mode():
        doctor = walk.on("pi", "sqs-entropy-producer", "--doctor")
        assert not re.search("^FAIL", doctor, re.M), doctor
        again = walk.machine.run("sqs-entropy-producer", "--setup", "--yes")
    assert "none is sent: nothing has changed since SQS confirmed one" in again.stderr
    assert "service: enabled and running" in again.stderr
    walk.tell(
        "## 4. An instance\n\nWhat `--setup` printed on standard output, from "
        "`#cloud-config` on, is the user-data of an instance with the stack's instance "
        "profile. The image has the package; the boot writes the configuration and "
        "runs the agent."
    )
    install(walk, "instance", "sqs-entropy-agent")
    walk.role = of_role(walk)
    launch(walk, user_data_of(printed))
    with walk.moto.iam_mode():
        walk.on("instance", "systemctl", "start", "sqs-entropy-agent")
        walk.tell("## 5. Is all well there?")
        doctor = walk.on("instance", "sqs-entropy-agent", "--doctor")
    assert not re.search("^FAIL", doctor, re.M)
    walk.tell("## 6. Ever after")
    status = walk.on("instance", "sqs-entropy-agent", "--status")
    assert "into the kernel, credit 256 bits" in status
    walk.on("pi", "sqs-entropy-producer", "--status")
    assert time.monotonic() - began < LIMIT
    compare(walk)


HEAD = """# The six commands, walked

What a new user types and sees, from nothing to a machine whose kernel was given
credited bytes. A test typed it (`make check-walk`), before moto in the place of AWS and
with policies enforced, and compares this page with what was printed, but for numbers,
names and keys. `WALK=write` writes the page anew. `admin$` is where the account is
administrated, `pi#` the machine with the generator, `instance#` an EC2 instance.
"""


def compare(walk: Walk) -> None:
    """Hold the page against what was printed."""
    text = "\n\n".join([HEAD.rstrip(), *walk.page]) + "\n"
    print(text)
    if WALK == "write":
        PAGE.write_text(text)
    assert alike(text) == alike(PAGE.read_text())
