# SPDX-License-Identifier: Apache-2.0
"""What is tried in a guest, and what must then be true.

A scenario boots a machine, once as a rule, and tells what is wrong; those that
carry on with the machine of another name it in CHAINS.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from evidence import RNDADDENTROPY, Boot
from machine import Machine
from world import (
    IMDS_ADDRESS,
    MESSAGES,
    QUEUE_URL,
    ROOT,
    SQS_ADDRESS,
    World,
    wait_until,
)

TIMEOUT = 10  # seconds that the directive gives the agent
# The agent's own deadline, and what a busy machine adds to a process's end.
SLACK = 5
UNIT = "agent-unit"
DEB = "/usr/local/lib/vm/agent.deb"  # in the guest


@dataclass
class Case:
    """One machine, its world, and what is wrong so far."""

    world: World
    machine: Machine
    logs: Path
    instance_id: str = "i-0123456789abcdef0"
    wrong: list[str] = field(default_factory=list)
    last: Boot | None = None

    def expect(self, true: Any, otherwise: str) -> None:
        """Note what is wrong, and go on: the next one may tell more."""
        if not true:
            self.wrong.append(otherwise)

    def directive(self, **values: Any) -> bytes:
        """User data with our directive; JSON is YAML."""
        settings = {
            "queue": QUEUE_URL,
            "messages": 1,
            "timeout": TIMEOUT,
            "trusted_producers": [self.world.public_key],
        } | values
        return f"#cloud-config\nsqs_entropy: {json.dumps(settings)}\n".encode()

    def boot(
        self,
        name: str,
        user_data: bytes | None = None,
        extra: str = "",
        during: Callable[[], None] | None = None,
    ) -> Boot:
        """Boot the machine to its end; raises when it tells nothing."""
        logs = self.logs / name
        # What an earlier run left must not speak for this one.
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir(parents=True)
        self.world.serve(logs)
        self.world.imds.instance_id = self.instance_id
        self.world.imds.user_data = user_data or self.directive()
        process = self.machine.start(self.instance_id, logs, extra)
        if during is not None:
            threading.Thread(target=during, daemon=True).start()
        problem = self.machine.finish(process, logs)
        self.world.write_logs(logs)
        if problem:
            raise RuntimeError(f"{problem}; see {logs}")
        self.last = Boot(logs)
        return self.last


def healthy(case: Case, boot: Boot) -> None:
    """What holds of every boot, whatever becomes of the agent."""
    case.expect(boot.multi_user, "multi-user.target was not reached")
    case.expect(
        boot.system == "running",
        f"the system is {boot.system}: {boot.text('failed-units').strip()}",
    )
    case.expect(boot.text("sshd") == "SSH-2.0", "sshd does not answer")
    case.expect(boot.host_keys, "there are no host keys")
    case.expect(boot.crng_done, "the kernel did not say when it was ready")
    unit = boot.show(UNIT, "Result")
    case.expect(unit == "success", f"the unit's result is {unit!r}")
    case.expect(
        boot.seconds(UNIT, "ExecMainExitTimestamp"), "the unit's program did not run"
    )
    for took in boot.agent_runs:
        late = took - TIMEOUT - SLACK
        case.expect(late <= 0, f"an agent ran {late:.1f} s past its time-out")


def seeded(case: Case, boot: Boot) -> None:
    """The kernel got one message and credit for it, as the kernel itself saw."""
    status = boot.status
    told = {k: status.get(k) for k in ("exit", "credit", "target", "received")}
    wanted = {"exit": 0, "credit": 256, "target": "kernel", "received": 1}
    case.expect(told == wanted, f"agent.json says {told}")
    case.expect(
        len(boot.injected) == 1, f"{len(boot.injected)} RNDADDENTROPY instead of 1"
    )
    case.expect(
        len(boot.reseeded) == 1, f"{len(boot.reseeded)} RNDRESEEDCRNG instead of 1"
    )
    for call, after in zip(boot.injected, boot.reseeded):
        case.expect(
            call.pid == after.pid and call.time < after.time,
            "RNDRESEEDCRNG did not follow RNDADDENTROPY",
        )
    depth, deletes = case.world.depth(), case.world.calls("DeleteMessage*")
    case.expect(deletes == 1, f"{deletes} messages were deleted instead of 1")
    case.expect(
        depth == MESSAGES - 1, f"{depth} messages are left instead of {MESSAGES - 1}"
    )


def resolved(case: Case, boot: Boot) -> None:
    """The name was looked up by the agent, as DNS saw."""
    log = (boot.logs / "dnsmasq.log").read_text(errors="replace")
    case.expect("query[A] sqs." in log, "nobody asked for the address of SQS")


def before_host_keys(case: Case, boot: Boot) -> None:
    """The directive took effect in time."""
    modules = boot.modules
    case.expect(
        "sqs_entropy" in modules, f"cloud-init did not run the module: {modules}"
    )
    if "sqs_entropy" in modules:
        later = modules[modules.index("sqs_entropy") + 1 :]
        for name in "seed_random", "ssh":
            case.expect(name in later, f"{name} did not come after the module")
    if not boot.injected or not boot.reseeded:
        return
    seeded_at = boot.reseeded[0].time
    case.expect(boot.key_makers, "the trace shows no ssh-keygen")
    for made in boot.key_makers:
        case.expect(seeded_at < made, f"ssh-keygen was started at {made:.2f}, earlier")
    for name, made in boot.host_keys.items():
        case.expect(seeded_at < made, f"{name} is of {made:.2f}, earlier")
    conf = boot.text("etc-sqs-entropy/agent.conf")
    case.expect(QUEUE_URL in conf, "agent.conf does not name the queue")


def idle_unit(case: Case, boot: Boot) -> None:
    """The unit left alone what cloud-init had just done."""
    said = boot.text("agent-journal")
    case.expect(
        "nothing to do" in said, f"the unit did not say why it did nothing: {said!r}"
    )


def first(case: Case) -> None:
    """The first boot of an instance."""
    case.world.produce()
    boot = case.boot("first")
    healthy(case, boot)
    seeded(case, boot)
    resolved(case, boot)
    before_host_keys(case, boot)
    idle_unit(case, boot)


def second(case: Case) -> None:
    """Again: the module is done with, the unit as shipped seeds."""
    case.world.produce()
    before = dict(case.last.host_keys) if case.last else {}
    boot = case.boot("second")
    healthy(case, boot)
    case.expect("sqs_entropy" not in boot.modules, "the module ran again")
    seeded(case, boot)
    resolved(case, boot)
    case.expect(len(before) == len(boot.host_keys), "other host keys")
    case.expect(not boot.key_makers, "host keys were made again")
    sandboxed(case, boot)


def sandboxed(case: Case, boot: Boot) -> None:
    """It was the unit, with its sandbox on, that did it."""
    run = boot.show(UNIT, "ExecMainPID")
    parents = {str(e.pid) for e in boot.injected}
    case.expect(run in parents, f"the unit's process {run} is none of {parents}")
    for name, value in ("ProtectSystem", "strict"), ("NoNewPrivileges", "yes"):
        case.expect(boot.show(UNIT, name) == value, f"the unit has not {name}={value}")


def new_id(case: Case) -> None:
    """The same disk as another instance: as if for the first time."""
    case.world.produce()
    case.instance_id = "i-0fedcba9876543210"
    boot = case.boot("new-id")
    healthy(case, boot)
    seeded(case, boot)
    before_host_keys(case, boot)


def boot_hook(case: Case) -> None:
    """An image without the package, which user-data's boot hook installs."""
    case.world.produce()
    boot = case.boot("boot-hook", installing(case), extra="vm.bare")
    # What is there afterwards is the hook's, of which some releases log nothing.
    gone = "Purging configuration files for sqs-entropy-agent"
    case.expect(gone in boot.text("journal"), "the image had the package")
    healthy(case, boot)
    seeded(case, boot)
    before_host_keys(case, boot)
    idle_unit(case, boot)
    case.expect(boot.cloud_init == "done, exit 0", f"cloud-init says {boot.cloud_init}")


