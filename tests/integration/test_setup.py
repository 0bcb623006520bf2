# SPDX-License-Identifier: Apache-2.0
"""--setup makes a producer that works of a machine that has just the package."""

from __future__ import annotations

import os
import pty
import signal
import termios
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import yaml

from aid.attack import each
from aid.directives import load
from aid.forge import Message
from aid.machine import NO_USERS, Machine, levels
from aid.programs import PRODUCER, Result
from aid.sqsproxy import SqsProxy
from aid.users import PRODUCER_ONLINE
from aid.wait import FOR_EVER, wait_until

pytestmark = NO_USERS
ACCESS, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEYS = f"key\n{ACCESS}\n{SECRET}\n\n"
CLOCK, UNIT = "systemd-time-wait-sync.service", "sqs-entropy-producer.service"
STEPS = ["users", "configuration", "key", "source", "credentials", "clock", "message"]


@pytest.fixture(autouse=True)
def device(machine: Machine) -> None:
    """Have a generator, which a fresh machine of the tests has not."""
    machine.conf.write_text(f'# mine\ndevice = "{machine.device}"\ninterval = 7\n')


def failed(got: Result, code: int, step: str, *words: str) -> None:
    """Check that a step failed, and why."""
    assert got.code == code, got.err
    assert [n for n, level in levels(got).items() if level == "FAIL"] == [step]
    assert got.out == b""
    for word in words:
        assert word in got.err


def test_setup_makes_all_and_then_changes_nothing(
    machine: Machine, proxy: SqsProxy
) -> None:
    machine.systemd()
    got = machine.setup(machine.arn, answers=KEYS + "directive\n")
    assert got.code == 0, got.err
    assert list(levels(got)) == [*STEPS, "service", "user-data"]
    assert "FAIL" not in levels(got).values()
    # What is there, and whose.
    assert machine.conf.read_text() == (
        f'# mine\ndevice = "{machine.device}"\ninterval = 7\nqueue = "{machine.arn}"\n'
    )
    assert (machine.key.stat().st_mode & 0o7777, machine.key.stat().st_uid) == (
        0o600,
        0,
    )
    file = machine.aws / "credentials"
    assert file.read_text() == (
        f"[default]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"
    )
    assert (file.stat().st_mode & 0o7777, file.owner()) == (0o600, PRODUCER_ONLINE)
    assert SECRET not in got.err + got.out.decode()
    # One message came, of the key that agents are to trust.
    [message] = map(Message.received, machine.queue.receive())
    line = machine.program("--pubkey", "/etc/sqs-entropy/signing.key").out.decode()
    assert f"    - {line.strip()} " in got.out.decode()
    assert message.entropy.startswith("v=1;key=")
    assert "this machine's clock is 0 s " in got.err
    asked = machine.asked()
    assert asked == [
        *(f"is-enabled {CLOCK}", f"enable {CLOCK}"),
        *(f"is-active {UNIT}", f"stop {UNIT}"),
        *(f"enable {UNIT}", f"restart {UNIT}", f"is-active {UNIT}"),
    ]
    # The same again, and as its own words have it.
    before, requests = machine.tree(), len(proxy.records)
    for args, answers in ([machine.arn], "directive\n"), ([], "directive\n"):
        again = machine.setup(*args, answers=answers)
        assert (again.code, again.out) == (0, got.out), again.err
        assert machine.tree() == before
        assert len(proxy.records) == requests
        assert machine.asked() == [
            f"is-enabled {CLOCK}",
            *(f"is-enabled {UNIT}", f"is-active {UNIT}"),
        ]
    assert "none is sent: nothing has changed since SQS confirmed one" in again.err
    # Another key of AWS's is another thing to be confirmed.
    file.write_text(file.read_text().replace("AKIA", "AKIB"))
    again = machine.setup("--yes")
    assert again.code == 0, again.err
    assert machine.asked()[1:5] == [
        f"is-active {UNIT}",
        f"stop {UNIT}",
        f"start {UNIT}",
        f"enable {UNIT}",
    ]
    assert len(machine.queue.receive()) == 1


