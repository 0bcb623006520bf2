# SPDX-License-Identifier: Apache-2.0
"""Keep a drop-in that enables the module sqs_entropy in cloud-init.

A drop-in cannot append to cloud_init_modules: it replaces the list.  So ours
holds the whole list of the installed /etc/cloud/cloud.cfg, with one entry more,
and has to follow that file.  Wherever the list is in doubt there is no drop-in:
cloud-init without our module is better than cloud-init without another's.
Nobody else's file is written.  It exits 0 unless it was called wrongly, because
package managers take another code for a broken installation.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

NAME = "cloud-init-module-list"
MODULE = "sqs_entropy"
ENTRY = [MODULE, "once-per-instance"]
LIST = "cloud_init_modules"
# Ours comes before the first of these, or of all.
BEFORE = ("seed_random", "ssh")

CONFIG = "etc/cloud/cloud.cfg"
DROP_INS = "etc/cloud/cloud.cfg.d"
OURS = "05_sqs_entropy.cfg"

HEADER = f"""\
# Made by {NAME} from {LIST} of /{CONFIG}; do not edit.
# A drop-in replaces the list, so this one is whole.  After a change there run
# /usr/libexec/sqs-entropy/{NAME} update
"""

# What cloud-init takes for the mark of a template, and what makes it one.
TEMPLATE = re.compile(r"##\s*template:\s*jinja", re.IGNORECASE)
TEMPLATED = re.compile(r"\{[{%]")


class DoubtError(Exception):
    """The list cannot be known; the text says what to do."""


def say(text: str) -> None:
    """Tell the administrator."""
    print(f"{NAME}: {text}", file=sys.stderr)


def canonical(entry: Any) -> str:
    """The module that an entry of the list names, as cloud-init reads it."""
    if isinstance(entry, dict):
        entry = entry.get("name")
    elif isinstance(entry, list):
        entry = entry[0] if entry else None
    name = str(entry).strip().replace("-", "_")
    name = name[:-3] if name.lower().endswith(".py") else name
    return name[3:] if name.startswith("cc_") else name


def read(path: Path, shown: str) -> dict[str, Any]:
    """Load a file of cloud-init's; one that it would not take is in doubt."""
    import yaml  # cloud-init needs it, this package does not

    try:
        text = path.read_text(encoding="utf-8")
        if TEMPLATE.match(text) and TEMPLATED.search(text):
            raise DoubtError(
                f"{shown} is a jinja template, whose {LIST} is known at boot only: "
                f"put [{', '.join(ENTRY)}] into it before {BEFORE[0]}"
            )
        loaded = yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise DoubtError(
            f"{shown} cannot be read ({' '.join(str(error).split())}): mend it, then "
            f"run {NAME} update"
        ) from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise DoubtError(f"{shown} is no mapping: mend it, then run {NAME} update")
    return loaded


def drop_ins(root: Path) -> list[Path]:
    """The others' drop-ins, in the order in which they win: the last one does."""
    directory = root / DROP_INS
    names = sorted(path.name for path in directory.glob("*.cfg") if path.is_file())
    return [directory / name for name in names if name != OURS]


def is_entry(entry: Any) -> bool:
    """Whether cloud-init can run it, or leaves it out."""
    if isinstance(entry, list) and entry:
        return isinstance(entry[0], str)
    return not entry or isinstance(entry, (str, dict))


def check_list(modules: Any, shown: str) -> list[Any]:
    """The list, if it is one that cloud-init can run."""
    if isinstance(modules, list) and all(map(is_entry, modules)):
        return modules
    raise DoubtError(f"{LIST} in {shown} is no list of modules: mend it")


def base_list(root: Path) -> list[Any]:
    """The list that holds without our drop-in."""
    found: list[Any] | None = None
    earlier = [path for path in drop_ins(root) if path.name < OURS]
    for path in [root / CONFIG, *earlier]:
        shown = f"/{path.relative_to(root)}"
        loaded = read(path, shown)
        elsewhere = loaded.get("conf_d", f"/{DROP_INS}")
        if path == root / CONFIG and str(elsewhere).rstrip("/") != f"/{DROP_INS}":
            raise DoubtError(
                f"{shown} takes its drop-ins from {elsewhere}: put "
                f"[{', '.join(ENTRY)}] into {LIST} before {BEFORE[0]}"
            )
        if LIST in loaded:
            found = check_list(loaded[LIST], shown)
    if found is None:
        raise DoubtError(f"/{CONFIG} has no {LIST} to put {MODULE} into")
    return found


def insert(modules: list[Any]) -> list[Any]:
    """Add our entry where it runs before the host keys are made."""
    names = [canonical(entry) for entry in modules]
    at = min((names.index(name) for name in BEFORE if name in names), default=0)
    return [*modules[:at], list(ENTRY), *modules[at:]]


def warn_of_later(root: Path) -> None:
    """Tell of a drop-in behind ours that replaces the list once more."""
    for path in drop_ins(root):
        if path.name < OURS:
            continue
        shown = f"/{path.relative_to(root)}"
        # What cloud-init cannot read it leaves out, with a warning of its own.
        with contextlib.suppress(DoubtError):
            modules = read(path, shown).get(LIST)
            names = [canonical(e) for e in modules] if isinstance(modules, list) else []
            if modules is not None and MODULE not in names:
                say(
                    f"{shown} replaces {LIST}, so that {MODULE} does not run: put "
                    f"[{', '.join(ENTRY)}] into it before {BEFORE[0]}"
                )


def render(modules: list[Any]) -> str:
    """The text of our drop-in."""
    import yaml

    text = yaml.safe_dump({LIST: modules}, default_flow_style=None, sort_keys=False)
    if len(modules) > 0 and yaml.safe_load(text) != {LIST: modules}:
        raise DoubtError(f"{LIST} of /{CONFIG} does not survive being copied")
    return HEADER + text


def write(path: Path, text: str) -> None:
    """Replace the file as a whole, and only by another text."""
    with contextlib.suppress(OSError, ValueError):
        if path.read_text(encoding="utf-8") == text:
            return
    fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(fd, 0o644)
            os.fsync(fd)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove(root: Path) -> None:
    """Leave cloud-init as it is without us."""
    (root / DROP_INS / OURS).unlink(missing_ok=True)


def update(root: Path) -> None:
    """Bring our drop-in up to date, or out of the way."""
    if not (root / CONFIG).is_file() or not (root / DROP_INS).is_dir():
        remove(root)  # cloud-init is not installed
        return
    try:
        modules = base_list(root)
        if MODULE in map(canonical, modules):
            remove(root)  # somebody put it there himself
            return
        write(root / DROP_INS / OURS, render(insert(modules)))
    except DoubtError as error:
        remove(root)
        say(f"cloud-init will not run {MODULE}: {error}")
        return
    warn_of_later(root)


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog=NAME)
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("verb", choices=("update", "remove"))
    args = parser.parse_args()
    try:
        (update if args.verb == "update" else remove)(args.root)
    except ImportError as error:
        remove(args.root)
        say(f"cloud-init will not run {MODULE}: {error}")
    except OSError as error:
        say(f"{error}: cloud-init may not run {MODULE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
