# SPDX-License-Identifier: Apache-2.0
"""Directives of cloud-config, good and bad, and the module that reads them."""

from __future__ import annotations

import base64
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "cloud-init"


def load(name: str) -> ModuleType:
    """A module of cloud-init/, loaded anew each time: nothing installs it here."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def key(number: int, comment: str = "") -> str:
    """A public key, as --genkey prints one."""
    text = base64.b64encode(bytes([number]) * 32).decode()
    return f"sqs-entropy-ed25519 {text}" + (f" {comment}" if comment else "")


URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/entropy"
K = key(1)
SECRET = base64.b64encode(b"secret" * 5 + b"!!").decode()

# The value of sqs_entropy, in YAML.
GOOD = [
    "{}",
    f"{{queue: {URL}}}",
    f"queue: {URL}\nmessages: 2\ntrusted_producers: [ {K} ]\nrequired: false",
    "queue: entropy.fifo\nregion: us-gov-west-1",
    "queue: http://127.0.0.1:5000/1/q",
    "queue: arn:aws:sqs:eu-west-1:123456789012:entropy",
    "queue: arn:aws-us-gov:sqs:us-gov-west-1:123456789012:entropy.fifo",
    "queue: https://[::1]:4566/000000000000/q.fifo",
    "queue: " + 80 * "q",
    "queue: " + 75 * "q" + ".fifo",
    f"queue: [ {URL}, 'arn:aws-cn:sqs:cn-north-1:123456789012:q', entropy.fifo ]",
    "queue: [ entropy ]\nqueue_order: random",
    "queues: [ " + ", ".join(f"q{i}" for i in range(8)) + " ]\nqueue_order: given",
    "{messages: 1, timeout: 1}",
    "{messages: 10, timeout: 300}",
    "{timeout: 2, wait_time: 0}",
    "wait_time: 300",
    "messages: 0x0a",
    "fallback: none",
    "{fallback: kms, wait_time: 0}",
    "unsigned: mix",
    "unsigned: credit\nunsigned_bits_per_byte: 0.1",
    "unsigned: 'refuse'\nunsigned_bits_per_byte: 8",
    "unsigned_bits_per_byte: 1.0e-9",
    "endpoint_url: https://sqs.eu-west-1.amazonaws.com",
    "endpoint_url: https://vpce.example.com:8443/",
    "use_fips_endpoint: true",
    "{use_fips_endpoint: no, use_dualstack_endpoint: yes}",
    "https_proxy: http://proxy.example.com:3128",
    "https_proxy: 'https://user:pass%40word@[fd00::1]:443/'\nno_proxy: '*'",
    "no_proxy: '.amazonaws.com, 10.0.0.0/8,[::1],localhost'",
    "{imds_endpoint_mode: IPv6, use_fips_endpoint: true}",
    "ca_bundle: /etc/ssl/certs/ca-certificates.crt",
    "ca_bundle: '/x/ \"quoted\" \\ ${HOME} $(id) `id` #;='",
    'ca_bundle: "/\\u00e9/\\u65e5\\u672c/\\U0001f511"',
    "seal_key: /etc/sqs-entropy/seal.key",
    "seal_key: /" + 1022 * "k",
    "seal_key: ssm:/entropy/seal-key",
    "seal_key: ssm:a",
    "seal_key: 'ssm:arn:aws:ssm:eu-west-1:123456789012:parameter/a:3'",
    "required: true",
    "required: no",
    "trusted_producers: []",
    "trusted_producers:\n" + "".join(f"- {key(i)}\n" for i in range(32)),
    f"trusted_producers: [ {K}, {K} ]",
    f'trusted_producers: [ "{K} pi, in the \\u00e9 cellar #1" ]',
    f"trusted_producers: [ '{K} ' ]",
    f"trusted_producers: [ '{K}  {510 * 'c'}' ]",
]

# The same, and what the complaint begins with behind "sqs_entropy".
BAD = [
    ("", ":"),
    ("true", ":"),
    ("[]", ":"),
    ("queue", ":"),
    ("42", ":"),
    ("quue: x", ".quue: no such key"),
    ("endpoint-url: https://x", ".endpoint-url: no such key: write endpoint_url"),
    ("Queue: x", ".Queue"),
    ("output: /etc/passwd", ".output"),
    ("profile: admin", ".profile"),
    ("trusted-producers: [x]", ".trusted-producers"),
    ('"a\\nb\\u001b[31m": 1', ".a?b"),
    ('"a\\u009b31m": 1', ".a?31m"),
    ("queue: ''", ".queue"),
    ("queue:", ".queue"),
    ("queue: 5", ".queue"),
    ("queue: []", ".queue"),
    ("queue: [a, b, a]", ".queue: [2]: 'a' is given twice"),
    ("queue: [a, '', b]", ".queue: [1]"),
    ("queue: [a, [b]]", ".queue: [1]"),
    ('queue: [a, "b\\n"]', ".queue: [1]"),
    ("queues: a", ".queues"),
    ("queues: []", ".queues"),
    ("queues: {a: b}", ".queues"),
    ("queues: [a, 5]", ".queues: [1]"),
    ("queues: [ " + ", ".join(f"q{i}" for i in range(9)) + " ]", ".queues"),
    ("queues: [a]\nqueue: b", ".queues: not beside queue"),
    ("queue_order: Random", ".queue_order"),
    ("queue_order: [given]", ".queue_order"),
    ("queue: {a: b}", ".queue"),
    ("queue: two words", ".queue"),
    ("queue: entropy/x", ".queue"),
    ("queue: https://sqs.eu-west-1.amazonaws.com/entropy", ".queue"),
    ("queue: https://sqs.eu-west-1.amazonaws.com/1/entropy/", ".queue"),
    ("queue: ftp://host/1/q", ".queue"),
    ("queue: arn:aws:sqs:eu-west-1:1:entropy", ".queue"),
    ("queue: arn:aws:sns:eu-west-1:123456789012:entropy", ".queue"),
    ("queue: arn:aws:sqs:eu-west-1:123456789012:a.b", ".queue"),
    ("queue: file:///etc/passwd", ".queue"),
    ("queue: https://user:password@host/1/q", ".queue"),
    ("queue: https://host/1/q?x=y", ".queue"),
    ("queue: " + 81 * "q", ".queue"),
    ("queue: " + 76 * "q" + ".fifo", ".queue"),
    ("queue: https://host/1/" + 600 * "q", ".queue"),
    ('queue: "entropy\\n"', ".queue"),
    ('queue: "a\\noutput = \\"/etc/shadow\\""', ".queue"),
    ('queue: "a\\0"', ".queue"),
    ('queue: "entr\\u00f6py"', ".queue"),
    ("region: EU-WEST-1", ".region"),
    ("region: eu west", ".region"),
    ('region: "eu-west-1\\n"', ".region"),
    ("region: " + 64 * "r", ".region"),
    ("region: ''", ".region"),
    ("endpoint_url: sqs.eu-west-1.amazonaws.com", ".endpoint_url"),
    ("endpoint_url: https://", ".endpoint_url"),
    ("endpoint_url: https://host/path", ".endpoint_url"),
    ('endpoint_url: "https://host\\n"', ".endpoint_url"),
    ("https_proxy: proxy.example.com:3128", ".https_proxy"),
    ("https_proxy: socks5://proxy", ".https_proxy"),
    ("https_proxy: http://", ".https_proxy"),
    ("https_proxy: http://proxy/path", ".https_proxy"),
    ("https_proxy: 'http://pro xy'", ".https_proxy"),
    ('https_proxy: "http://proxy\\n"', ".https_proxy"),
    ("https_proxy: http://" + 505 * "p", ".https_proxy"),
    ("https_proxy:", ".https_proxy"),
    ("no_proxy: ''", ".no_proxy"),
    ("no_proxy: [a, b]", ".no_proxy"),
    ('no_proxy: "a\\tb"', ".no_proxy"),
    ("no_proxy: $(id)", ".no_proxy"),
    ("imds_endpoint_mode: ipv6", ".imds_endpoint_mode"),
    ("imds_endpoint_mode: 6", ".imds_endpoint_mode"),
    ("use_fips_endpoint: 'true'", ".use_fips_endpoint"),
    ("use_fips_endpoint:", ".use_fips_endpoint"),
    ("use_dualstack_endpoint: 1", ".use_dualstack_endpoint"),
    ("ca_bundle: ca.pem", ".ca_bundle"),
    ("ca_bundle: ~/ca.pem", ".ca_bundle"),
    ("ca_bundle: ''", ".ca_bundle"),
    ('ca_bundle: "/x\\n"', ".ca_bundle"),
    ('ca_bundle: "/\\x7f"', ".ca_bundle"),
    ('ca_bundle: "/\\u009b"', ".ca_bundle"),
    ('ca_bundle: "/\\ud800"', ".ca_bundle"),
    ("ca_bundle: /" + 1023 * "c", ".ca_bundle"),
    ("seal_key: true", ".seal_key"),
    ("seal_key: 'ssm:'", ".seal_key"),
    ("seal_key: 'ssm::3'", ".seal_key"),
    ("seal_key: 'ssm:a:'", ".seal_key"),
    ("seal_key: ssm:a b", ".seal_key"),
    ('seal_key: "ssm:a\\n"', ".seal_key"),
    (f"seal_key: sqs-entropy-x25519-secret {SECRET}", ".seal_key"),
    ("fallback: KMS", ".fallback"),
    ("fallback: true", ".fallback"),
    ("messages: 11", ".messages: 11 is not from 1 to 10"),
    ("messages: 0", ".messages: 0 is not from 1 to 10"),
    ("messages: -1", ".messages"),
    ("messages: 2.0", ".messages"),
    ("messages: '2'", ".messages"),
    ("messages: true", ".messages"),
    ("messages:", ".messages"),
    ("messages: [1]", ".messages"),
    ("timeout: 301", ".timeout: 301 is not from 1 to 300"),
    ("timeout: 0", ".timeout"),
    ("timeout: 10s", ".timeout"),
    ("wait_time: 301", ".wait_time: 301 is not from 0 to 300"),
    ("wait_time: -1", ".wait_time"),
    ("wait_time: true", ".wait_time"),
    ("unsigned: Mix", ".unsigned"),
    ("unsigned: yes", ".unsigned"),
    ("unsigned: [mix]", ".unsigned"),
    ("unsigned_bits_per_byte: 8.1", ".unsigned_bits_per_byte"),
    ("unsigned_bits_per_byte: -0.1", ".unsigned_bits_per_byte"),
    ("unsigned_bits_per_byte: '1'", ".unsigned_bits_per_byte"),
    ("unsigned_bits_per_byte: .inf", ".unsigned_bits_per_byte"),
    ("unsigned_bits_per_byte: true", ".unsigned_bits_per_byte"),
    ("required: 'true'", ".required"),
    ("required: 1", ".required"),
    ("required:", ".required"),
    (f"trusted_producers: {K}", ".trusted_producers"),
    (f"trusted_producers: {{a: {K}}}", ".trusted_producers"),
    ("trusted_producers:", ".trusted_producers"),
    (f"trusted_producers: [ {K}, 5 ]", ".trusted_producers[1]"),
    (f"trusted_producers: [ {K[20:]} ]", ".trusted_producers[0]"),
    (f"trusted_producers: [ {K[:-1]} ]", ".trusted_producers[0]"),
    (f"trusted_producers: [ {K}= ]", ".trusted_producers[0]"),
    (f"trusted_producers: [ {K}pi ]", ".trusted_producers[0]"),
    (f"trusted_producers: [ ' {K}' ]", ".trusted_producers[0]"),
    (f"trusted_producers: [ '{K[:19]}  {K[20:]}' ]", ".trusted_producers[0]"),
    (f"trusted_producers: [ '{K[:19]}\t{K[20:]}' ]", ".trusted_producers[0]"),
    (f"trusted_producers:\n- |\n  {K}\n", ".trusted_producers[0]"),
    (f'trusted_producers: [ "{K} a\\n{K}" ]', ".trusted_producers[0]"),
    (f'trusted_producers: [ "{K} \\udc00" ]', ".trusted_producers[0]"),
    (f"trusted_producers: [ '{K} {512 * 'c'}' ]", ".trusted_producers[0]"),
    ("trusted_producers: [ sqs-entropy-x25519 " + K[20:] + " ]", ".trusted_producers"),
    # 31 and 33 bytes, unused bits set, another alphabet.
    (f"trusted_producers: [ {K[:-3]}== ]", ".trusted_producers[0]"),
    (f"trusted_producers: [ {K[:-1]}B ]", ".trusted_producers[0]"),
    (f"trusted_producers: [ {K[:-2]}B= ]", ".trusted_producers[0]"),
    (f"trusted_producers: [ {K[:-3]}-_= ]", ".trusted_producers[0]"),
    (
        f"trusted_producers: [ sqs-entropy-ed25519-secret {SECRET} ]",
        ".trusted_producers[0]: this is a secret key",
    ),
    (
        "trusted_producers:\n" + "".join(f"- {key(i)}\n" for i in range(33)),
        ".trusted_producers: 33 keys",
    ),
]


def yaml_value(text: str) -> Any:
    """The value that cloud-init would read."""
    return yaml.safe_load(text)


def schema() -> dict[str, object]:
    """The JSON schema beside the module."""
    return json.loads((FOLDER / "schema.json").read_text())
