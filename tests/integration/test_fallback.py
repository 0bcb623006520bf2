# SPDX-License-Identifier: Apache-2.0
"""Bytes of KMS where no message is to be had: mixed, and never credited."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aid.attack import each
from aid.errors import coral
from aid.kernel import needs_kernel
from aid.payload import body, noise
from aid.programs import AGENT, Result, Runner
from aid.queue import REGION, Moto, Queue, Role
from aid.sqsproxy import SqsProxy
from aid.status import status
from aid.trace import whole_lines

RANDOM = "GenerateRandom"
BYTES = 64
SAID = f"injected {BYTES} bytes of KMS into the kernel, in place of a message, credit 0"
NONE = "no bytes of KMS in place of a message: "


class Machine:
    """Runs agents that fall back on KMS, which is a proxy as SQS is."""

    def __init__(self, run: Runner, kms: SqsProxy, conf: Callable[..., Path]) -> None:
        self.run, self.kms, self.conf = run, kms, conf
        self.settings: dict[str, Any] = {
            "fallback": "kms",
            "region": REGION,
            "timeout": 8,
            "wait_time": 0,
        }

    def env(self, **values: str) -> dict[str, str]:
        """The environment of a run."""
        return {**self.run.env, "AWS_ENDPOINT_URL_KMS": self.kms.url, **values}

    def seed(self, queue: Queue, *args: str | Path, **values: Any) -> Result:
        """Run the agent for the kernel, on a queue."""
        conf = self.conf(**{**self.settings, "queue": queue.url})
        values.setdefault("env", self.env())
        return self.run(AGENT, "-c", conf, *args, **values)

    def asked(self) -> list[Any]:
        """What KMS was asked, in order."""
        records = self.kms.matching(RANDOM)
        assert len(records) == len(self.kms.records)
        return [json.loads(r.note["request"]) for r in records]

    def fell_back(self, got: Result, code: int = 75) -> None:
        """Check that a run mixed bytes of KMS, and did not seed."""
        assert got.code == code, got.err
        assert SAID in got.err
        said = status(self.run)
        assert (said["fallback"], said["bytes"], said["credit"]) == (BYTES, 0, 0)
        assert (said["exit"], said["messages"]) == (code, [])
        assert (said["injected"], said["credited"]) == (0, 0)

    def got_none(self, got: Result, *words: str, code: int = 75) -> None:
        """Check that a run mixed none, and says why in one line."""
        assert got.code == code, got.err
        assert SAID not in got.err
        [line] = [line for line in got.lines() if NONE in line]
        for word in words:
            assert word in line
        assert status(self.run)["fallback"] == 0


@pytest.fixture
def machine(run: Runner, beside: SqsProxy, conf: Callable[..., Path]) -> Machine:
    """Give a machine."""
    return Machine(run, beside, conf)


@needs_kernel
def test_an_empty_queue_is_made_up_for(machine: Machine, queue: Queue) -> None:
    """By one request of one service; the run ends with 75 all the same."""
    got = machine.seed(queue)
    machine.fell_back(got)
    assert machine.asked() == [{"NumberOfBytes": BYTES}]
    assert f"the queue {queue.url} is empty" in got.err
    shown = machine.run(AGENT, "--status")
    line = f"  {BYTES} bytes of KMS in place of a message, 0 bits: no producer signed"
    assert f"{line} them\n" in shown.out.decode()
    assert b"seeded" not in shown.out
    metric = f"\nsqs_entropy_agent_last_run_fallback_bytes {BYTES}\n"
    assert metric in machine.run(AGENT, "--status", "--openmetrics").out.decode()


@needs_kernel
def test_the_kernel_gets_what_kms_said_without_credit(
    machine: Machine, queue: Queue, tmp_path: Path
) -> None:
    log = tmp_path / "trace"
    conf = machine.conf(**{**machine.settings, "queue": queue.url})
    got = machine.run(
        shutil.which("strace") or "strace",
        *("-f", "-e", "trace=ioctl", "-e", "raw=ioctl", "-s", "4096", "-o", log),
        *(machine.run.build / AGENT, "-c", conf),
        env=machine.env(),
    )
    machine.fell_back(got)
    calls = [line for line in whole_lines(log) if "ioctl(" in line]
    # RNDADDTOENTCNT asks whether the kernel takes it; RNDADDENTROPY, RNDRESEEDCRNG.
    requests = [line.split("ioctl(")[1].split(", ")[1] for line in calls]
    assert requests[-2:] == ["0x40085203", "0x5207"]
    assert requests.count("0x40085203") == 1


@needs_kernel
def test_a_queue_out_of_reach_is_made_up_for(
    machine: Machine, queue: Queue, proxy: SqsProxy
) -> None:
    """Also one that is silent: the end of the time-out is left to KMS."""
    faults = {
        "silent": {"end": "silence"},
        "reset": {"end": "reset"},
        "failing": {"status": 503},
        "no SQS": {"status": 200, "body": "Sign in"},
    }
    for fault in each(faults):
        proxy.clear()
        proxy.fault("ReceiveMessage", count=None, **fault)
        machine.kms.forget()
        machine.fell_back(machine.seed(queue), 69)
        assert len(machine.asked()) == 1


@needs_kernel
def test_a_wait_that_is_not_answered_leaves_its_time(
    machine: Machine, queue: Queue, proxy: SqsProxy
) -> None:
    machine.settings["wait_time"] = 8
    proxy.fault("ReceiveMessage", skip=1, count=None, end="silence")
    machine.fell_back(machine.seed(queue))
    assert len(machine.asked()) == 1


@needs_kernel
def test_a_message_is_all_that_is_needed(machine: Machine, queue: Queue) -> None:
    queue.send(body(noise(512)))
    got = machine.seed(queue)
    assert got.code == 0, got.err
    assert machine.asked() == []
    assert status(machine.run)["fallback"] == 0


@needs_kernel
def test_nobody_is_asked_unless_it_is_set(machine: Machine, queue: Queue) -> None:
    for value in each({"default": {}, "none": {"fallback": "none"}}):
        del machine.settings["fallback"]
        machine.settings |= value
        got = machine.seed(queue)
        assert got.code == 75, got.err
        assert machine.asked() == []
        assert "KMS" not in got.err
        machine.settings["fallback"] = ""


def test_what_goes_elsewhere_are_messages_alone(machine: Machine, queue: Queue) -> None:
    got = machine.seed(queue, "-o", "-")
    assert (got.code, got.out) == (75, b""), got.err
    assert machine.asked() == []


@needs_kernel
def test_what_is_denied_or_wrong_stays_so(
    machine: Machine, queue: Queue, proxy: SqsProxy
) -> None:
    proxy.fault("ReceiveMessage", count=None, **coral("AccessDenied", "no", ""))
    got = machine.seed(queue)
    assert got.code == 77, got.err
    assert machine.asked() == []


@needs_kernel
def test_it_is_no_seeded_machine(machine: Machine, queue: Queue) -> None:
    """The next run of the same boot looks again, however short its time is."""
    machine.fell_back(machine.seed(queue, "--unless-seeded", "600"))
    queue.send(body(noise(512)))
    got = machine.seed(queue, "--unless-seeded", "600")
    assert got.code == 0, got.err
    assert "injected 512 bytes" in got.err
    # And what was done before counts on.
    got = machine.seed(queue)
    assert (got.code, SAID in got.err) == (75, True)
    assert status(machine.run)["injected"] != 0
    assert machine.seed(queue, "--best-effort", "--strict").code == 75
    assert machine.seed(queue, "--best-effort").code == 0


@needs_kernel
def test_kms_needs_its_permission(
    machine: Machine, queue: Queue, moto: Moto, make_role: Callable[..., Role]
) -> None:
    """Moto checks signatures and policies; the queue's are there in both."""
    roles = {
        "sqs": make_role("sqs:*"),
        "both": make_role("sqs:*", "kms:GenerateRandom"),
    }
    by = {name: role.credentials() for name, role in roles.items()}
    runs = {}
    with moto.iam_mode():
        for name, given in by.items():
            env = machine.env(
                AWS_ACCESS_KEY_ID=given.access_key,
                AWS_SECRET_ACCESS_KEY=given.secret_key,
                AWS_SESSION_TOKEN=given.token,
            )
            runs[name] = machine.seed(queue, env=env)
            if name == "sqs":
                machine.got_none(
                    runs[name], "AccessDenied", "allow kms:GenerateRandom on *"
                )
    machine.fell_back(runs["both"])


