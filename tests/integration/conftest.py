# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder share: see aid/fixtures.py."""

from __future__ import annotations

import importlib

import pytest

# Asserts of helpers show their values too.
pytest.register_assert_rewrite("aid")

# Before any thread is started, which would go on without the users.
importlib.import_module("aid.users")

pytest_plugins = ["aid.fixtures"]
