# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder share with the integration tests, and an account."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from aid.queue import Moto

pytest.register_assert_rewrite("aid")

# Before any thread is started, which would go on without the users.
importlib.import_module("aid.users")

pytest_plugins = ["aid.fixtures"]


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """Give moto with CloudFormation, for all that aid.queue's is for."""
    from aid.account import account

    with account() as served:
        yield served
