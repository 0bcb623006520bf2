# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/fleet.md.  Each figure is that of the worst of its runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from runs import (
    COUNTS,
    FIFO,
    MILLION,
    STANDARD,
    Run,
    find_depth,
    run_all,
    run_counts,
)
from targets import ARTICLE, STORMS

HOUR = 3600
SPEED, DELAY, BYTES = 4000, 0.08, 512  # bytes a second, seconds one way, of a message
SETTLE, OTHERS = 60, 10  # seconds: see depth_for_rate()
STEP = 5  # seconds between two samples of a queue


def table(head: str, rows: Iterable[Iterable[object]]) -> str:
    """Lay out a table; head has its columns."""
    columns = head.split("|")
    lines = [
        f"| {' | '.join(c.strip() for c in columns)} |",
        "|---" * len(columns) + "|",
    ]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def percent(share: float) -> str:
    """Never round up to a whole."""
    return f"{math.floor(share * 1000) / 10:.1f} %"


def number(n: float) -> str:
    """Separate thousands."""
    return f"{n:,.0f}"


def minutes(seconds: float | None) -> str:
    """Say a time in minutes, or in hours from two on."""
    if seconds is None:
        return "not in this run"
    if seconds == 0:
        return "at once"
    if seconds >= 2 * HOUR:
        return f"{seconds / HOUR:.1f} h"
    return f"{seconds / 60:.1f} min"


def worst(runs: list[Run], of: Callable[[Run], float]) -> float:
    """Give the least of some runs."""
    return min(of(one) for one in runs)


def most(runs: list[Run], of: Callable[[Run], float | None]) -> float | None:
    """Give the most of some runs; None if one of them has no end."""
    found = [of(one) for one in runs]
    return None if None in found else max(n for n in found if n is not None)


def mean(runs: list[Run], of: Callable[[Run], float]) -> float:
    """Give the mean of some runs."""
    return sum(of(one) for one in runs) / len(runs)


def pi_speed(speed: float = SPEED, size: int = BYTES) -> float:
    """Messages a second: ten are made, sent, and then there is a look."""
    return 10 / (10 * size / speed + 4 * DELAY)


def depth_for_rate(rate: float) -> float:
    """Say what a queue must hold for so many boots an hour."""
    held = rate / HOUR * (SETTLE + OTHERS)
    return held + 10 * math.sqrt(held) + 10


def depth_for_storm(boots: int, rate: float) -> float:
    """Say what a queue must hold for a storm on top of that rate."""
    return boots + 10 + rate / HOUR * 2 * SETTLE


def depth_for_slow_storm(boots: int, seconds: float, rate: float, pis: int) -> float:
    """Say what it must hold for one that takes so long, with so many Pis."""
    made = pis * pi_speed() * max(seconds - 2 * SETTLE, 0)
    all_boots = rate + boots * HOUR / seconds
    return max(depth_for_storm(boots, rate) - made, depth_for_rate(all_boots))


def missing(rate: float) -> float:
    """Say what a full queue lacks of its depth at so many boots an hour."""
    return depth_for_rate(rate)


def depth_for_outage(rate: float, hours: float) -> int:
    """Say what a queue must hold to outlast so many hours."""
    return math.ceil(rate * hours + 4 * math.sqrt(rate * hours) + depth_for_rate(rate))


def storm_cases() -> str:
    """Two storms: as installed, and where something is wrong."""
    tell = (
        ("as installed", ()),
        ("the same, two queues of 500", ("queues=2", "depth=500")),
        ("agents do not wait (`wait-time = 0`)", ("wait=0",)),
        ("one of the two Pis is dead", ("speeds=4000,0",)),
        ("one of them makes 13 B/s", ("speeds=4000,13",)),
        ("5 % of the agents die before they delete", ("dies=0.05",)),
        ("1 % of the calls fail", ("fails=0.01",)),
        ("the article: watermark 10, burst 10, no wait, one retry", ARTICLE),
    )
    rows = []
    for name, settings in tell:
        runs = run_counts(*STORMS, *settings)
        rows.append(
            (
                name,
                percent(worst(runs, lambda r: r.first)),
                percent(worst(runs, lambda r: r.worst)),
                percent(worst(runs, lambda r: r.served)),
                f"{most(runs, lambda r: r.line['dry_s']):.0f} s",
                number(most(runs, lambda r: r.over)),
            )
        )
    head = "two storms of 1,000 | first try | of one storm | in the end | empty for"
    return table(f"{head} | above the mark", rows)


