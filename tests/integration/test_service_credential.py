# SPDX-License-Identifier: Apache-2.0
"""Keys that a service manager hands over (LoadCredential= of systemd)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from aid.elsewhere import AS_OTHER, Elsewhere, needs_setpriv, top_up
from aid.halves import OTHER, needs_root
from aid.maker import Trust, make_key
from aid.programs import AGENT, PRODUCER, TEN, Runner
from aid.queue import Queue


@pytest.fixture
def credentials(run: Runner, tmp_path: Path) -> Path:
    """Give the directory of a service's credentials, named in its environment."""
    path = tmp_path / "credentials"
    path.mkdir(0o700)
    run.env["CREDENTIALS_DIRECTORY"] = str(path)
    return path


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
        producer.write_text(f'queue = "{queue.url}"\nburst = 10\n' + configured)
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
    producer.write_text(f'queue = "{queue.url}"\nburst = 10\n')
    made = run(PRODUCER, "--once", "-c", producer, "-d", source)
    assert made.code == 0, made.err
    assert "not signed" in made.err


def test_sealing_works_with_credentials_alone(
    run: Runner, queue: Queue, source: Path, tmp_path: Path, credentials: Path
) -> None:
    (tmp_path / "fleet.pub").write_text(
        make_key(run, credentials / "seal-key", "--seal")
    )
    make_key(run, credentials / "signing-key")
    for path in credentials.iterdir():
        path.chmod(0o440)
    file = tmp_path / "producer.conf"
    file.write_text(
        f'queue = "{queue.url}"\nburst = 10\nseal-to = "{tmp_path / "fleet.pub"}"\n'
    )
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
    made = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
    assert made.code == 78, made.err
    assert "signing-key" in made.err
    assert queue.depth() == (0, 0)


def test_a_credential_that_is_no_key_is_refused(
    run: Runner, queue: Queue, source: Path, credentials: Path
) -> None:
    path = credentials / "signing-key"
    path.write_text("x\n")
    path.chmod(0o400)
    made = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
    assert made.code == 78, made.err
    path.unlink()
    path.mkdir()
    made = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
    assert made.code == 78, made.err


@needs_root
@needs_setpriv
def test_a_service_reads_a_credential_of_root(
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
