# SPDX-License-Identifier: Apache-2.0
"""Credentials from a profile's command, which a third process runs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from aid.attack import Attack, each, fill
from aid.halves import IS_ROOT, halves, ids_of, needs_root
from aid.manager import WATCHDOG, Service
from aid.memory import Image
from aid.programs import AGENT, PRODUCER, TEN, Result, Runner
from aid.queue import REGION, Queue, Role
from aid.sqsproxy import SqsProxy
from aid.sts import Sts
from aid.trace import needs_strace, whole_lines
from aid.users import AGENT_ONLINE, HAS_USERS, PRODUCER_ONLINE
from aid.wait import FOR_EVER, wait_until

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYPROCESSKEY"
TOKEN = "a-session-token-of-a-process"
ONLINE = {AGENT: AGENT_ONLINE, PRODUCER: PRODUCER_ONLINE}
NOBODY = 65534
SHORT = 1  # seconds of an agent whose command never gives credentials
EXPIRED = {"body": '{"__type":"com.amazonaws.sqs#ExpiredToken"}', "status": 403}


def after(**times: float) -> str:
    """The time so long from now as a document has it."""
    return (datetime.now(timezone.utc) + timedelta(**times)).isoformat()


def document(key: str = "AKIAPROCESS", **more: object) -> str:
    """What a command writes."""
    values = {"AccessKeyId": key, "SecretAccessKey": SECRET, **more}
    parts = {"Version": 1, **values}
    return (
        "{"
        + ",".join(
            f'"{n}":{v}' if isinstance(v, int) else f'"{n}":"{v}"'
            for n, v in parts.items()
        )
        + "}"
    )


@dataclass
class Place:
    """A folder that each user can get to, with the files and the command."""

    path: Path
    attack: Attack
    source: Path

    @property
    def helper(self) -> Path:
        """The command."""
        return self.path / "my helper"

    def write(self, script: str, line: str = "", more: str = "") -> None:
        """Write the command, and the profile with the line that runs it."""
        self.helper.write_text(f"#!/bin/sh\n{script}\n")
        self.helper.chmod(0o755)
        self.profile(line or f'"{self.helper}"', more)

    def profile(self, line: str, more: str = "") -> None:
        """Write the profile."""
        text = f"[default]\nregion = eu-west-1\ncredential_process = {line}\n{more}"
        (self.path / "config").write_text(text)

    def env(self, **values: str) -> dict[str, str]:
        """The environment of a program that finds the profile."""
        return self.attack.env(
            AWS_CONFIG_FILE=str(self.path / "config"),
            AWS_SHARED_CREDENTIALS_FILE=str(self.path / "credentials"),
            **values,
        )

    def run(self, which: str, queue: Queue, timeout: int = 30, **values: Any) -> Result:
        """Run a program until it has used the queue once."""
        values = {"env": self.env(), "cwd": self.path, **values}
        if which == AGENT:
            return self.attack.agent("-q", queue.url, timeout=timeout, **values)
        ten = self.path / "ten"
        ten.write_text("burst = 10\n")
        args = ["-c", ten, "-q", queue.url, "-d", self.source]
        return self.attack.producer(*args, **values)


@pytest.fixture
def place(attack: Attack, source: Path) -> Iterator[Place]:
    """Give a folder for the command."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "notes").mkdir()
        (folder / "notes").chmod(0o777)
        attack.secret(SECRET)
        attack.secret(TOKEN)
        yield Place(folder, attack, source)


def used(proxy: SqsProxy) -> set[str]:
    """The access keys with which requests that were answered were signed."""
    notes = [record.note for record in proxy.records]
    return {note["access_key"] for note in notes if "access_key" in note}


