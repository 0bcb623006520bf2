# SPDX-License-Identifier: Apache-2.0
"""The page that the producer's example draws of a sample.

PLOT_PYTHON=FILE is a Python with matplotlib; "make check-plot" makes one.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from aid.payload import noise
from aid.programs import PRODUCER, Runner

SCRIPT = Path(__file__).resolve().parents[2] / "producer/plot_sample.py"
PYTHON = os.environ.get("PLOT_PYTHON", "")
USAGE, DATA = 64, 65

pytestmark = pytest.mark.skipif(
    not PYTHON, reason="PLOT_PYTHON=FILE names no Python with matplotlib"
)


def draw(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    return subprocess.run(
        [PYTHON, SCRIPT, *args], capture_output=True, text=True, check=False
    )


def test_a_dump_becomes_a_page(run: Runner, tmp_path: Path) -> None:
    source, sample = tmp_path / "source", tmp_path / "sample"
    source.write_bytes(noise(50_000))
    assert run(PRODUCER, "--assess", source, "--dump", sample).code == 0
    for size in (50_000, 256):
        sample.write_bytes(sample.read_bytes()[:size])
        page = tmp_path / f"{size}.png"
        done = draw(sample, page)
        assert (done.returncode, done.stdout) == (0, f"{page}\n"), done.stderr
        png = page.read_bytes()
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))
        assert width > 1000
        assert height > 700
    sample.write_bytes(bytes(1000))
    page = tmp_path / "zeros.svg"
    assert draw(sample, page).returncode == 0
    text = page.read_text()
    assert "Autocorrelation of the bytes" in text
    assert "1,000 bytes" in text


def test_what_cannot_be_drawn_is_told(tmp_path: Path) -> None:
    sample, page = tmp_path / "sample", tmp_path / "page.png"
    sample.write_bytes(noise(255))
    done = draw(sample, page)
    assert done.returncode == DATA
    assert "fewer than 256 bytes show nothing" in done.stderr
    assert not page.exists()
    assert draw(sample).returncode == USAGE
