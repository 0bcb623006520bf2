# SPDX-License-Identifier: Apache-2.0
"""The chart of docs/fleet.md.  It needs matplotlib (tests/requirements-plot.txt)."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from runs import run
from targets import ARTICLE, STORMS

matplotlib.use("Agg")  # no display

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

HOUR = 3600
STEP, LONG_STEP = 10, 240  # seconds between two samples of a queue
SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#555555")


def draw_storms(axes: Axes) -> None:
    """A queue during two storms of 1,000 boots."""
    cases = {
        "depth 1,000, two Pis": (),
        "one of the two Pis dead": ("speeds=4000,0",),
        "watermark 10, burst 10": ARTICLE,
    }
    for (name, settings), colour in zip(cases.items(), COLOURS, strict=False):
        (one,) = run(*STORMS, *settings, f"trace={STEP}", seeds=1)
        trace = one.line["trace"][: 2100 // STEP]
        minutes = [k * STEP / 60 for k in range(len(trace))]
        axes.plot(minutes, trace, color=colour, label=name, linewidth=1.3)
    axes.set_title("Two storms of 1,000 boots on top of 600 an hour")
    axes.set_xlabel("minutes")
    axes.set_ylabel("messages in the queue")
    axes.legend(loc="center right", framealpha=1, edgecolor="white")


def draw_sizes(axes: Axes) -> None:
    """What storms of many sizes get at the first try."""
    for depth, colour in zip((100, 1000, 10000), COLOURS, strict=False):
        served = []
        for boots in SIZES:
            runs = run("rate=600", f"storm={boots}@600/10", f"depth={depth}")
            served.append(100 * min(r.worst for r in runs))
        name = f"depth {depth:,}"
        axes.plot(SIZES, served, color=colour, marker="o", markersize=3, label=name)
    axes.set_xscale("log")
    axes.set_title("One storm, two Pis, worst of 20 seeds")
    axes.set_xlabel("boots in 10 s")
    axes.set_ylabel("served at the first try, %")
    axes.legend(loc="lower left", framealpha=1, edgecolor="white")


def draw_outage(axes: Axes) -> None:
    """A queue while both Pis are off for eight hours."""
    off = (2 * HOUR, 10 * HOUR)
    for depth, colour in zip((1000, 5000), COLOURS, strict=False):
        (one,) = run(
            "rate=600",
            f"depth={depth}",
            f"outage={off[0]}-{off[1]}",
            f"boots={14 * HOUR}",
            "tail=0",
            f"trace={LONG_STEP}",
            seeds=1,
        )
        trace = one.line["trace"]
        hours = [k * LONG_STEP / HOUR for k in range(len(trace))]
        axes.plot(hours, trace, color=colour, label=f"depth {depth:,}", linewidth=1.3)
    axes.axvspan(off[0] / HOUR, off[1] / HOUR, color="#dddddd", label="Pis off")
    axes.set_title("An outage of both Pis, 600 boots an hour")
    axes.set_xlabel("hours")
    axes.set_ylabel("messages in the queue")
    axes.legend(loc="center right", framealpha=1, edgecolor="white")


def draw(file: Path) -> None:
    """Write the chart; the file's ending says its format."""
    plt.rcParams["svg.hashsalt"] = "fleet"  # the same file each time
    plt.rcParams["svg.fonttype"] = "none"
    figure = plt.figure(figsize=(9, 7), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    draw_storms(figure.add_subplot(grid[0, :]))
    draw_sizes(figure.add_subplot(grid[1, 0]))
    draw_outage(figure.add_subplot(grid[1, 1]))
    for axes in figure.axes:
        axes.grid(color="#eeeeee")
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    bare = {".svg": {"Date": None, "Creator": None}}
    figure.savefig(file, metadata=bare.get(file.suffix))
