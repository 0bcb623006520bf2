# SPDX-License-Identifier: Apache-2.0
"""--assess: a source is judged before it is used."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from aid import samples
from aid.layers import WITHOUT
from aid.payload import noise
from aid.programs import PRODUCER, Runner
from aid.wait import wait_until

NEEDED = 1_000_000  # bytes that SP 800-90B wants at least


def assess(run: Runner, *args: str | Path, code: int = 0) -> str:
    """Run it to its end; the text."""
    got = run(PRODUCER, "--assess", *args)
    assert got.code == code, got.err
    return got.out.decode()


def test_it_is_equal_to_ent(run: Runner, tmp_path: Path) -> None:
    """ASSESS=all is all hundred files, up to 100 MB."""
    which = samples.ALL if os.environ.get("ASSESS") == "all" else samples.SOME
    assert len(samples.ALL) == 100
    for path in samples.files(tmp_path, which):
        got = run(PRODUCER, "--assess", path)
        assert got.code in (0, 65), got.err
        assert samples.ours(got.out.decode()) == samples.ent(path), path.name


def test_a_good_file_gets_a_recommendation(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "noise"
    path.write_bytes(noise(NEEDED))
    text = assess(run, path)
    assert text.startswith(f"{path}\n1,000,000 bytes in ")
    assert "\nRecommended: bits-per-byte = 1.0\n" in text
    assert "without NIST's tool two of ten estimates are known" in text
    assert "these are upper limits" in text
    assert "Bytes by value" not in text  # it is no terminal
    assert "\n  f0-ff ####" in assess(run, path, "-v")
    path.write_bytes(noise(NEEDED - 1))
    text = assess(run, path)
    assert "\nRecommended: nothing\n" in text
    assert "fewer than 1,000,000 bytes are too few" in text
    path.write_bytes(noise(NEEDED) + b"\x07" * 50)  # good, but for its end
    assert "\nRecommended: nothing\n" in assess(run, path, code=65)
    # Uniform, but of 16 values: half of the bits are worth nothing.
    half = bytes(i & 15 for i in range(256))
    path.write_bytes(noise(NEEDED).translate(half))
    assert "\nRecommended: bits-per-byte = 1.0\n" in assess(run, path)
    one = bytes(255 * (i == 0) for i in range(256))
    path.write_bytes(noise(NEEDED).translate(one))
    report = json.loads(assess(run, path, "--json", code=65))
    assert report["recommended_bits_per_byte"] == 0
    assert report["estimates"]["least_per_byte"] < 0.01


def test_a_source_that_fails_is_told_by_its_test(run: Runner, tmp_path: Path) -> None:
    """With the settings that the producer would run with."""
    path = tmp_path / "run"
    path.write_bytes(noise(5000) + b"\x07" * 20 + noise(5000, 2))
    conf = tmp_path / "producer.conf"
    conf.write_text("bits-per-byte = 2.5\nmessage-bytes = 1024\n")
    assert "repetition count test     20, cutoff 31\n" in assess(run, path)
    got = run(PRODUCER, "--assess", path, "-c", conf)
    assert got.code == 65
    assert (
        f"{path} fails the repetition count test with bits-per-byte = 2.5: 20 came, "
        "and 13 are an alarm\n" in got.err
    )
    text = got.out.decode()
    assert "with bits-per-byte = 2.5 and message-bytes = 1024" in text
    assert "repetition count test     20, cutoff 13: FAILS\n" in text
    assert "a source that fails a health test must not be used" in text


def test_json_has_the_same(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "a\tfile"
    path.write_bytes(noise(7000))
    found = json.loads(assess(run, "--json", path))
    same = samples.ent(path)
    assert found["source"] == str(path)
    assert found["bytes"] == 7000
    assert found["whole"] is True
    assert found["health"]["failed"] is False
    assert [test["most"] < test["cutoff"] for test in found["health"]["tests"]] == (
        [True] * 8
    )
    assert f"{found['ent']['entropy']:.6f}" == same.entropy
    assert f"{found['ent']['chi_square']:.2f}" == same.chi_square
    assert f"{found['ent']['monte_carlo_pi']:.9f}" == same.pi
    assert found["recommended_bits_per_byte"] == 0
    path.write_bytes(b"aaaa")
    found = json.loads(assess(run, "--json", path))
    assert found["ent"]["monte_carlo_pi"] is None
    assert found["ent"]["serial_correlation"] is None
    got = run(PRODUCER, "--json")
    assert (got.code, got.out) == (64, b"")
    assert re.search("--json belongs to .*--assess\\b", got.err)


def test_a_file_is_read_to_its_end_or_as_far_as_asked(
    run: Runner, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(noise(3000))
    assert "\n3,000 bytes in " in assess(run, path)
    assert "\n1,234 bytes in " in assess(run, path, "--bytes", "1234")
    text = assess(run, path, "--bytes", "4000")
    assert "; then it ended before\n" in text
    assert "  the sample is shorter than was asked for\n" in text
    path.write_bytes(b"")
    got = run(PRODUCER, "--assess", path)
    assert (got.code, got.out) == (65, b"")
    assert f"{path} has given no byte: all of it was read\n" in got.err
    for other, code, why in [
        (tmp_path / "none", 69, "is not there"),
        (tmp_path, 78, "is not a device"),
        (Path("/dev/urandom"), 78, "is the kernel's own generator"),
    ]:
        got = run(PRODUCER, "--assess", other)
        assert (got.code, got.out) == (code, b"")
        assert f"{other} {why}" in got.err


def test_a_dump_is_the_sample_and_private(run: Runner, tmp_path: Path) -> None:
    path, dump = tmp_path / "file", tmp_path / "dump"
    path.write_bytes(noise(100_000))
    old = os.umask(0)
    try:
        text = assess(run, path, "--bytes", "70000", "--dump", dump)
    finally:
        os.umask(old)
    assert f"\nwritten to {dump}\n" in text
    assert dump.read_bytes() == noise(100_000)[:70_000]
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    got = run(PRODUCER, "--assess", path, "--dump", dump)
    assert (got.code, got.out) == (78, b"")
    assert f"{dump} is there already: remove it, or name another file\n" in got.err
    assert dump.stat().st_size == 70_000
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    assert run(PRODUCER, "--assess", path, "--dump", link).code == 78
    assert not (tmp_path / "elsewhere").exists()
    full = run(PRODUCER, "--assess", path, "--dump", "/dev/full/x")
    assert full.code == 70
    assert "cannot create /dev/full/x: " in full.err


def test_restarts_are_a_matrix_of_a_device(run: Runner, tmp_path: Path) -> None:
    matrix = tmp_path / "matrix"
    text = assess(run, "/dev/zero", "--bytes", "3000", "--restarts", matrix, code=65)
    assert f"1,000 restarts of 1,000 bytes written to {matrix}\n" in text
    assert matrix.read_bytes() == bytes(1000 * 1000)
    assert stat.S_IMODE(matrix.stat().st_mode) == 0o600
    path = tmp_path / "file"
    path.write_bytes(noise(3000))
    got = run(PRODUCER, "--assess", path, "--restarts", tmp_path / "other")
    assert got.code == 78
    assert f"{path} is no device: only a device can be restarted\n" in got.err


def test_an_interrupt_gives_what_there_is(run: Runner, tmp_path: Path) -> None:
    """A pipe that gives 5,000 bytes and then nothing."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    os.write(writer, noise(5000))
    process = run.start(PRODUCER, "--assess", path, "--dump", tmp_path / "dump")
    wait_until(
        lambda: (
            (tmp_path / "dump").exists() and (tmp_path / "dump").stat().st_size == 5000
        )
    )
    # Meanwhile it has no rights, and no call that would open a socket.
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
    )
    assert status["CapEff"].strip("0") == ""
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2" or "seccomp" in WITHOUT
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits)
    process.send_signal(signal.SIGINT)
    got = run.finish(process)
    os.close(writer)
    assert got.code == 0, got.err
    text = got.out.decode()
    assert re.search(r"\n5,000 bytes in .*; then told to stop\n", text)
    assert "\nRecommended: nothing\n" in text
    (tmp_path / "whole").write_bytes(noise(5000))
    assert samples.ours(text) == samples.ent(tmp_path / "whole")


