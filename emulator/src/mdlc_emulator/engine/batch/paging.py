"""Pages of lists: `maxResults`, and a `nextToken` that says where the next page begins. Pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from mdlc_emulator.engine.batch.errors import invalid


def page[T](
    items: Sequence[T], request: dict[str, Any], *, most: int, key: str
) -> tuple[Sequence[T], dict[str, str]]:
    """The page of `items` that `request` asks for, and the members that lead to the next one.

    `key` names the attribute (or dictionary key) of an item that identifies it: a page begins after the item
    that ended the one before, also when others have come or gone meanwhile.
    """
    size = request.get("maxResults")
    if size is not None and size < 1:
        raise invalid("maxResults must be greater than 0")
    size = min(size or most, most)
    start = 0
    token = request.get("nextToken")
    if token:
        start = _start(items, token, key)
    found = items[start : start + size]
    if start + size >= len(items):
        return found, {}
    return found, {"nextToken": _token(_identity(found[-1], key), start + size)}


def _identity(item: Any, key: str) -> str:
    return str(item[key] if isinstance(item, dict) else getattr(item, key))


def _token(last: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{position}|{last}".encode()).decode()


def _start(items: Sequence[Any], token: str, key: str) -> int:
    try:
        position_text, last = base64.urlsafe_b64decode(token.encode()).decode().split("|", 1)
        position = int(position_text)
    except ValueError:
        raise invalid("Invalid nextToken") from None
    for index, item in enumerate(items):
        if _identity(item, key) == last:
            return index + 1
    return min(position, len(items))
