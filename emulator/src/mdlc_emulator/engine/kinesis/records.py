"""The data plane: records in, records out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator as Events
from datetime import UTC, datetime
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.kinesis.sequence import MAX_HASH_KEY, hash_key
from mdlc_emulator.engine.kinesis.shard import Record, Shard
from mdlc_emulator.engine.kinesis.store import StreamStore
from mdlc_emulator.engine.kinesis.stream import Stream
from mdlc_emulator.engine.kinesis.tokens import ITERATOR_SECONDS, Iterator

MOST_RECORDS_PUT = 500
MOST_BYTES_PUT = 10 * 2**20
MOST_RECORDS_GOT = 10_000
MOST_BYTES_GOT = 10 * 2**20
SUBSCRIPTION_SECONDS = 300
SUBSCRIPTION_PAUSE = 5
# A stream with this tag refuses what exceeds a shard's 1000 records or 1 MiB a second, as every stream of AWS
# does. Without it a shard takes all it is given: on one machine nobody wants to wait for a quota.
LIMITS_TAG = "mdlc:shard-limits"
SHARD_RECORDS_A_SECOND = 1000
SHARD_BYTES_A_SECOND = 2**20


class _Allowance:
    """What one shard has taken in the present second."""

    def __init__(self) -> None:
        self.second, self.records, self.size = 0, 0, 0

    def admits(self, size: int, now: float) -> bool:
        if int(now) != self.second:
            self.second, self.records, self.size = int(now), 0, 0
        if self.records + 1 > SHARD_RECORDS_A_SECOND or self.size + size > SHARD_BYTES_A_SECOND:
            return False
        self.records += 1
        self.size += size
        return True


class Records:
    """PutRecord(s), GetShardIterator, GetRecords, SubscribeToShard."""

    def __init__(self, store: StreamStore) -> None:
        self._store = store
        self._allowances: dict[tuple[str, str], _Allowance] = defaultdict(_Allowance)
        self.stopping = False

    def put_record(self, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
        stream = self._store.find(caller, request)
        now = clock.now()
        with stream.lock:
            self._check_size(stream, request, "data")
            stream.trim(now)
            shard = self._route(stream, request)
            if not self._admits(stream, shard, request, now):
                raise AwsError("ProvisionedThroughputExceededException", self._refusal(stream, shard))
            record = shard.append(request["PartitionKey"], request["Data"], now)
        answer = {"ShardId": shard.id, "SequenceNumber": str(record.sequence)}
        return answer | _encryption(stream)

    def put_records(self, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
        stream = self._store.find(caller, request)
        entries = request["Records"]
        total = sum(len(entry["Data"]) + len(entry["PartitionKey"].encode()) for entry in entries)
        if total > MOST_BYTES_PUT:
            raise AwsError(
                "InvalidArgumentException",
                f"Records size exceeds {MOST_BYTES_PUT // 2**20} MB limit",
            )
        now = clock.now()
        results: list[dict[str, Any]] = []
        failed = 0
        with stream.lock:
            for number, entry in enumerate(entries, 1):
                self._check_size(stream, entry, f"records.{number}.member.data")
            # All are routed before any is stored: a malformed hash key refuses the request as a whole.
            shards = [self._route(stream, entry) for entry in entries]
            stream.trim(now)
            for entry, shard in zip(entries, shards, strict=True):
                if self._admits(stream, shard, entry, now):
                    record = shard.append(entry["PartitionKey"], entry["Data"], now)
                    results.append({"SequenceNumber": str(record.sequence), "ShardId": shard.id})
                else:
                    failed += 1
                    results.append(
                        {
                            "ErrorCode": "ProvisionedThroughputExceededException",
                            "ErrorMessage": self._refusal(stream, shard),
                        }
                    )
        return {"FailedRecordCount": failed, "Records": results} | _encryption(stream)

    @staticmethod
    def _check_size(stream: Stream, entry: dict[str, Any], path: str) -> None:
        most = stream.record_kib * 1024
        if len(entry["Data"]) + len(entry["PartitionKey"].encode()) > most:
            raise AwsError(
                "ValidationException",
                f"1 validation error detected: Value at '{path}' failed to satisfy constraint: "
                f"Member must have length less than or equal to {most}",
            )

    @staticmethod
    def _route(stream: Stream, entry: dict[str, Any]) -> Shard:
        explicit = entry.get("ExplicitHashKey")
        if explicit is None:
            return stream.shard_for(hash_key(entry["PartitionKey"]))
        if int(explicit) > MAX_HASH_KEY:
            raise AwsError(
                "InvalidArgumentException",
                f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
                f"Specified value was {explicit}",
            )
        return stream.shard_for(int(explicit))

    def _admits(self, stream: Stream, shard: Shard, entry: dict[str, Any], now: float) -> bool:
        if LIMITS_TAG not in stream.tags:
            return True
        return self._allowances[stream.arn, shard.id].admits(len(entry["Data"]), now)

    @staticmethod
    def _refusal(stream: Stream, shard: Shard) -> str:
        return f"Rate exceeded for shard {shard.id} in stream {stream.name} under account {stream.account}."

    def get_shard_iterator(self, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
        stream = self._store.find(caller, request)
        shard = stream.shard(request["ShardId"])
        stream.trim(clock.now())
        position = start_position(
            stream,
            shard,
            request["ShardIteratorType"],
            request.get("StartingSequenceNumber"),
            request.get("Timestamp"),
        )
        return {"ShardIterator": self._token(stream, shard, position)}

    @staticmethod
    def _token(stream: Stream, shard: Shard, position: int) -> str:
        return Iterator(stream.arn, stream.made, shard.id, position, clock.now()).encode()

    def get_records(self, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
        iterator = Iterator.decode(request["ShardIterator"])
        stream = self._store.by_arn(iterator.stream_arn)
        if stream.made != iterator.stream_made:
            raise AwsError("InvalidArgumentException", "Invalid ShardIterator.")
        self._store.admit(caller, stream)
        now = clock.now()
        if now - iterator.issued > ITERATOR_SECONDS:
            raise AwsError(
                "ExpiredIteratorException",
                f"Iterator expired. The iterator was created at time {_date(iterator.issued)} while right "
                f"now it is {_date(now)} which is further in the future than the tolerated delay of "
                f"{ITERATOR_SECONDS * 1000} milliseconds.",
            )
        stream.trim(now)
        shard = stream.shard(iterator.shard_id)
        found, position = shard.read(
            iterator.position, request.get("Limit") or MOST_RECORDS_GOT, MOST_BYTES_GOT
        )
        answer: dict[str, Any] = {
            "Records": [_shape(record, stream) for record in found],
            "MillisBehindLatest": shard.behind(position, now),
        }
        if shard.exhausted(position):
            answer["ChildShards"] = _children(stream, shard)
        else:
            answer["NextShardIterator"] = self._token(stream, shard, position)
        return answer

    def subscribe_to_shard(self, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
        stream, _ = self._store.consumer(request["ConsumerARN"])
        shard = stream.shard(request["ShardId"])
        start = request["StartingPosition"]
        position = start_position(
            stream, shard, start["Type"], start.get("SequenceNumber"), start.get("Timestamp")
        )
        return {"EventStream": self._events(stream, shard, position)}

    def _events(self, stream: Stream, shard: Shard, position: int) -> Events[dict[str, Any]]:
        """Events until 5 minutes are over or the shard ends; one at least every 5 seconds."""
        until = clock.now() + SUBSCRIPTION_SECONDS
        last = shard.starting
        while clock.now() < until and not self.stopping and not stream.deleted:
            found, position = shard.read(position, MOST_RECORDS_GOT, MOST_BYTES_GOT)
            if found:
                last = found[-1].sequence
            event: dict[str, Any] = {
                "Records": [_shape(record, stream) for record in found],
                "ContinuationSequenceNumber": str(last),
                "MillisBehindLatest": shard.behind(position, clock.now()),
            }
            ended = shard.exhausted(position)
            if ended:
                event["ChildShards"] = _children(stream, shard)
            yield {"SubscribeToShardEvent": event}
            if ended:
                return
            shard.wait(position, SUBSCRIPTION_PAUSE)


def start_position(
    stream: Stream, shard: Shard, kind: str, sequence: str | None, moment: datetime | float | None
) -> int:
    """The position in `shard` that an iterator type (with its number or time) means."""
    match kind:
        case "TRIM_HORIZON":
            return shard.trimmed
        case "LATEST":
            return shard.end
        case "AT_TIMESTAMP":
            if moment is None:
                raise AwsError(
                    "InvalidArgumentException",
                    "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. "
                    "Current request has no timestamp parameter.",
                )
            seconds = moment.timestamp() if isinstance(moment, datetime) else float(moment)
            if seconds > clock.now():
                raise AwsError(
                    "InvalidArgumentException",
                    f"The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
                    f"timestampInMillis: {int(seconds * 1000)}, "
                    f"currentTimestampInMillis: {int(clock.now() * 1000)}",
                )
            return shard.position_at(seconds)
    if sequence is None:
        raise AwsError(
            "InvalidArgumentException",
            f"Must specify startingSequenceNumber parameter for iterator of type {kind}. Current request has "
            "no startingSequenceNumber parameter.",
        )
    number = int(sequence)
    if number == 0:
        return shard.trimmed
    if not shard.gave(number):
        raise AwsError(
            "InvalidArgumentException",
            f"StartingSequenceNumber {sequence} used in GetShardIterator on shard {shard.id} in stream "
            f"{stream.name} under account {stream.account} is invalid because it did not come from this "
            "stream.",
        )
    return shard.position_of(number) if kind == "AT_SEQUENCE_NUMBER" else shard.position_after(number)


def _shape(record: Record, stream: Stream) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "SequenceNumber": str(record.sequence),
        "ApproximateArrivalTimestamp": datetime.fromtimestamp(round(record.arrived, 3), UTC),
        "Data": record.data,
        "PartitionKey": record.partition_key,
    }
    return shape | _encryption(stream)


def _encryption(stream: Stream) -> dict[str, str]:
    return {"EncryptionType": "KMS"} if stream.encryption == "KMS" else {}


def _children(stream: Stream, shard: Shard) -> list[dict[str, Any]]:
    return [
        {
            "ShardId": child.id,
            "ParentShards": list(child.parents),
            "HashKeyRange": {"StartingHashKey": str(child.low), "EndingHashKey": str(child.high)},
        }
        for child in stream.children_of(shard)
    ]


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
