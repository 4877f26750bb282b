"""Medians and percentiles, by their laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.samples import Summary, percentile

values = st.lists(st.floats(min_value=0, max_value=1e9), min_size=1, max_size=60)
shares = st.floats(min_value=0.001, max_value=1)


@given(values, shares)
def test_a_percentile_is_one_of_the_values_and_bounds_its_share_of_them(values: list[float], share: float):
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    assert sum(value < found for value in values) < share * len(values)


@given(values, shares, shares)
def test_percentiles_grow_with_their_share(values: list[float], one: float, other: float):
    low, high = sorted((one, other))
    assert percentile(values, low) <= percentile(values, high)


@pytest.mark.parametrize(("share", "rank"), [(0.07, 7), (0.5, 50), (0.99, 99), (1, 100)])
def test_the_rank_is_exact_where_binary_fractions_are_not(share: float, rank: int):
    assert percentile(range(1, 101), share) == rank


@given(values)
def test_a_summary_lies_within_its_extremes(values: list[float]):
    summary = Summary.of(values)
    assert (summary.least, summary.greatest, summary.count) == (min(values), max(values), len(values))
    assert summary.least <= summary.median <= summary.greatest


@pytest.mark.parametrize("share", [0, -0.1, 1.01])
def test_a_share_outside_of_one_is_refused(share: float):
    with pytest.raises(ValueError, match="part of one"):
        percentile([1.0], share)


def test_nothing_measured_has_no_summary_and_no_percentile():
    with pytest.raises(ValueError, match="No repetition"):
        Summary.of([])
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)
