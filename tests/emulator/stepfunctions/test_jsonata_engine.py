"""Evaluation: null and undefined, exact numbers, bounds, threads, and what is refused."""

import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.stepfunctions.jsonata import (
    UNDEFINED,
    JsonataError,
    UnsupportedResultError,
    evaluate,
    validate,
)
from mdlc_emulator.engine.stepfunctions.jsonata.source import scan

names = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(
    lambda n: n not in ("and", "or", "in", "true", "false", "null", "function")
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8"), max_size=5)
)


@given(st.lists(names, min_size=1, max_size=4), scalars)
def test_a_plain_path_gives_what_the_engine_gives(path: list[str], value: Any) -> None:
    """The shortcut for plain paths and the native engine agree."""
    data = value
    for name in reversed(path):
        data = {name: data}
    plain = "$states.input." + ".".join(path)
    states = {"input": data}
    assert scan(plain).path is not None
    assert scan(f"({plain})").path is None
    assert evaluate(plain, states, {}) == evaluate(f"({plain})", states, {}) == value
    missing = f"{plain}.{path[0]}"
    if not isinstance(value, dict):
        assert evaluate(missing, states, {}) is evaluate(f"({missing})", states, {}) is UNDEFINED


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("null", None),
        ("$states.input.n", None),
        ("$states.input.absent", UNDEFINED),
        ("$nowhere", UNDEFINED),
        ("$states.input.n = null", True),
        ("$type($states.input.n)", "null"),
        ("$exists($states.input.n)", True),
        ("$exists($states.input.absent)", False),
        ("[]", []),
        ("$states.input.empty", []),
        ("[$states.input.l[$ > 5]]", []),
        ("$states.input.l[$ > 5]", UNDEFINED),
        ("$states.input.l[$ > 2]", 3),
        ("[$states.input.l[$ > 2]]", [3]),
        ('""', ""),
        ("$states.input.big", 2**70 + 1),
        ("$states.input.l ~> $sum()", 6),
        ("10000000000 * 10000000000", 100000000000000000000),
        ("1e21", 1e21),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("7 % 4.5", 2.5),
        ("'a?:b ?? c'", "a?:b ?? c"),
        ("/* ?? */ 1", 1),
        ("$contains('a??', /a\\?\\?/)", True),
    ],
)
def test_values(expression: str, expected: Any) -> None:
    data = {"n": None, "empty": [], "l": [1, 2, 3], "big": 2**70 + 1}
    got = evaluate(expression, {"input": data}, {})
    assert got == expected
    assert type(got) is type(expected)


def test_numbers_beyond_64_bits_take_part_as_doubles() -> None:
    assert evaluate("$states.input.big + 1", {"input": {"big": 2**70}}, {}) == float(2**70)


@pytest.mark.parametrize("expression", ["$sum", "function($x) { $x }", "$uuid", "/a/"])
def test_functions_are_no_results(expression: str) -> None:
    with pytest.raises(UnsupportedResultError):
        evaluate(expression, {}, {})


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("1 + 'a'", "T2002"),
        ("$error('x: y')", "D3137"),
        ("$assert(false, 'no')", "D3141"),
        ("$unheard()", "T1006"),
        ("1 < 'a'", "T2009"),
        ("$eval('1')", "T1006"),
    ],
)
def test_errors_carry_jsonatas_code(expression: str, code: str) -> None:
    with pytest.raises(JsonataError) as failed:
        evaluate(expression, {}, {})
    assert failed.value.code == code
    assert str(failed.value).startswith(f"{code}: ")


@pytest.mark.parametrize("expression", ["(", "1 +", "a ?? b", "a ?: b", "{"])
def test_what_is_no_jsonata_2_0_6_is_refused(expression: str) -> None:
    with pytest.raises(JsonataError):
        validate(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "($f := function($x) { $f($x) }; $f(1))",
        "($f := function($x) { 1 + $f($x) }; $f(1))",
        "$count([1..9999999])",
        "$map([1..999999], function($x) { $map([1..999999], function($y) { 1 }) })",
    ],
)
def test_a_runaway_expression_ends_soon(expression: str) -> None:
    started = time.thread_time()
    with pytest.raises(JsonataError):
        evaluate(expression, {}, {})
    assert time.thread_time() - started < 5


def test_threads_do_not_disturb_each_other() -> None:
    wrong: list[tuple[int, Any]] = []

    def work(number: int) -> None:
        for _ in range(300):
            got = evaluate("$partition([$n, $n + 1], 1)", {}, {"n": number})
            if got != [[number], [number + 1]]:
                wrong.append((number, got))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_expression_is_scanned_once() -> None:
    before = scan.cache_info()
    for _ in range(5):
        evaluate("$scanned_once + 1", {}, {"scanned_once": 1})
    after = scan.cache_info()
    assert after.misses - before.misses <= 1
    assert after.hits - before.hits >= 4


@pytest.mark.parametrize(
    ("expression", "variables", "states"),
    [
        ("$states.input.a + $b", {"states", "b"}, {"input"}),
        ("$states", {"states"}, None),
        ("$states.context.Execution.Id & $states.result", {"states"}, {"context", "result"}),
        ("'$no' & \"$no\" & $yes", {"yes"}, set()),
        ("$lookup($states, 'input')", {"lookup", "states"}, None),
    ],
)
def test_only_what_an_expression_names_is_handed_to_it(
    expression: str, variables: set[str], states: set[str] | None
) -> None:
    source = scan(expression)
    assert source.variables == variables
    assert source.states == states