def test_a_terminal_sees_progress_and_a_histogram(run: Runner) -> None:
    """A generator on a terminal, too, whose every byte comes as it was given."""
    ours, terminal = pty.openpty()
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    process = run.start(
        PRODUCER, "--assess", name, "--bytes", "3000", stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    shown = b""
    while b"waiting for the first byte" not in shown:
        shown += os.read(ours, 4096)
    data = noise(3000)
    for i in range(0, len(data), 250):
        os.write(master, data[i : i + 250])
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:
        pass  # the other end is closed
    assert process.wait() == 0
    for fd in (ours, master, slave):
        os.close(fd)
    text = shown.decode()
    assert "\r\x1b[K[" in text
    assert "Bytes by value" in text
    assert "3,000 bytes in " in text
    assert samples.ours(text.replace("\r", "")).mean == f"{sum(data) / 3000:.4f}"


TOOL = """#!/bin/sh
{ id -u; echo "$@"; sha256sum </dev/stdin; grep CapEff /proc/self/status; \
    test -w / && echo writable; } >%s
%s
"""
PRINTED = """cat <<'END'
\tMost Common Value Estimate = 7.865118 / 8 bit(s)
\tCompression Test Estimate (bit string) = 0.904233 / 1 bit(s)
H_original: 7.865118
H_bitstring: 0.304233
min(H_original, 8 X H_bitstring): 2.433864
END"""


@pytest.fixture
def tool(tmp_path: Path, run: Runner) -> tuple[Path, Path]:
    """A stand-in for NIST's tool, which Debian has from 13 on, and its notes."""
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    path, notes = tmp_path / "ea_non_iid", tmp_path / "notes"
    notes.touch()
    notes.chmod(0o666)
    run.env["PATH"] = f"{tmp_path}:{run.env['PATH']}"
    return path, notes


def test_nists_tool_is_asked_without_rights(
    run: Runner, tool: tuple[Path, Path], tmp_path: Path
) -> None:
    path, notes = tool
    path.write_text(TOOL % (notes, PRINTED))
    path.chmod(0o755)
    sample = tmp_path / "sample"
    sample.write_bytes(noise(NEEDED + 500))
    sample.chmod(0o600)
    text = assess(run, sample)
    user, words, digest, caps = notes.read_text().splitlines()
    assert user == ("65534" if os.geteuid() == 0 else str(os.geteuid()))
    assert words == "-v -i -a /dev/stdin 8"
    assert digest.split()[0] == hashlib.sha256(noise(NEEDED + 500)[:NEEDED]).hexdigest()
    assert caps.split()[1].strip("0") == ""
    assert "  0.904233 per bit   Compression Test Estimate (bit string)\n" in text
    assert "  2.433864 per byte  the least of all\n" in text
    assert "\nRecommended: bits-per-byte = 2.4\n" in text
    found = json.loads(assess(run, "--json", sample))
    assert found["nist"]["least_per_byte"] == 2.433864
    assert found["nist"]["estimates"][1]["of"] == 1
    # Of a small sample it is not asked.
    sample.write_bytes(noise(NEEDED - 1))
    assert "ea_non_iid: not asked: it needs 1,000,000 bytes\n" in assess(run, sample)


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("echo; echo no >&2; exit 3", "ended with status 3: no"),
        ("echo x", "printed no result"),
        ("yes", "wrote more than 65536 bytes"),
    ],
)
def test_a_tool_that_fails_is_no_reason_to_say_nothing(
    run: Runner, tool: tuple[Path, Path], tmp_path: Path, does: str, said: str
) -> None:
    path, notes = tool
    path.write_text(TOOL % (notes, does))
    path.chmod(0o755)
    sample = tmp_path / "sample"
    sample.write_bytes(noise(NEEDED))
    text = assess(run, sample)
    assert f"\nAll ten by NIST's ea_non_iid: {said}\n" in text
    assert "\nRecommended: bits-per-byte = 1.0\n" in text


