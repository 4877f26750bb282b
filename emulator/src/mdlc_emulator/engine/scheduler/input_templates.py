"""Input templates of EventBridge's targets. Pure.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

_PLACEHOLDER = re.compile(r"<([^<>]+)>")


def filled(template: str, values: dict[str, Any]) -> str:
    """`template` with every `<name>` replaced: by JSON, or inside a text by the value's own text.

    A name without a value becomes an empty text.
    """
    pieces: list[str] = []
    end = 0
    inside = False
    for match in _PLACEHOLDER.finditer(template):
        between = template[end : match.start()]
        inside ^= _quotes(between) % 2 == 1
        pieces += [between, _written(values.get(match[1], ""), inside=inside)]
        end = match.end()
    pieces.append(template[end:])
    return "".join(pieces)


def _quotes(text: str) -> int:
    """How many quotation marks open or close a text in `text`."""
    return len(re.findall(r'(?<!\\)"', text))


def _written(value: Any, *, inside: bool) -> str:
    if isinstance(value, datetime):
        value = value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if not inside:
        return json.dumps(value, default=str)
    if isinstance(value, str):
        return json.dumps(value)[1:-1]
    # Objects inside a text lose their quotation marks, so that it stays a text.
    return json.dumps(value, default=str).replace('"', "")
