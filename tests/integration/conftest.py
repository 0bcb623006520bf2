# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder share: see aid/fixtures.py."""

from __future__ import annotations

import pytest

# Asserts of helpers show their values too.
pytest.register_assert_rewrite("aid")

pytest_plugins = ["aid.fixtures"]
