# SPDX-License-Identifier: Apache-2.0
"""TLS: whom the agent and the producer trust; others get no request."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from aid import certificates
from aid.attack import Attack, each, fails, fill
from aid.certificates import Certificate
from aid.queue import Queue
from aid.sqsproxy import SqsProxy
from aid.tls import Serve, bundled

# Trusted.


@pytest.mark.parametrize("how", ["variable", "setting"])
def test_a_bundle_is_trusted(
    attack: Attack,
    queue: Queue,
    serve: Serve,
    certificate: Certificate,
    conf: Callable[..., Path],
    generator: Path,
    how: str,
) -> None:
    proxy = serve(certificate)
    env = bundled(attack, proxy, certificate.path)
    settings = {"queue": queue.name}
    if how == "setting":
        del env["AWS_CA_BUNDLE"]
        settings["ca_bundle"] = certificate.path
    made = attack.producer(
        *("-d", generator, "-c", conf(burst=10, **settings)), env=env
    )
    assert made.code == 0, made.err
    got = attack.agent("-m", "10", "-c", conf(**settings), env=env)
    assert got.code == 0, got.err
    assert len(got.out) == 5120
    keys = [r.key for r in proxy.records]
    assert keys[3:] == ["GetQueueUrl", "ReceiveMessage", "DeleteMessageBatch"]
    assert len({r.connection for r in proxy.records[3:]}) == 1


def test_the_variable_is_before_the_setting(
    attack: Attack,
    queue: Queue,
    serve: Serve,
    certificate: Certificate,
    conf: Callable[..., Path],
    tmp_path: Path,
) -> None:
    [payload] = fill(queue)
    proxy = serve(certificate)
    file = conf(queue=queue.url, ca_bundle=certificates.make(tmp_path).path)
    env = bundled(attack, proxy, certificate.path)
    got = attack.agent("-c", file, env=env)
    assert (got.code, got.out) == (0, payload), got.err


def only(version: ssl.TLSVersion) -> Callable[[ssl.SSLContext], None]:
    """A change of a context that leaves the server one version of TLS."""

    def change(context: ssl.SSLContext) -> None:
        # OpenSSL 3 has TLS 1.1 at its lowest level of security only.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        context.minimum_version = version

    return change


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_tls_1_2_and_1_3_are_good_enough(
    attack: Attack, queue: Queue, serve: Serve, certificate: Certificate, version: str
) -> None:
    [payload] = fill(queue)
    proxy = serve(certificate, only(ssl.TLSVersion[version]))
    env = bundled(attack, proxy, certificate.path)
    got = attack.agent("-q", queue.url, env=env)
    assert (got.code, got.out) == (0, payload), got.err


# Not trusted.


def refused(
    attack: Attack, queue: Queue, proxy: SqsProxy, bundle: str | Path, *words: str
) -> None:
    """Check that the agent ends soon and without a request."""
    fill(queue)
    env = bundled(attack, proxy, bundle)
    got = attack.agent("-q", queue.url, env=env)
    fails(got, 69, "ReceiveMessage", f"127.0.0.1:{proxy.port}", *words)
    assert proxy.connections > 0
    assert proxy.records == []
    assert queue.depth() == (1, 0)


def test_a_ca_that_nobody_knows_is_refused(
    attack: Attack,
    queue: Queue,
    serve: Serve,
    certificate: Certificate,
    tmp_path: Path,
) -> None:
    other = certificates.make(tmp_path).path
    proxy = serve(certificate)
    refused(attack, queue, proxy, other, "certificate", "ca-bundle")


def test_a_ca_outside_the_systems_bundle_is_refused(
    attack: Attack, queue: Queue, serve: Serve, certificate: Certificate
) -> None:
    refused(attack, queue, serve(certificate), "", "certificate", "ca-bundle")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"begins": -2.0, "ends": -1.0}, ["certificate", "expired", "clock"]),
        ({"begins": 1.0, "ends": 2.0}, ["certificate", "not yet valid", "clock"]),
        ({"names": ("192.0.2.1",)}, ["certificate"]),
        ({"names": ("localhost",)}, ["certificate"]),
        ({"names": ("sqs.eu-west-1.amazonaws.com",)}, ["certificate"]),
    ],
    ids=["expired", "not yet", "other address", "other name", "SQS's own name"],
)
def test_a_certificate_of_another_time_or_name_is_refused(
    attack: Attack,
    queue: Queue,
    serve: Serve,
    tmp_path: Path,
    values: dict[str, object],
    words: list[str],
) -> None:
    certificate = certificates.make(tmp_path, **values)  # type: ignore[arg-type]
    refused(attack, queue, serve(certificate), certificate.path, *words)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_before_1_2_is_refused(
    attack: Attack, queue: Queue, serve: Serve, certificate: Certificate
) -> None:
    proxy = serve(certificate, only(ssl.TLSVersion.TLSv1_1))
    refused(attack, queue, proxy, certificate.path, "TLS 1.2")


def test_a_service_without_tls_is_refused(
    attack: Attack, queue: Queue, proxy: SqsProxy, certificate: Certificate
) -> None:
    fill(queue)
    env = bundled(attack, proxy, certificate.path)
    env["AWS_ENDPOINT_URL_SQS"] = proxy.url.replace("http:", "https:")
    got = attack.agent("-q", queue.url, env=env)
    fails(got, 69, "ReceiveMessage", "TLS")
    assert proxy.records == []
    assert queue.depth() == (1, 0)


def test_the_producer_sends_nothing_to_an_unknown_ca(
    attack: Attack,
    queue: Queue,
    serve: Serve,
    certificate: Certificate,
    tmp_path: Path,
    generator: Path,
) -> None:
    proxy = serve(certificate)
    env = bundled(attack, proxy, certificates.make(tmp_path).path)
    got = attack.producer("-q", queue.url, "-d", generator, env=env)
    fails(got, 69, "GetQueueAttributes", "certificate", "ca-bundle")
    assert proxy.records == []


def test_what_is_no_bundle_is_refused(
    attack: Attack,
    queue: Queue,
    serve: Serve,
    certificate: Certificate,
    tmp_path: Path,
) -> None:
    fill(queue)
    proxy = serve(certificate)
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("this is no certificate\n")
    names = ("missing", "empty", "text", ".")
    for bundle in each({name: tmp_path / name for name in names}):
        got = attack.agent("-q", queue.url, env=bundled(attack, proxy, bundle))
        fails(got, 78, "CA")
    assert proxy.records == []
    assert queue.depth() == (1, 0)
