# SPDX-License-Identifier: Apache-2.0
"""Configurations and command lines that are refused before anybody is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from aid.attack import Attack, each, fails, fill
from aid.programs import AGENT, PRODUCER, Result
from aid.queue import Queue
from aid.sqsproxy import SqsProxy

programs = pytest.mark.parametrize("program", [AGENT, PRODUCER])

GOOD = {
    AGENT: """# all of it
queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/entropy"
region = eu-west-1
endpoint-url = 'https://sqs.eu-west-1.amazonaws.com'
messages = 10
timeout = 300
trusted-producers = /etc/sqs-entropy/trusted.d
unsigned = refuse  # mix, credit
unsigned-bits-per-byte = 0.5
output = -
profile = seed
ca-bundle = /etc/ssl/certs/ca-certificates.crt
""",
    PRODUCER: """# all of it that this version has
queue = entropy.fifo
region = eu-west-1
endpoint-url = "https://sqs.eu-west-1.amazonaws.com"
device = /dev/hwrng
low-watermark = 100000
burst = 10000
interval = 86400
message-bytes = 16384
bits-per-byte = 0.1
profile = seed
ca-bundle = /etc/ssl/certs/ca-certificates.crt
""",
}

# Of both programs, after the line "queue = q"; the last word is in the complaint.
BAD_LINES = {
    "unknown": ("quue = x", "quue"),
    "wrong case": ("Region = eu-west-1", "Region"),
    "given twice": ("queue = other", "given twice"),
    "no equals": ("region eu-west-1", ":"),
    "rubbish": ("%$&", ":"),
    "html": ("<html>", ":"),
    "a section": ("section { }", ":"),
    "a list": ("region = {a, b}", ":"),
    "append": ("region += x", "write ="),
    "unclosed": ('region = "x', "must end on its line"),
    "environment": ('region = "${HOME}"', "environment variables are not replaced"),
    "include": ('include("/etc/passwd")', ":"),
    "comment of C": ("/* region */", "comments begin with #"),
    "over-long": (f"region = {'r' * 64}", "longer than the 63 characters"),
    "over-long queue": (f'profile = "{"p" * 10_000}"', "longer than the 127"),
    "control character": ("region = a\x01b", ":"),
}
BAD_VALUES = {
    AGENT: [
        ("messages", ["0", "11", "-1", "1.5", "ten", "''", "99999999999999999999"]),
        ("timeout", ["0", "301", "-5", "1e2", "0x10"]),
        ("unsigned", ["yes", "''", "MIX"]),
        ("unsigned-bits-per-byte", ["-0.1", "8.1", "nan", "inf", "1e0", "."]),
    ],
    PRODUCER: [
        ("low-watermark", ["0", "100001", "-1", "many"]),
        ("burst", ["0", "10001"]),
        ("interval", ["0", "86401"]),
        ("message-bytes", ["31", "16385", "512.0"]),
        ("bits-per-byte", ["0", "0.05", "8.01", "-1"]),
    ],
}


def checked(attack: Attack, program: str, *args: str | Path) -> Result:
    """Run --check, which may not connect to anything."""
    got = attack.program(program, "--check", *args, limit=1)
    assert attack.imds.connections == 0
    assert attack.proxy.connections == 0
    return got


@programs
def test_a_good_configuration_is_valid(
    attack: Attack, tmp_path: Path, program: str
) -> None:
    file = tmp_path / "good.conf"
    file.write_text(GOOD[program])
    got = checked(attack, program, "-c", file)
    assert (got.code, got.err) == (0, "")
    assert got.out.decode().endswith(f"{file}: valid\n")
    file.write_text("queue = q" if program == PRODUCER else "")
    assert checked(attack, program, "-c", file).code == 0


@programs
def test_a_bad_line_is_named(attack: Attack, tmp_path: Path, program: str) -> None:
    file = tmp_path / "bad.conf"
    for line, word in each(BAD_LINES):
        file.write_text(f"# comment\nqueue = q\n{line}\n")
        fails(checked(attack, program, "-c", file), 78, f"{file}:3:", word)
    for text in ("queue =\n", "queue\n", "queue"):
        file.write_text(text)
        fails(checked(attack, program, "-c", file), 78, f"{file}:", "KEY = VALUE")
    file.write_text("# comment\nqueue = q\n{")
    # Not only --check looks.
    fails(attack.program(program, "-c", file), 78, f"{file}:3:")
    assert attack.imds.connections == 0


# What only the run itself used to find; the last words are in the complaint.
BAD_PLACES = [
    ("queue", "https://[x/1/q", 'queue "https://[x/1/q"'),
    ("queue", "https://host:99999/1/q", "queue"),
    ("queue", "https://user@host/1/q", "is not a queue's URL"),
    ("queue", "https://host/../q", "is not a queue's URL"),
    ("queue", "https://host/q", "is not a queue's URL"),
    ("queue", "http://host.example/1/q", "plain http"),
    ("queue", "no queue", "is no queue name"),
    ("endpoint-url", "https://a:b:c", 'endpoint "https://a:b:c"'),
    ("endpoint-url", "ftp://host", 'endpoint "ftp://host"'),
    ("endpoint-url", "http://host.example", "plain http"),
    ("region", "Bad Region", "region"),
    ("ca-bundle", "/nonexistent.pem", "ca-bundle: cannot read"),
]


@programs
@pytest.mark.parametrize(("key", "value", "word"), BAD_PLACES)
def test_a_place_that_cannot_be_is_not_valid(
    attack: Attack, tmp_path: Path, program: str, key: str, value: str, word: str
) -> None:
    """An operator relies on --check, so it finds what only a run used to find."""
    settings = {"queue": "q", key: value}
    file = tmp_path / "bad.conf"
    file.write_text("".join(f'{k} = "{v}"\n' for k, v in settings.items()))
    names = ("AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL", "AWS_REGION")
    env = attack.env(AWS_CA_BUNDLE=None, **dict.fromkeys(names))
    got = attack.program(program, "--check", "-c", file, limit=1, env=env)
    fails(got, 78, word)
    assert (attack.imds.connections, attack.proxy.connections) == (0, 0)


@programs
def test_a_value_out_of_range_is_named(
    attack: Attack, tmp_path: Path, program: str
) -> None:
    file = tmp_path / "bad.conf"
    for key, values in BAD_VALUES[program]:
        for value in each({f"{key} {v}": v for v in values}):
            file.write_text(f"\n{key} = {value}\n")
            shown = value.strip("'")
            fails(checked(attack, program, "-c", file), 78, f"{file}:2: {key}:", shown)


@programs
def test_what_is_no_configuration_file_is_named(
    attack: Attack, tmp_path: Path, program: str
) -> None:
    (tmp_path / "big").write_text("# x\n" * 20_000)
    (tmp_path / "nul").write_bytes(b"queue = q\n\0region = r\n")
    (tmp_path / "binary").write_bytes(bytes(range(1, 256)) * 8)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    cases = {
        "missing": (tmp_path / "missing", "no such file"),
        "dangling": (tmp_path / "dangling", "no such file"),
        "a folder": (tmp_path, "not a regular file"),
        "a device": (Path("/dev/zero"), "not a regular file"),
        "too big": (tmp_path / "big", "larger than the 65536 bytes"),
        "nul": (tmp_path / "nul", "NUL"),
        "binary": (tmp_path / "binary", ":"),
        "long name": (tmp_path / ("x" * 300), "x"),
    }
    for file, word in each(cases):
        fails(checked(attack, program, "-c", file), 78, str(file)[:100], word)


USAGE = {
    "unknown": (["--queues", "q"], "--queues"),
    "short": (["-x"], "-x"),
    "no value": (["-q"], "-q"),
    "a value too many": (["--check=1"], "--check"),
    "an argument": (["queue"], "queue"),
}
AGENT_USAGE = {
    "no number": (["-m", "many"], "--messages"),
    "too many": (["-m", "11"], "1 to 10"),
    "too long": (["-t", "301"], "1 to 300"),
    "zero": (["-t", "0"], "1 to 300"),
    "long queue": (["-q", "q" * 600], "511 characters"),
    "long output": (["-o", "/" * 5000], "4095 characters"),
}


@programs
def test_wrong_usage_is_named(attack: Attack, program: str) -> None:
    cases = {**USAGE, **(AGENT_USAGE if program == AGENT else {})}
    for args, word in each(cases):
        fails(attack.program(program, *args), 64, word)
    assert attack.imds.connections == 0
    got = attack.program(AGENT, "-m", "11", "--best-effort")
    assert got.code == 0
    assert len(got.lines()) == 1


# Plain http.

PLAIN = [
    "http://192.0.2.1",
    "http://sqs.eu-west-1.amazonaws.com",
    "http://localhost.example",
    "http://127.0.0.1.example",
    "http://[2001:db8::1]",
    "http://169.254.169.253",
    "http://0.0.0.0",
    "http://10.0.0.1:8080",
    "HTTP://192.0.2.1",
]


def test_plain_http_goes_nowhere_else(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    # Whoever tries to reach somebody fails otherwise than with 78.
    for host in each({h: h for h in PLAIN}):
        env = attack.env(AWS_ENDPOINT_URL_SQS=None)
        got = attack.agent("-q", f"{host}/123456789012/entropy", env=env)
        fails(got, 78, "https")
        got = attack.agent("-q", queue.url, env=attack.env(AWS_ENDPOINT_URL_SQS=host))
        fails(got, 78, "https")
    assert proxy.records == []
    assert queue.depth() == (1, 0)


def test_what_is_no_endpoint_is_refused(attack: Attack, queue: Queue) -> None:
    endpoints = [
        "127.0.0.1",
        "ftp://127.0.0.1",
        "https://",
        "https://h/path",
        "x" * 600,
    ]
    for endpoint in each({e: e for e in endpoints}):
        env = attack.env(AWS_ENDPOINT_URL_SQS=endpoint)
        fails(attack.agent("-q", queue.url, env=env), 78, "endpoint")


def test_what_is_no_region_is_refused(attack: Attack, queue: Queue) -> None:
    for region in each({r: r for r in ("eu west", "../x", "r" * 64, "EU", "a.b/c")}):
        env = attack.env(AWS_REGION=region)
        fails(attack.agent("-q", queue.url, env=env), 78, "region", "eu-west-1")
