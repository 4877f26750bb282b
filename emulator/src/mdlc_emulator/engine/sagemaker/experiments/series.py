"""Values of one metric, and what is asked of them.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_metrics_BatchGetMetrics.html
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mdlc_emulator.engine.sagemaker.kernel.resource import moment

SECONDS: Mapping[str, int] = {"OneMinute": 60, "FiveMinute": 300, "OneHour": 3600}
"""A period of time in seconds."""


class Point(NamedTuple):
    """One value: `at` in seconds since the epoch; the step (epoch, iteration) is optional."""

    at: float
    step: int | None
    value: float


@dataclass(slots=True)
class Series:
    """All points of one metric, in the order in which they came."""

    points: list[Point] = field(default_factory=list)

    def add(self, point: Point) -> None:
        self.points.append(point)

    def summary(self, name: str, source_arn: str) -> dict[str, Any]:
        """As TrialComponentMetricSummary."""
        return {
            "MetricName": name,
            "SourceArn": source_arn,
            "TimeStamp": moment(max(point.at for point in self.points)),
            "Max": statistic("Max", self.points),
            "Min": statistic("Min", self.points),
            "Last": statistic("Last", self.points),
            "Count": len(self.points),
            "Avg": statistic("Avg", self.points),
            "StdDev": statistic("StdDev", self.points),
        }

    def by_step(self, wanted: str, start: float, end: float) -> list[tuple[int, float]]:
        """One statistic for each step within [start, end]; points without a step are left out."""
        groups: dict[int, list[Point]] = defaultdict(list)
        for point in self.points:
            if point.step is not None and start <= point.step <= end:
                groups[point.step].append(point)
        return _statistics(wanted, groups)

    def by_time(self, wanted: str, period: int, start: float, end: float) -> list[tuple[int, float]]:
        """One statistic for each period of `period` seconds, told by its first second."""
        groups: dict[int, list[Point]] = defaultdict(list)
        for point in self.points:
            if start <= point.at <= end:
                groups[int(point.at // period) * period].append(point)
        return _statistics(wanted, groups)


def _statistics(wanted: str, groups: Mapping[int, list[Point]]) -> list[tuple[int, float]]:
    return [(x, statistic(wanted, groups[x])) for x in sorted(groups)]


def statistic(wanted: str, points: Iterable[Point]) -> float:
    """Min, Max, Avg, Count, StdDev (of the population) or Last (the latest) of at least one point."""
    found = list(points)
    values = [point.value for point in found]
    match wanted:
        case "Min":
            return min(values)
        case "Max":
            return max(values)
        case "Count":
            return float(len(values))
        case "Last":
            return max(enumerate(found), key=lambda pair: (pair[1].at, pair[0]))[1].value
        case "Avg":
            return math.fsum(values) / len(values)
        case _:
            mean = math.fsum(values) / len(values)
            return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
