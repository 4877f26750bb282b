"""JSONPath: reference paths (`$.order['unit price']`) walked directly, everything else parsed once.

jsonpath_ng builds its parser tables anew at every call of `parse`, which was nine tenths of a Pass state, and
takes field names like `parent` or `where` for operators. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from mdlc_emulator.engine.stepfunctions.values import copied

_SEGMENT = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\['([^']*)'\]")
_REFERENCE = re.compile(rf"^\$(?:{_SEGMENT.pattern})+$")


@lru_cache(maxsize=4096)
def fields(path: str) -> tuple[str, ...] | None:
    """The field names of a plain reference path, or None when `path` is anything else; () is `$`."""
    if path == "$":
        return ()
    if not _REFERENCE.match(path):
        return None
    return tuple(dotted or quoted for dotted, quoted in _SEGMENT.findall(path))


_INDEFINITE = re.compile(r"\.\.|\.\*|\[\*\]|\[\s*\?|\[[^\]'\"]*[:,]")


@lru_cache(maxsize=4096)
def is_indefinite(path: str) -> bool:
    """Whether `path` may name several values: it then gives a list, of one or none as well."""
    return _INDEFINITE.search(path) is not None


class NotFoundError(LookupError):
    """The path leads nowhere."""


def walk(names: tuple[str, ...], data: Any) -> Any:
    """What `names` lead to in `data`. Raises NotFoundError."""
    for name in names:
        if not isinstance(data, dict) or name not in data:
            raise NotFoundError
        data = data[name]
    return data


def not_found(path: str, data: Any) -> str:
    """AWS's words for a path that leads nowhere in `data`."""
    names = fields(path)
    if not names:
        return f"Invalid path '{path}' : No results for path: {path}"
    shown = "$"
    for name in names[:-1]:
        shown += f"['{name}']"
        if not isinstance(data, dict) or name not in data:
            return f"Invalid path '{path}' : Missing property in path {shown}"
        data = data[name]
    return f"Invalid path '{path}' : No results for path: {shown}['{names[-1]}']"


def placed(names: tuple[str, ...], data: Any, value: Any) -> Any:
    """`data` with `value` put where `names` lead, objects made on the way; `data` itself is changed and
    returned.

    Raises NotFoundError when the way crosses something that is no object.
    """
    if not names:
        return value
    place = data
    for name in names[:-1]:
        if not isinstance(place, dict):
            raise NotFoundError
        place = place.setdefault(name, {})
    if not isinstance(place, dict):
        raise NotFoundError
    place[names[-1]] = copied(value)
    return data


def cached(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """`parse`, each path once; what it returns is never changed by its users."""
    return lru_cache(maxsize=4096)(parse)
