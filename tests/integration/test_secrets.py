# SPDX-License-Identifier: Apache-2.0
"""Secrets in memory, in core files, in logs and in the status."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import resource
import secrets
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aid import certificates
from aid.compromised import ARN, Compromised, end, message
from aid.forge import FLEETS, Fleet, Message, Producer, arn_of, send
from aid.halves import Half, halves
from aid.imds import Imds
from aid.memory import Image
from aid.payload import noise
from aid.programs import AGENT, PRODUCER, STARTUP, TEN, Runner
from aid.queue import REGION, Moto, Queue
from aid.sqsproxy import SqsProxy
from aid.wait import FOR_EVER, PATIENCE, wait_until
from aid.watch import leaked

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="not root: the halves hide their memory"
)
COUNT, SIZE = 10, 512  # messages of a burst
ACCESS_KEY = "AKIDEXAMPLE"


@dataclass
class Images:
    """Both halves of a program at one moment."""

    online: Image
    offline: Image

    @classmethod
    def of(cls, both: tuple[Half, Half]) -> Images:
        """Take an image of each half."""
        return cls(*(Image.of(half.pid) for half in both))


def issued(imds: Imds) -> tuple[str, str]:
    """The secret key and the session token that the metadata service gives."""
    values = json.loads(imds.document())
    return values["SecretAccessKey"], values["Token"]


LATEST = 2  # payloads: 1,024 bytes, as far as the lag test looks back


def secret_of(file: Path) -> bytes:
    """The 32 bytes of a key file."""
    return base64.b64decode(file.read_text().split()[1])


@dataclass
class Running:
    """A producer that sends a burst and then pauses."""

    key: bytes
    payloads: list[bytes]
    sending: Images  # the answer to the burst was held back
    pausing: Images  # the burst was sent


def produce(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    tmp_path: Path,
    env: dict[str, str],
    extra: str = "",
) -> Running:
    """Run a producer, and take images while it sends and while it pauses."""
    key = tmp_path / "signing.key"
    assert run(PRODUCER, "--genkey", key).code == 0
    data = noise(STARTUP + COUNT * SIZE)
    source = tmp_path / "source"
    os.mkfifo(source)
    writer = os.open(source, os.O_RDWR)
    os.write(writer, data)
    file = tmp_path / "producer.conf"
    lines = f'queue = "{queue.url}"\nsigning-key = "{key}"\nburst = {COUNT}\n'
    file.write_text(lines + extra)
    gate = threading.Event()
    proxy.fault("SendMessageBatch", gate=gate)
    process = run.start(PRODUCER, "-c", file, "-d", source, env=env)
    wait_until(lambda: bool(proxy.matching("SendMessageBatch")))
    both = halves(process)
    both[0].wait_idle()
    sending = Images.of(both)
    before = both[0].switches()
    gate.set()
    both[0].wait_idle(before)
    pausing = Images.of(both)
    process.send_signal(signal.SIGTERM)
    os.close(writer)
    ended = run.finish(process)
    assert (ended.code, queue.depth()[0]) == (0, 10), ended.err
    data = data[STARTUP:]
    payloads = [data[i : i + SIZE] for i in range(0, len(data), SIZE)]
    return Running(secret_of(key), payloads, sending, pausing)


def check_producer(it: Running, secret: str, token: str) -> None:
    """What holds for a producer with and without TLS and sealing."""
    for images in it.sending, it.pausing:
        assert images.online.find(it.key) == []
        assert len(images.offline.find(it.key)) == 1
        assert images.offline.find(secret) == []
        assert images.offline.find(token) == []
        # The health tests compare with the latest bytes of the source.
        for payload in it.payloads[:-LATEST]:
            assert images.offline.find(payload) == []
    for payload in it.payloads:
        assert it.pausing.online.find(payload) == []
    # The credentials themselves, until they expire: one copy, and none of those
    # that libcurl made of the request's headers.
    assert len(it.pausing.online.find(secret)) == 1
    assert len(it.pausing.online.find(token)) == 1


@needs_root
def test_the_producers_memory_holds_secrets_where_it_must(
    run: Runner, queue: Queue, proxy: SqsProxy, imds: Imds, tmp_path: Path
) -> None:
    it = produce(run, queue, proxy, tmp_path, run.env)
    check_producer(it, *issued(imds))
    # So the search does find what is there.
    assert all(it.sending.online.find(payload) for payload in it.payloads)


@pytest.fixture
def open_bundle() -> Iterator[certificates.Certificate]:
    """Give a certificate that a user without rights can read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield certificates.make(Path(folder))


