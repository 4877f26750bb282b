"""SQS to Lambda."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.event_sources.conftest import Bench, Box
from tests.waiting import eventually

pytestmark = [
    pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"),
    pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html"),
]


def send(box: Box, *messages: str, **more: Any) -> None:
    for message in messages:
        box.sqs.send_message(QueueUrl=box.url, MessageBody=message, **more)


def texts(events: list[Any]) -> list[str]:
    return [record["body"] for event in events for record in event["Records"]]


def empty(box: Box) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = box.sqs.get_queue_attributes(QueueUrl=box.url, AttributeNames=names)["Attributes"]
    return all(count == "0" for count in counts.values())


def test_an_event_holds_messages_and_success_deletes_them(bench: Bench) -> None:
    box, queue = bench.box(), bench.box("queue")
    bench.map(queue.arn, bench.recorder(box))
    began = time.monotonic()
    send(
        queue,
        "hello",
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "x"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00"},
        },
    )
    [event] = box.until(lambda seen: len(seen) == 1)
    assert time.monotonic() - began < 10
    [record] = event["Records"]
    assert record["body"] == "hello"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == queue.arn
    assert record["awsRegion"] == "us-east-1"
    assert record["md5OfBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert {"ApproximateReceiveCount", "SentTimestamp", "SenderId"} <= record["attributes"].keys()
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"]["text"]["stringValue"] == "x"
    assert record["messageAttributes"]["text"]["dataType"] == "String"
    assert record["messageAttributes"]["raw"]["binaryValue"] == "AA=="
    eventually(lambda: empty(queue), within=10)


def test_an_idle_queue_is_looked_at_all_the_time(bench: Bench) -> None:
    box, queue = bench.box(), bench.box("queue")
    bench.map(queue.arn, bench.recorder(box))
    send(queue, "warm")
    box.until(lambda seen: len(seen) == 1)
    pauses = []
    for number in range(3):
        began = time.monotonic()
        send(queue, str(number))
        count = number + 2
        box.until(lambda seen, count=count: len(seen) == count)
        pauses.append(time.monotonic() - began)
    assert min(pauses) < 1.0


def test_a_failed_batch_becomes_visible_again_and_ends_in_the_dead_letter_queue(bench: Bench) -> None:
    box, dead = bench.box(), bench.box("dead")
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2})
    queue = bench.box("queue", VisibilityTimeout="1", RedrivePolicy=policy)
    bench.map(queue.arn, bench.recorder(box, Timeout=1), BatchSize=1)
    send(queue, "poison", "good")
    assert dead.until(lambda seen: len(seen) == 1) == ["poison"]
    seen = box.until(lambda seen: len(seen) == 3)
    assert sorted(texts(seen)) == ["good", "poison", "poison"]
    counts = [
        record["attributes"]["ApproximateReceiveCount"]
        for event in seen
        for record in event["Records"]
        if record["body"] == "poison"
    ]
    assert counts == ["1", "2"]
    eventually(lambda: empty(queue), within=10)


def test_only_reported_failures_come_again(bench: Bench) -> None:
    box, dead = bench.box(), bench.box("dead")
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2})
    queue = bench.box("queue", VisibilityTimeout="1", RedrivePolicy=policy)
    send(queue, "a", "poison", "b")
    bench.map(
        queue.arn,
        bench.recorder(box, report=True, Timeout=1),
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    assert dead.until(lambda seen: len(seen) == 1) == ["poison"]
    found = texts(box.until(lambda seen: texts(seen).count("poison") == 2))
    assert (found.count("a"), found.count("b")) == (1, 1)


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html")
def test_what_a_filter_drops_is_deleted(bench: Bench) -> None:
    box, queue = bench.box(), bench.box("queue")
    pattern = json.dumps({"body": {"kind": [{"anything-but": ["noise"]}]}})
    bench.map(queue.arn, bench.recorder(box), FilterCriteria={"Filters": [{"Pattern": pattern}]})
    send(queue, json.dumps({"kind": "noise"}), "plain text", json.dumps({"kind": "order"}))
    assert texts(box.until(lambda seen: texts(seen))) == [json.dumps({"kind": "order"})]
    eventually(lambda: empty(queue), within=10)


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html")
def test_a_window_gathers_more_than_ten_messages(bench: Bench) -> None:
    box, queue = bench.box(), bench.box("queue")
    for number in range(25):
        send(queue, str(number))
    bench.map(queue.arn, bench.recorder(box), BatchSize=25, MaximumBatchingWindowInSeconds=2)
    seen = box.until(lambda seen: len(texts(seen)) == 25)
    assert sorted(texts(seen), key=int) == [str(number) for number in range(25)]
    assert max(len(event["Records"]) for event in seen) > 10


def test_a_fifo_queue_keeps_the_order_of_each_group_even_through_a_failure(bench: Bench) -> None:
    box, dead = bench.box(), bench.box("dead", FifoQueue="true")
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2})
    queue = bench.box(
        "queue",
        FifoQueue="true",
        ContentBasedDeduplication="true",
        VisibilityTimeout="1",
        RedrivePolicy=policy,
    )
    bench.map(queue.arn, bench.recorder(box, Timeout=1), BatchSize=1)
    for number in range(4):
        for group in "xy":
            name = f"{group}{number}" + ("poison" if (group, number) == ("x", 1) else "")
            send(queue, name, MessageGroupId=group)
    seen = box.until(lambda seen: len(texts(seen)) == 9, within=30)
    assert [text for text in texts(seen) if text[0] == "y"] == ["y0", "y1", "y2", "y3"]
    assert [text for text in texts(seen) if text[0] == "x"] == ["x0", "x1poison", "x1poison", "x2", "x3"]
    assert seen[0]["Records"][0]["attributes"]["MessageGroupId"] in ("x", "y")
    assert dead.until(lambda seen: len(seen) == 1) == ["x1poison"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ({"StartingPosition": "LATEST"}, "StartingPosition"),
        ({"BisectBatchOnFunctionError": True}, "BisectBatchOnFunctionError"),
    ],
)
def test_mappings_that_are_refused(bench: Bench, options: dict[str, Any], words: str) -> None:
    queue = bench.box("queue")
    function = bench.functions.make("def handler(event, context): pass")
    with pytest.raises(ClientError) as caught:
        bench.aws.client("lambda").create_event_source_mapping(
            EventSourceArn=queue.arn, FunctionName=function, **options
        )
    assert words in caught.value.response["Error"]["Message"]


def test_a_missing_queue_is_said(bench: Bench) -> None:
    function = bench.functions.make("def handler(event, context): pass")
    with pytest.raises(ClientError) as caught:
        bench.aws.client("lambda").create_event_source_mapping(
            EventSourceArn="arn:aws:sqs:us-east-1:000000000000:nowhere", FunctionName=function
        )
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