def test_user_data_is_what_the_module_takes(machine: Machine) -> None:
    got = machine.setup(machine.arn, answers=KEYS + "directive\n")
    assert got.out.startswith(b"#cloud-config\n")
    directive = yaml.safe_load(got.out)["sqs_entropy"]
    validate = load("cc_sqs_entropy").validate
    assert validate(directive) == []
    assert directive["queue"] == machine.arn
    # The forms, and the one that --yes has.
    hook = machine.setup("--yes")
    assert machine.setup(answers="hook\n").out == hook.out
    assert machine.setup(answers="\n").out == hook.out
    head, _, rest = hook.out.decode().partition("<<'END'\n")
    assert head.startswith("#cloud-boothook\n#!/bin/sh\n")
    assert "apt-get" not in head
    assert rest.endswith("\nEND\n")
    assert yaml.safe_load(rest[: -len("END\n")]) == {"sqs_entropy": directive}
    got = machine.setup(answers="https://packages.example.org/x/\n")
    assert "\t\thttps://packages.example.org/x/sqs-entropy.sources &&\n" in (
        got.out.decode()
    )
    for bad in "http://packages.example.org", "https://x/$(reboot)", "both":
        failed(
            machine.setup(answers=f"{bad}\n"),
            64,
            "user-data",
            f'"{bad}" is none of hook, directive and an https URL: start again',
        )


def test_a_new_file_has_what_was_asked_for(machine: Machine) -> None:
    machine.conf.unlink()
    machine.conf.parent.rmdir()
    got = machine.setup("entropy", answers="eu-west-2\n")
    # /dev/hwrng is what a new file leaves, which gives nothing here.
    assert got.code == 69
    assert levels(got)["configuration"] == "ok"
    assert levels(got)["source"] == "FAIL"
    text = machine.conf.read_text()
    assert text.startswith("# Written by sqs-entropy-producer --setup; ")
    assert text.endswith('\nqueue = "entropy"\nregion = "eu-west-2"\n')
    assert machine.conf.stat().st_mode & 0o7777 == 0o644
    assert list(machine.conf.parent.glob("*.bak")) == []
    assert machine.program("--check").code == 0


def test_a_queue_is_replaced_only_when_told_so(machine: Machine) -> None:
    old = f'queue = "{machine.arn}x" # old\n'
    rest = f'device = "{machine.device}"\n# interval = 5\ninterval = 7\n'
    machine.conf.write_text(f"# mine\n{old}{rest}")
    question = f"/etc/sqs-entropy/producer.conf has the queue {machine.arn}x: replace"
    before = machine.tree()
    for answer, code, words in (
        ("n\n", 78, f"keeps the queue {machine.arn}x: start --setup without another"),
        ("\n", 78, "one"),
        ("maybe\n", 64, "is neither y nor n"),
        ("", 64, f'no answer to "{question}'),
        ("", 64, "give it on standard input, a line for each question"),
    ):
        got = machine.setup(machine.arn, answers=answer)
        failed(got, code, "configuration", words)
        assert machine.tree() == before
    got = machine.setup(machine.arn, answers="y\n" + KEYS + "\n")
    assert got.code == 0, got.err
    assert machine.conf.read_text() == f'# mine\nqueue = "{machine.arn}"\n{rest}'
    assert Path(f"{machine.conf}.bak").read_text() == f"# mine\n{old}{rest}"
    got = machine.setup(f"{machine.arn}y", "--yes")
    assert f'queue = "{machine.arn}y"\n' in machine.conf.read_text()


STRANGE = {
    "two lines": 'queue =\n  "a"\n',
    "a list in lines": "queue = {a,\n b}\n",
    "beside another": "queue = a interval = 9\n",
    "behind another": "interval = 9 queue = a\n",
}


def test_a_queue_that_is_set_strangely_is_left_alone(machine: Machine) -> None:
    for text in each(STRANGE):
        whole = f'device = "{machine.device}"\n{text}'
        machine.conf.write_text(whole)
        got = machine.setup(machine.arn, "--yes")
        failed(
            got,
            78,
            "configuration",
            "/etc/sqs-entropy/producer.conf sets queue in a way that --setup does "
            "not edit: write the queue there yourself, and start again",
        )
        assert machine.conf.read_text() == whole
        assert list(machine.conf.parent.iterdir()) == [machine.conf]


