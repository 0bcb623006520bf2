# SPDX-License-Identifier: Apache-2.0
"""A machine that is saved while it runs, and clones that go on from there."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

from machine import BOOT_TIMEOUT, Machine
from world import wait_until

COMMAND_TIMEOUT = 900  # seconds; emulated, on a machine that has other work
SAVE_TIMEOUT = 120
# A shell on the second serial port, and no end of the machine but by a command.
EXTRA = "systemd.debug_shell=ttyS1 systemd.mask=vm-collect.service"
COLLECT = "/usr/local/lib/vm/collect"


def connect(path: Path) -> socket.socket:
    """A socket of QEMU's, as soon as it is there."""
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(SAVE_TIMEOUT)

    def reach() -> bool:
        return made.connect_ex(str(path)) == 0

    if not wait_until(reach, 60):
        raise RuntimeError(f"QEMU has no {path.name}")
    return made


class Monitor:
    """QEMU's own commands (QMP)."""

    def __init__(self, path: Path) -> None:
        self.file = connect(path).makefile("rw")
        self.file.readline()  # the greeting
        self("qmp_capabilities")

    def __call__(self, command: str, **arguments: Any) -> Any:
        """Have it do something; what it answers."""
        asked = {"execute": command, "arguments": arguments}
        self.file.write(json.dumps(asked) + "\n")
        self.file.flush()
        while line := self.file.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise RuntimeError(f"QEMU ended at {command}")

    def wait_for(self, query: str, wanted: str) -> None:
        """Until a state is reached."""
        if not wait_until(lambda: self(query).get("status") == wanted, SAVE_TIMEOUT):
            raise RuntimeError(f"{query}: {self(query)}")


class Shell:
    """Root's, in the guest."""

    def __init__(self, path: Path) -> None:
        self.socket = connect(path)

    def run(self, command: str, seconds: float = COMMAND_TIMEOUT) -> str:
        """Run a line that has to succeed; what it put out."""
        mark = uuid.uuid4().hex
        # The terminal shows the line too, in which the mark is in two parts.
        line = f"stty -echo; {command}; echo {mark[:8]}''{mark[8:]} $?\n"
        self.socket.sendall(line.encode())
        said = b""
        end = re.compile(rf"{mark} (\d+)\r?\n".encode())
        deadline = time.monotonic() + seconds
        while (found := end.search(said)) is None:
            self.socket.settimeout(max(0.1, deadline - time.monotonic()))
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                raise RuntimeError(f"{command}: no answer, {said!r}") from None
            if not piece:
                raise ConnectionError(f"{command}: QEMU ended, {said!r}")
            said += piece
        text = said[: found.start()].decode(errors="replace")
        if found[1] != b"0":
            raise RuntimeError(f"{command}: exit {found[1].decode()}, {text}")
        return text


class Snapshot(Machine):
    """A machine whose devices can be saved; with a generation where it has one."""

    # NVMe cannot be saved, and the kernel has nothing else built in: an initrd.
    root_device, root = "virtio-blk-pci", "LABEL=root"

    def __init__(self, image: Path, work: Path, generation: bool) -> None:
        super().__init__(image, work)
        self.generation, self.incoming = generation, ""
        self.sockets = {name: work / f"{name}.socket" for name in ("monitor", "shell")}
        self.more = ["-initrd", str(image / "initrd")]

    def command(self, instance_id: str, serial: Path, extra: str) -> list[str]:
        """QEMU's command line, the same for template and clones."""
        command = super().command(instance_id, serial, f"{EXTRA} {extra}")
        for option, name in ("-qmp", "monitor"), ("-serial", "shell"):
            path = self.sockets[name]
            path.unlink(missing_ok=True)
            command += [option, f"unix:{path},server=on,wait=off"]
        if self.generation:
            # Each start is another one.
            command += ["-device", f"vmgenid,guid={uuid.uuid4()}"]
        if self.incoming:
            command += ["-incoming", f"exec:cat {self.incoming}"]
        return command

    def begin(self, instance_id: str, logs: Path) -> subprocess.Popen[bytes]:
        """Turn it on, and have both sockets."""
        process = self.start(instance_id, logs)
        self.monitor = Monitor(self.sockets["monitor"])
        self.shell = Shell(self.sockets["shell"])
        return process

    def boot(self, instance_id: str, logs: Path) -> subprocess.Popen[bytes]:
        """Turn it on; booted."""
        process = self.begin(instance_id, logs)
        # What is written before the port is open is lost.
        deadline = time.monotonic() + BOOT_TIMEOUT
        while time.monotonic() < deadline:
            try:
                self.shell.run("true", 10)
                break
            except RuntimeError:
                continue
        self.shell.run("systemctl is-system-running --wait || :")
        return process

    def save(self, name: str) -> Path:
        """Stop it and write it to files, as it is now; it can go on."""
        state = self.work / f"{name}.state"
        self.monitor("stop")
        self.monitor("migrate", uri=f"exec:cat >{state}")
        self.monitor.wait_for("query-migrate", "completed")
        shutil.copyfile(self.disk, state.with_suffix(".qcow2"))
        return state

    def restore(
        self, state: Path, instance_id: str, logs: Path
    ) -> subprocess.Popen[bytes]:
        """One more clone of what was saved, running."""
        shutil.copyfile(state.with_suffix(".qcow2"), self.disk)
        self.incoming = str(state)
        process = self.begin(instance_id, logs)
        self.monitor.wait_for("query-status", "paused")
        self.monitor("cont")
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Turn it off, as by the plug."""
        self.monitor("quit")
        process.wait(60)

    def collect(self, process: subprocess.Popen[bytes], logs: Path) -> str:
        """Have the guest hand over what happened and end; nothing, or a problem."""
        self.shell.socket.sendall(f"{COLLECT}\n".encode())
        return self.finish(process, logs)