def is_gone(pid: int) -> bool:
    """Whether a process has ended; who reaps it is another question."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except OSError:
        return True
    return state[0] in "ZX"


# What gives credentials.

# The access key is the hexadecimal form of the words.
WORDS = (
    "key=$(printf '<%s>' \"$@\" | od -An -v -tx1 | tr -d ' \\n')\n"
    + f"""printf '%s' '{document("KEY")}' | sed "s/KEY/AKIA$key/" """
)
LINES = {
    "absolute": ('"{place}/my helper"', "<>"),
    "quotes and blanks": (
        "'{place}/my helper'  'a b' \"c\\\"d\" e\\ f ''",
        '<a b><c"d><e f><>',
    ),
    "no shell": (
        "'{place}/my helper' a;b ';' $HOME | * >x `id` &",
        "<a;b><;><$HOME><|><*><>x><`id`><&>",
    ),
    "relative": ("./my\\ helper x", "<x>"),
    "by PATH": ("'my helper' x", "<x>"),
}


@pytest.mark.parametrize("program", ONLINE)
@pytest.mark.parametrize("how", LINES)
def test_the_command_is_run_without_a_shell(
    place: Place, queue: Queue, proxy: SqsProxy, program: str, how: str
) -> None:
    fill(queue)
    line, words = LINES[how]
    place.write(WORDS, line.format(place=place.path))
    env = place.env(PATH=f"{place.path}:{os.environ['PATH']}")
    got = place.run(program, queue, env=env)
    assert got.code == 0, got.err
    assert used(proxy) == {"AKIA" + words.encode().hex()}
    assert not place.attack.imds.matching("*security-credentials*")


GOOD = {
    "never expires": document(),
    "token, expires": document(SessionToken=TOKEN, Expiration=after(hours=1)),
    "expires, no token": document(Expiration=after(hours=1)),
    "null": document().replace("}", ',"SessionToken":null,"Expiration":null}'),
}


@pytest.mark.parametrize("program", ONLINE)
def test_a_document_may_leave_out_token_and_expiration(
    place: Place, queue: Queue, proxy: SqsProxy, program: str
) -> None:
    fill(queue)
    for text in each(GOOD):
        proxy.forget()
        place.write(f"echo '{text}'")
        got = place.run(program, queue)
        assert got.code in (0, 75), got.err
        assert used(proxy) == {"AKIAPROCESS"}
        sessions = {record.note["session"] for record in proxy.records}
        assert sessions == {TOKEN in text}


@pytest.mark.parametrize("program", ONLINE)
def test_a_role_is_assumed_with_its_credentials(
    place: Place,
    queue: Queue,
    proxy: SqsProxy,
    sts: Sts,
    make_role: Callable[..., Role],
    program: str,
) -> None:
    """The command is that of the profile which source_profile leads to."""
    fill(queue)
    given = make_role("sts:AssumeRole").credentials()
    sts.keys[given.access_key] = given.secret_key
    secret, token = map(place.attack.secret, (given.secret_key, given.token))
    text = document(given.access_key, SessionToken=token).replace(SECRET, secret)
    place.write(f"echo '{text}'")
    role = make_role("sqs:*").arn
    (place.path / "config").write_text(
        f"[default]\nrole_arn = {role}\nsource_profile = base\n"
        f"[profile base]\nregion = {REGION}\ncredential_process = '{place.helper}'\n"
    )
    env = place.env(AWS_ENDPOINT_URL_STS=sts.url, AWS_REGION=REGION)
    got = place.run(program, queue, env=env)
    assert got.code == 0, got.err
    assert {r.note["access_key"] for r in sts.records} == {given.access_key}
    assert given.access_key not in used(proxy)


# Errors.

FAILURES = {
    "status": ("echo first >&2; echo 'no grip' >&2; exit 1", 77, "status 1: no grip"),
    "signal": ("kill -9 $$", 77, "ended by signal 9"),
    "too long": ("head -c 65537 /dev/zero", 77, "more than 65536 bytes"),
    "endless": ("exec yes", 77, "more than 65536 bytes"),
    "nothing": ("", 77, "one JSON document"),
    "closed early": ("exec >&-; exit 0", 77, "one JSON document"),
    "no JSON": (f"echo {SECRET}", 77, "one JSON document"),
    "version": (
        f"""echo '{document().replace("1", "2", 1)}'""",
        77,
        "Version is not 1",
    ),
    "no key": ("""echo '{"Version":1}'""", 77, "AccessKeyId is missing"),
    "a date": (f"echo '{document(Expiration='soon')}'", 77, "Expiration is missing"),
    "expired": (f"echo '{document(Expiration=after(hours=-1))}'", 77, "have expired"),
    "silent": ("exec sleep 600", 69, "did not end in time"),
    "silent, closed": ("exec >&- 2>&-; exec sleep 600", 69, "did not end in time"),
    "endless error": ("exec yes no >&2", 69, "did not end in time"),
}


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("program", ONLINE)
def test_a_command_without_credentials_is_an_error(
    place: Place, queue: Queue, proxy: SqsProxy, program: str, how: str, manager: Any
) -> None:
    """The next source is not asked. A failure that may pass is tried until the end."""
    fill(queue)
    script, code, words = FAILURES[how]
    place.write(script)
    # The watchdog makes a producer's calls short.
    env = place.env(**(manager.env(3) if program == PRODUCER else {}))
    got = place.run(program, queue, timeout=SHORT, env=env)
    assert (got.code, got.out) == (code, b""), got.err
    [line] = [x for x in got.lines() if "credential_process of profile default" in x]
    assert words in line
    assert proxy.records == []
    assert not place.attack.imds.matching("*security-credentials*")


MISSING = {
    "missing": (
        "/nonexistent/helper --x",
        77,
        "cannot run /nonexistent/helper: No such",
    ),
    "not in PATH": ("no-such-helper", 77, "cannot run no-such-helper: No such"),
    "not executable": ("{place}/config", 77, "Permission denied"),
    "no program": ("{place}/text", 77, "Exec format error"),
    "quote": ("{place}/x 'a b", 78, "a quote that is not closed"),
    "backslash": ("{place}/x \\", 78, "nothing behind a backslash"),
}


@pytest.mark.parametrize("program", ONLINE)
def test_a_line_that_cannot_be_run_is_an_error(
    place: Place, queue: Queue, proxy: SqsProxy, program: str
) -> None:
    fill(queue)
    (place.path / "text").write_text("echo no\n")
    (place.path / "text").chmod(0o755)
    for line, code, words in each(MISSING):
        place.profile(line.format(place=place.path))
        env = place.env(PATH="/usr/bin:/bin")
        got = place.run(program, queue, timeout=SHORT, env=env)
        assert (got.code, got.out) == (code, b""), got.err
        [said] = [x for x in got.lines() if "credential_process of profile def" in x]
        assert words in said
    assert proxy.records == []


@pytest.mark.parametrize("program", ONLINE)
def test_check_names_a_line_that_is_not_well_formed(
    place: Place, queue: Queue, run: Runner, program: str
) -> None:
    place.profile("x 'a")
    got = run(program, "--check", "-q", queue.url, env=place.env())
    assert got.code == 78, got.err
    assert "credential_process of profile default has a quote" in got.err


# Who runs it.


@pytest.mark.parametrize("layer", ["", "landlock", "seccomp"])
@pytest.mark.parametrize("program", ONLINE)
def test_the_command_has_the_user_of_the_online_half(
    place: Place, queue: Queue, proxy: SqsProxy, program: str, layer: str
) -> None:
    fill(queue)
    place.write(
        "u=$(id -u); g=$(id -G | tr ' ' _); s=/proc/self/status\n"
        "n=$(grep -c '^NoNewPrivs:.1' $s)\n"
        "c=$(sed -n 's/^Cap[PE][rf][mf]:.0*$/0/p' $s | tr -d '\\n')\n"
        '[ -z "$AWS_SECRET_ACCESS_KEY$CREDENTIALS_DIRECTORY" ] || exit 1\n'
        f"""echo '{document("KEY")}' | sed "s/KEY/AKIA-$u-$g-$n-$c/" """
    )
    build = place.attack.run.build
    values: dict[str, Any] = {"env": place.env(CREDENTIALS_DIRECTORY="/nonexistent")}
    if layer:
        wrapper = place.path / "wrapper"
        tool = f"{build}/tests/programs/without"
        wrapper.write_text(f'#!/bin/sh\nexec {tool} {layer} {build}/{program} "$@"\n')
        wrapper.chmod(0o755)
        values["program"] = str(wrapper)
    got = place.run(program, queue, **values)
    assert got.code == 0, got.err
    uid, gid = ids_of(ONLINE[program], NOBODY)
    groups = str(gid) if IS_ROOT else "_".join(map(str, os.getgroups()))
    [key] = used(proxy)
    assert key.startswith(f"AKIA-{uid}-")
    if IS_ROOT:
        assert key == f"AKIA-{uid}-{groups}-1-00"


@pytest.mark.skipif(not IS_ROOT, reason="not root: it is the test's own user")
@pytest.mark.parametrize("program", ONLINE)
def test_an_ordinary_user_runs_it_as_himself(
    place: Place, queue: Queue, proxy: SqsProxy, program: str
) -> None:
    fill(queue)
    place.write(f"""echo '{document("KEY")}' | sed "s/KEY/AKIA$(id -u)/" """)
    for name in (AGENT, PRODUCER):
        shutil.copy(place.attack.run.build / name, place.path / name)
    shutil.copy(place.source, place.path / "source")
    place.source = place.path / "source"
    env = place.env(HOME="/nonexistent")
    env["STATE_DIRECTORY"] = env["RUNTIME_DIRECTORY"] = str(place.path / "notes")
    got = place.run(
        program,
        queue,
        env=env,
        program=str(place.path / program),
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
    )
    assert got.code == 0, got.err
    assert used(proxy) == {f"AKIA{NOBODY}"}


@pytest.mark.skipif(
    not IS_ROOT or not HAS_USERS or not shutil.which("setpriv"),
    reason="not root, no users of the halves, or no setpriv here",
)
@pytest.mark.parametrize("program", ONLINE)
def test_a_file_of_the_online_user_is_read_where_root_may_not(
    place: Place, queue: Queue, proxy: SqsProxy, program: str
) -> None:
    """In the units root has no CAP_DAC_OVERRIDE, and ~/.aws is the user's."""
    fill(queue)
    place.write(f"echo '{document()}'")
    folder = place.path / "home"
    folder.mkdir()
    (place.path / "config").rename(folder / "config")
    (folder / "config").chmod(0o600)
    folder.chmod(0o700)
    for path in (folder / "config", folder):
        os.chown(path, *ids_of(ONLINE[program], NOBODY))
    rights = "-all,+setuid,+setgid"
    tool = f"setpriv --bounding-set {rights} {place.attack.run.build}/{program}"
    (place.path / "wrapper").write_text(f'#!/bin/sh\nexec {tool} "$@"\n')
    (place.path / "wrapper").chmod(0o755)
    env = {**place.env(), "AWS_CONFIG_FILE": str(folder / "config")}
    got = place.run(program, queue, env=env, program=str(place.path / "wrapper"))
    assert got.code == 0, got.err
    assert used(proxy) == {"AKIAPROCESS"}
    if program == PRODUCER:
        proxy.forget()
        args = ["-q", queue.url, "-d", place.source]
        process = place.attack.run.start(f"{place.path}/wrapper", *args, env=env)
        wait_until(lambda: used(proxy) == {"AKIAPROCESS"})
        process.send_signal(signal.SIGTERM)
        assert place.attack.run.finish(process).code == 0


