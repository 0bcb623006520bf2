# SPDX-License-Identifier: Apache-2.0
"""Have cloud-init run the module sqs_entropy at this boot.

cloud-init runs what cloud_init_modules lists, and nothing can append to a list.  So
cloud-init's own interpreter runs this before cloud-init's stages: cloud-init's own
functions say which list is in force, and that list with our entries goes to
cloud-init's runtime configuration.  This lies in /run, wins over all of /etc/cloud,
and yields to user-data; the next boot begins without it.  Wherever the list is in
doubt it is left alone: cloud-init without our module is better than cloud-init
without another's.  The exit code is 0 unless the command line was wrong, because
package managers take another code for a broken installation.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util  # cloud-init uses it, and does not import it everywhere
import inspect
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

NAME = "cloud-init-module-list"
HERE = Path(__file__).resolve().parent
MODULE = "sqs_entropy"
FILE = f"cc_{MODULE}"
SOURCE = HERE / f"{FILE}.py"
LIST = "cloud_init_modules"
# cc_sqs_entropy.py says what the last words mean.
EARLY = [MODULE, "once-per-instance", "early"]
LATE = [MODULE, "always", "late"]
# EARLY comes before the first of these, or of all; LATE before the second.
BEFORE = ("seed_random", "ssh")

RUNTIME = Path("/run/cloud-init/cloud.cfg")
INSTANCE_DATA = RUNTIME.with_name("instance-data-sensitive.json")
MARK = f"# Made by {NAME} at this boot; all that follows.\n"


class DoubtError(Exception):
    """The module cannot be put into the list; the text says why."""


def say(text: str) -> None:
    """Tell the administrator, on the console and in the journal."""
    print(f"{NAME}: cloud-init will not run {MODULE}: {text}", file=sys.stderr)


def replace(path: Path, text: str) -> None:
    """Replace the file as a whole, or remove it where there is no text."""
    if not text:
        path.unlink()
        return
    fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(fd, 0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def without_ours() -> str:
    """What others wrote into the runtime configuration; ours is taken out of it."""
    text = RUNTIME.read_text(encoding="utf-8") if RUNTIME.exists() else ""
    theirs = text.partition(MARK)[0]
    if theirs != text:
        replace(RUNTIME, theirs)
    return theirs


# The module, where cloud-init's Python finds it.


def importable() -> bool:
    """Whether cloud-init would find the module, by its own word."""
    from cloudinit import importer

    importlib.invalidate_caches()
    where = ["", "cloudinit.config"]
    try:
        return bool(importer.find_module(FILE, where, ["handle"])[0])
    except Exception as error:
        raise DoubtError(f"{sys.executable} cannot import {FILE}: {error}") from error


def make_importable() -> None:
    """Link the module to where cloud-init itself lies, if it is not found.

    So it follows cloud-init to another Python, or into an environment of its own.
    """
    import cloudinit

    if importable():
        return
    link = Path(cloudinit.__file__).parents[1] / SOURCE.name
    with contextlib.suppress(OSError):
        if link.is_symlink() or not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(SOURCE)
    if not importable():
        raise DoubtError(
            f"{sys.executable} cannot import {FILE}: make {link} a link to {SOURCE}"
        )


def remove_links() -> None:
    """Remove links of any Python that make_importable() may have made."""
    folders = [Path(folder) for folder in sys.path if folder]
    for pattern in "usr/lib*/python3*/*-packages", "usr/local/lib*/python3*/*-packages":
        folders += Path("/").glob(pattern)
    for folder in folders:
        link = folder / SOURCE.name
        # A link that belongs to a package has a relative path.
        if link.is_symlink() and link.readlink() == SOURCE:
            link.unlink()
            for compiled in folder.glob(f"__pycache__/{FILE}.*.pyc"):
                compiled.unlink()


# The list.


def canonical(entry: Any) -> str:
    """The module that an entry of the list names, as cloud-init reads it."""
    if isinstance(entry, dict):
        entry = entry.get("name")
    elif isinstance(entry, list):
        entry = entry[0] if entry else None
    name = str(entry).strip().replace("-", "_")
    name = name[:-3] if name.lower().endswith(".py") else name
    return name[3:] if name.startswith("cc_") else name


def in_force() -> Any:
    """The list of cloud-init's configuration, before any user-data."""
    from cloudinit import stages

    # These came one after the other.
    known = {"run_dir": str(RUNTIME.parent), "instance_data_file": str(INSTANCE_DATA)}
    takes = inspect.signature(stages.fetch_base_config).parameters
    config = stages.fetch_base_config(**{n: known[n] for n in known if n in takes})
    return config.get(LIST)


def insert(modules: list[Any]) -> list[Any]:
    """Add our entries where they run before the host keys are made."""
    names = [canonical(entry) for entry in modules]
    early = min((names.index(name) for name in BEFORE if name in names), default=0)
    late = names.index("ssh") if "ssh" in names else len(names)
    return [*modules[:early], EARLY, *modules[early:late], LATE, *modules[late:]]


def write_list(theirs: str) -> None:
    """Put our entries into the list that is in force, unless they are there."""
    import yaml

    modules = in_force()
    if not isinstance(modules, list):
        raise DoubtError(f"no file of /etc/cloud has a list {LIST}")
    if any("{{" in str(entry) for entry in modules):
        raise DoubtError(f"{LIST} is a template that cannot be filled in yet")
    if MODULE in map(canonical, modules):
        return  # somebody put it there himself
    wanted = insert(modules)
    begin = theirs if theirs.endswith("\n") or not theirs else f"{theirs}\n"
    replace(RUNTIME, begin + MARK + yaml.safe_dump({LIST: wanted}))
    if in_force() != wanted:
        raise DoubtError(f"the kernel's command line or {RUNTIME} has another {LIST}")


def update() -> None:
    """Bring module and list up to date."""
    make_importable()
    if not RUNTIME.parent.is_dir():
        return  # nothing boots here; the list is made when something does
    theirs = without_ours()
    try:
        write_list(theirs)
    except BaseException:
        if RUNTIME.exists():
            replace(RUNTIME, theirs)
        raise


def remove() -> None:
    """Leave cloud-init as it is without us."""
    without_ours()
    remove_links()


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog=NAME)
    parser.add_argument("verb", choices=("update", "again", "remove"))
    verb = parser.parse_args().verb
    # What lies beside this file is for cloud-init to find by itself.
    sys.path[:] = [path for path in sys.path if path != str(HERE)]
    sys.dont_write_bytecode = True
    try:
        (remove if verb == "remove" else update)()
    except DoubtError as error:
        say(str(error))
    except Exception as error:
        # cloud-init's own code may raise anything about a broken configuration.
        say(f"{type(error).__name__}: {' '.join(str(error).split())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
