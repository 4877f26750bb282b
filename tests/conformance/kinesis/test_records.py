"""Kinesis Data Streams: records in and out."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.kinesis.conftest import TOP, error, shards
from tests.waiting import eventually

pytestmark = [
    pytest.mark.source("https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html"),
    pytest.mark.source("https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html"),
]


def iterator(kinesis: Any, name: str, shard: str, kind: str = "TRIM_HORIZON", **more: Any) -> str:
    answer = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType=kind, **more)
    return str(answer["ShardIterator"])


def data(answer: dict[str, Any]) -> list[bytes]:
    return [record["Data"] for record in answer["Records"]]


ONLY = "shardId-000000000000"


def test_a_record_comes_back_as_it_went(kinesis: Any, stream: Any) -> None:
    name = stream()
    before = datetime.now(UTC) - timedelta(seconds=1)
    put = kinesis.put_record(StreamName=name, Data=b"\x00\xff", PartitionKey="kä")
    assert put["ShardId"] == ONLY
    assert len(put["SequenceNumber"]) == 56
    answer = kinesis.get_records(ShardIterator=iterator(kinesis, name, ONLY))
    [record] = answer["Records"]
    arrived = record.pop("ApproximateArrivalTimestamp")
    assert record == {"Data": b"\x00\xff", "PartitionKey": "kä", "SequenceNumber": put["SequenceNumber"]}
    assert before < arrived < datetime.now(UTC) + timedelta(seconds=1)
    assert answer["MillisBehindLatest"] == 0


def test_keys_go_where_their_md5_says(kinesis: Any, stream: Any) -> None:
    name = stream(ShardCount=4)
    ranges = {
        shard["ShardId"]: (
            int(shard["HashKeyRange"]["StartingHashKey"]),
            int(shard["HashKeyRange"]["EndingHashKey"]),
        )
        for shard in shards(kinesis, name)
    }
    keys = [f"key-{n}" for n in range(50)]
    answer = kinesis.put_records(
        StreamName=name, Records=[{"Data": b"x", "PartitionKey": key} for key in keys]
    )
    assert answer["FailedRecordCount"] == 0
    for key, result in zip(keys, answer["Records"], strict=True):
        low, high = ranges[result["ShardId"]]
        assert low <= int(hashlib.md5(key.encode()).hexdigest(), 16) <= high
    assert len({result["ShardId"] for result in answer["Records"]}) == 4


def test_an_explicit_hash_key_overrides_the_partition_key(kinesis: Any, stream: Any) -> None:
    name = stream(ShardCount=2)
    for key, shard in (("0", "0"), (str(TOP), "1")):
        put = kinesis.put_record(StreamName=name, Data=b"x", PartitionKey="same", ExplicitHashKey=key)
        assert put["ShardId"][-1] == shard
    put_wrong = {"StreamName": name, "Data": b"x", "PartitionKey": "same", "ExplicitHashKey": str(TOP + 1)}
    assert error(lambda: kinesis.put_record(**put_wrong))[0] == "InvalidArgumentException"


def test_sequence_numbers_grow_and_order_is_kept(kinesis: Any, stream: Any) -> None:
    name = stream()
    for start in range(0, 1500, 500):
        kinesis.put_records(
            StreamName=name,
            Records=[{"Data": str(n).encode(), "PartitionKey": f"{n}"} for n in range(start, start + 500)],
        )
    token, found = iterator(kinesis, name, ONLY), []
    while len(found) < 1500:
        answer = kinesis.get_records(ShardIterator=token, Limit=400)
        assert len(answer["Records"]) <= 400
        found += answer["Records"]
        token = answer["NextShardIterator"]
    assert [int(record["Data"]) for record in found] == list(range(1500))
    numbers = [int(record["SequenceNumber"]) for record in found]
    assert numbers == sorted(set(numbers))


def test_iterators_begin_where_they_are_told(kinesis: Any, stream: Any) -> None:
    name = stream()
    for n in b"abc":
        kinesis.put_record(StreamName=name, Data=bytes([n]), PartitionKey="k")
    # The client sends whole seconds.
    middle = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    second = kinesis.get_records(ShardIterator=iterator(kinesis, name, ONLY))["Records"][1]["SequenceNumber"]
    eventually(lambda: datetime.now(UTC) > middle)
    latest = iterator(kinesis, name, ONLY, "LATEST")
    kinesis.put_record(StreamName=name, Data=b"d", PartitionKey="k")

    def read(kind: str, **more: Any) -> bytes:
        return b"".join(data(kinesis.get_records(ShardIterator=iterator(kinesis, name, ONLY, kind, **more))))

    assert read("TRIM_HORIZON") == b"abcd"
    assert read("AT_SEQUENCE_NUMBER", StartingSequenceNumber=second) == b"bcd"
    assert read("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=second) == b"cd"
    assert read("AT_TIMESTAMP", Timestamp=middle) == b"d"
    assert read("AT_TIMESTAMP", Timestamp=middle - timedelta(hours=1)) == b"abcd"
    assert read("LATEST") == b""
    assert data(kinesis.get_records(ShardIterator=latest)) == [b"d"]
    # An iterator may be used again.
    assert data(kinesis.get_records(ShardIterator=latest)) == [b"d"]


@pytest.mark.parametrize(
    "more",
    [
        {"ShardIteratorType": "AT_SEQUENCE_NUMBER"},
        {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": "4" * 56},
        {"ShardIteratorType": "AT_TIMESTAMP"},
        {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": datetime(2100, 1, 1, tzinfo=UTC)},
    ],
)
def test_iterators_that_make_no_sense(kinesis: Any, stream: Any, more: dict[str, Any]) -> None:
    name = stream()
    code, _ = error(lambda: kinesis.get_shard_iterator(StreamName=name, ShardId=ONLY, **more))
    assert code == "InvalidArgumentException"


def test_what_was_never_an_iterator_or_a_shard(kinesis: Any, stream: Any) -> None:
    name = stream()
    assert error(lambda: kinesis.get_records(ShardIterator="nonsense"))[0] == "InvalidArgumentException"
    missing = {"StreamName": name, "ShardId": "shardId-000000000009", "ShardIteratorType": "LATEST"}
    code, text = error(lambda: kinesis.get_shard_iterator(**missing))
    assert code == "ResourceNotFoundException"
    assert "shardId-000000000009" in text


def test_a_request_takes_500_records_and_10_mib_a_record_1_mib(kinesis: Any, stream: Any) -> None:
    name = stream()

    def put(count: int, size: int) -> dict[str, Any]:
        record = {"Data": b"x" * size, "PartitionKey": "k"}
        return dict(kinesis.put_records(StreamName=name, Records=[record] * count))

    mib = 2**20
    assert put(500, 10)["FailedRecordCount"] == 0
    code, text = error(lambda: put(501, 10))
    assert (code, "less than or equal to 500" in text) == ("ValidationException", True)
    assert put(1, mib - 1)["FailedRecordCount"] == 0
    assert error(lambda: put(1, mib))[0] == "ValidationException"
    assert error(lambda: put(11, mib - 1))[0] == "InvalidArgumentException"
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=4096)
    assert put(1, 4 * mib - 1)["FailedRecordCount"] == 0


def test_what_exceeds_a_shards_rate_fails_record_by_record(kinesis: Any, stream: Any) -> None:
    # The tag asks the emulator for the limit that AWS always has: 1 MiB or 1000 records a second and shard.
    name = stream(ShardCount=1, Tags={"mdlc:shard-limits": "on"})
    record = {"Data": b"x" * 500_000, "PartitionKey": "k"}
    answer = kinesis.put_records(StreamName=name, Records=[record] * 8)
    failed = [result for result in answer["Records"] if "ErrorCode" in result]
    assert len(failed) == answer["FailedRecordCount"] >= 4
    assert len(answer["Records"]) == 8
    for result in failed:
        assert result["ErrorCode"] == "ProvisionedThroughputExceededException"
        assert name in result["ErrorMessage"]
        assert "SequenceNumber" not in result
    stored = data(kinesis.get_records(ShardIterator=iterator(kinesis, name, ONLY)))
    assert len(stored) == 8 - len(failed)


def test_a_subscriber_is_sent_what_comes(kinesis: Any, stream: Any) -> None:
    """https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html"""
    name = stream()
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="reader")["Consumer"]
    kinesis.put_record(StreamName=name, Data=b"first", PartitionKey="k")
    events = kinesis.subscribe_to_shard(
        ConsumerARN=consumer["ConsumerARN"], ShardId=ONLY, StartingPosition={"Type": "TRIM_HORIZON"}
    )["EventStream"]
    received: list[bytes] = []
    numbers: list[str] = []

    def listen() -> None:
        for event in events:
            found = event["SubscribeToShardEvent"]
            received.extend(record["Data"] for record in found["Records"])
            numbers.append(found["ContinuationSequenceNumber"])
            if "ChildShards" in found:
                return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    eventually(lambda: received == [b"first"], within=5)
    kinesis.put_record(StreamName=name, Data=b"second", PartitionKey="k")
    eventually(lambda: received == [b"first", b"second"], within=5)
    assert all(len(number) == 56 for number in numbers)
    # The end of the shard ends the subscription.
    kinesis.split_shard(StreamName=name, ShardToSplit=ONLY, NewStartingHashKey="5")
    listener.join(10)
    assert not listener.is_alive()
