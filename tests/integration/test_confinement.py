# SPDX-License-Identifier: Apache-2.0
"""What each half of both programs gives up, seen from outside and tried inside."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from aid import certificates
from aid.forbidden import HALVES, PROGRAMS, not_refused, try_forbidden
from aid.halves import IS_ROOT, OTHER, needs_root
from aid.main_path import both_ways
from aid.payload import body, noise
from aid.programs import AGENT, PRODUCER, TEN, Runner
from aid.queue import Moto, Queue
from aid.sqsproxy import SqsProxy
from aid.users import AGENT_OFFLINE, AGENT_ONLINE, HAS_USERS


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("half", HALVES)
def test_what_no_half_may_do_is_refused(
    run: Runner, tmp_path: Path, program: str, half: str
) -> None:
    tried = try_forbidden(run, tmp_path, program, half)
    # What Landlock alone refuses is in test_landlock.py.
    tried = {n: e for n, e in tried.items() if not n.startswith("landlock-")}
    assert "rename" in tried
    assert (tmp_path / "victim").exists()
    for name in ("execve", "fork", "ptrace", "write", "setuid", "capset", "dumpable"):
        assert name in tried
    if half == "online":
        assert "RNDADDENTROPY" in tried
    else:
        assert "socket-inet" in tried
    assert not_refused(tried) == {}


# What must go on working.


def test_names_from_the_hosts_file_are_found(
    run: Runner, moto: Moto, queue: Queue, bundle: certificates.Certificate
) -> None:
    with SqsProxy(moto.url, tls=bundle.tls) as proxy:
        endpoint = f"https://localhost:{proxy.port}"
        env = {**run.env, "AWS_CA_BUNDLE": bundle.path}
        both_ways(run, queue, {**env, "AWS_ENDPOINT_URL_SQS": endpoint})


@needs_root
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare(1)")
def test_names_that_only_this_machine_knows_are_found(
    run: Runner,
    moto: Moto,
    queue: Queue,
    bundle: certificates.Certificate,
    tmp_path: Path,
) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 queue.example\n")
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    before = ["/bin/sh", "-c", script, str(hosts)]
    unshare = [str(shutil.which("unshare")), "--mount", *before]
    probe = subprocess.run([*unshare, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("no mount namespaces here")
    with SqsProxy(moto.url, tls=bundle.tls) as proxy:
        endpoint = f"https://queue.example:{proxy.port}"
        env = {**run.env, "AWS_CA_BUNDLE": bundle.path}
        both_ways(run, queue, {**env, "AWS_ENDPOINT_URL_SQS": endpoint}, *unshare)


def test_both_programs_reach_sqs_by_ipv6(run: Runner, moto: Moto, queue: Queue) -> None:
    try:
        proxy = SqsProxy(moto.url, host="::1").start()
    except OSError:
        pytest.skip("no IPv6 here")
    try:
        both_ways(run, queue, {**run.env, "AWS_ENDPOINT_URL_SQS": proxy.url})
        assert len(proxy.records) > 4
    finally:
        proxy.stop()


@needs_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv(1)")
def test_another_user_can_run_both(run: Runner, moto: Moto, queue: Queue) -> None:
    """That user cannot enter root's temporary directory, so it gets one of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in (AGENT, PRODUCER):
            shutil.copy(run.build / part, folder)
        env = dict(run.env)
        for variable in ("HOME", "STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
            env[variable] = str(folder / variable.lower())
            Path(env[variable]).mkdir()
        (folder / "source").write_bytes(noise(1 << 14))
        (folder / "conf").write_text("burst = 10\n")
        for path in (folder, *folder.iterdir()):
            os.chown(path, OTHER, OTHER)
        ids = [f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]
        setpriv = [str(shutil.which("setpriv")), *ids]
        made = run(
            *setpriv,
            folder / PRODUCER,
            *("--once", "-c", folder / "conf", "-q", queue.url),
            *("-d", folder / "source"),
            env=env,
        )
        assert made.code == 0, made.err
        output = folder / "home/output"
        got = run(
            *setpriv, folder / AGENT, "-q", queue.url, "-o", output, "-m", "10", env=env
        )
        assert got.code == 0, got.err
        assert output.stat().st_uid == OTHER
        assert output.stat().st_size == 5120
        refused = run(*setpriv, folder / AGENT, "-q", queue.url, env=env)
        assert refused.code == 77, refused.err


def test_the_root_of_a_small_user_namespace_is_told_to_map_the_users(
    run: Runner, queue: Queue, tmp_path: Path
) -> None:
    unshare = shutil.which("unshare")
    if (
        unshare is None
        or subprocess.run([unshare, "-r", "true"], check=False).returncode
    ):
        pytest.skip("this user may not make a user namespace")
    source = tmp_path / "source"
    source.write_bytes(noise(1 << 14))
    queue.send(body(noise(512)))
    for command in (
        (PRODUCER, "--once", *TEN, "-q", queue.url, "-d", source),
        (AGENT, "-q", queue.url, "-o", "-"),
    ):
        got = run(unshare, "-r", run.build / command[0], *command[1:])
        assert (got.code, got.out) == (77, b""), got.err
        assert "not mapped in this user namespace" in got.err
    assert queue.depth() == (1, 0)


def test_a_missing_user_is_told_with_the_command_that_makes_it(
    run: Runner, queue: Queue, tmp_path: Path
) -> None:
    """And the halves still have two users: nobody, and root without its rights."""
    if not IS_ROOT or not HAS_USERS:
        pytest.skip("not root, or the users cannot be taken away here")
    passwd = tmp_path / "passwd"
    passwd.write_text("root:x:0:0::/root:/bin/sh\n")
    queue.send(body(noise(512)))
    script = 'mount --bind "$0" /etc/passwd && exec "$@"'
    before = [str(shutil.which("unshare")), "--mount", "/bin/sh", "-c", script, passwd]
    for option in ("--check", "-o-"):
        got = run(*before, run.build / AGENT, "-q", queue.url, option)
        assert got.code == 0, got.err
        for user in (AGENT_OFFLINE, AGENT_ONLINE):
            [line] = [x for x in got.lines() if f"no user {user}," in x]
            assert f"useradd --system --user-group {user}" in line
    got = run(AGENT, "--check", "-q", queue.url)
    assert "no user" not in got.err
