"""JSON values: copied, written and measured quickly. Pure."""

from __future__ import annotations

import copy
import datetime
import json
import marshal
from typing import Any

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: 256 KiB of UTF-8, per state and
# result
MAX_BYTES = 256 * 1024

_SCALARS = (str, int, float, bool, type(None))


def copied(value: Any) -> Any:
    """A deep copy of a JSON value; whatever else turns up in it is copied the slow way."""
    if type(value) in _SCALARS:
        return value
    try:
        return marshal.loads(marshal.dumps(value, 2))  # noqa: S302 (our own bytes, just made)
    except ValueError:
        return copy.deepcopy(value)


def _default(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


_compact = json.JSONEncoder(default=_default, separators=(",", ":"), ensure_ascii=False)


def text_of(value: Any, separators: tuple[str, str] | None = None) -> str:
    """`value` as compact JSON, characters beyond ASCII as they are: AWS writes and measures both so."""
    return _compact.encode(value)


def fits(value: Any) -> bool:
    """Whether `value`, a text or a JSON value, is within the payload limit."""
    text = value if isinstance(value, str) else text_of(value)
    if len(text) * 4 <= MAX_BYTES:
        return True
    return len(text.encode("utf-8", "surrogatepass")) <= MAX_BYTES