def test_an_interrupt_ends_the_tool_too(
    run: Runner, tool: tuple[Path, Path], tmp_path: Path
) -> None:
    path, notes = tool
    path.write_text(TOOL % (notes, "sleep 600"))
    path.chmod(0o755)
    sample = tmp_path / "sample"
    sample.write_bytes(noise(NEEDED))
    process = run.start(PRODUCER, "--assess", sample)
    wait_until(lambda: "CapEff" in notes.read_text())
    process.send_signal(signal.SIGINT)
    got = run.finish(process)
    assert got.code == 0, got.err
    assert b"\nRecommended: bits-per-byte = 1.0\n" in got.out


MACHINE = """
set -e
mkdir -p dev sys/class/misc/hw_random
mknod -m 666 dev/null c 1 3
for name in %s; do mknod -m 666 dev/$name c 1 5; done
echo %s >sys/class/misc/hw_random/rng_current
mount --bind dev /dev
mount --bind sys /sys
shift
exec "$@"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting another /dev needs root")
@pytest.mark.parametrize(
    ("devices", "now", "code", "said"),
    [
        ("hwrng", "none", 69, "no hardware generator is here: plug one in, or load "),
        ("tpm0", "none", 69, "no hardware generator is here: plug one in, or load "),
        (
            "hwrng ttyACM0",
            "bcm2835",
            64,
            "only people know which of these is a source: name it with --assess DEVICE",
        ),
        ("ttyUSB1", "none", 64, "only people know which of these is a source"),
        ("hwrng", "bcm2835", 65, "/dev/hwrng fails the repetition count test"),
    ],
)
def test_without_an_argument_the_machines_devices_are_told(
    run: Runner, tmp_path: Path, devices: str, now: str, code: int, said: str
) -> None:
    script = tmp_path / "machine"
    script.write_text(MACHINE % (devices, now))
    program = run.build.resolve() / PRODUCER
    for json_too in ([], ["--json"]):
        here = tmp_path / f"root{len(json_too)}"
        here.mkdir()
        got = run(
            "/usr/bin/unshare",
            *("-m", "sh", script, "x", program, "--assess", *json_too),
            cwd=here,
        )
        assert got.code == code, got.err
        assert said in got.err
        if code == 65:
            assert b"hardware generator bcm2835" in got.out
        elif json_too:
            listed = json.loads(got.out)["devices"]
            assert [f"/dev/{name}" for name in devices.split()] == [
                device["path"] for device in listed
            ]
        else:
            assert all(f"/dev/{name}".encode() in got.out for name in devices.split())


def test_of_several_configured_sources_one_has_to_be_named(
    run: Runner, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(noise(3000))
    got = run(PRODUCER, "--assess", "--device", f"{path},/dev/hwrng")
    assert (got.code, got.out) == (64, b"")
    assert (
        "device names several sources: name one of them with --assess DEVICE" in got.err
    )
    assert (
        f"{path}\n3,000 bytes"
        in run(PRODUCER, "--assess", "--device", path).out.decode()
    )


def test_a_dump_that_cannot_be_written_is_no_success(
    run: Runner, tmp_path: Path
) -> None:
    sample, dump = tmp_path / "sample", tmp_path / "dump"
    sample.write_bytes(bytes(range(256)) * 4)
    command = [run.build / PRODUCER, f"--assess={sample}", "--bytes", "1024"]
    got = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command, "--dump", dump],
        capture_output=True,
        text=True,
        env=run.env,
        check=False,
    )
    assert got.returncode == 70, got.stderr
    assert f"cannot write {dump}" in got.stderr
