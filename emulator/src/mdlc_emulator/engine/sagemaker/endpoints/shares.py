"""Traffic by weights, exactly: after any number of picks, each item was picked as often as its share of them
says, rounded up or down. Never more than one off, so that ten invocations at 90:10 are nine and one.

Every item's picks are given windows as tasks of a periodic schedule have them: its pick number k (from 0) may
come at time floor(k / share) at the earliest and before ceil((k + 1) / share). Taking the open window that
closes first keeps them all, because the shares add up to one (Baruah et al., Proportionate progress, 1996).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from fractions import Fraction


class Shares[T]:
    """Items with weights of which at least one is positive. `pick` may be called from any thread."""

    def __init__(self, weighted: Sequence[tuple[T, float | Fraction]]) -> None:
        fractions = [(item, Fraction(weight)) for item, weight in weighted if weight > 0]
        total = sum((weight for _, weight in fractions), Fraction(0))
        if not total:
            raise ValueError("no weight is positive")
        scale = 1
        for _, weight in fractions:
            scale = scale * weight.denominator // _common(scale, weight.denominator)
        self._total = int(total * scale)
        self._items = [item for item, _ in fractions]
        self._weights = [int(weight * scale) for _, weight in fractions]
        self._picked = [0] * len(self._items)
        self._time = 0
        self._lock = threading.Lock()

    def pick(self) -> T:
        """The item whose turn it is."""
        if len(self._items) == 1:
            return self._items[0]
        total = self._total
        with self._lock:
            time = self._time
            best, soonest = -1, 0
            for number, weight in enumerate(self._weights):
                picked = self._picked[number]
                if picked * total // weight > time:
                    continue
                closes = -((picked + 1) * total // -weight)
                if best < 0 or closes < soonest:
                    best, soonest = number, closes
            self._picked[best] += 1
            self._time = time + 1
            if self._time == total:  # the schedule repeats: numbers stay small
                self._time = 0
                self._picked = [0] * len(self._items)
        return self._items[best]


def _common(one: int, other: int) -> int:
    while other:
        one, other = other, one % other
    return one
