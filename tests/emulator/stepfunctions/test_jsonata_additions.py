"""Laws of the functions that Step Functions adds to JSONata."""

import hashlib
import json
import math
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.stepfunctions.jsonata import UNDEFINED, JsonataError, evaluate

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def call(expression: str, **variables: Any) -> Any:
    return evaluate(expression, {}, variables)


@given(st.lists(st.integers(-(2**53), 2**53), max_size=50), st.integers(1, 60))
def test_partition_concatenates_back(array: list[int], size: int) -> None:
    groups = call("$partition($a, $n)", a=array, n=size)
    assert [item for group in groups for item in group] == array
    assert all(len(group) == size for group in groups[:-1])
    assert not groups or 1 <= len(groups[-1]) <= size


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(-50, 50).filter(bool))
def test_range_steps_and_never_passes_its_end(first: int, last: int, step: int) -> None:
    got = call("$range($f, $l, $s)", f=first, l=last, s=step)
    expected = list(range(first, last + (1 if step > 0 else -1), step))
    assert got == (expected[0] if len(expected) == 1 else expected)


@given(
    st.text(st.characters(codec="utf-8")), st.sampled_from(["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"])
)
def test_hash_agrees_with_hashlib(text: str, algorithm: str) -> None:
    expected = hashlib.new(algorithm.replace("SHA-", "sha").lower(), text.encode()).hexdigest()
    assert call("$hash($t, $a)", t=text, a=algorithm) == expected


@given(values)
def test_parse_reads_what_json_writes(value: Any) -> None:
    assert call("$parse($t)", t=json.dumps(value)) == value
    # JSONata's own $string leaves out nothing of a JSON value.
    if not isinstance(value, str):
        assert call("$parse($string($v))", v=value) == value


@given(st.integers(-(2**31), 2**31))
def test_random_depends_on_its_seed_alone(seed: int) -> None:
    number = call("$random($s)", s=seed)
    assert 0 <= number < 1
    assert call("$random($s)", s=seed) == number


def test_random_without_a_seed_differs() -> None:
    assert len({call("$random()") for _ in range(20)}) > 1


def test_uuids_are_of_version_4_and_differ() -> None:
    made = {call("$uuid()") for _ in range(50)}
    assert len(made) == 50
    assert {uuid.UUID(text).version for text in made} == {4}


@given(
    st.text(st.characters(codec="utf-8"), max_size=10),
    st.integers(-20, 20),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=3),
)
def test_pad_reaches_the_width_and_keeps_the_text(text: str, width: int, filler: str) -> None:
    got = call("$pad($t, $w, $f)", t=text, w=width, f=filler)
    assert len(got) == max(len(text), abs(width))
    assert got.startswith(text) if width > 0 else got.endswith(text)


@pytest.mark.parametrize(
    "expression",
    [
        "$partition([1], 0)",
        "$partition([1], 1.5)",
        "$partition([1])",
        "$range(1, 5, 0)",
        "$range(1, 5)",
        "$range('a', 5, 1)",
        "$range(0, 1e12, 1)",
        "$hash(1, 'MD5')",
        "$hash('x', 'CRC')",
        "$random('seed')",
        "$parse('{')",
        "$parse('NaN')",
        "$parse(1)",
        "$eval('1')",
        "$pad('a', 1e9)",
    ],
)
def test_wrong_arguments_are_errors(expression: str) -> None:
    with pytest.raises(JsonataError):
        call(expression)


def test_a_workflow_variable_may_bear_a_functions_name() -> None:
    assert call("$range", range=3) == 3
    assert call("$hash.a", hash={"a": 1}) == 1
    assert call("$nothing.at.all") is UNDEFINED


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_doubles(number: float) -> None:
    got = call("$n + 0", n=number)
    assert math.isclose(got, number, rel_tol=1e-15) or got == number
    assert isinstance(got, int) == (number.is_integer() and abs(number) < 1e21)
