"""Opaque strings that Kinesis hands out: shard iterators (valid 5 minutes) and pages of lists."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from mdlc_emulator.engine.aws_error import AwsError

ITERATOR_SECONDS = 300


class Iterator(NamedTuple):
    """Where a reader stands: `position` as `Shard` counts, `issued` in seconds since the epoch."""

    stream_arn: str
    stream_made: float
    shard_id: str
    position: int
    issued: float

    def encode(self) -> str:
        return _encode("iterator", list(self))

    @classmethod
    def decode(cls, token: str) -> Iterator:
        try:
            return cls(*_decode("iterator", token))
        except (ValueError, TypeError):
            raise AwsError("InvalidArgumentException", "Invalid ShardIterator.") from None


def page_token(kind: str, **state: Any) -> str:
    return _encode(kind, state)


def read_page_token(kind: str, token: str) -> dict[str, Any]:
    try:
        state: dict[str, Any] = _decode(kind, token)
    except ValueError:
        raise AwsError(
            "InvalidArgumentException", "The NextToken is not one that this API has given."
        ) from None
    return state


def _encode(kind: str, state: Any) -> str:
    return base64.b64encode(json.dumps([kind, state]).encode()).decode()


def _decode(kind: str, token: str) -> Any:
    try:
        found, state = json.loads(base64.b64decode(token, validate=True))
    except (ValueError, TypeError) as error:
        raise ValueError(token) from error
    if found != kind:
        raise ValueError(token)
    return state