def plaintext(value: Any) -> dict[str, Any]:
    """An answer with that for its bytes."""
    return {"status": 200, "body": json.dumps({"Plaintext": value})}


LIES = {
    "short": plaintext(base64.b64encode(bytes(BYTES - 1)).decode()),
    "long": plaintext(base64.b64encode(bytes(BYTES + 1)).decode()),
    "no base64": plaintext("*" * 88),
    "number": plaintext(7),
    "null": plaintext(None),
    "empty": {"status": 200, "body": "{}"},
}


@needs_kernel
def test_not_a_byte_of_a_lying_answer_is_taken(machine: Machine, queue: Queue) -> None:
    for lie in each(LIES):
        machine.kms.clear()
        machine.kms.fault(RANDOM, count=None, **lie)
        got = machine.seed(queue)
        machine.got_none(got, f"no Plaintext of {BYTES} bytes in base64")


@needs_kernel
def test_kms_does_not_outlast_the_run(machine: Machine, queue: Queue) -> None:
    machine.kms.fault(RANDOM, count=None, end="silence")
    machine.settings["timeout"] = 6
    machine.got_none(machine.seed(queue), "GenerateRandom", "no answer in time")


@needs_kernel
def test_with_too_little_time_nobody_is_asked(
    machine: Machine, queue: Queue, proxy: SqsProxy
) -> None:
    """A delete that hangs has all the time that there is, the end included."""
    queue.send(body(noise(512)))
    proxy.fault("DeleteMessageBatch", count=None, end="silence")
    machine.settings["timeout"] = 6
    machine.got_none(machine.seed(queue), "no time is left to ask for them", code=69)
    assert machine.asked() == []


def test_check_tells_who_would_be_asked(machine: Machine, queue: Queue) -> None:
    shown = machine.seed(queue, "--check")
    assert shown.code == 0, shown.err
    url = machine.kms.url
    line = f'# endpoint of KMS = "{url}"  # AWS_ENDPOINT_URL_KMS\n'
    assert line in shown.out.decode()
    env = machine.env(AWS_ENDPOINT_URL_KMS="http://192.0.2.1")
    shown = machine.seed(queue, "--check", env=env)
    assert shown.code == 78
    assert "AWS_ENDPOINT_URL_KMS: endpoint" in shown.err
    machine.settings["fallback"] = "none"
    assert b"of KMS" not in machine.seed(queue, "--check").out
