# SPDX-License-Identifier: Apache-2.0
"""The watchdog of systemd: a producer that works is never silent for too long."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aid.halves import Half, halves
from aid.imds import Imds
from aid.manager import WATCHDOG, Service
from aid.payload import noise
from aid.programs import STARTUP, TEN
from aid.queue import Queue
from aid.source import fifo, trickle
from aid.sqsproxy import SqsFault, SqsProxy


def test_a_long_interval_is_no_silence(
    start: Callable[..., Service],
    queue: Queue,
    source: Path,
    conf: Callable[..., Path],
) -> None:
    file = conf(queue=queue.url, device=str(source), interval=86400)
    service = start("-c", file)
    service.lives_for(2 * WATCHDOG)
    service.stop()


@pytest.mark.parametrize("operation", ["GetQueueAttributes", "SendMessageBatch"])
def test_a_silent_service_does_not_silence_the_producer(
    start: Callable[..., Service],
    queue: Queue,
    source: Path,
    proxy: SqsProxy,
    conf: Callable[..., Path],
    operation: str,
) -> None:
    proxy.add(SqsFault(match=operation, count=None, end="silence"))
    service = start("-c", conf(queue=queue.url, device=str(source), interval=1))
    service.lives_for(2 * WATCHDOG)
    said = service.stop()
    assert operation in said
    assert "a third of it" in said  # its calls are shorter than they could be


def test_a_silent_imds_does_not_silence_the_producer(
    start: Callable[..., Service], source: Path, imds: Imds, conf: Callable[..., Path]
) -> None:
    imds.apply({"fault": {"match": "*", "count": None, "end": "silence"}})
    service = start("-c", conf(queue="name", device=str(source), interval=1))
    service.lives_for(2 * WATCHDOG)
    service.stop()


def test_a_slow_source_does_not_silence_the_producer(
    start: Callable[..., Service], queue: Queue, tmp_path: Path
) -> None:
    with fifo(tmp_path) as (path, writer):
        service = start("-q", queue.url, "-d", path)
        os.write(writer, noise(STARTUP))
        with trickle(writer, 100):
            service.lives_for(2 * WATCHDOG)
        service.stop()


def test_a_silent_source_does_not_silence_the_producer(
    start: Callable[..., Service], queue: Queue, tmp_path: Path
) -> None:
    """A silent source is logged, and does not count as a producer that hangs."""
    with fifo(tmp_path) as (path, writer):
        service = start("-q", queue.url, "-d", path)
        os.write(writer, noise(STARTUP))
        service.lives_for(2 * WATCHDOG)
        service.stop()


def stopped(half: Half) -> contextlib.AbstractContextManager[None]:
    """Keep a half stopped for as long as this lasts."""

    @contextlib.contextmanager
    def hang() -> Iterator[None]:
        os.kill(half.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(half.pid, signal.SIGCONT)

    return hang()


@pytest.mark.parametrize("which", [0, 1], ids=["online", "offline"])
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "reading"])
def test_a_half_that_hangs_is_noticed(
    start: Callable[..., Service],
    queue: Queue,
    tmp_path: Path,
    which: int,
    busy: bool,
) -> None:
    with fifo(tmp_path) as (path, writer):
        service = start(*TEN, "-q", queue.url, "-d", path)
        os.write(writer, noise(STARTUP + (0 if busy else 5120)))
        service.wait_ready()
        half = halves(service.process)[which]
        with trickle(writer, 100) if busy else contextlib.nullcontext():
            time.sleep(0.3)
            with stopped(half):
                service.is_silent()
            # And it comes back.
            service.lives_for(WATCHDOG)
        service.stop()
