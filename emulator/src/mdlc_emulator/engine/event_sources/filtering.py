"""Which events a mapping's FilterCriteria let through. Pure: the pattern matcher is handed in.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html and
https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

type Event = dict[str, Any]
type Matches = Callable[[dict[str, Any], Event], bool]


def accepts(kind: str, patterns: Sequence[dict[str, Any]], event: Event, matches: Matches) -> bool:
    """Whether `event` of a source of `kind` (kinesis, dynamodb, sqs) meets one of the patterns; none: yes."""
    if not patterns:
        return True
    if kind == "dynamodb":
        return any(matches(pattern, event) for pattern in patterns)
    if kind == "kinesis":
        raw = base64.b64decode(event["kinesis"]["data"])
        view, member = {**event, **event["kinesis"]}, "data"
    else:
        raw, view, member = event["body"].encode(), dict(event), "body"
    return any(_matches_body(pattern, view, member, raw, matches) for pattern in patterns)


def _matches_body(pattern: dict[str, Any], view: Event, member: str, raw: bytes, matches: Matches) -> bool:
    """`pattern[member]` and the body have to be of one format, JSON or plain text; else the event is "
    "dropped."""
    if member not in pattern:
        return matches(pattern, view)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return False
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    is_json = isinstance(parsed, dict | list)
    if isinstance(pattern[member], dict) is not is_json:
        return False
    return matches(pattern, {**view, member: parsed if is_json else text})
