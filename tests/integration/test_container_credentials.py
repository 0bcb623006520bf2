# SPDX-License-Identifier: Apache-2.0
"""Credentials of a container's host: ECS by a path, EKS by a token."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aid.attack import Attack, answer, each, fails, fill
from aid.container import Container
from aid.programs import PRODUCER, Result
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy, service_error
from aid.wait import wait_until

FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
RELATIVE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"


class Task:
    """A container whose host gives credentials; IMDS is behind it."""

    def __init__(self, attack: Attack, host: Container, folder: Path) -> None:
        self.attack, self.host, self.folder = attack, host, folder
        self.file = folder / "token"

    def env(self, **values: str | None) -> dict[str, str]:
        """The environment of the container."""
        place = {FULL: self.host.url + self.host.place, "AWS_REGION": REGION}
        return self.attack.env(**{**place, **values})

    def run(self, queue: Queue, timeout: int = 30, **values: str | None) -> Result:
        """Run the agent."""
        got = self.attack.agent(
            "-q", queue.url, env=self.env(**values), timeout=timeout
        )
        assert not [s for s in self.host.secrets if s in got.err]
        assert self.host.place not in got.err
        return got


@pytest.fixture
def task(attack: Attack) -> Iterator[Task]:
    """Give a container."""
    with Container() as host, tempfile.TemporaryDirectory() as folder:
        # The online half of what root starts is another user.
        Path(folder).chmod(0o755)
        yield Task(attack, host, Path(folder))
        assert not host.errors
    assert not attack.imds.matching("*security-credentials*")


def used(proxy: SqsProxy) -> str:
    """The one access key with which all requests were signed."""
    [key] = {r.note["access_key"] for r in proxy.records}
    return key


def test_the_path_gives_credentials(task: Task, queue: Queue, proxy: SqsProxy) -> None:
    [payload] = fill(queue)
    got = task.attack.agent("-v", "-q", queue.url, env=task.env())
    assert (got.code, got.out) == (0, payload), got.err
    assert task.host.issued is not None
    key = task.host.issued.credentials.access_key
    assert used(proxy) == key
    assert f"access key {key} of the container's host at {task.host.url}" in got.err
    assert task.host.place not in got.err
    assert all(r.note["session"] for r in proxy.records)
    [record] = task.host.records
    assert record.method == "GET"
    assert record.note["accept"] == "application/json"
    assert record.note["authorized"] is False


TOKENS: dict[str, tuple[str | None, str | None, str]] = {
    "variable": ("a7f3-of-the-variable", None, "a7f3-of-the-variable"),
    "scheme": ("Basic c2VjcmV0LXNlY3JldA==", None, "Basic c2VjcmV0LXNlY3JldA=="),
    "file": (None, "b81c-kept-in-a-file", "b81c-kept-in-a-file"),
    "line": (None, "c92d/with/line/end\n", "c92d/with/line/end"),
    "file first": ("d03e+not+this+one", "e14f_but_this_one", "e14f_but_this_one"),
    "long": (None, "f250" * 3000, "f250" * 3000),
}


def test_the_token_is_the_file_s_or_the_variable_s(task: Task, queue: Queue) -> None:
    for variable, file, token in each(TOKENS):
        fill(queue)
        task.host.token = task.attack.secret(token)
        if file is not None:
            task.file.write_text(file)
        got = task.run(
            queue, **{TOKEN: variable, TOKEN_FILE: str(task.file) if file else None}
        )
        assert got.code == 0, got.err


BAD_TOKENS: dict[str, tuple[str | None, str | bytes | None]] = {
    "line break": ("secret-a\r\nX-Evil: 1", None),
    "final break": ("secret-a\n", None),
    "control": ("secret-a\x01", None),
    "long": ("secret" * 5000, None),
    "break in the file": (None, "secret-a\r\nX-Evil: 1\r\n"),
    "nothing in the file": (None, "\n"),
    "NUL in the file": (None, b"secret-a\0b"),
    "long file": (None, "secret" * 5000),
    "no file": (None, None),
}


def test_a_token_that_no_header_may_have_is_not_sent(
    task: Task, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for variable, file in each(BAD_TOKENS):
        task.file.unlink(missing_ok=True)
        if file is not None:
            task.file.write_bytes(file.encode() if isinstance(file, str) else file)
        given = {TOKEN: variable, TOKEN_FILE: None if variable else str(task.file)}
        fails(task.run(queue, **given), 78, TOKEN if variable else str(task.file))
    assert task.host.records == proxy.records == []


ADDRESSES = {
    "other host": "http://192.0.2.1/credentials",
    "name": "http://credentials.example/",
    "IMDS": "http://169.254.169.254/latest/",
    "IMDS, hexadecimal": "http://0xa9fea9fe/latest/",
    "IMDS by IPv6": "http://[fd00:ec2::254]/latest/",
    "no host": "/credentials",
    "user": "http://user@127.0.0.1/",
    "scheme": "file:///etc/passwd",
    "blank": "http://127.0.0.1/a b",
}


def test_an_address_that_may_not_be_asked_is_refused(
    task: Task, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for address in each(ADDRESSES):
        fails(task.run(queue, **{FULL: address}), 78, FULL)
    fails(task.run(queue, **{RELATIVE: ".example/"}), 78, RELATIVE)
    assert task.host.records == proxy.records == []


REFUSED: dict[str, tuple[dict[str, Any], int, list[str]]] = {
    "path": ({"status": 404}, 77, ["HTTP 404", "check the role of the task"]),
    "token": (
        {"status": 403, "body": '{"message":"denied by the agent"}'},
        77,
        ["HTTP 403", TOKEN_FILE, "denied by the agent"],
    ),
    "request": (
        {"status": 400, "body": '{"code":"InvalidRequest","message":"no pod"}'},
        77,
        ["HTTP 400", "InvalidRequest: no pod", "association"],
    ),
    "long": (
        {"status": 403, "body": f'{{"message":"who {3000 * "x"} which policy"}}'},
        77,
        ["(who xx", " ... ", "xx which policy)"],
    ),
    "redirect": ({"status": 302}, 69, ["HTTP 302"]),
    "empty": (answer(b""), 69, ["no JSON object"]),
    "text": (answer(b"<html>x</html>"), 69, ["no JSON object"]),
    "array": (answer(b"[]"), 69, ["no JSON object"]),
    "nothing in it": (answer(b"{}"), 69, ["AccessKeyId is missing"]),
    "error in it": (answer(b'{"Code":"Failed","Message":"x"}'), 69, ["AccessKeyId"]),
    "huge": ({"pad": 1 << 20}, 69, ["too large"]),
}


def test_each_refusal_of_the_host_is_said(
    task: Task, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for fault, code, words in each(REFUSED):
        task.host.clear()
        task.host.fault("GET *", **{**fault, "count": None})
        fails(task.run(queue), code, "container", *words)
    task.host.clear()
    for name in each({n: n for n in task.host.members}):
        kept = task.host.members
        task.host.members = tuple(n for n in kept if n != name)
        fails(task.run(queue), 69, f"{name} is missing")
        task.host.members = kept
    assert proxy.records == []


PASSING: dict[str, dict[str, Any]] = {
    "busy": {"status": 503},
    "throttled": {"status": 429},
    "dropped": {"end": "drop"},
    "reset": {"end": "reset"},
    "silent": {"end": "silence"},
}


def test_what_passes_at_the_host_is_waited_for(task: Task, queue: Queue) -> None:
    fill(queue, len(PASSING))
    for fault in each(PASSING):
        task.host.fault("GET *", **fault)
        got = task.run(queue)
        assert got.code == 0, got.err


def test_a_host_that_comes_late_is_waited_for(task: Task, queue: Queue) -> None:
    """Its port is closed at first."""
    fill(queue)
    task.host.stop()
    process = task.attack.run.start(
        "sqs-entropy-agent", "-q", queue.url, "-o", "-", "-t", "30", env=task.env()
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    task.host.start()
    got = task.attack.run.finish(process)
    assert got.code == 0, got.err


def test_silence_ends_with_the_deadline(task: Task, queue: Queue) -> None:
    fill(queue)
    task.host.fault("GET *", count=None, end="silence")
    fails(task.run(queue, timeout=3), 69, "container")


def test_keys_of_the_environment_go_before(
    task: Task, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    secret = task.attack.secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    got = task.run(queue, AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY=secret)
    assert got.code == 0, got.err
    assert used(proxy) == "AKIAENV"
    assert task.host.records == []


def test_credentials_that_have_expired_stay_in_use(
    task: Task, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    task.host.lifetime = -60.0
    got = task.run(queue)
    assert got.code == 0, got.err


def test_a_producer_that_runs_on_follows_token_and_credentials(
    task: Task, queue: Queue, generator: Path, conf: Callable[..., Path]
) -> None:
    proxy = task.attack.proxy
    file = conf(queue=queue.url, interval=1, low_watermark=1000, burst=1)
    for number in range(3):
        task.host.token = task.attack.secret(f"token-number-{number:012}")
        new = task.folder / "new"
        new.write_text(task.host.token)
        new.rename(task.file)
        if number == 0:
            process = task.attack.run.start(
                PRODUCER,
                "-d",
                generator,
                "-c",
                file,
                env=task.env(**{TOKEN_FILE: str(task.file)}),
            )
            wait_until(lambda: bool(proxy.matching("SendMessage*")))
            continue
        first = [r.note.get("access_key") for r in proxy.records if not r.faulty][-1]
        task.host.rotate()
        expired = service_error("ExpiredTokenException", "expired", status=403)
        proxy.fault("SendMessage*", **expired)
        wait_until(
            lambda: proxy.records[-1].note.get("access_key") not in (None, first)  # noqa: B023
        )
    process.terminate()
    got = task.attack.run.finish(process)
    assert got.code == 0, got.err


IN_A_NAMESPACE = """
ip link set lo up
ip address add 169.254.170.2/32 dev lo
cd {folder}
{python} -m aid.container --host 169.254.170.2 --port 80 --port-file {file} >&2 &
while [ ! -s {file} ]; do sleep 0.05; done
{tool} load
code=$?
kill $!
wait
exit $code
"""


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or shutil.which("ip") is None
    or subprocess.run(["unshare", "-rn", "true"], check=False).returncode != 0,
    reason="needs ip(8), and unshare(1) with a network of its own",
)
def test_the_relative_path_is_that_of_ecs(
    build: Path, root: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    script = IN_A_NAMESPACE.format(
        folder=root / "tests" / "integration",
        python=sys.executable,
        file=tmp_path / "port",
        tool=build / "tests" / "programs" / "container",
    )
    env[RELATIVE], env[FULL] = "/v2/credentials/here", "http://127.0.0.1:1/"
    got = subprocess.run(
        ["unshare", "-rn", "sh", "-c", script],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert got.returncode == 0, got.stderr
    assert got.stdout.startswith("ASIA")
