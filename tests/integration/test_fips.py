# SPDX-License-Identifier: Apache-2.0
"""OpenSSL in FIPS mode: what works, and what is said of the rest.

Without FIPS_PROVIDERS, the folder that "make check-fips" fills, only a host whose
OpenSSL has nothing at all is tried.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from aid.attack import Attack
from aid.certificates import Certificate
from aid.forge import SEAL, SIGN
from aid.maker import Maker, make_key
from aid.programs import AGENT, PRODUCER, Result, Runner
from aid.queue import Queue
from aid.tls import Serve, bundled
from aid.verdicts import CREDIT

PROVIDERS = os.environ.get("FIPS_PROVIDERS", "")
ED25519, X25519, CHACHA20, MD5 = "Ed25519", "X25519", "ChaCha20-Poly1305", "MD5"
# What each provider has of these.
HAS = {"3.0": {ED25519, X25519}, "3.0-no": {X25519}, "3.5": {ED25519}}
# What helps where something is missing.
ADVICE = {
    "cannot make a key": "make it on another host",
    "xwing": "make it on another host, with OpenSSL 3.5 or later (Debian 13 has it)",
    "no request can be signed": (
        "look at which providers its configuration loads (openssl.cnf, OPENSSL_CONF)"
    ),
    "signing-key": "sign on another host, or remove it: messages earn no credit then",
    "seal-to": (
        "seal on another host, or remove it: messages are readable in the queue then"
    ),
    "seal-key": (
        "remove it, and have this host's queue filled with messages that are not sealed"
    ),
    "the keys in ": (
        "no signature can be verified; "
        "remove them to have messages mixed without credit"
    ),
}
NOTHING = """openssl_conf = start
[start]
providers = providers
alg_section = algorithms
[algorithms]
default_properties = fips=yes
[providers]
base = base
[base]
activate = 1
"""

real = pytest.mark.skipif(
    not PROVIDERS, reason="FIPS_PROVIDERS names no folder: make check-fips makes one"
)
provider = pytest.mark.parametrize("provider", HAS)
beside = pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside"])


def use(env: dict[str, str], provider: str, beside: bool) -> None:
    """Have programs use a provider, with the default one beside it or without."""
    folder = Path(PROVIDERS).resolve() / provider
    env["OPENSSL_MODULES"] = str(folder)
    env["OPENSSL_CONF"] = str(folder / ("beside.cnf" if beside else "alone.cnf"))


def refused(got: Result, what: str, *names: str) -> None:
    """Assert that a program asks for what is not there, and says so in one line."""
    assert (got.code, got.out) == (78, b""), got.err
    line = got.lines()[-1]
    assert f": {what}: OpenSSL on this host, which is in FIPS mode, has no " in line
    [advice] = [text for begin, text in ADVICE.items() if what.startswith(begin)]
    assert line.endswith(f" has no {' and no '.join(names)}: {advice}")
    assert "internal" not in got.err


def trust_nobody(maker: Maker) -> None:
    """Take all keys from those that the agent trusts."""
    for file in maker.judge.trusted.glob("*.pub"):
        file.unlink()


def test_without_any_provider_each_program_says_what_it_lacks(
    run: Runner, tmp_path: Path, conf: Callable[..., Path], source: Path, queue: Queue
) -> None:
    (tmp_path / "openssl.cnf").write_text(NOTHING)
    run.env["OPENSSL_CONF"] = str(tmp_path / "openssl.cnf")
    key = tmp_path / "new.key"
    for option, name in ((), ED25519), (("--seal",), X25519):
        made = run(PRODUCER, "--genkey", key, *option)
        refused(made, "cannot make a key", "random generator", name)
        assert not key.exists()
    file = conf(queue=queue.url)
    for command in (
        (PRODUCER, "--check", "-c", file),
        (PRODUCER, "--once", "-c", file, "-d", source),
        (AGENT, "--check", "-c", file),
        (AGENT, "-c", file, "-o", "-"),
    ):
        got = run(*command)
        refused(got, "no request can be signed", "SHA-256", "HMAC-SHA-256")
    assert queue.depth() == (0, 0)


@real
@provider
@beside
def test_what_a_provider_has_works_and_the_rest_is_named(
    maker: Maker, provider: str, beside: bool
) -> None:
    maker.sign()  # on another host, as those for sealing
    maker.seal()
    trust_nobody(maker)
    use(maker.run.env, provider, beside)
    has = HAS[provider]
    lacks = [n for n in (X25519, CHACHA20) if n not in has]
    file = maker.judge.directory / "new.key"
    for option, word, name in ((), SIGN, ED25519), (("--seal",), SEAL, X25519):
        made = maker.run(PRODUCER, "--genkey", file, *option)
        if name in has:
            assert (made.code, made.out.split()[0]) == (0, word.encode()), made.err
            file.unlink()
        else:
            refused(made, "cannot make a key", name)
    # The names of what lacks differ; what is there is not enough by itself.
    made = maker.run(PRODUCER, "--genkey", file, "--seal=xwing")
    assert (made.code, made.out) == (78, b""), made.err
    assert (
        " cannot make a key: OpenSSL on this host, which is in FIPS mode," in made.err
    )
    assert made.err.endswith(f": {ADVICE['xwing']}\n")
    assert (X25519 in made.err) == (X25519 not in has)
    assert not file.exists()
    # The signing key is the first to be read.
    which = ("seal-to", *lacks) if ED25519 in has else ("signing-key", ED25519)
    refused(maker.run(PRODUCER, "--check", "-c", maker.conf()), *which)
    refused(maker.once(), *which)
    refused(maker.judge.look().result, "seal-key", *lacks)
    assert maker.queue.depth() == (0, 0)


@real
@provider
@beside
def test_a_signed_message_is_credited_where_ed25519_is_there(
    maker: Maker, provider: str, beside: bool
) -> None:
    maker.sign()  # on another host
    sent = maker.once(burst=1)
    assert sent.code == 0, sent.err
    use(maker.run.env, provider, beside)
    if ED25519 not in HAS[provider]:
        refused(maker.once(), "signing-key", ED25519)
        trusted = f"the keys in {maker.judge.trusted}"
        refused(maker.judge.look().result, trusted, ED25519)
        trust_nobody(maker)
        got = maker.judge.look()
        assert (got.result.code, got.credit) == (0, 0), got.result.err
        return
    assert maker.judge.look("--strict").credit == CREDIT
    again = maker.once()
    assert again.code == 0, again.err
    got = maker.judge.look("--strict")
    assert (got.result.code, got.credit) == (0, CREDIT), got.result.err
    # TLS protects what MD5 does not.
    for told in again, got.result:
        assert ("has no MD5" in told.err) == (not beside), told.err


@real
@provider
@beside
def test_tls_and_signed_requests_work(
    attack: Attack,
    queue: Queue,
    serve: Serve,
    certificate: Certificate,
    conf: Callable[..., Path],
    generator: Path,
    provider: str,
    beside: bool,
) -> None:
    proxy = serve(certificate)
    env = bundled(attack, proxy, certificate.path)
    use(env, provider, beside)
    made = attack.producer(
        "-d", generator, "-c", conf(queue=queue.name, burst=10), env=env
    )
    assert made.code == 0, made.err
    got = attack.agent("-m", "10", "-c", conf(queue=queue.name), env=env)
    assert (got.code, len(got.out)) == (0, 5120), got.err


@real
@provider
def test_with_the_default_provider_preferred_only_where_needed_all_works(
    run: Runner, tmp_path: Path, provider: str
) -> None:
    use(run.env, provider, beside=True)
    text = Path(run.env["OPENSSL_CONF"]).read_text()
    (tmp_path / "openssl.cnf").write_text(text.replace("fips=yes", "?fips=yes"))
    run.env["OPENSSL_CONF"] = str(tmp_path / "openssl.cnf")
    sign, seal = tmp_path / "sign.key", tmp_path / "seal.key"
    make_key(run, sign)
    (tmp_path / "seal.pub").write_text(make_key(run, seal, "--seal"))
    (tmp_path / "producer.conf").write_text(
        f'queue = "q"\nsigning-key = "{sign}"\nseal-to = "{tmp_path}/seal.pub"\n'
    )
    got = run(PRODUCER, "--check", "-c", tmp_path / "producer.conf")
    assert got.code == 0, got.err
