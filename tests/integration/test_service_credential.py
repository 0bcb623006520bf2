# SPDX-License-Identifier: Apache-2.0
"""Keys that a service manager hands over, state of other users, and --check."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aid.halves import OTHER, needs_root
from aid.maker import make_key
from aid.payload import noise
from aid.programs import AGENT, PRODUCER, Runner
from aid.queue import Queue

needs_setpriv = pytest.mark.skipif(
    shutil.which("setpriv") is None, reason="needs setpriv(1)"
)
AS_OTHER = [f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]


@pytest.fixture
def credentials(run: Runner, tmp_path: Path) -> Path:
    """Give the directory of a service's credentials; the programs know it."""
    path = tmp_path / "credentials"
    path.mkdir(0o700)
    run.env["CREDENTIALS_DIRECTORY"] = str(path)
    return path


@dataclass
class Trust:
    """An agent's trusted producers."""

    run: Runner
    folder: Path
    queue: Queue

    def add(self, name: str, line: str) -> None:
        """Trust a public key."""
        (self.folder / f"{name}.pub").write_text(line)

    def signers(self, file: Path) -> set[str]:
        """Who signed what is in the queue."""
        got = self.run(AGENT, "-c", file, "-m", "10", "-o", os.devnull, "-v")
        assert got.code == 0, got.err
        names = {p.stem for p in self.folder.glob("*.pub")}
        return {n for n in names if f"bytes from {n}: credited" in got.err}


@pytest.fixture
def trust(run: Runner, tmp_path: Path, queue: Queue) -> Trust:
    """Give an agent's trust."""
    folder = tmp_path / "trusted"
    folder.mkdir(0o755)
    return Trust(run, folder, queue)


def test_the_managers_signing_key_comes_first(
    run: Runner,
    queue: Queue,
    source: Path,
    tmp_path: Path,
    credentials: Path,
    trust: Trust,
) -> None:
    trust.add("credential", make_key(run, credentials / "signing-key"))
    trust.add("configured", make_key(run, tmp_path / "key"))
    (credentials / "signing-key").chmod(0o440)
    producer = tmp_path / "producer.conf"
    agent = tmp_path / "agent.conf"
    agent.write_text(f'queue = "{queue.url}"\ntrusted-producers = "{trust.folder}"\n')
    for configured in ("", f'signing-key = "{tmp_path / "key"}"\n'):
        producer.write_text(f'queue = "{queue.url}"\n' + configured)
        made = run(PRODUCER, "--once", "-c", producer, "-d", source)
        assert made.code == 0, made.err
        assert "not signed" not in made.err
        assert trust.signers(agent) == {"credential"}
    # An empty one is how a unit says that there may be none.
    for empty in ("", "\n"):
        (credentials / "signing-key").unlink()
        (credentials / "signing-key").write_text(empty)
        made = run(PRODUCER, "--once", "-c", producer, "-d", source)
        assert made.code == 0, made.err
        assert trust.signers(agent) == {"configured"}
    producer.write_text(f'queue = "{queue.url}"\n')
    made = run(PRODUCER, "--once", "-c", producer, "-d", source)
    assert made.code == 0, made.err
    assert "not signed" in made.err


def test_sealing_by_credentials(
    run: Runner, queue: Queue, source: Path, tmp_path: Path, credentials: Path
) -> None:
    (tmp_path / "fleet.pub").write_text(
        make_key(run, credentials / "seal-key", "--seal")
    )
    make_key(run, credentials / "signing-key")
    for path in credentials.iterdir():
        path.chmod(0o440)
    file = tmp_path / "producer.conf"
    file.write_text(f'queue = "{queue.url}"\nseal-to = "{tmp_path / "fleet.pub"}"\n')
    made = run(PRODUCER, "--once", "-c", file, "-d", source)
    assert made.code == 0, made.err
    got = run(AGENT, "-q", queue.url, "-m", "10", "-o", "-")
    assert (got.code, len(got.out)) == (0, 5120), got.err


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o404])
def test_a_credential_that_is_open_to_others_is_refused(
    run: Runner, queue: Queue, source: Path, credentials: Path, mode: int
) -> None:
    make_key(run, credentials / "signing-key")
    (credentials / "signing-key").chmod(mode)
    made = run(PRODUCER, "--once", "-q", queue.url, "-d", source)
    assert made.code == 78, made.err
    assert "signing-key" in made.err
    assert queue.depth() == (0, 0)


