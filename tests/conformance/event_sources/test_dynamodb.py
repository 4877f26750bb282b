"""DynamoDB Streams to Lambda."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.event_sources.conftest import Bench

pytestmark = [
    pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html"),
    pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html"),
]


def put(bench: Bench, table: str, *keys: str, **more: Any) -> None:
    for key in keys:
        bench.aws.client("dynamodb").put_item(TableName=table, Item={"id": {"S": key}, **more})


def keys(events: list[Any]) -> list[list[str]]:
    return [[record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]] for event in events]


def flat(events: list[Any]) -> list[str]:
    return [key for batch in keys(events) for key in batch]


def test_an_event_holds_the_changes(bench: Bench) -> None:
    box = bench.box()
    table, arn = bench.table()
    put(bench, table, "a", b={"B": b"\x00\x01"}, n={"N": "1"})
    put(bench, table, "a", n={"N": "2"})
    bench.aws.client("dynamodb").delete_item(TableName=table, Key={"id": {"S": "a"}})
    bench.map(arn, bench.recorder(box), StartingPosition="TRIM_HORIZON")
    [event] = box.until(lambda seen: len(flat(seen)) == 3)
    insert, modify, remove = event["Records"]
    assert set(insert) == {
        "eventID",
        "eventName",
        "eventVersion",
        "eventSource",
        "awsRegion",
        "dynamodb",
        "eventSourceARN",
    }
    assert insert["eventSource"] == "aws:dynamodb"
    assert insert["eventVersion"] == "1.1"
    assert insert["eventSourceARN"] == arn
    assert [each["eventName"] for each in (insert, modify, remove)] == ["INSERT", "MODIFY", "REMOVE"]
    change = insert["dynamodb"]
    assert isinstance(change["ApproximateCreationDateTime"], int | float)
    # Binary stands base64-coded once.
    assert base64.b64decode(change["NewImage"]["b"]["B"]) == b"\x00\x01"
    assert "OldImage" not in change
    assert modify["dynamodb"]["OldImage"] == change["NewImage"]
    assert "NewImage" not in remove["dynamodb"]
    assert change["StreamViewType"] == "NEW_AND_OLD_IMAGES"


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html")
def test_poison_reaches_the_destination_and_nothing_else_does(bench: Bench) -> None:
    box, lost = bench.box(), bench.box("lost")
    table, arn = bench.table()
    put(bench, table, "a", "poison", "b", "c")
    bench.map(
        arn,
        bench.recorder(box),
        StartingPosition="TRIM_HORIZON",
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": lost.arn}},
    )
    seen = box.until(lambda seen: len(seen) >= 4 and flat(seen)[-1:] == ["c"])
    assert [key for batch in keys(seen) if "poison" not in batch for key in batch] == ["a", "b", "c"]
    [record] = lost.until(lambda seen: len(seen) == 1)
    batch = record["DDBStreamBatchInfo"]
    assert batch["batchSize"] == 1
    assert batch["streamArn"] == arn
    assert batch["startSequenceNumber"] == batch["endSequenceNumber"]
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html")
def test_a_reported_failure_is_where_the_batch_goes_on(bench: Bench) -> None:
    box = bench.box()
    table, arn = bench.table()
    put(bench, table, "a", "poison", "b")
    bench.map(
        arn,
        bench.recorder(box, report=True),
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    seen = box.until(lambda seen: len(seen) == 2)
    assert keys(seen) == [["a", "poison", "b"], ["poison", "b"]]


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html")
def test_a_filter_looks_into_the_images(bench: Bench) -> None:
    box = bench.box()
    table, arn = bench.table()
    pattern = {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"state": {"S": [{"prefix": "open"}]}}},
    }
    bench.map(
        arn,
        bench.recorder(box),
        StartingPosition="TRIM_HORIZON",
        FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]},
    )
    put(bench, table, "a", state={"S": "closed"})
    put(bench, table, "a", state={"S": "open"})
    put(bench, table, "b", state={"S": "opened"})
    assert flat(box.until(lambda seen: flat(seen))) == ["b"]


def test_a_disabled_mapping_goes_on_where_it_stopped(bench: Bench) -> None:
    box = bench.box()
    table, arn = bench.table()
    mapping = bench.map(arn, bench.recorder(box), StartingPosition="TRIM_HORIZON")
    put(bench, table, "a")
    box.until(lambda seen: flat(seen) == ["a"])
    client = bench.aws.client("lambda")
    client.update_event_source_mapping(UUID=mapping, Enabled=False)
    bench.state(mapping, "Disabled")
    put(bench, table, "b")
    client.update_event_source_mapping(UUID=mapping, Enabled=True)
    bench.state(mapping, "Enabled")
    put(bench, table, "c")
    assert flat(box.until(lambda seen: flat(seen)[-1:] == ["c"])) == ["a", "b", "c"]


def test_a_stream_has_no_position_by_time(bench: Bench) -> None:
    _, arn = bench.table()
    function = bench.functions.make("def handler(event, context): pass")
    with pytest.raises(ClientError) as caught:
        bench.aws.client("lambda").create_event_source_mapping(
            EventSourceArn=arn,
            FunctionName=function,
            StartingPosition="AT_TIMESTAMP",
            StartingPositionTimestamp=0,
        )
    assert "Unsupported starting position" in caught.value.response["Error"]["Message"]
