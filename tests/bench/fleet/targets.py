# SPDX-License-Identifier: Apache-2.0
"""What the fleet must do in the simulation, and that this can be missed."""

from __future__ import annotations

from runs import COUNTS, Run, read_defaults, run_counts

STORMS = ("rate=600", "storm=1000@600/10", "storm=1000@1200/10")
# What the article that this program follows does: bursts of ten below ten messages,
# looked for once a minute, and agents that look once.
ARTICLE = ("depth=0", "low-watermark=10", "burst=10", "wait=0", "retry=once")
FIRST = 0.97  # of all boots, in each run
MARK = 1000  # the depth that is the default
OVER, OVER_20 = 10 + MARK * 2 // 100, MARK * 10 // 100  # messages above the mark


def misses(runs: list[Run], most: int) -> list[str]:
    """Name what is missed in these runs."""
    found = []
    first, over = min(r.first for r in runs), max(r.over for r in runs)
    if first < FIRST:
        found.append(f"{100 * first:.1f} % served at the first try, not {FIRST:.0%}")
    if over > most:
        found.append(f"{over} messages above the mark, and {most} are allowed")
    return found


def describe(name: str, runs: list[Run]) -> str:
    """Give the figures of some runs on one line."""
    return (
        f"{name:<32} first try {100 * min(r.first for r in runs):5.1f} %, "
        f"a storm {100 * min(r.worst for r in runs):5.1f} %, "
        f"later {100 * min(r.served for r in runs):5.1f} %, "
        f"over the mark {max(r.over for r in runs)}"
    )


def check(seeds: int = 20) -> int:
    """Print the figures of the worst runs; 1 when a target is missed."""
    print(f"two storms of 1,000 boots, seeds 1 to {seeds}, {len(COUNTS)} ways to count")
    print("as installed:", *(usual := read_defaults()))
    bad = []
    cases = {
        "2 producers": ((), OVER),
        "20 producers": (("producers=20", "sharing=20"), OVER_20),
    }
    for name, (settings, most) in cases.items():
        runs = run_counts(*usual, *STORMS, *settings, seeds=seeds)
        print(describe(name, runs))
        bad += [f"{name}: {what}" for what in misses(runs, most)]
    # What must be seen as a miss: otherwise this check says nothing.
    planted = {
        "planted: the article's rule": (ARTICLE, "served"),
        "planted: 20 that know of none": (("producers=20", "sharing=1"), "above"),
    }
    for name, (settings, word) in planted.items():
        runs = run_counts(*STORMS, *settings, seeds=seeds)
        print(describe(name, runs))
        if not any(word in what for what in misses(runs, OVER_20)):
            bad.append(f"{name}: nothing is missed")
    for what in bad:
        print(f"missed: {what}")
    return 1 if bad else 0
