"""The operations of DynamoDB Streams."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.dynamodb.store import TableStore
from mdlc_emulator.engine.dynamodb.stream import RETENTION_SECONDS, TableStream

MOST_RECORDS = 1000
MOST_BYTES = 2**20
ITERATOR_SECONDS = 15 * 60

type Request = dict[str, Any]
type Response = dict[str, Any]


class Streams:
    """ListStreams, DescribeStream, GetShardIterator, GetRecords."""

    def __init__(self, store: TableStore) -> None:
        self._store = store

    def list_streams(self, caller: Caller, request: Request) -> Response:
        table, after = request.get("TableName"), request.get("ExclusiveStartStreamArn") or ""
        prefix = f"arn:aws:dynamodb:{caller.region}:{caller.account}:table/"
        found = [
            stream
            for arn, stream in sorted(self._store.streams.items())
            if arn.startswith(prefix)
            and arn > after
            and table in (None, stream.table_name)
            and _readable(stream)
        ]
        page = found[: request.get("Limit", 100)]
        answer: Response = {
            "Streams": [
                {"StreamArn": stream.arn, "TableName": stream.table_name, "StreamLabel": stream.label}
                for stream in page
            ]
        }
        if len(found) > len(page):
            answer["LastEvaluatedStreamArn"] = page[-1].arn
        return answer

    def describe_stream(self, caller: Caller, request: Request) -> Response:
        stream = self._find(caller, request["StreamArn"])
        numbers = {"StartingSequenceNumber": str(stream.starting)}
        if stream.ending is not None:
            numbers["EndingSequenceNumber"] = str(stream.ending)
        after = request.get("ExclusiveStartShardId")
        shards = [{"ShardId": stream.shard_id, "SequenceNumberRange": numbers}]
        return {
            "StreamDescription": {
                "StreamArn": stream.arn,
                "StreamLabel": stream.label,
                "StreamStatus": "ENABLED" if stream.enabled else "DISABLED",
                "StreamViewType": stream.view,
                "CreationRequestDateTime": datetime.fromtimestamp(stream.made, UTC),
                "TableName": stream.table_name,
                "KeySchema": stream.keys,
                "Shards": [shard for shard in shards if shard["ShardId"] != after],
            }
        }

    def get_shard_iterator(self, caller: Caller, request: Request) -> Response:
        stream = self._find(caller, request["StreamArn"])
        if request["ShardId"] != stream.shard_id:
            raise AwsError(
                "ResourceNotFoundException",
                f"Requested resource not found: Shard does not exist: {request['ShardId']}",
            )
        stream.log.trim(clock.now() - RETENTION_SECONDS)
        kind = request["ShardIteratorType"]
        match kind:
            case "TRIM_HORIZON":
                position = stream.log.trimmed
            case "LATEST":
                position = stream.log.end
            case _:
                position = _position(stream, kind, request.get("SequenceNumber"))
        return {"ShardIterator": _token(stream, position)}

    def get_records(self, caller: Caller, request: Request) -> Response:
        arn, shard_id, position, issued = _read(request["ShardIterator"])
        stream = self._find(caller, arn)
        if shard_id != stream.shard_id:
            raise AwsError("ValidationException", "Invalid ShardIterator")
        now = clock.now()
        if now - issued > ITERATOR_SECONDS:
            raise AwsError("ExpiredIteratorException", "Iterator expired")
        stream.log.trim(now - RETENTION_SECONDS)
        if position < stream.log.trimmed:
            raise AwsError(
                "TrimmedDataAccessException", "The operation attempted to read past the oldest stream record"
            )
        found, position = stream.log.read(position, request.get("Limit") or MOST_RECORDS, MOST_BYTES)
        answer: Response = {"Records": [change.record for change in found]}
        if not stream.log.exhausted(position):
            answer["NextShardIterator"] = _token(stream, position)
        return answer

    def _find(self, caller: Caller, arn: str) -> TableStream:
        stream = self._store.streams.get(arn)
        prefix = f"arn:aws:dynamodb:{caller.region}:{caller.account}:"
        if stream is None or not arn.startswith(prefix) or not _readable(stream):
            raise AwsError(
                "ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found"
            )
        return stream


def _readable(stream: TableStream) -> bool:
    """A disabled stream goes away with its last record."""
    return stream.log.closed is None or clock.now() - stream.log.closed < RETENTION_SECONDS


def _position(stream: TableStream, kind: str, sequence: str | None) -> int:
    if sequence is None or not sequence.isdigit():
        raise AwsError("ValidationException", f"SequenceNumber is required for iterator of type {kind}")
    number, log = int(sequence), stream.log
    if log.entries and number < log.entries[0].sequence and log.trimmed:
        raise AwsError(
            "TrimmedDataAccessException",
            f"The operation attempted to read past the oldest stream record. Sequence number: {sequence}",
        )
    return log.position_of(number) if kind == "AT_SEQUENCE_NUMBER" else log.position_after(number)


def _token(stream: TableStream, position: int) -> str:
    state = json.dumps([stream.arn, stream.shard_id, position, clock.now()])
    return f"{stream.arn}|1|{base64.b64encode(state.encode()).decode()}"


def _read(token: str) -> tuple[str, str, int, float]:
    try:
        arn, shard, position, issued = json.loads(base64.b64decode(token.rsplit("|", 1)[-1], validate=True))
    except (ValueError, TypeError):
        raise AwsError("ValidationException", "Invalid ShardIterator") from None
    return arn, shard, int(position), float(issued)
