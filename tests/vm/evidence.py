# SPDX-License-Identifier: Apache-2.0
"""What a boot left behind, read: times are seconds of CLOCK_BOOTTIME."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

RNDADDENTROPY = "40085203"
RNDRESEEDCRNG = "5207"
# Names of tasks are cut to 15 characters.
AGENT = "sqs-entropy-age"
EVENT = re.compile(
    r"^\s*(?P<task>.+)-(?P<pid>\d+)\s+\[\d+\]\s+\S+\s+(?P<time>[\d.]+): (?P<what>.*)$"
)
MODULE = re.compile(r"Running module (\S+) \(")


@dataclass
class Event:
    """One line of the kernel's trace."""

    task: str
    pid: int
    time: float
    what: str


def parse_trace(text: str) -> list[Event]:
    """Every event of a trace, in order."""
    found = (EVENT.match(line) for line in text.splitlines())
    return [
        Event(m["task"], int(m["pid"]), float(m["time"]), m["what"]) for m in found if m
    ]


class Boot:
    """One boot of a guest."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs

    def text(self, name: str) -> str:
        """What a file holds that the guest handed over; nothing if it did not."""
        path = self.logs / "guest" / name
        return path.read_text(errors="replace") if path.exists() else ""

    def exists(self, name: str) -> bool:
        """Whether the guest handed that over."""
        return (self.logs / "guest" / name).exists()

    def show(self, unit: str, name: str) -> str:
        """A property of a unit, as systemctl shows it."""
        found = re.search(rf"^{name}=(.*)$", self.text(unit), re.MULTILINE)
        return found[1] if found else ""

    def seconds(self, unit: str, name: str) -> float | None:
        """A time of a unit; nothing when that did not happen."""
        value = self.show(unit, name + "Monotonic")
        return int(value) / 1e6 if value.isdigit() and int(value) else None

    # The system.

    @cached_property
    def multi_user(self) -> float | None:
        """When multi-user.target was reached."""
        return self.seconds("multi-user", "ActiveEnterTimestamp")

    @property
    def held(self) -> float:
        """Seconds for which agents kept the boot waiting."""
        return sum(self.agent_runs)

    @property
    def system(self) -> str:
        """The system's state once it had booted."""
        return self.text("system").strip()

    @property
    def cloud_init(self) -> str:
        """The state that cloud-init tells."""
        found = re.search(r"^status: (.*)$", self.text("cloud-init-status"), re.M)
        state = found[1] if found else "unknown"
        return f"{state}, exit {self.text('cloud-init-status.exit').strip()}"

    @cached_property
    def crng_done(self) -> float | None:
        """When the kernel said that its generator is ready."""
        log = self.text("kernel-log")
        found = re.search(r"\[\s*([\d.]+)\] random: crng init done", log)
        return float(found[1]) if found else None

    @cached_property
    def host_keys(self) -> dict[str, float]:
        """When each SSH host key was written."""
        offset = float(self.text("boot-clock") or 0)
        lines = (line.split() for line in self.text("host-keys").splitlines())
        return {
            parts[1]: float(parts[0]) - offset for parts in lines if len(parts) == 2
        }

    @cached_property
    def modules(self) -> list[str]:
        """cloud-init's modules in the order in which they really ran."""
        log = self.text("cloud-init.log")
        done = set(re.findall(r"config-(\S+) already ran \(", log))
        return [name for name in MODULE.findall(log) if name not in done]

    @property
    def status(self) -> dict[str, Any]:
        """What the agent noted about its last run."""
        text = self.text("agent.json").strip()
        return json.loads(text) if text else {}

    # The kernel's trace.

    @cached_property
    def trace(self) -> list[Event]:
        """Its events."""
        return parse_trace(self.text("trace"))

    def ioctls(self, number: str, task: str = AGENT) -> list[Event]:
        """Calls of that ioctl by tasks of that name."""
        wanted = re.compile(rf"cmd: (0x)?{number},")
        return [e for e in self.trace if e.task == task and wanted.search(e.what)]

    def marked(self, text: str) -> float:
        """When that was written into the trace."""
        return next(e.time for e in self.trace if e.what.endswith(f"_write: {text}"))

    @property
    def injected(self) -> list[Event]:
        """Each RNDADDENTROPY of the agent."""
        return self.ioctls(RNDADDENTROPY)

    @property
    def reseeded(self) -> list[Event]:
        """Each RNDRESEEDCRNG of the agent."""
        return self.ioctls(RNDRESEEDCRNG)

    @property
    def keyed(self) -> list[Event]:
        """Each time the generator got a new key, by whoever's call."""
        return [e for e in self.trace if e.what.startswith("reseed: ")]

    @property
    def key_makers(self) -> list[float]:
        """When each ssh-keygen was started."""
        return [e.time for e in self.trace if "filename=/usr/bin/ssh-keygen" in e.what]

    @property
    def agent_runs(self) -> list[float]:
        """How long each agent ran, in seconds; for ever, if it did not end."""
        return self.agent_runs_since(0)

    def agent_runs_since(self, since: float) -> list[float]:
        """The same of those that were started later than that."""
        name = "filename=/usr/sbin/sqs-entropy-agent "
        ends = {e.pid: e.time for e in self.trace if "sched_process_exit" in e.what}
        starts = [e for e in self.trace if name in e.what and e.time > since]
        return [ends.get(e.pid, float("inf")) - e.time for e in starts]
