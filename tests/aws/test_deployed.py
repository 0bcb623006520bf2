# SPDX-License-Identifier: Apache-2.0
"""The template in moto's CloudFormation, and the real programs with what it made.

moto creates some of the resources and skips others, and says CREATE_COMPLETE of both.
So each is looked up in its own service, and those that are not there are listed: the
tables of test_policies and test_alarms evaluate them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session
from template import FILE, KEY, SEAL_KEY, Stack, combinations, load

from aid.attack import Attack
from aid.environment import PLACE
from aid.forge import Fleet
from aid.imds import Credentials
from aid.kernel import needs_kernel
from aid.machine import NO_USERS, Machine
from aid.programs import AGENT, PRODUCER, Result
from aid.queue import REGION, Moto, Queue, session
from aid.verdicts import Judge
from aid.watch import WatchedImds

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse")  # see BY_TABLE
# These are evaluated by the tables, which is not the same as deployed.
BY_TABLE = {
    "AWS::CloudWatch::Alarm",
    "AWS::RolesAnywhere::Profile",
    "AWS::SQS::QueuePolicy",
}
TEMPLATE = load()
# Those which decide whether a resource is there.
DECIDING = ("Fifo", "KmsKey", "ProducerIdentity")
STACKS = [
    *combinations(*DECIDING),
    {"SealKeyParameter": SEAL_KEY, "SealKeyKmsKey": KEY},
    {"KmsFallback": "yes"},
]
SENDS = {"GetQueueUrl", "GetQueueAttributes", "SendMessage", "SendMessageBatch"}
OPERATIONS = set(Session().get_service_model("sqs").operation_names)
RECEIVES = {"GetQueueUrl", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch"}


@dataclass
class Deployed:
    """A stack in moto."""

    moto: Moto
    name: str
    outputs: dict[str, str]
    ids: dict[str, str]  # of each resource that CloudFormation tells of
    given: dict[str, str]  # parameters

    def exists(self, name: str, kind: str) -> bool:
        """Ask the service of a resource whether there is such a one."""
        ask = {
            "AWS::SQS::Queue": ("sqs", "get_queue_attributes", "QueueUrl"),
            "AWS::IAM::ManagedPolicy": ("iam", "get_policy", "PolicyArn"),
            "AWS::IAM::Role": ("iam", "get_role", "RoleName"),
            "AWS::IAM::User": ("iam", "get_user", "UserName"),
            "AWS::IAM::InstanceProfile": (
                "iam",
                "get_instance_profile",
                "InstanceProfileName",
            ),
            "AWS::IoT::RoleAlias": ("iot", "describe_role_alias", "roleAlias"),
            "AWS::IoT::Policy": ("iot", "get_policy", "policyName"),
        }
        if kind in BY_TABLE:
            return self.made_after_all(kind)
        service, call, parameter = ask[kind]
        client = self.moto.client(service)
        if name not in self.ids:
            return False
        try:
            getattr(client, call)(**{parameter: self.ids[name]})
        except ClientError:
            return False
        return True

    def made_after_all(self, kind: str) -> bool:
        """Tell whether moto, against what is known of it, makes what it skips."""
        if kind == "AWS::CloudWatch::Alarm":
            return bool(
                self.moto.client("cloudwatch").describe_alarms()["MetricAlarms"]
            )
        if kind == "AWS::SQS::QueuePolicy":
            answer = self.moto.sqs.get_queue_attributes(
                QueueUrl=self.outputs["QueueUrl"], AttributeNames=["Policy"]
            )
            return "Policy" in answer.get("Attributes", {})
        return False  # moto has no IAM Roles Anywhere


@pytest.fixture
def deploy(moto: Moto) -> Iterator[Callable[..., Deployed]]:
    """Give a function that makes stacks, each in an account without others."""
    client = moto.client("cloudformation")

    def make(**given: str) -> Deployed:
        moto.post("/moto-api/reset", "")
        name = "entropy"
        parameters = [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in given.items()
        ]
        client.create_stack(
            StackName=name,
            TemplateBody=FILE.read_text(),
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM"],
        )
        [stack] = client.describe_stacks(StackName=name)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        resources = client.describe_stack_resources(StackName=name)["StackResources"]
        return Deployed(
            moto,
            name,
            {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]},
            # In moto's list what it skipped has no name, and what is of IoT no id,
            # which the template names so.
            {
                r["LogicalResourceId"]: r.get("PhysicalResourceId", f"{name}-producer")
                for r in resources
                if "LogicalResourceId" in r
            },
            given,
        )

    yield make
    moto.post("/moto-api/reset", "")


def said(given: dict[str, str]) -> str:
    """Word the parameters of a stack."""
    return ", ".join(f"{k}={'...' if len(v) > 20 else v}" for k, v in given.items())


def linted(path: Path) -> subprocess.CompletedProcess[str]:
    """Run cfn-lint, with its advice, in the environment of the tests."""
    command = [Path(sys.executable).with_name("cfn-lint"), "--include-checks", "I"]
    return subprocess.run(
        [*command, "--", path], capture_output=True, text=True, check=False
    )


def test_the_linter_finds_nothing() -> None:
    got = linted(FILE)
    assert (got.returncode, got.stdout, got.stderr) == (0, "", "")


def test_the_linter_would_find_something(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(FILE.read_text().replace("MessageRetentionPeriod", "Retention"))
    got = linted(broken)
    assert got.returncode != 0
    assert "Retention" in got.stdout


def test_every_resource_is_made_by_moto_or_evaluated_by_a_table(
    deploy: Callable[..., Deployed], capsys: pytest.CaptureFixture[str]
) -> None:
    lines, seen = [], set()
    for given in STACKS:
        stack = Stack(TEMPLATE, **given)
        there = deploy(**given)
        lines.append(f"stack {said(given) or 'as by default'}")
        for name, kind in stack.kinds().items():
            made = there.exists(name, kind)
            assert made == (kind not in BY_TABLE), (name, kind)
            by = "moto made it" if made else "NOT by moto: evaluated by the tables"
            lines.append(f"  {name:<18} {kind:<28} {by}")
            seen.add(name)
        assert set(there.ids) <= set(stack.kinds())
        assert set(there.outputs) == set(stack.outputs)
    assert seen == set(TEMPLATE["Resources"])
    with capsys.disabled():
        print("\n" + "\n".join(lines))


def test_the_queue_is_as_the_template_says(deploy: Callable[..., Deployed]) -> None:
    for given in combinations("Fifo", "KmsKey"):
        there = deploy(QueueName="attributes", **given)
        answer = there.moto.sqs.get_queue_attributes(
            QueueUrl=there.outputs["QueueUrl"], AttributeNames=["All"]
        )
        got = answer["Attributes"]
        wanted = {
            "MessageRetentionPeriod": "1209600",
            "MaximumMessageSize": "32768",
            "VisibilityTimeout": "30",
        }
        if "Fifo" in given:
            wanted["FifoQueue"] = "true"
            wanted["DeduplicationScope"] = "messageGroup"
            wanted["FifoThroughputLimit"] = "perMessageGroupId"
        if "KmsKey" in given:
            wanted["KmsMasterKeyId"] = KEY
        assert wanted.items() <= got.items()
        assert ("FifoQueue" in got) == ("Fifo" in given)


def access_key(there: Deployed) -> Credentials:
    """Make the user's access key by the command that an output gives."""
    words = there.outputs["AccessKey"].split()
    assert words[:4] == ["aws", "iam", "create-access-key", "--user-name"]
    answer = there.moto.client("iam").create_access_key(UserName=words[4])
    key = answer["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"], "")


