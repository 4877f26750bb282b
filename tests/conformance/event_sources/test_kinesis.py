"""Kinesis to Lambda."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.event_sources.conftest import Bench, bodies, flat
from tests.waiting import eventually

pytestmark = [
    pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html"),
    pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html"),
]


def test_an_event_holds_the_records_of_one_shard(bench: Bench) -> None:
    box = bench.box()
    name, arn = bench.stream()
    bench.put(name, "one", "two")
    mapping = bench.map(arn, bench.recorder(box), StartingPosition="TRIM_HORIZON")
    [event] = box.until(lambda seen: len(flat(seen)) == 2)
    first, second = event["Records"]
    assert set(first) == {
        "kinesis",
        "eventSource",
        "eventVersion",
        "eventID",
        "eventName",
        "invokeIdentityArn",
        "awsRegion",
        "eventSourceARN",
    }
    assert first["eventSource"] == "aws:kinesis"
    assert first["eventName"] == "aws:kinesis:record"
    assert first["eventSourceARN"] == arn
    assert first["invokeIdentityArn"] == bench.role
    kinesis = first["kinesis"]
    assert kinesis["kinesisSchemaVersion"] == "1.0"
    assert kinesis["partitionKey"] == "k"
    assert base64.b64decode(kinesis["data"]) == b"one"
    assert abs(kinesis["approximateArrivalTimestamp"] - time.time()) < 60
    assert first["eventID"] == f"shardId-000000000000:{kinesis['sequenceNumber']}"
    assert int(second["kinesis"]["sequenceNumber"]) > int(kinesis["sequenceNumber"])
    described = eventually(lambda: bench.aws.client("lambda").get_event_source_mapping(UUID=mapping))
    assert described["LastProcessingResult"] == "OK"
    assert described["BatchSize"] == 100
    assert described["MaximumRetryAttempts"] == -1


def test_a_record_reaches_an_idle_function_within_a_second(bench: Bench) -> None:
    box = bench.box()
    name, arn = bench.stream()
    bench.map(arn, bench.recorder(box), StartingPosition="LATEST")
    bench.put(name, "warm")
    box.until(lambda seen: flat(seen) == ["warm"])
    pauses = []
    for number in range(3):
        began = time.monotonic()
        bench.put(name, str(number))
        count = number + 2
        box.until(lambda seen, count=count: len(flat(seen)) == count)
        pauses.append(time.monotonic() - began)
    assert min(pauses) < 1.0


def test_batches_are_full_and_in_order(bench: Bench) -> None:
    box = bench.box()
    name, arn = bench.stream()
    bench.put(name, *[str(n) for n in range(25)])
    bench.map(arn, bench.recorder(box), StartingPosition="TRIM_HORIZON", BatchSize=10)
    seen = box.until(lambda seen: len(flat(seen)) == 25)
    assert [len(batch) for batch in bodies(seen)] == [10, 10, 5]
    assert flat(seen) == [str(n) for n in range(25)]


def test_a_failed_batch_comes_again_before_anything_later(bench: Bench) -> None:
    box, lost = bench.box(), bench.box("lost")
    name, arn = bench.stream()
    bench.put(name, "a", "poison")
    bench.map(
        arn,
        bench.recorder(box),
        StartingPosition="TRIM_HORIZON",
        BatchSize=2,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": lost.arn}},
    )
    bench.put(name, "b")
    seen = box.until(lambda seen: flat(seen)[-1:] == ["b"])
    assert bodies(seen) == [["a", "poison"]] * 3 + [["b"]]
    [record] = lost.until(lambda seen: len(seen) == 1)
    context = record["requestContext"]
    assert context["condition"] == "RetryAttemptsExhausted"
    assert context["approximateInvokeCount"] == 3
    assert context["functionArn"].startswith("arn:aws:lambda:")
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert record["version"] == "1.0"
    batch = record["KinesisBatchInfo"]
    numbers = [r["kinesis"]["sequenceNumber"] for r in seen[0]["Records"]]
    assert batch["shardId"] == "shardId-000000000000"
    assert (batch["startSequenceNumber"], batch["endSequenceNumber"]) == (numbers[0], numbers[-1])
    assert batch["batchSize"] == 2
    assert batch["streamArn"] == arn
    assert batch["approximateArrivalOfFirstRecord"].endswith("Z")


def test_bisecting_isolates_the_poison(bench: Bench) -> None:
    box, lost = bench.box(), bench.box("lost")
    name, arn = bench.stream()
    bench.put(name, "a", "b", "c", "poison", "d", "e")
    bench.map(
        arn,
        bench.recorder(box),
        StartingPosition="TRIM_HORIZON",
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": lost.arn}},
    )
    seen = box.until(lambda seen: flat(seen)[-1:] == ["e"] and len(seen) > 3)
    good = [batch for batch in bodies(seen) if "poison" not in batch]
    assert [body for batch in good for body in batch] == ["a", "b", "c", "d", "e"]
    [record] = lost.until(lambda seen: len(seen) == 1)
    assert record["KinesisBatchInfo"]["batchSize"] == 1


@pytest.mark.source(
    "https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html"
)
def test_a_reported_failure_is_where_the_batch_goes_on(bench: Bench) -> None:
    box, lost = bench.box(), bench.box("lost")
    name, arn = bench.stream()
    bench.put(name, "a", "b", "poison", "c")
    bench.map(
        arn,
        bench.recorder(box, report=True),
        StartingPosition="TRIM_HORIZON",
        BatchSize=4,
        MaximumRetryAttempts=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": lost.arn}},
    )
    bench.put(name, "d")
    seen = box.until(lambda seen: flat(seen)[-1:] == ["d"])
    assert bodies(seen) == [["a", "b", "poison", "c"], ["poison", "c"], ["poison", "c"], ["d"]]
    [record] = lost.until(lambda seen: len(seen) == 1)
    assert record["KinesisBatchInfo"]["batchSize"] == 2


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html")
def test_a_bucket_keeps_the_records_with_the_invocation_record(bench: Bench) -> None:
    s3, bucket = bench.aws.client("s3"), bench.unique("lost")
    s3.create_bucket(Bucket=bucket)
    name, arn = bench.stream()
    bench.put(name, "poison")
    mapping = bench.map(
        arn,
        bench.recorder(bench.box()),
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}},
    )
    found = eventually(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"), within=20)
    [key] = [each["Key"] for each in found]
    assert key.startswith(f"aws/lambda/{mapping}/shardId-000000000000/{time.strftime('%Y/', time.gmtime())}")
    record = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert record["KinesisBatchInfo"]["batchSize"] == 1
    assert base64.b64decode(record["payload"]["Records"][0]["kinesis"]["data"]) == b"poison"
    s3.delete_object(Bucket=bucket, Key=key)
    s3.delete_bucket(Bucket=bucket)


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html")
def test_filters_choose_by_data_and_partition_key(bench: Bench) -> None:
    box = bench.box()
    name, arn = bench.stream()
    patterns: list[dict[str, Any]] = [
        {"data": {"temperature": [{"numeric": [">", 40]}]}},
        {"partitionKey": ["special"]},
    ]
    bench.map(
        arn,
        bench.recorder(box),
        StartingPosition="TRIM_HORIZON",
        FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]},
    )
    hot = json.dumps({"temperature": 41, "spaced": "as sent"})
    bench.put(name, json.dumps({"temperature": 39}), hot, "no JSON")
    bench.put(name, "anything", key="special")
    seen = box.until(lambda seen: len(flat(seen)) == 2)
    # What passes is delivered as it was put, byte for byte.
    assert flat(seen) == [hot, "anything"]


def test_starting_positions(bench: Bench) -> None:
    from datetime import UTC, datetime, timedelta

    name, arn = bench.stream()
    bench.put(name, "old")
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    eventually(lambda: datetime.now(UTC) > moment)
    bench.put(name, "recent")
    boxes = {}
    for position in ("TRIM_HORIZON", "AT_TIMESTAMP", "LATEST"):
        more = {"StartingPositionTimestamp": moment} if position == "AT_TIMESTAMP" else {}
        boxes[position] = bench.box()
        bench.map(arn, bench.recorder(boxes[position]), StartingPosition=position, **more)
    bench.put(name, "new")
    for position, expected in (
        ("TRIM_HORIZON", ["old", "recent", "new"]),
        ("AT_TIMESTAMP", ["recent", "new"]),
        ("LATEST", ["new"]),
    ):
        seen = boxes[position].until(lambda seen: flat(seen)[-1:] == ["new"])
        assert flat(seen) == expected, position


def test_a_disabled_mapping_goes_on_where_it_stopped(bench: Bench) -> None:
    box = bench.box()
    name, arn = bench.stream()
    mapping = bench.map(arn, bench.recorder(box), StartingPosition="TRIM_HORIZON")
    bench.put(name, "1")
    box.until(lambda seen: flat(seen) == ["1"])
    client = bench.aws.client("lambda")
    assert client.update_event_source_mapping(UUID=mapping, Enabled=False)["State"] == "Disabling"
    bench.state(mapping, "Disabled")
    bench.put(name, "2", "3")
    assert client.update_event_source_mapping(UUID=mapping, Enabled=True)["State"] == "Enabling"
    bench.state(mapping, "Enabled")
    bench.put(name, "4")
    seen = box.until(lambda seen: flat(seen)[-1:] == ["4"])
    assert flat(seen) == ["1", "2", "3", "4"]
    client.update_event_source_mapping(UUID=mapping, BatchSize=1)
    bench.state(mapping, "Enabled")
    bench.put(name, "5", "6")
    seen = box.until(lambda seen: flat(seen)[-1:] == ["6"])
    assert bodies(seen)[-2:] == [["5"], ["6"]]


def test_children_are_read_after_their_parents(bench: Bench) -> None:
    box = bench.box()
    name, arn = bench.stream()
    bench.map(arn, bench.recorder(box), StartingPosition="LATEST", BatchSize=5)
    kinesis = bench.aws.client("kinesis")
    bench.put(name, *[str(n) for n in range(10)])
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    bench.put(name, *[str(n) for n in range(10, 20)])
    kinesis.merge_shards(
        StreamName=name, ShardToMerge="shardId-000000000001", AdjacentShardToMerge="shardId-000000000002"
    )
    bench.put(name, *[str(n) for n in range(20, 30)])
    seen = box.until(lambda seen: len(flat(seen)) == 30)
    assert flat(seen) == [str(n) for n in range(30)]


def test_parallel_batches_keep_the_order_of_each_key(bench: Bench) -> None:
    box = bench.box()
    name, arn = bench.stream()
    keys = "abcdef"
    for number in range(5):
        for key in keys:
            bench.put(name, f"{key}{number}", key=key)
    bench.map(arn, bench.recorder(box), StartingPosition="TRIM_HORIZON", BatchSize=3, ParallelizationFactor=3)
    seen = box.until(lambda seen: len(flat(seen)) >= 30)
    found: dict[str, list[str]] = {}
    records = [record for event in seen for record in event["Records"]]
    for record in records:
        found.setdefault(record["kinesis"]["partitionKey"], []).append(
            base64.b64decode(record["kinesis"]["data"]).decode()
        )
    assert found == {key: [f"{key}{number}" for number in range(5)] for key in keys}
    assert len(records) == 30


def test_a_window_waits_for_more_records(bench: Bench) -> None:
    box = bench.box()
    name, arn = bench.stream()
    bench.map(
        arn, bench.recorder(box), StartingPosition="LATEST", BatchSize=50, MaximumBatchingWindowInSeconds=2
    )
    for number in range(4):
        bench.put(name, str(number))
    seen = box.until(lambda seen: len(flat(seen)) == 4)
    assert bodies(seen) == [["0", "1", "2", "3"]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "startingPosition"),
        ({"StartingPosition": "SOMEWHERE"}, "enum value set"),
        ({"StartingPosition": "LATEST", "ParallelizationFactor": 11}, "less than or equal to 10"),
        ({"StartingPosition": "LATEST", "MaximumRetryAttempts": 10_001}, "less than or equal to 10000"),
        ({"StartingPosition": "LATEST", "FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "filter pattern"),
    ],
)
def test_mappings_that_are_refused(bench: Bench, options: dict[str, Any], words: str) -> None:
    from botocore.config import Config

    _, arn = bench.stream()
    function = bench.functions.make("def handler(event, context): pass")
    client = bench.aws.client("lambda", config=Config(parameter_validation=False))
    with pytest.raises(ClientError) as caught:
        client.create_event_source_mapping(EventSourceArn=arn, FunctionName=function, **options)
    assert words in caught.value.response["Error"]["Message"]


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html")
def test_tumbling_windows(bench: Bench) -> None:
    _, arn = bench.stream()
    bench.map(arn, bench.recorder(bench.box()), StartingPosition="LATEST", TumblingWindowInSeconds=5)


def test_the_same_source_and_function_are_mapped_once(bench: Bench) -> None:
    _, arn = bench.stream()
    function = bench.functions.make("def handler(event, context): pass")
    mapping = bench.map(arn, function, StartingPosition="LATEST")
    client = bench.aws.client("lambda")
    with pytest.raises(ClientError) as caught:
        client.create_event_source_mapping(
            EventSourceArn=arn, FunctionName=function, StartingPosition="LATEST"
        )
    assert caught.value.response["Error"]["Code"] == "ResourceConflictException"
    assert mapping in caught.value.response["Error"]["Message"]
    listed = client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    assert [each["UUID"] for each in listed] == [mapping]
    assert client.delete_event_source_mapping(UUID=mapping)["State"] == "Deleting"
