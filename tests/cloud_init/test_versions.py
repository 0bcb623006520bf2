# SPDX-License-Identifier: Apache-2.0
"""The module under real releases of cloud-init, booted as far as its init stage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from boots import (
    AGENT,
    BOOT,
    CALLS,
    CLOUD_INIT,
    REBOOT,
    RUNTIME,
    SEED,
    UPDATE,
    Boot,
    Machine,
    example,
)

ONCE = ["once-per-instance", "early"]
RUN = "--config /etc/sqs-entropy/agent.conf"
CONF = "/etc/sqs-entropy/agent.conf"
DROP_IN = "/etc/cloud/cloud.cfg.d/90_sqs_entropy.cfg"


def configured(directive: str) -> dict[str, Any]:
    """The directive where no release validates it."""
    return {DROP_IN: f"sqs_entropy: {directive}\n"}


def agent(script: str) -> dict[str, Any]:
    """Give a stand-in for the agent that ends by script."""
    return {"/usr/sbin/sqs-entropy-agent": [AGENT % script, 0o755]}


def index(boot: Boot, text: str) -> int:
    """The first line of the log with text in it."""
    found = (i for i, line in enumerate(boot.log) if text in line)
    where = next(found, None)
    assert where is not None, "\n".join([f"no {text} in the log:", *boot.log])
    return where


def fine(boot: Boot) -> None:
    """Assert that nothing was said that makes a machine "degraded"."""
    assert boot.codes() == [0] * len(boot.steps), boot.said()
    assert boot.complaints == []
    assert "Traceback" not in boot.said() + "\n".join(boot.log)


def test_a_directive_in_user_data_is_obeyed_once(machine: Machine) -> None:
    """It is obeyed once, before seed_random; new releases do not know the key."""
    boot = machine.boot(example("directive.yaml"))
    assert boot.codes() == [0, 0], boot.said()
    assert boot.calls == [RUN]
    assert "messages = 2\n" in boot.files[CONF]
    keys = [name for name in boot.files if name.endswith(".pub")]
    assert [name.rsplit("/", 1)[1] for name in keys] == [
        "cloud-init-1.pub",
        "cloud-init-2.pub",
    ]
    module = index(boot, "Running module sqs_entropy ")
    assert module < index(boot, "Running module seed_random ")
    assert module < index(boot, "Running module bootcmd ")
    assert "/var/lib/cloud/instances/i-1/sem/config_sqs_entropy" in boot.files
    assert "sqs_entropy: seeded, exit 0; sqs-entropy-agent: this is" in boot.said()
    if machine.knows_all_keys:
        assert len(boot.complaints) == 1
        assert "schema.py[WARNING]" in boot.complaints[0]
    else:
        assert boot.complaints == []


@pytest.mark.parametrize("name", ["user-data.txt", "random_seed.yaml"])
def test_user_data_can_be_obeyed_without_a_warning(machine: Machine, name: str) -> None:
    """These work without a warning in every release."""
    boot = machine.boot(example(name))
    fine(boot)
    assert len(boot.calls) == 1
    if name == "user-data.txt":
        assert boot.calls == [RUN]
        assert 'queue = "https://' in boot.files[CONF]
    else:
        assert boot.calls[0].startswith("--queue https://")
        assert index(boot, "Running module seed_random ") < index(
            boot, "Running module bootcmd "
        )


def test_a_directive_in_the_image_is_obeyed_without_a_warning(machine: Machine) -> None:
    """The example for cloud.cfg.d works without a warning, and is merged into."""
    files = {DROP_IN: example("cloud.cfg.d-example.cfg")}
    boot = machine.boot(files=files)
    fine(boot)
    assert boot.calls == [RUN]
    assert 'queue = "entropy"\n' in boot.files[CONF]
    merged = machine.boot("#cloud-config\nsqs_entropy: {messages: 7}\n", files=files)
    assert "messages = 7\n" in merged.files[CONF]
    assert 'queue = "entropy"\n' in merged.files[CONF]
    assert merged.calls == [RUN]


def test_a_whole_boot_has_the_status_done(machine: Machine) -> None:
    """Cloud-init's own word on it, after all four stages."""
    stages = (
        [*BOOT, "--local"],
        BOOT,
        [*CLOUD_INIT, "modules", "--mode=config"],
        [*CLOUD_INIT, "modules", "--mode=final"],
    )
    status = [*CLOUD_INIT, "status", "--format=json"]
    files = {**configured("{queue: q}"), **agent("exit 75")}
    boot = machine.run(UPDATE, *stages, status, files=files)
    assert boot.complaints == []
    assert boot.codes()[:-1] == [0] * (len(boot.steps) - 1)
    if machine.version >= (23, 4):
        assert boot.codes()[-1] == 0
        told = json.loads(boot.steps[-1]["out"])
        assert told["extended_status"] == "done"
        assert told["recoverable_errors"] == {}
        assert told["errors"] == []


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("exit 75", "the queue is empty"),
        ("exit 77", "access denied"),
        ("kill -SEGV $$", "signal 11"),
    ],
)
def test_unseeded_is_no_warning(machine: Machine, script: str, word: str) -> None:
    """What passes by itself neither fails nor degrades a boot."""
    boot = machine.boot(files={**configured("{queue: q}"), **agent(script)})
    fine(boot)
    assert boot.calls == [RUN]
    assert word in boot.said()
    index(boot, "[INFO]: sqs-entropy-agent: this is what it said")
    index(boot, "Running module bootcmd ")


