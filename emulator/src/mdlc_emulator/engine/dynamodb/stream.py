"""The stream of a table's changes: one shard, kept for 24 hours."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mdlc_emulator.engine.dynamodb.values import Item, item_size
from mdlc_emulator.engine.log import Log

RETENTION_SECONDS = 24 * 3600
# Sequence numbers have at least 21 digits.
FIRST_SEQUENCE = 10**20


class Change(NamedTuple):
    """One change as the stream keeps it; `record` is the record in GetRecords' shape."""

    sequence: int
    arrived: float
    weight: int
    record: dict[str, Any]


@dataclass(eq=False)
class TableStream:
    """A stream from the moment it is enabled; disabled, it can be read for another 24 hours."""

    table_name: str
    table_arn: str
    keys: list[dict[str, str]]
    view: str
    region: str
    made: float

    def __post_init__(self) -> None:
        self.label = datetime.fromtimestamp(self.made, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
            f"{int(self.made * 1000) % 1000:03d}"
        )
        self.arn = f"{self.table_arn}/stream/{self.label}"
        self.shard_id = f"shardId-{int(self.made * 1000):020d}-{uuid.uuid4().hex[:8]}"
        self.log: Log[Change] = Log()
        self._given = FIRST_SEQUENCE + int(self.made * 1000) * 10**6

    @property
    def starting(self) -> int:
        return FIRST_SEQUENCE + int(self.made * 1000) * 10**6

    @property
    def enabled(self) -> bool:
        return self.log.closed is None

    def write(self, key: Item, old: Item | None, new: Item | None, now: float, *, expired: bool) -> None:
        """Record that `old` became `new` (None: no item)."""
        self._given += 1
        body: dict[str, Any] = {
            "ApproximateCreationDateTime": datetime.fromtimestamp(int(now), UTC),
            "Keys": key,
        }
        weight = item_size(key)
        if new is not None and self.view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
            body["NewImage"] = new
            weight += item_size(new)
        if old is not None and self.view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            body["OldImage"] = old
            weight += item_size(old)
        body |= {"SequenceNumber": str(self._given), "SizeBytes": weight, "StreamViewType": self.view}
        record: dict[str, Any] = {
            "eventID": uuid.uuid4().hex,
            "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self.region,
            "dynamodb": body,
        }
        if expired:
            record["userIdentity"] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
        self.log.trim(now - RETENTION_SECONDS)
        self.log.add(Change(self._given, now, weight, record))

    def disable(self, now: float) -> None:
        self.log.close(now)

    @property
    def ending(self) -> int | None:
        return None if self.enabled else self._given
