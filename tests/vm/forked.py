# SPDX-License-Identifier: Apache-2.0
"""Clones of a machine that was saved while it ran, and what seeds them.

What happened in the template is before the mark SAVED in the trace of each clone.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from evidence import Boot
from scenarios import SLACK, TIMEOUT, Case
from snapshot import Snapshot

FORKED, TARGET = "sqs-entropy-agent-forked.service", "sqs-entropy-seeded.target"
WATCH = "sqs-entropy-agent-watch.service"
RULE = "/etc/udev/rules.d/60-sqs-entropy-agent.rules"
SAVED, UNMASKED, ASKED = "saved", "unmasked", "asked"  # marks in the trace
TOLD = "crng reseeded due to virtual machine fork"
# Seconds, longer than an agent that was started would need to be seen.
QUIET = 15
# What the kernel's driver sends where it sends an event: root may have the kernel
# send any (uevent_net_rcv_skb() in lib/kobject_uevent.c).
EVENT = r"""
import socket, struct
path = "/devices/platform/QEMUVGID:00"
fields = (f"change@{path}", "ACTION=change", f"DEVPATH={path}",
          "SUBSYSTEM=platform", "NEW_VMGENID=1", "")
body = "\0".join(fields).encode()
kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)
kernel.sendto(struct.pack("=IHHII", 16 + len(body), 16, 1, 0, 0) + body, (0, 0))
"""


def until(condition: str, seconds: int = 60) -> str:
    """A line for the guest that fails unless that is true in time."""
    return f"timeout {seconds} sh -c 'until {condition}; do sleep 0.2; done'"


ENDED = f'[ "$(systemctl show -P ExecMainExitTimestampMonotonic {FORKED})" != 0 ]'
UNTIL_TOLD = until(f'dmesg | grep -q "{TOLD}"')
UNTIL_SEEDED = until(f"systemctl --quiet is-active {TARGET}")
UNTIL_RAN_AND_SEEDED = f"{until(ENDED)} && {UNTIL_SEEDED}"


class Clones:
    """A template, what was saved of it, and one clone after the other."""

    def __init__(self, case: Case, generation: bool) -> None:
        self.case = case
        image = case.machine.kernel.parent
        self.machine = Snapshot(image, case.machine.work, generation)
        self.processes: list[subprocess.Popen[bytes]] = []

    def logs(self, name: str) -> Path:
        """An empty folder, with the stand-ins well behaved and saying there."""
        logs = self.case.logs / name
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir(parents=True)
        self.case.world.serve(logs)
        self.case.world.imds.instance_id = self.case.instance_id
        self.case.world.imds.user_data = self.case.directive()
        return logs

    def run(self, command: str) -> str:
        """Run a line in the guest."""
        return self.machine.shell.run(command)

    def mark(self, text: str) -> None:
        """Write into the kernel's trace."""
        self.run(
            "mountpoint -q /sys/kernel/tracing ||"
            " mount -t tracefs tracefs /sys/kernel/tracing;"
            f" echo {text} >/sys/kernel/tracing/trace_marker"
        )

    def boot_template(self, name: str) -> None:
        """Have one that is booted and seeded, and whose target is reached."""
        logs = self.logs(name)
        self.process = self.machine.boot(self.case.instance_id, logs)
        self.processes.append(self.process)
        self.run(f"systemctl start {TARGET}")

    def save(self, name: str) -> Path:
        """Write it to files, marked."""
        self.mark(SAVED)
        return self.machine.save(name)

    def start(self, state: Path, name: str, instance_id: str) -> Path:
        """Restore a clone."""
        self.case.instance_id = instance_id
        logs = self.logs(name)
        self.process = self.machine.restore(state, instance_id, logs)
        self.processes.append(self.process)
        return logs

    def collect(self, logs: Path) -> Boot:
        """What the clone hands over, at its end."""
        problem = self.machine.collect(self.process, logs)
        self.case.world.write_logs(logs)
        if problem:
            raise RuntimeError(f"{problem}; see {logs}")
        self.case.last = Boot(logs)
        return self.case.last

    def kill(self) -> None:
        """Leave none running."""
        for process in self.processes:
            process.kill()
            process.wait()


