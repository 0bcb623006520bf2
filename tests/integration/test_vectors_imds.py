# SPDX-License-Identifier: Apache-2.0
"""Where the metadata service is, against the cases of another SDK.

VECTORS=DIR names a folder that has smithy-rs of smithy-lang/smithy-rs.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

VECTORS = Path(os.environ.get("VECTORS", ""))
DATA = VECTORS / "smithy-rs/aws/rust-runtime/aws-config/test-data/imds-config"
ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("BUILD", "build") / "tests" / "programs" / "imds"

pytestmark = pytest.mark.skipif(
    not os.environ.get("VECTORS"),
    reason="VECTORS=DIR names no folder of published vectors",
)

# What a program that uses that SDK sets in its own code; ours have no such setting.
OVERRIDES = ("endpoint_override", "mode_override")
WRONG = 78


def test_endpoints_of_imds_are_as_published(tmp_path: Path) -> None:
    tests = json.loads((DATA / "imds-endpoint-tests.json").read_text())["tests"]
    apply = [test for test in tests if not any(name in test for name in OVERRIDES)]
    assert len(apply) >= 11
    assert len(tests) - len(apply) <= 3
    for number, test in enumerate(apply):
        home = tmp_path / str(number)
        home.mkdir()
        for name, text in test["fs"].items():
            (home / name).write_text(text)
        env = {"HOME": str(home), **test["env"]}
        done = subprocess.run(
            [TOOL], env=env, cwd=home, capture_output=True, text=True, check=False
        )
        if "Ok" in test["result"]:
            assert done.stdout == test["result"]["Ok"] + "\n", test["docs"]
        else:
            assert (done.returncode, done.stdout) == (WRONG, ""), test["docs"]
            # By name, the variable's or the key's.
            assert "ec2_metadata_service_endpoint" in done.stderr.lower()
