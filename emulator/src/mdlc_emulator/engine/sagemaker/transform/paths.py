"""JSONPath as transform jobs have it: a part of a record.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html#data-processing-operators:
`$`, `.name`, `*`, `['name', 'name']`, `[number, number]`, `[start:end]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

type Pick = Callable[[Any], Any]

_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_][\w-]*)|\.(?P<every>\*)|\[\s*(?P<every_too>\*)\s*\]
    |\[\s*(?P<start>-?\d*)\s*:\s*(?P<end>-?\d*)\s*\]
    |\[\s*(?P<numbers>-?\d+(?:\s*,\s*-?\d+)*)\s*\]
    |\[\s*(?P<names>(?:'[^']*'|"[^"]*")(?:\s*,\s*(?:'[^']*'|"[^"]*"))*)\s*\]""",
    re.VERBOSE,
)


class PathError(Exception):
    """A path that is none, or that selects nothing from a record."""


def compile_path(path: str) -> Pick | None:
    """A function that selects from a record; None for `$`, which is all of it. PathError."""
    text = path.strip()
    if not text.startswith("$"):
        raise PathError(f"{path!r} is no JSONPath: it must begin with $")
    position, steps = 1, list[Pick]()
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise PathError(f"{path!r} has an operator that transform jobs do not know: {text[position:]!r}")
        steps.append(_step(found))
        position = found.end()
    if not steps:
        return None

    def pick(record: Any) -> Any:
        for step in steps:
            record = step(record)
        return record

    return pick


def _step(found: re.Match[str]) -> Pick:
    if (name := found["name"]) is not None:
        return lambda record: _member(record, name)
    if found["every"] or found["every_too"]:
        return lambda record: list(record.values()) if isinstance(record, dict) else _list(record)
    if found["numbers"] is not None:
        numbers = [int(number) for number in found["numbers"].split(",")]
        if len(numbers) == 1:
            return lambda record: _item(record, numbers[0])
        return lambda record: [_item(record, number) for number in numbers]
    if found["names"] is not None:
        names = [text[1:-1] for text in re.findall(r"'[^']*'|\"[^\"]*\"", found["names"])]
        if len(names) == 1:
            return lambda record: _member(record, names[0])
        return lambda record: {name: _member(record, name) for name in names}
    part = slice(int(found["start"]) if found["start"] else None, int(found["end"]) if found["end"] else None)
    return lambda record: _list(record)[part]


def _member(record: Any, name: str) -> Any:
    if not isinstance(record, dict) or name not in record:
        raise PathError(f"a record has no attribute {name!r}")
    return record[name]


def _item(record: Any, number: int) -> Any:
    items = _list(record)
    if not -len(items) <= number < len(items):
        raise PathError(f"index {number} is not within the {len(items)} columns of a record")
    return items[number]


def _list(record: Any) -> list[Any]:
    if not isinstance(record, list):
        raise PathError("a record is no array")
    return record
