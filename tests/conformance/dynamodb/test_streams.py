"""DynamoDB Streams: what a record holds, where iterators begin, how a stream ends."""

from __future__ import annotations

from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.dynamodb.conftest import Tables, message

pytestmark = [
    pytest.mark.source(
        "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html"
    ),
    pytest.mark.source("https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"),
]


def streamed(tables: Tables, view: str) -> str:
    return tables.make(StreamSpecification={"StreamEnabled": True, "StreamViewType": view})


def change(db: Any, name: str) -> None:
    """One INSERT, one MODIFY, a write that changes nothing, one REMOVE, a delete of nothing."""
    db.put_item(TableName=name, Item={"id": {"S": "a"}, "b": {"B": b"\x00\x01"}})
    for _ in range(2):
        db.put_item(TableName=name, Item={"id": {"S": "a"}, "b": {"B": b"\xff"}})
    for _ in range(2):
        db.delete_item(TableName=name, Key={"id": {"S": "a"}})


def test_a_record_says_what_changed(db: Any, tables: Tables) -> None:
    name = streamed(tables, "NEW_AND_OLD_IMAGES")
    change(db, name)
    records = tables.records(tables.stream(name))
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    for record in records:
        assert len(record["eventID"]) == 32
        assert record["eventVersion"] == "1.1"
        assert record["eventSource"] == "aws:dynamodb"
        assert record["awsRegion"] == "us-east-1"
        assert record["dynamodb"]["Keys"] == {"id": {"S": "a"}}
        assert record["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        assert "userIdentity" not in record
    insert, modify, remove = (record["dynamodb"] for record in records)
    assert "OldImage" not in insert
    assert insert["NewImage"] == {"id": {"S": "a"}, "b": {"B": b"\x00\x01"}}
    assert modify["OldImage"] == insert["NewImage"]
    assert modify["NewImage"] == {"id": {"S": "a"}, "b": {"B": b"\xff"}}
    assert "NewImage" not in remove
    assert remove["OldImage"] == modify["NewImage"]
    # Keys: 3 bytes; the image: 3 + 1 + 2.
    assert insert["SizeBytes"] == 9
    sequences = [int(each["SequenceNumber"]) for each in (insert, modify, remove)]
    assert sequences == sorted(set(sequences))
    assert all(len(str(number)) >= 21 for number in sequences)
    assert insert["ApproximateCreationDateTime"].microsecond == 0


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", [set(), set(), set()]),
        ("NEW_IMAGE", [{"NewImage"}, {"NewImage"}, set()]),
        ("OLD_IMAGE", [set(), {"OldImage"}, {"OldImage"}]),
    ],
)
def test_a_view_type_chooses_the_images(db: Any, tables: Tables, view: str, images: list[set[str]]) -> None:
    name = streamed(tables, view)
    change(db, name)
    found = [record["dynamodb"] for record in tables.records(tables.stream(name))]
    assert [{"NewImage", "OldImage"} & each.keys() for each in found] == images


def test_iterators_begin_where_they_are_told(db: Any, tables: Tables) -> None:
    name = streamed(tables, "KEYS_ONLY")
    arn = tables.stream(name)
    for key in "abcd":
        db.put_item(TableName=name, Item={"id": {"S": key}})

    def keys(**start: Any) -> list[str]:
        return [record["dynamodb"]["Keys"]["id"]["S"] for record in tables.records(arn, **start)]

    second = tables.records(arn)[1]["dynamodb"]["SequenceNumber"]
    assert keys() == ["a", "b", "c", "d"]
    assert keys(ShardIteratorType="LATEST") == []
    assert keys(ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=second) == ["b", "c", "d"]
    assert keys(ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=second) == ["c", "d"]


def test_an_iterator_goes_on_while_the_stream_is_open(aws: Aws, db: Any, tables: Tables) -> None:
    name = streamed(tables, "NEW_IMAGE")
    arn = tables.stream(name)
    streams = aws.client("dynamodbstreams")
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    token = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST")[
        "ShardIterator"
    ]
    empty = streams.get_records(ShardIterator=token)
    assert empty["Records"] == []
    db.put_item(TableName=name, Item={"id": {"S": "a"}})
    later = streams.get_records(ShardIterator=empty["NextShardIterator"], Limit=1)
    assert [record["eventName"] for record in later["Records"]] == ["INSERT"]


def test_a_stream_is_described_listed_and_ended(aws: Aws, db: Any, tables: Tables) -> None:
    name = streamed(tables, "NEW_IMAGE")
    streams = aws.client("dynamodbstreams")
    arn = tables.stream(name)
    [listed] = streams.list_streams(TableName=name)["Streams"]
    assert listed["StreamArn"] == arn
    assert listed["TableName"] == name
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "ENABLED"
    assert described["StreamViewType"] == "NEW_IMAGE"
    assert described["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert "EndingSequenceNumber" not in described["Shards"][0]["SequenceNumberRange"]
    assert 28 <= len(described["Shards"][0]["ShardId"]) <= 65
    db.put_item(TableName=name, Item={"id": {"S": "a"}})
    db.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    ended = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert ended["StreamStatus"] == "DISABLED"
    assert "EndingSequenceNumber" in ended["Shards"][0]["SequenceNumberRange"]
    # A disabled stream can still be read, to its end.
    assert len(tables.records(arn)) == 1
    db.update_table(
        TableName=name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    )
    assert tables.stream(name) != arn


def test_a_stream_that_is_not_there(aws: Aws) -> None:
    streams = aws.client("dynamodbstreams")
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2020-01-01T00:00:00.000"
    text = message(lambda: streams.describe_stream(StreamArn=arn), "ResourceNotFoundException")
    assert f"Stream: {arn} not found" in text


def test_a_transaction_and_a_batch_are_streamed_item_by_item(db: Any, tables: Tables) -> None:
    name = streamed(tables, "KEYS_ONLY")
    db.transact_write_items(
        TransactItems=[{"Put": {"TableName": name, "Item": {"id": {"S": key}}}} for key in "ab"]
    )
    db.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": {"id": {"S": "c"}}}}]})
    found = [record["dynamodb"]["Keys"]["id"]["S"] for record in tables.records(tables.stream(name))]
    assert found == ["a", "b", "c"]


def test_an_expired_item_leaves_as_removed_by_the_service(db: Any, tables: Tables) -> None:
    """AWS takes up to a few days for it, the emulator seconds."""
    from tests.waiting import eventually

    name = streamed(tables, "OLD_IMAGE")
    db.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    import time

    db.put_item(TableName=name, Item={"id": {"S": "a"}, "until": {"N": str(int(time.time()) - 1)}})
    arn = tables.stream(name)
    eventually(lambda: len(tables.records(arn)) == 2, within=8)
    removed = tables.records(arn)[1]
    assert removed["eventName"] == "REMOVE"
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
    assert {key.lower(): value for key, value in removed["userIdentity"].items()} == {
        "type": "Service",
        "principalid": "dynamodb.amazonaws.com",
    }
