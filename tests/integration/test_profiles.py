# SPDX-License-Identifier: Apache-2.0
"""What a profile asks for is had, or the run fails with its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aid.attack import Attack, each, fails, fill
from aid.imds import Credentials, made_up
from aid.programs import AGENT
from aid.queue import REGION, Queue, Role
from aid.sqsproxy import SqsProxy
from aid.sts import Sts

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BASE_KEY = "AKIAEXAMPLEEXAMPLE02"
BASE = f"aws_access_key_id = {BASE_KEY}\naws_secret_access_key = {SECRET}\n"


class Machine:
    """A machine with shared files, an STS, and a role to assume."""

    def __init__(self, attack: Attack, queue: Queue, sts: Sts, role: Role) -> None:
        self.attack, self.queue, self.sts, self.role = attack, queue, sts, role
        self.folder = Path(attack.run.env["HOME"]) / ".aws"
        self.folder.mkdir(exist_ok=True)
        attack.secret(SECRET)
        sts.keys[BASE_KEY] = SECRET

    def env(self, config: str, **values: str | None) -> dict[str, str]:
        """Write the configuration file; return the environment."""
        (self.folder / "config").write_text(config.format(role=self.role.arn))
        given: dict[str, str | None] = {
            "AWS_PROFILE": "fleet",
            "AWS_ENDPOINT_URL_STS": self.sts.url,
            **values,
        }
        return self.attack.env(**given)


@pytest.fixture
def machine(
    attack: Attack, queue: Queue, sts: Sts, make_role: Callable[..., Role]
) -> Machine:
    """Give such a machine."""
    return Machine(attack, queue, sts, make_role("sqs:*"))


# Indented as many have it.
FLEET = "[profile fleet]\n  role_arn = {role}\n  region = " + REGION + "\n"
WAYS = {
    "source profile": f"{FLEET}  source_profile = base\n[profile base]\n{BASE}",
    "itself": FLEET + "  source_profile = fleet\n  " + BASE.replace("\n", "\n  "),
    "chain": f"{FLEET}  source_profile = b\n[profile b]\nrole_arn = {{role}}\n"
    f"source_profile = base\n[profile base]\n{BASE}",
    "metadata": f"{FLEET}  credential_source = Ec2InstanceMetadata\n",
}


def test_a_role_is_assumed_and_signs(
    machine: Machine, proxy: SqsProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def issue() -> Credentials:
        given = made_up()
        machine.sts.keys[given.access_key] = given.secret_key
        return given

    monkeypatch.setattr(machine.attack.imds, "_issue", issue)
    for way in each({name: name for name in WAYS}):
        [payload] = fill(machine.queue)
        proxy.forget()
        machine.sts.forget()
        env = machine.env(WAYS[way])
        got = machine.attack.agent("-v", "-q", machine.queue.url, env=env)
        assert (got.code, got.out) == (0, payload), got.err
        [signer] = {record.note["access_key"] for record in proxy.records}
        last = machine.sts.records[-1].note["answer"]
        assert f"<AccessKeyId>{signer}<" in last
        assert f"access key {signer} of role {machine.role.arn}" in got.err
        assert len(machine.sts.records) == (2 if way == "chain" else 1)


REFUSED = {
    "no source": (FLEET, "needs source_profile or credential_source"),
    "no such profile": (f"{FLEET}  source_profile = x\n", "no source_profile x"),
    "mfa": (
        f"{FLEET}  mfa_serial = m\n  source_profile = base\n[profile base]\n{BASE}",
        "mfa_serial",
    ),
    "unknown source": (
        f"{FLEET}  credential_source = Moon\n",
        "credential_source Moon",
    ),
    "sso": ("[profile fleet]\nsso_account_id = 1\nsso_role_name = r\n", "SSO"),
    "login": ("[profile fleet]\nlogin_session = s\n", "login_session"),
    "half": ("[profile fleet]\nsource_profile = base\n", "no role_arn"),
}


def test_what_a_profile_cannot_have_is_never_passed_over(
    machine: Machine, proxy: SqsProxy
) -> None:
    fill(machine.queue)
    for config, word in each(REFUSED):
        env = machine.env(config, AWS_REGION=REGION)
        got = machine.attack.agent("-q", machine.queue.url, env=env)
        fails(got, 78, "profile fleet", word)
        got = machine.attack.run(AGENT, "--check", "-q", machine.queue.url, env=env)
        assert (got.code, word in got.err) == (78, True), got.err
    assert proxy.records == []
    assert machine.sts.records == []
    assert not machine.attack.imds.matching("*security-credentials*")


def test_check_says_who_would_sign_and_asks_nobody(
    machine: Machine, proxy: SqsProxy
) -> None:
    env = machine.env(WAYS["source profile"])
    got = machine.attack.run(AGENT, "--check", "-q", machine.queue.url, env=env)
    said = got.out.decode()
    assert got.code == 0, got.err
    assert "# credentials of environment  # none: AWS_ACCESS_KEY_ID is not set" in said
    assert f"# credentials of profile  # role {machine.role.arn}" in said
    assert f"by profile base of {machine.folder}/config" in said
    env = machine.env("", AWS_PROFILE=None)
    got = machine.attack.run(AGENT, "--check", "-q", machine.queue.url, env=env)
    assert b"# credentials of profile  # none: profile default has " in got.out
    assert b"# credentials of IMDS  # would be asked" in got.out
    # Another user's home may have it.
    env = machine.env("", AWS_PROFILE="away")
    got = machine.attack.run(AGENT, "--check", "-q", machine.queue.url, env=env)
    assert (got.code, b"none: there is no profile away" in got.out) == (0, True)
    assert SECRET not in said
    assert proxy.records == machine.sts.records == []
    assert machine.attack.imds.connections == 0
