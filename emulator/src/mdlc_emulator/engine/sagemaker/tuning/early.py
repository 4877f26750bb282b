"""Which training jobs are stopped early: the median rule, and Hyperband's rungs. Larger values are better.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-early-stopping.html
https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-hyperband.html
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol


class EarlyStop(Protocol):
    """Looks at each value of the objective as it comes. One thread calls it."""

    def hopeless(self, trial: int, values: Sequence[float], earlier: Iterable[Sequence[float]]) -> bool:
        """Whether to stop the job number `trial`, which has told `values` so far; `earlier` are the values of
        the jobs that are over."""
        ...


class Never:
    """Every job runs to its end."""

    def hopeless(self, trial: int, values: Sequence[float], earlier: Iterable[Sequence[float]]) -> bool:
        return False


class MedianRule:
    """A job is stopped when its objective is worse than the median of the running averages, up to the same
    epoch, of the jobs before it."""

    def hopeless(self, trial: int, values: Sequence[float], earlier: Iterable[Sequence[float]]) -> bool:
        epoch = len(values)
        averages = [math.fsum(each[:epoch]) / epoch for each in earlier if len(each) >= epoch]
        return bool(averages) and values[-1] < statistics.median(averages)


class Hyperband:
    """Asynchronous successive halving in several brackets.

    Bracket b looks at a job for the first time after `least` * 3^b epochs, then at each power of three more:
    it goes on when it is in the best third of those that came so far. Jobs are dealt to the brackets in turn,
    more to those that stop early. At `most` epochs every job is stopped.
    """

    ETA = 3

    def __init__(self, least: int, most: int) -> None:
        self._most = most
        levels = [least]
        while levels[-1] * self.ETA < most:
            levels.append(levels[-1] * self.ETA)
        self._levels = levels
        self._rungs: dict[tuple[int, int], list[float]] = defaultdict(list)
        count = len(levels)
        self._deal = [
            bracket
            for bracket in range(count)
            for _ in range(max(1, math.ceil(count * self.ETA ** (count - 1 - bracket) / (count - bracket))))
        ]

    def bracket(self, trial: int) -> int:
        """The bracket of the job number `trial`, counted from 0."""
        return self._deal[trial % len(self._deal)]

    def hopeless(self, trial: int, values: Sequence[float], earlier: Iterable[Sequence[float]]) -> bool:
        epoch, bracket = len(values), self.bracket(trial)
        if epoch >= self._most:
            return True
        if epoch not in self._levels[bracket:]:
            return False
        rung = self._rungs[bracket, epoch]
        rung.append(values[-1])
        kept = max(1, math.ceil(len(rung) / self.ETA))
        return values[-1] < sorted(rung, reverse=True)[kept - 1]
