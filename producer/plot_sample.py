# SPDX-License-Identifier: Apache-2.0
"""Draws a page about a sample of a source: what its figures do not show.

usage: python3 plot_sample.py SAMPLE PAGE.png

SAMPLE is a file of bytes, such as "sqs-entropy-producer --assess --dump SAMPLE"
writes; of one that is larger, the first 16 MiB are taken.  The ending of the page
says its format: .png, .pdf or .svg.  It needs matplotlib (Debian:
python3-matplotlib), and belongs on a desk, not on the producer.

Histogram: how often each value came, from how often it should; outside the band is
one value of 370 by chance.  Bits: the first ones, line after line, 1 is black; the
eye finds stripes and patterns.  Autocorrelation: how much each byte says about the
one so many bytes later; outside the band is one of 370 by chance, and a peak is a
period.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")  # no display

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

MOST = 16 << 20  # bytes that are looked at
FEWEST = 256
IMAGE = 512  # bits a line, and lines at most
LAGS = 512
BAND = 3  # standard deviations: 1 in 370 is outside


def draw_histogram(axes: Axes, data: np.ndarray) -> None:
    """How often each value came, with the band of random bytes."""
    counts = np.bincount(data, minlength=256)
    expected = data.size / 256
    band = BAND * np.sqrt(expected * 255 / 256)
    axes.axhspan(expected - band, expected + band, color="tab:green", alpha=0.25)
    axes.axhline(expected, color="tab:green", linewidth=0.8)
    axes.vlines(np.arange(256), expected, counts, color="tab:blue", linewidth=1.4)
    low, high = min(counts.min(), expected - band), max(counts.max(), expected + band)
    room = 0.2 * (high - low)
    axes.set_ylim(max(0, low - room), high + room)
    axes.set_xlim(-1, 256)
    axes.set_xticks(range(0, 257, 32))
    axes.set_title("Histogram of the bytes")
    axes.set_xlabel("value")
    axes.set_ylabel("times")


def draw_bits(axes: Axes, data: np.ndarray) -> None:
    """The first bits, the highest of a byte first."""
    lines = min(IMAGE, data.size * 8 // IMAGE) or 1
    bits = np.unpackbits(data[: IMAGE * lines // 8])
    axes.imshow(
        bits.reshape(lines, -1), cmap="binary", interpolation="nearest", vmin=0, vmax=1
    )
    axes.set_title(f"The first {bits.size:,} bits, {bits.size // lines} a line")
    axes.set_xticks([])
    axes.set_yticks([])


def autocorrelation(data: np.ndarray, lags: int) -> np.ndarray:
    """The coefficients for 1 to that many bytes; all 1 where no byte differs."""
    centred = data - data.mean()
    spectrum = np.fft.rfft(centred, 2 * data.size)
    sums = np.fft.irfft(spectrum * spectrum.conj())[: lags + 1]
    return sums[1:] / sums[0] if sums[0] > 0 else np.ones(lags)


def draw_autocorrelation(axes: Axes, data: np.ndarray) -> None:
    """With the band of independent bytes."""
    lags = min(LAGS, data.size // 4)
    found = autocorrelation(data.astype(np.float64), lags)
    band = BAND / np.sqrt(data.size)
    axes.axhspan(-band, band, color="tab:green", alpha=0.25)
    axes.vlines(np.arange(1, lags + 1), 0, found, color="tab:blue", linewidth=1)
    most = max(1.5 * band, 1.1 * np.abs(found).max())
    axes.set_ylim(-most, most)
    axes.set_xlim(0, lags + 1)
    axes.set_title("Autocorrelation of the bytes")
    axes.set_xlabel("bytes later")
    axes.set_ylabel("coefficient")


def draw_page(name: str, data: np.ndarray, page: Path) -> None:
    """All three on a page."""
    figure = plt.figure(figsize=(11, 8), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    figure.suptitle(f"{name}: {data.size:,} bytes")
    draw_histogram(figure.add_subplot(grid[0, 0]), data)
    draw_autocorrelation(figure.add_subplot(grid[1, 0]), data)
    draw_bits(figure.add_subplot(grid[:, 1]), data)
    figure.savefig(page, dpi=130)
    plt.close(figure)


def main() -> int:
    """Read, draw, and say what was written."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 64
    sample, page = Path(sys.argv[1]), Path(sys.argv[2])
    with sample.open("rb") as file:
        data = np.frombuffer(file.read(MOST), dtype=np.uint8)
    if data.size < FEWEST:
        print(f"{sample}: fewer than {FEWEST} bytes show nothing", file=sys.stderr)
        return 65
    draw_page(sample.name, data, page)
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
