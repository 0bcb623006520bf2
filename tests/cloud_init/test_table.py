# SPDX-License-Identifier: Apache-2.0
"""The module runs once and before ssh, however it is enabled and whatever is there.

A row of the table is a way to enable it under one release of cloud-init, a column
what else is on the machine.  tests/cloud_init/versions prints the table.
"""

from __future__ import annotations

import os
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import pytest
import yaml
from boots import (
    AGAIN,
    BOOT,
    CALLS,
    CLOUD_INIT,
    LATE,
    REBOOT,
    SEED,
    UPDATE,
    Boot,
    Machine,
)

TABLE = Path(os.environ.get("CLOUD_INIT_TABLE", ""))
CONF_D = "/etc/cloud/cloud.cfg.d"
DIRECTIVE = "sqs_entropy: {queue: q}\n"
HOOK = f"#cloud-boothook\n#!/bin/sh\necho '{DIRECTIVE}' >{CONF_D}/95_hook.cfg\n"
STOCK: list[Any] = ["seed_random", "bootcmd", "write-files", "ssh"]
BY_HAND: list[Any] = [*STOCK[:-1], ["sqs_entropy", "once-per-instance"], "ssh"]
# Amazon Linux 2023 and RHEL have no seed_random.
ELSEWHERE: list[Any] = ["bootcmd", "write-files", "ssh"]
NO_BOOTCMD: list[Any] = ["seed_random", "write-files", "ssh"]
SETTINGS = f"""\
datasource_list: [NoCloud]
network: {{config: disabled}}
bootcmd: ["echo bootcmd >>{CALLS}"]
disable_root: false
ssh: {{emit_keys_to_console: false}}
ssh_publish_hostkeys: {{enabled: false}}
"""
KEYGEN = (
    f'#!/bin/sh\nfor f; do :; done\necho ssh-keygen >>{CALLS}\ntouch "$f" "$f.pub"\n'
)
# cloud-init's process that does all stages, and systemd, which has each one wait.
SINGLE = f"""
import os, socket, subprocess, sys, time
share = "/run/cloud-init/share/"
process = subprocess.Popen([*{CLOUD_INIT}, "--all-stages"], stdin=subprocess.DEVNULL)
for stage in "local", "network", "config", "final":
    while not os.path.exists(share + stage + ".sock"):
        assert process.poll() is None
        time.sleep(0.05)
    if stage == "local":
        subprocess.run({UPDATE}, check=True)
    try:
        to = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        to.connect(share + stage + ".sock")
    except OSError:
        to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        to.bind(share + stage + "-return.sock")
        to.connect(share + stage + ".sock")
    to.sendall(b"start")
    assert to.recv(4096)
    if stage == "local":
        subprocess.run({AGAIN}, check=True)
    if stage == "network":
        subprocess.run({LATE}, check=True)
process.wait()
"""


def cloud_cfg(modules: list[Any], **more: Any) -> str:
    """A machine's own configuration."""
    return yaml.safe_dump(
        {
            "users": ["default"],
            "cloud_init_modules": modules,
            "cloud_config_modules": [],
            "cloud_final_modules": [],
            "system_info": {"distro": "debian"},
            **more,
        }
    )


def parts(*texts: str) -> str:
    """User-data of several parts, whose kinds cloud-init tells by their texts."""
    whole = MIMEMultipart()
    for text in texts:
        whole.attach(MIMEText(text))
    return whole.as_string()


def a_list(modules: list[Any]) -> str:
    """A part of a configuration that replaces the list."""
    return yaml.safe_dump({"cloud_init_modules": modules})


