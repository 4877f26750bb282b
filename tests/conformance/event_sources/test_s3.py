"""S3's notifications to Lambda, SQS, SNS and EventBridge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.event_sources.conftest import Bench

pytestmark = [
    pytest.mark.source(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"
    ),
    pytest.mark.source("https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html"),
]


@pytest.fixture
def bucket(bench: Bench) -> Iterator[str]:
    s3, name = bench.aws.client("s3"), bench.unique("bucket")
    s3.create_bucket(Bucket=name)
    yield name
    for found in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=found["Key"])
    s3.delete_bucket(Bucket=name)


def notify(bench: Bench, bucket: str, **configuration: Any) -> None:
    bench.aws.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration
    )


def uploads(seen: list[Any]) -> list[Any]:
    """Records of uploads; a queue is also sent a test event when it is configured."""
    return [record for event in seen for record in event.get("Records", [])]


FILTER = {
    "Key": {
        "FilterRules": [{"Name": "prefix", "Value": "raw/"}, {"Name": "suffix", "Value": ".csv"}],
    }
}


def test_an_upload_reaches_a_function(bench: Bench, bucket: str) -> None:
    box = bench.box()
    function = bench.recorder(box)
    arn = bench.functions.arn(function)
    bench.aws.client("lambda").add_permission(
        FunctionName=function,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
    )
    notify(
        bench,
        bucket,
        LambdaFunctionConfigurations=[
            {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": FILTER, "Id": "csv"}
        ],
    )
    s3 = bench.aws.client("s3")
    s3.put_object(Bucket=bucket, Key="raw/no.txt", Body=b"x")
    s3.put_object(Bucket=bucket, Key="raw/a b.csv", Body=b"x,y")
    [record] = uploads(box.until(lambda seen: uploads(seen)))
    assert record["eventSource"] == "aws:s3"
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["eventVersion"].startswith("2.")
    assert record["s3"]["configurationId"] == "csv"
    assert record["s3"]["bucket"]["name"] == bucket
    assert record["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    # Keys are URL-encoded.
    assert record["s3"]["object"]["key"] == "raw/a+b.csv"
    assert record["s3"]["object"]["size"] == 3
    assert record["s3"]["object"]["eTag"]


def test_uploads_and_removals_reach_a_queue_and_a_topic(bench: Bench, bucket: str) -> None:
    box, heard = bench.box(), bench.box("heard")
    sns = bench.aws.client("sns")
    topic = sns.create_topic(Name=bench.unique("topic"))["TopicArn"]
    bench.undo.append(lambda: sns.delete_topic(TopicArn=topic))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=heard.arn)
    notify(
        bench,
        bucket,
        QueueConfigurations=[{"QueueArn": box.arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}],
        TopicConfigurations=[{"TopicArn": topic, "Events": ["s3:ObjectRemoved:Delete"]}],
    )
    s3 = bench.aws.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s3.delete_object(Bucket=bucket, Key="k")
    found = uploads(box.until(lambda seen: len(uploads(seen)) == 2))
    # S3 promises no order of its notifications; a sequencer tells it.
    assert sorted(record["eventName"] for record in found) == ["ObjectCreated:Put", "ObjectRemoved:Delete"]

    def removals(seen: list[Any]) -> list[Any]:
        return uploads([json.loads(each["Message"]) for each in seen if "Records" in each["Message"]])

    [removed] = removals(heard.until(removals))
    assert removed["s3"]["object"]["key"] == "k"


def test_an_upload_is_an_event_of_eventbridge(bench: Bench, bucket: str) -> None:
    box, events, rule = bench.box(), bench.aws.client("events"), bench.unique("rule")
    notify(bench, bucket, EventBridgeConfiguration={})
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"size": [{"numeric": [">", 1]}]}},
    }
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "box", "Arn": box.arn}])
    bench.undo.append(lambda: events.delete_rule(Name=rule))
    bench.undo.append(lambda: events.remove_targets(Rule=rule, Ids=["box"]))
    s3 = bench.aws.client("s3")
    s3.put_object(Bucket=bucket, Key="small", Body=b"1")
    s3.put_object(Bucket=bucket, Key="large one", Body=b"123")
    [event] = box.until(lambda seen: seen)
    assert event["source"] == "aws.s3"
    assert event["resources"] == [f"arn:aws:s3:::{bucket}"]
    assert event["detail"]["object"]["key"] == "large one"
    assert event["detail"]["reason"] == "PutObject"
