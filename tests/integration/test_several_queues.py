# SPDX-License-Identifier: Apache-2.0
"""More than one queue: the next one serves, nothing counts twice, each is kept full."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from aid.errors import denied
from aid.forge import Message, arn_of, send
from aid.halves import has_landlock
from aid.imds import Imds
from aid.maker import Maker
from aid.manager import Service
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, TEN, Result, Runner
from aid.queue import Moto, Queue
from aid.sqsproxy import SqsProxy
from aid.verdicts import BAD, CREDIT, SEEN, Judge
from aid.wait import wait_until

ACCOUNT = "123456789012"
ELSEWHERE = "us-east-2"


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """A port at which connections are refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@contextlib.contextmanager
def silence() -> Iterator[str]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """A port that answers no SYN: its backlog is full."""
    with contextlib.ExitStack() as stack:
        held = stack.enter_context(socket.socket())
        held.bind(("127.0.0.1", 0))
        held.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(held.getsockname())
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@contextlib.contextmanager
def denial(moto: Moto) -> Iterator[SqsProxy]:
    """An SQS that denies access."""
    with SqsProxy(moto.url) as standin:
        for operation in "ReceiveMessage", "GetQueueAttributes":
            standin.fault(operation, count=None, **denied(operation))
        yield standin


class Bad(NamedTuple):
    """A queue that gives nothing, and what the agent ends with."""

    url: str
    code: int
    said: str


@pytest.fixture
def bad(
    make_queue: Callable[..., Queue], moto: Moto, run: Runner
) -> Iterator[dict[str, Bad]]:
    """Give queues of each kind that gives nothing; queue URLs say where SQS is."""
    run.env.pop("AWS_ENDPOINT_URL_SQS")
    run.env.update(AWS_REGION="eu-west-1")
    run.env.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    with contextlib.ExitStack() as stack:
        refused = stack.enter_context(nobody())
        silent = stack.enter_context(silence())
        hole = stack.enter_context(black_hole())
        refusing = stack.enter_context(denial(moto))
        path = f"/{ACCOUNT}/entropy"
        yield {
            "empty": Bad(make_queue().url, 75, "is empty"),
            "refused": Bad(refused + path, 69, "cannot connect"),
            "silent": Bad(silent + path, 69, "ReceiveMessage"),
            "black hole": Bad(hole + path, 69, "ReceiveMessage"),
            "denied": Bad(refusing.url + path, 77, "not authorized"),
            "missing": Bad(f"{moto.url}/{ACCOUNT}/nowhere", 78, "does not exist"),
        }


def ask(run: Runner, *queues: str, args: tuple[str, ...] = ()) -> Result:
    """Run the agent with these queues."""
    options = [word for queue in queues for word in ("-q", queue)]
    return run(AGENT, *options, "-o", "-", "-t", "6", *args)


