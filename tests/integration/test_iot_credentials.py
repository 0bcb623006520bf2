# SPDX-License-Identifier: Apache-2.0
"""Credentials of AWS IoT: a provider that demands a certificate of whoever asks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from aid import certificates
from aid.attack import Attack, answer, each, fails, fill
from aid.certificates import Certificate
from aid.halves import ids_of, needs_root
from aid.iot import Iot
from aid.programs import PRODUCER, Result
from aid.queue import REGION, Queue
from aid.sqsproxy import SqsProxy, service_error
from aid.users import PRODUCER_ONLINE
from aid.wait import wait_until

SETTINGS = (
    "iot-endpoint",
    "iot-role-alias",
    "iot-thing-name",
    "iot-certificate",
    "iot-private-key",
)


class Thing:
    """A machine that is a thing of AWS IoT, and an instance with a role as well."""

    def __init__(self, attack: Attack, iot: Iot, folder: Path) -> None:
        self.attack, self.iot, self.folder = attack, iot, folder
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        self.renew()
        self.settings = dict(
            zip(
                SETTINGS,
                (
                    iot.url[len("https://") :],
                    iot.alias,
                    iot.thing,
                    str(self.certificate),
                    str(self.key),
                ),
            )
        )

    def renew(self, accepted: bool = True, **values: Any) -> Certificate:
        """Put a new certificate and its key in place, by renaming them over."""
        with tempfile.TemporaryDirectory() as work:
            made = certificates.make(Path(work), ("thing",), **values)
            self.attack.secret(Path(made.key).read_text().splitlines()[1])
            if accepted:
                self.iot.accept(made)
            for source, target in ((made.key, self.key), (made.path, self.certificate)):
                new = self.folder / "new"
                shutil.copy(source, new)
                new.chmod(0o600)
                new.rename(target)
        return made

    def conf(self, queue: Queue, **values: Any) -> Path:
        """Write a configuration file; None takes a setting out."""
        settings = {"queue": queue.url, "region": REGION, **self.settings, **values}
        path = self.folder / "conf"
        path.write_text(
            "".join(
                f'{n} = "{v}"\n' if isinstance(v, str) else f"{n} = {v}\n"
                for n, v in settings.items()
                if v is not None
            )
        )
        return path

    def env(self, **values: str | None) -> dict[str, str]:
        """The environment, in which the provider is trusted."""
        return self.attack.env(AWS_CA_BUNDLE=self.iot.server.path, **values)

    def run(
        self,
        queue: Queue,
        timeout: int = 30,
        env: dict[str, str] | None = None,
        **values: Any,
    ) -> Result:
        """Run the agent."""
        got = self.attack.agent(
            "-c", self.conf(queue, **values), env=env or self.env(), timeout=timeout
        )
        assert not [s for s in self.iot.secrets if s in got.err]
        return got


@pytest.fixture
def thing(attack: Attack, bundle: Certificate) -> Iterator[Thing]:
    """Give such a machine; its instance's role never signs."""
    with Iot(bundle) as iot, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Thing(attack, iot, Path(folder))
        assert not iot.errors
    assert not attack.imds.matching("*security-credentials*")


def test_the_certificate_gives_credentials(
    thing: Thing, queue: Queue, proxy: SqsProxy
) -> None:
    """They go before the keys of the environment, because they are configured."""
    [payload] = fill(queue)
    secret = thing.attack.secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    env = thing.env(AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY=secret)
    got = thing.attack.agent("-v", "-c", thing.conf(queue), env=env)
    assert (got.code, got.out) == (0, payload), got.err
    assert thing.iot.issued is not None
    key = thing.iot.issued.credentials.access_key
    assert {r.note["access_key"] for r in proxy.records} == {key}
    assert f"access key {key} of role alias {thing.iot.alias} of AWS IoT" in got.err
    assert all(r.note["session"] for r in proxy.records)
    [record] = thing.iot.records
    assert record.key == f"GET /role-aliases/{thing.iot.alias}/credentials"
    assert record.note["thing"] == thing.iot.thing


