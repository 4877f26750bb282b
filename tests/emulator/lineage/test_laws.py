"""Walking the graph of lineage, and statistics of metrics, against the plainest way to say them."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.sagemaker.experiments.series import Point, Series
from mdlc_emulator.engine.sagemaker.lineage.graph import reach

nodes = st.sampled_from("abcdef")
graphs = st.sets(st.tuples(nodes, nodes).filter(lambda edge: edge[0] != edge[1]), max_size=15)


def after(edges: set[tuple[str, str]], starts: set[str], depth: int) -> set[str]:
    """Everything within `depth` edges along their direction, the starts left out."""
    found = set(starts)
    for _ in range(depth):
        found |= {destination for source, destination in edges if source in found}
    return found - starts


@given(graphs, st.sets(nodes, min_size=1, max_size=2), st.integers(1, 6))
def test_what_is_reached(edges: set[tuple[str, str]], starts: set[str], depth: int) -> None:
    back = {(destination, source) for source, destination in edges}
    descendants, ascendants = after(edges, starts, depth), after(back, starts, depth)
    assert set(reach(edges, starts, "Descendants", depth)) == descendants
    assert set(reach(edges, starts, "Ascendants", depth)) == ascendants
    assert set(reach(edges, starts, "Both", depth)) == descendants | ascendants


@given(graphs, nodes, st.integers(1, 6))
def test_distances_are_shortest(edges: set[tuple[str, str]], start: str, depth: int) -> None:
    for node, distance in reach(edges, [start], "Descendants", depth).items():
        assert node in after(edges, {start}, distance)
        assert node not in after(edges, {start}, distance - 1)


points = st.lists(
    st.builds(
        Point,
        at=st.integers(0, 300).map(float),
        step=st.none() | st.integers(0, 4),
        value=st.floats(-100, 100),
    ),
    min_size=1,
    max_size=20,
)


@given(points)
def test_statistics_of_a_metric(found: list[Point]) -> None:
    values = [point.value for point in found]
    said = Series(found).summary("loss", "arn")
    assert (said["Min"], said["Max"], said["Count"]) == (min(values), max(values), len(values))
    assert said["Avg"] == pytest.approx(statistics.fmean(values), abs=1e-9)
    assert said["StdDev"] == pytest.approx(statistics.pstdev(values), abs=1e-9)
    latest = max(point.at for point in found)
    assert said["Last"] == [point.value for point in found if point.at == latest][-1]


@given(points, st.integers(0, 4), st.integers(0, 4), st.sampled_from([60, 300]))
def test_periods_and_steps_share_out_the_points(found: list[Point], low: int, high: int, period: int) -> None:
    series = Series(found)
    by_step = dict(series.by_step("Count", low, high))
    for step in range(5):
        expected = [point for point in found if point.step == step and low <= step <= high]
        assert by_step.get(step, 0) == len(expected)
    by_time = series.by_time("Count", period, 0, 300)
    assert sum(count for _, count in by_time) == len(found)
    assert all(start % period == 0 for start, _ in by_time)
    assert [start for start, _ in by_time] == sorted(start for start, _ in by_time)