def test_credentials_may_take_the_time_of_all_queues(
    run: Runner, queue: Queue, make_queue: Callable[..., Queue]
) -> None:
    """A role that comes late comes for all, whatever a turn lasts."""
    payload = noise(512)
    queue.send(body(payload))
    urls = [make_queue().url for _ in range(5)]
    with Imds(region="eu-west-1", role=None) as imds:
        env = {**run.env, "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url}
        env["AWS_REGION"] = "eu-west-1"
        threading.Timer(2.5, setattr, (imds, "role", "entropy-role")).start()
        options = [word for url in (*urls, queue.url) for word in ("-q", url)]
        got = run(AGENT, *options, "-o", "-", "-t", "10", env=env)
    assert (got.code, got.out) == (0, payload), got.err


def test_a_short_turn_asks_all_servers_of_a_queue(
    run: Runner, make_queue: Callable[..., Queue], proxy: SqsProxy
) -> None:
    """A short poll may miss messages, and 2.5 s are enough for a long one."""
    urls = [make_queue().url for _ in range(4)]
    options = [word for url in urls for word in ("-q", url)]
    got = run(AGENT, *options, "-o", "-", "-t", "10")
    assert got.code == 75, got.err
    asked = [json.loads(r.note["request"]) for r in proxy.matching("ReceiveMessage")]
    assert [a["WaitTimeSeconds"] for a in asked] == [1, 1, 1, 1]


KINDS = ["empty", "refused", "silent", "black hole", "denied", "missing"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_queue_serves(
    run: Runner, queue: Queue, bad: dict[str, Bad], kind: str
) -> None:
    payload = noise(512)
    queue.send(body(payload))
    got = ask(run, bad[kind].url, queue.url)
    assert (got.code, got.out) == (0, payload), got.err
    # That one gave nothing is said, with its entry and why.
    [line] = [line for line in got.lines() if bad[kind].url in line]
    assert bad[kind].said in line
    assert queue.depth() == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_queue_that_serves_is_the_only_one_asked(
    run: Runner, queue: Queue, bad: dict[str, Bad], kind: str
) -> None:
    queue.send(body(noise(512)))
    got = ask(run, queue.url, bad[kind].url)
    assert got.code == 0, got.err
    assert len(got.lines()) == 1


@pytest.mark.parametrize(
    ("kinds", "decides"),
    [
        (("empty", "empty"), 0),
        (("empty", "denied"), 1),
        (("denied", "empty", "refused"), 0),
        (("refused", "denied"), 0),
        (("empty", "missing", "refused"), 1),
        (("silent", "denied"), 0),
    ],
)
def test_the_first_failure_tells_more_than_an_empty_queue(
    run: Runner,
    make_queue: Callable[..., Queue],
    bad: dict[str, Bad],
    kinds: tuple[str, ...],
    decides: int,
) -> None:
    urls = [bad[kind].url for kind in kinds]
    if kinds == ("empty", "empty"):
        urls[1] = make_queue().url
    got = ask(run, *urls)
    assert (got.code, got.out) == (bad[kinds[decides]].code, b""), got.err
    for url in urls:
        assert url in got.err
    last = got.lines()[-1]
    if got.code == 75:
        assert "all 2 queues are empty" in last
    else:
        assert urls[decides] in last


def test_a_malformed_queue_is_not_hidden_by_a_good_one(
    run: Runner, queue: Queue, bad: dict[str, Bad]
) -> None:
    queue.send(body(noise(512)))
    for program, args in (AGENT, []), (PRODUCER, ["--once"]):
        got = run(program, "-q", queue.url, "-q", "a b", *args)
        assert got.code == 78, got.err
        assert '"a b"' in got.err
    assert queue.depth() == (1, 0)


def test_more_messages_come_from_the_next_queue(
    run: Runner, make_queue: Callable[..., Queue], bad: dict[str, Bad]
) -> None:
    first, second = make_queue(), make_queue()
    for seed in range(6):
        (first if seed == 0 else second).send(body(noise(512, seed)))
    urls = first.url, bad["silent"].url, second.url
    got = ask(run, *urls, args=("-m", "3"))
    assert got.code == 0, got.err
    assert len(got.out) == 3 * 512
    assert (first.depth(), second.depth()) == ((0, 0), (3, 0))


def test_the_order_is_the_given_one_or_chance(
    run: Runner, make_queue: Callable[..., Queue], bad: dict[str, Bad], tmp_path: Path
) -> None:
    queues = [make_queue(), make_queue()]
    for queue in queues:
        for seed in range(30):
            queue.send(body(noise(32, seed)))
    conf = tmp_path / "agent.conf"
    urls = ", ".join(f'"{queue.url}"' for queue in queues)

    def depths(order: str, runs: int) -> list[int]:
        conf.write_text(f"queue = {{{urls}}}\nqueue-order = {order}\n")
        for _ in range(runs):
            assert run(AGENT, "-c", conf, "-o", "-").code == 0
        return [queue.depth()[0] for queue in queues]

    assert depths("given", 3) == [27, 30]
    # All alike by chance: once in half a million.
    first, second = depths("random", 20)
    assert first + second == 37
    assert first < 27
    assert second < 30


def entries(*queues: Queue | str) -> list[str]:
    """Options that name the queues."""
    urls = (queue if isinstance(queue, str) else queue.url for queue in queues)
    return [word for url in urls for word in ("-q", url)]


def test_a_payload_in_two_queues_counts_once(
    judge: Judge, make_queue: Callable[..., Queue]
) -> None:
    other = make_queue()
    payload = noise(64)
    for queue in judge.queue, other:
        send(queue, judge.good.message(queue, payload=payload, bits=CREDIT))
    got = judge.look(*entries(judge.queue, other), "-m", "2")
    assert got.result.code == 0, got.result.err
    first, second = got.verdicts
    assert first.credited(CREDIT)
    assert second.mixed(SEEN)
    assert got.credit == CREDIT
    # Nor in another run.
    send(other, judge.good.message(other, payload=payload, bits=CREDIT))
    [again] = judge.look(*entries(judge.queue, other)).verdicts
    assert again.mixed(SEEN)


def test_a_message_counts_in_the_queue_that_it_was_signed_for(
    judge: Judge, make_queue: Callable[..., Queue]
) -> None:
    other = make_queue()
    both = entries(judge.queue, other)
    send(other, judge.good.message(judge.queue, bits=CREDIT))
    [verdict] = judge.look(*both).verdicts
    assert verdict.mixed(BAD)
    send(other, judge.good.message(other, bits=CREDIT))
    [verdict] = judge.look(*both).verdicts
    assert verdict.credited(CREDIT)


@pytest.fixture
def regions(moto: Moto, queue: Queue) -> Iterator[tuple[Queue, Queue]]:
    """Give queues of one name in two regions."""
    client = moto.client("sqs", region_name=ELSEWHERE)
    url = client.create_queue(QueueName=queue.name)["QueueUrl"]
    yield queue, Queue(queue.name, url, client)
    client.delete_queue(QueueUrl=url)


def arns_of(regions: tuple[Queue, Queue]) -> list[str]:
    """The ARNs of queues in two regions."""
    return [arn_of(regions[0]), arn_of(regions[1], ELSEWHERE)]


def test_each_queue_is_in_the_region_of_its_arn(
    judge: Judge, regions: tuple[Queue, Queue]
) -> None:
    arns = arns_of(regions)
    for number, queue in enumerate(regions):
        send(queue, judge.good.message(arns[number], bits=CREDIT))
        send(queue, judge.good.message(arns[1 - number], bits=CREDIT))
    got = judge.look(*entries(*arns), "-m", "4")
    assert got.result.code == 0, got.result.err
    assert sorted(v.withheld for v in got.verdicts) == [(), (), (BAD,), (BAD,)]
    assert [queue.depth() for queue in regions] == [(0, 0), (0, 0)]


def test_the_producer_signs_for_each_queue(
    maker: Maker, make_queue: Callable[..., Queue], regions: tuple[Queue, Queue]
) -> None:
    pair = maker.sign()
    fifo = make_queue(fifo=True)
    queues = [*regions, fifo]
    arns = [*arns_of(regions), arn_of(fifo)]
    got = maker.once(*entries(*arns))
    assert got.code == 0, got.err
    seen = set()
    for queue, arn in zip(queues, arns, strict=True):
        messages = [Message.received(m) for m in queue.receive()]
        assert len(messages) == 10
        assert f"10 of 10 messages of 512 bytes to {arn}" in got.err
        assert all(m.is_by(pair.public, arn) for m in messages)
        seen |= {m.payload for m in messages}
    # And no bytes twice.
    assert len(seen) == 30


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "empty"])
def test_a_queue_that_fails_does_not_keep_the_others_from_being_filled(
    run: Runner, queue: Queue, bad: dict[str, Bad], source: Path, kind: str
) -> None:
    got = run(PRODUCER, "--once", *TEN, *entries(bad[kind].url, queue), "-d", source)
    assert got.code == bad[kind].code, got.err
    assert queue.depth() == (10, 0)
    assert f"queue {bad[kind].url}: " in got.err
    assert f"10 of 10 messages of 512 bytes to {queue.url}" in got.err