def test_no_agent_is_no_warning(machine: Machine) -> None:
    """The module alone writes nothing."""
    files = {**configured("{queue: q}"), "/usr/sbin/sqs-entropy-agent": None}
    boot = machine.boot(files=files)
    fine(boot)
    assert CONF not in boot.files
    assert "install it" in boot.said()


def test_an_agent_that_hangs_is_killed(machine: Machine) -> None:
    """It is killed, its children too, although one keeps the output open."""
    script = "(trap '' TERM INT HUP; sleep 80) & sleep 80"
    boot = machine.boot(
        files={**configured("{queue: q, timeout: 1}"), **agent(script)},
    )
    fine(boot)
    assert "killed: it ran for over 6 s" in boot.said()


def test_no_such_queue_is_a_warning(machine: Machine) -> None:
    """Somebody has to act, and the boot goes on."""
    boot = machine.boot(files={**configured("{queue: q}"), **agent("exit 78")})
    assert boot.codes() == [0, 0]
    assert len(boot.complaints) == 1
    assert "no such queue" in boot.complaints[0]


@pytest.mark.parametrize("required", [False, True])
def test_a_bad_directive_is_reported_and_writes_nothing(
    machine: Machine, required: bool
) -> None:
    """It is told by its key's name; nothing is written or run."""
    word = "true" if required else "false"
    boot = machine.boot(
        files=configured(f"{{messages: 11, quue: x, required: {word}}}"),
    )
    text = "\n".join(boot.complaints)
    assert "sqs_entropy.messages: 11 is not from 1 to 10" in text
    assert "sqs_entropy.quue: no such key" in text
    assert CONF not in boot.files
    assert boot.calls == []
    index(boot, "Running module bootcmd ")
    assert boot.codes() == [0, 1 if required else 0]
    assert len(boot.complaints) == 1 or required
    assert ("Traceback" in "\n".join(boot.log)) is required


def test_an_empty_queue_fails_where_required(machine: Machine) -> None:
    """An empty queue is a failure that cloud-init records, if that was asked for."""
    directive = "{queue: q, required: true}"
    boot = machine.boot(files={**configured(directive), **agent("exit 75")})
    assert boot.codes() == [0, 1]
    assert any("sqs_entropy" in line and "failed" in line for line in boot.complaints)
    index(boot, "Running module bootcmd ")
    seeded = machine.boot(files=configured(directive))
    fine(seeded)


def test_without_a_directive_nothing_happens(machine: Machine) -> None:
    """The module is enabled on every machine that has the package."""
    boot = machine.boot()
    fine(boot)
    assert boot.calls == []
    assert CONF not in boot.files
    assert "sqs_entropy" in boot.files[RUNTIME]
    index(boot, "sqs_entropy")


def test_a_file_of_the_same_user_data_is_waited_for(machine: Machine) -> None:
    """write_files comes after the early entry of the list and before the late one."""
    file = "write_files: [{path: /root/ca.pem, content: x%s}]"
    files = configured("{queue: q, ca_bundle: /root/ca.pem}")
    boot = machine.boot(f"#cloud-config\n{file % ''}\n", files=files)
    fine(boot)
    assert boot.calls == [RUN]
    put_off = index(boot, "ca_bundle names is not there yet: put off until just before")
    assert put_off < index(boot, "Running module seed_random ")
    assert index(boot, "Writing to /root/ca.pem") < index(boot, "seeded, exit 0")
    # The final stage writes this one.
    late = machine.boot(f"#cloud-config\n{file % ', defer: true'}\n", files=files)
    assert late.calls == []
    [line] = late.complaints
    assert "not seeded, what ca_bundle names is not there yet" in line
    assert 'ca-bundle = "/root/ca.pem"\n' in late.files[CONF]


def test_a_container_is_left_to_its_host(machine: Machine) -> None:
    """The module skips where the unit does, and says why."""
    virt = {"/usr/bin/systemd-detect-virt": ["#!/bin/sh\necho lxc\n", 0o755]}
    boot = machine.boot(files={**configured("{queue: q, required: true}"), **virt})
    fine(boot)
    assert boot.calls == []
    assert CONF not in boot.files
    assert "skipped: a container (lxc) has the kernel of its host" in boot.said()


