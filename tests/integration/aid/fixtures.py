# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: every fixture that tests of more than one file ask for."""

from __future__ import annotations

pytest_plugins = [
    "aid.aws",
    "aid.environment",
    "aid.programs",
    "aid.queue",
]
