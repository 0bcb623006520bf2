# SPDX-License-Identifier: Apache-2.0
"""The list of modules that is generated for cloud-init, and what clean removes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from aid.directives import FOLDER
from aid.wait import FOR_EVER

OURS = "05_sqs_entropy.cfg"
ENTRY = ["sqs_entropy", "once-per-instance"]
STOCK = ["migrator", "seed_random", "bootcmd", "write-files", "users-groups", "ssh"]


class Etc:
    """The files of cloud-init below a root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cloud = root / "etc/cloud"
        self.drop_ins = self.cloud / "cloud.cfg.d"
        self.drop_ins.mkdir(parents=True)
        self.ours = self.drop_ins / OURS

    def config(self, text: str | None = None, **values: Any) -> None:
        """Write cloud.cfg."""
        if text is None:
            text = yaml.safe_dump({"users": ["default"], **values})
        (self.cloud / "cloud.cfg").write_text(text)

    def drop_in(self, name: str, text: str | None = None, **values: Any) -> None:
        """Write somebody else's drop-in."""
        if text is None:
            text = yaml.safe_dump(values)
        (self.drop_ins / name).write_text(text)

    def run(self, verb: str = "update") -> str:
        """Run the script; return what it wrote to standard error."""
        done = subprocess.run(
            [sys.executable, FOLDER / "module_list.py", "--root", self.root, verb],
            capture_output=True,
            text=True,
            timeout=FOR_EVER,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        for line in done.stderr.splitlines():
            assert line.startswith("cloud-init-module-list: ")
        return done.stderr

    def modules(self) -> list[Any] | None:
        """The list of modules in our drop-in, or None without one."""
        if not self.ours.exists():
            return None
        loaded = yaml.safe_load(self.ours.read_text())
        assert list(loaded) == ["cloud_init_modules"]
        return loaded["cloud_init_modules"]


@pytest.fixture
def etc(tmp_path: Path) -> Etc:
    """Give a root with cloud-init's files."""
    found = Etc(tmp_path / "root")
    found.config(cloud_init_modules=STOCK)
    return found


def test_the_entry_comes_before_seed_random(etc: Etc) -> None:
    assert etc.run() == ""
    assert etc.modules() == ["migrator", ENTRY, *STOCK[1:]]
    assert etc.ours.stat().st_mode & 0o777 == 0o644
    assert sorted(p.name for p in etc.drop_ins.iterdir()) == [OURS]


LISTS = [
    (["a", "ssh", "b"], 1),
    (["a", "b"], 0),
    ([], 0),
    (["ssh", "seed_random"], 0),
    (["a", "seed-random"], 1),
    (["a", "cc_seed_random.py"], 1),
    (["a", ["seed_random", "always"], "ssh"], 1),
    (["a", {"name": "seed-random", "frequency": "always", "args": [1, "x"]}], 1),
    (["a", ["scripts-user", "once", 1, 2.5, None, {"x": ["y"]}], "ssh"], 2),
    (["yes", "null", "1.0", "1e3", "a: b", "# c", "\u00e9", "'", "ssh"], 8),
    (["a", None, "", "ssh"], 3),
]


@pytest.mark.parametrize(("modules", "at"), LISTS)
def test_nothing_else_of_the_list_changes(
    etc: Etc, modules: list[Any], at: int
) -> None:
    etc.config(cloud_init_modules=modules)
    assert etc.run() == ""
    assert etc.modules() == [*modules[:at], ENTRY, *modules[at:]]


@pytest.mark.parametrize(
    "entry",
    ["sqs_entropy", "sqs-entropy", "cc_sqs_entropy", ENTRY, {"name": "sqs_entropy"}],
)
def test_a_list_that_has_it_is_left_alone(etc: Etc, entry: Any) -> None:
    etc.run()
    etc.config(cloud_init_modules=["ssh", entry])
    assert etc.run() == ""
    assert etc.modules() is None


def test_it_is_written_only_when_it_changes(etc: Etc) -> None:
    etc.run()
    before = etc.ours.stat()
    etc.run()
    after = etc.ours.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    etc.config(cloud_init_modules=[*STOCK, "new"])
    etc.run()
    assert etc.modules()[-1] == "new"
    etc.ours.write_bytes(b"\xff\xfe")
    etc.run()
    assert etc.modules()[-1] == "new"


def test_no_other_file_is_touched(etc: Etc) -> None:
    etc.drop_in("00_first.cfg", users=[])
    etc.drop_in("90_last.cfg", "a: 1  # as it was\n")
    paths = [p for p in etc.root.rglob("*") if p.is_file()]
    before = [(p, p.read_bytes(), p.stat().st_mtime_ns) for p in paths]
    etc.run()
    etc.run("remove")
    assert [(p, p.read_bytes(), p.stat().st_mtime_ns) for p in paths] == before
    assert {p for p in etc.root.rglob("*") if p.is_file()} == set(paths)


def test_an_earlier_drop_in_gives_the_list(etc: Etc) -> None:
    etc.drop_in("00_first.cfg", cloud_init_modules=["x", "ssh"])
    etc.drop_in("01_second.cfg", cloud_init_modules=["y", "ssh"])
    etc.drop_in("02_third.cfg", users=[])
    etc.drop_in("03_ignored.txt", cloud_init_modules=["z", "ssh"])
    assert etc.run() == ""
    assert etc.modules() == ["y", ENTRY, "ssh"]


def test_a_later_drop_in_is_reported(etc: Etc) -> None:
    later = "90_last.cfg"
    etc.drop_in(later, cloud_init_modules=["x", "ssh"])
    said = etc.run()
    assert "/etc/cloud/cloud.cfg.d/90_last.cfg replaces cloud_init_modules" in said
    assert "[sqs_entropy, once-per-instance]" in said
    assert etc.modules() is not None
    etc.drop_in(later, cloud_init_modules=["x", "sqs_entropy", "ssh"])
    assert etc.run() == ""
    etc.drop_in(later, cloud_init_modules=[])
    assert "replaces" in etc.run()
    # cloud-init leaves such a file out.
    for text in ("a: [", "- a\n", "\t", "## template: jinja\n{% if x %}\n"):
        etc.drop_in(later, text)
        assert etc.run() == ""
        assert etc.modules() is not None


DOUBTS = {
    "broken": ("cloud_init_modules: [ssh\nusers: {", "cannot be read"),
    "no text": ("\udcff\udcfe", "cannot be read"),
    "control": ("a: \x01", "cannot be read"),
    "a list": ("- ssh\n", "is no mapping"),
    "a tag": ("cloud_init_modules: !!python/object:os.system [ssh]", "cannot be read"),
    "empty": ("", "has no cloud_init_modules"),
    "no list": ("users: [default]", "has no cloud_init_modules"),
    "a string": ("cloud_init_modules: ssh", "is no list"),
    "nothing": ("cloud_init_modules:", "is no list"),
    "numbers": ("cloud_init_modules: [ssh, 5]", "is no list"),
    "a template": (
        "## template:jinja\ncloud_init_modules: [ssh]\na: '{{ v1.region }}'\n",
        "jinja template",
    ),
    "a template with blocks": (
        "## template: jinja\n{% if x %}\ncloud_init_modules: [ssh]\n{% endif %}\n",
        "jinja template",
    ),
    "elsewhere": ("conf_d: /etc/other\ncloud_init_modules: [ssh]", "/etc/other"),
    "bomb": (
        "a: &a [x,x]\n"
        + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n"
            for i in range(9)
        )
        + "cloud_init_modules: *j\n",
        "is no list",
    ),
}


