# SPDX-License-Identifier: Apache-2.0
"""The alarms' own expressions, over a simulated year and over what goes wrong.

moto makes no alarm of a template, and evaluates none.
"""

from __future__ import annotations

from collections import Counter

import pytest
from alarms import Alarm
from simulation import DAY, HOUR, SENT, VISIBLE, World, always_on, office
from template import TOPIC, Stack, load

TEMPLATE = load()
ALARMS = ("SilentAlarm", "LowAlarm", "StaleAlarm")
YEAR = 365 * DAY
QUARTER = 91 * DAY
QUARTER_HOUR = 15
ARTICLE = {"depth": 10, "burst": 10}  # a low watermark
RULES = [{}, ARTICLE]  # what is built in, and this


def alarms(depth: int = 1000) -> dict[str, Alarm]:
    """Give the alarms of a stack."""
    stack = Stack(TEMPLATE, Depth=str(depth))
    return {name: Alarm(stack.resources[name]["Properties"]) for name in ALARMS}


def watch(alarm: Alarm, world: World) -> list[float]:
    """Have an alarm watch a world; say in which minutes it began."""
    series = {
        name: world.series(metric, statistic, alarm.period)
        for name, (metric, statistic) in alarm.names().items()
    }
    alarm.watch(series, world.minutes * 60 // alarm.period)
    return list(alarm.rang())


def rang(world: World) -> dict[str, list[float]]:
    """Say which alarms began when."""
    return {name: watch(a, world) for name, a in alarms(world.depth).items()}


QUIET = {name: [] for name in ALARMS}


@pytest.mark.parametrize(("boots", "rule"), [(800, {}), (30, ARTICLE)])
def test_a_normal_year_has_no_alarm(boots: int, rule: dict[str, int]) -> None:
    def lost(now: int) -> bool:
        return now // HOUR % 97 == 5  # CloudWatch has gaps besides

    assert rang(World(YEAR, office(boots), lost=lost, **rule)) == QUIET


def test_a_queue_that_lasts_for_weeks_tells_of_ten_days_without_a_boot() -> None:
    # Its oldest message is over a week old at any time.
    got = rang(World(YEAR, office(30)))
    assert got["SilentAlarm"] == got["LowAlarm"] == []
    [stale] = got["StaleAlarm"]
    assert 354 * DAY < stale < 365 * DAY


@pytest.mark.parametrize("rule", RULES)
def test_one_machine_that_takes_one_a_day_has_no_alarm(rule: dict[str, int]) -> None:
    # Its messages are ten or fourteen days old when it takes them.
    assert rang(World(QUARTER, always_on(1), **rule)) == QUIET


def test_a_depth_that_lacks_less_than_a_batch_has_no_alarm() -> None:
    for depth in (1, 2, 3, 9, 10, 11, 19, 20, 21, 1000):
        least = min(10, (depth + 1) // 2)
        for missing in range(least + 1):
            world = World(DAY, {1: missing}, depth=depth)
            is_kept = world.metrics[VISIBLE][2] == depth - missing
            # If it were left at that:
            world.metrics[VISIBLE] = [depth - missing] * DAY
            world.metrics[SENT] = [0] * DAY
            assert is_kept == (missing < least), (depth, missing)
            assert bool(rang(world)["SilentAlarm"]) == (not is_kept), (depth, missing)


def test_bursts_of_more_than_there_are_have_no_alarm() -> None:
    assert rang(World(QUARTER, office(300), depth=50, burst=0)) == QUIET


@pytest.mark.parametrize(("boots", "rule", "lacks"), [(300, {}, 991), (30, ARTICLE, 6)])
def test_a_producer_that_dies_is_told_in_time(
    boots: int, rule: dict[str, int], lacks: int
) -> None:
    died = 10 * DAY + 500
    world = World(20 * DAY, office(boots), alive=lambda now: now < died, **rule)
    got = rang(world)
    [silent], [low] = got["SilentAlarm"], got["LowAlarm"]
    since, half = (world.first(VISIBLE, n, died) for n in (lacks, world.depth // 2))
    assert since + HOUR <= silent <= since + HOUR + 5
    assert half + QUARTER_HOUR <= low <= half + QUARTER_HOUR + 5
    assert got["StaleAlarm"] == []


def test_a_queue_that_is_drained_stays_in_alarm_when_its_metrics_end() -> None:
    world = World(10 * DAY, office(30), alive=lambda now: now < DAY, **ARTICLE)
    # Nobody asks at night, and the queue is empty: SQS says nothing any more.
    assert world.metrics[VISIBLE].count(None) > 5 * HOUR
    for name in ("SilentAlarm", "LowAlarm"):
        alarm = alarms(world.depth)[name]
        assert len(watch(alarm, world)) == 1
        assert alarm.state == "ALARM"


def test_a_producer_that_comes_back_ends_the_alarms() -> None:
    def alive(now: int) -> bool:
        return not 3 * DAY < now < 5 * DAY

    world = World(20 * DAY, always_on(40), alive=alive, depth=50)
    got = rang(world)
    assert {name: len(times) for name, times in got.items()} == {
        "SilentAlarm": 1,
        "LowAlarm": 1,
        "StaleAlarm": 0,
    }


def test_a_producer_that_keeps_it_too_low_is_told() -> None:
    # The stack was told 3000, producer.conf has what is built in.
    world = World(5 * DAY, always_on(40))
    world.depth = 3000
    got = rang(world)
    assert got["LowAlarm"]
    assert got["LowAlarm"][0] <= QUARTER_HOUR + 5


def test_a_slow_source_is_told_and_is_not_called_silent() -> None:
    asked = Counter(range(0, 5 * DAY, 2))
    world = World(5 * DAY, asked, lambda now: now % 3 == 0, depth=50, burst=1)
    got = rang(world)
    assert got["LowAlarm"]
    assert not got["SilentAlarm"]


def test_a_stack_without_a_producer_is_told() -> None:
    got = rang(World(2 * DAY, always_on(5), alive=lambda now: False))
    assert got["SilentAlarm"][0] <= HOUR + 5
    assert got["LowAlarm"][0] <= QUARTER_HOUR + 5


@pytest.mark.parametrize("rule", RULES)
def test_messages_that_nobody_takes_are_told_before_they_are_gone(
    rule: dict[str, int],
) -> None:
    last = 20 * DAY
    world = World(40 * DAY, always_on(8, days=20), **rule)
    got = rang(world)
    assert got["SilentAlarm"] == got["LowAlarm"] == []
    assert last + 6 * DAY <= got["StaleAlarm"][0] <= last + 14 * DAY


def test_a_queue_that_nobody_ever_uses_is_told() -> None:
    for start in (0, 700):
        world = World(20 * DAY, {}, alive=lambda now, s=start: now >= s)
        stale = watch(alarms()["StaleAlarm"], world)
        assert stale[0] <= 15 * DAY


def test_who_is_told() -> None:
    for topic, wanted in ((TOPIC, [TOPIC]), ("", None)):
        stack = Stack(TEMPLATE, AlarmTopic=topic)
        for name in ALARMS:
            properties = stack.resources[name]["Properties"]
            assert properties.get("AlarmActions") == wanted
            assert properties.get("OKActions") == wanted


def test_the_alarms_are_about_the_stacks_queue() -> None:
    for fifo, queue in (("no", "entropy"), ("yes", "entropy.fifo")):
        stack = Stack(TEMPLATE, Fifo=fifo)
        for name in ALARMS:
            for metric in Alarm(stack.resources[name]["Properties"]).metrics:
                [dimension] = metric["MetricStat"]["Metric"]["Dimensions"]
                assert dimension == {"Name": "QueueName", "Value": queue}
