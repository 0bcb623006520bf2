# SPDX-License-Identifier: Apache-2.0
"""What "make install" puts where, what it says is left to do, and completion."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from aid.settings import Table

PROGRAMS = ("agent", "producer")
SECONDS = 120


def run(*command: str | Path, **environment: str) -> str:
    """Run something that has to succeed; what it says."""
    done = subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_uninstall_takes_away_all_that_install_put_there(
    root: Path, build: Path, tmp_path: Path
) -> None:
    """Nothing is left but directories, and everything has a place to go."""
    make = ["make", "-s", "-C", root, f"DESTDIR={tmp_path}/", f"BUILD={build}", "-o"]
    make += ["all", *(f"-o{build}/sqs-entropy-{name}" for name in PROGRAMS)]
    run(*make, "install", "install-cloud-init")
    there = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    share = "usr/local/share"
    assert there > {
        f"{share}/man/man7/sqs-entropy.7",
        *(f"{share}/bash-completion/completions/sqs-entropy-{p}" for p in PROGRAMS),
        *(f"usr/local/sbin/sqs-entropy-{p}" for p in PROGRAMS),
    }
    run(*make, "uninstall")
    assert [p for p in tmp_path.rglob("*") if not p.is_dir()] == []


def test_warnings_as_errors_alone_build_nothing_again(
    root: Path, tmp_path: Path
) -> None:
    """Two that differ in it may be at work in one tree; another compiler's may not."""
    flags = tmp_path / "flags"
    make = ["make", "-s", "-C", root, f"BUILD={tmp_path}", flags]

    def after(*words: str) -> int:
        run(*make, *words)
        return flags.stat().st_mtime_ns

    made = after()
    assert after("WERROR=-Werror") == made
    assert after("CC=another") != made


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_unit_starts_gnutls(root: Path, program: str) -> None:
    unit = root / program / "systemd" / f"sqs-entropy-{program}.service.in"
    assert "\nEnvironment=GNUTLS_NO_IMPLICIT_INIT=1\n" in unit.read_text()


def activate(root: Path, tmp_path: Path, **stubs: str) -> tuple[str, list[str]]:
    """Run packaging/activate with stand-ins; what it says, and what it called."""
    log = tmp_path / "calls"
    for name in ("systemd-sysusers", "systemd-tmpfiles", "systemctl", "udevadm"):
        stub = tmp_path / name
        stub.write_text(f'#!/bin/sh\necho "{name} $*" >>{log}\n')
        stub.chmod(0o755)
    for name, text in {"id": "echo 0", **stubs}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    said = run(
        root / "packaging/activate",
        *("/S", "/T"),
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        SYSTEMD=str(tmp_path),
    )
    return said, log.read_text().splitlines() if log.exists() else []


TRIGGER = "udevadm trigger --action=change --sysname-match=hw_random"
CALLS = [
    "systemd-sysusers /S/sqs-entropy-agent.conf /S/sqs-entropy-producer.conf",
    "systemd-tmpfiles --create /T/sqs-entropy-agent.conf /T/sqs-entropy-producer.conf",
    "systemctl daemon-reload",
    "udevadm control --reload",
    TRIGGER,
]


def test_an_installation_is_activated(root: Path, tmp_path: Path) -> None:
    """Users, directories, units and the rule are there; enabling is left."""
    said, calls = activate(root, tmp_path)
    assert calls == CALLS
    assert "systemctl enable --now sqs-entropy-producer.service" in said


def test_an_ordinary_user_is_told_what_root_has_to_do(
    root: Path, tmp_path: Path
) -> None:
    """The same commands, in the same order."""
    said, calls = activate(root, tmp_path, id="echo 1000")
    assert calls == []
    assert [line.strip() for line in said.splitlines()[1:]] == CALLS


def test_udev_that_does_not_answer_is_told(root: Path, tmp_path: Path) -> None:
    """The installation goes on without it."""
    said, _ = activate(root, tmp_path, udevadm="exit 1")
    assert f"udev does not answer: run {TRIGGER}" in said
    assert "Installed." in said


def complete(root: Path, build: Path, program: str, before: str, word: str) -> set[str]:
    """What bash offers for a word."""
    script = """. "$1/packaging/completion.bash"; cd "$1"
        _sqs_entropy "$2" "$4" "$3"; printf '%s\\n' "${COMPREPLY[@]}" """
    words = (root, f"{build}/sqs-entropy-{program}", before, word)
    return set(run("bash", "-c", script, "bash", *words).splitlines()) - {""}


@pytest.mark.parametrize("program", PROGRAMS)
def test_completion_offers_what_the_table_has(
    root: Path, build: Path, program: str
) -> None:
    """Every option, files where a file belongs, and nothing for other values."""
    table = Table.of(build, program)
    options = {f"--{row.name}": row for row in table.settings if row.option}
    assert complete(root, build, program, program, "") == set(options)
    assert complete(root, build, program, program, "--che") == {"--check"}
    for name, row in options.items():
        value = (row.value or "").strip("[]")
        wanted = {"Makefile"} if value.split("|")[0].startswith("FILE") else set()
        assert complete(root, build, program, name, "Makef") == wanted, name
        if row.letter:
            assert complete(root, build, program, f"-{row.letter}", "Makef") == wanted