BAD_SETTINGS: dict[str, dict[str, str | None]] = {
    **{f"no {name}": {name: None} for name in SETTINGS},
    "path": {"iot-endpoint": "host.example/path"},
    "plain": {"iot-endpoint": "http://127.0.0.1"},
    "user": {"iot-endpoint": "user@host.example"},
    "alias": {"iot-role-alias": "a/../b"},
    "long alias": {"iot-role-alias": "a" * 128 + "b"},
    "thing": {"iot-thing-name": "pi 1"},
    "no certificate": {"iot-certificate": "/nonexistent"},
    "no key": {"iot-private-key": "/nonexistent"},
    "device": {"iot-private-key": "/dev/zero"},
    "folder": {"iot-certificate": "/etc"},
}


def test_settings_that_cannot_be_are_refused_by_name(
    thing: Thing, queue: Queue, proxy: SqsProxy
) -> None:
    """By the service and by --check alike."""
    for values in each(BAD_SETTINGS):
        [name] = values
        fails(thing.run(queue, **values), 78, name)
        conf = thing.conf(queue, **values)
        fails(
            thing.attack.program(
                "sqs-entropy-agent", "--check", "-c", conf, env=thing.env()
            ),
            78,
            name,
        )
    assert thing.iot.records == proxy.records == []


def encrypted(thing: Thing) -> bytes:
    """The key with a pass phrase."""
    key = serialization.load_pem_private_key(thing.key.read_bytes(), None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"pass phrase"),
    )


