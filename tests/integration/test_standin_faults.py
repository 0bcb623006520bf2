# SPDX-License-Identifier: Apache-2.0
"""Tests that faults do what they say, and of the stand-ins as programs."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from aid.asking import ROLE_PATH, TOKEN, call, fetch, get, token
from aid.faults import Fault
from aid.imds import Imds
from aid.standin import StandIn
from aid.wait import FOR_EVER, PATIENCE, wait_until

# Faults, which are the same in every stand-in.


def test_a_fault_strikes_what_it_matches(imds: Imds) -> None:
    imds.fault("GET *", status=503, count=2, skip=1)
    got = [get(imds, ROLE_PATH)[0] for _ in range(4)]
    assert got == [200, 503, 503, 200]
    assert imds.faults_left() == 0
    assert [r.status for r in imds.matching("GET *")] == got
    assert [r.faulty for r in imds.matching("GET *")] == [False, True, True, False]


def test_a_fault_can_last_until_it_is_cleared(imds: Imds) -> None:
    imds.fault(count=None, status=500, headers={"Server": "x"}, body="oh")
    for _ in range(3):
        status, headers, body = call(imds, "GET", "/")
        assert (status, headers["server"], body) == (500, "x", b"oh")
    imds.clear()
    assert call(imds, "GET", "/")[0] == 401


def test_botocore_survives_throttling(imds: Imds) -> None:
    imds.fault("GET *", status=503, count=2)
    assert fetch(imds, num_attempts=3)["role_name"] == "sqs-entropy"


def test_a_fault_can_delay_a_request(imds: Imds) -> None:
    imds.fault(delay=0.3)
    began = time.monotonic()
    token(imds)
    assert time.monotonic() - began >= 0.3
    record = imds.records[0]
    assert record.ended is not None
    assert record.ended - record.began >= 0.29


@pytest.mark.parametrize("end", ["silence", "drop", "reset"])
def test_a_fault_can_end_a_connection(imds: Imds, end: str) -> None:
    expected = {
        "silence": TimeoutError,
        "drop": http.client.RemoteDisconnected,
        "reset": ConnectionResetError,
    }
    imds.fault(end=end)
    with pytest.raises(expected[end]) as caught:
        call(imds, "GET", "/", timeout=0.3 if end == "silence" else FOR_EVER)
    wait_until(lambda: len(imds.records) == 1)
    # RemoteDisconnected is a ConnectionResetError too, but was no reset.
    assert caught.type is expected[end]
    assert imds.records[0].status is None
    assert call(imds, "GET", "/")[0] == 401


@pytest.mark.parametrize("end", ["silence", "drop", "reset"])
def test_a_fault_can_strike_a_connection(imds: Imds, end: str) -> None:
    imds.fault("connect", end=end)
    with pytest.raises(OSError, match=r"timed out|closed|reset"):
        call(imds, "GET", "/", timeout=0.3 if end == "silence" else FOR_EVER)
    # It struck this connection, not the next one.
    wait_until(lambda: imds.faults_left() == 0)
    assert imds.records == []
    assert call(imds, "GET", "/")[0] == 401
    assert imds.connections == 2


def test_a_fault_can_answer_any_bytes(imds: Imds) -> None:
    imds.fault(raw="SSH-2.0-OpenSSH\r\n")
    with pytest.raises(http.client.BadStatusLine):
        call(imds, "GET", "/")


def test_a_fault_can_trickle_an_answer(imds: Imds) -> None:
    imds.fault(status=200, body="slow", trickle=0.05, piece=40)
    began = time.monotonic()
    assert call(imds, "GET", "/")[2] == b"slow"
    assert time.monotonic() - began >= 0.1


def test_a_trickle_outlasts_its_client(imds: Imds) -> None:
    imds.fault(status=200, trickle=0.05)
    parts = urlsplit(imds.url)
    with socket.create_connection((parts.hostname, parts.port), 5) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert link.recv(1) == b"H"
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wait_until(lambda: imds.records[0].outcome == "gone")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_fault_can_make_an_answer_too_large(imds: Imds, chunked: bool) -> None:
    headers = {TOKEN: token(imds)}
    imds.fault(pad=200_000, chunked=chunked)
    status, names, body = call(imds, "GET", ROLE_PATH + "sqs-entropy", headers)
    assert status == 200
    assert ("content-length" in names) is not chunked
    assert len(body) == 200_000
    # Valid JSON: nothing but its size is wrong with it.
    assert json.loads(body)["Code"] == "Success"


def test_a_fault_can_truncate_an_answer(imds: Imds) -> None:
    headers = {TOKEN: token(imds)}
    imds.fault(truncate=5)
    with pytest.raises(http.client.IncompleteRead) as caught:
        call(imds, "GET", ROLE_PATH, headers)
    assert caught.value.partial == b"sqs-e"
    assert imds.matching("GET *")[0].outcome == "cut"


def test_a_fault_can_stall_an_answer(imds: Imds) -> None:
    headers = {TOKEN: token(imds)}
    imds.fault(truncate=5, end="silence")
    with pytest.raises(TimeoutError):
        call(imds, "GET", ROLE_PATH, headers, timeout=0.3)


def test_a_fault_can_leave_half_of_an_answer_out(imds: Imds) -> None:
    headers = {TOKEN: token(imds)}
    imds.fault(half=True)
    status, names, body = call(imds, "GET", ROLE_PATH, headers)
    assert (status, names["content-length"], body) == (200, "5", b"sqs-e")


def test_a_fault_can_say_something_before_an_answer_and_say_all_twice(
    imds: Imds,
) -> None:
    imds.fault(interim="HTTP/1.1 103 Early Hints\r\n\r\n", twice=True)
    parts = urlsplit(imds.url)
    with socket.create_connection((parts.hostname, parts.port), FOR_EVER) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = b"".join(iter(lambda: link.recv(4096), b""))
    first, interim, answers = said.partition(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    assert (first, interim != b"") == (b"", True)
    assert answers.count(b"HTTP/1.1 401 Unauthorized\r\n") == 2
    assert answers[: len(answers) // 2] * 2 == answers


def test_a_fault_can_answer_200_with_an_error(imds: Imds) -> None:
    imds.fault("GET *sqs-entropy", status=200, body='{"Code": "Failed"}')
    assert get(imds, ROLE_PATH + "sqs-entropy") == (200, '{"Code": "Failed"}')


@pytest.mark.parametrize(
    "values", [{"end": "x"}, {"count": 0}, {"piece": 0}, {"unknown": 1}]
)
def test_a_fault_that_means_nothing_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is one of|at least|unknown"):
        Fault.parse(values)


def test_stop_interrupts_silence(imds: Imds) -> None:
    imds.fault(end="silence")
    parts = urlsplit(imds.url)
    with socket.create_connection((parts.hostname, parts.port), 5) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: len(imds.records) == 1)
        began = time.monotonic()
        imds.stop()
        # The silence would last for ever.
        assert time.monotonic() - began < PATIENCE
        assert link.recv(1) == b""


# Control and program.


def post(standin: StandIn, document: object) -> int:
    """Send a control document; return the status."""
    body = json.dumps(document).encode()
    return call(standin, "POST", "/_control", body=body)[0]


def test_a_control_document_changes_settings_and_faults() -> None:
    with Imds(control=True) as imds:
        assert post(imds, {"set": {"role": "other", "region": "us-east-1"}}) == 200
        assert get(imds, ROLE_PATH) == (200, "other")
        assert post(imds, {"fault": {"match": "GET *", "status": 418}}) == 200
        assert get(imds, ROLE_PATH)[0] == 418
        first = fetch(imds)["access_key"]
        assert post(imds, {"rotate": True, "clear": True}) == 200
        assert fetch(imds)["access_key"] != first
        seen = json.loads(call(imds, "GET", "/_control")[2])
        assert seen["role"] == "other"
        assert len(seen["requests"]) == len(imds.records)
        assert all("_control" not in r["path"] for r in seen["requests"])


@pytest.mark.parametrize(
    "document",
    [1, {"x": 1}, {"set": {"stop": 1}}, {"fault": {"x": 1}}, {"fault": {"end": "x"}}],
)
def test_a_control_document_that_is_wrong_is_refused(document: object) -> None:
    with Imds(control=True) as imds:
        assert post(imds, document) == 400
        assert imds.faults_left() == 0


def test_there_is_no_control_unless_asked_for(imds: Imds) -> None:
    assert post(imds, {"clear": True}) == 405


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_program_serves_until_a_signal_ends_it(
    root: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    port_file = tmp_path / "port"
    port_file.write_text("stale")
    command = [sys.executable, "-m", "aid.imds", "--port-file", str(port_file)]
    command += ["--role", "r", "--tag", "a=b", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=root / "tests/integration", stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        port = int(port_file.read_text())
        assert said == f"listening on http://127.0.0.1:{port}\n"
        imds = Imds(port=port)
        assert get(imds, ROLE_PATH) == (200, "r")
        assert get(imds, "/latest/meta-data/tags/instance/a") == (200, "b")
        process.send_signal(ending)
        assert process.wait(timeout=FOR_EVER) == 0
        assert not port_file.exists()
    finally:
        process.kill()
        process.communicate()


def test_the_program_says_why_it_cannot_start(root: Path, imds: Imds) -> None:
    command = [sys.executable, "-m", "aid.imds", "--port", str(imds.port)]
    folder = root / "tests/integration"
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=FOR_EVER
    )
    assert done.returncode == 1
    assert done.stderr.startswith("imds.py: ")
    assert "in use" in done.stderr
