# SPDX-License-Identifier: Apache-2.0
"""A role for the token of another provider, as a pod has it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aid.attack import Attack, answer, each, fails, fill
from aid.programs import Result
from aid.queue import REGION, Queue, Role
from aid.sqsproxy import SqsProxy, service_error
from aid.sts import BY_TOKEN, Sts, refusal
from aid.wait import wait_until

TOKEN = "eyJhbGciOi.eyJhdWQiOiJzdHMuYW1hem9uYXdzLmNvbSJ9.c2lnbmF0dXJl-{}"


class Pod:
    """A machine with a token that a provider renews, and a role to assume by it."""

    def __init__(self, attack: Attack, sts: Sts, role: Role, folder: Path) -> None:
        self.attack, self.sts, self.role = attack, sts, role
        self.file = folder / "projected" / "token"
        self.issued = 0
        self.renew()

    def renew(self) -> None:
        """Write a new token as a kubelet does: by a link to another folder."""
        self.issued += 1
        text = self.attack.secret(TOKEN.format(f"{self.issued:024}"))
        self.sts.tokens[text] = True
        version = self.file.parent / f"..{self.issued}"
        version.mkdir(parents=True)
        (version / "token").write_text(text)
        data, new = self.file.parent / "..data", self.file.parent / "..new"
        new.symlink_to(version.name)
        new.rename(data)
        if not self.file.is_symlink():
            self.file.symlink_to("..data/token")

    def expire(self) -> None:
        """Have no token that was issued so far be good any more."""
        self.sts.tokens = dict.fromkeys(self.sts.tokens, False)

    def env(self, **values: str | None) -> dict[str, str]:
        """The environment of a pod."""
        given: dict[str, str | None] = {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.file),
            "AWS_ROLE_ARN": self.role.arn,
            "AWS_ROLE_SESSION_NAME": "pod-1",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL_STS": self.sts.url,
            **values,
        }
        return self.attack.env(**given)

    def run(self, queue: Queue, **values: str | None) -> Result:
        """Run the agent."""
        got = self.attack.agent("-q", queue.url, env=self.env(**values))
        assert not [s for s in self.sts.secrets if s in got.err]
        return got


@pytest.fixture
def pod(attack: Attack, sts: Sts, make_role: Callable[..., Role]) -> Iterator[Pod]:
    """Give such a machine; IMDS is not asked on it."""
    with tempfile.TemporaryDirectory() as folder:
        # The online half of what root starts is another user.
        Path(folder).chmod(0o755)
        yield Pod(attack, sts, make_role("sqs:*"), Path(folder))
    assert not attack.imds.matching("*security-credentials*")


def test_a_token_gives_the_role(pod: Pod, queue: Queue, proxy: SqsProxy) -> None:
    [payload] = fill(queue)
    got = pod.run(queue)
    assert (got.code, got.out) == (0, payload), got.err
    [record] = pod.sts.records
    assert record.note["form"] == {
        "Action": BY_TOKEN,
        "Version": "2011-06-15",
        "RoleArn": pod.role.arn,
        "RoleSessionName": "pod-1",
        "WebIdentityToken": pod.file.read_text(),
    }
    [key] = {r.note["access_key"] for r in proxy.records}
    assert f"<AccessKeyId>{key}<" in record.note["answer"]
    assert all(r.note["session"] for r in proxy.records)


def test_the_session_has_a_name_of_its_own(pod: Pod, queue: Queue) -> None:
    fill(queue)
    assert pod.run(queue, AWS_ROLE_SESSION_NAME=None).code == 0
    [record] = pod.sts.records
    assert record.note["form"]["RoleSessionName"].startswith("sqs-entropy-")


def test_keys_of_the_environment_go_before(
    pod: Pod, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    secret = pod.attack.secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    got = pod.run(queue, AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY=secret)
    assert got.code == 0, got.err
    assert {r.note["access_key"] for r in proxy.records} == {"AKIAENV"}
    assert pod.sts.records == []


REFUSED: dict[str, tuple[dict[str, Any], int, list[str]]] = {
    "trust": (
        refusal(
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            403,
        ),
        77,
        ["issuer of the token in", "sub and aud", "trust policy"],
    ),
    "rejected": (
        refusal("IDPRejectedClaim", "no"),
        77,
        ["the identity provider rejects"],
    ),
    "tags": (refusal("PackedPolicyTooLarge", "115%"), 78, ["shorten the session"]),
    "region": (
        refusal("RegionDisabledException", "STS is not activated here", 403),
        77,
        [f"activate STS in region {REGION}"],
    ),
    "role": (refusal("ValidationError", "roleArn is invalid"), 78, ["role's ARN"]),
    "a login page": (answer(b"<html>Sign in</html>"), 69, ["a login page"]),
    "cut": ({"truncate": 600}, 69, [BY_TOKEN]),
    "busy": ({"status": 503}, 69, ["HTTP 503", "try later"]),
}


def test_each_refusal_is_said_with_its_remedy(
    pod: Pod, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for fault, code, words in each(REFUSED):
        pod.sts.clear()
        pod.sts.fault(BY_TOKEN, **{**fault, "count": None})
        fails(pod.run(queue), code, *words)
    assert proxy.records == []


def test_a_token_that_is_not_good_is_named(
    pod: Pod, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    pod.expire()
    words = "ExpiredTokenException", "renew the token in", str(pod.file)
    fails(pod.run(queue), 77, *words)
    pod.sts.tokens.clear()
    words = "InvalidIdentityToken", "register the issuer", str(pod.file)
    fails(pod.run(queue), 77, *words)
    assert proxy.records == []
    pod.renew()
    assert pod.run(queue).code == 0


BAD_FILES = {
    "empty": "",
    "two lines": "eyJhbGci\nOiJSUzI1NiJ9",
    "blank": "eyJhbGci OiJSUzI1NiJ9",
    "control": "eyJhbGci\x1b[2J",
    "long": "e" * 20_001,
    "endless": "e" * 5_000_000,
}


def test_a_file_that_holds_no_token_is_named(
    pod: Pod, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for text in each(BAD_FILES):
        pod.file.unlink()
        pod.file.write_text(text)
        fails(pod.run(queue), 78, str(pod.file), "AWS_WEB_IDENTITY_TOKEN_FILE")
    pod.file.unlink()
    fails(pod.run(queue), 78, str(pod.file), "there is no token file")
    os.mkfifo(pod.file)
    fails(pod.run(queue), 78, str(pod.file))
    fails(pod.run(queue, AWS_ROLE_ARN=None), 78, "AWS_ROLE_ARN", str(pod.file))
    assert pod.sts.records == proxy.records == []


def test_silence_ends_with_the_deadline(pod: Pod, queue: Queue) -> None:
    fill(queue)
    pod.sts.fault(BY_TOKEN, count=None, end="silence")
    got = pod.attack.agent("-q", queue.url, env=pod.env(), timeout=3)
    fails(got, 69, BY_TOKEN)


def test_what_passes_is_waited_for(pod: Pod, queue: Queue) -> None:
    [payload] = fill(queue)
    pod.sts.fault(BY_TOKEN, end="drop")
    pod.sts.fault(BY_TOKEN, **refusal("IDPCommunicationError", "unreachable"))
    pod.sts.fault(BY_TOKEN, status=500)
    got = pod.run(queue)
    assert (got.code, got.out) == (0, payload), got.err


def test_a_renewed_token_is_used_by_a_producer_that_runs_on(
    pod: Pod, queue: Queue, generator: Path, conf: Callable[..., Path]
) -> None:
    """Each refusal for expiry asks STS anew, with the token that is there then."""
    file = conf(queue=queue.url, interval=1, low_watermark=1000, burst=1)
    process = pod.attack.run.start(
        "sqs-entropy-producer", "-d", generator, "-c", file, env=pod.env()
    )
    proxy = pod.attack.proxy
    wait_until(lambda: bool(proxy.matching("SendMessage*")))
    first = proxy.records[-1].note["access_key"]
    pod.expire()
    pod.renew()
    proxy.fault(
        "SendMessage*", **service_error("ExpiredTokenException", "expired", status=403)
    )
    wait_until(lambda: proxy.records[-1].note.get("access_key") not in (None, first))
    process.terminate()
    got = pod.attack.run.finish(process)
    assert got.code == 0, got.err
    tokens = [r.note["form"]["WebIdentityToken"] for r in pod.sts.records]
    assert tokens == list(pod.sts.tokens)