@needs_root
def test_tls_and_sealing_leave_no_secret_in_memory(
    run: Runner,
    queue: Queue,
    moto: Moto,
    imds: Imds,
    tmp_path: Path,
    open_bundle: certificates.Certificate,
) -> None:
    fleet = Fleet()
    to = tmp_path / "fleet.pub"
    line = base64.b64encode(fleet.public_key).decode()
    to.write_text(f"sqs-entropy-x25519 {line}\n")
    with SqsProxy(moto.url, keep=True, tls=open_bundle.tls) as proxy:
        env = {
            **run.env,
            "AWS_ENDPOINT_URL_SQS": proxy.url,
            "AWS_CA_BUNDLE": open_bundle.path,
        }
        it = produce(run, queue, proxy, tmp_path, env, f'seal-to = "{to}"\n')
    check_producer(it, *issued(imds))
    # In the clear they never get there.
    for payload in it.payloads:
        assert it.sending.online.find(payload) == []
    for sealed in queue.receive():
        assert it.pausing.online.find(base64.b64decode(sealed["Body"])) == []


def given_by(how: str, run: Runner, imds: Imds) -> tuple[dict[str, str], str, str]:
    """The environment, the secret key and the session token by one kind of source."""
    if how == "imds":
        return run.env, *issued(imds)
    secret, token = secrets.token_urlsafe(30), secrets.token_urlsafe(300)
    env = dict(run.env)
    if how == "environment":
        env["AWS_ACCESS_KEY_ID"] = ACCESS_KEY
        env["AWS_SECRET_ACCESS_KEY"] = secret
        env["AWS_SESSION_TOKEN"] = token
        return env, secret, token
    folder = Path(env["HOME"], ".aws")
    folder.mkdir()
    file = folder / "credentials"
    file.touch(0o600)
    file.write_text(
        f"[default]\naws_access_key_id = {ACCESS_KEY}\n"
        f"aws_secret_access_key = {secret}\naws_session_token = {token}\n"
    )
    return env, secret, token


@needs_root
@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("imds", "x25519"),
        ("environment", "x25519"),
        ("file", "x25519"),
        ("imds", "xwing"),
    ],
    indirect=["kind"],
)
def test_the_agents_memory_holds_secrets_where_it_must(
    run: Runner,
    queue: Queue,
    proxy: SqsProxy,
    imds: Imds,
    tmp_path: Path,
    how: str,
    kind: str,
) -> None:
    env, secret, token = given_by(how, run, imds)
    producer, fleet = Producer(), FLEETS[kind]()
    (tmp_path / "trusted.d").mkdir()
    producer.trust(tmp_path / "trusted.d")
    fleet.key_file(tmp_path / "fleet")
    clear = secrets.token_bytes(SIZE)
    sealed = producer.message(arn_of(queue), payload=clear, to=fleet.public_key)
    signed = producer.message(arn_of(queue))
    send(queue, sealed, signed)
    file = tmp_path / "agent.conf"
    file.write_text(
        f'queue = "{queue.url}"\nmessages = 2\n'
        f'trusted-producers = "{tmp_path}/trusted.d"\nseal-key = "{tmp_path}/fleet"\n'
    )
    gates = [threading.Event(), threading.Event()]
    proxy.fault("ReceiveMessage", gate=gates[0])
    proxy.fault("DeleteMessageBatch", gate=gates[1])
    output = tmp_path / "output"
    process = run.start(AGENT, "-c", file, "-t", "300", "-o", output, env=env)
    wait_until(lambda: bool(proxy.matching("ReceiveMessage")))
    both = halves(process)
    both[0].wait_idle()
    receiving = Images.of(both)
    offline_environ = Path(f"/proc/{both[1].pid}/environ").read_bytes()
    gates[0].set()
    wait_until(lambda: bool(proxy.matching("DeleteMessageBatch")))
    both[0].wait_idle()
    deleting = Images.of(both)
    gates[1].set()
    got = run.finish(process)
    assert got.code == 0, got.err
    assert output.read_bytes() == clear + signed.payload

    fleet_key = fleet.secret_bytes
    for images in receiving, deleting:
        assert images.online.find(fleet_key) == []
        assert len(images.offline.find(fleet_key)) == 1
        assert images.offline.find(secret) == []
        assert images.offline.find(token) == []
        assert images.online.find(clear) == []
        assert images.offline.find(signed.payload) == []
        # The environment stays where the kernel put it, and the file was read
        # ahead of the loss of the right to read it.
        extra = {"imds": 0, "environment": 1, "file": 1}[how]
        assert len(images.online.find(secret)) == 1 + extra
    assert receiving.online.find(signed.payload) == []
    assert deleting.online.find(signed.payload) != []
    assert not leaked(secret, offline_environ.decode("latin-1"))
    assert not leaked(token, offline_environ.decode("latin-1"))