def installing(case: Case) -> bytes:
    """The documented user-data, with the package from a file instead of by apt."""
    text = (ROOT / "cloud-init/examples/install.txt").read_text()
    for pattern, ours in (
        (r"curl -fsSLo (.|\n)*? install -y sqs-entropy-agent", f"dpkg -i {DEB}"),
        (r"- sqs-entropy-ed25519 .*", f'- "{case.world.public_key}"'),
        (r"queue: .*", f"queue: {QUEUE_URL}"),
    ):
        text, n = re.subn(pattern, ours, text)
        if n != 1:
            raise RuntimeError(f"{n} times {pattern} in the example")
    return text.encode()


def ready(case: Case) -> None:
    """256 credited bits make a generator ready that nobody has read yet."""
    case.world.produce()
    boot = case.boot("ready", extra="vm.early")
    healthy(case, boot)
    text = boot.text("vm-early.json")
    if not text:
        case.expect(False, "the early unit said nothing")
        return
    said = json.loads(text)
    states = [said[k]["ready"] for k in ("before", "uncredited", "credited")]
    case.expect(
        states == [False, False, True],
        f"ready before, after 0 bits, after 256 bits: {states}",
    )
    calls = boot.ioctls(RNDADDENTROPY, "early")
    case.expect(len(calls) == 2, f"{len(calls)} RNDADDENTROPY by the early unit")
    if not calls or not boot.keyed:
        case.expect(False, "the trace shows no first key of the generator")
        return
    key, call = boot.keyed[0], calls[-1]
    case.expect(
        key.pid == call.pid and call.time <= key.time <= said["credited"]["boottime"],
        f"the generator got its first key from {key.task} at {key.time}, "
        f"not in the call at {call.time}",
    )
    # The kernel's log has another clock.
    away = abs((boot.crng_done or 0) - key.time)
    case.expect(away < 1, f"crng init done {away:.2f} s away from the call")


