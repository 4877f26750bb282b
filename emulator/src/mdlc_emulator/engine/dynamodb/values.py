"""Attribute values in their wire form (`{"S": "x"}`, binary as bytes): checked, measured, compared.

Values are never changed in place once stored, so that they can be shared and handed out without copies.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.dynamodb import numbers

type Value = dict[str, Any]
type Item = dict[str, Value]

SCALARS = ("S", "N", "B")
SETS = ("SS", "NS", "BS")
TYPES = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL")
TYPE_WORDS = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
    "M": "MAP",
    "L": "LIST",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
}
_SET_WORDS = {"SS": "string", "NS": "number", "BS": "binary"}
DEEPEST = 32


def type_of(value: Value) -> str:
    """The one type tag of a value."""
    for tag in value:
        return tag
    raise _invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def clean_item(item: Item) -> Item:
    """`item` checked, its numbers written as DynamoDB writes them."""
    return {name: clean(value) for name, value in item.items()}


def clean(value: Value, depth: int = 0) -> Value:
    """`value` checked and in canonical form; ValidationException when it is none."""
    if len(value) != 1:
        if not value:
            type_of(value)
        raise _invalid(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
    if depth > DEEPEST:
        raise _invalid(
            "Nesting Levels have exceeded supported limits: "
            "Attributes or objects nested more than 32 levels deep are not supported"
        )
    [(tag, inner)] = value.items()
    match tag:
        case "S" | "B" | "BOOL":
            return value
        case "N":
            return {"N": numbers.canonical(inner)}
        case "NULL":
            if inner is not True:
                raise _invalid(
                    "One or more parameter values were invalid: Null attribute value types must have the "
                    "value "
                    "of true"
                )
            return value
        case "M":
            return {"M": {name: clean(element, depth + 1) for name, element in inner.items()}}
        case "L":
            return {"L": [clean(element, depth + 1) for element in inner]}
        case "SS" | "NS" | "BS":
            return {tag: _clean_set(tag, inner)}
    raise _invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def _clean_set(tag: str, elements: list[Any]) -> list[Any]:
    if not elements:
        raise _invalid(
            f"One or more parameter values were invalid: An {_SET_WORDS[tag]} set  may not be empty"
        )
    cleaned = [numbers.canonical(element) for element in elements] if tag == "NS" else elements
    if len(set(cleaned)) < len(cleaned):
        if tag == "NS":
            raise _invalid("Input collection contains duplicates")
        shown = ", ".join(map(str, elements))
        raise _invalid(
            f"One or more parameter values were invalid: Input collection [{shown}] contains duplicates."
        )
    return cleaned


def item_size(item: Item) -> int:
    """Bytes an item takes, as AWS documents it (names included)."""
    return sum(len(name.encode()) + size(value) for name, value in item.items())


def size(value: Value) -> int:
    [(tag, inner)] = value.items()
    match tag:
        case "S":
            return len(inner.encode())
        case "B":
            return len(inner)
        case "N":
            return numbers.size(inner)
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(element.encode()) for element in inner)
        case "NS":
            return sum(numbers.size(element) for element in inner)
        case "BS":
            return sum(len(element) for element in inner)
        case "L":
            return 3 + sum(1 + size(element) for element in inner)
    return 3 + sum(1 + len(name.encode()) + size(element) for name, element in inner.items())


def sort_key(value: Value) -> bytes | Decimal:
    """What orders a key attribute: UTF-8 bytes of strings, bytes, decimals."""
    [(tag, inner)] = value.items()
    if tag == "N":
        return numbers.parse(inner)
    found: bytes = inner.encode() if tag == "S" else inner
    return found


def equal(left: Value, right: Value) -> bool:
    """Equality as conditions see it: by type, sets without order, numbers by value."""
    tag = type_of(left)
    if tag != type_of(right):
        return False
    one, other = left[tag], right[tag]
    match tag:
        case "N":
            return numbers.parse(one) == numbers.parse(other)
        case "SS" | "BS":
            return set(one) == set(other)
        case "NS":
            return set(map(numbers.parse, one)) == set(map(numbers.parse, other))
        case "L":
            return len(one) == len(other) and all(map(equal, one, other))
        case "M":
            return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    return bool(one == other)


def same_item(left: Item | None, right: Item | None) -> bool:
    if left is None or right is None:
        return left is right
    return left.keys() == right.keys() and all(equal(left[name], right[name]) for name in left)


def ordered(left: Value, right: Value, test: Callable[[Any, Any], bool]) -> bool:
    """`test(left, right)` for two strings, numbers or binaries of one type; False for anything else."""
    tag = type_of(left)
    if tag != type_of(right) or tag not in SCALARS:
        return False
    return test(sort_key(left), sort_key(right))


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