@needs_root
def test_a_key_that_came_by_the_role_is_kept_by_the_other_half_alone(
    run: Runner, queue: Queue, proxy: SqsProxy, moto: Moto, tmp_path: Path
) -> None:
    """Neither itself, nor as the text that the parameter holds."""
    fleets = [Fleet(), Fleet()]
    texts = [fleet.key_file(tmp_path / "key").read_text() for fleet in fleets]
    name = f"/{queue.name}"
    for text in texts:
        moto.client("ssm").put_parameter(
            Name=name, Value=text, Type="SecureString", Overwrite=True
        )
    sealed = Producer().message(arn_of(queue), to=fleets[1].public_key)
    send(queue, sealed)
    file = tmp_path / "agent.conf"
    file.write_text(f'queue = "{queue.url}"\nseal-key = "ssm:{name}"\n')
    gate = threading.Event()
    proxy.fault("ReceiveMessage", gate=gate)
    output = tmp_path / "output"
    env = {**run.env, "AWS_ENDPOINT_URL_SSM": moto.url, "AWS_REGION": REGION}
    process = run.start(AGENT, "-c", file, "-t", "300", "-o", output, env=env)
    wait_until(lambda: bool(proxy.matching("ReceiveMessage")))
    both = halves(process)
    both[0].wait_idle()
    images = Images.of(both)
    gate.set()
    got = run.finish(process)
    assert got.code == 0, got.err
    for fleet, text in zip(fleets, texts):
        key = fleet.secret.private_bytes_raw()
        assert len(images.offline.find(key)) == 1
        assert images.online.find(key) == []
        coded = text.split()[1].encode()
        assert images.offline.find(coded) == []
        assert images.online.find(coded) == []


@needs_root
def test_what_was_injected_is_gone_from_memory(
    compromised: Compromised, kind: str
) -> None:
    """The online half stays, so that the offline half waits and can be looked at."""
    fleet, clear = FLEETS[kind](), secrets.token_bytes(SIZE)
    fleet.key_file(compromised.directory / "fleet")
    producer = compromised.producer
    sealed = producer.message(ARN, payload=clear, to=fleet.public_key)
    signed = producer.message(ARN)
    unsigned = Message(secrets.token_bytes(SIZE))
    data = b"".join(map(message, (sealed, signed, unsigned))) + end(0, 3, 3)
    compromised.output = str(compromised.directory / "output")
    process = compromised.start("stay", "-t", "6", data=data)
    output = Path(compromised.output)
    wait_until(lambda: output.exists() and output.stat().st_size == 3 * SIZE)
    # It closes the pair once it is done, and waits for the other half's end.
    wait_until(lambda: Half(process.pid).sockets() == 0)
    image = Image.of(process.pid)
    got = compromised.finish(process)
    assert got.code == 0, got.err
    assert output.read_bytes() == clear + signed.payload + unsigned.payload
    gone = {
        "opened": clear,
        "sealed": sealed.payload,
        "signed": signed.payload,
        "unsigned": unsigned.payload,
    }
    if kind == "xwing":
        # What the seed was expanded to, ML-KEM's halves and X25519's.
        keys = hashlib.shake_256(fleet.secret_bytes).digest(96)
        gone |= {"d": keys[:32], "z": keys[32:64], "X25519": keys[64:]}
    assert {n: found for n, data in gone.items() if (found := image.find(data))} == {}


# Core files.


