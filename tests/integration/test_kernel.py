# SPDX-License-Identifier: Apache-2.0
"""What the running kernel is given by the agent, and the source by the producer."""

from __future__ import annotations

import os
import re
import select
import shutil
import struct
from pathlib import Path

import pytest

from aid.kernel import needs_kernel
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, STARTUP, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.trace import whole_lines

IOCTL = re.compile(
    r"^(?P<pid>\d+)\s+(?P<time>\d+\.\d+) ioctl\((?P<fd>\d+), (?P<name>RND\w+)"
    r"(?:, (?P<argument>.*))?\)\s*= (?P<result>-?\d+)"
)


def trace(run: Runner, tmp_path: Path, *args: str) -> tuple[list[re.Match], str]:
    """Run the agent under strace; its ioctls on /dev/random in order, and its log."""
    log = tmp_path / "trace"
    got = run(
        shutil.which("strace") or "strace",
        *("-f", "-ttt", "-e", "trace=ioctl,openat,socket,write", "-s", "4096"),
        *("-xx", "-e", "raw=none", "-o", log),
        run.build / AGENT,
        *args,
    )
    assert got.code == 0, got.err
    return [m for m in map(IOCTL.match, whole_lines(log)) if m], got.err


def decoded(argument: str) -> tuple[int, int]:
    """Give entropy_count and buf_size as strace shows them."""
    fields = re.search(r"entropy_count=(\d+), buf_size=(\d+)", argument)
    if fields:
        return int(fields.group(1)), int(fields.group(2))
    raw = bytes.fromhex("".join(re.findall(r"\\x([0-9a-f]{2})", argument)))
    if len(raw) >= 8:
        return struct.unpack_from("=ii", raw)  # type: ignore[return-value]
    pytest.fail(f"strace does not show the argument: {argument}")


@needs_kernel
@pytest.mark.parametrize(
    ("count", "settings", "credit"),
    [(1, "", 0), (3, "unsigned = credit", 256)],
)
def test_the_kernel_gets_one_injection_after_the_delete(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    tmp_path: Path,
    count: int,
    settings: str,
    credit: int,
) -> None:
    for seed in range(count):
        queue.send(body(noise(512, seed)))
    conf = tmp_path / "agent.conf"
    conf.write_text(f'queue = "{queue.url}"\nmessages = {count}\n{settings}\n')
    calls, said = trace(run, tmp_path, "-c", str(conf))
    adding = [c for c in calls if c["name"] == "RNDADDENTROPY"]
    assert len(adding) == 1
    assert adding[0]["result"] == "0"
    deleted = [r for r in proxy.records if r.key == "DeleteMessageBatch"]
    assert len(deleted) == 1
    assert deleted[0].status == 200
    assert deleted[0].ended is not None
    assert float(adding[0]["time"]) > deleted[0].ended
    after = [c["name"] for c in calls[calls.index(adding[0]) + 1 :]]
    assert after == ["RNDRESEEDCRNG"]
    assert calls[-1]["result"] == "0"
    assert calls[-1]["pid"] == adding[0]["pid"]
    assert f"injected {512 * count} bytes" in said
    assert f"credit {credit} bits" in said
    assert queue.depth() == (0, 0)


READ = re.compile(
    r"^(?P<pid>\d+) +(?P<time>[\d.]+) read\(\d+<(?P<path>[^>]+)>.*= (?P<n>-?\d+)"
)


def works(device: Path) -> bool:
    """Whether a generator gives a byte within a second."""
    try:
        fd = os.open(device, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return bool(select.select([fd], [], [], 1)[0]) and len(os.read(fd, 1)) == 1
    except OSError:
        return False
    finally:
        os.close(fd)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("device", ["/dev/hwrng", "file"])
def test_the_producer_reads_what_it_sends_and_no_more(
    run: Runner, queue: Queue, tmp_path: Path, device: str
) -> None:
    if device == "file":
        source = tmp_path / "source"
        source.write_bytes(noise(1 << 16))
    else:
        source = Path(device)
        if not works(source):
            pytest.skip(f"{device} is not there, not readable, or gives no bytes")
    log = tmp_path / "trace"
    made = run(
        shutil.which("strace") or "strace",
        *("-f", "-ttt", "-y", "-e", "trace=read", "-s", "0", "-o", log),
        run.build / PRODUCER,
        *("--once", "-q", queue.url, "-d", source),
    )
    assert made.code == 0, made.err
    reads = [m for m in map(READ.match, whole_lines(log)) if m]
    sizes = [int(m["n"]) for m in reads if m["path"] == str(source)]
    assert sum(n for n in sizes if n > 0) == STARTUP + 10 * 512
    assert queue.depth() == (10, 0)
