# SPDX-License-Identifier: Apache-2.0
"""A run with a fault, the run after it, and what must hold for both."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faults import Fault, numbers, of_calls, strace, thinned
from world import (
    ALLOCATION,
    CREDIT,
    EVENTS,
    HALVES,
    KILLED,
    LEAKS,
    NAMES,
    POINTS,
    RECORD,
    SHORT,
    SIZE,
    SYNCED,
    WRITTEN,
    Board,
    Scenario,
    World,
    ask,
    confinement,
)

DOCUMENTED = {0, 64, 65, 69, 70, 75, 77, 78}
CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
# The agent's clocks end it 3 s after its deadline at the latest, which shows as
# SIGKILL whatever the machine is doing.  PATIENCE is for what no clock ends, and far
# beyond what a run takes on a busy machine.
TIMEOUT, PATIENCE, GONE = 2, 60, 20
HUNG, ENDED = f"hung: no end in {PATIENCE} s", "its own timer ended it"
SANITIZER = re.compile(r"^.*(?:AddressSanitizer|runtime error:).*$", re.MULTILINE)
NO_RANDOM_ADDRESSES = 0x0040000
# Runs without a fault, of which it is known what a half never frees: one that is
# killed when the other has ended does not come to tell it.
MEASURED = 3
WHAT = {"allocation": ALLOCATION, "own allocation": ALLOCATION, "short": SHORT}


def fix_addresses() -> None:
    """Have programs at the same addresses in each run, so that sites compare."""
    ctypes.CDLL(None).personality(NO_RANDOM_ADDRESSES)


@dataclass
class Run:
    """What a program did."""

    code: int
    err: str
    board: Board
    hung: bool

    def events(self, *kinds: int) -> list[Any]:
        """The events of these kinds, in order."""
        some = self.board.event[: min(self.board.events, EVENTS)]
        return [e for e in some if e.kind in kinds]

    def leaks(self, half: int) -> Counter[str]:
        """Who allocated what a half has not freed."""
        n = self.board.leaks[half]
        return Counter(hex(at) for at in self.board.leaked[half][: min(n, LEAKS)])

    def frames(self) -> list[str]:
        """The stack of what was struck."""
        return [f.value.decode() for f in self.board.frame if f.value]


@dataclass
class Trial:
    """One scenario in one world; its runs without a fault are the measure."""

    world: World
    s: Scenario
    confined: dict[int, list[str]] = field(default_factory=dict)
    leaks: dict[tuple[bool, int], Counter[str]] = field(default_factory=dict)
    told: bytes = b""  # the status before the last run

    def board(self, **values: int) -> Board:
        """Make a new board."""
        return ask(self.world.folder / "board", **values)

    def run(
        self,
        board: Board,
        *tracer: str,
        own: bool = False,
        timeout: int = 300,
    ) -> Run:
        """Run the program to its end."""
        self.told = self.status()
        build, name = self.world.build, f"sqs-entropy-{self.s.program}"
        torture = {"TORTURE": str(self.world.folder / "board")}
        if own:
            torture["ASAN_OPTIONS"] = "detect_leaks=0:symbolize=0"
        else:
            torture["LD_PRELOAD"] = str(build / "tests/torture/fail.so")
        if tracer:  # which is not to be tortured itself
            tracer = (*tracer, *(f"-E{n}={value}" for n, value in torture.items()))
            torture = {}
        program = build / ("asan/tests/torture" if own else ".") / name
        process = subprocess.Popen(
            [*tracer, program, *self.world.command(self.s, timeout)],
            env=self.world.env(self.s) | torture,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        if self.s.service and not self.s.status:
            self.stop_when_sent(process, board, timeout)
        hung = False
        try:
            _, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            hung = True
            os.killpg(process.pid, signal.SIGKILL)
            _, err = process.communicate()
        return Run(process.returncode, err.decode("utf-8", "replace"), board, hung)

    def stop_when_sent(
        self, process: subprocess.Popen[bytes], board: Board, timeout: int
    ) -> None:
        """Tell a service to stop, when it has worked or will not."""
        until = time.monotonic() + timeout
        while process.poll() is None and time.monotonic() < until:
            if len(self.world.sqs.sent) >= self.world.sqs.before + 2:
                break
            time.sleep(0.005)
        time.sleep(0.02)
        if board.pid[0] and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(board.pid[0], signal.SIGTERM)

    # ---- without a fault

    def prepare(self) -> None:
        """Leave behind what has run before."""
        if not self.s.again:
            return
        before = Trial(self.world, replace(self.s, status=False, again=False))
        board = self.board()
        self.world.begin(board, self.s, 0)
        got = before.run(board)
        assert got.code == 0, got.err
        initial = self.world.folder / f"initial-{self.s.name}"
        initial.mkdir()
        for name in "state", "run":
            command = ["cp", "-a", self.world.folder / name, initial]
            subprocess.run(command, check=True)
        self.world.sent[self.s.name] = list(self.world.sqs.sent)

    def measure(self) -> None:
        """Run both builds without a fault: this is how it should be."""
        self.prepare()
        for own in False, True:
            for _ in range(MEASURED):
                board = self.board()
                self.world.begin(board, self.s, 0)
                got = self.run(board, own=own)
                for half in range(HALVES):
                    self.leaks.setdefault((own, half), Counter())
                    self.leaks[own, half] |= got.leaks(half)
            if not own:
                self.confined = {h: state for _, h, state in self.world.sqs.looks}
            wrong = self.judge(got, None, own)
            wrong += [] if own else self.judge_again(got)
            if wrong:
                raise RuntimeError(f"{self.s.name}, no fault: {wrong}: {got.err}")

    def record(self, quickly: bool) -> list[Fault]:
        """What can fail in a run of this scenario, thinned where stacks are known."""
        found = list[Fault]()
        for own in False, True:
            board = self.board(what=RECORD)
            self.world.begin(board, self.s, 0)
            self.run(board, own=own)
            counts = Counter[tuple[int, int]]()
            for p in board.point[: min(board.points, POINTS)]:
                counts[p.half, p.what] += 1
                kind = "own allocation" if own else ("", "allocation", "short")[p.what]
                at = {"half": p.half, "ordinal": counts[p.half, p.what]}
                found.append(Fault(self.s.name, kind, site=hex(p.site), **at))
        board = self.board()
        self.world.begin(board, self.s, 0)
        log = self.world.folder / "log"
        quiet = ["-qq", "-esignal=none", *([] if quickly else ["-k"])]
        self.run(board, strace(), "-ff", *quiet, "-o", str(log))
        logs = [Path(f"{log}.{pid}") for pid in board.pid if pid]
        found += of_calls(self.s.name, logs)
        for path in self.world.folder.glob("log.*"):
            path.unlink()
        self.found = len(found)
        return found if quickly else thinned(self.s.program, found)

    # ---- with one

    def strike(self, fault: Fault) -> dict[str, Any]:
        """Run with a fault, then without; tell what came of it.

        Where a clock has ended a run, a busy machine may have been the reason; with
        the time that the second try has it is not.
        """
        result = self.try_once(fault, TIMEOUT)
        if any(w in (HUNG, ENDED) for w in result["wrong"]):
            result = self.try_once(fault, TIMEOUT * 10)
        return result

    def tracer(self, fault: Fault, log: Path) -> tuple[str, ...]:
        """The words that strike a system call of one half."""
        when = fault.ordinal + fault.times * fault.half
        what = f"error={fault.error}" if fault.error else "signal=KILL"
        inject = f"-einject={fault.call}:{what}:when={when}"
        follow = ["-f"] if fault.half > 0 else []
        quiet = ("-qq", "-esignal=none", f"-etrace={fault.call}", inject)
        return (strace(), *follow, *quiet, "-o", str(log))

    def try_once(self, fault: Fault, timeout: int) -> dict[str, Any]:
        """The two runs."""
        own, log = fault.kind == "own allocation", self.world.folder / "trace"
        log.write_text("")
        if fault.kind in WHAT:
            asked = {"what": WHAT[fault.kind], "ordinal": fault.ordinal}
            asked["half"] = fault.half
            tracer: tuple[str, ...] = ()
        else:
            asked = {"number": numbers()[fault.call], "times": fault.times}
            tracer = self.tracer(fault, log)
        board = self.board(**asked)
        self.world.begin(board, self.s, 0)
        got = self.run(board, *tracer, own=own, timeout=timeout)
        text = log.read_text(errors="replace")
        # A call during which its process was killed has no result.
        killed = re.search(rf"^{board.pid[fault.half]} .*= \?$", text, re.MULTILINE)
        struck = board.struck > 0 or "(INJECTED)" in text or killed is not None
        struck = struck or (fault.kind == "kill" and got.code == -signal.SIGKILL)
        wrong = self.judge(got, fault, own)
        again = self.board()
        self.world.begin(again, self.s, 1)
        after = self.run(again)
        wrong += [f"afterwards: {w}" for w in self.judge(after, None)]
        wrong += [f"afterwards: {w}" for w in self.judge_again(after)]
        return {
            "id": fault.id,
            "struck": struck,
            "code": got.code,
            "wrong": wrong,
            "frames": got.frames(),
            "site": fault.site if tracer and wrong else "",
            "err": got.err[-600:] + ("| " + after.err[-600:] if wrong else ""),
        }

    # ---- what must hold

    def judge(self, got: Run, fault: Fault | None, own: bool = False) -> list[str]:
        """What is wrong with any run; the board of the own build tells less."""
        wrong = [*self.judge_end(got, fault), *self.judge_leaks(got, own)]
        wrong += [f"the service: {e!r}" for e in self.world.sqs.errors]
        if not own:
            wrong += [*self.judge_credit(got), *self.judge_confinement()]
        return [*wrong, *self.judge_sent()]

    def judge_confinement(self) -> Iterator[str]:
        """Whether a half worked that was not confined as without a fault."""
        for what, half, state in self.world.sqs.looks:
            lacks = sorted(set(state) ^ set(self.confined.get(half, [])))
            if lacks:
                yield f"{NAMES[half]} not confined at {what}: {'; '.join(lacks)}"
                return

    def judge_end(self, got: Run, fault: Fault | None) -> Iterator[str]:
        """Whether each process has ended as it may."""
        killed = fault is not None and (fault.kind, fault.half) == ("kill", 0)
        if got.hung:
            yield HUNG
        elif got.code == -signal.SIGKILL and not killed:
            yield ENDED
        elif -got.code in CRASHES:
            yield f"crashed: {signal.Signals(-got.code).name}"
        elif got.code not in DOCUMENTED and not killed:
            yield f"exit {got.code}"
        for e in got.events(KILLED):
            if e.value in CRASHES:
                yield f"a half crashed: {signal.Signals(e.value).name}"
        yield from (f"sanitizer: {line}" for line in SANITIZER.findall(got.err)[:1])
        yield from self.judge_left(got)

    def judge_left(self, got: Run) -> Iterator[str]:
        """Whether a process is left; the kernel ends some of them in its own time."""
        until = time.monotonic() + GONE
        for pid in filter(None, got.board.pid):
            while confinement(pid) and time.monotonic() < until:
                time.sleep(0.01)
            if confinement(pid):
                yield "left running"

    def judge_credit(self, got: Run) -> Iterator[str]:
        """Whether what was credited was deleted, remembered and synced before."""
        synced = True
        for e in got.events(WRITTEN, SYNCED, CREDIT):
            if e.kind == WRITTEN:
                synced = False
            elif e.kind == SYNCED:
                synced = e.result == 0
            else:
                yield from self.judge_injection(got.board, e.ns)
                if not synced:
                    yield "credit before the digest was synced"

    def status(self) -> bytes:
        """What the agent has told of its last run."""
        file = self.world.folder / "run/agent.json"
        return file.read_bytes() if file.exists() else b""

    def earned(self) -> int:
        """How many messages earned credit; one at least, where no status tells."""
        status = self.status()
        if status == self.told:
            return 1
        with contextlib.suppress(ValueError):  # cut by the fault
            return sum(m["bits"] > 0 for m in json.loads(status)["messages"]) or 1
        return 1

    def judge_injection(self, board: Board, ns: int) -> Iterator[str]:
        """Whether each payload was deleted, and all that earned are remembered.

        Of two messages one may earn none, where the fault left it without a
        signature; each of them claims more than is credited.
        """
        seen = self.world.folder / "state/seen"
        memory = seen.read_bytes() if seen.exists() else b""
        deleted = [m for t, m in self.world.sqs.deleted.values() if t < ns]
        plain = {self.world.plain.get(m.payload) for m in deleted}
        bytes_ = bytes(board.bytes[: board.injected])
        payloads = [bytes_[at : at + SIZE] for at in range(0, len(bytes_), SIZE)]
        if not plain.issuperset(payloads):
            yield "credit without a confirmed delete"
        kept = [hashlib.sha256(p).digest()[:8] for p in payloads]  # replay.h
        remembered = sum(digest in memory for digest in kept)
        if remembered < self.earned():
            yield "credit for what is not remembered"

    def judge_leaks(self, got: Run, own: bool) -> Iterator[str]:
        """Whether more is left than in a run without a fault."""
        for half in range(HALVES):
            more = got.leaks(half) - self.leaks[own, half]
            if more:
                yield f"{NAMES[half]} leaks what was allocated at {sorted(more)}"

    def judge_sent(self) -> Iterator[str]:
        """Whether anything was sent twice."""
        sent = self.world.sqs.sent
        for name, values in (
            ("number", [entropy.partition(";time")[0] for entropy, _ in sent]),
            ("body", [body for _, body in sent]),
        ):
            twice = [v for v, n in Counter(values).items() if n > 1]
            if twice:
                yield f"a {name} was sent twice: {twice[0][:60]}"

    def judge_again(self, got: Run) -> Iterator[str]:
        """Whether a run without a fault has worked."""
        if got.code != self.s.code:
            yield f"exit {got.code}"
        credit = any(e.value >= 256 and e.result == 0 for e in got.events(CREDIT))
        if self.s.credit and not credit:
            yield "no credit"
        if self.s.program == "producer" and not self.s.status:
            before = len(self.world.sent.get(self.s.name, []))
            if len(self.world.sqs.sent) < before + 2 * len(self.s.queues):
                yield "not sent"
