# SPDX-License-Identifier: Apache-2.0
"""The descriptors that a program was started with, and what each half has of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aid.halves import Half, waiting_agent, waiting_producer
from aid.payload import body, noise
from aid.programs import AGENT, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy

needs_proc = pytest.mark.skipif(
    os.geteuid() != 0, reason="not root: the halves hide their descriptors"
)


def standard(half: Half) -> set[str]:
    """What 0, 1 and 2 lead to."""
    return {str(Path(f"/proc/{half.pid}/fd/{n}").readlink()) for n in range(3)}


@pytest.fixture
def inherited(tmp_path: Path) -> int:
    """A file that the caller has open for writing, and has let through."""
    number = os.open(tmp_path / "of-the-caller", os.O_WRONLY | os.O_CREAT)
    os.set_inheritable(number, True)
    return number


@needs_proc
def test_no_half_of_the_agent_has_what_the_caller_has(
    run: Runner, queue: Queue, proxy: SqsProxy, tmp_path: Path, inherited: int
) -> None:
    with waiting_agent(
        run, queue, proxy, "-o", "-", pass_fds=[inherited], stdout=inherited
    ) as (online, offline):
        file = str(tmp_path / "of-the-caller")
        assert standard(online) == standard(offline) == {os.devnull}
        assert file not in online.files()
        # The output itself, once.
        assert offline.files().count(file) == 1
    os.close(inherited)


@needs_proc
def test_no_half_of_the_producer_has_what_the_caller_has(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    tmp_path: Path,
    key: Path,
    inherited: int,
) -> None:
    with waiting_producer(
        run, queue, tmp_path, proxy, key, pass_fds=[inherited], stdout=inherited
    ) as both:
        for half in both:
            assert standard(half) == {os.devnull}
            assert str(tmp_path / "of-the-caller") not in half.files()
    os.close(inherited)


@pytest.mark.parametrize("closed", ["0<&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_no_log_gets_into_a_file_that_takes_the_number_of_a_closed_one(
    run: Runner, queue: Queue, tmp_path: Path, closed: str
) -> None:
    queue.send(body(noise(512)))
    output = tmp_path / "output"
    script = f'exec "$0" "$@" {closed}'
    args = ["-q", queue.url, "-vv", "-o", output]
    got = run("/bin/sh", "-c", script, run.build / AGENT, *args)
    assert got.code == 0, got.err
    assert output.read_bytes() == noise(512)


def test_a_closed_standard_output_costs_no_message(run: Runner, queue: Queue) -> None:
    queue.send(body(noise(512)))
    script = 'exec "$0" "$@" 1>&-'
    got = run("/bin/sh", "-c", script, run.build / AGENT, "-q", queue.url, "-o", "-")
    assert got.code == 70, got.err
    assert "standard output is not open for writing" in got.err
    assert queue.depth() == (1, 0)


def test_a_file_of_the_caller_can_be_named(
    run: Runner, queue: Queue, tmp_path: Path
) -> None:
    queue.send(body(noise(512)))
    (tmp_path / "conf").write_text(f'queue = "{queue.url}"\n')
    script = 'exec 9<"$1"; exec "$0" -c /dev/fd/9 -o -'
    got = run("/bin/sh", "-c", script, run.build / AGENT, tmp_path / "conf")
    assert (got.code, got.out) == (0, noise(512)), got.err
