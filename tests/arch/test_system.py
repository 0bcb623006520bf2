# SPDX-License-Identifier: Apache-2.0
"""The programs in an emulated machine, whose kernel confines them for real."""

from __future__ import annotations

import json
import os
import re
import socketserver
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aid import certificates
from aid.imds import Imds
from aid.maker import Maker
from aid.queue import REGION, Moto
from aid.sqsproxy import SqsProxy
from aid.verdicts import CREDIT, Verdict

MACHINE, ARCH = os.environ["MACHINE"], os.environ["ARCH"]
LIMIT = 1800  # seconds; on a machine that has other work
HOST = "sqs.arch.test"
PORT = 8443
GUEST_SEES = "169.254.169.254"  # loopback out here; 80 is the metadata service
TRUSTED = "etc/sqs-entropy/trusted.d"
TIME_IS_SHORT = ARCH == "armhf"  # Debian 12's libraries: 32 bits, to 2038
YEAR_2040 = 2240000000  # seconds
QEMU = {
    "arm64": ["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a57"],
    "armhf": ["qemu-system-arm", "-machine", "virt", "-cpu", "cortex-a15"],
}
NET = f"user,id=net,net=169.254.169.0/24,host={GUEST_SEES},dns=169.254.169.253"
# How a line of strace begins, of what the programs try only to see that it fails,
# and of what glibc asks for before it goes another way.
REFUSED = {
    "execve",
    "capset",
    r"prctl\(PR_CAPBSET_DROP",  # without CAP_SETPCAP
    *("setuid", "setgid", "setresuid", "setresgid"),
    *("setuid32", "setgid32", "setresuid32", "setresgid32"),
    *("clone3", "openat2"),
}


class Names(socketserver.BaseRequestHandler):
    """A name server that knows one name (RFC 1035)."""

    def handle(self) -> None:
        """Answer A of HOST, nothing for its other types, and for others NXDOMAIN."""
        query, socket = self.request
        end = query.index(b"\0", 12)
        question = query[12 : end + 5]
        known = question[:-5] == b"".join(
            bytes([len(label)]) + label.encode() for label in HOST.split(".")
        )
        hits = known and question[-4:-2] == b"\0\1"
        flags = 0x8580 if known else 0x8583
        answer = query[:2] + struct.pack(">HHHHH", flags, 1, int(hits), 0, 0)
        answer += question
        if hits:
            address = bytes(map(int, GUEST_SEES.split(".")))
            answer += struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + address
        socket.sendto(answer, self.client_address)


@dataclass
class Case:
    """What the guest did under one name."""

    code: int
    text: str


@pytest.fixture
def world(moto: Moto, tmp_path: Path) -> Iterator[Path]:
    """Let a guest find metadata, names and SQS; its CA bundle."""
    names = socketserver.UDPServer(("127.0.0.1", 53), Names)
    threading.Thread(target=names.serve_forever, daemon=True).start()
    folder = tmp_path / "certificate"
    folder.mkdir()
    cert = certificates.make(folder, (HOST,), ends=40 * 365)
    with (
        Imds(region=REGION, port=80) as imds,
        SqsProxy(moto.url, keep=True, tls=cert.tls, port=PORT) as proxy,
    ):
        yield Path(cert.path)
    names.shutdown()
    names.server_close()
    assert not imds.errors
    assert not proxy.errors


def settings(queue: str) -> dict[str, str]:
    """The guest's configuration files."""
    common = f'queue = "{queue}"\nendpoint-url = "https://{HOST}:{PORT}"\n'
    common += 'ca-bundle = "/etc/sqs-entropy/ca.pem"\n'
    producer = "low-watermark = 1000\ninterval = 2\nbits-per-byte = 4.0\n"
    producer += 'signing-key = "/etc/sqs-entropy/signing.key"\n'
    return {"agent.conf": common + "timeout = 60\n", "producer.conf": common + producer}


def add_to_image(files: dict[str, str], work: Path) -> Path:
    """Append an archive to the one that tests/arch/system packed."""
    stage = work / "stage"
    for name, text in files.items():
        path = stage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    image = Path(os.environ["PACK"])
    with image.open("ab") as out:
        subprocess.run(
            ["cpio", "--quiet", "-H", "newc", "-o"],
            input="".join(f"{name}\n" for name in files).encode(),
            stdout=out,
            cwd=stage,
            timeout=60,
            check=True,
        )
    return image


def boot(image: Path, serial: Path) -> str:
    """Run the machine until it turns itself off; what its console said."""
    command = [
        *QEMU[MACHINE],
        *("-m", "1024", "-nodefaults", "-no-user-config", "-no-reboot"),
        *("-display", "none", "-serial", f"file:{serial}"),
        *("-kernel", os.environ["KERNEL"], "-initrd", str(image)),
        *("-append", "console=ttyAMA0 panic=-1 loglevel=3"),
        *("-netdev", NET, "-device", "virtio-net-pci,netdev=net,romfile="),
        *("-device", "virtio-rng-pci"),
    ]
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        pytest.fail(f"not off within {LIMIT} s: see {serial}")
    finally:
        process.kill()
        process.wait()
    print(f"{MACHINE}/{ARCH}: off after {time.monotonic() - began:.0f} s")
    return serial.read_text(errors="replace").replace("\r\n", "\n")


