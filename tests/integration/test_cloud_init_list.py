# SPDX-License-Identifier: Apache-2.0
"""The list of modules that is made for cloud-init, and what clean removes.

tests/cloud_init has cloud-init itself use the list.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aid.directives import FOLDER, load
from aid.wait import FOR_EVER

EARLY = ["sqs_entropy", "once-per-instance", "early"]
LATE = ["sqs_entropy", "always", "late"]
# And where the two entries go.
LISTS = [
    (["a", "ssh", "b"], 1, 1),
    (["a", "b"], 0, 2),
    ([], 0, 0),
    (["ssh", "seed_random"], 0, 0),
    (["a", "seed-random"], 1, 2),
    (["a", "cc_seed_random.py", "b", "ssh"], 1, 3),
    (["a", ["seed_random", "always"], "ssh"], 1, 2),
    (["a", {"name": "seed-random", "frequency": "always", "args": [1, "x"]}], 1, 2),
    (["a", ["scripts-user", "once", 1, 2.5, None, {"x": ["y"]}], "ssh"], 2, 2),
    (["yes", "null", "1.0", "1e3", "a: b", "# c", "\u00e9", "'", "ssh"], 8, 8),
    (["a", None, "", "ssh"], 3, 3),
]


@pytest.mark.parametrize(("modules", "early", "late"), LISTS)
def test_nothing_else_of_the_list_changes(
    modules: list[Any], early: int, late: int
) -> None:
    before = [*modules]
    assert load("module_list").insert(modules) == [
        *(*modules[:early], EARLY, *modules[early:late], LATE, *modules[late:])
    ]
    assert modules == before


@pytest.mark.parametrize(
    "entry",
    ["sqs_entropy", "sqs-entropy", "cc_sqs_entropy", EARLY, {"name": "sqs_entropy"}],
)
def test_an_entry_is_known_however_it_is_written(entry: Any) -> None:
    assert load("module_list").canonical(entry) == "sqs_entropy"


def test_wrong_usage_is_refused() -> None:
    for args in ([], ["list"], ["update", "remove"], ["--root", "/"]):
        done = subprocess.run(
            [sys.executable, FOLDER / "module_list.py", *args],
            capture_output=True,
            timeout=FOR_EVER,
            check=False,
        )
        assert done.returncode == 2


@pytest.mark.parametrize(
    ("destdir", "end", "calls"),
    [
        (False, "exit 0", "remove\n"),
        (False, "exit 1", "remove\n"),
        # cloud-init of another root, which this command does not know.
        (True, "exit 0", ""),
        (False, None, ""),
    ],
)
def test_make_uninstall_takes_the_module_from_the_list(
    tmp_path: Path, destdir: bool, end: str | None, calls: str
) -> None:
    where = {
        "PREFIX": tmp_path / "usr",
        "SYSCONFDIR": tmp_path / "etc",
        "PYTHONDIR": tmp_path / "python",
    }
    # The command's own name, but not the command: that would work on this machine.
    module = tmp_path / "python/cc_sqs_entropy.py"
    command = tmp_path / "usr/libexec/sqs-entropy/cloud-init-module-list"
    for path in (module, command):
        path.parent.mkdir(parents=True)
    module.touch()
    log = tmp_path / "calls"
    if end is not None:
        # While the module is still there.
        command.write_text(f'#!/bin/sh\n[ -e {module} ] && echo "$*" >>{log}\n{end}\n')
        command.chmod(0o755)
    if destdir:
        where = {name: path.relative_to(tmp_path) for name, path in where.items()}
        where = {"DESTDIR": f"{tmp_path}/", **where}
    done = subprocess.run(
        [
            *("make", "-s", "-C", FOLDER.parent, "uninstall", f"BUILD={tmp_path}"),
            *(f"{name}={value}" for name, value in where.items()),
        ],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=FOR_EVER,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (log.read_text() if log.exists() else "") == calls
    assert not module.exists()
    assert not command.parent.exists()


# What becomes of it in an image.

MARK = "# Written by cloud-init (cc_sqs_entropy).\n"


def clean(root: Path) -> None:
    """Run the hook on a root, twice: it may be run again."""
    for _ in range(2):
        done = subprocess.run(
            ["sh", FOLDER / "clean", root],
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=FOR_EVER,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def left(root: Path) -> dict[str, str]:
    paths = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_text() for path in paths}


def test_clean_does_nothing_where_nothing_is(tmp_path: Path) -> None:
    clean(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_clean_removes_what_an_instance_left(tmp_path: Path) -> None:
    stay = {
        "etc/sqs-entropy/trusted.d/operator.pub": "k",
        "etc/sqs-entropy/trusted.d/not-cloud-init-1.pub": "k",
        "etc/sqs-entropy/seal.key": "k",
        "etc/cloud/cloud.cfg.d/90_sqs_entropy.cfg": "x",
        "etc/cloud/cloud.cfg.d/05_sqs_entropy.cfg": "x",
    }
    go = {
        "etc/sqs-entropy/agent.conf": MARK + "queue = q\n",
        "etc/sqs-entropy/.agent.conf.x1y2": "half",
        "etc/sqs-entropy/trusted.d/cloud-init-1.pub": "k",
        "etc/sqs-entropy/trusted.d/cloud-init-12.pub": "k",
        "etc/sqs-entropy/trusted.d/.cloud-init-1.pub.x1y2": "half",
        "etc/cloud/cloud.cfg.d/95_sqs_entropy_instance.cfg": "x",
        "var/lib/sqs-entropy/seen": "x",
        "var/lib/sqs-entropy/seen.new": "half",
        "run/sqs-entropy/agent.json": "x",
        "run/sqs-entropy/last-seed": "x",
    }
    plant(tmp_path, {**stay, **go})
    clean(tmp_path)
    assert left(tmp_path) == stay


@pytest.mark.parametrize("text", ["queue = q\n", "", "\n" + MARK, MARK.rstrip(".\n")])
def test_clean_keeps_an_operators_configuration(tmp_path: Path, text: str) -> None:
    files = {
        "etc/sqs-entropy/agent.conf": text,
        "etc/sqs-entropy/agent.conf.before-cloud-init": "queue = older\n",
    }
    plant(tmp_path, files)
    clean(tmp_path)
    assert left(tmp_path) == files


def test_clean_puts_the_images_configuration_back(tmp_path: Path) -> None:
    etc = tmp_path / "etc/sqs-entropy"
    plant(
        tmp_path,
        {
            "etc/sqs-entropy/agent.conf": MARK,
            "etc/sqs-entropy/agent.conf.before-cloud-init": "queue = image\n",
        },
    )
    clean(tmp_path)
    assert left(tmp_path) == {"etc/sqs-entropy/agent.conf": "queue = image\n"}
    # A link is the operator's, wherever it leads.
    (etc / "agent.conf").replace(etc / "other")
    (etc / "agent.conf.before-cloud-init").symlink_to("nowhere")
    clean(tmp_path)
    assert (etc / "agent.conf").is_symlink()


def test_clean_removes_a_file_whose_mark_has_no_end(tmp_path: Path) -> None:
    plant(tmp_path, {"etc/sqs-entropy/agent.conf": MARK.rstrip("\n")})
    clean(tmp_path)
    assert left(tmp_path) == {}