def of_role(there: Deployed, name: str) -> Credentials:
    """Take a role of the stack."""
    role = there.moto.client("iam").get_role(RoleName=there.ids[name])["Role"]
    answer = there.moto.client("sts").assume_role(
        RoleArn=role["Arn"], RoleSessionName="i-0123456789abcdef0"
    )
    got = answer["Credentials"]
    return Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])


def of_producer(there: Deployed) -> Credentials:
    """Be the producer of the stack, whatever it is."""
    if "ProducerUser" in there.ids:
        return access_key(there)
    [role] = {"AnywhereRole", "IotRole"} & set(there.ids)
    return of_role(there, role)


def of_instance(there: Deployed) -> Credentials:
    """Be an instance with the instance profile that an output names."""
    name = there.outputs["InstanceProfile"]
    profile = there.moto.client("iam").get_instance_profile(InstanceProfileName=name)
    [role] = profile["InstanceProfile"]["Roles"]
    assert role["RoleName"] == there.ids["AgentRole"]
    return of_role(there, "AgentRole")


def refused(there: Deployed, credentials: Credentials) -> set[str]:
    """Ask for each operation of SQS; name those that a policy refuses."""
    client = session().client(
        "sqs",
        endpoint_url=there.moto.url,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token or None,
        config=Config(parameter_validation=False, proxies={}),
    )
    found = set()
    url = there.outputs["QueueUrl"]
    known = {"QueueUrl": url, "QueueName": url.rpartition("/")[2]}
    for operation in OPERATIONS:
        wanted = client.meta.service_model.operation_model(operation).input_shape
        try:
            client._make_api_call(
                operation, {n: v for n, v in known.items() if n in wanted.members}
            )
        except ClientError as error:
            # moto says it in XML, whatever it was asked in.
            if "<Code>AccessDenied</Code>" in str(error):
                found.add(operation)
    return found


