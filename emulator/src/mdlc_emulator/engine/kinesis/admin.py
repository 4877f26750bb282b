"""The control plane: streams, shards, consumers, tags, retention, modes."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.kinesis.shard import Shard
from mdlc_emulator.engine.kinesis.store import StreamStore
from mdlc_emulator.engine.kinesis.stream import DEFAULT_RETENTION_HOURS, ON_DEMAND_SHARDS, Stream
from mdlc_emulator.engine.kinesis.tokens import page_token, read_page_token

MOST_RETENTION_HOURS = 8760
ALL_METRICS = [
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
]

type Request = dict[str, Any]
type Response = dict[str, Any]


class Admin:
    """Operations on streams. A change is complete when the call returns: the first look finds it ACTIVE."""

    def __init__(self, store: StreamStore) -> None:
        self._store = store

    def create_stream(self, caller: Caller, request: Request) -> Response:
        name = request["StreamName"]
        streams = self._store.of(caller)
        if name in streams:
            raise AwsError(
                "ResourceInUseException", f"Stream {name} under account {caller.account} already exists."
            )
        mode = request.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
        count = request.get("ShardCount")
        if mode == "ON_DEMAND" and count is not None:
            raise AwsError("ValidationException", "ShardCount is not supported for on-demand streams.")
        if mode == "PROVISIONED" and count is None:
            raise AwsError("ValidationException", "ShardCount is required for provisioned streams.")
        stream = Stream(
            name=name,
            arn=f"arn:aws:kinesis:{caller.region}:{caller.account}:stream/{name}",
            account=caller.account,
            made=clock.now(),
            mode=mode,
            record_kib=request.get("MaxRecordSizeInKiB", 1024),
            tags=dict(request.get("Tags", {})),
        )
        stream.start_with(count or ON_DEMAND_SHARDS)
        streams[name] = stream
        return {}

    def delete_stream(self, caller: Caller, request: Request) -> Response:
        stream = self._store.find(caller, request)
        if stream.consumers and not request.get("EnforceConsumerDeletion"):
            raise AwsError(
                "ResourceInUseException",
                f"Stream {stream.name} under account {stream.account} has consumers registered. "
                "Deregister them, or set EnforceConsumerDeletion.",
            )
        stream.remove()
        region = stream.arn.split(":")[3]
        self._store.of(Caller(stream.account, region)).pop(stream.name, None)
        return {}

    def describe_stream(self, caller: Caller, request: Request) -> Response:
        stream = self._store.find(caller, request)
        stream.trim(clock.now())
        shards, more = _page(stream, request.get("ExclusiveStartShardId"), request.get("Limit", 100))
        return {
            "StreamDescription": {
                "StreamName": stream.name,
                "StreamARN": stream.arn,
                "StreamStatus": "ACTIVE",
                "StreamModeDetails": {"StreamMode": stream.mode},
                "Shards": [_shard(shard) for shard in shards],
                "HasMoreShards": more,
                "RetentionPeriodHours": stream.retention_hours,
                "StreamCreationTimestamp": _date(stream.made),
                "EnhancedMonitoring": [{"ShardLevelMetrics": list(stream.metrics)}],
                **_encryption(stream),
            }
        }

    def describe_stream_summary(self, caller: Caller, request: Request) -> Response:
        stream = self._store.find(caller, request)
        return {
            "StreamDescriptionSummary": {
                "StreamName": stream.name,
                "StreamARN": stream.arn,
                "StreamStatus": "ACTIVE",
                "StreamModeDetails": {"StreamMode": stream.mode},
                "RetentionPeriodHours": stream.retention_hours,
                "StreamCreationTimestamp": _date(stream.made),
                "EnhancedMonitoring": [{"ShardLevelMetrics": list(stream.metrics)}],
                "OpenShardCount": len(stream.open_shards()),
                "ConsumerCount": len(stream.consumers),
                "MaxRecordSizeInKiB": stream.record_kib,
                **_encryption(stream),
            }
        }

    def list_streams(self, caller: Caller, request: Request) -> Response:
        start = request.get("ExclusiveStartStreamName") or ""
        if token := request.get("NextToken"):
            start = read_page_token("streams", token)["after"]
        streams = sorted(self._store.of(caller).values(), key=lambda stream: stream.name)
        rest = [stream for stream in streams if stream.name > start]
        page = rest[: request.get("Limit", 100)]
        answer: Response = {
            "StreamNames": [stream.name for stream in page],
            "HasMoreStreams": len(rest) > len(page),
            "StreamSummaries": [
                {
                    "StreamName": stream.name,
                    "StreamARN": stream.arn,
                    "StreamStatus": "ACTIVE",
                    "StreamModeDetails": {"StreamMode": stream.mode},
                    "StreamCreationTimestamp": _date(stream.made),
                }
                for stream in page
            ],
        }
        if len(rest) > len(page):
            answer["NextToken"] = page_token("streams", after=page[-1].name)
        return answer

    def list_shards(self, caller: Caller, request: Request) -> Response:
        token = request.get("NextToken")
        if token:
            if request.get("StreamName") or request.get("StreamARN") or request.get("ShardFilter"):
                raise AwsError(
                    "InvalidArgumentException",
                    "NextToken and StreamName cannot be provided together.",
                )
            state = read_page_token("shards", token)
            stream = self._store.by_arn(state["arn"])
            after, chosen = state["after"], state["filter"]
        else:
            stream = self._store.find(caller, request)
            after = request.get("ExclusiveStartShardId")
            chosen = dict(request.get("ShardFilter") or {})
            if isinstance(moment := chosen.get("Timestamp"), datetime):
                chosen["Timestamp"] = moment.timestamp()
        self._store.admit(caller, stream)
        stream.trim(clock.now())
        most = request.get("MaxResults", 1000)
        shards, more = _page(stream, after, most, _filter(chosen))
        answer: Response = {"Shards": [_shard(shard) for shard in shards]}
        if more:
            answer["NextToken"] = page_token("shards", arn=stream.arn, after=shards[-1].id, filter=chosen)
        return answer

    def split_shard(self, caller: Caller, request: Request) -> Response:
        stream = self._provisioned(caller, request, "SplitShard")
        with stream.lock:
            stream.split(request["ShardToSplit"], int(request["NewStartingHashKey"]), clock.now())
        return {}

    def merge_shards(self, caller: Caller, request: Request) -> Response:
        stream = self._provisioned(caller, request, "MergeShards")
        with stream.lock:
            stream.merge(request["ShardToMerge"], request["AdjacentShardToMerge"], clock.now())
        return {}

    def update_shard_count(self, caller: Caller, request: Request) -> Response:
        stream = self._provisioned(caller, request, "UpdateShardCount")
        target = request["TargetShardCount"]
        with stream.lock:
            current = len(stream.open_shards())
            if target > 2 * current or target < math.ceil(current / 2):
                raise AwsError(
                    "LimitExceededException",
                    "UpdateShardCount cannot scale up over double your current open shard count, nor below "
                    f"half of it. Current open shard count: {current}. Target shard count: {target}",
                )
            stream.resize(target, clock.now())
        return {
            "StreamName": stream.name,
            "StreamARN": stream.arn,
            "CurrentShardCount": current,
            "TargetShardCount": target,
        }

    def _provisioned(self, caller: Caller, request: Request, operation: str) -> Stream:
        stream = self._store.find(caller, request)
        if stream.mode == "ON_DEMAND":
            raise AwsError(
                "ValidationException",
                f"Request is invalid. Stream {stream.name} under account {stream.account} "
                f"is in On-Demand mode: {operation} is not allowed.",
            )
        return stream

    def update_stream_mode(self, caller: Caller, request: Request) -> Response:
        stream = self._store.find(caller, request)
        stream.mode = request["StreamModeDetails"]["StreamMode"]
        return {}

    def update_max_record_size(self, caller: Caller, request: Request) -> Response:
        self._store.find(caller, request).record_kib = request["MaxRecordSizeInKiB"]
        return {}

    def increase_retention(self, caller: Caller, request: Request) -> Response:
        return self._retain(caller, request, 1)

    def decrease_retention(self, caller: Caller, request: Request) -> Response:
        return self._retain(caller, request, -1)

    def _retain(self, caller: Caller, request: Request, direction: int) -> Response:
        stream = self._store.find(caller, request)
        hours = request["RetentionPeriodHours"]
        if not DEFAULT_RETENTION_HOURS <= hours <= MOST_RETENTION_HOURS:
            bound = "Minimum" if hours < DEFAULT_RETENTION_HOURS else "Maximum"
            limit = DEFAULT_RETENTION_HOURS if hours < DEFAULT_RETENTION_HOURS else MOST_RETENTION_HOURS
            raise AwsError(
                "InvalidArgumentException",
                f"{bound} allowed retention period is {limit} hours. "
                f"Requested retention period ({hours} hours) is out of range.",
            )
        if (hours - stream.retention_hours) * direction < 0:
            known = "longer" if direction > 0 else "shorter"
            raise AwsError(
                "InvalidArgumentException",
                f"Requested retention period ({hours} hours) for stream {stream.name} can not be "
                f"{'shorter' if direction > 0 else 'longer'} than existing retention period "
                f"({stream.retention_hours} hours); it must be {known}.",
            )
        stream.retention_hours = hours
        return {}

    def encrypt(self, caller: Caller, request: Request) -> Response:
        stream = self._store.find(caller, request)
        stream.encryption, stream.key_id = "KMS", request["KeyId"]
        return {}

    def decrypt(self, caller: Caller, request: Request) -> Response:
        stream = self._store.find(caller, request)
        stream.encryption, stream.key_id = "NONE", None
        return {}

    def enable_monitoring(self, caller: Caller, request: Request) -> Response:
        return self._monitor(caller, request, lambda now, asked: now | asked)

    def disable_monitoring(self, caller: Caller, request: Request) -> Response:
        return self._monitor(caller, request, lambda now, asked: now - asked)

    def _monitor(
        self, caller: Caller, request: Request, change: Callable[[set[str], set[str]], set[str]]
    ) -> Response:
        stream = self._store.find(caller, request)
        asked = set(request["ShardLevelMetrics"])
        before = list(stream.metrics)
        wanted = change(set(before), set(ALL_METRICS) if "ALL" in asked else asked)
        stream.metrics = [metric for metric in ALL_METRICS if metric in wanted]
        return {
            "StreamName": stream.name,
            "StreamARN": stream.arn,
            "CurrentShardLevelMetrics": before,
            "DesiredShardLevelMetrics": list(stream.metrics),
        }

    def describe_limits(self, caller: Caller, request: Request) -> Response:
        streams = list(self._store.of(caller).values())
        return {
            "ShardLimit": 500,
            "OpenShardCount": sum(len(s.open_shards()) for s in streams if s.mode == "PROVISIONED"),
            "OnDemandStreamCount": sum(1 for s in streams if s.mode == "ON_DEMAND"),
            "OnDemandStreamCountLimit": 50,
        }


def _encryption(stream: Stream) -> Response:
    if stream.key_id is None:
        return {"EncryptionType": "NONE"}
    return {"EncryptionType": stream.encryption, "KeyId": stream.key_id}


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _shard(shard: Shard) -> Response:
    numbers = {"StartingSequenceNumber": str(shard.starting)}
    if shard.ending is not None:
        numbers["EndingSequenceNumber"] = str(shard.ending)
    parents = dict(zip(("ParentShardId", "AdjacentParentShardId"), shard.parents, strict=False))
    return {
        "ShardId": shard.id,
        **parents,
        "HashKeyRange": {"StartingHashKey": str(shard.low), "EndingHashKey": str(shard.high)},
        "SequenceNumberRange": numbers,
    }


def _filter(chosen: dict[str, Any]) -> Callable[[Shard], bool]:
    """What ListShards' ShardFilter lets through."""
    moment = float(chosen.get("Timestamp") or 0)
    match chosen.get("Type"):
        case "AFTER_SHARD_ID":
            return lambda shard: shard.id > chosen["ShardId"]
        case "AT_LATEST":
            return lambda shard: shard.closed is None
        case "AT_TRIM_HORIZON":
            return lambda shard: not shard.parents
        case "AT_TIMESTAMP":
            return lambda shard: shard.made <= moment and (shard.closed is None or shard.closed >= moment)
        case "FROM_TIMESTAMP":
            return lambda shard: shard.closed is None or shard.closed >= moment
    return lambda shard: True


def _page(
    stream: Stream, after: str | None, most: int, accept: Callable[[Shard], bool] = lambda shard: True
) -> tuple[list[Shard], bool]:
    rest = [shard for shard in list(stream.shards.values()) if shard.id > (after or "") and accept(shard)]
    return rest[:most], len(rest) > most
