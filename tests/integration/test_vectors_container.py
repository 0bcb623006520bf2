# SPDX-License-Identifier: Apache-2.0
"""Where a container's credentials are, against the cases of another SDK.

VECTORS=DIR names a folder that has smithy-rs of smithy-lang/smithy-rs.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

VECTORS = Path(os.environ.get("VECTORS", ""))
CASES = VECTORS / "smithy-rs/aws/rust-runtime/aws-config/test-data/ecs-tests.json"
ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "container"

pytestmark = pytest.mark.skipif(
    not os.environ.get("VECTORS"),
    reason="VECTORS=DIR names no folder of published vectors",
)

NOTHING_SET, REFUSED = 1, 78


def test_addresses_are_as_published() -> None:
    tests = json.loads(CASES.read_text())["tests"]
    assert len(tests) >= 11
    for test in tests:
        done = subprocess.run(
            [TOOL, "url"], env=test["env"], capture_output=True, text=True, check=False
        )
        if "Ok" in test["result"]:
            assert done.stdout == test["result"]["Ok"] + "\n", test["docs"]
        else:
            code = REFUSED if test["env"] else NOTHING_SET
            assert (done.returncode, done.stdout) == (code, ""), test["docs"]
