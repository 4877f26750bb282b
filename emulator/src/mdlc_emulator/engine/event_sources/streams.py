"""Streams as a mapping reads them: Kinesis and DynamoDB in one shape. Pure.

A source has shards; a shard is a log, its records become events. Children are read once their parents are
done.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.dynamodb.store import TableStore
from mdlc_emulator.engine.dynamodb.stream import RETENTION_SECONDS, Change
from mdlc_emulator.engine.event_sources.delivery import Delivered
from mdlc_emulator.engine.kinesis.records import start_position
from mdlc_emulator.engine.kinesis.shard import Record, Shard
from mdlc_emulator.engine.kinesis.store import StreamStore
from mdlc_emulator.engine.kinesis.stream import Stream
from mdlc_emulator.engine.log import Log


@dataclass(frozen=True)
class SourceShard:
    """One shard of a source."""

    id: str
    log: Log[Any]
    parents: tuple[str, ...] = ()


class Source(Protocol):
    """What a mapping needs to know of a stream. `kind` is kinesis or dynamodb."""

    kind: str
    arn: str

    def shards(self) -> list[SourceShard]:
        """All shards, parents before children, in one consistent look."""
        ...

    def start(self, shard: SourceShard, position: str, moment: datetime | float | None) -> int:
        """Where a StartingPosition lies in a shard."""
        ...

    def event(self, shard: SourceShard, position: int, entry: Any) -> Delivered:
        """The event of an entry of the shard's log."""
        ...

    def key(self, entry: Any) -> str:
        """What keeps an entry in order with others: the partition key."""
        ...

    def trim(self) -> None:
        """Forget what is past retention."""
        ...

    def retention(self) -> float:
        """How long records are kept, in seconds."""
        ...

    def gone(self) -> bool:
        """Whether the stream has been deleted."""
        ...


class KinesisSource:
    """A data stream."""

    kind = "kinesis"

    def __init__(self, store: StreamStore, arn: str, role_arn: str) -> None:
        # Of a consumer's ARN the stream's part counts: the function gets its records all the same.
        self.arn = arn
        self._stream: Stream = store.by_arn(arn)
        self._role = role_arn
        self._region = arn.split(":")[3]

    def shards(self) -> list[SourceShard]:
        with self._stream.lock:
            return [SourceShard(shard.id, shard, shard.parents) for shard in self._stream.shards.values()]

    def start(self, shard: SourceShard, position: str, moment: datetime | float | None) -> int:
        assert isinstance(shard.log, Shard)
        if position == "AT_TIMESTAMP":
            assert moment is not None
            seconds = moment.timestamp() if isinstance(moment, datetime) else float(moment)
            return shard.log.position_at(seconds)
        return start_position(self._stream, shard.log, position, None, None)

    def event(self, shard: SourceShard, position: int, entry: Record) -> Delivered:
        sequence = str(entry.sequence)
        event = {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": entry.partition_key,
                "sequenceNumber": sequence,
                "data": base64.b64encode(entry.data).decode(),
                "approximateArrivalTimestamp": round(entry.arrived, 3),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard.id}:{sequence}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": self._role,
            "awsRegion": self._region,
            "eventSourceARN": self.arn,
        }
        return Delivered(position, sequence, entry.arrived, event)

    def key(self, entry: Record) -> str:
        return entry.partition_key

    def trim(self) -> None:
        self._stream.trim(clock.now())

    def retention(self) -> float:
        return self._stream.retention_hours * 3600.0

    def gone(self) -> bool:
        return self._stream.deleted


class DynamoSource:
    """The stream of a table."""

    kind = "dynamodb"

    def __init__(self, store: TableStore, arn: str) -> None:
        stream = store.streams.get(arn)
        if stream is None:
            raise AwsError("ResourceNotFoundException", f"Stream {arn} not found")
        self.arn = arn
        self._store, self._stream = store, stream

    def shards(self) -> list[SourceShard]:
        return [SourceShard(self._stream.shard_id, self._stream.log)]

    def start(self, shard: SourceShard, position: str, moment: datetime | float | None) -> int:
        return shard.log.end if position == "LATEST" else shard.log.trimmed

    def event(self, shard: SourceShard, position: int, entry: Change) -> Delivered:
        record = entry.record
        event = {
            "eventID": record["eventID"],
            "eventName": record["eventName"],
            "eventVersion": record["eventVersion"],
            "eventSource": "aws:dynamodb",
            "awsRegion": record["awsRegion"],
            "dynamodb": _plain(record["dynamodb"]),
            "eventSourceARN": self.arn,
        }
        if identity := record.get("userIdentity"):
            event["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
        return Delivered(position, str(entry.sequence), entry.arrived, event)

    def key(self, entry: Change) -> str:
        return json.dumps(_plain(entry.record["dynamodb"]["Keys"]), sort_keys=True)

    def trim(self) -> None:
        """Writing trims."""

    def retention(self) -> float:
        return float(RETENTION_SECONDS)

    def gone(self) -> bool:
        return self._stream.arn not in self._store.streams


def _plain(value: Any) -> Any:
    """`value` as JSON holds it: binary in base64, times as seconds."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.timestamp() if isinstance(value, datetime) else value