def no_core_pattern() -> str | None:
    """The reason why a core file would not be in the working directory, or None."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern.startswith("|") or "/" in pattern:
        return f"core files do not go to the working directory here: {pattern}"
    return None


needs_core = pytest.mark.skipif(
    no_core_pattern() is not None, reason=str(no_core_pattern())
)


def dumpable() -> None:
    """Run in a child: let it leave core files of any size."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def run_and_break(run: Runner, victim: str, tmp_path: Path, *args: str | Path) -> None:
    """Start a program in a folder of its own, and have one half crash."""
    folder = tmp_path / victim
    folder.mkdir()
    folder.chmod(0o777)
    process = run.start(*map(str, args), cwd=folder, preexec_fn=dumpable)
    online, offline = halves(process)
    os.kill((online if victim == "online" else offline).pid, signal.SIGSEGV)
    # The other half ends as well, long before its own deadline or interval.
    run.finish(process, timeout=PATIENCE)
    assert list(folder.iterdir()) == []


@needs_core
def test_a_core_file_would_be_seen(tmp_path: Path) -> None:
    process = subprocess.Popen(["sleep", "600"], cwd=tmp_path, preexec_fn=dumpable)
    process.send_signal(signal.SIGSEGV)
    process.wait(timeout=FOR_EVER)
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("core files are off for all here")
    assert list(tmp_path.iterdir()) != []


@needs_core
@pytest.mark.parametrize("victim", ["online", "offline"])
def test_the_agent_leaves_no_core(
    run: Runner, queue: Queue, proxy: SqsProxy, tmp_path: Path, victim: str
) -> None:
    proxy.fault("ReceiveMessage", count=None, end="silence")
    args = ("-q", queue.url, "-o", os.devnull, "-t", "60")
    run_and_break(run, victim, tmp_path, AGENT, *args)


@needs_core
@pytest.mark.parametrize("victim", ["online", "offline"])
def test_the_producer_leaves_no_core(
    run: Runner, queue: Queue, tmp_path: Path, victim: str
) -> None:
    """The queue has enough messages, so that the producer pauses."""
    send(queue, *(Message(noise(SIZE, seed)) for seed in range(COUNT)))
    source = tmp_path / "source"
    source.write_bytes(noise(SIZE))
    run_and_break(run, victim, tmp_path, PRODUCER, *TEN, "-q", queue.url, "-d", source)


# What is shown.


@pytest.mark.parametrize("how", ["imds", "environment", "file"])
def test_no_secret_is_said_or_written(
    run: Runner, queue: Queue, imds: Imds, tmp_path: Path, how: str
) -> None:
    """Logs at the highest level, the status and all files that stay are searched."""
    env, secret, token = given_by(how, run, imds)
    key = tmp_path / "signing.key"
    made = run(PRODUCER, "--genkey", key)
    (tmp_path / "trusted.d").mkdir()
    (tmp_path / "trusted.d/p.pub").write_bytes(made.out)
    source = tmp_path / "source"
    source.write_bytes(noise(STARTUP + COUNT * SIZE))
    ours, theirs = tmp_path / "producer.conf", tmp_path / "agent.conf"
    ours.write_text(f'signing-key = "{key}"\nburst = {COUNT}\n')
    theirs.write_text(f'trusted-producers = "{tmp_path}/trusted.d"\n')
    common = ("-vv", "-q", queue.url)
    sent = run(PRODUCER, "--once", *common, "-c", ours, "-d", source, env=env)
    assert sent.code == 0, sent.err
    taken = run(
        AGENT, *common, "-c", theirs, "-m", "10", "-o", tmp_path / "out", env=env
    )
    assert taken.code == 0, taken.err
    status = run(AGENT, "--status", "--json", env=env)
    assert status.code == 0, status.err
    said = [sent.err, taken.err, made.out.decode(), status.out.decode()]
    said += [sent.out.decode("latin-1"), taken.out.decode("latin-1")]
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        files = Path(env[name]).iterdir()
        said += [file.read_bytes().decode("latin-1") for file in files]
    text = "\n".join(said)
    payload = source.read_bytes()[STARTUP : STARTUP + SIZE]
    coded = base64.b64encode(payload).decode()
    line = key.read_text().split()[1]
    raw = (payload, secret_of(key))
    for hidden in (secret, token, line, coded, *(r.hex() for r in raw)):
        assert not leaked(hidden, text)
    for bits in raw:
        assert not leaked(bits.decode("latin-1"), text)
