# SPDX-License-Identifier: Apache-2.0
"""A queue minute by minute, and what SQS tells CloudWatch about it.

After "Available CloudWatch metrics for Amazon SQS": a queue has metrics while it holds
messages, and for six hours after it was last asked for anything.
"""

from __future__ import annotations

import functools
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

HOUR, DAY = 60, 24 * 60  # minutes
AWAKE, RETENTION = 6 * HOUR, 14 * DAY
SENT, DELETED = "NumberOfMessagesSent", "NumberOfMessagesDeleted"
VISIBLE, AGE = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
STATISTICS = {"Sum": sum, "Maximum": max}


@dataclass(eq=False)
class World:
    """Who sends and who takes, at each minute, and the metrics that come of it."""

    minutes: int
    takes: Mapping[int, int]  # how many machines ask in which minute
    alive: Callable[[int], bool] = lambda now: True  # is a producer running?
    depth: int = 1000  # what is kept, or the low watermark
    burst: int = 0  # messages that a low queue gets; 0: what is missing at the depth
    lost: Callable[[int], bool] = lambda now: False  # CloudWatch has nothing

    def __post_init__(self) -> None:
        queue: deque[int] = deque()
        asked = 0  # to be made counts
        self.metrics: dict[str, list[int | None]] = {
            name: [None] * self.minutes for name in (SENT, DELETED, VISIBLE, AGE)
        }
        for now in range(self.minutes):
            while queue and now - queue[0] >= RETENTION:
                queue.popleft()
            wanted, alive = self.takes.get(now, 0), self.alive(now)
            taken = min(wanted, len(queue))
            for _ in range(taken):
                queue.popleft()
            sent = self.missing(len(queue)) if alive else 0
            queue.extend([now] * sent)
            if wanted or alive:
                asked = now
            if (queue or now - asked < AWAKE) and not self.lost(now):
                self.metrics[SENT][now] = sent
                self.metrics[DELETED][now] = taken
                self.metrics[VISIBLE][now] = len(queue)
                if queue:
                    self.metrics[AGE][now] = (now - queue[0]) * 60

    def missing(self, visible: int) -> int:
        """Say what a producer sends when it sees so many messages."""
        missing = self.depth - visible
        if self.burst:
            return self.burst if missing > 0 else 0
        return missing if missing >= min(10, (self.depth + 1) // 2) else 0

    @functools.cache  # noqa: B019 (a world lives as long as its test)
    def series(self, metric: str, statistic: str, period: int) -> dict[int, int]:
        """Give a metric by periods of so many seconds."""
        step, values = period // 60, self.metrics[metric]
        grouped = {}
        for at in range(self.minutes // step):
            there = [v for v in values[at * step : (at + 1) * step] if v is not None]
            if there:
                grouped[at] = STATISTICS[statistic](there)
        return grouped

    def first(self, metric: str, below: int, since: int) -> int:
        """Give the first minute in which a metric is below a value."""
        values = enumerate(self.metrics[metric])
        return next(
            at for at, v in values if at >= since and v is not None and v < below
        )


def office(boots: int, days: int = 365, seed: int = 1) -> Counter[int]:
    """A fleet that is shut down at night, at the weekend and for ten days.

    Each working day so many machines boot at eight, within three minutes, some more in
    the course of the day, and all at once when a new image is tried.
    """
    chance = random.Random(seed)
    takes: Counter[int] = Counter()
    for day in range(days):
        if day % 7 < 5 and not 354 <= day < 364:
            for _ in range(boots):
                takes[day * DAY + 480 + chance.randrange(3)] += 1
            for _ in range(boots // 2):
                takes[day * DAY + chance.randrange(483, 1080)] += 1
            if day % 30 == 10:
                takes[day * DAY + 700] += boots
    return takes


def always_on(machines: int, days: int = 365, seed: int = 1) -> Counter[int]:
    """Machines that run for ever, of which each takes one a day at its own time."""
    chance = random.Random(seed)
    times = [chance.randrange(DAY) for _ in range(machines)]
    return Counter(day * DAY + at for day in range(days) for at in times)
