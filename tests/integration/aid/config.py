# SPDX-License-Identifier: Apache-2.0
"""Configuration files of the programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def conf(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes a configuration file."""

    def write(**values: object) -> Path:
        path = tmp_path / "test.conf"
        lines = [
            f"{name.replace('_', '-')} = "
            + (f'"{value}"' if isinstance(value, str) else str(value))
            for name, value in values.items()
        ]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write
