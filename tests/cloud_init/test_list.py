# SPDX-License-Identifier: Apache-2.0
"""When the module gets into cloud-init's list, and when rather not."""

from __future__ import annotations

from typing import Any

from boots import BOOT, CALLS, LIST, RUNTIME, SEED, UPDATE, Machine

CLOUD_CFG = "/etc/cloud/cloud.cfg"
MODULE = "/usr/lib/python3/dist-packages/cc_sqs_entropy.py"
SHOW = ["sh", "-c", f"cat {RUNTIME} || :"]
# What ds-identify writes there, but for the end of the line.
THEIRS = "datasource_list: [ NoCloud ]"
GOOD = "cloud_init_modules: [seed_random, ssh]\n"
# Of cloud.cfg; what is said of it.
DOUBTS = {
    "broken": (
        "cloud_init_modules: [ssh\nusers: {",
        "no file of /etc/cloud has a list",
    ),
    "empty": ("", "no file of /etc/cloud has a list"),
    "no list": ("users: [default]\n", "no file of /etc/cloud has a list"),
    "a string": ("cloud_init_modules: ssh\n", "no file of /etc/cloud has a list"),
    "nothing": ("cloud_init_modules:\n", "no file of /etc/cloud has a list"),
    "conf_d": (f"conf_d: [x]\n{GOOD}", "TypeError"),
    "template": (
        "## template: jinja\ncloud_init_modules: ['{{ v1.region }}', ssh]\n",
        "is a template that cannot be filled in yet",
    ),
}


def put(path: str, text: str) -> list[str]:
    """Write a file."""
    return ["sh", "-c", 'printf %s "$2" >"$1"', "sh", path, text]


def test_a_list_in_doubt_is_left_alone(machine: Machine) -> None:
    """No other module is lost, it is said why, and a mended file is enough."""
    commands: list[list[str]] = [put(RUNTIME, THEIRS)]
    for text, _ in DOUBTS.values():
        commands += [put(CLOUD_CFG, text), UPDATE, SHOW]
    commands += [put(CLOUD_CFG, GOOD), UPDATE, SHOW, [LIST, "remove"], SHOW]
    boot = machine.run(["mkdir", "/run/cloud-init"], *commands)
    assert boot.codes() == [0] * len(boot.steps)
    steps = boot.steps[2:]
    for what, (_, word) in DOUBTS.items():
        (_, bad, shown), steps = steps[:3], steps[3:]
        assert "cloud-init will not run sqs_entropy: " in bad["err"], what
        assert word in bad["err"], what
        assert shown["out"].strip() == THEIRS, what
    _, good, mended, _, removed = steps
    assert good["err"] == ""
    assert mended["out"].startswith(f"{THEIRS}\n# Made by")
    assert mended["out"].count("sqs_entropy") == 2
    assert removed["out"].strip() == THEIRS


def test_a_list_that_has_it_is_left_alone(machine: Machine) -> None:
    """An administrator's own entry is enough."""
    files = {CLOUD_CFG: "cloud_init_modules: [ssh, [sqs-entropy, always]]\n"}
    boot = machine.run(UPDATE, SHOW, files=files)
    assert boot.said().startswith("cat: ")


def test_a_module_that_cannot_be_imported_is_not_listed(machine: Machine) -> None:
    """It would be a warning at each boot."""
    broken = put("/usr/libexec/sqs-entropy/cc_sqs_entropy.py", "raise ValueError(5)")
    no_python = put("/usr/bin/cloud-init", "#!/bin/sh\n")
    boot = machine.run(broken, UPDATE, BOOT, no_python, UPDATE)
    assert "cannot import cc_sqs_entropy: 5" in boot.steps[1]["err"]
    assert "it is no Python program, but one of /bin/sh" in boot.steps[4]["err"]
    assert RUNTIME not in boot.files
    assert boot.complaints == []
    assert boot.codes() == [0] * 5


def test_the_module_follows_to_another_python(machine: Machine) -> None:
    """As after an upgrade of Python, or for a cloud-init in an environment."""
    python = "/opt/other/bin/python"
    move = (
        "python3 -m venv --without-pip /opt/other && "
        f"site=$({python} -c 'import site; print(site.getsitepackages()[0])') && "
        f"rm {MODULE} && cp -a /usr/lib/python3/dist-packages/. $site && "
        "rm -r /usr/lib/python3/dist-packages/cloudinit && "
        f"sed -i '1s|.*|#! {python} -s|' /usr/bin/cloud-init && echo $site"
    )
    find = ["find", "/opt/other", "/usr/lib/python3", "-name", "cc_sqs_entropy*"]
    files: dict[str, Any] = {
        f"{SEED}/user-data": "#cloud-config\nsqs_entropy: {queue: q}\n"
    }
    init = [python, *BOOT[1:]]
    boot = machine.run(
        *(["sh", "-c", move], UPDATE, init, ["cat", CALLS], find),
        *([LIST, "remove"], find, SHOW),
        # Where it cannot be linked there is no entry without a module.
        ["sh", "-c", "cd /opt/other/lib/python3*/*s && mkdir cc_sqs_entropy.py"],
        *(UPDATE, SHOW),
        files=files,
    )
    assert boot.codes() == [0] * len(boot.steps), boot.said()
    site = boot.steps[0]["out"].strip()
    assert boot.steps[1]["err"] == ""
    assert boot.steps[3]["out"] == "--config /etc/sqs-entropy/agent.conf\n"
    assert f"{site}/cc_sqs_entropy.py" in boot.steps[4]["out"].splitlines()
    assert [boot.steps[i]["out"] for i in (6, 7, 10)] == ["", "", ""]
    assert (
        f"make {site}/cc_sqs_entropy.py a link to /usr/libexec" in boot.steps[9]["err"]
    )