@needs_strace
@pytest.mark.parametrize("program", ONLINE)
def test_nothing_else_is_run_and_the_online_half_runs_nothing(
    place: Place, queue: Queue, tmp_path: Path, program: str
) -> None:
    fill(queue)
    (place.path / "data").write_text(document())
    (place.path / "data").chmod(0o644)
    cat = shutil.which("cat") or "cat"
    place.profile(f"{cat} {place.path}/data")
    log = tmp_path / "strace"
    command = [place.attack.run.build / program, "-q", queue.url]
    command += ["-o-"] if program == AGENT else ["--once", *TEN, "-d", place.source]
    strace = [str(shutil.which("strace")), "-f", "-qq", "-o", str(log)]
    run = place.attack.run
    got = run(
        *strace,
        "-e",
        "trace=execve,clone,clone3,fork,seccomp",
        *command,
        env=place.env(),
    )
    assert got.code == 0, got.err
    made = [re.match(r"(\d+) +(\w+)\((.*)\) += (-?\d+)", x) for x in whole_lines(log)]
    calls = [m.groups() for m in made if m]
    done = [
        (pid, args) for pid, name, args, rc in calls if name == "execve" and rc == "0"
    ]
    assert len(done) == 2
    first = done[0][0]
    assert done[1][1].startswith(f'"{cat}", ["{cat}", "{place.path}/data"]')
    forked = {
        rc: pid
        for pid, name, args, rc in calls
        if name != "execve" and int(rc) > 0 and "CLONE_THREAD" not in args
    }
    runner = forked[done[1][0]]
    online = forked[runner]
    assert forked[online] == first
    filtered = {
        pid
        for pid, name, args, rc in calls
        if name == "seccomp" and "FILTER" in args and rc == "0"
    }
    assert filtered >= {first, online}
    assert runner not in filtered
    # It was started before that, and the online half starts nothing afterwards.
    order = [(pid, name) for pid, name, args, rc in calls if "CLONE_THREAD" not in args]
    mine = [name for pid, name in order if pid == online]
    assert mine[-2:] == ["seccomp", "execve"]


