# SPDX-License-Identifier: Apache-2.0
"""A machine with one release of cloud-init, what it boots, and what came of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / "cloud-init"
PACKAGE = Path(os.environ.get("CLOUD_INIT_OURS", ""))  # as it is installed
TREES = [Path(tree) for tree in os.environ.get("CLOUD_INIT_TREES", "").split()]
NEEDED = os.environ.get("CLOUD_INIT_NEEDED", "")
TIMEOUT = 300  # seconds; a boot takes one or two on a machine that is idle
CLOUD_INIT = ["python3", "-m", "cloudinit.cmd.main"]
BOOT = [*CLOUD_INIT, "init"]
LIST = "/usr/libexec/sqs-entropy/cloud-init-module-list"
RUNTIME = "/run/cloud-init/cloud.cfg"
SEED = "/var/lib/cloud/seed/nocloud"
CALLS = "/var/log/agent.calls"
# As systemd does before and after the local stage, and after the network stage.
UPDATE = ["sh", "-c", f"mkdir -p /run/cloud-init && exec {LIST} update"]
AGAIN = [LIST, "again"]
LATE = [LIST, "late"]
REBOOT = ["rm", "-rf", "/run/cloud-init"]
# Modules that leave the machine alone; the list has the shape of a real one.
CLOUD_CFG = """\
users: [default]
cloud_init_modules: [migrator, seed_random, bootcmd, write-files]
cloud_config_modules: []
cloud_final_modules: []
system_info: {distro: debian}
"""
# migrator is in old releases only, and not missed by new ones.
# bootcmd has something to do, because later releases leave out a module that has
# not.
SETTINGS = """\
datasource_list: [NoCloud]
network: {config: disabled}
bootcmd: ["exit 0"]
"""
# It stands for the agent: says what it was called with, and ends as it is told.
AGENT = """\
#!/bin/sh
case "$*" in
*--check*) exit 0 ;;
esac
echo "$@" >>/var/log/agent.calls
echo "sqs-entropy-agent: this is what it said" >&2
%s
"""
TIME = re.compile(r"^\d{4}-\d\d-\d\d [\d:,.]+ - ")


def version_of(tree: Path) -> str:
    """The release of cloud-init that a tree holds, in its own words."""
    script = """
import sys
sys.path.insert(0, sys.argv[1])
from cloudinit.version import version_string
print(version_string())
"""
    whole = tree / "usr/lib/python3/dist-packages"
    folder = tree if (tree / "cloudinit").is_dir() else whole
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", script, folder],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@dataclass
class Boot:
    """What commands did on a machine that is gone by now."""

    steps: list[dict[str, Any]]
    files: dict[str, str]
    commands: list[list[str]] = field(default_factory=list)

    @property
    def log(self) -> list[str]:
        """cloud-init's own log, without the times."""
        text = self.files.get("/var/log/cloud-init.log", "")
        return [TIME.sub("", line) for line in text.splitlines()]

    @property
    def complaints(self) -> list[str]:
        """What makes "cloud-init status" say "degraded", or worse."""
        return [line for line in self.log if re.search(r"\[(WARN|ERR|CRIT)", line)]

    @property
    def calls(self) -> list[str]:
        """How the agent was run, --check left out."""
        return self.files.get(CALLS, "").splitlines()

    def codes(self) -> list[int]:
        """The exit codes."""
        return [step["code"] for step in self.steps]

    def said(self) -> str:
        """All that the commands printed."""
        return "".join(step["out"] + step["err"] for step in self.steps)


@dataclass
class Machine:
    """Makes machines with a release of cloud-init and our package."""

    tree: Path
    version: tuple[int, ...]

    @property
    def trees(self) -> list[Path]:
        """What is laid over the root; a bare source tree has no /etc of its own."""
        bare = (self.tree / "cloudinit").is_dir()
        whole = [t for t in TREES if not (t / "cloudinit").is_dir()]
        return [Path(NEEDED), *(whole[:1] if bare else []), self.tree, PACKAGE]

    def files(self) -> dict[str, Any]:
        """A machine that boots from NoCloud, beside our package."""
        return {
            # This machine may be a container.
            "/usr/bin/systemd-detect-virt": ["#!/bin/sh\necho none\nexit 1\n", 0o755],
            "/usr/sbin/sqs-entropy-agent": [AGENT % "exit 0", 0o755],
            "/etc/cloud/cloud.cfg": CLOUD_CFG,
            "/etc/cloud/cloud.cfg.d/90_test.cfg": SETTINGS,
            f"{SEED}/meta-data": "instance-id: i-1\n",
            f"{SEED}/user-data": "#cloud-config\n{}\n",
        }

    def run(
        self, *commands: list[str], files: dict[str, Any] | None = None, **more: Any
    ) -> Boot:
        """Run commands on a new machine. A file that is None is left out."""
        wanted = {**self.files(), **(files or {})}
        job = {
            "trees": [str(tree) for tree in self.trees],
            "files": {n: v for n, v in wanted.items() if v is not None},
            "commands": commands,
            "collect": [
                "/var/log/cloud-init.log",
                CALLS,
                "/etc/sqs-entropy/**/*",
                "/etc/sqs-entropy/**/.*",
                "/etc/cloud/cloud.cfg.d/*",
                RUNTIME,
                "/var/lib/cloud/instances/*/sem/*",
                "/var/lib/sqs-entropy/*",
                "/run/sqs-entropy/*",
                *more.get("collect", []),
            ],
        }
        apart = ["--mount", "--pid", "--uts", "--net", "--ipc"]
        done = subprocess.run(
            [
                *("unshare", *apart, "--fork", "--kill-child=KILL"),
                *(sys.executable, "-I", Path(__file__).with_name("inside.py")),
            ],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Boot(**json.loads(done.stdout), commands=list(commands))

    def boot(self, user_data: str = "#cloud-config\n{}\n", **values: Any) -> Boot:
        """Boot a new instance for the first time, with our module enabled."""
        files = {f"{SEED}/user-data": user_data, **values.pop("files", {})}
        return self.run(UPDATE, BOOT, files=files, **values)

    @property
    def knows_all_keys(self) -> bool:
        """Whether it takes an unknown key in user-data for a mistake."""
        return self.version >= (23, 4)


def example(name: str) -> str:
    """One of the examples that the package ships."""
    return (OURS / "examples" / name).read_text()
