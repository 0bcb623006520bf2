# SPDX-License-Identifier: Apache-2.0
"""A kernel without seccomp filters costs a warning and nothing else."""

from __future__ import annotations

from pathlib import Path

from aid.halves import CAPABILITIES, Half, check_powerless
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, TEN, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.users import AGENT_ONLINE
from aid.wait import wait_until

WARNING = "this kernel has no seccomp filters"


def without(run: Runner) -> tuple[str, str]:
    """What runs a program as on such a kernel."""
    return (str(run.build / "tests/programs/without"), "seccomp")


def test_both_programs_do_their_work(run: Runner, queue: Queue, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(noise(1 << 14))
    args = ["--once", *TEN, "-q", queue.url, "-d", source]
    made = run(*without(run), run.build / PRODUCER, *args)
    assert made.code == 0, made.err
    got = run(*without(run), run.build / AGENT, "-q", queue.url, "-m", "10", "-o", "-")
    assert (got.code, len(got.out)) == (0, 5120), got.err
    for said in (made.err, got.err):
        assert said.count(WARNING) == 1


def test_a_kernel_with_filters_gets_no_warning(run: Runner, queue: Queue) -> None:
    queue.send(body(noise(512)))
    got = run(AGENT, "-q", queue.url, "-o", "-")
    assert got.code == 0, got.err
    assert "seccomp" not in got.err


def test_all_else_is_given_up(run: Runner, queue: Queue, proxy: SqsProxy) -> None:
    queue.send(body(noise(512)))
    proxy.fault("ReceiveMessage", hold=600)
    process = run.start(
        *without(run), run.build / AGENT, "-q", queue.url, "-t", "300", "-o", "-"
    )
    wait_until(lambda: bool(proxy.matching("ReceiveMessage")))
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    online = Half(int(children.read_text().split()[0]))
    offline = Half(process.pid)
    # The last steps but for the filter, which there is none of.
    wait_until(lambda: offline.capabilities()["CapEff"] == 0)
    wait_until(lambda: offline.limit("open files") == ["64", "64"])
    for half in online, offline:
        assert half.status()["NoNewPrivs"] == "1"
        assert half.limit("core file size") == ["0", "0"]
        assert half.limit("open files") == ["64", "64"]
        assert {half.capabilities()[n] for n in CAPABILITIES[:3]} == {0}
    check_powerless(online, AGENT_ONLINE)
    process.kill()


def test_nothing_forbidden_is_tried_there(run: Runner) -> None:
    """Tools of other tests may try what is forbidden only where a filter refuses it."""
    tool = run.build / "tests/programs/confined_agent"
    args = ["-q", "https://sqs.eu-west-1.amazonaws.com/1/q", "-o", "/dev/null"]
    got = run(*without(run), tool, "online", *args)
    assert (got.code, got.out) == (70, b"")