def test_a_credential_that_is_no_key_is_refused(
    run: Runner, queue: Queue, source: Path, credentials: Path
) -> None:
    path = credentials / "signing-key"
    path.write_text("x\n")
    path.chmod(0o400)
    made = run(PRODUCER, "--once", "-q", queue.url, "-d", source)
    assert made.code == 78, made.err
    path.unlink()
    path.mkdir()
    made = run(PRODUCER, "--once", "-q", queue.url, "-d", source)
    assert made.code == 78, made.err


@dataclass
class Elsewhere:
    """A directory that another user can get at, with all a producer needs."""

    folder: Path
    env: dict[str, str]
    state: Path

    def give(self) -> None:
        """All of it becomes the other user's."""
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, OTHER, OTHER)


@pytest.fixture
def elsewhere(run: Runner) -> Iterator[Elsewhere]:
    """Give such a directory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(run.build / PRODUCER, folder)
        (folder / "source").write_bytes(noise(1 << 14))
        state = folder / "state"
        state.mkdir(0o700)
        (folder / "home").mkdir()
        env = {**run.env, "STATE_DIRECTORY": str(state), "HOME": str(folder / "home")}
        make_key(run, folder / "key")
        yield Elsewhere(folder, env, state)


def top_up(run: Runner, at: Elsewhere, queue: Queue, *before: str) -> str:
    """Run a producer of that directory once; what it said."""
    file = at.folder / "conf"
    file.write_text(
        f'queue = "{queue.url}"\nsigning-key = "{at.folder / "key"}"\n'
        "low-watermark = 1000\nburst = 1\n"
    )
    command = [*before, at.folder / PRODUCER, "--once", "-c", file]
    made = run(str(command[0]), *command[1:], "-d", at.folder / "source", env=at.env)
    assert made.code == 0, made.err
    return made.err


@needs_root
@needs_setpriv
@pytest.mark.parametrize("root_first", [True, False])
def test_root_and_the_services_user_share_the_sequence(
    run: Runner, queue: Queue, elsewhere: Elsewhere, root_first: bool
) -> None:
    elsewhere.give()
    setpriv = [str(shutil.which("setpriv")), *AS_OTHER]
    for who in ([], setpriv) if root_first else (setpriv, [], setpriv):
        os.chown(elsewhere.folder / "key", OTHER if who else 0, OTHER)
        top_up(run, elsewhere, queue, *who)
        path = elsewhere.state / "sequence"
        assert (path.stat().st_uid, path.stat().st_gid) == (OTHER, OTHER)
        assert path.stat().st_mode & 0o7777 == 0o600


@needs_root
def test_root_gives_away_nothing_that_was_there(
    run: Runner, queue: Queue, elsewhere: Elsewhere
) -> None:
    """A user who may write there must not get root's files that way."""
    path = elsewhere.state / "sequence"
    top_up(run, elsewhere, queue)
    assert path.stat().st_uid == 0
    os.chown(elsewhere.state, OTHER, OTHER)
    top_up(run, elsewhere, queue)
    assert path.stat().st_uid == 0  # not empty
    path.unlink()
    victim = elsewhere.folder / "victim"
    victim.touch(0o600)
    path.hardlink_to(victim)
    top_up(run, elsewhere, queue)
    assert victim.stat().st_uid == 0
    path.unlink()
    victim.write_bytes(b"root's own")
    path.symlink_to(victim)
    file = elsewhere.folder / "conf"
    made = run(PRODUCER, "--once", "-c", file, env=elsewhere.env)
    assert made.code != 0
    assert victim.read_bytes() == b"root's own"
    assert victim.stat().st_uid == 0


@needs_root
@needs_setpriv
def test_a_service_reads_a_credential_that_is_roots(
    run: Runner, queue: Queue, elsewhere: Elsewhere
) -> None:
    elsewhere.give()
    credentials = elsewhere.folder / "credentials"
    credentials.mkdir(0o550)
    os.chown(credentials, 0, OTHER)
    make_key(run, credentials / "signing-key")
    (credentials / "signing-key").chmod(0o440)
    os.chown(credentials / "signing-key", 0, OTHER)
    elsewhere.env["CREDENTIALS_DIRECTORY"] = str(credentials)
    said = top_up(run, elsewhere, queue, str(shutil.which("setpriv")), *AS_OTHER)
    assert "not signed" not in said


# --check


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
