# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: every fixture that tests of more than one file ask for."""

from __future__ import annotations

pytest_plugins = [
    "aid.attack",
    "aid.aws",
    "aid.compromised",
    "aid.config",
    "aid.connect",
    "aid.doctor",
    "aid.elasticmq",
    "aid.elsewhere",
    "aid.environment",
    "aid.machine",
    "aid.maker",
    "aid.manager",
    "aid.openssl",
    "aid.programs",
    "aid.queue",
    "aid.source",
    "aid.sts",
    "aid.tls",
    "aid.verdicts",
]
