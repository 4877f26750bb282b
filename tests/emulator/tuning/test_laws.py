"""Laws of what tuning jobs are made of, without any job."""

from __future__ import annotations

import math
import random
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.sagemaker.tuning import completion
from mdlc_emulator.engine.sagemaker.tuning.early import Hyperband, MedianRule
from mdlc_emulator.engine.sagemaker.tuning.ranges import (
    Choice,
    Number,
    Range,
    RangeError,
    combinations,
    read,
)
from mdlc_emulator.engine.sagemaker.tuning.strategies import GridSearch, RandomSearch

units = st.floats(0, 1)
scores = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30)


@st.composite
def numbers(draw: st.DrawFn) -> Number:
    whole = draw(st.booleans())
    scale = draw(st.sampled_from(["Linear", "Logarithmic"] + ([] if whole else ["ReverseLogarithmic"])))
    if whole:
        least = 1 if scale == "Logarithmic" else -(10**6)
        low = draw(st.integers(least, 10**6))
        return Number("n", low, draw(st.integers(low, 10**6 + 1)), True, scale)
    if scale == "ReverseLogarithmic":
        low = draw(st.floats(0, 0.99))
        return Number("n", low, draw(st.floats(low, 0.999)), False, scale)
    low = draw(st.floats(1e-6, 1e6) if scale == "Logarithmic" else st.floats(-1e6, 1e6))
    return Number("n", low, draw(st.floats(low, 1e7)), False, scale)


choices = st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=5, unique=True).map(
    lambda options: Choice("c", tuple(options))
)


@given(numbers(), units)
def test_values_stay_in_their_range(each: Number, unit: float) -> None:
    value = each.value(unit)
    assert each.low <= float(value) <= each.high
    if each.whole:
        assert str(int(value)) == value


@given(numbers(), units, units)
def test_scales_keep_the_order(each: Number, one: float, two: float) -> None:
    low, high = sorted((one, two))
    assert float(each.value(low)) <= float(each.value(high))


@given(numbers())
def test_scales_reach_both_ends(each: Number) -> None:
    assert float(each.value(0.0)) == pytest.approx(each.low, rel=1e-9, abs=1e-12)
    assert float(each.value(1.0)) == pytest.approx(each.high, rel=1e-9, abs=1e-9)


@given(numbers() | choices, units)
def test_a_value_has_its_place(each: Range, unit: float) -> None:
    place = each.unit(each.value(unit))
    assert place is not None
    assert 0 <= place <= 1
    again = each.value(place)
    if isinstance(each, Choice) or each.whole:
        assert again == each.value(unit)
    else:
        assert float(again) == pytest.approx(float(each.value(unit)), rel=1e-6, abs=1e-6)


def test_a_logarithmic_range_gives_each_decade_its_share() -> None:
    each = Number("eta", 1e-4, 1.0, False, "Logarithmic")
    values = [float(each.value(index / 1000)) for index in range(1000)]
    assert sum(value < 1e-2 for value in values) == pytest.approx(500, abs=2)


@given(
    st.lists(choices | numbers().filter(lambda each: each.whole), min_size=1, max_size=3), st.integers(0, 9)
)
def test_random_search_never_repeats_itself_in_a_finite_space(found: list[Range], seed: int) -> None:
    ranges = [_named(each, f"p{index}") for index, each in enumerate(found)]
    search = RandomSearch(ranges, seed)
    tried: list[Any] = []
    while len(tried) < min(combinations(ranges), 60):
        assignment = search.ask()
        assert assignment is not None
        tried.append(tuple(assignment[each.name] for each in ranges))
    assert len(set(tried)) == len(tried)
    if combinations(ranges) <= 60:
        assert search.ask() is None


@given(st.lists(numbers() | choices, min_size=1, max_size=3), st.integers(0, 2**31), st.integers(1, 8))
def test_a_seed_gives_the_same_values(found: list[Range], seed: int, count: int) -> None:
    ranges = [_named(each, f"p{index}") for index, each in enumerate(found)]
    one, two = RandomSearch(ranges, seed), RandomSearch(ranges, seed)
    for _ in range(count):
        first = one.ask()
        if first is not None:
            one.tell(first, random.random())  # what is found makes no difference
        assert two.ask() == first