@pytest.mark.parametrize("what", DOUBTS)
def test_in_doubt_there_is_no_list(etc: Etc, what: str) -> None:
    text, word = DOUBTS[what]
    etc.run()
    assert etc.ours.exists()
    data = text.encode("utf-8", "surrogateescape")
    (etc.cloud / "cloud.cfg").write_bytes(data)
    said = etc.run()
    assert etc.modules() is None
    assert word in said
    # It comes back when the file is mended.
    etc.config(cloud_init_modules=STOCK)
    assert etc.run() == ""
    assert etc.modules() is not None


def test_an_earlier_drop_in_in_doubt_gives_no_list(etc: Etc) -> None:
    etc.run()
    etc.drop_in("00_first.cfg", "a: [")
    assert "/etc/cloud/cloud.cfg.d/00_first.cfg cannot be read" in etc.run()
    assert etc.modules() is None


def test_a_file_that_only_looks_like_a_template_is_read(etc: Etc) -> None:
    etc.config("## template: jinja\n# rendered\ncloud_init_modules: [ssh]\n")
    assert etc.run() == ""
    assert etc.modules() == [ENTRY, "ssh"]


def test_without_cloud_init_nothing_is_written(etc: Etc) -> None:
    etc.run()
    (etc.cloud / "cloud.cfg").unlink()
    assert etc.run() == ""
    assert list(etc.drop_ins.iterdir()) == []
    etc.drop_ins.rmdir()
    assert etc.run() == ""
    assert etc.run("remove") == ""
    assert list(etc.cloud.iterdir()) == []


def test_remove_takes_the_list_away(etc: Etc) -> None:
    etc.run()
    assert etc.run("remove") == ""
    assert etc.modules() is None
    assert etc.run("remove") == ""


def test_a_list_that_cannot_be_replaced_is_left_whole(etc: Etc) -> None:
    """A package manager that runs the command goes on, since it exits with 0."""
    etc.run()
    before = etc.ours.read_bytes()
    etc.config(cloud_init_modules=[*STOCK, "new"])
    etc.ours.unlink()
    etc.ours.mkdir()  # cannot be replaced by a file
    said = etc.run()
    assert "may not run sqs_entropy" in said
    assert sorted(p.name for p in etc.drop_ins.iterdir()) == [OURS]
    etc.ours.rmdir()
    etc.ours.write_bytes(before)
    assert etc.run() == ""
    assert etc.modules()[-1] == "new"


def test_wrong_usage_is_refused() -> None:
    for args in ([], ["list"], ["update", "remove"], ["--root"]):
        done = subprocess.run(
            [sys.executable, FOLDER / "module_list.py", *args],
            capture_output=True,
            timeout=FOR_EVER,
            check=False,
        )
        assert done.returncode == 2


def test_the_installed_command_uses_the_systems_python(
    etc: Etc, tmp_path: Path
) -> None:
    there = tmp_path / "libexec"
    there.mkdir()
    for source, name in (
        ("module-list", "cloud-init-module-list"),
        ("module_list.py", "module_list.py"),
    ):
        (there / name).write_bytes((FOLDER / source).read_bytes())
    command = there / "cloud-init-module-list"
    command.chmod(0o755)
    (tmp_path / "yaml.py").write_text("raise SystemExit(9)")
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [command, "--root", etc.root, "update"],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=FOR_EVER,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # With the system's python3 and its yaml, where they are there.
    if "No module named 'yaml'" in done.stderr:
        assert etc.modules() is None
    elif os.access("/usr/bin/python3", os.X_OK):
        assert etc.modules() == ["migrator", ENTRY, *STOCK[1:]]


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
