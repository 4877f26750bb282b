"""An UpdateExpression applied to an item."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.dynamodb import numbers
from mdlc_emulator.engine.dynamodb.scope import Place, Scope, look_up, refuse_overlaps, shown
from mdlc_emulator.engine.dynamodb.syntax import Arithmetic, Call, Literal, Operand, Path, Update
from mdlc_emulator.engine.dynamodb.values import SETS, TYPE_WORDS, Item, Value, type_of


def check_update(update: Update, scope: Scope, key_names: tuple[str, ...]) -> list[Place]:
    """The places an update changes; ValidationException when it changes a key or one place twice."""
    places = [scope.place(path) for path in update.paths]
    refuse_overlaps("UpdateExpression", places)
    for place in places:
        if place[0] in key_names:
            raise AwsError(
                "ValidationException",
                f"One or more parameter values were invalid: Cannot update attribute {place[0]}. "
                "This attribute is part of the key",
            )
    for word, actions, allowed in (
        ("ADD", update.adds, ("N", *SETS)),
        ("DELETE", update.deletes, SETS),
    ):
        for _, literal in actions:
            tag = type_of(scope.value(literal))
            if tag not in allowed:
                raise AwsError(
                    "ValidationException",
                    "Invalid UpdateExpression: Incorrect operand type for operator or function; "
                    f"operator: {word}, operand type: {TYPE_WORDS[tag]}, typeSet: ALLOWED_FOR_{word}_OPERAND",
                )
    return places


def apply_update(update: Update, item: Item, scope: Scope) -> Item:
    """`item` as the update leaves it; every operand is read from the item as it was."""
    changes = [(scope.place(path), _evaluate(operand, item, scope)) for path, operand in update.sets]
    removals = [scope.place(path) for path in update.removes]
    for path, literal in update.adds:
        place = scope.place(path)
        changes.append((place, _added(look_up(item, place), scope.value(literal))))
    for path, literal in update.deletes:
        place = scope.place(path)
        left = _deleted(look_up(item, place), scope.value(literal))
        if left is None:
            removals.append(place)
        else:
            changes.append((place, left))
    changed = dict(item)
    own: set[int] = set()
    # Elements set beyond the end of a list are appended in the order of their indexes.
    for place, value in sorted(changes, key=lambda change: [(isinstance(s, str), s) for s in change[0]]):
        _put(changed, place, value, own)
    for place in removals:
        _mark_removed(changed, place, own)
    return {name: _swept(value) for name, value in changed.items() if value is not _REMOVED}


_REMOVED: Any = {"NULL": "removed"}


def _evaluate(operand: Operand, item: Item, scope: Scope) -> Value:
    match operand:
        case Literal():
            return scope.value(operand)
        case Path():
            found = look_up(item, scope.place(operand))
            if found is None:
                raise AwsError(
                    "ValidationException",
                    "The provided expression refers to an attribute that does not exist in the item",
                )
            return found
        case Arithmetic(sign, left, right):
            one, other = _evaluate(left, item, scope), _evaluate(right, item, scope)
            for value in (one, other):
                if "N" not in value:
                    raise _wrong_type()
            form = numbers.add if sign == "+" else numbers.subtract
            return {"N": form(one["N"], other["N"])}
        case Call("if_not_exists", (Path() as path, default)):
            found = look_up(item, scope.place(path))
            return found if found is not None else _evaluate(default, item, scope)
        case Call("list_append", (first, second)):
            head, tail = _evaluate(first, item, scope), _evaluate(second, item, scope)
            if "L" not in head or "L" not in tail:
                raise _wrong_type()
            return {"L": [*head["L"], *tail["L"]]}
    raise AssertionError(operand)


def _added(found: Value | None, value: Value) -> Value:
    if found is None:
        return value
    tag = type_of(value)
    if tag not in found:
        raise _wrong_type()
    if tag == "N":
        return {"N": numbers.add(found["N"], value["N"])}
    return {tag: [*found[tag], *(element for element in value[tag] if element not in found[tag])]}


def _deleted(found: Value | None, value: Value) -> Value | None:
    if found is None:
        return None
    tag = type_of(value)
    if tag not in found:
        raise _wrong_type()
    left = [element for element in found[tag] if element not in value[tag]]
    return {tag: left} if left else None


def _wrong_type() -> AwsError:
    return AwsError("ValidationException", "An operand in the update expression has an incorrect data type")


def _bad_path(place: Place) -> AwsError:
    return AwsError(
        "ValidationException", "The document path provided in the update expression is invalid for update"
    )


def _container(item: Item, place: Place, own: set[int]) -> Any:
    """The dict or list that holds the last step of `place`, made the item's own by copying on the way down.

    `own` holds the ids of containers that this update has already copied.
    """
    holder: Any = item
    for step, following in pairwise(place):
        if isinstance(holder, list):
            value = holder[step] if isinstance(step, int) and step < len(holder) else None
        else:
            value = holder.get(step)
        tag = "L" if isinstance(following, int) else "M"
        if value is None or tag not in value:
            raise _bad_path(place)
        inner = value[tag]
        if id(inner) not in own:
            inner = inner.copy()
            own.add(id(inner))
            holder[step] = {tag: inner}
        holder = inner
    return holder


def _put(item: Item, place: Place, value: Value, own: set[int]) -> None:
    holder, last = _container(item, place, own), place[-1]
    if isinstance(holder, list):
        assert isinstance(last, int), shown(place)
        if last < len(holder):
            holder[last] = value
        else:
            holder.append(value)
    else:
        holder[last] = value


def _mark_removed(item: Item, place: Place, own: set[int]) -> None:
    # Elements are marked first and swept at the end: indexes of one update all mean the list as it was.
    holder, last = _container(item, place, own), place[-1]
    if isinstance(holder, list):
        assert isinstance(last, int), shown(place)
        if last < len(holder):
            holder[last] = _REMOVED
    elif last in holder:
        holder[last] = _REMOVED


def _swept(value: Value) -> Value:
    """`value` without what has been marked as removed."""
    if "M" in value and _marked(value):
        return {"M": {name: _swept(inner) for name, inner in value["M"].items() if inner is not _REMOVED}}
    if "L" in value and _marked(value):
        return {"L": [_swept(inner) for inner in value["L"] if inner is not _REMOVED]}
    return value


def _marked(value: Value) -> bool:
    inner = value.get("M", {}).values() if "M" in value else value.get("L", ())
    return any(each is _REMOVED or (("M" in each or "L" in each) and _marked(each)) for each in inner)
