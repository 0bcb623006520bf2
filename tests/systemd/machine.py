# SPDX-License-Identifier: Apache-2.0
"""A small Debian under its own systemd, in a container of systemd-nspawn.

It shares this process's network namespace, which tests/systemd/check has made.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

BOOT = 300  # seconds; it takes two
COMMAND = 120  # seconds; more than any time-out in the units under test
# The programs that the services need have all of it, so that what a service may
# not do is the work of its unit; bpf(2) is how systemd guards devices.
NSPAWN = [
    "systemd-nspawn",
    "--quiet",
    "--boot",
    "--register=no",
    "--keep-unit",
    "--capability=all",
    "--system-call-filter=bpf perf_event_open",
    "--link-journal=no",
    "--resolv-conf=off",
    "--timezone=off",
    "--console=pipe",
]


class Machine:
    """A container that has booted."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.leader = 0
        self.log = (root.parent / "nspawn.log").open("w+b")
        self.process = subprocess.Popen(
            [*NSPAWN, f"--directory={root}"],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )

    def wait(self) -> None:
        """Until the boot is over, for better or worse."""
        deadline = time.monotonic() + BOOT
        while time.monotonic() < deadline and self.process.poll() is None:
            self.leader = self.leader or self._find_leader()
            if self.leader and self.state() not in ("", "initializing", "starting"):
                return
            time.sleep(0.2)
        self.log.seek(0)
        said = self.log.read().decode(errors="replace")
        raise RuntimeError(f"the container did not boot:\n{said}\n{self.journal()}")

    def _find_leader(self) -> int:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                name = Path(f"/proc/{child}/comm").read_text().strip()
                if name == "systemd":
                    return int(child)
        return 0

    def stop(self) -> None:
        """End it at once, processes and all."""
        for pid in (self.leader, self.process.pid):
            if pid and self.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
        self.process.wait(timeout=20)
        self.log.close()

    def run(self, *command: str, **values: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in there, as root; whether it failed is for the caller."""
        return subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=values.pop("timeout", COMMAND),
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
            check=False,
            **values,
        )

    def must(self, *command: str, **values: Any) -> str:
        """Run a command that has to succeed; what it put out."""
        done = self.run(*command, **values)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def state(self) -> str:
        """What systemctl is-system-running says."""
        return self.run("systemctl", "is-system-running").stdout.strip()

    def show(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.must("systemctl", "show", "--value", "-p", name, unit).strip()

    def journal(self, *options: str) -> str:
        """All that was logged up to now, by default without who and when."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--no-pager", "-o", "cat", *options).stdout

    def invocation(self, unit: str) -> str:
        """What the last start of a unit logged, systemd's words left out.

        What a unit said just before its end may have no invocation's number: the
        journal reads that from a file, which goes when the unit has ended.
        """
        number = self.show(unit, "InvocationID")
        lines: list[str] = []
        newest_first = ("-r", "-o", "json", f"_SYSTEMD_UNIT={unit}")
        for entry in map(json.loads, self.journal(*newest_first).splitlines()):
            if entry.get("_SYSTEMD_INVOCATION_ID", number) != number:
                break
            lines.insert(0, entry["MESSAGE"])
        return "\n".join(lines)

    def drop_in(self, unit: str, name: str, text: str) -> None:
        """Add to a unit, or with no text take that away again."""
        path = self.path(f"/run/systemd/system/{unit}.d/{name}.conf")
        path.parent.mkdir(parents=True, exist_ok=True)
        if text:
            path.write_text(text)
        else:
            path.unlink(missing_ok=True)
        self.must("systemctl", "daemon-reload")

    def path(self, path: str) -> Path:
        """Where its files are for us: it has mounts of its own."""
        return Path(f"/proc/{self.leader}/root{path}")

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file in there."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def remove(self, path: str) -> None:
        """Remove a file in there, if there is one."""
        self.path(path).unlink(missing_ok=True)

    def forget_runs(self) -> None:
        """Make the next run of the agent the first one of this boot."""
        for name in ("agent.json", "last-seed"):
            self.remove(f"/run/sqs-entropy/{name}")

    def tasks(self, unit: str) -> list[int]:
        """The processes of a unit, by this namespace's numbers, oldest first."""
        group = self.show(unit, "ControlGroup")
        if not group:
            return []
        file = self.path(f"/sys/fs/cgroup{group}/cgroup.procs")
        try:
            return sorted(int(pid) for pid in file.read_text().split())
        except OSError:
            return []


def status(pid: int) -> dict[str, str]:
    """The lines of /proc/PID/status."""
    text = Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
