# SPDX-License-Identifier: Apache-2.0
"""Agents and producers of hosts of which one has ML-KEM and the other does not.

XWING_RELEASES=DIR is the folder that "make check-xwing" fills: what the debs
installed in a root of Debian 12 and one of Debian 13, looking like two builds.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aid.forge import Fleet, XwingFleet, key_line
from aid.maker import KeyPair, Maker
from aid.programs import AGENT, PRODUCER, Runner
from aid.queue import Queue
from aid.verdicts import CREDIT, SEALED, Judge

RELEASES = Path(os.environ.get("XWING_RELEASES", "")).resolve()
OLD, NEW = "bookworm", "trixie"

pytestmark = pytest.mark.skipif(
    not os.environ.get("XWING_RELEASES"),
    reason="XWING_RELEASES names no folder: make check-xwing makes one",
)
Hosts = Callable[[str, str], Maker]


@pytest.fixture
def hosts(
    run: Runner, make_judge: Callable[..., Judge], queue: Queue, source: Path
) -> Hosts:
    """Give a function for a producer of one release and an agent of another."""

    def make(producer: str, agent: str) -> Maker:
        judge = make_judge(queue)
        judge.run = replace(run, build=RELEASES / agent)
        maker = Maker(replace(run, build=RELEASES / producer), judge, source)
        maker.sign()
        return maker

    return make


def give_xwing(maker: Maker, by: Maker) -> KeyPair:
    """Give the producer the public key of a pair that another host makes."""
    pair = by.genkey("xwing.key", "--seal=xwing")
    public = maker.judge.directory / "xwing.pub"
    public.write_text(pair.line)
    maker.settings["seal_to"] = str(public)
    return pair


def openssl_of(release: str) -> str:
    done = subprocess.run(
        [RELEASES / release / "tests/programs/message"],
        input="openssl\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return bytes.fromhex(done.stdout.split()[1]).decode()


def credited(maker: Maker) -> bool:
    """Whether one run of the producer leads to credit in one run of the agent."""
    made = maker.once()
    assert made.code == 0, made.err
    got = maker.judge.look("--strict")
    assert got.result.code == 0, got.result.err
    return got.credit == CREDIT and all(v.discarded is None for v in got.verdicts)


def test_the_hosts_are_of_both_kinds() -> None:
    """What follows would show nothing on two alike."""
    assert openssl_of(OLD).startswith("3.0.")
    assert openssl_of(NEW).startswith("3.5.")


@pytest.mark.parametrize("producer", [OLD, NEW])
@pytest.mark.parametrize("agent", [OLD, NEW])
@pytest.mark.parametrize("sealed", [False, True])
def test_x25519_works_between_them(
    hosts: Hosts, producer: str, agent: str, sealed: bool
) -> None:
    maker = hosts(producer, agent)
    if sealed:
        maker.seal("--seal=x25519")
    assert credited(maker)


def test_xwing_works_where_both_have_it(hosts: Hosts) -> None:
    maker = hosts(NEW, NEW)
    pair = give_xwing(maker, maker)
    maker.judge.settings["seal_key"] = str(pair.file)
    assert credited(maker)
    assert maker.once().code == 0
    messages = maker.messages()
    assert {m.claims()["seal"] for m in messages} == {"xwing"}
    assert {len(m.payload) for m in messages} == {512 + 1120 + 16}


def test_an_old_host_makes_no_key_and_seals_nothing(hosts: Hosts) -> None:
    maker = hosts(OLD, NEW)
    made = maker.run(PRODUCER, "--genkey", maker.judge.directory / "k", "--seal=xwing")
    assert made.code == 78
    assert "OpenSSL on this host has no ML-KEM-768: make it on another" in made.err
    give_xwing(maker, replace(maker, run=maker.judge.run))
    for got in maker.run(PRODUCER, "--check", "-c", maker.conf()), maker.once():
        assert got.code == 78
        [line] = got.lines()
        assert "seal-to: OpenSSL on this host has no ML-KEM-768: seal on an" in line
    assert maker.queue.depth() == (0, 0)


def test_an_old_agent_says_what_a_message_needs(hosts: Hosts) -> None:
    """Without a key, with the one that it can use, and with both."""
    maker = hosts(NEW, OLD)
    pair = give_xwing(maker, maker)
    other, key = Fleet(), maker.judge.directory / "seal.key"
    other.key_file(key).chmod(0o600)
    for settings, said in (
        ({}, "no seal-key is configured, and seal=xwing takes OpenSSL 3.5 or later"),
        ({"seal_key": str(key)}, "seal-key has no key for seal=xwing: add the fleet's"),
    ):
        maker.judge.settings = settings
        assert maker.once().code == 0
        got = maker.judge.look()
        assert got.result.code == 65, got.result.err
        assert got.result.err.count(said) == len(got.verdicts) > 0
        assert all(v.discarded == SEALED for v in got.verdicts)
    key.write_text(key.read_text() + pair.file.read_text())
    assert maker.once().code == 0
    depth = maker.queue.depth()
    for result in (
        maker.judge.run(AGENT, "--check", "-c", maker.judge.conf()),
        maker.judge.look().result,
    ):
        assert result.code == 78
        assert (
            "seal-key: OpenSSL on this host has no ML-KEM-768: take the" in result.err
        )
    assert maker.queue.depth() == depth


def test_a_fleet_changes_over_by_a_key_of_each_kind(hosts: Hosts) -> None:
    """Producers seal with one key each, and the agent opens both."""
    maker = hosts(OLD, NEW)
    fleet = XwingFleet()
    maker.seal()
    key = Path(maker.judge.settings["seal_key"])
    key.write_text(
        key.read_text() + key_line(fleet.word + "-secret", fleet.secret_bytes)
    )
    assert credited(maker)
    upgraded = replace(maker, run=maker.judge.run)
    public = maker.judge.directory / "xwing.pub"
    public.write_text(key_line(fleet.word, fleet.public_key))
    upgraded.settings["seal_to"] = str(public)
    # Bytes count once, whatever they are sealed by.
    maker.source.write_bytes(secrets.token_bytes(maker.source.stat().st_size))
    assert credited(upgraded)