def test_files_that_cannot_be_are_named(
    thing: Thing, queue: Queue, proxy: SqsProxy
) -> None:
    good, other = thing.key.read_bytes(), thing.certificate.read_bytes()
    cases = {
        "pass phrase": (encrypted(thing), "pass phrase"),
        "certificate for a key": (other, "holds no private key"),
        "nothing": (b"", "holds no private key"),
        "NUL": (good + b"\0", "holds no private key"),
        "cut": (good[: len(good) // 2] + b"PRIVATE KEY-----", "cannot be used"),
        "long": (good + b"#" * 70_000, "over 65536 bytes"),
    }
    for text, words in each(cases):
        thing.key.write_bytes(text)
        fails(thing.run(queue), 78, str(thing.key), words)
    thing.key.write_bytes(good)
    for mode in each({"all": 0o604, "group writes": 0o660, "list": 0o601}):
        thing.key.chmod(mode)
        fails(thing.run(queue), 78, str(thing.key), "open to other users", "chmod")
    thing.key.chmod(0o600)
    before = thing.certificate.read_bytes()
    thing.renew()
    thing.certificate.write_bytes(before)
    fails(thing.run(queue), 78, str(thing.key), "belong together")
    assert thing.iot.records == proxy.records == []


REFUSED: dict[str, tuple[dict[str, Any], int, list[str]]] = {
    "policy": (
        {"status": 403, "body": '{"message":"Access Denied"}'},
        77,
        ["Access Denied", "iot:AssumeRoleWithCertificate"],
    ),
    "alias": (
        {"status": 404, "body": '{"message":"Role alias does not exist"}'},
        77,
        ["no such alias", "Role alias does not exist"],
    ),
    "redirect": ({"status": 302}, 69, ["HTTP 302", "iot-endpoint"]),
    "text": (answer(b"<html>x</html>"), 69, ["no such JSON document"]),
    "empty": (answer(b"{}"), 69, ["no such JSON document"]),
    "null": (answer(b'{"credentials":null}'), 69, ["no such JSON document"]),
    "nothing": (answer(b'{"credentials":{}}'), 69, ["accessKeyId is missing"]),
    "huge": ({"pad": 1 << 20}, 69, ["too large"]),
}


def test_each_refusal_of_the_provider_is_said(
    thing: Thing, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for fault, code, words in each(REFUSED):
        thing.iot.clear()
        thing.iot.fault("GET *", **{**fault, "count": None})
        fails(thing.run(queue), code, "AWS IoT", *words)
    thing.iot.clear()
    for name in each({n: n for n in thing.iot.members}):
        kept = thing.iot.members
        thing.iot.members = tuple(n for n in kept if n != name)
        fails(thing.run(queue), 69, f"{name} is missing")
        thing.iot.members = kept
    fails(thing.run(queue, **{"iot-thing-name": "pi-2"}), 77, "Access Denied")
    assert proxy.records == []


def test_a_certificate_that_is_not_accepted_is_named(
    thing: Thing, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    thing.renew(accepted=False)
    fails(thing.run(queue), 77, "AWS IoT", "active", str(thing.certificate))
    thing.renew(begins=-2.0, ends=-1.0)
    fails(thing.run(queue), 77, "AWS IoT", "expired", str(thing.certificate))
    assert thing.iot.records == proxy.records == []


def test_a_provider_that_is_not_trusted_gets_no_request(
    thing: Thing, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    fails(thing.run(queue, env=thing.attack.env()), 69, "AWS IoT", "certificate")
    assert thing.iot.records == proxy.records == []


PASSING: dict[str, tuple[str, dict[str, Any]]] = {
    "busy": ("GET *", {"status": 503}),
    "dropped": ("GET *", {"end": "drop"}),
    "silent": ("GET *", {"end": "silence"}),
    "no handshake": ("connect", {"end": "reset"}),
}


def test_what_passes_at_the_provider_is_waited_for(thing: Thing, queue: Queue) -> None:
    fill(queue, len(PASSING))
    for match, fault in each(PASSING):
        thing.iot.fault(match, **fault)
        got = thing.run(queue)
        assert got.code == 0, got.err


def test_silence_ends_with_the_deadline(
    thing: Thing, queue: Queue, proxy: SqsProxy
) -> None:
    fill(queue)
    for match in each({"answer": "GET *", "handshake": "connect"}):
        thing.iot.clear()
        thing.iot.fault(match, count=None, end="silence")
        fails(thing.run(queue, timeout=3), 69, "AWS IoT")
    assert proxy.records == []


def share(thing: Thing) -> None:
    """Let the group of the online half, which has its own, read both files."""
    group = ids_of(PRODUCER_ONLINE, os.getgid())[1]
    for path in (thing.certificate, thing.key):
        os.chown(path, -1, group)
        path.chmod(0o640)


def test_a_producer_that_runs_on_follows_the_certificate(
    thing: Thing, queue: Queue, generator: Path
) -> None:
    """Renewed by renaming, in a folder that the online half may read."""
    proxy = thing.attack.proxy
    share(thing)
    file = thing.conf(queue, interval=1, burst=1, **{"low-watermark": 1000})
    process = thing.attack.run.start(
        PRODUCER, "-d", generator, "-c", file, env=thing.env()
    )
    wait_until(lambda: bool(proxy.matching("SendMessage*")))
    first = [r.note.get("access_key") for r in proxy.records if not r.faulty][-1]
    thing.renew()
    share(thing)
    thing.iot.rotate()
    expired = service_error("ExpiredTokenException", "expired", status=403)
    proxy.fault("SendMessage*", **expired)
    wait_until(lambda: proxy.records[-1].note.get("access_key") not in (None, first))
    process.terminate()
    got = thing.attack.run.finish(process)
    assert got.code == 0, got.err


@needs_root
def test_a_producer_that_cannot_read_a_renewed_key_ends(
    thing: Thing, queue: Queue, generator: Path
) -> None:
    """Both files are root's alone: a service manager starts it anew."""
    proxy = thing.attack.proxy
    file = thing.conf(queue, interval=1, burst=1, **{"low-watermark": 1000})
    process = thing.attack.run.start(
        PRODUCER, "-d", generator, "-c", file, env=thing.env()
    )
    wait_until(lambda: bool(proxy.matching("SendMessage*")))
    thing.renew()
    expired = service_error("ExpiredTokenException", "expired", status=403)
    proxy.fault("SendMessage*", **{**expired, "count": None})
    got = thing.attack.run.finish(process)
    assert got.code == 69, got.err
    assert "can be read only by a process that starts now" in got.err
    assert str(thing.certificate) in got.err
