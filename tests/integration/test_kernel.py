# SPDX-License-Identifier: Apache-2.0
"""What the running kernel is given by the agent, and the source by the producer."""

from __future__ import annotations

import os
import re
import select
import shutil
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aid.forge import arn_of
from aid.imds import Imds
from aid.kernel import needs_kernel
from aid.payload import body, noise
from aid.programs import AGENT, LOOK, PRODUCER, STARTUP, TEN, Result, Runner
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy
from aid.status import BOOT_ID
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


DEVICE = "".join(rf"\\x{c:02x}" for c in b"/dev/random")  # strace -xx -y
POOL = re.compile(rf'^(\d+) +write\(\d+<{DEVICE}>, "((?:\\x..)*)"')


@dataclass
class Mixed:
    """What a run wrote to the kernel, and when that was in its order of calls."""

    got: Result
    before: bytes  # the injection, or everything if there was none
    after: bytes


def mixed(run: Runner, tmp_path: Path, *args: str) -> Mixed:
    """Run the agent under strace, for what it wrote to the pool without credit."""
    log = tmp_path / "trace"
    got = run(
        shutil.which("strace") or "strace",
        *("-f", "-y", "-e", "trace=ioctl,write", "-s", "4096", "-xx", "-o", log),
        *(run.build / AGENT, "-c", LOOK),
        *args,
    )
    written, injected = [b"", b""], 0
    for line in whole_lines(log):
        injected |= "RNDADDENTROPY" in line
        if found := POOL.match(line):
            written[injected] += bytes.fromhex(found[2].replace("\\x", ""))
    return Mixed(got, *written)


def by_role(run: Runner, imds: Imds) -> None:
    """Credentials are the instance's, as they are by default."""


def by_environment(run: Runner, imds: Imds) -> None:
    """Nothing of IMDS is needed, but for the id."""
    run.env |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def by_tag(run: Runner, imds: Imds) -> None:
    """IMDS names the queue."""
    imds.tags_enabled = True


@needs_kernel
@pytest.mark.parametrize("count", [1, 0])
@pytest.mark.parametrize("how", [by_role, by_environment, by_tag])
@pytest.mark.parametrize("queue_as", ["url", "name", "arn"])
def test_identity_and_clocks_are_mixed_in_every_run(
    run: Runner,
    queue: Queue,
    imds: Imds,
    tmp_path: Path,
    how: Callable[[Runner, Imds], None],
    queue_as: str,
    count: int,
) -> None:
    """Region and credentials may be known without IMDS, and the queue be empty."""
    for seed in range(count):
        queue.send(body(noise(512, seed)))
    run.env["AWS_REGION"] = REGION
    how(run, imds)
    url = f"https://sqs.{REGION}.amazonaws.com/123456789012/{queue.name}"
    name = {"url": url, "name": queue.name, "arn": arn_of(queue)}[queue_as]
    imds.tags = {"sqs-entropy:queue": name}
    began = int(time.time())
    said = mixed(run, tmp_path, *([] if how is by_tag else ["-q", name]))
    assert said.got.code == (0 if count else 75), said.got.err
    assert imds.instance_id.encode() in said.before
    assert BOOT_ID.read_bytes() in said.before
    seconds = range(began, int(time.time()) + 1)
    clocks = [said.before[i : i + 8] for i in range(len(said.before) - 7)]
    assert any(struct.pack("=q", s) in clocks for s in seconds)
    assert said.after == b""


@needs_kernel
def test_an_id_that_is_not_there_is_not_waited_for(
    run: Runner, queue: Queue, imds: Imds, tmp_path: Path
) -> None:
    """The clocks are mixed without it; a run to its deadline would take a minute."""
    by_environment(run, imds)
    run.env["AWS_REGION"] = REGION
    for match, fault in ("PUT *", {"end": "silence"}), ("GET *", {"status": 503}):
        queue.send(body(noise(512)))
        imds.clear()
        imds.fault(match, count=None, **fault)
        said = mixed(run, tmp_path, "-q", queue.url, "-t", "60")
        assert said.got.code == 0, said.got.err
        assert said.got.seconds < 30
        assert imds.instance_id.encode() not in said.before
        assert BOOT_ID.read_bytes() in said.before


@needs_kernel
def test_an_imds_that_is_disabled_is_not_asked_for_the_id(
    run: Runner, queue: Queue, imds: Imds, tmp_path: Path
) -> None:
    queue.send(body(noise(512)))
    by_environment(run, imds)
    run.env |= {"AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
    said = mixed(run, tmp_path, "-q", queue.url)
    assert said.got.code == 0, said.got.err
    assert imds.connections == 0
    assert BOOT_ID.read_bytes() in said.before


@needs_kernel
def test_nothing_is_received_for_a_kernel_that_does_not_take_it(
    run: Runner, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    """The confined half asks it again; there the answer is another one."""
    queue.send(body(noise(512)))
    got = run(
        shutil.which("strace") or "strace",
        *("-f", "-qq", "-o", tmp_path / "trace", "-e", "trace=ioctl"),
        *("-e", "inject=ioctl:error=EPERM:when=2+"),
        *(run.build / AGENT, "-q", queue.url),
    )
    assert got.code == 77, got.err
    assert "CAP_SYS_ADMIN" in got.err
    assert proxy.matching("ReceiveMessage") == []
    assert queue.depth() == (1, 0)


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
        *("--once", *TEN, "-q", queue.url, "-d", source),
    )
    assert made.code == 0, made.err
    reads = [m for m in map(READ.match, whole_lines(log)) if m]
    sizes = [int(m["n"]) for m in reads if m["path"] == str(source)]
    assert sum(n for n in sizes if n > 0) == STARTUP + 10 * 512
    assert queue.depth() == (10, 0)