def children(pid: int) -> list[int]:
    """The children of a process."""
    return [
        int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ]


def runners(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes of the online half."""
    return children(halves(process)[0].pid)


def test_without_a_command_there_is_no_third_process(
    place: Place, start: Callable[..., Service], queue: Queue
) -> None:
    (place.path / "config").write_text("[default]\nregion = eu-west-1\n")
    service = start("-q", queue.url, "-d", place.source, **place.env())
    service.wait_ready()
    assert runners(service.process) == []
    service.stop()


@needs_root
def test_the_third_process_keeps_no_secret(
    place: Place, start: Callable[..., Service], queue: Queue
) -> None:
    """Neither what the command gave nor what the online half was started with."""
    place.write(f"echo '{document(SessionToken=TOKEN)}'")
    others = {name: place.attack.secret(f"another-secret-of-{name}") for name in "abc"}
    keys = f"aws_access_key_id = AKIAOTHER\naws_secret_access_key = {others['a']}\n"
    (place.path / "credentials").write_text(f"[other]\n{keys}")
    env = place.env(
        AWS_CONTAINER_AUTHORIZATION_TOKEN=others["b"], AWS_SESSION_TOKEN=others["c"]
    )
    service = start("-q", queue.url, "-d", place.source, **env)
    service.wait_ready()
    wait_until(lambda: place.attack.proxy.matching("SendMessageBatch") != [])
    online = halves(service.process)[0]
    [runner] = children(online.pid)
    assert Image.of(online.pid).find(SECRET) != []
    image = Image.of(runner)
    for secret in (SECRET, TOKEN, *others.values()):
        assert image.find(secret) == []
    service.stop()


@pytest.mark.parametrize("how", ["TERM", "KILL online", "KILL offline"])
@pytest.mark.parametrize("moment", ["idle", "running"])
def test_it_ends_with_the_program(
    place: Place, start: Callable[..., Service], queue: Queue, how: str, moment: str
) -> None:
    note = place.path / "notes/pid"
    hang = f"sleep 600 & echo $$ $! >{note}.new; mv {note}.new {note}; sleep 600\n"
    place.write((hang if moment == "running" else "") + f"echo '{document()}'")
    service = start("-q", queue.url, "-d", place.source, **place.env())
    online, offline = halves(service.process)
    wait_until(lambda: len(children(online.pid)) == 1)
    pids = children(online.pid)
    if moment == "running":
        wait_until(note.exists)
        pids += map(int, note.read_text().split())
    else:
        service.wait_ready()
    assert not any(map(is_gone, pids))
    victim = online if how == "KILL online" else offline
    os.kill(victim.pid, signal.SIGTERM if how == "TERM" else signal.SIGKILL)
    wait_until(lambda: all(map(is_gone, [*pids, online.pid, offline.pid])))


@pytest.mark.parametrize("program", ONLINE)
def test_who_outlives_the_command_is_killed(
    place: Place, queue: Queue, proxy: SqsProxy, program: str
) -> None:
    fill(queue)
    note = place.path / "notes/pid"
    place.write(
        f"sleep 600 & setsid sh -c 'sleep 600 & echo $! >{note}'\n"
        f"echo $! >>{note}; echo '{document()}'"
    )
    got = place.run(program, queue)
    assert got.code == 0, got.err
    pids = [int(line) for line in note.read_text().split()]
    assert len(pids) == 2
    assert all(map(is_gone, pids))


# Later.


def counted(place: Place) -> str:
    """A command that gives another key each time."""
    note = place.path / "notes/count"
    text = document("KEY", Expiration=after(hours=1))
    return (
        f"echo x >>{note}; n=$(wc -l <{note})\n"
        f"""echo '{text}' | sed "s/KEY/AKIA$n/" """
    )


@pytest.mark.parametrize("program", ONLINE)
def test_it_is_run_again_when_its_keys_are_refused(
    place: Place, queue: Queue, proxy: SqsProxy, program: str
) -> None:
    fill(queue)
    proxy.fault("*", **EXPIRED)
    place.write(counted(place))
    got = place.run(program, queue)
    assert got.code == 0, got.err
    assert used(proxy) == {"AKIA2"}
    assert (place.path / "notes/count").read_text() == "x\n" * 2


@pytest.mark.parametrize("how", ["changed", "added"])
def test_a_command_that_moves_ends_a_producer(
    place: Place,
    start: Callable[..., Service],
    queue: Queue,
    proxy: SqsProxy,
    conf: Callable[..., Path],
    how: str,
) -> None:
    """The service manager then starts one that runs the new command."""
    place.write(f"echo '{document()}'")
    file = conf(queue=queue.url, device=str(place.source), interval=1)
    if how == "added":
        keys = f"aws_access_key_id = AKIAFILE\naws_secret_access_key = {SECRET}\n"
        (place.path / "config").write_text("[default]\nregion = eu-west-1\n" + keys)
    service = start("-c", file, **place.env())
    service.wait_ready()
    assert len(runners(service.process)) == (1 if how == "changed" else 0)
    place.profile(f"'{place.helper}' x")
    proxy.fault("*", **EXPIRED)
    ended = service.run.finish(service.process, timeout=FOR_EVER)
    assert ended.code == 69, ended.err
    assert f"was {how} since this program was started" in ended.err


def test_a_silent_command_does_not_silence_the_producer(
    place: Place, start: Callable[..., Service], queue: Queue, conf: Callable[..., Path]
) -> None:
    place.write("exec sleep 600")
    file = conf(queue=queue.url, device=str(place.source), interval=1)
    service = start("-c", file, **place.env())
    service.lives_for(2 * WATCHDOG)
    assert "did not end in time" in service.stop()


def test_a_runner_that_is_killed_ends_a_producer(
    place: Place,
    start: Callable[..., Service],
    queue: Queue,
    proxy: SqsProxy,
    conf: Callable[..., Path],
) -> None:
    place.write(counted(place))
    file = conf(queue=queue.url, device=str(place.source), interval=1)
    service = start("-c", file, **place.env())
    service.wait_ready()
    [runner] = runners(service.process)
    os.kill(runner, signal.SIGKILL)
    wait_until(lambda: is_gone(runner))
    proxy.fault("*", **EXPIRED)
    ended = service.run.finish(service.process, timeout=FOR_EVER)
    assert ended.code == 69, ended.err
    assert "the process for it has ended" in ended.err
