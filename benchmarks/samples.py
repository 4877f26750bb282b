"""What repeated measurements come to: median, extremes, percentiles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 < share <= 1) of `values` do not exceed (nearest rank).

    Always one of the values, so that a p99 never lies below the median. ValueError when there are none.
    """
    if not values:
        raise ValueError("A percentile of no values does not exist.")
    if not 0 < share <= 1:
        raise ValueError(f"share is a part of one, not {share}.")
    # 0.07 * 100 is 7.000000000000001 in binary floating point: unrounded, the rank would be one too high.
    return sorted(values)[math.ceil(round(share * len(values), 9)) - 1]


@dataclass(frozen=True)
class Summary:
    """Median, least and greatest of `count` repetitions, all in the figure's unit."""

    median: float
    least: float
    greatest: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """ValueError when there are no values."""
        if not values:
            raise ValueError("No repetition was measured.")
        return cls(median(values), min(values), max(values), len(values))
