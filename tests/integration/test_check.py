# SPDX-License-Identifier: Apache-2.0
"""--check opens the keys of a configuration as the program itself would."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from aid.maker import Trust, make_key
from aid.programs import AGENT, PRODUCER, Runner


def test_check_opens_the_agents_keys(
    run: Runner, tmp_path: Path, conf: Callable[..., Path], trust: Trust
) -> None:
    line = make_key(run, tmp_path / "sign.key")
    make_key(run, tmp_path / "seal.key", "--seal")
    trust.add("pi", line)
    good = {
        "trusted_producers": str(trust.folder),
        "seal_key": str(tmp_path / "seal.key"),
    }
    got = run(AGENT, "--check", "-c", conf(**good))
    assert (got.code, got.out.endswith(b": valid\n")) == (0, True), got.err
    for values in (
        {"seal_key": str(tmp_path / "sign.key")},
        {"seal_key": str(tmp_path / "not-there")},
        {"trusted_producers": str(tmp_path / "sign.key")},
    ):
        got = run(AGENT, "--check", "-c", conf(**{**good, **values}))
        assert (got.code, got.out) == (78, b""), got.err
        assert next(iter(values.values())) in got.err
    (tmp_path / "seal.key").chmod(0o644)
    assert run(AGENT, "--check", "-c", conf(**good)).code == 78
    (tmp_path / "seal.key").chmod(0o600)
    trust.add("bad", line[:-5] + "\n")
    got = run(AGENT, "--check", "-c", conf(**good))
    assert got.code == 78
    assert "bad.pub:1" in got.err
    assert list(Path(run.env["STATE_DIRECTORY"]).iterdir()) == []


def test_check_opens_the_producers_keys(
    run: Runner, tmp_path: Path, conf: Callable[..., Path]
) -> None:
    line = make_key(run, tmp_path / "sign.key")
    fleet = tmp_path / "fleet.pub"
    fleet.write_text(make_key(run, tmp_path / "seal.key", "--seal"))
    good = {
        "queue": "entropy",
        "signing_key": str(tmp_path / "sign.key"),
        "seal_to": str(fleet),
    }
    got = run(PRODUCER, "--check", "-c", conf(**good))
    assert (got.code, got.out.endswith(b": valid\n")) == (0, True), got.err
    for values in (
        {"signing_key": str(tmp_path / "not-there")},
        {"signing_key": str(fleet)},
        {"seal_to": str(tmp_path / "seal.key")},
        {"seal_to": "/"},
    ):
        got = run(PRODUCER, "--check", "-c", conf(**{**good, **values}))
        assert (got.code, got.out) == (78, b""), got.err
    fleet.write_text(line)
    assert run(PRODUCER, "--check", "-c", conf(**good)).code == 78
    # It leaves nothing, and needs no device.
    assert list(Path(run.env["STATE_DIRECTORY"]).iterdir()) == []


class Wrong(NamedTuple):
    """What is not as it should be, and all that is said; {} is the folder."""

    said: str
    files: dict[str, str]  # what they hold; KEY and SECRET are good lines
    settings: dict[str, str]
    mode: int = 0o600
    owner: int = 0
    copies: int = 1


TRUSTED = {"trusted_producers": "{}"}
LONG = "n" * 64
WRONG = {
    "long name": Wrong(
        f"{{}}/{LONG}.pub: its name is too long: leave it at most 63 characters "
        'before ".pub"',
        {f"{LONG}.pub": "KEY"},
        TRUSTED,
    ),
    "33 keys": Wrong(
        "{} holds over 32 trusted keys: remove some",
        {"{}.pub": "KEY"},
        TRUSTED,
        copies=33,
    ),
    "another's key": Wrong(
        "{0}/pi.pub belongs to user 12345, who could change it: run chown root "
        "{0}/pi.pub",
        {"pi.pub": "KEY"},
        TRUSTED,
        owner=12345,
    ),
    "key for all": Wrong(
        "{0}/pi.pub can be changed by other users (mode 0666): run chmod go-w "
        "{0}/pi.pub",
        {"pi.pub": "KEY"},
        TRUSTED,
        mode=0o666,
    ),
    "open secret": Wrong(
        "seal-key: {0}/seal.key is open to other users (mode 0640): run chmod go-rwx "
        "{0}/seal.key",
        {"seal.key": "SECRET"},
        {"seal_key": "{}/seal.key"},
        mode=0o640,
    ),
    "secret with more": Wrong(
        "seal-key: {}/seal.key:1: remove what follows the key's 44 characters",
        {"seal.key": "SECRET of the fleet"},
        {"seal_key": "{}/seal.key"},
    ),
    "big bundle": Wrong(
        "ca-bundle: the CA bundle {}/big.pem is over 4194304 bytes: name a PEM file",
        {"big.pem": "#" * (1 << 22) + "\n"},
        {"ca_bundle": "{}/big.pem"},
    ),
    "no command": Wrong(
        "credential_process of profile default is empty: write a command, or remove it",
        {"config": "[default]\ncredential_process ="},
        {},
    ),
    "credit for all": Wrong(
        '{0}/agent.conf:1: unsigned: "credit" counts only in a file that root alone '
        "can write, in such a directory: run chown root and chmod go-w on both",
        {"agent.conf": "unsigned = credit"},
        {"-c": "{}/agent.conf"},
        mode=0o666,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_check_says_what_to_do(
    run: Runner, tmp_path: Path, conf: Callable[..., Path], name: str
) -> None:
    wrong, folder = WRONG[name], tmp_path / "files"
    if wrong.owner and os.geteuid() != 0:
        pytest.skip("only root can give a file to somebody else")
    line = make_key(run, tmp_path / "sign.key").strip()
    make_key(run, tmp_path / "seal.key", "--seal")
    secret = (tmp_path / "seal.key").read_text().strip()
    folder.mkdir(0o700)
    for number in range(wrong.copies):
        for file, text in wrong.files.items():
            path = folder / file.format(number)
            text = text.replace("KEY", line).replace("SECRET", secret)
            path.write_text(text + "\n")
            path.chmod(wrong.mode)
            if wrong.owner:
                os.chown(path, wrong.owner, -1)
    settings = {n: v.format(folder) for n, v in wrong.settings.items()}
    file = settings.pop("-c", None) or conf(queue="entropy", **settings)
    env = {**run.env, "AWS_CONFIG_FILE": str(folder / "config")}
    got = run(AGENT, "--check", "-c", file, env=env)
    assert (got.code, got.out) == (78, b"")
    assert got.err == f"{AGENT}: {wrong.said.format(folder)}\n"
