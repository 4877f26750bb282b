"""Ranges of hyperparameters, and how a point of the unit interval becomes a value.

Strategies work on [0, 1]; a range's scale says how that interval is stretched.
https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-ranges.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LINEAR, LOGARITHMIC, REVERSE = "Linear", "Logarithmic", "ReverseLogarithmic"

WIDE = 1000.0
"""Auto takes a positive range logarithmically when its ends differ by this factor or more."""


class RangeError(ValueError):
    """A range that cannot be searched; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or continuous range from `low` to `high`, both included."""

    name: str
    low: float
    high: float
    whole: bool
    scale: str = LINEAR

    def value(self, unit: float) -> str:
        """The value at `unit` in [0, 1], as a training job gets it."""
        if not self.whole:
            return repr(min(max(self._stretched(unit, self.low, self.high), self.low), self.high))
        # Each integer gets the same share of the scaled interval as the unit around it.
        edge = 0.5 if self.scale != LOGARITHMIC or self.low > 0.5 else 0.0
        found = round(self._stretched(unit, self.low - edge, self.high + edge))
        return str(int(min(max(found, self.low), self.high)))

    def unit(self, value: str) -> float | None:
        """Where a value lies in [0, 1]; None for one outside the range."""
        try:
            number = float(value)
        except ValueError:
            return None
        if not self.low <= number <= self.high:
            return None
        edge = (0.5 if self.scale != LOGARITHMIC or self.low > 0.5 else 0.0) if self.whole else 0.0
        return min(max(self._squeezed(number, self.low - edge, self.high + edge), 0.0), 1.0)

    @property
    def count(self) -> float:
        """How many values there are."""
        return self.high - self.low + 1 if self.whole else math.inf if self.high > self.low else 1

    def values(self) -> list[str]:
        """All values of an integer range, or of a continuous one that has just one."""
        if self.whole:
            return [str(each) for each in range(int(self.low), int(self.high) + 1)]
        return [repr(self.low)]

    def _stretched(self, unit: float, low: float, high: float) -> float:
        if self.scale == LOGARITHMIC:
            return math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
        if self.scale == REVERSE:
            return 1 - math.exp(math.log(1 - low) + unit * (math.log(1 - high) - math.log(1 - low)))
        return low + unit * (high - low)

    def _squeezed(self, value: float, low: float, high: float) -> float:
        if high == low:
            return 0.5
        if self.scale == LOGARITHMIC:
            return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
        if self.scale == REVERSE:
            return (math.log(1 - value) - math.log(1 - low)) / (math.log(1 - high) - math.log(1 - low))
        return (value - low) / (high - low)


@dataclass(frozen=True, slots=True)
class Choice:
    """A categorical range."""

    name: str
    options: tuple[str, ...]

    def value(self, unit: float) -> str:
        return self.options[min(int(unit * len(self.options)), len(self.options) - 1)]

    def unit(self, value: str) -> float | None:
        """The middle of the option's share; None for another value."""
        if value not in self.options:
            return None
        return (self.options.index(value) + 0.5) / len(self.options)

    @property
    def count(self) -> float:
        return len(self.options)

    def values(self) -> list[str]:
        return list(self.options)


type Range = Number | Choice
type Assignment = Mapping[str, str]
"""Hyperparameter -> value, of one training job."""


def read(asked: Mapping[str, Any]) -> list[Range]:
    """The ranges of a ParameterRanges structure, in its order. RangeError."""
    found: list[Range] = []
    for member, whole in (("IntegerParameterRanges", True), ("ContinuousParameterRanges", False)):
        found += [_number(each, whole) for each in asked.get(member, ())]
    for each in asked.get("CategoricalParameterRanges", ()):
        options = tuple(each["Values"])
        if not options:
            raise RangeError(f"The categorical hyperparameter {each['Name']} has no values.")
        if len(set(options)) < len(options):
            raise RangeError(f"The values of the categorical hyperparameter {each['Name']} are not unique.")
        found.append(Choice(each["Name"], options))
    return found


def _number(asked: Mapping[str, Any], whole: bool) -> Number:
    name, scale = asked["Name"], asked.get("ScalingType", "Auto")
    kind = "integer" if whole else "continuous"
    low, high = (_parse(asked[member], whole, name, kind) for member in ("MinValue", "MaxValue"))
    if low > high:
        raise RangeError(
            f"The minimum value [{asked['MinValue']}] of the {kind} hyperparameter {name} is greater than "
            f"its maximum value [{asked['MaxValue']}]."
        )
    if scale == LOGARITHMIC and low <= 0:
        raise RangeError(
            f"Logarithmic scaling of {name} works only for ranges that have only values greater than 0."
        )
    if scale == REVERSE and (whole or not 0 <= low <= high < 1):
        raise RangeError(
            f"Reverse logarithmic scaling of {name} works only for continuous ranges that are entirely "
            "within the range 0<=x<1.0."
        )
    if scale == "Auto":
        scale = LOGARITHMIC if low > 0 and high / low >= WIDE else LINEAR
    return Number(name, low, high, whole, scale)


def _parse(text: str, whole: bool, name: str, kind: str) -> float:
    try:
        number = float(int(text)) if whole else float(text)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise RangeError(f"The value [{text}] of the {kind} hyperparameter {name} is not valid.")
    return number


def combinations(ranges: Sequence[Range]) -> float:
    """How many assignments there are; infinite with a continuous range."""
    return math.prod((each.count for each in ranges), start=1.0)
