"""Filter patterns select, in FilterLogEvents, metric filters and subscription filters."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html"
)

MESSAGES = [
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
    "INTERNAL SERVER ERROR 500",
    '{"eventType": "UpdateTrail", "sourceIPAddress": "198.51.100.7", "errorCode": 400, "took": 12.5,'
    ' "SomeObject": null, "ThisFlag": true, "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}]}',
    '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534',
]
JSON, SPACED = MESSAGES[5], MESSAGES[6]


@pytest.fixture
def group(aws: Aws, unique: Callable[[str], str]) -> Iterator[str]:
    logs = aws.client("logs")
    name = unique("patterns")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    yield name
    logs.delete_log_group(logGroupName=name)


def put(aws: Aws, group: str, messages: list[str]) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now + at, "message": message} for at, message in enumerate(messages)]
    aws.client("logs").put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def found(aws: Aws, group: str, pattern: str) -> list[str]:
    pages = aws.client("logs").get_paginator("filter_log_events")
    answer = pages.paginate(logGroupName=group, filterPattern=pattern)
    return [event["message"] for page in answer for event in page["events"]]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", MESSAGES),
        ("ERROR", MESSAGES[:5]),
        ("error", [JSON]),
        ("ERROR ARGUMENTS", MESSAGES[2:4]),
        ('"INTERNAL SERVER ERROR"', MESSAGES[4:5]),
        ("?BAD ?INVALID", [MESSAGES[0], MESSAGES[3]]),
        ("ERROR -ARGUMENTS", [MESSAGES[0], MESSAGES[1], MESSAGES[4]]),
        ("%40[01]% REQUEST", MESSAGES[:2]),
        ('{ $.eventType = "UpdateTrail" }', [JSON]),
        ('{ $.eventType = "Update*" }', [JSON]),
        ('{ $.eventType = "Trail" }', []),
        ("{ $.sourceIPAddress != 123.123.* }", [JSON]),
        ("{ $.errorCode >= 400 && $.took < 1.25e1 }", []),
        ("{ ($.errorCode = 500 || $.took <= 1.25e1) && $.ThisFlag IS TRUE }", [JSON]),
        ("{ $.SomeObject IS NULL }", [JSON]),
        ("{ $.SomeOtherObject NOT EXISTS }", [JSON]),
        ("{ $.eventType NOT EXISTS }", []),
        ("{ $.objectList[1].id = 2 }", [JSON]),
        ("{ $.objectList[*].name = a }", [JSON]),
        ("{ $.eventType = %Trail$% }", [JSON]),
        ("[ip, id, user, timestamp, request, status_code = 4*, size]", [SPACED]),
        ("[ip, id, user, timestamp, request = *.html*, status_code, size > 2000]", []),
        ("[..., status_code != 200 && status_code < 500, size]", [SPACED]),
        ("[ip, id, user]", MESSAGES[:4]),
    ],
)
def test_a_pattern_selects(aws: Aws, group: str, pattern: str, expected: list[str]) -> None:
    put(aws, group, MESSAGES)
    assert found(aws, group, pattern) == expected


@pytest.mark.parametrize("pattern", ["{ $.a = }", "{ $.a = 1", "[a, b", "foo-bar", "{ a = 1 }", '"open'])
def test_a_pattern_without_sense_is_refused(aws: Aws, group: str, pattern: str) -> None:
    logs = aws.client("logs")
    filter_named: dict[str, Any] = {
        "filterName": "f",
        "metricTransformations": [{"metricName": "m", "metricNamespace": "n", "metricValue": "1"}],
    }
    for call in (
        lambda: logs.filter_log_events(logGroupName=group, filterPattern=pattern),
        lambda: logs.put_metric_filter(logGroupName=group, filterPattern=pattern, **filter_named),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def test_a_metric_filter_counts_what_matches_in_its_group(
    aws: Aws, group: str, unique: Callable[[str], str]
) -> None:
    namespace, metrics, logs = unique("space"), aws.client("cloudwatch"), aws.client("logs")
    for name, pattern, value in (("errors", "ERROR", "1"), ("took", "{ $.took = * }", "$.took")):
        logs.put_metric_filter(
            logGroupName=group,
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[{"metricName": name, "metricNamespace": namespace, "metricValue": value}],
        )
    put(aws, group, MESSAGES)
    other = unique("other")
    logs.create_log_group(logGroupName=other)
    logs.create_log_stream(logGroupName=other, logStreamName="s")
    put(aws, other, MESSAGES)
    logs.delete_log_group(logGroupName=other)

    def total(name: str) -> float | None:
        now = datetime.now(UTC)
        points = metrics.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=10),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points) if points else None

    assert eventually(lambda: total("errors")) == 5
    assert eventually(lambda: total("took")) == 12.5


def test_a_subscription_delivers_what_matches(
    aws: Aws, group: str, unique: Callable[[str], str], role: str
) -> None:
    kinesis, logs, name = aws.client("kinesis"), aws.client("logs"), unique("subscribed")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    try:
        stream = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
        logs.put_subscription_filter(
            logGroupName=group,
            filterName="errors",
            filterPattern="ERROR -ARGUMENTS",
            destinationArn=stream,
            roleArn=role,
        )
        put(aws, group, MESSAGES)
        shard = kinesis.get_shard_iterator(
            StreamName=name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

        def delivered() -> list[str]:
            records = kinesis.get_records(ShardIterator=shard)["Records"]
            data = [json.loads(gzip.decompress(record["Data"])) for record in records]
            return [
                event["message"]
                for one in data
                if one["messageType"] == "DATA_MESSAGE"
                for event in one["logEvents"]
            ]

        assert eventually(delivered) == [MESSAGES[0], MESSAGES[1], MESSAGES[4]]
    finally:
        kinesis.delete_stream(StreamName=name)
