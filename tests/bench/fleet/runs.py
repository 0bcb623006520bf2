# SPDX-License-Identifier: Apache-2.0
"""Runs of the simulation, and what their lines say."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("BUILD", "build")
SIMULATE = BUILD / "tests/bench/fleet/simulate"
ENOUGH = 0.99  # served at the first try: a depth that is enough
FULL = 0.97  # of the mark: a queue that is full again
MILLION = 1_000_000
# USD a million requests: list prices of us-east-1 and eu-west-1, read in June 2026.
STANDARD, FIFO = 0.40, 0.50
# SQS's counts: the sum of what eight servers tell, or what one of them does; each has
# its own lateness of 0 to 60 s, or another one at each look.
COUNTS = {
    "each server tells its part, steadily late": ("counts=sum", "servers=steady"),
    "each server tells its part, late by chance": ("counts=sum", "servers=drawn"),
    "one server tells the whole, steadily late": ("counts=one", "servers=steady"),
    "one server tells the whole, late by chance": ("counts=one", "servers=drawn"),
}


def share(served: list[int], groups: list[dict]) -> float:
    """Tell which share of the machines was served; one that died counts as none."""
    return sum(served) / sum(g["boots"] - g["died"] for g in groups)


@dataclass(frozen=True)
class Run:
    """What came of one seed."""

    line: dict = field(repr=False)

    def groups(self) -> list[dict]:
        """Give each storm, and the other boots."""
        return [g for g in (*self.line["storms"], self.line["other"]) if g["boots"]]

    def total(self, name: str) -> int:
        """Add up what all boots have of it."""
        return sum(group[name] for group in self.groups())

    @property
    def first(self) -> float:
        """The share of the boots that the first try served."""
        return share([g["first"] for g in self.groups()], self.groups())

    @property
    def worst(self) -> float:
        """The same, of the storm that was served worst."""
        return min(share([g["first"]], [g]) for g in self.line["storms"])

    @property
    def served(self) -> float:
        """The share that was served, then or later."""
        served = [g["first"] + g["retried"] for g in self.groups()]
        return share(served, self.groups())

    @property
    def over(self) -> int:
        """How far above its mark the queue was at its deepest."""
        return self.line["peak"] - self.line["mark"]

    def a_million(self, name: str) -> float:
        """What a million boots would have of it."""
        return self.line[name] * MILLION / self.total("boots")

    def requests(self) -> float:
        """All requests, a million boots."""
        kinds = ("looks", "sends", "receives", "deletes")
        return sum(self.a_million(kind) for kind in kinds)

    def full_after(self, since: int, step: int, spare: float) -> float | None:
        """Say how long after that second the queue was full again, in seconds.

        spare is what may be missing of its mark beside one part of 33.
        """
        trace = self.line["trace"][since // step :]
        enough = FULL * self.line["mark"] - spare
        low = next((k for k, n in enumerate(trace) if n < enough), None)
        if low is None:
            return 0
        for k, n in enumerate(trace[low:], low):
            if n >= enough:
                return k * step
        return None


# The product's settings, and what the simulation calls them.
SETTINGS = {
    "producer": {
        "depth": "depth",
        "producers": "sharing",
        "interval": "interval",
        "message-bytes": "bytes",
    },
    "agent": {"timeout": "timeout", "wait-time": "wait"},
}


def read_defaults() -> list[str]:
    """Give the defaults of the product, as settings of the simulation."""
    found = []
    for program, names in SETTINGS.items():
        command = [BUILD / f"tests/programs/settings_{program}"]
        said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        rows = {
            row["name"]: row["initial"] for row in json.loads(said.stdout)["settings"]
        }
        found += [f"{to}={rows[name]}" for name, to in names.items()]
    return found


def run(*settings: str, seeds: int = 20) -> list[Run]:
    """Run the simulation with the seeds from 1 on."""
    command = [SIMULATE, f"seeds=1-{seeds}", *settings]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return [Run(json.loads(line)) for line in said.stdout.splitlines()]


def run_all(cases: list[tuple[str, ...]], seeds: int = 20) -> list[list[Run]]:
    """Run several, as many at once as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda case: run(*case, seeds=seeds), cases))


def run_counts(*settings: str, seeds: int = 20) -> list[Run]:
    """Run it with each way in which SQS may count: all runs in one list."""
    cases = [(*settings, *how) for how in COUNTS.values()]
    return [one for runs in run_all(cases, seeds) for one in runs]


def find_depth(
    most: int, *settings: str, of: Callable[[Run], float], seeds: int = 5
) -> int | None:
    """Find the least depth with which all runs together have ENOUGH."""

    def is_enough(depth: int) -> bool:
        runs = run_counts(*settings, f"depth={depth}", seeds=seeds)
        return sum(of(one) for one in runs) >= ENOUGH * len(runs)

    if not is_enough(most):
        return None
    low, high = 0, most
    while high - low > max(1, high // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
