# SPDX-License-Identifier: Apache-2.0
"""Draws results.json as a chart: chart.py RESULTS SVG."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

OURS, OTHERS = "#c2410c", "#64748b"
COLOURS = {
    "agent": OURS,
    "producer": OURS,
    "curl, hashed folder": "#0369a1",
    "boto3 consumer": "#15803d",
    "aws receive, delete": "#7e22ce",
    "pollinate": "#a16207",
}


def draw_points(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Wall time of each client, with its quartiles, on a logarithmic axis."""
    for place, row in enumerate(rows):
        median, low, high = row["wall_ms"]
        axes.errorbar(
            median,
            place,
            xerr=[[median - low], [high - median]],
            fmt="o",
            color=COLOURS.get(row["client"], OTHERS),
            capsize=3,
        )
        label = f"{median:.0f} ms"
        space = {"xytext": (8, 0), "textcoords": "offset points"}
        axes.annotate(label, (high, place), va="center", **space)
    medians = [row["wall_ms"][0] for row in rows]
    axes.set_yticks(range(len(rows)), [row["client"] for row in rows])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(min(medians) / 2, max(medians) * 5)
    axes.set_xlabel("wall, ms (logarithmic)")
    axes.set_title("One message, TLS, no latency")
    axes.grid(visible=True, axis="x", alpha=0.3)


def draw_lines(axes: Any, rows: list[dict[str, Any]], delays: list[int]) -> None:
    """Wall time over latency; the slope in round trips stands in the legend."""
    for row in rows:
        axes.plot(
            delays,
            [row[f"at_{delay}"][0] for delay in delays],
            marker="o",
            color=COLOURS.get(row["client"], OTHERS),
            label=f"{row['client']}: {row['slope']:.1f} round trips",
        )
    axes.set_yscale("log")
    axes.set_xlabel("latency in each direction, ms")
    axes.set_ylabel("wall, ms (logarithmic)")
    axes.set_title("The same, with latency to SQS")
    axes.legend(fontsize="small")
    axes.grid(visible=True, alpha=0.3)


def main() -> None:
    """Draw it."""
    result = json.loads(Path(sys.argv[1]).read_text())
    mpl.rcParams["svg.hashsalt"] = "bench"  # the same file for the same figures
    mpl.rcParams["svg.fonttype"] = "none"  # text as text: half the size
    slow = result["slow"].get("https") or []
    figure, axes = plt.subplots(
        1, 2 if slow else 1, figsize=(12 if slow else 7, 4.6), layout="constrained"
    )
    draw_points(axes[0] if slow else axes, result["consumers"]["https"])
    if slow:
        draw_lines(axes[1], slow, result["delays_ms"])
    figure.savefig(sys.argv[2], metadata={"Date": None})


if __name__ == "__main__":
    main()
