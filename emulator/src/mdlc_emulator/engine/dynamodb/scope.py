"""What the placeholders of one request stand for, and where paths lead in an item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.dynamodb.syntax import Literal, Name, Parsed, Path
from mdlc_emulator.engine.dynamodb.values import Item, Value, clean

type Place = tuple[str | int, ...]


class Scope:
    """ExpressionAttributeNames and ExpressionAttributeValues of a request, checked against its "
    "expressions."""

    def __init__(self, request: dict[str, Any], parsed: Sequence[tuple[str, Parsed[Any] | None]]) -> None:
        """`parsed`: (parameter, tree) of each expression the operation may carry; None when it carries "
        "none."""
        self._names: dict[str, str] = request.get("ExpressionAttributeNames") or {}
        values = request.get("ExpressionAttributeValues") or {}
        given = [(label, tree) for label, tree in parsed if tree is not None]
        self._refuse_idle(request, [label for label, _ in parsed], bool(given))
        for label, tree in given:
            self._refuse_unknown(label, tree, values)
        self._refuse_unused("Names", self._names, [tree.names for _, tree in given])
        self._refuse_unused("Values", values, [tree.values for _, tree in given])
        self._values: dict[str, Value] = {}
        for name, value in values.items():
            try:
                self._values[name] = clean(value)
            except AwsError as error:
                raise AwsError(
                    error.code,
                    f"ExpressionAttributeValues contains invalid value: {error.message} for key {name}",
                ) from None

    @staticmethod
    def _refuse_idle(request: dict[str, Any], labels: list[str], used: bool) -> None:
        for kind in ("Names", "Values"):
            found = request.get(f"ExpressionAttribute{kind}")
            if found is None:
                continue
            if not used:
                missing = (
                    " and ".join(f"{label}" for label in labels)
                    + (" is" if len(labels) == 1 else " are")
                    + " null"
                )
                raise AwsError(
                    "ValidationException",
                    f"ExpressionAttribute{kind} can only be specified when using expressions: {missing}",
                )
            if not found:
                raise AwsError("ValidationException", f"ExpressionAttribute{kind} must not be empty")

    def _refuse_unknown(self, label: str, tree: Parsed[Any], values: dict[str, Value]) -> None:
        for name in sorted(tree.names - self._names.keys()):
            raise AwsError(
                "ValidationException",
                f"Invalid {label}: An expression attribute name used in the document path is not defined; "
                f"attribute name: {name}",
            )
        for name in sorted(tree.values - values.keys()):
            raise AwsError(
                "ValidationException",
                f"Invalid {label}: An expression attribute value used in expression is not defined; "
                f"attribute value: {name}",
            )

    @staticmethod
    def _refuse_unused(kind: str, given: dict[str, Any], used: Iterable[frozenset[str]]) -> None:
        unused = given.keys() - frozenset().union(*used)
        if unused:
            raise AwsError(
                "ValidationException",
                f"Value provided in ExpressionAttribute{kind} unused in expressions: "
                f"keys: {{{', '.join(sorted(unused))}}}",
            )

    def value(self, literal: Literal) -> Value:
        return self._values[literal.name]

    def place(self, path: Path) -> Place:
        """`path` with its placeholders resolved."""
        return tuple(
            (self._names[step.text] if step.placeholder else step.text) if isinstance(step, Name) else step
            for step in path.steps
        )


def look_up(item: Item, place: Place) -> Value | None:
    """The value at `place`, or None where the item has none."""
    value: Value | None = item.get(str(place[0]))
    for step in place[1:]:
        if value is None:
            return None
        if isinstance(step, int):
            elements = value.get("L")
            value = elements[step] if elements is not None and step < len(elements) else None
        else:
            value = (value.get("M") or {}).get(step)
    return value


def top_level(place: Place) -> str:
    return str(place[0])


def shown(place: Place) -> str:
    """`place` as AWS's messages write it: `[a, b, [3]]`."""
    return "[" + ", ".join(f"[{step}]" if isinstance(step, int) else step for step in place) + "]"


def refuse_overlaps(label: str, places: Sequence[Place]) -> None:
    """Two paths of one expression must neither be equal nor contain one another."""
    ordered = list(places)
    for index, first in enumerate(ordered):
        for second in ordered[index + 1 :]:
            shorter = min(len(first), len(second))
            if first[:shorter] == second[:shorter]:
                raise AwsError(
                    "ValidationException",
                    f"Invalid {label}: Two document paths overlap with each other; must remove or "
                    f"rewrite one "
                    f"of these paths; path one: {shown(first)}, path two: {shown(second)}",
                )
