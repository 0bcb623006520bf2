# SPDX-License-Identifier: Apache-2.0
"""What the agent decides on messages: a run, its status, and a verdict on each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aid.forge import Fleet, Message, Producer, send
from aid.programs import AGENT, Result, Runner
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy

# The names of agent/offline/credit.h's reasons.
UNSIGNED = "not signed"
MALFORMED = "malformed claim"
UNKNOWN = "producer not trusted"
BAD = "bad signature"
STALE = "sent too long after signing"
FUTURE = "signed with a date in the future"
REDELIVERED = "delivered before"
SEEN = "used before"
FORGETFUL = "use cannot be remembered"
REFUSED = "refused"
# And why a message is not mixed.
SEALED = "sealed for somebody else"
POLICY = "refused by the policy"

CREDIT = 256  # bits
BATCH = 10  # messages in one run
SHORTEST, LONGEST = 32, 16384  # bytes of payload


@dataclass(frozen=True)
class Verdict:
    """What the status says about one message."""

    bytes: int
    bits: int
    withheld: tuple[str, ...]
    discarded: str | None
    producer: str | None
    seq: int | None

    @classmethod
    def read(cls, values: dict[str, Any]) -> Verdict:
        """A verdict from the JSON of the status, which has no other member."""
        known = {"bytes", "bits", "withheld", "discarded", "producer", "seq"}
        assert set(values) - known <= {"key", "time"}
        return cls(
            values["bytes"],
            values["bits"],
            tuple(values["withheld"]),
            values.get("discarded"),
            values.get("producer"),
            values.get("seq"),
        )

    def mixed(self, *withheld: str) -> bool:
        """Whether the message was used without credit, for exactly these reasons."""
        without = self.bits == 0 and self.discarded is None and self.bytes > 0
        return without and self.withheld == withheld

    def credited(self, bits: int | None = None) -> bool:
        """Whether the message earned credit."""
        earned = self.bits > 0 and not self.withheld and self.discarded is None
        return earned and bits in (None, self.bits)


@dataclass
class Run:
    """One run of the agent."""

    result: Result
    status: dict[str, Any]  # empty: it wrote none
    output: bytes
    verdicts: list[Verdict]

    @property
    def credit(self) -> int:
        """The bits that the kernel was told."""
        return self.status["credit"]


@dataclass
class Judge:
    """An agent with a configuration, which trusts `good`, and its queue."""

    run: Runner
    queue: Queue
    proxy: SqsProxy
    directory: Path
    good: Producer = field(default_factory=Producer)
    fleet: Fleet = field(default_factory=Fleet)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.trusted.mkdir()
        self.pub = self.good.trust(self.trusted, "good")

    @property
    def trusted(self) -> Path:
        """The directory of public keys."""
        return self.directory / "trusted.d"

    @property
    def state(self) -> Path:
        """The file that remembers which messages were used."""
        return Path(self.run.env["STATE_DIRECTORY"]) / "seen"

    @property
    def status(self) -> Path:
        """The file that tells what the last run did."""
        return Path(self.run.env["RUNTIME_DIRECTORY"]) / "agent.json"

    def conf(self, **values: Any) -> Path:
        """Write the configuration, with values besides `settings`."""
        path = self.directory / "agent.conf"
        base = {
            "queue": self.queue.url,
            "region": REGION,
            "messages": BATCH,
            "trusted_producers": str(self.trusted),
        }
        lines = [
            f"{name.replace('_', '-')} = {json.dumps(value)}\n"
            for name, value in {**base, **self.settings, **values}.items()
        ]
        path.write_text("".join(lines))
        return path

    def message(self, **values: Any) -> Message:
        """A message that earns exactly the credit of a run."""
        return self.good.message(self.queue, size=64, bits=CREDIT, **values)

    def look(self, *args: str | Path, kernel: bool = False, **values: Any) -> Run:
        """Run the agent on what is in the queue now."""
        output = self.directory / "output"
        output.unlink(missing_ok=True)
        self.status.unlink(missing_ok=True)
        target = [] if kernel else ["-o", output]
        got = self.run(AGENT, "-c", self.conf(), *target, *args, **values)
        text = self.status.read_text() if self.status.exists() else ""
        status = json.loads(text) if text else {}
        verdicts = [Verdict.read(m) for m in status.get("messages", [])]
        written = output.read_bytes() if output.exists() else b""
        return Run(got, status, written, verdicts)

    def __call__(
        self, *messages: Message, args: tuple[str, ...] = (), kernel: bool = False
    ) -> list[Verdict]:
        """Send messages with a good one beside them; the agent's verdicts on them.

        The control, in the middle, gets its bits, and nothing else gets any in
        one run that is credited with just these.
        """
        assert len(messages) < BATCH
        at = len(messages) // 2
        send(self.queue, *messages[:at], self.message(), *messages[at:])
        run = self.look(*args, kernel=kernel)
        assert run.result.code == 0, run.result.err
        assert self.queue.depth() == (0, 0)
        verdicts = run.verdicts
        assert run.status["received"] == len(messages) + 1
        sent = [SHORTEST <= len(m.payload) <= LONGEST for m in messages]
        assert len(verdicts) == sum(sent) + 1
        control = verdicts.pop(sum(sent[:at]))
        assert control.credited(CREDIT), control
        assert control.producer == "good"
        assert run.credit == CREDIT
        mixed = control.bytes + sum(v.bytes for v in verdicts)
        assert run.status["bytes"] == mixed
        assert len(run.output) == (0 if kernel else mixed)
        return verdicts

    def each(self, messages: list[Message]) -> Iterator[tuple[Message, Verdict]]:
        """The same as calling it, for any number of messages, in several runs."""
        size = BATCH - 1
        for first in range(0, len(messages), size):
            some = messages[first : first + size]
            yield from zip(some, self(*some), strict=True)

    def one(self, message: Message, **values: Any) -> Verdict:
        """The same as calling it, for a single message."""
        [verdict] = self(message, **values)
        return verdict


@pytest.fixture
def make_judge(run: Runner, proxy: SqsProxy, tmp_path: Path) -> Callable[..., Judge]:
    """Give a function that makes agents, each with a directory of its own."""
    # Less to ask for in many runs: IMDS is not what these tests are about.
    run.env["AWS_ACCESS_KEY_ID"] = "test"
    run.env["AWS_SECRET_ACCESS_KEY"] = "test"
    made: list[Judge] = []

    def make(queue: Queue, **settings: Any) -> Judge:
        directory = tmp_path / f"agent{len(made)}"
        directory.mkdir()
        made.append(Judge(run, queue, proxy, directory, settings=settings))
        return made[-1]

    return make


@pytest.fixture
def judge(make_judge: Callable[..., Judge], queue: Queue) -> Judge:
    """Give an agent that trusts one producer."""
    return make_judge(queue)


def refused(judge: Judge, *words: str) -> None:
    """Check that the agent ends with 78 and one line, having asked for nothing."""
    if judge.queue.depth() == (0, 0):
        send(judge.queue, judge.message())
    run = judge.look()
    assert run.result.code == 78, run.result.err
    [line] = run.result.lines()
    for word in words:
        assert word in line, line
    assert judge.queue.depth() == (1, 0)
    assert judge.proxy.records == []
