# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a machine for each release of cloud-init that is to be tried."""

from __future__ import annotations

import re

import pytest
from boots import TREES, Machine, version_of


@pytest.fixture(scope="session", params=TREES, ids=version_of)
def machine(request: pytest.FixtureRequest) -> Machine:
    """Give machines with each release."""
    numbers = re.findall(r"\d+", version_of(request.param))
    return Machine(request.param, tuple(map(int, numbers[:3])))
