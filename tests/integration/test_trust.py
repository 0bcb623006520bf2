# SPDX-License-Identifier: Apache-2.0
"""Which producers an agent trusts: those whose public keys are in a directory."""

from __future__ import annotations

import stat

import pytest

from aid.forge import SEAL, SIGN, Producer, key_line, send
from aid.verdicts import UNKNOWN, Judge, refused


@pytest.mark.parametrize("key", ["0" * 16, "f" * 16])
def test_a_key_id_of_nobody_earns_nothing(judge: Judge, key: str) -> None:
    assert judge.one(judge.good.message(judge.queue, key=key)).mixed(UNKNOWN)


def test_a_revoked_producer_earns_nothing(judge: Judge) -> None:
    other = Producer()
    file = other.trust(judge.trusted, "other")
    assert judge.one(other.message(judge.queue)).producer == "other"
    file.unlink()
    verdict = judge.one(other.message(judge.queue))
    assert verdict.mixed(UNKNOWN)
    # What a file is not called is not trusted either.
    for name in "other.pub.old", ".other.pub", "other", "other.PUB":
        other.trust(judge.trusted).rename(judge.trusted / name)
        assert judge.one(other.message(judge.queue)).mixed(UNKNOWN), name


def test_keys_rotate_without_a_gap(judge: Judge) -> None:
    old, new = judge.good, Producer()
    assert judge.one(new.message(judge.queue)).mixed(UNKNOWN)
    new.trust(judge.trusted, "new")
    by_old, by_new = judge(old.message(judge.queue), new.message(judge.queue))
    assert by_old.credited()
    assert by_new.credited()
    assert (by_old.producer, by_new.producer) == ("good", "new")
    judge.pub.unlink()
    judge.good = new
    judge.trusted.joinpath("new.pub").rename(judge.pub)
    assert judge.one(old.message(judge.queue)).mixed(UNKNOWN)


def test_nobody_is_trusted_without_the_directory(judge: Judge) -> None:
    send(judge.queue, judge.message())
    judge.settings["trusted_producers"] = str(judge.directory / "nowhere")
    run = judge.look()
    assert run.verdicts[0].mixed(UNKNOWN)
    assert run.credit == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "# a comment alone\n",
        "not a key\n",
        key_line(SIGN, bytes(31)),
        key_line(SIGN, bytes(33)),
        key_line(SIGN, bytes(32)) * 2,
        key_line(SIGN, bytes(32)).replace("=", ""),
        key_line(SIGN, bytes(32)).replace("A", "-"),
        key_line(SEAL, bytes(32)),
        key_line(SIGN + "-secret", bytes(32)),
        key_line(SIGN, bytes(32)) + "\0",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
    ],
)
def test_a_malformed_trusted_file_costs_its_own_key(judge: Judge, text: str) -> None:
    bad = judge.trusted / "z.pub"
    bad.write_text(text)
    send(judge.queue, judge.message())
    run = judge.look()
    assert run.result.code == 0, run.result.err
    assert run.verdicts[0].credited()
    [line] = [x for x in run.result.lines() if str(bad) in x]
    assert line.endswith("; the key is not trusted")


def test_a_trusted_file_that_others_may_write_costs_its_key(judge: Judge) -> None:
    judge.pub.chmod(0o664)
    send(judge.queue, judge.message())
    run = judge.look()
    assert run.verdicts[0].mixed(UNKNOWN)
    [line] = [x for x in run.result.lines() if str(judge.pub) in x]
    assert f"run chmod go-w {judge.pub}; the key is not trusted" in line


def test_a_directory_that_others_may_write_is_refused(judge: Judge) -> None:
    judge.trusted.chmod(stat.S_ISVTX | 0o777)
    refused(judge, str(judge.trusted), "chmod")
