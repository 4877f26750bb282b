"""Whether an item meets a condition."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.dynamodb.scope import Scope, look_up
from mdlc_emulator.engine.dynamodb.syntax import (
    And,
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
from mdlc_emulator.engine.dynamodb.values import SCALARS, SETS, TYPES, Item, Value, equal, ordered, type_of

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds(condition: Condition, item: Item, scope: Scope) -> bool:
    """Whether `item` (empty: there is none) meets `condition`."""
    match condition:
        case And(left, right):
            return holds(left, item, scope) and holds(right, item, scope)
        case Or(left, right):
            return holds(left, item, scope) or holds(right, item, scope)
        case Not(inner):
            return not holds(inner, item, scope)
        case Comparison(sign, left, right):
            return _compare(sign, _value(left, item, scope), _value(right, item, scope))
        case Between(value, low, high):
            found = _value(value, item, scope)
            return _compare(">=", found, _value(low, item, scope)) and _compare(
                "<=", found, _value(high, item, scope)
            )
        case In(value, among):
            found = _value(value, item, scope)
            return any(_compare("=", found, _value(each, item, scope)) for each in among)
        case Call():
            return _test(condition, item, scope)
    raise AssertionError(condition)


def _value(operand: Operand, item: Item, scope: Scope) -> Value | None:
    match operand:
        case Literal():
            return scope.value(operand)
        case Path():
            return look_up(item, scope.place(operand))
        case Call("size", (inner,)):
            found = _value(inner, item, scope)
            if found is None:
                return None
            tag = type_of(found)
            return None if tag in ("N", "BOOL", "NULL") else {"N": str(len(found[tag]))}
    raise AssertionError(operand)


def _compare(sign: str, left: Value | None, right: Value | None) -> bool:
    if sign == "<>":
        return left is None or right is None or not equal(left, right)
    if left is None or right is None:
        return False
    return equal(left, right) if sign == "=" else ordered(left, right, _ORDER[sign])


def _test(call: Call, item: Item, scope: Scope) -> bool:
    found = _value(call.arguments[0], item, scope)
    match call.function:
        case "attribute_exists":
            return found is not None
        case "attribute_not_exists":
            return found is None
    wanted = _value(call.arguments[1], item, scope)
    if found is None or wanted is None:
        return False
    match call.function:
        case "attribute_type":
            return type_of(found) == wanted.get("S")
        case "begins_with":
            return any(tag in found and tag in wanted and found[tag].startswith(wanted[tag]) for tag in "SB")
        case "contains":
            return _contains(found, wanted)
    raise AssertionError(call.function)


def _contains(found: Value, wanted: Value) -> bool:
    tag = type_of(found)
    if tag in ("S", "B"):
        return tag in wanted and wanted[tag] in found[tag]
    if tag == "L":
        return any(equal(element, wanted) for element in found["L"])
    if tag in SETS:
        return any(equal({tag[0]: element}, wanted) for element in found[tag])
    return False


def refuse_bad_operands(label: str, condition: Condition, scope: Scope) -> None:
    """Refuse literals of a type that their operator never takes, before any item is looked at."""
    match condition:
        case And(left, right) | Or(left, right):
            refuse_bad_operands(label, left, scope)
            refuse_bad_operands(label, right, scope)
        case Not(inner):
            refuse_bad_operands(label, inner, scope)
        case Comparison(sign, left, right) if sign in _ORDER:
            for operand in (left, right):
                _refuse(label, sign, operand, SCALARS, scope)
        case Between(value, low, high):
            for operand in (value, low, high):
                _refuse(label, "BETWEEN", operand, SCALARS, scope)
            _refuse_reversed(label, low, high, scope)
        case Call("begins_with", (_, wanted)):
            _refuse(label, "begins_with", wanted, ("S", "B"), scope)
        case Call("attribute_type", (_, wanted)):
            _refuse(label, "attribute_type", wanted, ("S",), scope)
            if isinstance(wanted, Literal) and scope.value(wanted)["S"] not in TYPES:
                raise AwsError(
                    "ValidationException",
                    f"Invalid {label}: Invalid attribute type name found; "
                    f"type: {scope.value(wanted)['S']}, valid types: {{{','.join(sorted(TYPES))}}}",
                )


def _refuse(label: str, function: str, operand: Operand, allowed: tuple[str, ...], scope: Scope) -> None:
    if isinstance(operand, Literal) and (tag := type_of(scope.value(operand))) not in allowed:
        raise AwsError(
            "ValidationException",
            f"Invalid {label}: Incorrect operand type for operator or function; "
            f"operator or function: {function}, operand type: {tag}",
        )


def _refuse_reversed(label: str, low: Operand, high: Operand, scope: Scope) -> None:
    if not (isinstance(low, Literal) and isinstance(high, Literal)):
        return
    bottom, top = scope.value(low), scope.value(high)
    if type_of(bottom) != type_of(top):
        raise AwsError(
            "ValidationException",
            f"Invalid {label}: The BETWEEN operator requires same data type for lower and upper bounds; "
            f"lower bound operand: AttributeValue: {bottom}, upper bound operand: AttributeValue: {top}",
        )
    if ordered(bottom, top, operator.gt):
        raise AwsError(
            "ValidationException",
            f"Invalid {label}: The BETWEEN operator requires upper bound to be greater than or equal to "
            f"lower "
            f"bound; lower bound operand: AttributeValue: {bottom}, "
            f"upper bound operand: AttributeValue: {top}",
        )
