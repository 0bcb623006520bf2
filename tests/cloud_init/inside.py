# SPDX-License-Identifier: Apache-2.0
"""Run commands in a throw-away copy of this machine, in namespaces of its own.

Started by unshare(1) as root.  Standard input is JSON: "trees" to lay over the
root, "files" to write into it, "commands" to run there, "collect" to bring home.
The answer is JSON, too.  All of it is in a tmpfs and goes with the last process.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

BASE = Path("/run")  # of our own mount namespace; a tmpfs is laid over it
ROOT = BASE / "root"
TIMEOUT = 200  # seconds a command
# What a machine that this runs on may have, and a new instance has not.
EMPTY = ("etc/cloud", "etc/sqs-entropy", "var/lib/cloud", "var/lib/sqs-entropy")


def mount(*args: str | Path) -> None:
    """Call mount with arguments."""
    subprocess.run(["mount", *map(str, args)], check=True)


def make_root() -> None:
    """An overlay whose writes go to memory."""
    mount("-t", "tmpfs", "-o", "mode=755,size=512m", "none", BASE)
    for name in "upper", "work", "root":
        (BASE / name).mkdir()
    where = f"lowerdir=/,upperdir={BASE}/upper,workdir={BASE}/work"
    mount("-t", "overlay", "-o", where, "none", ROOT)
    mount("-t", "proc", "proc", ROOT / "proc")
    mount("-t", "tmpfs", "-o", "mode=755", "run", ROOT / "run")
    mount("-t", "tmpfs", "-o", "mode=1777", "tmp", ROOT / "tmp")
    mount("-t", "tmpfs", "-o", "mode=755,size=64k", "dev", ROOT / "dev")
    for name in "null", "zero", "full", "random", "urandom":
        (ROOT / "dev" / name).touch()
        mount("--bind", f"/dev/{name}", ROOT / "dev" / name)
    for name in EMPTY:
        subprocess.run(["rm", "-rf", ROOT / name], check=True)


def lay_over(tree: Path) -> None:
    """Copy an unpacked package, or cloud-init's sources, into the root."""
    packages = ROOT / "usr/lib/python3/dist-packages"
    if (tree / "cloudinit").is_dir():
        packages.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", tree / "cloudinit", packages], check=True)
        return
    for name in "usr", "etc":
        if (tree / name).is_dir():
            subprocess.run(["cp", "-a", tree / name, f"{ROOT}/"], check=True)


def write(name: str, value: Any) -> None:
    """Text, or [text, mode]."""
    text, mode = value if isinstance(value, list) else (value, 0o644)
    path = ROOT / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def run(command: list[str]) -> dict[str, Any]:
    """Run one command in the root."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}
    done = subprocess.run(
        ["chroot", ROOT, *command],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    return {"code": done.returncode, "out": out, "err": err}


def collect(pattern: str) -> dict[str, str]:
    """Names and texts of the files that match."""
    found = {}
    for path in sorted(ROOT.glob(pattern.lstrip("/"))):
        with contextlib.suppress(OSError):
            text = path.read_text(encoding="utf-8", errors="replace")
            found[f"/{path.relative_to(ROOT)}"] = text
    return found


def main() -> int:
    """Do what standard input says."""
    job = json.load(sys.stdin)
    os.umask(0o022)
    make_root()
    for tree in job["trees"]:
        lay_over(Path(tree))
    for name, value in job["files"].items():
        write(name, value)
    answer = {"steps": [run(command) for command in job["commands"]], "files": {}}
    for pattern in job["collect"]:
        answer["files"].update(collect(pattern))
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