class World:
    """Whoever a stack is for: a producer with its keys, an instance with its role."""

    def __init__(self, there: Deployed) -> None:
        self.instance = of_instance(there)
        self.own = there.given.get("ProducerIdentity") != "none"
        # Where there is no producer, an instance tries to be one.
        self.sender = of_producer(there) if self.own else self.instance
        self.imds = WatchedImds(region=REGION, issue=lambda: self.instance)

    def __enter__(self) -> World:
        self.imds.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.imds.stop()

    def env(self, attack: Attack, **values: str | None) -> dict[str, str]:
        """Give the environment of an instance."""
        place = {PLACE: self.imds.url, "AWS_REGION": REGION}
        return attack.env(**place, **values)

    def keys(self, attack: Attack) -> dict[str, str]:
        """Give the environment of the machine with the generator."""
        return self.env(
            attack,
            AWS_ACCESS_KEY_ID=self.sender.access_key,
            AWS_SECRET_ACCESS_KEY=self.sender.secret_key,
            AWS_SESSION_TOKEN=self.sender.token or None,
        )


@pytest.mark.parametrize("given", STACKS, ids=said)
def test_the_programs_work_and_all_else_is_refused(
    given: dict[str, str],
    deploy: Callable[..., Deployed],
    attack: Attack,
    generator: Path,
) -> None:
    there = deploy(**given)
    queue = there.outputs["QueueArn"]
    with World(there) as world, there.moto.iam_mode():
        made = attack.producer("-q", queue, "-d", generator, env=world.keys(attack))
        got = attack.agent("-q", queue, env=world.env(attack))
        assert refused(there, world.instance) == OPERATIONS - RECEIVES
        if world.own:
            assert refused(there, world.sender) == OPERATIONS - SENDS
    if world.own:
        assert made.code == 0, made.err
        assert "sent 10 of 10" in made.err
        assert got.code == 0, got.err
        assert len(got.out) == 512
    else:
        assert made.code == 77, made.err
        assert got.code == 75, got.err


def test_another_queue_is_refused(
    deploy: Callable[..., Deployed], attack: Attack, generator: Path
) -> None:
    there = deploy()
    url = there.moto.sqs.create_queue(QueueName="other")["QueueUrl"]
    with World(there) as world, there.moto.iam_mode():
        for queue, code in (("entropy", 0), (url, 77), ("other", 77)):
            made = attack.producer("-q", queue, "-d", generator, env=world.keys(attack))
            got = attack.agent("-q", queue, env=world.env(attack))
            assert (made.code, got.code) == (code, code), made.err + got.err


def test_the_sealing_key_is_read_where_the_stack_grants_it(
    deploy: Callable[..., Deployed], attack: Attack, tmp_path: Path
) -> None:
    conf = tmp_path / "sealed.conf"
    conf.write_text(f'seal-key = "ssm:{SEAL_KEY}"\nwait-time = 0\n')
    text = Fleet().key_file(tmp_path / "seal.key").read_text()
    for given, code, said in (
        ({}, 77, "allow ssm:GetParameter on"),
        ({"SealKeyParameter": SEAL_KEY}, 75, "is empty"),
    ):
        there = deploy(**given)
        there.moto.client("ssm").put_parameter(
            Name=SEAL_KEY, Value=text, Type="SecureString"
        )
        args = ("-c", conf, "-o", "-", "-q", there.outputs["QueueArn"])
        with World(there) as world, there.moto.iam_mode():
            env = {**world.env(attack), "AWS_ENDPOINT_URL_SSM": there.moto.url}
            got = attack.run(AGENT, *args, env=env)
        assert got.code == code, got.err
        assert said in got.err