def test_each_queue_is_kept_within_its_bounds_and_one_that_fails_left_alone(
    start: Callable[..., Service],
    moto: Moto,
    make_queue: Callable[..., Queue],
    bad: dict[str, Bad],
    generator: Path,
    tmp_path: Path,
) -> None:
    """One is filled, one full enough; the refusing one is asked once an interval."""
    low, full = make_queue(), make_queue()
    for seed in range(7):
        full.send(body(noise(32, seed)))
    with denial(moto) as refusing, SqsProxy(moto.url) as near:
        urls = [f"{refusing.url}/{ACCOUNT}/entropy"]
        urls += [f"{near.url}/{ACCOUNT}/{queue.name}" for queue in (low, full)]
        listed = ", ".join(f'"{url}"' for url in urls)
        conf = tmp_path / "producer.conf"
        conf.write_text(
            f'queue = {{{listed}}}\ninterval = 1\ndevice = "{generator}"\n'
            "depth = 5\nproducers = 1\n"
        )
        service = start("-v", "-c", conf)
        looks = "GetQueueAttributes"
        wait_until(lambda: len(near.matching(looks)) >= 8)
        wait_until(service.manager.says("messages in 2 of 3 queues"))
        wait_until(service.manager.says("queue 1: the last try failed"))
        said = service.stop()
        # Two looks at the others to each at this one.
        assert 2 * len(refusing.matching(looks)) <= len(near.matching(looks)) + 4
    assert low.depth() == (5, 0)
    assert full.depth() == (7, 0)
    assert f"sent 5 of 5 messages of 512 bytes to {urls[1]}" in said
    assert f"queue {urls[0]}: " in said