CLOUD_CONFIG = "#cloud-config\n"
# What each way puts where: "user" and "vendor" are parts of such data.
WAYS: dict[str, dict[str, Any]] = {
    "user-data": {"user": [CLOUD_CONFIG + DIRECTIVE]},
    "vendor-data": {"vendor": [CLOUD_CONFIG + DIRECTIVE]},
    "image": {"files": {f"{CONF_D}/90_sqs_entropy.cfg": DIRECTIVE}},
    "boot hook": {"user": [HOOK]},
    "by hand": {"list": BY_HAND, "user": [CLOUD_CONFIG + DIRECTIVE]},
}
JINJA = "## template: jinja\n"
# Of a column: "local", the local stage is run, too; "late", another's list leaves the
# module out, and it runs after ssh; "taken", the list has no bootcmd.
ELSE: dict[str, dict[str, Any]] = {
    "nothing": {"twice": True, "local": True},
    "edited": {"list": NO_BOOTCMD, "taken": True},
    "no seed_random": {"list": ELSEWHERE},
    "list before": {
        "files": {f"{CONF_D}/00_a.cfg": a_list(NO_BOOTCMD)},
        "taken": True,
    },
    "list behind": {
        "files": {f"{CONF_D}/zz.cfg": a_list(NO_BOOTCMD)},
        "taken": True,
    },
    "jinja": {
        "files": {
            "/etc/cloud/cloud.cfg": f"{JINJA}{{% if v1.instance_id == 'i-1' %}}\n"
            f"{cloud_cfg(NO_BOOTCMD)}{{% endif %}}\n"
        },
        "taken": True,
        "local": True,
        "since": (23, 4),
    },
    "jinja user-data": {"user": [f"{JINJA}{CLOUD_CONFIG}x: '{{{{ v1.region }}}}'\n"]},
    "vendor-data": {"vendor": [f"{CLOUD_CONFIG}write_files: [{{path: /root/v}}]\n"]},
    "user's list": {
        "user": [CLOUD_CONFIG + a_list(NO_BOOTCMD)],
        "taken": True,
        "late": True,
    },
    "vendor's list": {
        "vendor": [CLOUD_CONFIG + a_list(NO_BOOTCMD)],
        "taken": True,
        "late": True,
    },
    "one process": {"single": True, "since": (24, 3)},
}


def boot(machine: Machine, way: dict[str, Any], other: dict[str, Any]) -> Boot:
    """Boot a machine with both."""
    # To the others the local stage makes no difference, which takes its time.
    local = [[*BOOT, "--local"], AGAIN] if other.get("local") else []
    commands = [UPDATE, *local, BOOT, LATE]
    if other.get("single"):
        commands = [["python3", "-c", SINGLE]]
    if other.get("twice"):
        commands += [REBOOT, *commands]
    modules = other.get("list") or way.get("list") or STOCK
    if "list" in way and "list" in other:
        modules = [*modules[:-1], BY_HAND[-2], modules[-1]]
    files = {
        "/etc/cloud/cloud.cfg": cloud_cfg(modules),
        f"{CONF_D}/90_test.cfg": SETTINGS,
        "/usr/bin/ssh-keygen": [KEYGEN, 0o755],
        f"{SEED}/user-data": parts(*way.get("user", []), *other.get("user", [])),
        f"{SEED}/vendor-data": parts(*way.get("vendor", []), *other.get("vendor", [])),
        **way.get("files", {}),
        **other.get("files", {}),
    }
    return machine.run(*commands, files=files)


def verdict(found: Boot, other: dict[str, Any]) -> str:
    """What came of it; all that is wrong is in capitals."""
    calls = ["agent" if "--config" in call else call for call in found.calls]
    if "ssh-keygen" not in calls or calls.count("agent") != 1:
        return f"WRONG: {calls}\n{found.said()}\n" + "\n".join(found.log)
    if ("bootcmd" in calls) is other.get("taken", False):
        return f"ANOTHER'S LIST: {calls}"
    late = calls.index("agent") > calls.index("ssh-keygen")
    if late is not ("after the host keys" in found.said()):
        return f"LATE, SAID NOT SO: {calls}\n{found.said()}"
    return "after ssh, said" if late else "before ssh"


@pytest.mark.parametrize("way", WAYS)
def test_it_runs_once_and_before_ssh(machine: Machine, way: str) -> None:
    """A row of the table."""
    version = ".".join(map(str, machine.version))
    lines, wrong = [], []
    for column, other in ELSE.items():
        if machine.version < other.get("since", (0,)):
            found = expected = "not in this release"
        else:
            found = verdict(boot(machine, WAYS[way], other), other)
            expected = "after ssh, said" if other.get("late") else "before ssh"
        first = found.partition("\n")[0]
        lines.append(f"{version:8} {way:12} {column:16} {first}\n")
        wrong += [f"{column}: {found}"] if found != expected else []
    if TABLE.name:
        (TABLE / f"{version}-{way}").write_text("".join(lines))
    assert not wrong, "\n".join(wrong)
