# SPDX-License-Identifier: Apache-2.0
"""What --status of the producer tells, to people, programs and node_exporter."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from aid.manager import Service
from aid.programs import AGENT, PRODUCER, TEN, Result, Runner
from aid.queue import Queue
from aid.wait import wait_until

NOBODY = "http://127.0.0.1:9"  # the discard port: nobody listens


def ask(run: Runner, *args: str, program: str = PRODUCER) -> Result:
    """Ask for the status."""
    return run(program, "--status", *args)


def document(run: Runner) -> dict[str, Any]:
    """The status as JSON."""
    got = ask(run, "--json")
    assert got.code == 0, got.err
    return json.loads(got.out)


def metrics(got: Result) -> dict[str, dict[str, float]]:
    """The values of each metric by its label, "" for none, read as OpenMetrics."""
    assert got.code == 0, got.err
    text = got.out.decode()
    tool = shutil.which("promtool")
    if tool is not None:
        checked = subprocess.run(
            [tool, "check", "metrics"], input=text, capture_output=True, text=True
        )
        assert (checked.returncode, checked.stderr) == (0, "")
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        found[family.name] = {}
        for sample in family.samples:
            label = next(iter(sample.labels.values()), "")
            found[family.name][label] = sample.value
    return found


def is_filled(run: Runner) -> bool:
    """Whether the status tells of a queue that was topped up."""
    got = ask(run, "--json")
    return got.code == 0 and json.loads(got.out)["queues"][0].get("sent") == 10


def test_the_status_of_a_service_from_start_to_end(
    run: Runner, start: Callable[..., Service], queue: Queue, source: Path
) -> None:
    none = ask(run)
    assert (none.code, none.out) == (75, b"")
    assert "the producer has not run since boot (no " in none.err
    before = time.time() * 1000
    service = start(*TEN, "-q", queue.url, "-d", source)
    wait_until(lambda: is_filled(run))
    told = document(run)
    assert (told["state"], told["wanted"], told["interval"]) == ("running", 10, 60)
    assert before - 1000 < told["started"] <= told["time"]
    assert told["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    # To the second, of an answer that came a moment ago.
    assert -2000 < told["clock_behind"] < 2000
    [device] = told["sources"]
    assert (device["device"], device["state"]) == (str(source), "good")
    assert device["bytes"] == 2048 + 10 * 512
    [one] = told["queues"]
    assert (one["queue"], one["result"]) == (queue.url, "done")
    lines = ask(run).out.decode().splitlines()
    assert lines[0].startswith(f"producer {told['version']}: running since 20")
    assert lines[0].endswith(" s ago")
    assert lines[1].startswith(f"source {source}: good, 7168 bytes read")
    assert lines[2] == "does not sign: no message earns credit"
    assert lines[-1].startswith(f"queue {queue.url}: ")
    assert lines[-1].endswith(", 10 sent")
    prefix = "sqs_entropy_producer_"
    values = metrics(ask(run, "--openmetrics"))
    assert values[prefix + "running"] == {"": 1}
    assert values[prefix + "queue_sent_messages"] == {queue.url: 10}
    assert values[prefix + "source_good"] == {str(source): 1}
    assert values[prefix + "queue_failing_since_timestamp_seconds"] == {}
    service.stop()
    told = document(run)
    assert (told["state"], told["exit"]) == ("ended", 0)
    assert metrics(ask(run, "--openmetrics"))[prefix + "running"] == {"": 0}


def test_the_status_tells_what_fails_and_since_when(
    run: Runner, start: Callable[..., Service], queue: Queue, source: Path
) -> None:
    began = time.time()
    service = start("-q", queue.url, "-d", source, AWS_ENDPOINT_URL_SQS=NOBODY)
    wait_until(lambda: ask(run, "--json").code == 0)
    wait_until(lambda: "why" in document(run)["queues"][0])
    [one] = document(run)["queues"]
    assert "cannot connect" in one["why"]
    assert "messages" not in one
    text = ask(run).out.decode()
    assert f"queue {queue.url}: not reached yet, 0 sent\n  fails since 20" in text
    assert one["why"] in text
    values = metrics(ask(run, "--openmetrics"))
    since = values["sqs_entropy_producer_queue_failing_since_timestamp_seconds"]
    assert began - 1 < since[queue.url] <= time.time()
    assert values["sqs_entropy_producer_queue_good"] == {queue.url: 0}
    service.stop()


@pytest.mark.parametrize("program", [AGENT, PRODUCER])
def test_a_status_that_is_too_old_is_told_by_the_exit_code(
    run: Runner, program: str
) -> None:
    name = "agent" if program == AGENT else "producer"
    file = Path(run.env["RUNTIME_DIRECTORY"], f"{name}.json")
    boottime = time.clock_gettime(time.CLOCK_BOOTTIME) * 1000
    for age, allowed, code in ((0, "60", 0), (61, "60", 75), (-9999, "60", 75)):
        told = {"boottime": int(boottime - age * 1000), "state": "running"}
        file.write_text(json.dumps(told))
        for form in ((), ("--json",), ("--openmetrics",)):
            got = ask(run, *form, "--max-age", allowed, program=program)
            assert (got.code, bool(got.out)) == (code, True), got.err
    assert "the status was written in another boot" in got.err
    refused = ask(run, "--json", "--openmetrics", program=program)
    assert refused.code == 64
    assert "--json and --openmetrics exclude each other (see --help)" in refused.err
    alone = run(program, "--max-age", "60")
    assert (alone.code, "--max-age belongs to --status" in alone.err) == (64, True)


def test_metrics_of_an_agent(run: Runner) -> None:
    reasons = ["not signed", "used before"]
    told = {
        "time": 1795952895283,
        "exit": 65,
        "received": 3,
        "bytes": 576,
        "credit": 256,
        "messages": [{"withheld": reasons}, {"withheld": reasons[:1]}],
    }
    Path(run.env["RUNTIME_DIRECTORY"], "agent.json").write_text(json.dumps(told))
    values = metrics(ask(run, "--openmetrics", program=AGENT))
    prefix = "sqs_entropy_agent_last_run_"
    assert values[prefix + "timestamp_seconds"] == {"": 1795952895.283}
    assert values[prefix + "exit_code"] == {"": 65}
    assert values[prefix + "received_messages"] == {"": 3}
    withheld = values[prefix + "withheld_messages"]
    assert {k: v for k, v in withheld.items() if v} == dict(zip(reasons, (2, 1)))


def test_a_status_that_is_no_document_is_told(run: Runner) -> None:
    file = Path(run.env["RUNTIME_DIRECTORY"], "producer.json")
    evil = 'a"b\\c\x1b[31m\x9b'
    for text in ("", "{", '{"serial":1,"serial_end":2}'):
        file.write_text(text)
        got = ask(run)
        assert (got.code, got.out) == (70, b"")
        assert "the status of the producer is damaged" in got.err
    queue = {"queue": evil, "why": evil, "result": evil}
    source = {"device": evil, "state": evil, "last_failure": evil}
    told = {"state": evil, "why": evil, "queues": [queue], "sources": [source]}
    file.write_text(json.dumps(told, ensure_ascii=False))
    for form in ((), ("--json",), ("--openmetrics",)):
        got = ask(run, *form)
        assert got.code == 0
        assert all(line.isprintable() for line in got.out.decode().splitlines())
    metrics(got)


def test_the_log_tells_with_vv_who_asks_whom_and_how_long_it_took(
    run: Runner, queue: Queue, source: Path
) -> None:
    quiet = run(PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source)
    assert " after " not in quiet.err
    got = run(PRODUCER, "-vv", "--once", *TEN, "-q", queue.url, "-d", source)
    more = run(AGENT, "-vv", "-q", queue.url, "-o", "/dev/null")
    place = rf"queue {re.escape(queue.url)}: at http://\S+, region \S+\n"
    for said, calls in (
        (got.err, ["GetQueueAttributes"]),
        (more.err, ["ReceiveMessage", "DeleteMessageBatch"]),
    ):
        assert re.search(place, said), said
        assert "requests are signed with the access key " in said
        for call in calls:
            assert re.search(rf"{call} at \S+: done after \d+ ms\n", said), said
