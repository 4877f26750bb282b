"""When a tuning job has found enough.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-progress.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

STEP = 0.01
"""Less than this share of the best value is no improvement."""

CONVERGED = 10
"""Jobs without improvement after which the search counts as converged, and at least half of all."""


def not_improving(values: Sequence[float]) -> int:
    """How many of the last values (larger is better, in the order of their end) have not improved the best
    before them by 1 % or more."""
    best: float | None = None
    count = 0
    for value in values:
        if best is None or value - best >= max(STEP * abs(best), 1e-300):
            best, count = value, 0
        else:
            best, count = max(best, value), count + 1
    return count


def converged(values: Sequence[float]) -> bool:
    """No improvement over the last ten values, and over the last half of all."""
    return not_improving(values) >= max(CONVERGED, len(values) / 2)


def reason(criteria: Mapping[str, Any], values: Sequence[float], sign: float) -> str | None:
    """The criterion that `values` meet, None when none does. `sign` is 1 where the objective is maximized,
    -1 where it is minimized (and `values` are negated)."""
    if not values:
        return None
    target = criteria.get("TargetObjectiveMetricValue")
    if target is not None and max(values) >= sign * target:
        return "TargetObjectiveMetricValue"
    most = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    if most is not None and not_improving(values) >= most:
        return "BestObjectiveNotImproving"
    wanted = criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence")
    if wanted == "Enabled" and converged(values):
        return "ConvergenceDetected"
    return None