@needs_kernel
def test_kms_is_asked_where_the_stack_grants_it(
    deploy: Callable[..., Deployed], attack: Attack, tmp_path: Path
) -> None:
    conf = tmp_path / "fallback.conf"
    conf.write_text('fallback = "kms"\nwait-time = 0\n')
    for given, said in (
        ({}, "allow kms:GenerateRandom on *"),
        ({"KmsFallback": "yes"}, "injected 64 bytes of KMS"),
    ):
        there = deploy(**given)
        args = ("-c", conf, "-q", there.outputs["QueueArn"])
        with World(there) as world, there.moto.iam_mode():
            env = {**world.env(attack), "AWS_ENDPOINT_URL_KMS": there.moto.url}
            got = attack.run(AGENT, *args, env=env)
        assert got.code == 75, got.err
        assert said in got.err


def permissions(got: Result) -> dict[str, str]:
    """Give what the doctor found of identity and permissions."""
    findings = json.loads(got.out)["findings"]
    wanted = ("identity", "permission", "queue")
    return {f["name"]: f["level"] for f in findings if f["name"].split()[0] in wanted}


def test_the_doctor_finds_every_permission(
    deploy: Callable[..., Deployed], attack: Attack
) -> None:
    there = deploy()
    queue = there.outputs["QueueArn"]
    args = ("--doctor", "--json", "-q", queue)
    with World(there) as world, there.moto.iam_mode():
        sts = {"AWS_ENDPOINT_URL_STS": there.moto.url}
        made = attack.run(PRODUCER, *args, env={**world.keys(attack), **sts})
        got = attack.run(AGENT, *args, env={**world.env(attack), **sts})
    assert permissions(made) == {
        "identity": "ok",
        "queue": "ok",
        "permission sqs:GetQueueAttributes": "ok",
        "permission sqs:SendMessage": "ok",
    }
    assert permissions(got) == {
        "identity": "ok",
        "queue": "not asked",  # an agent has no need of its attributes
        "permission sqs:ReceiveMessage": "ok",
        "permission sqs:DeleteMessage": "ok",
    }


@NO_USERS
@pytest.mark.parametrize("fifo", ["no", "yes"])
def test_the_lines_to_paste_lead_to_credit(
    fifo: str,
    deploy: Callable[..., Deployed],
    machine: Machine,
    attack: Attack,
    tmp_path: Path,
) -> None:
    there = deploy(Fifo=fifo)
    arn = there.outputs["QueueArn"]
    machine.conf.write_text(f'device = "{machine.device}"\n')
    machine.systemd()
    with World(there) as world, there.moto.iam_mode():
        keys = f"{world.sender.access_key}\n{world.sender.secret_key}\n"
        name, _, setup = there.outputs["Setup"].partition(" --setup ")
        assert name == "sudo sqs-entropy-producer"
        made = machine.setup(setup, answers=f"key\n{keys}\ndirective\n")
        assert made.code == 0, made.err
        directive = yaml.safe_load(made.out)["sqs_entropy"]
        pasted = yaml.safe_load(there.outputs["UserData"])["sqs_entropy"]
        [line] = directive.pop("trusted_producers")
        assert pasted == {**directive, "trusted_producers": ["KEY"]}
        queue = Queue("entropy", directive["queue"], there.moto.sqs)
        judge = Judge(attack.run, queue, attack.proxy, tmp_path)
        (judge.trusted / "pi.pub").write_text(f"{line}\n")
        got = judge.look(env=world.env(attack))
    assert got.result.code == 0, got.result.err
    assert got.credit == 256
    assert [v.producer for v in got.verdicts] == ["pi"]
    assert directive["queue"] == arn


# docs/aws.md has these as they stand here.
DEPLOY = "aws cloudformation deploy --template-file sqs-entropy.yaml --stack-name entropy --capabilities CAPABILITY_IAM"  # noqa: E501
SHOW = "aws cloudformation describe-stacks --stack-name entropy --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text"  # noqa: E501


def test_the_documented_commands_deploy_and_show(moto: Moto, tmp_path: Path) -> None:
    moto.post("/moto-api/reset", "")
    env = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": moto.url,
    }
    got = subprocess.run(
        ["sh", "-ec", f"{DEPLOY} >&2\n{SHOW}"],
        cwd=FILE.parent,
        env=env,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    wanted = Stack(TEMPLATE).outputs
    for name, value in wanted.items():
        assert f"{name}\t" in got.stdout
        if name in ("QueueArn", "QueueUrl", "Setup", "UserData"):
            assert f"{name}\t{value}" in got.stdout
    moto.sqs.get_queue_url(QueueName="entropy")