def unseeded(case: Case, boot: Boot, code: int) -> None:
    """Nothing was injected, and the agent said why."""
    healthy(case, boot)
    case.expect(not boot.injected, "something was injected")
    case.expect(
        boot.status.get("exit") == code,
        f"the agent's exit code was {boot.status.get('exit')} instead of {code}",
    )
    case.expect("sqs_entropy" in boot.modules, "cloud-init did not run the module")


def imds_black_hole(case: Case) -> None:
    """IMDS vanishes once cloud-init has its user data from it."""
    case.world.produce()

    def vanish() -> None:
        last = "GET /*/dynamic/instance-identity/document"
        if wait_until(lambda: bool(case.world.imds.matching(last)), 300):
            case.world.black_hole(IMDS_ADDRESS)

    boot = case.boot("imds-black-hole", during=vanish)
    case.expect(case.world.black_holed(), "no packet was dropped")
    unseeded(case, boot, 77)


def sqs_black_hole(case: Case) -> None:
    """SQS does not answer, not even to refuse."""
    case.world.produce()
    boot = case.boot(
        "sqs-black-hole", during=lambda: case.world.black_hole(SQS_ADDRESS)
    )
    case.expect(case.world.black_holed(), "no packet was dropped")
    unseeded(case, boot, 69)
    case.expect(case.world.depth() == MESSAGES, "messages are missing")


def empty(case: Case) -> None:
    """The queue has nothing."""
    unseeded(case, case.boot("empty"), 75)


def denied(case: Case) -> None:
    """The role may not use the queue."""
    case.world.produce()
    boot = case.boot("denied", during=case.world.deny)
    unseeded(case, boot, 77)
    case.expect(case.world.depth() == MESSAGES, "messages are missing")


def bad_directive(case: Case) -> None:
    """A directive that cannot be: nothing of it is written."""
    case.world.produce()
    boot = case.boot("bad-directive", case.directive(messages=11))
    healthy(case, boot)
    case.expect(not boot.injected, "something was injected")
    case.expect(
        "sqs_entropy.messages" in boot.text("cloud-init.log"),
        "cloud-init's log does not name the key",
    )
    for name in "agent.conf", "trusted.d/cloud-init-1.pub":
        case.expect(not boot.exists(f"etc-sqs-entropy/{name}"), f"{name} was written")
    case.expect(case.world.depth() == MESSAGES, "messages are missing")


def required(case: Case) -> None:
    """An empty queue where entropy was asked for: cloud-init tells of it."""
    boot = case.boot("required", case.directive(required=True))
    case.expect(boot.multi_user, "multi-user.target was not reached")
    case.expect(boot.text("sshd") == "SSH-2.0", "sshd does not answer")
    case.expect(not boot.injected, "something was injected")
    case.expect(
        boot.cloud_init.startswith("error"), f"cloud-init says {boot.cloud_init}"
    )
    case.expect(
        "sqs_entropy" in boot.text("cloud-init-status"),
        "cloud-init's status does not name the module",
    )


Scenario = Callable[[Case], None]
SCENARIOS: dict[str, Scenario] = {
    "first": first,
    "second": second,
    "new-id": new_id,
    "boot-hook": boot_hook,
    "ready": ready,
    "imds-black-hole": imds_black_hole,
    "sqs-black-hole": sqs_black_hole,
    "empty": empty,
    "denied": denied,
    "bad-directive": bad_directive,
    "required": required,
}
# These go on with one machine, in this order.
CHAIN = ("first", "second", "new-id")
# Their boot is compared with that of "first".
DELAYED = ("imds-black-hole", "sqs-black-hole", "empty", "denied", "bad-directive")


def jobs(names: list[str]) -> Iterator[list[str]]:
    """What each machine has to do for these scenarios."""
    wanted = [name for name in CHAIN if name in names]
    if wanted:
        yield list(CHAIN[: CHAIN.index(wanted[-1]) + 1])
    elif set(names) & set(DELAYED):
        yield ["first"]
    for name in names:
        if name not in CHAIN:
            yield [name]


def row(boot: Boot) -> dict[str, Any]:
    """The times that the table shows."""
    keys = boot.host_keys.values()
    return {
        "multi-user": boot.multi_user,
        "injected": boot.injected[0].time if boot.injected else None,
        "reseeded": boot.reseeded[0].time if boot.reseeded else None,
        "host keys": min(keys) if keys else None,
        "crng done": boot.crng_done,
        "cloud-init": boot.cloud_init,
        "agents": boot.held,
    }
