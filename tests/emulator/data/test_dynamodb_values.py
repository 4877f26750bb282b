"""The laws of DynamoDB's values, numbers and expressions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.dynamodb import numbers
from mdlc_emulator.engine.dynamodb.grammar import parse_condition
from mdlc_emulator.engine.dynamodb.values import clean, equal, size

decimals = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20)
texts = st.text(st.characters(codec="utf-8"), max_size=8)


def values(deep: int = 2) -> st.SearchStrategy[Any]:
    """Attribute values of every type."""
    flat = st.one_of(
        texts.map(lambda text: {"S": text}),
        decimals.map(lambda number: {"N": str(number)}),
        st.binary(max_size=8).map(lambda data: {"B": data}),
        st.booleans().map(lambda flag: {"BOOL": flag}),
        st.just({"NULL": True}),
        st.sets(texts, min_size=1, max_size=3).map(lambda many: {"SS": sorted(many)}),
        st.sets(st.integers(), min_size=1, max_size=3).map(lambda many: {"NS": [str(each) for each in many]}),
        st.sets(st.binary(max_size=4), min_size=1, max_size=3).map(lambda many: {"BS": sorted(many)}),
    )
    if not deep:
        return flat
    return st.one_of(
        flat,
        st.lists(values(deep - 1), max_size=3).map(lambda many: {"L": many}),
        st.dictionaries(texts, values(deep - 1), max_size=3).map(lambda many: {"M": many}),
    )


@given(values())
def test_a_value_in_canonical_form_stays_as_it_is(value: Any) -> None:
    once = clean(value)
    assert clean(once) == once
    assert equal(once, clean(value))
    assert size(once) >= 0


@given(decimals)
@example(Decimal("1E+125"))
@example(Decimal("-1E-130"))
def test_a_number_comes_back_with_its_value_and_without_an_exponent(number: Decimal) -> None:
    written = numbers.canonical(str(number))
    assert Decimal(written) == number
    assert "E" not in written
    assert numbers.canonical(written) == written


@given(decimals, decimals)
def test_sums_are_exact_or_refused(left: Decimal, right: Decimal) -> None:
    assert Decimal(numbers.subtract(numbers.add(str(left), str(right)), str(right))) == left


@pytest.mark.parametrize(
    "text", ["1" * 39, "1E126", "1E-131", "one", "NaN", "Infinity", "", " 1", "1_000", "0." + "1" * 39]
)
def test_what_a_number_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(AwsError):
        numbers.parse(text)


@given(st.text(alphabet="ab#:=<>()., ANDORNTBETWEEN[]01'", max_size=30))
def test_any_text_is_an_expression_or_a_validation_error(text: str) -> None:
    refused: AwsError | None = None
    try:
        parse_condition("ConditionExpression", text)
    except AwsError as error:
        refused = error
    if refused is not None:
        assert refused.code == "ValidationException"
        assert refused.message.startswith("Invalid ConditionExpression: ")