def test_the_module_runs_once_an_instance(machine: Machine) -> None:
    """A second boot leaves the queue alone; another instance does not."""
    other = ["sh", "-c", f"echo instance-id: i-2 >{SEED}/meta-data"]
    boot = machine.run(
        *(UPDATE, BOOT, REBOOT, UPDATE, BOOT, ["cat", CALLS], other, REBOOT),
        *(UPDATE, [*BOOT, "--local"], BOOT),
        files=configured("{queue: q}"),
    )
    fine(boot)
    assert boot.steps[5]["out"].splitlines() == [RUN]
    assert boot.calls == [RUN, RUN]


def test_the_module_can_be_run_by_hand(machine: Machine) -> None:
    """A module can be run by hand; its semaphore holds there too."""
    single = [*CLOUD_INIT, "single", "--name", "sqs_entropy"]
    boot = machine.run(
        *(UPDATE, BOOT, single, [*single, "--frequency", "always"]),
        files=configured("{queue: q}"),
    )
    fine(boot)
    assert boot.calls == [RUN, RUN]


def test_clean_leaves_nothing_of_an_instance(machine: Machine) -> None:
    """Nothing of an instance is in an image, and the image's own settings are."""
    clean = [*CLOUD_INIT, "clean"]
    if machine.version < (22, 3):
        clean = ["/etc/cloud/clean.d/80-sqs-entropy-agent"]
    boot = machine.run(
        *(UPDATE, BOOT, clean, clean),
        files={
            **configured("{queue: q, trusted_producers: []}"),
            CONF: "queue = image\n",
            "/var/lib/sqs-entropy/seen": "x",
            "/run/sqs-entropy/agent.json": "x",
            "/run/sqs-entropy/last-seed": "x",
            f"{SEED}/user-data": example("user-data.txt"),
        },
    )
    fine(boot)
    assert boot.calls == [RUN]
    # cloud-init's own semaphores were not cleaned where we had to run our hook.
    left = {n for n in boot.files if "sqs" in n and not n.startswith("/var/lib/cloud")}
    assert left == {CONF, DROP_IN}
    assert boot.files[CONF] == "queue = image\n"


@pytest.mark.parametrize(
    "name", ["directive.yaml", "random_seed.yaml", "raspberry-pi.yaml"]
)
def test_the_schema_check_knows_no_directive(machine: Machine, name: str) -> None:
    """What "cloud-init schema" says of the examples for user-data."""
    command = [*CLOUD_INIT, "schema", "--config-file", "/root/x.yaml"]
    boot = machine.run(command, files={"/root/x.yaml": example(name)})
    unknown = name == "directive.yaml" and machine.knows_all_keys
    assert (boot.steps[0]["code"] != 0) is unknown, boot.said()
    assert ("Valid" in boot.said()) is not unknown
    if unknown:
        assert "sqs_entropy" in boot.said()


def test_the_installed_list_is_kept(machine: Machine) -> None:
    """Of the release's own cloud.cfg nothing but our entry changes, in effect."""
    script = """
import json, sys
from cloudinit import stages
init = stages.Init(ds_deps=[])
init.read_cfg([])
print(json.dumps(init.cfg["cloud_init_modules"]))
"""
    show = ["python3", "-c", script]
    boot = machine.run(show, UPDATE, show, files={"/etc/cloud/cloud.cfg": None})
    before, after = (json.loads(boot.steps[i]["out"]) for i in (0, 2))
    assert len(before) > 10
    early, late = (["sqs_entropy", *e] for e in (ONCE, ["always", "late"]))
    assert [entry for entry in after if entry not in (early, late)] == before
    assert after[after.index(early) + 1] == "seed_random"
    assert after[after.index(late) + 1] == "ssh"
    assert boot.codes() == [0, 0, 0]


def test_each_release_reads_the_module(machine: Machine) -> None:
    """What each release reads of a module, by its own functions."""
    script = """
import inspect, json
from cloudinit import importer, type_utils, config
from cloudinit.settings import FREQUENCIES
try:
    from cloudinit.config import modules
except ImportError:
    modules = None
found, _ = importer.find_module(
    "cc_sqs_entropy", ["", type_utils.obj_name(config)], ["handle"]
)
assert found == ["cc_sqs_entropy"], found
module = importer.import_module(found[0])
if hasattr(modules, "validate_module"):
    modules.validate_module(module, "sqs_entropy")
assert module.meta["frequency"] in FREQUENCIES
assert module.meta["distros"] == ["all"]
assert not hasattr(module, "schema")
# Five parameters are what makes 23.2 and later warn and add "log".
assert len(inspect.signature(module.handle).parameters) != 5
for bad in ({}, {"meta": {}}, {"meta": module.meta, "schema": {}}):
    class Broken:
        pass
    for name, value in bad.items():
        setattr(Broken, name, value)
    try:
        modules.validate_module(Broken, "broken")
    except ValueError:
        continue
    raise AssertionError(bad)
print("fine")
"""
    boot = machine.run(["python3", "-c", script])
    assert boot.steps[0]["out"] == "fine\n", boot.said()
