# SPDX-License-Identifier: Apache-2.0
"""Runs of whole processes, in turn, and what they took."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from clients import Client


class Spread(NamedTuple):
    """A figure over some runs."""

    median: float
    low: float  # the quartiles
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """The median and the quartiles; of few values, what is nearest."""
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass
class Runs:
    """What the runs of one client took, in the order of the rounds."""

    client: Client
    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def spread(self, figure: str) -> Spread:
        """The median and quartiles of a figure."""
        return Spread.of(self.taken[figure])


class FailedError(Exception):
    """A client did not do its work."""


def timed(build: Path, client: Client, namespace: str = "") -> dict[str, float]:
    """Run a client once; its figures."""
    timer = str(build / "tests" / "bench" / "timed")
    done = subprocess.run(
        [timer, os.devnull, namespace, *client.command],
        env=client.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise FailedError(f"{client.name}: {done.stderr}")
    result = json.loads(done.stdout)
    if result["code"] != 0:
        raise FailedError(f"{client.name} ended with {result['code']}: {done.stderr}")
    return {
        "wall_ms": result["wall_ns"] / 1e6,
        "cpu_ms": (result["user_us"] + result["system_us"]) / 1e3,
        "rss_kib": result["rss_kib"],
        "faults": result["faults"],
    }


def in_turn(
    clients: list[Client],
    rounds: int,
    run: Callable[[Client], dict[str, float]],
) -> list[Runs]:
    """Run each client once a round, each second round in the other order.

    A round before the first one is not counted: it fills the caches.
    """
    all_runs = [Runs(client) for client in clients]
    for n in range(rounds + 1):
        for runs in all_runs if n % 2 == 0 else reversed(all_runs):
            figures = run(runs.client)
            for name, value in figures.items():
                if n > 0:
                    runs.taken[name].append(value)
    return all_runs


def ratio(one: Runs, other: Runs, figure: str) -> float:
    """The median over the rounds of one's figure over the other's."""
    pairs = zip(one.taken[figure], other.taken[figure])
    return statistics.median(a / b for a, b in pairs)
