"""Laws of traffic, deployments and transform jobs, each against a model that is too simple to be wrong."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.sagemaker.endpoints.schedule import batch_of, blue_green_steps
from mdlc_emulator.engine.sagemaker.endpoints.shares import Shares
from mdlc_emulator.engine.sagemaker.transform import split
from mdlc_emulator.engine.sagemaker.transform.paths import PathError, compile_path
from mdlc_emulator.engine.sagemaker.transform.processing import Processing, ProcessingError
from mdlc_emulator.engine.sagemaker.transform.split import Piece, SplitError

WEIGHTS = st.lists(
    st.one_of(st.integers(0, 100), st.floats(0, 10, width=32)), min_size=1, max_size=10
).filter(lambda weights: sum(weights) > 0)


@given(WEIGHTS, st.integers(1, 300))
def test_traffic_is_never_more_than_one_request_off_its_weights(weights: list[float], picks: int) -> None:
    shares = Shares(list(enumerate(weights)))
    total = sum(map(Fraction, weights))
    taken = [0] * len(weights)
    for number in range(1, picks + 1):
        taken[shares.pick()] += 1
        for weight, count in zip(weights, taken, strict=True):
            assert abs(count - number * Fraction(weight) / total) < 1


def test_no_weight_is_no_traffic() -> None:
    with pytest.raises(ValueError, match="weight"):
        Shares([("a", 0), ("b", 0.0)])


def policy(kind: str, wait: int, bake: int, **sizes: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}
    return {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": bake}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


@given(st.integers(10, 50), st.integers(0, 3600), st.integers(0, 3600), st.integers(1, 20))
def test_linear_steps_are_even_and_end_with_all_traffic(
    step: int, wait: int, bake: int, instances: int
) -> None:
    steps = blue_green_steps(policy("LINEAR", wait, bake, LinearStepSize=percent(step)), instances)
    assert len(steps) == math.ceil(100 / step)
    assert [each.share for each in steps[:-1]] == [Fraction(step * n, 100) for n in range(1, len(steps))]
    assert steps[-1].share == 1
    assert [each.bake for each in steps] == [wait] * (len(steps) - 1) + [bake]


@given(st.integers(1, 50), st.integers(0, 3600), st.integers(0, 3600))
def test_a_canary_is_one_step_before_all(size: int, wait: int, bake: int) -> None:
    first, last = blue_green_steps(policy("CANARY", wait, bake, CanarySize=percent(size)), 3)
    assert (first.share, first.bake) == (Fraction(size, 100), wait)
    assert (last.share, last.bake) == (Fraction(1), float(bake))


@given(st.integers(1, 10), st.integers(1, 20))
def test_sizes_in_instances_are_their_part_of_the_fleet(count: int, instances: int) -> None:
    asked = policy("CANARY", 0, 0, CanarySize={"Type": "INSTANCE_COUNT", "Value": count})
    if count * 2 > instances:
        with pytest.raises(AwsError):
            blue_green_steps(asked, instances)
    else:
        assert blue_green_steps(asked, instances)[0].share == Fraction(count, instances)


@given(st.integers(5, 50), st.integers(1, 100))
def test_batches_are_at_most_their_part_and_at_least_one(size: int, instances: int) -> None:
    batch = batch_of(percent(size), instances)
    assert batch == max(1, math.floor(instances * size / 100))


class Trickle:
    """A source that gives what it likes at a time, as the network does."""

    def __init__(self, data: bytes, sizes: Iterator[int]) -> None:
        self._data, self._sizes = io.BytesIO(data), sizes

    def read(self, size: int, /) -> bytes:
        return self._data.read(min(size, next(self._sizes)))


LINES = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b"")))


@given(LINES, st.booleans(), st.integers(1, 40), st.randoms(use_true_random=False))
def test_lines_are_sent_whole_and_nothing_is_lost(
    lines: list[bytes], ended: bool, limit: int, random: Any
) -> None:
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    source = Trickle(data, iter(lambda: random.randint(1, 50), 0))
    longest = max((len(line) for line in data.splitlines(keepends=True)), default=0)
    if longest > limit:
        with pytest.raises(SplitError):
            list(split.many_lines(source, limit))
        return
    pieces = [bytes(piece) for piece in split.many_lines(source, limit)]
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert all(piece.endswith(b"\n") for piece in pieces[:-1])
    for piece, following in itertools.pairwise(pieces):
        assert len(piece) + len(following.splitlines(keepends=True)[0]) >= limit


@given(LINES, st.randoms(use_true_random=False))
def test_single_records_are_the_lines(lines: list[bytes], random: Any) -> None:
    source = Trickle(b"\n".join(lines), iter(lambda: random.randint(1, 50), 0))
    assert [bytes(piece) for piece in split.single_lines(source, 100)] == [line for line in lines if line]


@given(st.lists(st.binary(max_size=40)), st.integers(48, 200), st.booleans())
def test_record_io_is_cut_between_records(payloads: list[bytes], limit: int, many: bool) -> None:
    records = [
        struct.pack("<II", 0xCED7230A, len(payload)) + payload + b"\0" * (-len(payload) % 4)
        for payload in payloads
    ]
    pieces = [bytes(piece) for piece in split.record_io(io.BytesIO(b"".join(records)), limit, many=many)]
    assert b"".join(pieces) == b"".join(records)
    if many:
        assert all(len(piece) <= limit for piece in pieces)
    else:
        assert pieces == records


@pytest.mark.parametrize("splitting", [split.whole, split.many_lines, split.single_lines])
def test_what_is_longer_than_the_payload_is_refused(
    splitting: Callable[[split.Readable, int], Iterator[Piece]],
) -> None:
    assert b"".join(bytes(piece) for piece in splitting(io.BytesIO(b"12345678"), 8)) == b"12345678"
    with pytest.raises(SplitError, match="max payload"):
        list(splitting(io.BytesIO(b"123456789"), 8))


ROWS = st.lists(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n")), min_size=4, max_size=4),
    min_size=1,
    max_size=5,
)


def written(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@pytest.mark.parametrize(
    ("path", "chosen"),
    [
        ("$", lambda row: row),
        ("$[1:]", lambda row: row[1:]),
        ("$[:-1]", lambda row: row[:-1]),
        ("$[1:3]", lambda row: row[1:3]),
        ("$[0]", lambda row: [row[0]]),
        ("$[-1]", lambda row: [row[-1]]),
        ("$[0,2]", lambda row: [row[0], row[2]]),
        ("$[*]", lambda row: row),
    ],
)
@given(rows=ROWS)
def test_columns_are_chosen_as_python_would(
    path: str, chosen: Callable[[list[str]], list[str]], rows: list[list[str]]
) -> None:
    processing = Processing({"InputFilter": path}, "text/csv")
    assert processing.before(written(rows)) == written([chosen(row) for row in rows])


@given(ROWS)
def test_answers_of_csv_are_appended_to_their_rows(rows: list[list[str]]) -> None:
    answers = [[str(number)] for number in range(len(rows))]
    processing = Processing({"JoinSource": "Input", "OutputFilter": "$[0,-1]"}, "text/csv")
    joined = processing.after(written(rows), written(answers), "text/csv; charset=utf-8")
    assert joined == written([[row[0], answer[0]] for row, answer in zip(rows, answers, strict=True)])


VALUES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=4))
def test_answers_of_json_lines_are_joined_by_name(pairs: list[tuple[Any, Any]]) -> None:
    records, answers = ("".join(json.dumps(pair[side]) + "\n" for pair in pairs).encode() for side in (0, 1))
    processing = Processing({"JoinSource": "Input"}, "application/jsonlines")
    joined = processing.after(records, answers, "application/jsonlines")
    for line, (record, answer) in zip(joined.splitlines(), pairs, strict=True):
        expected = {**record} if isinstance(record, dict) else {"SageMakerInput": record}
        assert json.loads(line) == expected | {"SageMakerOutput": answer}


def test_a_different_number_of_answers_cannot_be_joined() -> None:
    processing = Processing({"JoinSource": "Input"}, "text/csv")
    with pytest.raises(ProcessingError, match="1 record"):
        processing.after(b"1\n2\n", b"1\n", "text/csv")


@pytest.mark.parametrize("path", ["a", "$.", "$[", "$[1", "$['a", "$..a", "$[?(@.a)]", "$.a b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(PathError):
        compile_path(path)


def test_names_are_chosen_with_their_values() -> None:
    pick = compile_path("$['id','SageMakerOutput']")
    assert pick is not None
    assert pick({"id": 1, "x": 2, "SageMakerOutput": 3}) == {"id": 1, "SageMakerOutput": 3}
    nested = compile_path("$.a.b[0]")
    assert nested is not None
    assert nested({"a": {"b": [7]}}) == 7
    with pytest.raises(PathError, match="'b'"):
        nested({"a": {}})
