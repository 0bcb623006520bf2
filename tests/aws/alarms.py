# SPDX-License-Identifier: Apache-2.0
"""An alarm of CloudWatch: its expression over metrics, its state from one period on.

After "Using metric math" and "Configuring how CloudWatch alarms treat missing data" of
CloudWatch's user guide.  A point of an expression is there where all its metrics have
one.  What this does not know of an alarm is an error.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Series = Mapping[int, float]  # what a period had, by its number; some are missing

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Lt: operator.lt,
    ast.Gt: operator.gt,
    ast.And: min,
    ast.Or: max,
}
COMPARISONS = {
    "LessThanThreshold": operator.lt,
    "GreaterThanOrEqualToThreshold": operator.ge,
}
LATE = 2  # periods that CloudWatch looks at beside those that it needs
FIELDS = {
    "AlarmDescription",
    "Metrics",
    "ComparisonOperator",
    "Threshold",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "TreatMissingData",
    "AlarmActions",
    "OKActions",
}


def computed(node: ast.AST, values: Mapping[str, float]) -> float:
    """Compute an expression of metric math, parsed as if it were Python's."""
    if isinstance(node, ast.Constant):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.BinOp):
        left, right = computed(node.left, values), computed(node.right, values)
        return OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.Compare):
        [op], [right] = node.ops, node.comparators
        return OPERATORS[type(op)](computed(node.left, values), computed(right, values))
    if isinstance(node, ast.BoolOp):
        parts = [computed(part, values) for part in node.values]
        return OPERATORS[type(node.op)](parts)  # type: ignore[call-arg]
    assert isinstance(node, ast.Call), ast.dump(node)
    assert node.func.id == "IF"  # type: ignore[attr-defined]
    condition, true, false = (computed(part, values) for part in node.args)
    return true if condition else false


@dataclass
class Alarm:
    """One alarm of the template."""

    properties: dict[str, Any]
    state: str = "INSUFFICIENT_DATA"
    changes: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        p = self.properties
        assert set(p) <= FIELDS, set(p) - FIELDS
        self.needed = p["EvaluationPeriods"]
        assert p["DatapointsToAlarm"] == self.needed
        [expression] = [m for m in p["Metrics"] if m.get("ReturnData", True)]
        text = expression["Expression"]
        text = text.replace(" AND ", " and ").replace(" OR ", " or ")
        self.tree = ast.parse(text, mode="eval").body
        self.metrics = [m for m in p["Metrics"] if m is not expression]
        assert all(
            m["MetricStat"]["Metric"]["Namespace"] == "AWS/SQS" for m in self.metrics
        )
        [self.period] = {m["MetricStat"]["Period"] for m in self.metrics}

    def names(self) -> dict[str, tuple[str, str]]:
        """Say which statistic of which metric each name of the expression is."""
        return {
            m["Id"]: (m["MetricStat"]["Metric"]["MetricName"], m["MetricStat"]["Stat"])
            for m in self.metrics
        }

    def points(self, series: Mapping[str, Series]) -> dict[int, bool]:
        """Say of each period that has a point whether it breaches."""
        breaches = COMPARISONS[self.properties["ComparisonOperator"]]

        @functools.cache
        def judged(*values: float) -> bool:
            named = dict(zip(series, values))
            return breaches(computed(self.tree, named), self.properties["Threshold"])

        first, *others = series.values()
        return {
            at: judged(*(s[at] for s in series.values()))
            for at in first
            if all(at in other for other in others)
        }

    def judge(self, seen: list[bool]) -> str:
        """Give the state that follows from the points that CloudWatch found."""
        missing = self.needed - len(seen)
        treatment = self.properties["TreatMissingData"]
        if missing > 0 and treatment == "ignore":
            return self.state
        if missing > 0:
            assert treatment == "notBreaching", treatment
            return "OK"
        return "ALARM" if all(seen[-self.needed :]) else "OK"

    def watch(self, series: Mapping[str, Series], periods: int) -> None:
        """Go through the periods; remember when the state changed."""
        points = self.points(series)
        window: deque[bool | None] = deque(maxlen=self.needed + LATE)
        for now in range(periods):
            window.append(points.get(now))
            if self.state == "OK" and True not in window:
                continue
            state = self.judge([point for point in window if point is not None])
            if state != self.state:
                self.changes.append((now, state))
                self.state = state

    def rang(self) -> Iterator[float]:
        """Say at what minutes the alarm began."""
        for at, state in self.changes:
            if state == "ALARM":
                yield (at + 1) * self.period / 60
