"""KeyConditionExpression: one partition, and a range of sort keys in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.dynamodb.keys import KeySchema, Sortable
from mdlc_emulator.engine.dynamodb.scope import Scope
from mdlc_emulator.engine.dynamodb.syntax import (
    And,
    Arithmetic,
    Between,
    Call,
    Comparison,
    Condition,
    In,
    Literal,
    Not,
    Operand,
    Or,
    Path,
)
from mdlc_emulator.engine.dynamodb.values import Value, sort_key, type_of

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class KeyRange:
    """The partition `hash_key` and, of its sort keys, those that meet `operator` with `operands`."""

    hash_key: Sortable
    operator: str | None = None
    operands: tuple[Sortable, ...] = ()

    def accepts(self, key: Sortable) -> bool:
        match self.operator, self.operands:
            case None, _:
                return True
            case "=", (low,):
                return key == low
            case "<", (low,):
                return key < low  # type: ignore[operator]
            case "<=", (low,):
                return key <= low  # type: ignore[operator]
            case ">", (low,):
                return key > low  # type: ignore[operator]
            case ">=", (low,):
                return key >= low  # type: ignore[operator]
            case "BETWEEN", (low, high):
                return low <= key <= high  # type: ignore[operator]
        return key.startswith(self.operands[0])  # type: ignore[union-attr, arg-type]

    def beyond(self, key: Sortable) -> bool:
        """Whether nothing that follows `key` can meet the condition."""
        return self.operator in ("=", "<", "<=", "BETWEEN") and key > self.operands[-1]  # type: ignore[operator]

    def before(self, key: Sortable) -> bool:
        """Whether nothing that precedes `key` can meet the condition."""
        return self.operator in ("=", ">", ">=", "BETWEEN") and key < self.operands[0]  # type: ignore[operator]


def key_range(condition: Condition, keys: KeySchema, scope: Scope) -> KeyRange:
    """What `condition` selects; ValidationException when a Query cannot do that."""
    tests: dict[str, tuple[str, tuple[Value, ...]]] = {}
    for part in _parts(condition):
        name, operator, operands = _test(part, scope)
        if name not in keys.names:
            continue
        if name in tests:
            raise _invalid(
                "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition "
                "per key"
            )
        for value in operands:
            if type_of(value) != keys.type_of(name):
                raise _invalid(
                    "One or more parameter values were invalid: "
                    "Condition parameter type does not match schema type"
                )
            tag = type_of(value)
            if tag in "SB" and not value[tag]:
                raise _invalid(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute "
                    "cannot "
                    f"contain an empty {'string' if tag == 'S' else 'binary'} value. Key: {name}"
                )
        tests[name] = operator, operands
    if keys.hash_name not in tests:
        raise _invalid(f"Query condition missed key schema element: {keys.hash_name}")
    operator, operands = tests.pop(keys.hash_name)
    if operator != "=":
        raise _invalid("Query key condition not supported")
    hash_key = sort_key(operands[0])
    if len(_parts(condition)) > 1 + len(tests):
        missing = keys.range_name if keys.range_name not in (None, *tests) else None
        if missing is None:
            raise _invalid("Query key condition not supported")
        raise _invalid(f"Query condition missed key schema element: {missing}")
    if not tests:
        return KeyRange(hash_key)
    [(operator, operands)] = tests.values()
    return KeyRange(hash_key, operator, tuple(map(sort_key, operands)))


def _parts(condition: Condition) -> list[Condition]:
    if isinstance(condition, And):
        return [*_parts(condition.left), *_parts(condition.right)]
    return [condition]


def _test(condition: Condition, scope: Scope) -> tuple[str, str, tuple[Value, ...]]:
    match condition:
        case Comparison(sign, Path() as path, Literal() as literal) if sign != "<>":
            return _name(path, scope), sign, (scope.value(literal),)
        case Comparison(sign, Literal() as literal, Path() as path) if sign != "<>":
            return _name(path, scope), _MIRRORED[sign], (scope.value(literal),)
        case Between(Path() as path, Literal() as low, Literal() as high):
            return _name(path, scope), "BETWEEN", (scope.value(low), scope.value(high))
        case Call("begins_with", (Path() as path, Literal() as literal)):
            value = scope.value(literal)
            if type_of(value) not in ("S", "B"):
                raise _invalid(
                    "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
                    f"operator or function: begins_with, operand type: {type_of(value)}"
                )
            return _name(path, scope), "begins_with", (value,)
        case Or():
            raise _invalid("Invalid operator used in KeyConditionExpression: OR")
        case Not():
            raise _invalid("Invalid operator used in KeyConditionExpression: NOT")
        case In():
            raise _invalid("Invalid operator used in KeyConditionExpression: IN")
        case Comparison("<>"):
            raise _invalid("Unsupported operator on KeyCondition: operator: <>")
        case Call(function):
            raise _invalid(f"Invalid operator used in KeyConditionExpression: {function}")
    raise _invalid("Query key condition not supported")


def _name(path: Path, scope: Scope) -> str:
    place = scope.place(path)
    if len(place) > 1:
        raise _invalid(
            "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested "
            "attributes"
        )
    return str(place[0])


def filter_names(condition: Condition | Operand, scope: Scope) -> set[str]:
    """The top-level attributes that a condition looks at."""
    if isinstance(condition, Path):
        return {str(scope.place(condition)[0])}
    return set().union(*(filter_names(inner, scope) for inner in _inside(condition)))


def _inside(tree: Condition | Operand) -> Iterator[Condition | Operand]:
    match tree:
        case And(left, right) | Or(left, right) | Comparison(_, left, right) | Arithmetic(_, left, right):
            yield from (left, right)
        case Not(inner):
            yield inner
        case Between(value, low, high):
            yield from (value, low, high)
        case In(value, among):
            yield from (value, *among)
        case Call(_, arguments):
            yield from arguments


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
