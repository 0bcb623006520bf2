# SPDX-License-Identifier: Apache-2.0
"""Which credentials are used, and which are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aid.attack import Attack, each, fails, fill
from aid.payload import noise
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def key(name: str) -> str:
    """An access key whose text names its source."""
    return f"AKIA{name.upper():0<16}"


def keys(name: str, secret: str = SECRET) -> str:
    """The two lines of a shared file for an access key of that name."""
    return f"aws_access_key_id = {key(name)}\naws_secret_access_key = {secret}\n"


@pytest.fixture
def shared(attack: Attack) -> Callable[..., None]:
    """Give a function that writes the shared files."""

    def write(
        credentials: str | bytes | None = None, config: str | None = None
    ) -> None:
        folder = Path(attack.run.env["HOME"]) / ".aws"
        folder.mkdir(exist_ok=True)
        for name, text in (("credentials", credentials), ("config", config)):
            if text is not None:
                (folder / name).write_bytes(text.encode())

    attack.secret(SECRET)
    return write


def used(proxy: SqsProxy) -> str:
    """The one access key with which all requests were signed."""
    [access_key] = {record.note["access_key"] for record in proxy.records}
    return access_key


def untouched(attack: Attack, queue: Queue, proxy: SqsProxy) -> None:
    """Check that neither SQS nor IMDS was asked for anything."""
    assert proxy.records == []
    assert queue.depth() == (1, 0)
    assert not attack.imds.matching("*security-credentials*")


# Order.


def test_the_environment_is_before_the_file(
    attack: Attack, queue: Queue, proxy: SqsProxy, shared: Callable[..., None]
) -> None:
    [payload] = fill(queue)
    shared("[default]\n" + keys("file"))
    env = attack.env(
        AWS_ACCESS_KEY_ID=key("env"),
        AWS_SECRET_ACCESS_KEY=SECRET,
        AWS_SESSION_TOKEN=attack.secret("session-token-of-the-environment"),
    )
    got = attack.agent("-q", queue.url, env=env)
    assert (got.code, got.out) == (0, payload), got.err
    assert used(proxy) == key("env")
    assert all(record.note["session"] for record in proxy.records)


def test_the_file_is_before_imds(
    attack: Attack, queue: Queue, proxy: SqsProxy, shared: Callable[..., None]
) -> None:
    [payload] = fill(queue)
    shared("[default]\n" + keys("file") + f"region = {REGION}\n")
    got = attack.agent("-q", queue.url)
    assert (got.code, got.out) == (0, payload), got.err
    assert used(proxy) == key("file")
    assert not any(record.note["session"] for record in proxy.records)
    assert attack.imds.connections == 0


def test_imds_comes_last(attack: Attack, queue: Queue, proxy: SqsProxy) -> None:
    fill(queue)
    assert attack.agent("-q", queue.url).code == 0
    assert used(proxy).startswith("ASIA")
    assert all(record.note["session"] for record in proxy.records)


def test_empty_variables_are_not_set(
    attack: Attack, queue: Queue, proxy: SqsProxy, shared: Callable[..., None]
) -> None:
    fill(queue)
    shared("[default]\n" + keys("file"))
    env = attack.env(
        AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_PROFILE="", AWS_REGION=""
    )
    assert attack.agent("-q", queue.url, env=env).code == 0
    assert used(proxy) == key("file")


BOTH = f"""# two profiles
[default]
{keys("default")}
[other]   ; a comment
{keys("other")}
aws_session_token = a-token-of-another-profile
s3 =
  region = nowhere
