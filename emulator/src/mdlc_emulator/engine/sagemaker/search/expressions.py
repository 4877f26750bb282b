"""Search expressions as predicates on records.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_SearchExpression.html
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from mdlc_emulator.engine.sagemaker.kernel.errors import invalid
from mdlc_emulator.engine.sagemaker.search.properties import Property, Record, resolve, seconds

type Predicate = Callable[[Record], bool]

MOST = 50
"""Filters, nested filters and subexpressions of one request, all together."""

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
_MANY_CONTAINS: Mapping[str, frozenset[str]] = {
    "Experiment": frozenset({"displayname", "experimentname", "tags"}),
    "Trial": frozenset({"displayname", "trialname", "tags"}),
    "TrialComponent": frozenset(
        {"displayname", "trialcomponentname", "tags", "inputartifacts", "outputartifacts"}
    ),
}
"""Shape -> properties that Contains may be used for several times."""


def compile_expression(shape: Shape, expression: Mapping[str, Any]) -> Predicate:
    """A predicate for records of `shape`. ValidationException for what is no expression."""
    _check_limits(shape, expression)
    return _expression(shape, expression)


def _expression(shape: Shape, expression: Mapping[str, Any]) -> Predicate:
    parts = [
        *(_filter(shape, each) for each in expression.get("Filters", ())),
        *(_nested(shape, each) for each in expression.get("NestedFilters", ())),
        *(_expression(shape, each) for each in expression.get("SubExpressions", ())),
    ]
    if not parts:
        raise invalid("A search expression must have at least one subexpression, filter, or nested filter.")
    together = any if expression.get("Operator", "And") == "Or" else all
    return lambda record: together(part(record) for part in parts)


def _all_filters(expression: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from expression.get("Filters", ())
    for nested in expression.get("NestedFilters", ()):
        yield from nested["Filters"]
    for inner in expression.get("SubExpressions", ()):
        yield from _all_filters(inner)


def _count(expression: Mapping[str, Any]) -> int:
    inner = expression.get("SubExpressions", ())
    nested = expression.get("NestedFilters", ())
    own = len(expression.get("Filters", ())) + len(nested) + sum(len(each["Filters"]) for each in nested)
    return own + len(inner) + sum(_count(each) for each in inner)


def _check_limits(shape: Shape, expression: Mapping[str, Any]) -> None:
    if _count(expression) > MOST:
        raise invalid(
            f"A search expression can include at most {MOST} recursive SubExpressions, NestedFilters, "
            "and Filters."
        )
    several = _MANY_CONTAINS.get(shape.name, frozenset())
    contains = [
        each
        for each in _all_filters(expression)
        if each.get("Operator") == "Contains" and each["Name"].split(".")[0].casefold() not in several
    ]
    if len(contains) > 1:
        raise invalid("'CONTAINS' operator usage limit of 1 exceeded.")


def _nested(shape: Shape, nested: Mapping[str, Any]) -> Predicate:
    """Some single object of the list satisfies all filters."""
    path = nested["NestedPropertyName"]
    objects, inner = _list_of(shape, path)
    prefix = f"{path}.".casefold()
    parts = []
    for each in nested["Filters"]:
        name = each["Name"]
        if name.casefold().startswith(prefix):
            name = name[len(prefix) :]
        parts.append(_filter(inner, {**each, "Name": name}))
    return lambda record: any(all(part(one) for part in parts) for one in objects(record))


def _list_of(shape: Shape, path: str) -> tuple[Callable[[Record], Iterator[Record]], Shape]:
    """The objects of the list at `path`, and their shape."""
    walked, names = shape, []
    for head in path.split("."):
        members = walked.members if isinstance(walked, StructureShape) else {}
        member = next((each for each in members if each.casefold() == head.casefold()), None)
        if member is None:
            raise invalid(f"Unknown property name: {path}.")
        walked = members[member]
        names.append(member)
    if not isinstance(walked, ListShape) or not isinstance(walked.member, StructureShape):
        raise invalid(f"NestedPropertyName {path} is not a list of objects.")

    def objects(record: Record) -> Iterator[Record]:
        value: Any = record
        for name in names:
            value = value.get(name) if isinstance(value, Mapping) else None
        yield from value or ()

    return objects, walked.member


def _filter(shape: Shape, asked: Mapping[str, Any]) -> Predicate:
    found = resolve(shape, asked["Name"])
    wanted = asked.get("Value")
    kind = asked.get("Operator", "Equals")
    match kind:
        case "Exists":
            return lambda record: any(True for _ in found.values(record))
        case "NotExists":
            return lambda record: not any(True for _ in found.values(record))
    if wanted is None:
        raise invalid(f"The operator {kind} needs a Value.")
    if found.kind == "structure":
        raise invalid(f"The property {found.name} has no value to compare with; name one of its members.")
    match kind:
        case "Equals":
            return _some(found, _equal(found, wanted))
        case "NotEquals":
            same = _some(found, _equal(found, wanted))
            return lambda record: not same(record)
        case "In" | "Contains":
            return _some(found, _text(found, kind, wanted))
        case _:
            return _some(found, _ordered(found, kind, wanted))


def _some(found: Property, holds: Callable[[Any], bool]) -> Predicate:
    """Of several values (items of a list) one is enough."""
    return lambda record: any(holds(value) for value in found.values(record))


def _equal(found: Property, wanted: str) -> Callable[[Any], bool]:
    match found.kind:
        case "number":
            number = _number(found, wanted)
            return lambda value: float(value) == number
        case "time":
            moment = _time(found, wanted)
            # Values name whole seconds.
            return lambda value: math.floor(seconds(value)) == math.floor(moment)
        case "boolean":
            if wanted.casefold() not in ("true", "false"):
                raise invalid(
                    f"The value {wanted} of the Boolean property {found.name} is not true or false."
                )
            return lambda value: bool(value) == (wanted.casefold() == "true")
        case "hyperparameter":
            return _hyperparameter(operator.eq, wanted) or (lambda value: str(value) == wanted)
        case _:
            return lambda value: str(value) == wanted


def _text(found: Property, kind: str, wanted: str) -> Callable[[Any], bool]:
    if found.kind not in ("text", "hyperparameter"):
        raise invalid(f"The operator {kind} is only supported for text properties, not for {found.name}.")
    if kind == "Contains":
        return lambda value: wanted in str(value)
    choices = {each.strip() for each in wanted.split(",")}
    return lambda value: str(value) in choices


def _ordered(found: Property, kind: str, wanted: str) -> Callable[[Any], bool]:
    compare = _ORDER[kind]
    match found.kind:
        case "number":
            number = _number(found, wanted)
            return lambda value: compare(float(value), number)
        case "time":
            moment = _time(found, wanted)
            return lambda value: compare(seconds(value), moment)
        case "hyperparameter":
            if (holds := _hyperparameter(compare, wanted)) is not None:
                return holds
            raise invalid(f"The value {wanted} for {found.name} is not a number.")
        case _:
            raise invalid(f"The operator {kind} is not supported for the property {found.name}.")


def _hyperparameter(compare: Callable[[Any, Any], bool], wanted: str) -> Callable[[Any], bool] | None:
    """Decimals are compared as decimals with a decimal, as integers with an integer; None when `wanted` is
    no number. A value that is no number satisfies nothing."""
    try:
        number = float(wanted)
        whole = int(wanted) if number.is_integer() and wanted.strip().lstrip("+-").isdigit() else None
    except (ValueError, OverflowError):
        return None

    def holds(value: Any) -> bool:
        try:
            given = float(value)
            return compare(given, number) if whole is None else compare(math.trunc(given), whole)
        except (ValueError, OverflowError):
            return False

    return holds


def _number(found: Property, wanted: str) -> float:
    try:
        return float(wanted)
    except ValueError:
        raise invalid(f"The value {wanted} of the numerical property {found.name} is not a number.") from None


def _time(found: Property, wanted: str) -> float:
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError:
        raise invalid(
            f"The value {wanted} of the timestamp property {found.name} is not of the form "
            "YYYY-mm-dd'T'HH:MM:SS."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