WAYS = {
    "process": (
        "process\n/run/give --me 'a key'\n",
        "config",
        "credential_process = /run/give --me 'a key'\n",
    ),
    "profile": (
        "profile\nseed\n",
        "credentials",
        f"aws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n",
    ),
}
ROOTS = (
    f"[seed]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"
    "[other]\nsource_profile = seed\nrole_arn = x\n[none]\nregion = eu-west-1\n"
)
GIVE = f"""#!/bin/sh
echo '{{"Version": 1, "AccessKeyId": "{ACCESS}", "SecretAccessKey": "{SECRET}"}}'
"""


@pytest.mark.parametrize("way", WAYS)
def test_credentials_come_in_other_ways(machine: Machine, way: str) -> None:
    answers, file, text = WAYS[way]
    machine.write("run/give", GIVE)
    (machine.root / "run/give").chmod(0o755)
    machine.write("run/root/.aws/credentials", ROOTS)
    got = machine.setup(machine.arn, answers=answers + "\n")
    assert got.code == 0, got.err
    assert (machine.aws / file).read_text() == f"[default]\n{text}"
    assert sorted(p.name for p in machine.aws.iterdir()) == [file]
    assert machine.queue.depth() == (1, 0)


def test_what_is_no_credential_is_refused(machine: Machine) -> None:
    machine.write("run/root/.aws/credentials", ROOTS)
    for answers, code, words in (
        ("none\n", 64, "the answer is none of key, process and profile: start again"),
        ("\n", 64, "is empty: start again, and give one"),
        (f"key\n{ACCESS}\n", 64, 'no answer to "secret access key (not shown)"'),
        (f"key\n{ACCESS}\n{'x' * 5000}\n", 64, "is too long, or not printable"),
        ("profile\nnobody\n", 78, "choose another, or name the file by "),
        ("profile\nother\n", 78, "copy both to /var/lib/sqs-entropy-producer-net/.aws"),
        ("profile\nnone\n", 78, "holds nothing that gives credentials: choose another"),
    ):
        got = machine.setup(machine.arn, answers=answers)
        failed(got, code, "credentials", words)
        assert not machine.aws.exists()


def test_root_writes_nothing_through_links_of_the_service(machine: Machine) -> None:
    """The user that talks to the network may have made them."""
    victim = machine.root / "etc/victim"
    victim.write_text("\n")
    machine.aws.mkdir(0o700)
    os.chown(machine.aws, machine.aws.parent.stat().st_uid, -1)
    (machine.aws / "credentials").symlink_to("/etc/victim")
    (machine.aws / "credentials.new").symlink_to("/etc/victim")
    got = machine.setup(machine.arn, answers=KEYS + "\n")
    assert victim.read_text() == "\n"
    assert victim.stat().st_uid == 0
    assert got.code in (0, 77), got.err
    # A directory of root's in the place of theirs.
    for path in machine.aws.iterdir():
        path.unlink()
    machine.aws.rmdir()
    (machine.root / "etc/secret").mkdir(0o755)
    machine.aws.symlink_to("/etc/secret")
    got = machine.setup(machine.arn, answers=KEYS + "\n")
    failed(got, 77, "credentials", "cannot write")
    assert list((machine.root / "etc/secret").iterdir()) == []