@pytest.fixture
def keys_file(run: Runner) -> Iterator[Path]:
    """Give a file of AWS's that both halves' users may read, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name) / "aws"
        folder.mkdir()
        Path(name).chmod(0o755)
        path = folder / "credentials"
        path.write_text("")
        run.env["AWS_SHARED_CREDENTIALS_FILE"] = str(path)
        yield path


def turn(path: Path) -> None:
    """Have a file become a link to a folder that a running process may not read."""
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "moved").write_text("")
    link = path.with_name("link")
    link.symlink_to(elsewhere / "moved")
    link.rename(path)


@pytest.mark.skipif(not has_landlock(), reason="no Landlock here, or taken away")
def test_only_when_no_queue_is_served_a_file_out_of_reach_ends_the_producer(
    start: Callable[..., Service],
    moto: Moto,
    queue: Queue,
    bad: dict[str, Bad],
    keys_file: Path,
    generator: Path,
    tmp_path: Path,
) -> None:
    """A queue that fails might be helped by a new process; the others go on."""
    with SqsProxy(moto.url) as near:
        urls = [bad["refused"].url, f"{near.url}/{ACCOUNT}/{queue.name}"]
        conf = tmp_path / "producer.conf"
        listed = ", ".join(f'"{url}"' for url in urls)
        conf.write_text(
            f'queue = {{{listed}}}\ninterval = 1\ndevice = "{generator}"\n'
            "depth = 5\nproducers = 1\n"
        )
        service = start("-c", conf)
        wait_until(lambda: queue.depth() == (5, 0))
        turn(keys_file)
        looks = len(near.matching("GetQueueAttributes"))
        wait_until(lambda: len(near.matching("GetQueueAttributes")) >= looks + 4)
        assert service.process.poll() is None
        near.fault("GetQueueAttributes", count=None, **denied("GetQueueAttributes"))
        ended = service.run.finish(service.process)
    assert ended.code == 69, ended.err
    assert f"{keys_file} can be read only by a process that starts now" in ended.err
