"""The constraints that botocore's models state (required, length, range, pattern, enum), checked as AWS does.

AWS's front end reports all violations of a request in one ValidationException:
`2 validation errors detected: Value '...' at 'streamName' failed to satisfy constraint: ...; Value ...`.
Checks are compiled once for each operation, and only where a shape constrains something, so that a batch of
500 records costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.patterns import compile_pattern

type Check = Callable[[Any, str], Iterator[str]]


def compile_checks(
    shape: Shape | None, *, skip: Container[str] = (), code: str = "ValidationException"
) -> Callable[[dict[str, Any]], None]:
    """A function that raises the error `code` for a request that breaks a constraint of `shape`.

    `skip` names shapes whose constraints the service checks itself (in another order, or with other words).
    """
    compiled = _compile(shape, skip, ()) if shape is not None else None
    if compiled is None:
        return lambda request: None
    check = compiled

    def validate(request: dict[str, Any]) -> None:
        violations = list(check(request, ""))
        if violations:
            plural = "s" if len(violations) > 1 else ""
            raise AwsError(
                code,
                f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}",
            )

    return validate


def _compile(shape: Shape, skip: Container[str], above: tuple[str, ...]) -> Check | None:
    if shape.name in skip or shape.name in above:
        return None
    above = (*above, shape.name)
    match shape:
        case StructureShape():
            return _structure(shape, skip, above)
        case ListShape():
            own = _scalar(shape)
            inner = _compile(shape.member, skip, above)
            return _both(own, _items(inner, _place(shape.member)) if inner else None)
        case MapShape():
            own = _scalar(shape)
            inner = _compile(shape.value, skip, above)
            return _both(own, _values(inner, _place(shape.value)) if inner else None)
        case _:
            return _scalar(shape)


def _both(first: Check | None, second: Check | None) -> Check | None:
    if first is None or second is None:
        return first or second

    def check(value: Any, path: str) -> Iterator[str]:
        yield from first(value, path)
        yield from second(value, path)

    return check


def _structure(shape: StructureShape, skip: Container[str], above: tuple[str, ...]) -> Check | None:
    required = [(name, name[0].lower() + name[1:]) for name in shape.required_members]
    members = [
        (name, name[0].lower() + name[1:], inner)
        for name, member in shape.members.items()
        if (inner := _compile(member, skip, above)) is not None
    ]
    if not required and not members:
        return None

    def check(value: Any, path: str) -> Iterator[str]:
        prefix = f"{path}." if path else ""
        for name, shown in required:
            if value.get(name) is None:
                yield (
                    f"Value null at '{prefix}{shown}' failed to satisfy constraint: Member must not be null"
                )
        for name, shown, member_check in members:
            if (found := value.get(name)) is not None:
                yield from member_check(found, prefix + shown)

    return check


def _place(shape: Shape) -> str:
    """What follows an item's number or key in a path: `records.1.member.data`, but `tagKeys.1`."""
    return ".member" if isinstance(shape, StructureShape) else ""


def _items(inner: Check, place: str) -> Check:
    def check(value: Any, path: str) -> Iterator[str]:
        for index, item in enumerate(value, 1):
            yield from inner(item, f"{path}.{index}{place}")

    return check


def _values(inner: Check, place: str) -> Check:
    def check(value: Any, path: str) -> Iterator[str]:
        for key, item in value.items():
            yield from inner(item, f"{path}.{key}{place}")

    return check


def _scalar(shape: Shape) -> Check | None:
    meta = shape.metadata
    numeric = shape.type_name in ("integer", "long", "float", "double")
    low, high = meta.get("min"), meta.get("max")
    pattern = meta.get("pattern")
    compiled = compile_pattern(pattern) if pattern and shape.type_name == "string" else None
    allowed = meta.get("enum") if shape.type_name == "string" else None
    if (low is None or (low == 0 and not numeric)) and high is None and compiled is None and not allowed:
        return None
    words = "value" if numeric else "length"

    def check(value: Any, path: str) -> Iterator[str]:
        size = value if numeric else len(value)
        shown = f"Value '{value}'" if isinstance(value, str | int | float) else "Value"
        if low is not None and size < low:
            yield (
                f"{shown} at '{path}' failed to satisfy constraint: "
                f"Member must have {words} greater than or equal to {low}"
            )
        if high is not None and size > high:
            yield (
                f"{shown} at '{path}' failed to satisfy constraint: "
                f"Member must have {words} less than or equal to {high}"
            )
        if compiled is not None and not compiled.fullmatch(value):
            yield (
                f"{shown} at '{path}' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {pattern}"
            )
        if allowed and value not in allowed:
            yield (
                f"{shown} at '{path}' failed to satisfy constraint: "
                f"Member must satisfy enum value set: [{', '.join(allowed)}]"
            )

    return check