def count_cases() -> str:
    """Show how deep a queue gets, by who counts and how many fill it."""
    fleets = {"1 producer": 1, "2": 2, "20": 20, "100": 100}
    rows = []
    for name, how in COUNTS.items():
        cases = [
            (*STORMS, *how, f"producers={n}", f"sharing={n}") for n in fleets.values()
        ]
        runs = run_all(cases)
        rows.append((name, *(number(most(r, lambda one: one.over)) for r in runs)))
    cases = [(*STORMS, f"producers={n}", "sharing=2") for n in fleets.values()]
    runs = run_all(cases)
    rows.append(
        (
            "`producers = 2` on all of them, whatever they are",
            *(number(most(r, lambda one: one.over)) for r in runs),
        )
    )
    return table(f"messages above the mark | {' | '.join(fleets)}", rows)


def storm_sizes() -> str:
    """Storms of 10 to 10,000 on top of 600 boots an hour."""
    rows = []
    for boots in (10, 100, 1000, 10000):
        case = ("rate=600", "boots=3600", f"storm={boots}@600/10")
        usual = run_counts(*case)
        depth = find_depth(2 * boots + 100, *case, of=lambda r: r.worst)
        enough = math.ceil(depth_for_storm(boots, 600))
        runs = run_counts(*case, f"depth={enough}", f"trace={STEP}")
        rows.append(
            (
                number(boots),
                percent(worst(usual, lambda r: r.worst)),
                percent(worst(usual, lambda r: r.served)),
                number(depth),
                number(enough),
                percent(worst(runs, lambda r: r.worst)),
                minutes(most(runs, lambda r: r.full_after(610, STEP, missing(600)))),
            )
        )
    head = "boots in 10 s | depth 1,000: first try | in the end | least depth for 99 %"
    return table(f"{head} | by the formula | first try | full again after", rows)


def slow_storms() -> str:
    """Storms that last long enough for the Pis to help."""
    rows = []
    for boots, seconds in ((1000, 120), (3000, 300), (5000, 600), (10000, 900)):
        case = ("rate=600", "boots=4500", f"storm={boots}@600/{seconds}")
        least = find_depth(boots, *case, of=lambda r: r.worst)
        enough = math.ceil(depth_for_slow_storm(boots, seconds, 600, 2))
        runs = run_counts(*case, f"depth={enough}")
        rows.append(
            (
                number(boots),
                f"{seconds} s",
                number(least),
                number(enough),
                percent(worst(runs, lambda r: r.worst)),
            )
        )
    head = "boots | within | least depth for 99 % | by the formula | first try"
    return table(head, rows)


def fifo() -> str:
    """Storms on a FIFO queue that has no high throughput."""
    rows = []
    for boots in (1000, 3000, 10000):
        depth = math.ceil(depth_for_storm(boots, 600))
        runs = run_counts(
            "rate=600", f"storm={boots}@600/10", f"depth={depth}", "queue=fifo"
        )
        rows.append(
            (
                number(boots),
                percent(worst(runs, lambda r: r.worst)),
                percent(worst(runs, lambda r: r.served)),
                f"{mean(runs, lambda r: r.line['throttled']) / boots:.1f}",
            )
        )
    return table("boots in 10 s | first try | in the end | calls refused, a boot", rows)


def month_price(rate: float, requests: float) -> float:
    """Say what 30 days cost at so many boots an hour, the first million free."""
    month = requests * rate * 720 / MILLION
    return max(month - MILLION, 0) / MILLION * STANDARD