def test_a_failure_of_the_message_is_told_and_nothing_is_started(
    machine: Machine, proxy: SqsProxy
) -> None:
    machine.systemd()
    again = (
        "do what the lines above say, then start --setup again",
        "no message was sent (",
    )
    later = formatdate(time.time() + 3600, usegmt=True)
    denied = {
        "__type": "com.amazonaws.sqs#AccessDeniedException",
        "message": "User: x is not authorized to perform: sqs:sendmessage",
    }
    refused = str(denied).replace("'", '"')
    faults = {
        "denied": (77, "AccessDenied", {"status": 400, "body": refused}),
        "clock": (69, "messages signed now would earn", {"headers": {"Date": later}}),
    }
    for name, (code, words, fault) in faults.items():
        print(f"case: {name}")
        match = "SendMessageBatch" if name == "denied" else "*"
        proxy.fault(match, count=None, **fault)
        try:
            got = machine.setup(machine.arn, answers=KEYS)
        finally:
            proxy.clear()
        failed(got, code, "message", words, *again)
        assert machine.asked()[-2:] == [f"is-active {UNIT}", f"stop {UNIT}"]
        assert not (machine.root / "run/active").exists()
        assert machine.queue.depth() == (0, 0)
        assert (
            "it asks for other credentials once there is no "
            "/var/lib/sqs-entropy-producer-net/.aws/credentials or config" in got.err
        ) == (name == "denied")
    # A service that ran goes on.
    (machine.root / "run/active").touch()
    got = machine.setup(f"{machine.arn}-not-there", "--yes")
    failed(got, 78, "message", "check its name, account and region", *again)
    assert machine.asked()[-2:] == [f"stop {UNIT}", f"start {UNIT}"]
    # What is written is not written again.
    got = machine.setup(machine.arn, "--yes")
    assert got.code == 0, got.err
    assert machine.asked()[-2:] == [f"restart {UNIT}", f"is-active {UNIT}"]


def changed(document: dict[str, Any]) -> dict[str, Any]:
    """Another body arrived."""
    document["Successful"][0]["MD5OfMessageBody"] = "0" * 32
    return document


def not_taken(document: dict[str, Any]) -> dict[str, Any]:
    """The call was answered, and the one message of it refused."""
    [one] = document.pop("Successful")
    why = {"Id": one["Id"], "SenderFault": True, "Code": "InvalidMessageContents"}
    return {**document, "Successful": [], "Failed": [{**why, "Message": "no"}]}


