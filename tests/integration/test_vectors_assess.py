# SPDX-License-Identifier: Apache-2.0
"""Estimates of min-entropy, against what NIST's own tool printed of its files.

VECTORS=DIR names a folder that has sp800-90b of usnistgov/SP800-90B_EntropyAssessment.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from aid.programs import PRODUCER, Runner

VECTORS = Path(os.environ.get("VECTORS", "")) / "sp800-90b"

pytestmark = pytest.mark.skipif(
    not os.environ.get("VECTORS"),
    reason="VECTORS=DIR names no folder of published vectors",
)

# What it prints, and what we call it.
SAME = {
    "Literal Most Common Value": "most_common_value",
    "Bitstring Most Common Value": "most_common_value_of_bits",
    "Bitstring Markov": "markov_of_bits",
}


def test_estimates_are_those_of_nists_tool(run: Runner) -> None:
    files = sorted((VECTORS / "bin").glob("*.bin"))
    assert len(files) >= 3
    for path in files:
        results = VECTORS / "cpp/selftest/refdata" / f"{path.stem}.res"
        printed = dict(
            re.findall(r"(.*) Estimate: min entropy = (\S+)", results.read_text())
        )
        got = run(PRODUCER, "--assess", path, "--json")
        assert got.code in (0, 65), got.err
        estimates = json.loads(got.out)["estimates"]
        for theirs, name in SAME.items():
            # They print 17 digits, we 15 decimals.
            assert abs(estimates[name] - float(printed[theirs])) < 1e-12, path
        assert estimates["least_per_byte"] == min(
            estimates["most_common_value"],
            8 * estimates["most_common_value_of_bits"],
            8 * estimates["markov_of_bits"],
        )
