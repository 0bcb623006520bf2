# SPDX-License-Identifier: Apache-2.0
"""What the producer tells a service manager: ready, status, stopping (sd_notify(3))."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aid.manager import Manager, Service
from aid.payload import noise
from aid.programs import BURST, PRODUCER, STARTUP, TEN, Runner
from aid.queue import Queue
from aid.source import fifo
from aid.wait import wait_until

NOBODY = "http://127.0.0.1:9"  # the discard port: nobody listens


def test_it_is_ready_without_a_network(
    start: Callable[..., Service], queue: Queue, source: Path, manager: Manager
) -> None:
    service = start("-q", queue.url, "-d", source, AWS_ENDPOINT_URL_SQS=NOBODY)
    service.wait_ready()
    assert manager.lines().count("READY=1") == 1
    wait_until(manager.says("STATUS=", "not been reached yet", "refused"))
    assert {pid for _, pid, _ in manager.heard} == {service.process.pid}
    assert "connect" in service.stop()


def test_the_status_tells_depth_and_messages(
    start: Callable[..., Service], queue: Queue, source: Path, manager: Manager
) -> None:
    service = start(*TEN, "-q", queue.url, "-d", source, WATCHDOG_USEC="180000000")
    wait_until(manager.says("STATUS=0 messages in the queue, 10 sent"))
    assert queue.depth()[0] == 10
    service.stop()


def test_it_is_not_ready_before_the_sources_have_passed(
    start: Callable[..., Service], queue: Queue, tmp_path: Path, manager: Manager
) -> None:
    with fifo(tmp_path) as (path, writer):
        service = start(*TEN, "-q", queue.url, "-d", path)
        wait_until(manager.says("EXTEND_TIMEOUT_USEC="))
        os.write(writer, noise(STARTUP - 1))
        time.sleep(0.7)
        assert not manager.says("READY=1")()
        assert manager.signs() == []
        os.write(writer, noise(5121, 2))
        service.wait_ready()
        # What was asked for meanwhile is not forgotten.
        wait_until(lambda: queue.depth()[0] == 10)
        service.stop()


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [(bytes(8192), 65, "health tests"), (noise(STARTUP - 1), 69, "ended")],
)
def test_a_source_that_fails_at_the_start_ends_it(
    start: Callable[..., Service],
    queue: Queue,
    source: Path,
    manager: Manager,
    data: bytes,
    code: int,
    words: str,
) -> None:
    source.write_bytes(data)
    service = start("-q", queue.url, "-d", source)
    ended = service.run.finish(service.process)
    assert ended.code == code, ended.err
    assert words in ended.err
    assert not manager.says("READY=1")()


def test_a_manager_that_does_not_read_blocks_nobody(
    run: Runner, queue: Queue, source: Path, tmp_path: Path, conf: Callable[..., Path]
) -> None:
    path = tmp_path / "deaf"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            other.connect(str(path))
            with contextlib.suppress(BlockingIOError):
                for _ in range(1 << 20):
                    other.send(b"x")
        env = {**run.env, "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "300000"}
        file = conf(queue=queue.url, device=str(source), burst=BURST, interval=1)
        process = run.start(PRODUCER, "-c", file, env=env)
        wait_until(lambda: queue.depth()[0] == 10)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        ended = run.finish(process)
    assert ended.code == 0, ended.err
    assert "cannot tell the service manager" in ended.err


@pytest.mark.parametrize("address", ["vsock:2:1", "relative", "/not/there/at/all"])
def test_a_manager_that_cannot_be_reached_is_reported(
    run: Runner, queue: Queue, source: Path, address: str
) -> None:
    env = {**run.env, "NOTIFY_SOCKET": address}
    made = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source, env=env)
    assert made.code == 0, made.err
    assert "NOTIFY_SOCKET" in made.err
    assert queue.depth() == (10, 0)


def test_one_top_up_tells_the_manager_too(
    run: Runner, queue: Queue, source: Path, manager: Manager
) -> None:
    env = {**run.env, **manager.env(), "WATCHDOG_PID": "1"}
    made = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source, env=env)
    assert made.code == 0, made.err
    wait_until(manager.says("STOPPING=1"))
    assert manager.lines().count("READY=1") == 1
    assert "a third of it" not in made.err  # the watchdog is another's
    assert queue.depth() == (10, 0)
