"""JSON values and reference paths."""

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.stepfunctions.paths import (
    NotFoundError,
    cached,
    fields,
    is_indefinite,
    placed,
    walk,
)
from mdlc_emulator.engine.stepfunctions.values import MAX_BYTES, copied, fits, text_of

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=15,
)
names = st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True)


@given(json_values)
def test_a_copy_is_equal_and_shares_nothing(value: Any) -> None:
    copy = copied(value)
    assert copy == value
    assert type(copy) is type(value)
    if isinstance(value, dict | list):
        assert copy is not value


def test_what_is_no_json_is_copied_too() -> None:
    value = {"at": datetime.datetime(2024, 1, 1), "o": [object]}
    assert copied(value) == value
    assert text_of({"at": datetime.date(2024, 1, 1)}) == '{"at":"2024-01-01"}'


@given(json_values)
def test_the_text_is_json_and_compact(value: Any) -> None:
    text = text_of(value)
    assert json.loads(text) == value
    assert text == json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@given(st.integers(MAX_BYTES - 6, MAX_BYTES + 6), st.sampled_from("xé€😀"))
def test_the_limit_counts_bytes(target: int, letter: str) -> None:
    width = len(letter.encode())
    text = letter * (target // width)
    assert fits(text) == (len(text.encode()) <= MAX_BYTES)
    assert fits([text]) == (len(text.encode()) + 4 <= MAX_BYTES)


@given(st.lists(names, max_size=4), json_values)
def test_what_is_placed_is_found(path: list[str], value: Any) -> None:
    reference = ".".join(["$", *path])
    parsed = fields(reference)
    assert parsed == tuple(path)
    assert walk(parsed, placed(parsed, {}, value)) == value


@given(st.lists(names, min_size=1, max_size=3), json_values)
def test_placing_keeps_everything_else(path: list[str], value: Any) -> None:
    data = {"Other": {"x": 1}}
    result = placed(tuple(path), data, value)
    assert result["Other"] == {"x": 1}


@pytest.mark.parametrize(("path", "data"), [("$.a", {}), ("$.a.b", {"a": []}), ("$.a", []), ("$.a", None)])
def test_paths_that_lead_nowhere(path: str, data: Any) -> None:
    parsed = fields(path)
    assert parsed is not None
    with pytest.raises(NotFoundError):
        walk(parsed, data)


def test_quoted_names_are_taken_as_they_stand() -> None:
    assert fields("$['a b']['c.d'].e['f\\\\\"g']") == ("a b", "c.d", "e", 'f\\\\"g')


def test_nothing_is_placed_below_what_is_no_object() -> None:
    with pytest.raises(NotFoundError):
        placed(("a", "b"), {"a": 1}, 2)


@pytest.mark.parametrize("path", ["$.a[0]", "$..a", "$['a','b']", "$.a[*]", "$$.a", "$.", "a", "$['a"])
def test_what_is_no_plain_path(path: str) -> None:
    assert fields(path) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$..a", True),
        ("$.a[*].b", True),
        ("$.*", True),
        ("$.a[?(@.b > 1)]", True),
        ("$.a[0:2]", True),
        ("$.a[0,1]", True),
        ("$.a[0].b", False),
        ("$['a:b']['c,d']", False),
        ("$.a", False),
    ],
)
def test_paths_that_may_name_several_values(path: str, expected: bool) -> None:
    assert is_indefinite(path) is expected


def test_a_path_is_parsed_once() -> None:
    calls: list[str] = []

    def parse(path: str) -> str:
        calls.append(path)
        return path.upper()

    quick = cached(parse)
    assert [quick("$.a"), quick("$.b"), quick("$.a")] == ["$.A", "$.B", "$.A"]
    assert calls == ["$.a", "$.b"]
