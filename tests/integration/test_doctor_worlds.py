# SPDX-License-Identifier: Apache-2.0
"""Worlds in each of which one thing is wrong, and --doctor of a program to find it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aid.doctor import AGENT, PRODUCER, WAIT_SYNC, World, needs_root
from aid.worlds import (
    KEY_OFF,
    KMS,
    NOT_ALLOWED,
    SCOPE,
    SCP,
    attributes,
    damaged_status,
    denial,
    empty,
    failed_run,
    fault,
    imds_off,
    in_answer,
    lost_hop,
    loud_sts,
    misnamed,
    mode,
    no_bundle,
    no_credentials,
    no_device,
    no_keys,
    no_landlock,
    no_list,
    no_name,
    no_proxy,
    no_queue,
    no_role,
    no_route,
    no_seal_key,
    no_signing_key,
    no_state,
    no_tag,
    no_user,
    no_wait,
    old_certificate,
    old_credentials,
    other_ca,
    other_list,
    read_only,
    redrive,
    refused,
    regular_device,
    roots_device,
    silent_device,
    unit,
    untrusted,
    wrong_clock,
)

pytestmark = needs_root

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