[third]
region = {REGION}
"""


@pytest.mark.parametrize(
    ("variable", "setting", "expected"),
    [
        (None, None, "default"),
        ("other", None, "other"),
        (None, "other", "other"),
        ("other", "default", "other"),
        ("default", "other", "default"),
        ("configured", None, "configured"),
    ],
)
def test_the_profile_is_the_one_that_is_named(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    shared: Callable[..., None],
    conf: Callable[..., Path],
    variable: str | None,
    setting: str | None,
    expected: str,
) -> None:
    fill(queue)
    attack.secret("a-token-of-another-profile")
    shared(BOTH, "[profile configured]\n" + keys("configured"))
    settings = {"queue": queue.url, **({"profile": setting} if setting else {})}
    env = attack.env(AWS_PROFILE=variable)
    got = attack.agent("-c", conf(**settings), env=env)
    assert got.code == 0, got.err
    assert used(proxy) == key(expected)
    assert proxy.records[0].note["session"] is (expected == "other")


def test_the_shared_file_may_be_elsewhere(
    attack: Attack, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    fill(queue)
    attack.secret(SECRET)
    (tmp_path / "c").write_text("[default]\n" + keys("elsewhere"))
    env = attack.env(AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "c"))
    assert attack.agent("-q", queue.url, env=env).code == 0
    assert used(proxy) == key("elsewhere")


# Wrong.


@pytest.mark.parametrize("how", ["variable", "setting"])
def test_a_profile_that_is_not_there_is_named(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    shared: Callable[..., None],
    conf: Callable[..., Path],
    how: str,
) -> None:
    fill(queue)
    shared(BOTH)
    if how == "variable":
        got = attack.agent("-q", queue.url, env=attack.env(AWS_PROFILE="nobody"))
    else:
        got = attack.agent("-c", conf(queue=queue.url, profile="nobody"))
    fails(got, 78, "profile nobody", ".aws/credentials", "AWS_PROFILE")
    untouched(attack, queue, proxy)


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_half_a_pair_in_the_environment_is_refused(
    attack: Attack, queue: Queue, proxy: SqsProxy, missing: str
) -> None:
    fill(queue)
    attack.secret(SECRET)
    pair = {"AWS_ACCESS_KEY_ID": key("env"), "AWS_SECRET_ACCESS_KEY": SECRET}
    del pair[missing]
    got = attack.agent("-q", queue.url, env=attack.env(**pair))
    fails(got, 78, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together")
    untouched(attack, queue, proxy)


@pytest.mark.parametrize("missing", ["aws_access_key_id", "aws_secret_access_key"])
def test_half_a_pair_in_the_file_is_refused(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    shared: Callable[..., None],
    missing: str,
) -> None:
    fill(queue)
    lines = [line for line in keys("file").splitlines() if missing not in line]
    shared("[default]\n" + "\n".join(lines))
    fails(attack.agent("-q", queue.url), 78, "credentials", "default", missing)
    untouched(attack, queue, proxy)


IMPOSSIBLE = [
    ("AWS_SECRET_ACCESS_KEY", SECRET + "\n"),
    ("AWS_SECRET_ACCESS_KEY", SECRET + "\r\nX-Evil: 1"),
    ("AWS_SECRET_ACCESS_KEY", SECRET + " "),
    ("AWS_SECRET_ACCESS_KEY", SECRET + "\u00e9"),
    ("AWS_SECRET_ACCESS_KEY", SECRET * 10),
    ("AWS_SESSION_TOKEN", SECRET + "\nx"),
    ("AWS_SESSION_TOKEN", SECRET * 500),
    ("AWS_ACCESS_KEY_ID", "AKIA\r\nX-Evil: 1"),
]


def test_impossible_values_in_the_environment_are_refused(
    attack: Attack, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    attack.secret(SECRET)
    pair = {"AWS_ACCESS_KEY_ID": key("env"), "AWS_SECRET_ACCESS_KEY": SECRET}
    for name, value in each({f"{n} {v}": (n, v) for n, v in IMPOSSIBLE}):
        env = attack.env(**{**pair, name: value})
        got = attack.agent("-q", queue.url, env=env)
        fails(got, 78, "environment", "set them anew")
    untouched(attack, queue, proxy)


MALFORMED = [
    (f"aws_secret_access_key = {SECRET}\n[default]\n", 1),
    (f"[default]\naws_secret_access_key {SECRET}\n", 2),
    (f"[default]\n{keys('a')}[other\n", 4),
    (f"[default]\n{keys('a')}[]\n", 4),
    (f"[default] {SECRET}\n", 1),
    (f"# x\n\n[default]\n= {SECRET}\n", 4),
    (f"[default]\r\n{SECRET}\r\n", 2),
]


@pytest.mark.parametrize("name", ["credentials", "config"])
def test_a_malformed_line_is_named(
    attack: Attack,
    queue: Queue,
    proxy: SqsProxy,
    shared: Callable[..., None],
    name: str,
) -> None:
    fill(queue)
    for text, line in each({m[0]: m for m in MALFORMED}):
        shared(**{name: text})
        got = attack.agent("-q", queue.url)
        fails(got, 78, f".aws/{name}:{line}:", "KEY = VALUE")
    untouched(attack, queue, proxy)


def test_what_is_no_shared_file_is_named(
    attack: Attack, queue: Queue, proxy: SqsProxy, tmp_path: Path
) -> None:
    fill(queue)
    attack.secret(SECRET)
    good = "[default]\n" + keys("file")
    (tmp_path / "folder").mkdir()
    (tmp_path / "big").write_text(good + "# x\n" * 300_000)
    (tmp_path / "nul").write_bytes(good.encode() + b"\0")
    places = {n: str(tmp_path / n) for n in ("folder", "big", "nul")}
    places["null device"] = "/dev/zero"
    for path in each(places):
        env = attack.env(AWS_SHARED_CREDENTIALS_FILE=path)
        fails(attack.agent("-q", queue.url, env=env), 78, path)
    untouched(attack, queue, proxy)


def test_impossible_keys_in_the_file_are_refused(
    attack: Attack, queue: Queue, proxy: SqsProxy, shared: Callable[..., None]
) -> None:
    fill(queue)
    for secret in each({"space": SECRET + " x", "long": SECRET * 10}):
        shared("[default]\n" + keys("file", secret))
        got = attack.agent("-q", queue.url)
        fails(got, 78, "credentials", "profile default", "copy it anew")
    untouched(attack, queue, proxy)


# Seen by nobody.


def test_no_secret_is_shown_while_it_runs(
    attack: Attack, queue: Queue, proxy: SqsProxy, generator: Path
) -> None:
    proxy.fault(count=None, delay=0.1)
    made = attack.producer("-vv", "-q", queue.name, "-d", generator)
    assert made.code == 0, made.err
    got = attack.agent("-vv", "-q", queue.name)
    assert got.code == 0, got.err
    assert [name for _, name in attack.shown].count("cmdline") >= 2  # both halves
    # A token of IMDS each, and the role's secret key and session token.
    assert len(attack.imds.secrets) == 4
    data, said = noise(8192), got.err + made.err
    assert not [i for i in range(0, 512, 8) if data[i : i + 8].hex() in said]
