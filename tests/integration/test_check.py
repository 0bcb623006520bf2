# SPDX-License-Identifier: Apache-2.0
"""--check opens the keys of a configuration as the program itself would."""

from __future__ import annotations

import os
import pwd
import re
import shutil
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
    assert got.code == 0
    assert "bad.pub:1" in got.err
    assert "; the key is not trusted" in got.err
    assert b"# trusted pi: key" in got.out
    assert b"# trusted bad" not in got.out
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
    lost: bool = False  # it costs that key alone


TRUSTED = {"trusted_producers": "{}"}
LONG = "n" * 64
WRONG = {
    "long name": Wrong(
        f"{{}}/{LONG}.pub: its name is too long: leave it at most 63 characters "
        'before ".pub"',
        {f"{LONG}.pub": "KEY"},
        TRUSTED,
        lost=True,
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
        lost=True,
    ),
    "key for all": Wrong(
        "{0}/pi.pub can be changed by other users (mode 0666): run chmod go-w "
        "{0}/pi.pub",
        {"pi.pub": "KEY"},
        TRUSTED,
        mode=0o666,
        lost=True,
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
    if wrong.lost:
        wrong = wrong._replace(said=f"{wrong.said}; the key is not trusted")
    assert (got.code, got.out == b"") == ((0, False) if wrong.lost else (78, True))
    assert got.err == f"{AGENT}: {wrong.said.format(folder)}\n"


# Where values are from.

ID = r"[0-9a-f]{16}"


def said_of(out: bytes, name: str) -> str:
    """The line of a setting."""
    [line] = [x for x in out.decode().splitlines() if x.startswith(f"{name} = ")]
    return line


@pytest.mark.parametrize("program", [AGENT, PRODUCER])
def test_check_says_where_each_value_is_from(
    run: Runner, conf: Callable[..., Path], program: str
) -> None:
    file = conf(queue="q", region="eu-west-1", profile="seed")
    env = {**run.env, "AWS_DEFAULT_REGION": "eu-west-3", "AWS_PROFILE": ""}
    got = run(program, "--check", "-c", file, env=env)
    assert got.code == 0, got.err
    assert said_of(got.out, "queue") == f'queue = "q"  # {file}:1'
    assert said_of(got.out, "region") == (
        f'region = "eu-west-3"  # AWS_DEFAULT_REGION, before {file}:2'
    )
    assert said_of(got.out, "profile") == f'profile = "seed"  # {file}:3'
    assert said_of(got.out, "ca-bundle") == 'ca-bundle = ""  # default'
    # What a variable says holds: the region's endpoint is asked.
    env |= {"AWS_REGION": "eu-west-2", "AWS_USE_FIPS_ENDPOINT": "TRUE"}
    env |= {"AWS_DEFAULT_PROFILE": "x", "AWS_CONFIG_FILE": str(file.parent / "config")}
    (file.parent / "config").write_text("[profile x]\n")
    del env["AWS_ENDPOINT_URL_SQS"]
    got = run(program, "--check", "-c", file, "-q", "other", env=env)
    assert got.code == 0, got.err
    assert b'# endpoint = "https://sqs-fips.eu-west-2.amazonaws.com"' in got.out
    for line in (
        'queue = "other"  # option',
        f'region = "eu-west-2"  # AWS_REGION, before {file}:2',
        'use-fips-endpoint = "TRUE"  # AWS_USE_FIPS_ENDPOINT',
        f'profile = "x"  # AWS_DEFAULT_PROFILE, before {file}:3',
        f'# AWS_CONFIG_FILE = "{file.parent / "config"}"  # environment',
    ):
        assert line in got.out.decode().splitlines()


def test_check_says_whose_keys_there_are_and_what_is_none(
    run: Runner, tmp_path: Path, conf: Callable[..., Path], trust: Trust
) -> None:
    line = make_key(run, tmp_path / "sign.key")
    fleet = tmp_path / "fleet.pub"
    fleet.write_text(make_key(run, tmp_path / "seal.key", "--seal"))
    keys = {
        "signing_key": str(tmp_path / "sign.key"),
        "seal_to": str(fleet),
    }
    file = conf(queue="entropy", **keys)
    said = run(PRODUCER, "--check", "-c", file).out.decode()
    owner = pwd.getpwuid(os.geteuid()).pw_name
    [mine] = re.findall(
        rf"^# signing-key: key ({ID})  # {tmp_path}/sign.key, owner {owner}, mode 06",
        said,
        re.M,
    )
    to = re.search(rf"^# seal-to x25519: key ({ID})  # {fleet}, owner ", said, re.M)
    assert to is not None
    file = conf(
        trusted_producers=str(trust.folder), seal_key=str(tmp_path / "seal.key")
    )
    said = run(AGENT, "--check", "-c", file).out.decode()
    assert f"# trusted: no key in {trust.folder}, so no signature earns credit" in said
    trust.add("pi", line)
    for name in "pi", "pi.pub.old", ".pi.pub":
        (trust.folder / name).write_text(line)
    said = run(AGENT, "--check", "-c", file).out.decode()
    assert "so no signature" not in said
    for shown in (
        f"# trusted pi: key {mine}  # {trust.folder}/pi.pub, owner {owner}, mode 0644",
        f"# seal-key x25519: key {to[1]}  # {tmp_path}/seal.key, owner {owner}, "
        "mode 0600",
        f"# ignored {trust.folder}/pi: its name does not end in .pub",
        f"# ignored {trust.folder}/pi.pub.old: its name does not end in .pub",
        f"# ignored {trust.folder}/.pi.pub: its name begins with a dot",
    ):
        assert shown in said.splitlines()
    for number in range(40):
        (trust.folder / f"old-{number}").touch()
    said = run(AGENT, "--check", "-c", file).out.decode()
    assert said.count("# ignored ") == 33
    assert "# ignored 11 more files there\n" in said


def test_check_knows_the_variables_of_the_manual_pages(root: Path) -> None:
    source = (root / "common/config/environment.c").read_text()
    known = set(re.findall(r'"(\w+)"', source))
    documented = set()
    for page in "agent/man/sqs-entropy-agent.8", "producer/man/sqs-entropy-producer.8":
        text = (root / page).read_text().split(".Sh ENVIRONMENT")[1].split(".Sh ")[0]
        for names in re.findall(r"^\.(?:It )?Ev (.*)$", text, re.M):
            documented |= set(re.findall(r"\w\w+", names))
    assert documented - known == {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"}
    assert {n for n in known if re.match("AWS_.", n)} <= documented


# A machine's own /etc in the place of this one's, then the program without the
# right of root to read what others have closed.
ENTER = (
    'mount --make-rprivate / && mount --bind "$ROOT" /etc && exec setpriv '
    '--bounding-set -dac_override,-dac_read_search "$@"'
)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has an /etc of its own")
def test_check_says_what_of_the_service_it_does_not_see(
    run: Runner, tmp_path: Path
) -> None:
    etc = tmp_path / "etc"
    own = etc / "sqs-entropy"
    own.mkdir(parents=True)
    (etc / "default").mkdir()
    for name in "passwd", "group", "ld.so.cache":
        shutil.copy(Path("/etc", name), etc / name)
    (own / "producer.conf").write_text("queue = q\nregion = eu-west-1\n")
    (etc / "default" / PRODUCER).write_text("AWS_REGION=eu-west-2\n")
    made = make_key(run, own / "signing.key")
    enter = ("unshare", "--mount", "sh", "-c", ENTER, "sh", run.build / PRODUCER)
    enter = tuple(map(str, enter))
    env = {**run.env, "ROOT": str(etc)}
    got = run("/usr/bin/env", *enter, "--check", env=env)
    assert got.code == 0, got.err
    assert re.search(rf"# signing-key: key {ID}  # /etc/sqs-entropy/", got.out.decode())
    assert made not in got.out.decode()
    assert (
        f"# ignored /etc/default/{PRODUCER}: its variables are the service's alone"
    ) in got.out.decode()
    os.chown(own / "signing.key", 12345, 12345)
    got = run("/usr/bin/env", *enter, "--check", env=env)
    assert got.code == 0, got.err
    assert (
        "/etc/sqs-entropy/signing.key is the service's signing key, and this user may "
        "not read it: run --check as root"
    ) in got.err