@pytest.mark.parametrize("spoil", [changed, not_taken])
def test_a_message_that_does_not_arrive_is_no_success(
    machine: Machine,
    proxy: SqsProxy,
    spoil: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    proxy.fault("SendMessageBatch", edit=spoil, count=None)
    got = machine.setup(machine.arn, answers=KEYS)
    assert got.code != 0
    assert levels(got)["message"] == "FAIL"


def test_what_is_wrong_here_is_told_before_anybody_is_asked(
    machine: Machine, proxy: SqsProxy
) -> None:
    good = machine.device.read_bytes()
    machine.device.write_bytes(bytes(1 << 18))
    got = machine.setup(machine.arn, answers=KEYS)
    failed(got, 65, "source", "check or replace the hardware")
    machine.device.write_bytes(good)
    machine.key.chmod(0o644)
    got = machine.setup(machine.arn, answers=KEYS)
    failed(got, 78, "key", "run chmod go-rwx /etc/sqs-entropy/signing.key")
    machine.key.chmod(0o600)
    got = machine.setup("no queue", answers=KEYS)
    failed(got, 78, "configuration", 'queue "no queue" is no queue name')
    (machine.root / "etc/other.conf").touch()
    got = machine.setup("-c", "/etc/other.conf", answers="\n")
    failed(got, 64, "configuration", 'the answer to "URL, ARN or name of the queue"')
    got = machine.setup("-c", "/etc/other.conf", "entropy", answers="Rome\n")
    failed(got, 64, "configuration", '"Rome" is no name of a region, such as eu-west-1')
    passwd = machine.root / "etc/passwd"
    lines = passwd.read_text().splitlines(keepends=True)
    passwd.write_text("".join(x for x in lines if not x.startswith(PRODUCER)))
    got = machine.setup(machine.arn)
    failed(
        got,
        78,
        "users",
        f"there is no user {PRODUCER}: install the package, or run systemd-sysusers",
    )
    assert proxy.records == []


def test_only_root_sets_up(machine: Machine) -> None:
    got = machine.run(
        "/usr/bin/setpriv",
        *("--reuid", "65534", "--clear-groups", str(machine.run.build / PRODUCER)),
        *("--setup", "q"),
    )
    if got.code == 127:
        pytest.skip("the build is in a folder of root's alone")
    assert got.code == 77
    assert got.err == (
        f"{PRODUCER}: --setup writes root's files and starts a service: run it as "
        "root\n"
    )


def test_little_entropy_and_no_systemd_are_warned_of(machine: Machine) -> None:
    with machine.conf.open("a") as file:
        file.write("message-bytes = 128\n")
    got = machine.setup(machine.arn, answers=KEYS + "\n")
    assert got.code == 0, got.err
    for warning in (
        "a message has 128 bits, and a run of the agent credits 256 or none",
        "set message-bytes higher, or bits-per-byte, if the source is known to have "
        "more",
        "set device to a hardware generator\n",
        "start the producer once the clock is right",
        "run sqs-entropy-producer by what starts your services",
    ):
        assert warning in got.err


def test_a_unit_that_does_not_start_is_told(machine: Machine) -> None:
    machine.systemd()
    machine.write("run/bin/systemctl", "#!/bin/sh\nexit 1\n")
    got = machine.setup(machine.arn, answers=KEYS + "\n")
    failed(got, 78, "service", "run systemctl status sqs-entropy-producer to see why")
    assert (
        "install systemd-timesyncd, or let the unit of another NTP client be wanted by "
        "time-sync.target"
    ) in got.err


def until(master: int, text: str) -> str:
    """What a terminal shows up to some text."""
    seen = b""

    def look() -> bool:
        nonlocal seen
        seen += os.read(master, 4096)
        return text.encode() in seen

    wait_until(look)
    return seen.decode()


def test_a_terminal_shows_questions_and_no_secret(machine: Machine) -> None:
    master, slave = pty.openpty()
    process = machine.start("--setup", machine.arn, terminal=slave)
    try:
        until(master, '"profile" of root\'s: ')
        os.write(master, b"key\n")
        until(master, "access key id: ")
        os.write(master, ACCESS.encode() + b"\n")
        until(master, "secret access key (not shown): ")
        quiet = termios.tcgetattr(slave)[3]
        assert not quiet & (termios.ECHO | termios.ICANON | termios.ISIG)
        os.write(master, b"wrong\x15x\x7f" + SECRET.encode() + b"\n")
        shown = until(master, "session token, if there is one (not shown): ")
        assert SECRET not in shown
        # Ctrl-C: the terminal is as it was.
        os.write(master, b"abc\x03")
        shown = until(master, "stopped; what was done before stays")
        assert "abc" not in shown
        assert process.wait() != 0
        mode = termios.tcgetattr(slave)[3]
        assert mode & termios.ECHO
        assert mode & termios.ICANON
        assert mode & termios.ISIG
    finally:
        os.close(master)
        os.close(slave)
    assert not machine.aws.exists()


@pytest.mark.parametrize(
    "option", [["--device", "/dev/x"], ["--queue", "q"], ["--once"], ["--json"]]
)
def test_what_setup_would_ignore_is_refused(
    machine: Machine, option: list[str]
) -> None:
    got = machine.setup(machine.arn, *option, answers=KEYS)
    assert got.code == 64
    assert option[0] in got.err
    assert machine.queue.depth() == (0, 0)


def test_another_file_than_the_services_is_refused(machine: Machine) -> None:
    machine.systemd()
    got = machine.setup(machine.arn, "-c", "/etc/other.conf", answers=KEYS)
    assert got.code == 64
    assert (
        "the service reads /etc/sqs-entropy/producer.conf: start --setup without "
        "--config" in got.err
    )
    assert machine.asked() == []


def test_a_service_that_a_condition_skips_is_not_called_started(
    machine: Machine,
) -> None:
    machine.systemd()
    (machine.root / "run/skipped").touch()
    got = machine.setup(machine.arn, answers=KEYS)
    failed(got, 78, "service", "run systemctl status sqs-entropy-producer to see why")


def test_an_interrupt_leaves_a_service_that_ran(machine: Machine) -> None:
    machine.systemd()
    assert machine.setup(machine.arn, answers=KEYS + "\n").code == 0
    machine.asked()
    file = machine.aws / "credentials"
    file.write_text(file.read_text().replace("AKIA", "AKIB"))
    stop = machine.root / "run/asked"
    terminal, other = pty.openpty()
    try:
        process = machine.start("--setup", "--yes", terminal=other)
        wait_until(lambda: stop.exists() and f"stop {UNIT}" in stop.read_text())
        process.send_signal(signal.SIGINT)
        process.wait(timeout=FOR_EVER)
    finally:
        os.close(terminal)
        os.close(other)
    assert (machine.root / "run/active").exists()