def read(said: str) -> dict[str, Case]:
    """The cases on a console."""
    form = re.compile(r"^@@ begin (\S+).*?\n(.*?)^@@ end \1 (\d+)$", re.M | re.S)
    return {m[1]: Case(int(m[3]), m[2]) for m in form.finditer(said)}


def check_units(cases: dict[str, Case]) -> None:
    """All of them passed; nothing is left out here."""
    units = {n: c for n, c in cases.items() if n.startswith("unit/")}
    sources = list(Path(__file__).parents[1].glob("unit/**/test_*.c"))
    assert len(units) == len(sources) > 0
    failed = [f"{n}: {c.code}\n{c.text}" for n, c in units.items() if c.code != 0]
    assert not failed, "\n".join(failed)
    for unit in units.values():
        assert re.search(r"^\[=+\] [1-9]\d* test\(s\) run", unit.text, re.M)
    for name in "confine.test_calls", "confine.test_files":
        assert "SKIPPED" not in units[f"unit/{name}"].text


def check_main_path(cases: dict[str, Case]) -> None:
    """From /dev/hwrng to credit in the machine's kernel."""
    for name in "genkey", "produce", "inject", "status":
        assert cases[name].code == 0, cases[name].text
        assert "seccomp" not in cases[name].text
    assert "sent 10 of 10 messages of 512 bytes" in cases["produce"].text
    status = json.loads(cases["status"].text)
    assert (status["credit"], status["received"]) == (CREDIT, 10)
    verdicts = [Verdict.read(m) for m in status["messages"]]
    assert all(v.credited() for v in verdicts), verdicts
    assert {v.producer for v in verdicts} == {"pi", "self"}


def check_daemon(case: Case) -> None:
    """Both halves are confined, and end when told to."""
    assert case.code == 0, case.text
    halves = case.text.split("half ")[1:]
    assert len(halves) == 2, case.text
    for half in halves:
        fields = dict(re.findall(r"^(\w+):\t(.*)$", half, re.MULTILINE))
        assert (fields["Seccomp"], fields["NoNewPrivs"]) == ("2", "1"), half
        assert set(fields["CapPrm"] + fields["CapEff"]) == {"0"}, half
        assert "0" not in fields["Uid"].split(), half


def check_refused(case: Case) -> None:
    """Nothing that a filter refused was needed."""
    assert case.code == 0, case.text
    lines = re.findall(r"^refused: .*$", case.text, re.MULTILINE)
    assert lines, case.text
    form = re.compile(rf"refused: (?:{'|'.join(REFUSED)})\b")
    unknown = [line for line in lines if not form.match(line)]
    assert not unknown, "\n".join(unknown)


def check_2040(cases: dict[str, Case]) -> None:
    """They tell the time; or say what is wrong, where OpenSSL cannot tell it."""
    produced, taken = cases["produce-2040"], cases["output-2040"]
    if TIME_IS_SHORT:
        for case in produced, taken:
            assert case.code == 69, case.text
            assert "check the ca-bundle setting and the clock" in case.text
        return
    assert taken.code == 0, taken.text
    # The service is in another year: what were signed now would earn nothing.
    assert produced.code == 69, produced.text
    ahead = re.search(r"clock is (\d+) s ahead", produced.text)
    assert ahead is not None, produced.text
    assert abs(YEAR_2040 - time.time() - int(ahead[1])) < 3600


def check_with_natives(maker: Maker, public: str) -> None:
    """Have this machine's own agent credit what the guest signed."""
    (maker.judge.trusted / "guest.pub").write_text(public)
    run = maker.judge.look()
    assert run.result.code == 0, run.result.err
    assert all(v.credited() for v in run.verdicts), run.verdicts
    assert {v.producer for v in run.verdicts} == {"guest"}


def test_the_programs_work_in_an_emulated_machine(
    maker: Maker, world: Path, tmp_path: Path
) -> None:
    """One boot, and all that it shows."""
    own = maker.sign()
    made = maker.once(bits_per_byte=4.0, burst=2, low_watermark=2)
    assert made.code == 0, made.err
    files = {
        f"etc/sqs-entropy/{name}": text
        for name, text in settings(maker.queue.name).items()
    }
    files["etc/sqs-entropy/ca.pem"] = world.read_text()
    files[f"{TRUSTED}/pi.pub"] = own.line
    image = add_to_image(files, tmp_path)
    serial = Path(os.environ["PACK"]).parents[1] / f"console-on-{MACHINE}.log"
    said = boot(image, serial)
    cases = read(said)
    if "@@ off" not in said:
        sys.stdout.write(said[-4000:])
        pytest.fail(f"the machine did not get to its end: see {serial}")
    print(cases["machine"].text)
    check_main_path(cases)
    check_daemon(cases["daemon"])
    check_refused(cases["refused-producer"])
    check_refused(cases["refused-agent"])
    check_units(cases)
    check_2040(cases)
    check_with_natives(maker, cases["genkey"].text)