def kernel_calls(boot: Boot, since: float) -> list[float]:
    """Times of RNDADDENTROPY, then of RNDRESEEDCRNG, of agents since then."""
    calls = (*boot.injected, *boot.reseeded)
    return [call.time for call in calls if call.time > since]


def seeded_since(case: Case, boot: Boot, since: float) -> Any:
    """A clone was, once, and its target was reached after it; by which message."""
    calls = kernel_calls(boot, since)
    case.expect(len(calls) == 2, f"{calls} instead of one injection and one reseed")
    runs = boot.agent_runs_since(since)
    case.expect(runs, "no agent was started")
    for seconds in runs:
        case.expect(seconds <= TIMEOUT + SLACK, f"an agent ran {seconds:.1f} s")
    left = boot.seconds("seeded-target", "InactiveEnterTimestamp") or 0
    reached = boot.seconds("seeded-target", "ActiveEnterTimestamp") or 0
    case.expect(since < left, f"the target was left at {left}, saved at {since}")
    case.expect(
        len(calls) == 2 and left < calls[0] < calls[1] < reached,
        f"left at {left}, called at {calls}, reached at {reached}",
    )
    status = boot.status
    wanted = {"exit": 0, "credit": 256, "target": "kernel", "received": 1}
    reported = {name: status.get(name) for name in wanted}
    case.expect(reported == wanted, f"agent.json says {reported}")
    case.expect(case.world.calls("DeleteMessage*") == 1, "not one message was deleted")
    return (status.get("messages") or [{}])[0].get("seq")


def told(case: Case) -> None:
    """Two clones with a device, by the kernel's word alone, then one by its event."""
    case.world.produce()
    clones = Clones(case, generation=True)
    try:
        clones.boot_template("template")
        state = clones.save("watched")
        clones.machine.monitor("cont")
        clones.run(f"systemctl mask --now {WATCH} && ln -s /dev/null {RULE}")
        masked = clones.save("masked")
        clones.machine.end(clones.process)
        messages = []
        for name in "a", "b":
            logs = clones.start(state, f"clone-{name}", f"i-0000000000000000{name}")
            clones.run(UNTIL_TOLD)
            clones.run(UNTIL_RAN_AND_SEEDED)
            boot = clones.collect(logs)
            messages.append(seeded_since(case, boot, boot.marked(SAVED)))
        case.expect(
            len(set(messages)) == 2 and None not in messages,
            f"the clones took the messages {messages}",
        )
        unmask(case, clones, masked)
    finally:
        clones.kill()


def unmask(case: Case, clones: Clones, state: Path) -> None:
    """Masked, nothing is started; with the rule alone, an event has it started."""
    case.world.produce()
    logs = clones.start(state, "clone-masked", "i-0000000000000000c")
    clones.run(f"{UNTIL_TOLD} && sleep {QUIET}")
    clones.run(f"rm {RULE} && udevadm control --reload")
    clones.mark(UNMASKED)
    clones.run(f"python3 -c 'exec(bytes.fromhex(\"{EVENT.encode().hex()}\"))'")
    clones.run(UNTIL_RAN_AND_SEEDED)
    boot = clones.collect(logs)
    saved, unmasked = boot.marked(SAVED), boot.marked(UNMASKED)
    early = [at for at in kernel_calls(boot, saved) if at < unmasked]
    case.expect(not early, f"masked, and yet there are calls at {early}")
    seeded_since(case, boot, unmasked)


def hook(case: Case) -> None:
    """Without a device nobody tells, and the hook does it."""
    case.world.produce()
    clones = Clones(case, generation=False)
    try:
        clones.boot_template("no-device")
        state = clones.save("no-device")
        clones.machine.end(clones.process)
        logs = clones.start(state, "clone-hook", "i-0000000000000000d")
        clones.run(f"sleep {QUIET}; ! dmesg | grep -q '{TOLD}'")
        clones.run(f"! systemctl --quiet is-active {WATCH}")
        clones.mark(ASKED)
        clones.run(f"systemctl restart {FORKED} && {UNTIL_SEEDED}")
        boot = clones.collect(logs)
        saved, asked = boot.marked(SAVED), boot.marked(ASKED)
        early = [at for at in kernel_calls(boot, saved) if at < asked]
        case.expect(not early, f"nobody asked, and yet there are calls at {early}")
        seeded_since(case, boot, asked)
    finally:
        clones.kill()


CLONED = {"told": told, "hook": hook}
