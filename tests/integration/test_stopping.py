# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and SIGINT end a producer at once, whatever it waits for."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aid.faults import Fault
from aid.halves import halves
from aid.imds import Imds
from aid.manager import Manager, Service
from aid.programs import PRODUCER, TEN, Runner
from aid.queue import Queue
from aid.source import fifo
from aid.sqsproxy import SqsFault, SqsProxy
from aid.wait import PATIENCE, wait_until


def stop_quickly(
    run: Runner, process: subprocess.Popen[bytes], sent: int = signal.SIGTERM
) -> str:
    """Check that a signal ends the program with exit code 0, and does so at once.

    What it waits for would take 30 seconds, an interval, or for ever. Returns
    what it said.
    """
    halves(process)  # both listen to signals by then
    process.send_signal(sent)
    ended = run.finish(process, timeout=PATIENCE)
    assert ended.code == 0, ended.err
    return ended.err


def test_sigterm_ends_the_wait_for_a_dead_source(
    run: Runner, queue: Queue, tmp_path: Path, proxy: SqsProxy
) -> None:
    fifo = tmp_path / "dead"
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR)
    process = run.start(PRODUCER, *TEN, "-q", queue.url, "-d", fifo)
    wait_until(lambda: bool(proxy.matching("GetQueueAttributes")))
    time.sleep(0.2)
    stop_quickly(run, process)
    os.close(writer)


@pytest.mark.parametrize("operation", ["GetQueueAttributes", "SendMessageBatch"])
def test_sigterm_ends_a_call_that_hangs(
    run: Runner, queue: Queue, source: Path, proxy: SqsProxy, operation: str
) -> None:
    proxy.add(SqsFault(match=operation, count=None, end="silence"))
    process = run.start(PRODUCER, *TEN, "-q", queue.url, "-d", source)
    wait_until(lambda: bool(proxy.matching(operation)))
    said = stop_quickly(run, process)
    in_doubt = "the outcome is unknown for 10 of 10 messages"
    assert (in_doubt in said) == (operation == "SendMessageBatch"), said


def test_sigterm_ends_the_pause_between_looks(
    run: Runner, queue: Queue, source: Path
) -> None:
    process = run.start(PRODUCER, *TEN, "-q", queue.url, "-d", source)
    wait_until(lambda: queue.depth()[0] == 10)
    time.sleep(0.3)
    stop_quickly(run, process)


def test_sigint_ends_the_retry_of_an_imds_that_is_silent(
    run: Runner, source: Path, imds: Imds
) -> None:
    imds.add(Fault(match="*", count=None, end="silence"))
    process = run.start(PRODUCER, "-q", "some-queue", "-d", source)
    wait_until(lambda: len(imds.records) > 0)
    stop_quickly(run, process, signal.SIGINT)


def test_sighup_has_the_queue_looked_at_and_ends_nothing(
    run: Runner, queue: Queue, source: Path, proxy: SqsProxy, tmp_path: Path
) -> None:
    """To the main process, as "systemctl reload" does, or to both at once."""
    conf = tmp_path / "producer.conf"
    conf.write_text(f'queue = "{queue.url}"\nburst = 10\ninterval = 86400\n')
    process = run.start(PRODUCER, "-c", conf, "-d", source)
    online, offline = halves(process)
    for signalled, looks in (([], 1), ([offline], 2), ([online, offline], 3)):
        wait_until(lambda: queue.depth()[0] == 10)
        for half in signalled:
            os.kill(half.pid, signal.SIGHUP)
        wait_until(lambda n=looks: len(proxy.matching("GetQueueAttributes")) >= n)
    said = stop_quickly(run, process)
    assert said.count("told to look at once (SIGHUP)") == 2, said
    assert len(proxy.matching("GetQueueAttributes")) == 3


def test_a_stop_ends_the_test_of_the_sources(
    start: Callable[..., Service], queue: Queue, tmp_path: Path, manager: Manager
) -> None:
    with fifo(tmp_path) as (path, _):
        service = start("-q", queue.url, "-d", path)
        wait_until(manager.says("EXTEND_TIMEOUT_USEC="))
        service.stop()
    assert not manager.says("READY=1")()


def test_both_halves_end_when_one_is_killed(
    run: Runner, queue: Queue, source: Path
) -> None:
    process = run.start(PRODUCER, *TEN, "-q", queue.url, "-d", source)
    wait_until(lambda: queue.depth()[0] == 10)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    os.kill(int(children.split()[0]), signal.SIGKILL)
    ended = run.finish(process)
    assert ended.code == 70, ended.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_half_that_hangs_ends_with_the_other(
    run: Runner, queue: Queue, source: Path, number: int
) -> None:
    """Neither may signal the other: the kernel ends what does not end by itself."""
    process = run.start(PRODUCER, *TEN, "-q", queue.url, "-d", source)
    online, offline = halves(process)
    os.kill(online.pid, signal.SIGSTOP)
    os.kill(offline.pid, number)
    run.finish(process, timeout=PATIENCE)
    wait_until(lambda: not Path(f"/proc/{online.pid}").exists())
