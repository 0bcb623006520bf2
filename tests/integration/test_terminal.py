# SPDX-License-Identifier: Apache-2.0
"""What comes from outside never commands the terminal or the journal it is shown in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aid.attack import Attack, edited, fill
from aid.forge import send
from aid.programs import AGENT, PRODUCER, Result, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.verdicts import Judge

# CSI and OSC as ESC and a letter, as a character of C1, and as a byte of no character.
COMMANDS = [b"\x1b[2J", b"\xc2\x9b2J", b"\x9b2J", b"\xc2\x9d0;x\x07", b"\x9d0;x\x07"]
EVIL = "".join(c.decode("utf-8", "ignore") for c in COMMANDS) + "\x85\x9f"


def is_harmless(got: Result) -> bool:
    """Whether all that a program wrote is lines of printable characters in UTF-8."""
    said = got.out.decode("utf-8") + got.err
    # What is not UTF-8 would have been decoded to U+FFFD.
    return all(line.isprintable() for line in said.split("\n")) and "\ufffd" not in said


@pytest.mark.parametrize("program", [AGENT, PRODUCER])
@pytest.mark.parametrize("command", COMMANDS)
def test_an_argument_that_is_refused_is_shown_harmlessly(
    run: Runner, tmp_path: Path, program: str, command: bytes
) -> None:
    text = "x" + command.decode("utf-8", "surrogateescape")
    for args in ([text], ["--" + text], ["-" + text[1:]], ["-c", text, "--check"]):
        got = run(program, *args)
        assert got.code in (64, 78)
        assert is_harmless(got), (args, got)
    for name in "--queue", "--region":
        got = run(program, "--check", name, text)
        assert (got.code, got.out) != (0, b"")
        assert is_harmless(got), (name, got)
    # A name that is right, and shown by --check.
    file = tmp_path / text
    file.write_text("queue = entropy\n")
    got = run(program, "--check", "-c", file)
    assert got.code == 0
    assert b": valid" in got.out
    assert is_harmless(got), got


@pytest.mark.parametrize("command", COMMANDS)
def test_a_value_that_commands_a_terminal_is_refused(
    run: Runner, tmp_path: Path, command: bytes
) -> None:
    file = tmp_path / "conf"
    for name in b"queue", b"ca-bundle", command:
        file.write_bytes(name + b' = "a' + command + b'"\n')
        got = run(AGENT, "--check", "-c", file)
        assert (got.code, got.out) == (78, b"")
        assert is_harmless(got), got
    env = {**run.env, "AWS_PROFILE": command.decode("utf-8", "surrogateescape")}
    assert is_harmless(run(AGENT, "-q", "entropy", env=env))


def test_what_the_service_says_is_shown_harmlessly(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    text = json.dumps({"__type": "a#" + EVIL, "message": EVIL}, ensure_ascii=False)
    for body in (text, f"<Code>{EVIL}</Code><Message>{EVIL}</Message>", EVIL):
        proxy.fault("ReceiveMessage", status=400, body=body)
        got = attack.agent("-q", queue.url)
        assert got.code == 69
        assert "ReceiveMessage" in got.err
        assert is_harmless(got), got
        proxy.clear()


def test_the_id_of_a_useless_message_is_shown_harmlessly(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    for text in ("hello", "x"):
        queue.send(text)
        proxy.fault("ReceiveMessage", edit=edited("Messages", 0, "MessageId", to=EVIL))
        got = attack.agent("-q", queue.url)
        assert got.code == 65
        assert "discarded" in got.err
        assert is_harmless(got), got
    fill(queue)

    def damage(document: dict[str, object]) -> dict[str, object]:
        edited("Messages", 0, "MD5OfBody", to="0")(document)
        return edited("Messages", 0, "MessageId", to=EVIL)(document)

    proxy.fault("ReceiveMessage", edit=damage)
    got = attack.agent("-q", queue.url)
    assert "damaged" in got.err
    assert is_harmless(got), got


@pytest.mark.parametrize("command", COMMANDS)
def test_the_name_of_a_producer_is_shown_harmlessly(
    judge: Judge, command: bytes
) -> None:
    name = "a" + command.decode("utf-8", "surrogateescape")
    judge.pub.rename(judge.trusted / f"{name}.pub")
    send(judge.queue, judge.message())
    look = judge.look("-v")
    assert look.credit == 256
    assert is_harmless(look.result), look.result
    for args in (["--status"], ["--status", "--json"]):
        got = judge.run(AGENT, *args)
        assert got.code == 0
        assert is_harmless(got), got
    assert all(line.isprintable() for line in judge.status.read_text().splitlines())


def test_a_status_of_somebody_else_is_shown_harmlessly(run: Runner) -> None:
    message = {"producer": EVIL, "discarded": EVIL, "withheld": [EVIL, EVIL]}
    document = {"result": EVIL, "target": EVIL, "time": 0, "messages": [message]}
    file = Path(run.env["RUNTIME_DIRECTORY"], "agent.json")
    for ascii_only in (False, True):
        file.write_text(json.dumps(document, indent=1, ensure_ascii=ascii_only))
        for args in (["--status"], ["--status", "--json"]):
            got = run(AGENT, *args)
            assert got.code == 0
            assert is_harmless(got), got
        json.loads(got.out)
