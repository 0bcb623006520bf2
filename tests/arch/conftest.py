# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder share with the integration tests."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("aid")

pytest_plugins = ["aid.fixtures"]
