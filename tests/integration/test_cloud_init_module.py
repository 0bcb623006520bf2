# SPDX-License-Identifier: Apache-2.0
"""The cloud-init module: the files it writes, how it runs the agent, what it logs."""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aid import directives
from aid.certificates import Certificate
from aid.directives import BAD, key
from aid.host import Host, loudest, ours, warnings
from aid.payload import body, noise
from aid.processes import group_alive
from aid.programs import AGENT, Runner
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.wait import PATIENCE, wait_until


@pytest.fixture
def host(tmp_path: Path, build: Path) -> Iterator[Host]:
    """Give the module and where it works."""
    old = os.umask(0o077)  # a careful machine's; the files are public anyway
    made = Host(tmp_path, build)
    yield made
    os.umask(old)
    assert list(made.scratch.iterdir()) == []


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "cc_sqs_entropy")


@pytest.mark.parametrize("modern", [True, False])
def test_a_directive_is_written_and_run(
    host: Host, caplog: pytest.LogCaptureFixture, modern: bool
) -> None:
    keys = [key(1, "pi"), key(2), key(1, "again")]
    directive = {"queue": "q", "messages": 2, "trusted_producers": keys}
    host.handle({**directive, "required": True}, modern)
    assert host.runs() == [f"--config {host.conf}"]
    files = host.files()
    mark = "# Written by cloud-init (cc_sqs_entropy).\n"
    assert set(files) == {
        "agent.conf",
        "trusted.d/cloud-init-1.pub",
        "trusted.d/cloud-init-2.pub",
    }
    assert files["agent.conf"].startswith(mark)
    assert files["agent.conf"].endswith('queue = "q"\nmessages = 2\n')
    assert files["trusted.d/cloud-init-1.pub"] == f"{mark}{key(1, 'pi')}\n"
    assert files["trusted.d/cloud-init-2.pub"] == f"{mark}{key(2)}\n"
    assert (host.calls.with_name("calls.conf")).read_text() == files["agent.conf"]
    for name in files:
        assert stat.S_IMODE((host.etc / name).stat().st_mode) == 0o644
    assert loudest(caplog) == logging.INFO


