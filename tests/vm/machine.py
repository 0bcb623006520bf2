# SPDX-License-Identifier: Apache-2.0
"""A virtual machine: an EC2 instance whose generator has nothing to help it."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

from world import MAC, TAP

BOOT_TIMEOUT = 420  # seconds; emulated, on a machine that has other work
RESULTS = 32 << 20  # bytes of the second disk
ACCEL = os.environ.get("VM_ACCEL", "tcg")
# Emulated, its time passes by instructions (of 4 ns) and not by ours, so that a
# boot takes as long whatever else this machine does.
CLOCK = ("-icount", "shift=2,sleep=on")

# From the kernel, a witness that is none of ours: times in CLOCK_BOOTTIME of
# each ioctl, each program's start and end, and each time the generator was reseeded.
TRACE = (
    "trace_clock=boot trace_buf_size=4M kprobe_event=p:reseed,crng_reseed "
    "trace_event=syscalls:sys_enter_ioctl,sched:sched_process_exec,"
    "sched:sched_process_exit"
)
COMMAND_LINE = (
    "ro console=ttyS0 net.ifnames=0 panic=-1 "
    "random.trust_cpu=off random.trust_bootloader=off "
    "systemd.journald.forward_to_console=0 systemd.show_status=0 " + TRACE
)
# A feature that may be missing would leave a generator that needs no help.
CPU = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,-rdrand,-rdseed"


def smbios(instance_id: str) -> list[str]:
    """What a Nitro instance tells about itself (EC2 User Guide, "Identify")."""
    made = str(uuid.uuid5(uuid.NAMESPACE_OID, instance_id))
    number = "ec2" + made[3:]
    return [
        "type=0,vendor=Amazon EC2,version=1.0",
        f"type=1,manufacturer=Amazon EC2,product=t3.nano,uuid={number},serial={number}",
        f"type=2,manufacturer=Amazon EC2,asset={instance_id}",
        "type=3,manufacturer=Amazon EC2,asset=Amazon EC2",
    ]


class Machine:
    """One instance: its disk lasts from boot to boot."""

    # The kernel has nvme built in, as for Nitro, and numbers several of them as
    # they come.
    root_device, root = "nvme", "/dev/nvme0n1"

    def __init__(self, image: Path, work: Path) -> None:
        self.kernel, self.work = image / "kernel", work
        self.more: list[str] = []
        self.disk = work / "disk.qcow2"
        self.results = work / "results"
        subprocess.run(
            [
                *("qemu-img", "create", "-q", "-f", "qcow2"),
                *("-b", str(image / "disk"), "-F", "raw", str(self.disk)),
            ],
            check=True,
            timeout=60,
        )

    def command(self, instance_id: str, serial: Path, extra: str) -> list[str]:
        """QEMU's command line."""
        drives = [
            ("root", self.disk, "qcow2", self.root_device),
            ("out", self.results, "raw", "virtio-blk-pci"),
        ]
        command = [
            "qemu-system-x86_64",
            *("-machine", f"pc,accel={ACCEL}", "-cpu", CPU, "-smp", "1"),
            *(CLOCK if ACCEL == "tcg" else ()),
            *("-m", "1024", "-nodefaults", "-no-user-config", "-no-reboot"),
            *("-display", "none", "-serial", f"file:{serial}"),
            *("-kernel", str(self.kernel)),
            *("-append", f"root={self.root} {COMMAND_LINE} {extra}"),
            *self.more,
            *("-netdev", f"tap,id=net,ifname={TAP},script=no,downscript=no"),
            *("-device", f"virtio-net-pci,netdev=net,mac={MAC},romfile="),
        ]
        for name, path, kind, device in drives:
            command += [
                *("-drive", f"file={path},format={kind},if=none,id={name}"),
                *("-device", f"{device},drive={name},serial={name}"),
            ]
        for table in smbios(instance_id):
            command += ["-smbios", table]
        return command

    def start(
        self, instance_id: str, logs: Path, extra: str = ""
    ) -> subprocess.Popen[bytes]:
        """Turn it on."""
        self.results.write_bytes(b"")
        os.truncate(self.results, RESULTS)
        with (logs / "qemu.log").open("wb") as said:
            return subprocess.Popen(
                self.command(instance_id, logs / "serial.log", extra),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def finish(self, process: subprocess.Popen[bytes], logs: Path) -> str:
        """Wait until it is off; nothing, or why there are no results."""
        try:
            process.wait(BOOT_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return f"not off within {BOOT_TIMEOUT} s"
        if process.returncode:
            said = (logs / "qemu.log").read_text(errors="replace").strip()
            return f"QEMU ended with {process.returncode}: {said}"
        return self._unpack(logs)

    def _unpack(self, logs: Path) -> str:
        (logs / "guest").mkdir()
        subprocess.run(
            ["tar", "-C", str(logs / "guest"), "--no-same-owner", "-xf", self.results],
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        if not (logs / "guest/complete").exists():
            return "the guest did not hand everything over"
        return ""
