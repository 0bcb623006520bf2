# SPDX-License-Identifier: Apache-2.0
"""What --status tells of the last run, to people and to programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from aid.forge import Producer, send
from aid.programs import AGENT, Runner
from aid.queue import Queue
from aid.status import pretend, status
from aid.verdicts import UNKNOWN, Judge


def test_the_status_tells_people_and_programs_the_same(judge: Judge) -> None:
    send(judge.queue, judge.message(), Producer().message(judge.queue))
    run = judge.look("-v")
    text = judge.run(AGENT, "--status")
    assert text.code == 0
    lines = text.out.decode().splitlines()
    assert lines[0].startswith("last run: 20")
    assert lines[0].endswith(", done (exit 0)")
    told = "576 bytes into the output, credit 256 bits, 2 messages received"
    assert lines[1] == told
    assert lines[2] == f"  64 bytes, 256 bits, from good, number {judge.good.seq}"
    assert lines[3] == f"  512 bytes, 0 bits, no credit: {UNKNOWN}"
    assert len(lines) == 4
    program = judge.run(AGENT, "--status", "--json")
    assert (program.code, json.loads(program.out)) == (0, run.status)
    assert run.status["messages"][0]["key"] == judge.good.key_id
    assert judge.status.stat().st_mode & 0o777 == 0o644
    # The log says the same with -v.
    assert "from good: credited" in run.result.err
    assert UNKNOWN in run.result.err


def test_the_status_tells_no_run_from_a_failed_one(judge: Judge) -> None:
    none = judge.run(AGENT, "--status")
    assert (none.code, none.out) == (75, b"")
    assert "has not run" in none.err
    run = judge.look()
    assert run.result.code == 75
    assert (run.status["exit"], run.status["credit"]) == (75, 0)
    assert run.verdicts == []


def test_a_run_that_got_nowhere_is_told_by_the_status(
    run: Runner, queue: Queue, conf: Callable[..., Path], tmp_path: Path
) -> None:
    """With --best-effort the exit code is 0: only the status shows a failure."""
    file = pretend(run, injected=5)
    before = file.read_bytes()
    trusted = tmp_path / "trusted.d"
    trusted.mkdir()
    trusted.chmod(0o777)  # whoever may add a file may add a key
    broken = conf(queue=queue.url, trusted_producers=str(trusted))
    assert run(AGENT, "-c", broken, "--best-effort").code == 0
    assert [status(run)[k] for k in ("exit", "received")] == [78, 0]
    # What an earlier run did for the kernel stays true.
    assert int(str(status(run)["injected"])) > 0
    assert file.read_bytes() == before
    shown = run(AGENT, "--status")
    assert b"(exit 78)" in shown.out
    # Nor a file that does not parse.
    broken.write_text("queue\n")
    Path(run.env["RUNTIME_DIRECTORY"], "agent.json").unlink()
    assert run(AGENT, "-c", broken).code == 78
    assert status(run)["exit"] == 78
    # A look at the bytes is no news of the kernel.
    Path(run.env["RUNTIME_DIRECTORY"], "agent.json").write_text("{}")
    assert run(AGENT, "-c", broken, "--output", "-").code == 78
    assert "exit" not in status(run)
    broken.write_text(f'queue = "{queue.url}"\ntrusted-producers = "{trusted}"\n')
    assert run(AGENT, "-c", broken, "--output", "-").code == 78
    assert "exit" not in status(run)