def rates() -> str:
    """Show what rates take, and what a million boots cost."""
    rows = []
    for rate, pis, length, seeds in (
        (60, 2, 72 * HOUR, 3),
        (600, 2, 24 * HOUR, 3),
        (10_000, 2, 4 * HOUR, 3),
        (50_000, 3, HOUR, 3),
        (1_000_000, math.ceil(1.2 * 1_000_000 / HOUR / pi_speed()), 1080, 1),
    ):
        case = (f"rate={rate}", f"producers={pis}", f"sharing={pis}")
        case = (*case, f"boots={length}", "tail=120")
        least = find_depth(100_000, *case, of=lambda r: r.first, seeds=seeds)
        enough = math.ceil(depth_for_rate(rate))
        runs = run_counts(*case, f"depth={enough}", seeds=seeds)
        requests = mean(runs, Run.requests)
        rows.append(
            (
                number(rate),
                pis,
                number(least),
                number(enough),
                percent(worst(runs, lambda r: r.first)),
                *(
                    f"{mean(runs, lambda r, kind=kind: r.a_million(kind)) / 1e6:.2f}"
                    for kind in ("looks", "sends", "receives", "deletes")
                ),
                f"{requests / 1e6 * STANDARD:.2f} / {requests / 1e6 * FIFO:.2f}",
                f"{month_price(rate, requests):,.2f}",
                f"{mean(runs, lambda r: r.a_million('bytes')) / 1e6:.0f} MB",
            )
        )
    head = "boots an hour | Pis | least depth for 99 % | by the formula | first try"
    kinds = "looks | sends | receives | deletes, millions"
    prices = "USD, standard / FIFO | USD a month, standard"
    return table(f"{head} | {kinds} | {prices} | a million boots take", rows)


def outage_row(rate: int, depth: int) -> tuple[object, ...]:
    """Show a day in which both Pis are off for eight hours."""
    off = (2 * HOUR, 10 * HOUR)
    step = 60
    case = (
        f"rate={rate}",
        f"depth={depth}",
        f"outage={off[0]}-{off[1]}",
        f"boots={24 * HOUR}",
        f"tail={3 * HOUR}",
        f"trace={step}",
    )
    runs, once = run_all([case, (*case, "retry=once")], seeds=3)
    dry = min(r.line["first_dry_s"] for r in runs)
    full = most(runs, lambda r: r.full_after(off[1], step, missing(rate)))
    return (
        number(rate),
        number(depth),
        minutes(dry - off[0]) if dry >= 0 else "never",
        percent(worst(runs, lambda r: r.first)),
        percent(worst(once, lambda r: r.served)),
        percent(worst(runs, lambda r: r.served)),
        minutes(full),
    )


def outages() -> str:
    """Show an outage with the usual depth, and with one that outlasts it."""
    rows = [
        outage_row(rate, depth)
        for rate in (600, 10_000)
        for depth in (1000, depth_for_outage(rate, 8))
    ]
    head = "boots an hour | depth | empty after | first try, of that day"
    ends = "with one retry | with retries until served"
    return table(f"{head} | {ends} | full again after", rows)


def patience() -> str:
    """Show what waiting and trying again give where a queue is too small."""
    rows = []
    case = ("rate=600", "storm=1100@600/10", "storm=1100@1200/10", "tail=9000")
    for timeout, wait in ((10, 0), (10, 8), (30, 28), (60, 58)):
        waits = (*case, f"timeout={timeout}", f"wait={wait}")
        runs = run_counts(*waits)
        rows.append(
            (
                f"`wait-time` {wait}, `timeout` {timeout}",
                percent(worst(runs, lambda r: r.first)),
                percent(mean(runs, lambda r: r.first)),
                *(
                    percent(worst(run_counts(*waits, retry), lambda r: r.served))
                    for retry in ("retry=once", "retry=until")
                ),
                f"{mean(runs, lambda r: r.a_million('receives')) / 1e6:.2f}",
            )
        )
    head = "an agent has | first try | first try, mean | with one retry"
    return table(f"{head} | with retries until served | receives a boot", rows)


def sizes() -> str:
    """Show what smaller messages save."""
    rows = []
    for size in (256, 512, 1024):
        runs = run_counts(
            "rate=600", "storm=1000@600/10", f"bytes={size}", f"trace={STEP}"
        )
        rows.append(
            (
                size,
                f"{pi_speed(size=size):.1f}",
                minutes(most(runs, lambda r: r.full_after(610, STEP, missing(600)))),
                f"{mean(runs, lambda r: r.a_million('bytes')) / 1e6:.0f} MB",
            )
        )
    head = "bytes a message | a Pi of 4 kB/s makes, a second"
    return table(f"{head} | full after a storm of 1,000 | a million boots take", rows)


TABLES = {
    "storms": storm_cases,
    "sizes-of-storms": storm_sizes,
    "slow-storms": slow_storms,
    "fifo": fifo,
    "rates": rates,
    "outages": outages,
    "counts": count_cases,
    "patience": patience,
    "messages": sizes,
}
