# SPDX-License-Identifier: Apache-2.0
"""The same message twice: replayed, re-delivered, handed to two agents at once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from aid.forge import Message, Producer, send
from aid.programs import AGENT
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.verdicts import BAD, CREDIT, REDELIVERED, SEEN, UNSIGNED, Judge


def test_a_replayed_message_earns_nothing(judge: Judge) -> None:
    message = judge.message()
    assert judge.one(message).credited()
    for _ in range(3):
        verdict = judge.one(message)
        assert verdict.mixed(SEEN)
        assert verdict.producer == "good"


def test_a_message_that_was_mixed_before_earns_nothing(judge: Judge) -> None:
    send(judge.queue, judge.message())
    copy = Message.received(judge.queue.receive(1, VisibilityTimeout=0)[0])
    first = judge.look()
    assert first.verdicts[0].mixed(REDELIVERED)
    # What was used without credit is used.
    assert judge.one(copy).mixed(SEEN)


def test_the_same_message_earns_once_in_a_batch(judge: Judge) -> None:
    message = judge.message()
    send(judge.queue, message, message, message)
    run = judge.look()
    assert run.verdicts[0].credited(CREDIT)
    assert run.verdicts[1].mixed(SEEN)
    assert run.verdicts[2].mixed(SEEN)
    assert run.credit == CREDIT
    assert run.output == message.payload * 3


def test_a_used_message_with_another_signature_is_no_other(judge: Judge) -> None:
    message = judge.message()
    assert judge.one(message).credited()
    signature = message.signature or b""
    # Flipped, because the last byte may have any value that it could be set to.
    for spoilt in (signature[:-1] + bytes([signature[-1] ^ 1]), None):
        verdict = judge.one(message.but(signature=spoilt))
        assert verdict.mixed(BAD, SEEN), verdict


# A payload counts once, whatever message it comes in.


def test_the_same_bytes_signed_anew_are_used(judge: Judge) -> None:
    payload = secrets.token_bytes(64)
    assert judge.one(judge.message(payload=payload)).credited()
    assert judge.one(judge.message(payload=payload)).mixed(SEEN)
    # What another begins with is another.
    assert judge.one(judge.message(payload=payload[:-1])).credited()


def test_two_halves_of_the_credit_need_two_payloads(judge: Judge) -> None:
    payload = secrets.token_bytes(64)
    halves = [judge.good.message(judge.queue, payload=payload, bits=128) for _ in "12"]
    send(judge.queue, *halves)
    run = judge.look()
    assert run.verdicts[0].credited(128)
    assert run.verdicts[1].mixed(SEEN)
    assert run.credit == 0
    assert run.output == payload * 2


def test_two_producers_share_one_count_of_a_payload(judge: Judge) -> None:
    other = Producer()
    other.trust(judge.trusted, "other")
    payload = secrets.token_bytes(64)
    first, second = judge(
        judge.message(payload=payload),
        other.message(judge.queue, payload=payload, bits=CREDIT),
    )
    assert first.credited(CREDIT)
    assert second.mixed(SEEN)
    assert second.producer == "other"


def test_a_sealed_and_a_plain_payload_are_one(judge: Judge) -> None:
    key = judge.fleet.key_file(judge.directory / "seal.key")
    judge.settings["seal_key"] = str(key)
    for order in (1, -1):
        payload = secrets.token_bytes(64)
        pair = [
            judge.message(payload=payload),
            judge.message(payload=payload, to=judge.fleet.public_key),
        ][::order]
        first, second = judge(*pair)
        assert first.credited(CREDIT)
        assert second.mixed(SEEN)


@pytest.mark.parametrize("policy", ["mix", "credit"])
@pytest.mark.parametrize("first", [True, False])
def test_an_unsigned_copy_takes_no_credit_away(
    judge: Judge, policy: str, first: bool
) -> None:
    judge.settings |= {"unsigned": policy, "unsigned_bits_per_byte": 0.5}
    message = judge.message()
    copy = Message(message.payload)
    send(judge.queue, *([copy, message] if first else [message, copy]))
    run = judge.look()
    assert run.credit == CREDIT
    of_copy, of_message = run.verdicts if first else run.verdicts[::-1]
    assert of_message.credited(CREDIT)
    reasons = (UNSIGNED,) if policy == "mix" else ()
    used = () if policy == "mix" and first else (SEEN,)
    assert of_copy.mixed(*reasons, *used)
    # And one more has no place in the memory.
    before = judge.state.read_bytes()
    send(judge.queue, Message(secrets.token_bytes(64)), copy)
    run = judge.look()
    assert run.verdicts[1].mixed(*reasons, SEEN)
    assert (judge.state.read_bytes() == before) == (policy == "mix")


def test_a_redelivered_message_earns_nothing(judge: Judge) -> None:
    send(judge.queue, judge.message())
    for _ in range(3):
        assert len(judge.queue.receive(1, VisibilityTimeout=0)) == 1
    run = judge.look()
    assert run.verdicts[0].mixed(REDELIVERED)
    assert run.credit == 0


# Two agents.


def test_two_agents_at_once_give_one_message_credit_once(
    judge: Judge, make_judge: Callable[..., Judge], queue: Queue, proxy: SqsProxy
) -> None:
    twin = make_judge(queue)
    judge.good.trust(twin.trusted, "good")
    message = judge.message()
    send(queue, message)
    handed: list[dict[str, Any]] = []

    def same(document: dict[str, Any]) -> dict[str, Any]:
        handed.extend(document.get("Messages", []))
        return {"Messages": handed[:1]}

    def deleted(document: dict[str, Any]) -> dict[str, Any]:
        return {"Successful": [{"Id": "0"}], "Failed": []}

    proxy.fault("ReceiveMessage", count=2, edit=same, hold=0.3)
    proxy.fault("DeleteMessageBatch", count=2, edit=deleted)
    outputs, started = [], []
    for agent in (judge, twin):
        runtime = agent.directory / "runtime"
        runtime.mkdir()
        outputs.append((agent.directory / "output", runtime / "agent.json"))
        env = {**judge.run.env, "RUNTIME_DIRECTORY": str(runtime)}
        args = ["-c", agent.conf(), "-v", "-o", outputs[-1][0]]
        started.append(judge.run.start(AGENT, *args, env=env))
    ended = [judge.run.finish(process) for process in started]
    assert [e.code for e in ended] == [0, 0], [e.err for e in ended]
    assert [o.read_bytes() for o, _ in outputs] == [message.payload] * 2
    credit = sorted(json.loads(s.read_text())["credit"] for _, s in outputs)
    assert credit == [0, CREDIT]
    assert sum(SEEN in e.err for e in ended) == 1


def test_two_machines_have_two_memories(
    judge: Judge, make_judge: Callable[..., Judge], make_queue: Callable[..., Queue]
) -> None:
    message = judge.message()
    assert judge.one(message).credited()
    state = judge.directory / "another"
    state.mkdir()
    judge.run.env["STATE_DIRECTORY"] = str(state)
    assert judge.one(message).credited()
    assert judge.one(message).mixed(SEEN)


def test_a_stranger_cannot_spoil_a_message_before_it_comes(judge: Judge) -> None:
    message = judge.message()
    stranger = Producer().message(judge.queue, payload=message.payload)
    spoilt = message.but(signature=bytes(64))
    for verdict in judge(stranger, spoilt, Message(message.payload)):
        assert verdict.bits == 0
    assert judge.one(message).credited()
