# SPDX-License-Identifier: Apache-2.0
"""The cloud-init module checks trusted.d as it will be after the change."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from aid.directives import key
from aid.host import Host, warnings

# The agent has a default for trusted.d built in.  Here it is the test's own, so
# that a configuration which leaves the key out means what it does when installed.
CHECK = """#!/bin/sh
[ "$1" = --check ] || exit 0
cat "$3" >{calls}.conf
grep -q '^trusted-producers = ' "$3" ||
    echo 'trusted-producers = "{end}"' >>{calls}.conf
stat -c %a "${{3%/*}}" >{calls}.mode
exec {agent} --check --config {calls}.conf
"""


@pytest.fixture
def host(
    tmp_path: Path, build: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[Host]:
    """Give a machine with an operator's directory of keys, and the real --check."""
    caplog.set_level(logging.DEBUG, "cc_sqs_entropy")
    old = os.umask(0o022)
    made = Host(tmp_path, build)
    made.install(str(made.trusted), CHECK)
    made.trusted.mkdir(parents=True)
    yield made
    os.umask(old)
    assert list(made.scratch.iterdir()) == []


def plant(host: Host, name: str, numbers: range) -> None:
    """Put keys into trusted.d."""
    for i in numbers:
        (host.trusted / f"{name}-{i}.pub").write_text(key(i) + "\n")


def keys(*numbers: int) -> dict[str, list[str]]:
    """Make a directive of keys."""
    return {"trusted_producers": [key(i) for i in numbers]}


def test_too_many_keys_with_the_operators_are_refused(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    plant(host, "operator", range(30))
    before = host.files()
    host.handle(keys(50, 51, 52, 53, 54))
    [line] = warnings(caplog)
    assert "directive refused, nothing was written" in line
    assert f"{host.trusted} holds over 32 trusted keys" in line
    assert host.files() == before
    # The one that is put right is taken.
    caplog.clear()
    host.handle(keys(50, 51))
    assert warnings(caplog) == []
    assert set(host.files()) == {
        *before,
        "agent.conf",
        "trusted.d/cloud-init-1.pub",
        "trusted.d/cloud-init-2.pub",
    }


@pytest.mark.parametrize("what", ["many", "damaged", "link", "open"])
def test_what_an_earlier_directive_left_is_replaced(
    host: Host, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    plant(host, "operator", range(30))
    plant(host, "cloud-init", range(1, 6 if what == "many" else 2))
    left = host.trusted / "cloud-init-1.pub"
    if what == "damaged":
        left.write_text("sqs-entropy-ed25519 half a")
    elif what == "link":
        left.unlink()
        left.symlink_to("nowhere")
    elif what == "open":
        left.chmod(0o666)
    host.handle(keys(50, 51))
    assert warnings(caplog) == []
    ours = sorted(path.name for path in host.trusted.glob("cloud-init-*"))
    assert ours == ["cloud-init-1.pub", "cloud-init-2.pub"]
    assert key(50) in left.read_text()
    assert stat.S_IMODE(left.stat().st_mode) == 0o644


def damage(host: Host, what: str) -> None:
    """Do something to one of the operator's keys."""
    damaged = host.trusted / "operator-1.pub"
    if what == "bad":
        damaged.write_text("sqs-entropy-ed25519 half a")
    elif what == "link":
        damaged.unlink()
        damaged.symlink_to("nowhere")
    elif what == "open":
        damaged.chmod(0o666)
    else:
        damaged.rename(host.trusted / f"{'n' * 200}.pub")


@pytest.mark.parametrize("what", ["bad", "link", "open", "name"])
def test_a_bad_key_of_the_operators_keeps_no_directive_from_its_work(
    host: Host, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    plant(host, "operator", range(3))
    damage(host, what)
    before = host.files()
    host.handle(keys(50))
    assert warnings(caplog) == []
    assert set(host.files()) == {*before, "agent.conf", "trusted.d/cloud-init-1.pub"}


def test_a_directory_of_keys_that_others_may_write_is_told(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    plant(host, "operator", range(3))
    host.trusted.chmod(0o777)
    before = host.files()
    host.handle(keys(50))
    [line] = warnings(caplog)
    assert "directive refused, nothing was written" in line
    assert f"run chmod go-w {host.trusted}" in line
    assert str(host.scratch) not in line
    assert host.files() == before


def test_what_the_agent_does_not_read_is_left_out(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    for name in (".hidden.pub", ".pub", "notes.txt", "old.pub.bak"):
        (host.trusted / name).write_text("no key")
    (host.etc / "keys").mkdir()
    (host.etc / "keys/pi").write_text(key(1) + "\n")
    (host.trusted / "linked.pub").symlink_to("../keys/pi")
    before = host.files()
    host.handle(keys(50))
    assert warnings(caplog) == []
    assert set(host.files()) - set(before) == {
        "agent.conf",
        "trusted.d/cloud-init-1.pub",
    }


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_the_copy_that_is_checked_is_open_to_nobody_else(
    host: Host, caplog: pytest.LogCaptureFixture, mask: int
) -> None:
    host.trusted.rmdir()
    os.umask(mask)
    host.handle({"queue": "q", **keys(50)})
    assert warnings(caplog) == []
    assert host.calls.with_name("calls.mode").read_text() == "700\n"
    # What was checked is what is written, but for where the keys are.
    checked = host.calls.with_name("calls.conf").read_text()
    written = host.conf.read_text()
    rest = checked[len(written) :]
    assert checked.startswith(written)
    assert rest.startswith(f'trusted-producers = "{host.scratch}/')
    assert rest.endswith('/trusted.d"\n')
    assert rest.count("\n") == 1
    assert stat.S_IMODE(host.trusted.stat().st_mode) == 0o755 & ~mask