def test_without_a_directive_nothing_happens(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.cc.handle(name="sqs_entropy", cfg={"ssh": {}}, cloud=None, args=[])
    assert host.runs() == []
    assert not host.etc.exists()
    assert loudest(caplog) == logging.DEBUG


def test_a_bad_directive_leaves_all_as_it_was(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.handle({"queue": "before", "trusted_producers": [key(9)]})
    before = host.files()
    count = len(host.runs())
    for text, begin in BAD:
        caplog.clear()
        host.handle(directives.yaml_value(text))
        [line] = warnings(caplog)
        assert f"sqs_entropy{begin}" in line
    assert host.files() == before
    assert len(host.runs()) == count


def test_a_bad_directive_that_is_required_raises(host: Host) -> None:
    with pytest.raises(host.cc.DirectiveError, match=r"sqs_entropy\.messages: 11"):
        host.handle({"messages": 11, "required": True})
    for value in ("true", 1, "yes", None):
        host.handle({"messages": 11, "required": value})
    assert not host.etc.exists()


ENDS = [
    ("exit 75", logging.INFO, "the queue is empty"),
    ("exit 69", logging.INFO, "unavailable"),
    ("exit 77", logging.INFO, "not permitted"),
    ("exit 65", logging.INFO, "none was usable"),
    ("exit 70", logging.INFO, "internal error"),
    ("exit 99", logging.INFO, "exit 99: unknown"),
    ("kill -KILL $$", logging.INFO, "signal 9"),
    ("echo said it >&2; exit 78", logging.WARNING, "no such queue; said it"),
    ("exit 64", logging.WARNING, "wrong usage"),
]


@pytest.mark.parametrize(("end", "level", "text"), ENDS)
def test_a_failure_is_as_loud_as_its_exit_code_says(
    host: Host, caplog: pytest.LogCaptureFixture, end: str, level: int, text: str
) -> None:
    host.install(end)
    host.handle({"queue": "q"})
    assert loudest(caplog) == level
    assert text in ours(caplog)[-1].getMessage()
    with pytest.raises(host.cc.UnseededError, match=text):
        host.handle({"queue": "q", "required": True})
    assert len(host.runs()) == 2


def test_a_missing_program_is_no_warning(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    (host.bin / AGENT).unlink()
    host.handle({"queue": "q"})
    assert loudest(caplog) == logging.INFO
    assert not host.etc.exists()
    with pytest.raises(host.cc.UnseededError, match="install it"):
        host.handle({"queue": "q", "required": True})


def test_the_program_is_looked_for_where_packages_put_it() -> None:
    # Of packages, with /usr/sbin apart or merged, and of "make install".
    path = directives.load("cc_sqs_entropy").PROGRAM_PATH
    assert set(path.split(":")) == {"/usr/sbin", "/usr/bin", "/usr/local/sbin"}


def test_the_last_lines_are_logged(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    # More than a pipe holds, and no text.
    host.install(
        "head -c 300000 /dev/zero; echo; printf 'b\\377d\\n'\n"
        "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done >&2"
    )
    host.handle({"queue": "q"})
    said = [r.getMessage() for r in ours(caplog) if r.levelno == logging.INFO]
    assert said[:8] == [f"line {i}" for i in range(2, 10)]
    assert said[8] == "sqs_entropy: seeded, exit 0; line 9"


def test_the_directives_variables_are_those_of_the_run(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://cloud-init:1")
    monkeypatch.setenv("KEPT", "yes")
    host.install(f"env >{host.calls}.env")
    directive = {
        "queue": "q",
        "https_proxy": "http://user:word@proxy:3128",
        "no_proxy": "localhost,.example.com",
        "imds_endpoint_mode": "IPv6",
    }
    host.handle(directive)
    told = host.calls.with_name("calls.env").read_text().splitlines()
    assert {
        "https_proxy=http://user:word@proxy:3128",
        "no_proxy=localhost,.example.com",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6",
        "KEPT=yes",
        "GNUTLS_NO_IMPLICIT_INIT=1",
    } <= set(told)
    assert "word" not in (host.etc / "agent.conf").read_text()


@pytest.mark.parametrize(
    "end", ["sleep 600", "trap '' TERM INT; (sleep 600) & sleep 600"]
)
def test_an_agent_that_hangs_is_killed(
    host: Host, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    host.cc.GRACE = 4
    host.install(f"echo $$ >{host.calls}.pid\n{end}")
    began = time.monotonic()
    host.handle({"queue": "q", "timeout": 1})
    # What hangs would sleep for ten minutes.
    assert time.monotonic() - began < 5 + PATIENCE
    assert "killed: it ran for over 5 s" in ours(caplog)[-1].getMessage()
    assert loudest(caplog) == logging.INFO
    group = int(host.calls.with_name("calls.pid").read_text())
    wait_until(lambda: group_alive(group) == [], PATIENCE)


def test_the_agent_has_the_last_word(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.handle({"queue": "before", "trusted_producers": [key(9)]})
    before = host.files()
    refuse = '#!/bin/sh\necho "agent: $3:4: it does not like this" >&2\nexit 78\n'
    host.install("", refuse)
    host.handle({"queue": "q", "trusted_producers": [key(1), key(2)]})
    assert host.files() == before
    [line] = warnings(caplog)
    assert f"{host.conf}:4: it does not like this" in line


CHECKS = [
    ("exec sleep 600", "killed: it ran for over 1 s"),
    ("trap '' TERM; (sleep 600) & sleep 600", "killed: it ran for over 1 s"),
    ("kill -SEGV $$", "ended by signal 11"),
    ("echo no such option >&2; exit 64", "exit 64: wrong usage; no such option"),
]


@pytest.mark.parametrize(("end", "text"), CHECKS)
def test_a_check_that_fails_otherwise_writes_nothing(
    host: Host, caplog: pytest.LogCaptureFixture, end: str, text: str
) -> None:
    if "sleep" in end:
        host.cc.CHECK_TIMEOUT = 1
    host.install(end, "#!/bin/sh\n{end}\n")
    began = time.monotonic()
    host.handle({"queue": "q"})
    assert time.monotonic() - began < 1 + PATIENCE
    # It is not the directive that is wrong.
    said = f"sqs_entropy: nothing was written, sqs-entropy-agent --check {text}"
    assert warnings(caplog) == [said]
    assert not host.etc.exists()
    with pytest.raises(host.cc.UnseededError, match="--check"):
        host.handle({"queue": "q", "required": True})


def test_old_keys_go_and_the_operators_stay(host: Host) -> None:
    host.handle({"trusted_producers": [key(i) for i in range(12)]})
    assert len(list(host.trusted.iterdir())) == 12
    (host.trusted / "operator.pub").write_text(key(99) + "\n")
    host.handle({"trusted_producers": [key(50)]})
    names = sorted(path.name for path in host.trusted.iterdir())
    assert names == ["cloud-init-1.pub", "operator.pub"]
    assert key(50) in (host.trusted / "cloud-init-1.pub").read_text()
    host.handle({})
    assert [path.name for path in host.trusted.iterdir()] == ["operator.pub"]


def test_an_operators_configuration_is_put_aside(host: Host) -> None:
    host.etc.mkdir()
    saved = host.etc / "agent.conf.before-cloud-init"
    for text in (
        "queue = image\n",
        "",
        "\n# Written by cloud-init (cc_sqs_entropy).\n",
    ):
        host.conf.write_text(text)
        host.handle({"queue": "q"})
        assert saved.read_text() == text
        assert 'queue = "q"' in host.conf.read_text()
        # Our own is not.
        host.handle({"queue": "q2"})
        assert saved.read_text() == text
    target = host.etc / "elsewhere"
    target.write_text("queue = linked\n")
    host.conf.unlink()
    host.conf.symlink_to(target)
    host.handle({"queue": "q"})
    assert target.read_text() == "queue = linked\n"
    assert saved.readlink() == target
    assert not host.conf.is_symlink()
    # A link is the operator's, wherever it leads.
    host.conf.unlink()
    host.conf.symlink_to("nowhere")
    host.handle({"queue": "q"})
    assert saved.readlink() == Path("nowhere")


def test_a_full_disk_changes_nothing(
    host: Host, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.handle({"queue": "before", "trusted_producers": [key(9)]})
    before = host.files()
    real = os.fsync
    left = [0]

    def fsync(fd: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(fd)

    monkeypatch.setattr(host.cc.os, "fsync", fsync)
    for count in range(6):  # each file is written twice, once to be checked
        left[0] = count
        caplog.clear()
        host.handle({"queue": "q", "trusted_producers": [key(1), key(2)]})
        [line] = warnings(caplog)
        assert "No space left" in line
        assert host.files() == before
    with pytest.raises(OSError, match="No space left"):
        host.handle({"queue": "q", "required": True})


def test_a_directory_in_the_way_is_one_warning(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.conf.mkdir(parents=True)
    host.handle({"queue": "q"})
    assert len(warnings(caplog)) == 1
    assert host.files() == {}


# What the unit does not do either.


@pytest.mark.parametrize(
    ("virt", "code", "bounding", "reason"),
    [
        ("lxc", 0, (1 << 41) - 1, "a container (lxc) has the kernel of its host"),
        ("none", 1, (1 << 41) - 1 - (1 << 21), "CAP_SYS_ADMIN was taken"),
    ],
)
def test_where_nothing_can_seed_it_says_so(
    host: Host,
    caplog: pytest.LogCaptureFixture,
    virt: str,
    code: int,
    bounding: int,
    reason: str,
) -> None:
    host.be_in(virt, code, bounding)
    host.handle({"queue": "q", "required": True})
    assert ours(caplog)
    assert all(reason in line.getMessage() for line in ours(caplog))
    assert loudest(caplog) == logging.INFO
    assert host.runs() == []
    assert not host.etc.exists()
    host.handle({"messages": 11})
    assert "messages: 11" in warnings(caplog)[0]


def test_a_virtual_machine_is_no_container(host: Host) -> None:
    (host.bin / "systemd-detect-virt").unlink()
    host.handle({"queue": "q"})
    host.cc.STATUS.unlink()
    host.handle({"queue": "q"})
    assert len(host.runs()) == 2


# Files that the same user-data writes.


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_comes_later_is_waited_for(
    host: Host, caplog: pytest.LogCaptureFixture, modern: bool, there: bool
) -> None:
    """The late entry of the list runs after write_files and a mount."""
    bundle = host.bin / "ca.pem"
    directive = {"queue": "q", "ca_bundle": str(bundle)}
    host.handle(directive, modern, "late")
    assert ours(caplog) == []
    if there:
        bundle.touch()
    host.handle(directive, modern, "early")
    assert host.runs() == [f"--config {host.conf}"] * there
    assert host.conf.exists() is there
    assert ("ca_bundle names is not there yet" in caplog.text) is not there
    bundle.touch()
    for _ in range(2):  # once is enough
        host.handle(directive, modern, "late")
        assert host.runs() == [f"--config {host.conf}"]
    assert f'ca-bundle = "{bundle}"\n' in host.conf.read_text()
    assert loudest(caplog) == logging.INFO


@pytest.mark.parametrize("words", [["early", "late"], [""]])
@pytest.mark.parametrize("key_of_file", ["ca_bundle", "seal_key"])
def test_a_file_that_comes_too_late_is_left_to_the_unit(
    host: Host, caplog: pytest.LogCaptureFixture, words: list[str], key_of_file: str
) -> None:
    """The configuration is written, all else of it is checked, and it is told."""
    directive = {"queue": "q", key_of_file: str(host.bin / "absent")}
    for word in words:
        host.handle(directive, True, word)
    [line] = warnings(caplog)
    assert f"not seeded, what {key_of_file} names is not there yet" in line
    assert "sqs-entropy-agent.service runs by it at its next time" in line
    assert 'absent"\n' in host.conf.read_text()
    assert host.runs() == []
    before = host.files()
    with pytest.raises(host.cc.UnseededError, match=key_of_file):
        host.handle({**directive, "required": True})
    caplog.clear()
    host.handle({**directive, "region": "r", "endpoint_url": "http://example.com"})
    [line] = warnings(caplog)
    assert "the agent refuses the configuration" in line
    assert host.files() == before


# The real agent, seeding.


@pytest.fixture
def seeded(
    host: Host,
    run: Runner,
    env: dict[str, str],
    tls_proxy: SqsProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Any], bytes]:
    """Give a function that handles a directive and returns what the agent wrote."""
    out = host.bin / "out"
    host.install(str(out), '#!/bin/sh\nexec {agent} "$@" --output {end}\n')
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    for name in "AWS_ENDPOINT_URL_SQS", "AWS_EC2_METADATA_DISABLED":
        monkeypatch.delenv(name)

    def obey(directive: Any) -> bytes:
        host.handle(directive)
        return out.read_bytes() if out.exists() else b""

    return obey


AWKWARD = "ca \"quoted\" \\back\\ ${HOME} $(id) 'single' # = \u00e9\u65e5.pem"


def test_the_real_agent_obeys(
    host: Host,
    seeded: Callable[[Any], bytes],
    queue: Queue,
    tls_proxy: SqsProxy,
    certificate: Certificate,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    payloads = [noise(512, seed) for seed in (1, 2, 3)]
    for payload in payloads:
        queue.send(body(payload))
    bundle = tmp_path / AWKWARD
    bundle.write_bytes(Path(certificate.path).read_bytes())
    directive = {
        "queue": queue.name,
        "region": "eu-west-1",
        "endpoint_url": tls_proxy.url,
        "ca_bundle": str(bundle),
        "messages": 2,
        "timeout": 20,
        "trusted_producers": [key(1, "\u00e9")],
    }
    got = seeded(directive)
    assert len(got) == 1024
    assert {got[:512], got[512:]} < set(payloads)
    assert queue.depth() == (1, 0)
    assert loudest(caplog) == logging.INFO
    assert "seeded, exit 0" in ours(caplog)[-1].getMessage()


def test_the_real_agent_without_a_message_is_no_warning(
    host: Host,
    seeded: Callable[[Any], bytes],
    queue: Queue,
    tls_proxy: SqsProxy,
    certificate: Certificate,
    caplog: pytest.LogCaptureFixture,
) -> None:
    directive = {
        "queue": queue.name,
        "endpoint_url": tls_proxy.url,
        "ca_bundle": certificate.path,
        "timeout": 20,
    }
    assert seeded(directive) == b""
    assert loudest(caplog) == logging.INFO
    assert "exit 75: the queue is empty" in ours(caplog)[-1].getMessage()
    with pytest.raises(host.cc.UnseededError, match="exit 75"):
        seeded({**directive, "required": True})
    caplog.clear()
    assert seeded({**directive, "queue": "not-there"}) == b""
    assert loudest(caplog) == logging.WARNING
    assert "exit 78" in ours(caplog)[-1].getMessage()
    caplog.clear()
    del directive["ca_bundle"]
    assert seeded(directive) == b""
    assert loudest(caplog) == logging.INFO
    assert "exit 69" in ours(caplog)[-1].getMessage()