def _named(each: Range, name: str) -> Range:
    if isinstance(each, Choice):
        return Choice(name, each.options)
    return Number(name, each.low, each.high, each.whole, each.scale)


@given(st.lists(choices, min_size=1, max_size=3))
def test_a_grid_has_every_combination_once(found: list[Choice]) -> None:
    ranges: list[Range] = [_named(each, f"p{index}") for index, each in enumerate(found)]
    search = GridSearch(ranges)
    tried = []
    while (assignment := search.ask()) is not None:
        tried.append(tuple(assignment.values()))
    assert len(tried) == len(set(tried)) == combinations(ranges)


@given(scores, st.lists(scores, max_size=6))
def test_the_median_rule_is_as_documented(values: list[float], earlier: list[list[float]]) -> None:
    epoch = len(values)
    averages = [sum(each[:epoch]) / epoch for each in earlier if len(each) >= epoch]
    hopeless = MedianRule().hopeless(0, values, earlier)
    if not averages:
        assert not hopeless
    elif abs(values[-1] - statistics.median(averages)) > 1e-9:
        assert hopeless == (values[-1] < statistics.median(averages))


@given(st.integers(1, 5), st.integers(6, 200), st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_hyperband_spares_the_best_and_stops_all_at_the_end(
    least: int, most: int, qualities: list[float]
) -> None:
    band = Hyperband(least, most)
    best = max(range(len(qualities)), key=lambda trial: qualities[trial])
    for trial, quality in enumerate(qualities):
        reached = most
        for epoch in range(1, most + 1):
            if band.hopeless(trial, [quality] * epoch, ()):
                reached = epoch
                break
        assert reached >= least
        if trial == best:
            assert reached == most


@given(scores)
def test_counting_what_does_not_improve(values: list[float]) -> None:
    count = completion.not_improving(values)
    assert 0 <= count < len(values) or len(values) == 0
    rising = [100.0 * 1.1**index for index in range(len(values))]
    assert completion.not_improving(rising) == 0
    assert completion.not_improving([values[0]] * len(values)) == len(values) - 1


@given(scores, st.floats(-1e3, 1e3), st.sampled_from([1.0, -1.0]))
def test_a_target_is_reached_when_the_best_is_as_good(
    values: list[float], target: float, sign: float
) -> None:
    met = completion.reason({"TargetObjectiveMetricValue": target}, [sign * each for each in values], sign)
    best = max(values) if sign > 0 else min(values)
    assert (met is not None) == (best >= target if sign > 0 else best <= target)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"Name": "n", "MinValue": "3", "MaxValue": "1"}, "greater than"),
        ({"Name": "n", "MinValue": "a", "MaxValue": "1"}, "not valid"),
        ({"Name": "n", "MinValue": "0", "MaxValue": "1", "ScalingType": "Logarithmic"}, "greater than 0"),
        ({"Name": "n", "MinValue": "0", "MaxValue": "1", "ScalingType": "ReverseLogarithmic"}, "within the"),
        ({"Name": "n", "MinValue": "nan", "MaxValue": "1"}, "not valid"),
    ],
)
def test_ranges_that_cannot_be_searched(asked: dict[str, str], words: str) -> None:
    with pytest.raises(RangeError, match=words):
        read({"ContinuousParameterRanges": [asked]})


def test_combinations_of_a_continuous_range_are_endless() -> None:
    ranges = read(
        {
            "IntegerParameterRanges": [{"Name": "a", "MinValue": "1", "MaxValue": "3"}],
            "ContinuousParameterRanges": [{"Name": "b", "MinValue": "0", "MaxValue": "1"}],
        }
    )
    assert combinations(ranges) == math.inf
    assert combinations(ranges[:1]) == 3
