"""Properties of a template as a request of the service's API. Pure but for botocore's models."""

from __future__ import annotations

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

_NUMBERS = {"integer": int, "long": int, "float": float, "double": float}


def to_request(properties: dict[str, Any], shape: Shape | None) -> dict[str, Any]:
    """`properties` with the names and types of `shape`, an operation's input.

    Templates write members with a capital where an API may not, and numbers and flags as text as well; the
    keys of maps (tags, parameters) stay as they are. What `shape` does not have is left out.
    """
    converted: dict[str, Any] = _value(properties, shape)
    return converted


def _value(value: Any, shape: Shape | None) -> Any:
    match shape:
        case StructureShape() if isinstance(value, dict):
            members = {str(name).lower(): (str(name), inner) for name, inner in shape.members.items()}
            found = {}
            for key, each in value.items():
                if each is not None and (known := members.get(key.lower())) is not None:
                    found[known[0]] = _value(each, known[1])
            return found
        case ListShape() if isinstance(value, list):
            return [_value(each, shape.member) for each in value]
        case MapShape() if isinstance(value, dict):
            return {key: _value(each, shape.value) for key, each in value.items()}
        case None:
            return value
        case _:
            return _scalar(value, shape.type_name)


def _scalar(value: Any, kind: str) -> Any:
    if kind in _NUMBERS and isinstance(value, str):
        return _NUMBERS[kind](value)
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if kind == "string" and isinstance(value, bool):
        return str(value).lower()
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    return value
