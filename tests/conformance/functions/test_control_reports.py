"""What Lambda tells CloudWatch of an invocation: log streams and metrics."""

import datetime
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions
from tests.waiting import eventually

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html")


def streams(aws: Aws, group: str) -> list[dict[str, Any]]:
    logs = aws.client("logs")
    try:
        return list(logs.describe_log_streams(logGroupName=group)["logStreams"])
    except logs.exceptions.ResourceNotFoundException:
        return []


def messages(aws: Aws, group: str) -> list[str]:
    if not streams(aws, group):
        return []
    return [event["message"] for event in aws.client("logs").filter_log_events(logGroupName=group)["events"]]


def test_output_is_framed_by_start_end_and_report(functions: Functions, aws: Aws) -> None:
    name = functions.make("def handler(event, context):\n    print('first')\n    print('second')\n")
    request_id = aws.client("lambda").invoke(FunctionName=name)["ResponseMetadata"]["RequestId"]
    group = f"/aws/lambda/{name}"
    eventually(lambda: any("REPORT" in line for line in messages(aws, group)))
    found = messages(aws, group)
    start = found.index(f"START RequestId: {request_id} Version: $LATEST\n")
    assert found[start + 1 : start + 4] == ["first\n", "second\n", f"END RequestId: {request_id}\n"]
    assert re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: [0-9.]+ ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [0-9.]+ ms\t\n",
        found[start + 4],
    )
    stream = streams(aws, group)[0]["logStreamName"]
    today = datetime.datetime.now(datetime.UTC)
    dates = {f"{today + datetime.timedelta(days=shift):%Y/%m/%d}" for shift in (-1, 0, 1)}
    assert stream[:10] in dates
    assert re.fullmatch(r"/\[\$LATEST\][0-9a-f]{32}", stream[10:])


def test_an_environment_keeps_its_stream(functions: Functions, aws: Aws) -> None:
    name = functions.make("def handler(event, context):\n    return event\n")
    for number in range(3):
        functions.invoke(name, number)
    group = f"/aws/lambda/{name}"
    eventually(lambda: sum(line.startswith("REPORT") for line in messages(aws, group)) == 3)
    assert len(streams(aws, group)) == 1


def test_a_failed_init_is_logged(functions: Functions, aws: Aws) -> None:
    name = functions.make("print('loading')\nraise RuntimeError('no model')\n")
    answer = functions.invoke(name)
    assert answer.error == "Unhandled"
    assert answer.payload["errorMessage"] == "no model"
    eventually(lambda: any("no model" in line for line in messages(aws, f"/aws/lambda/{name}")))
    assert any("loading" in line for line in messages(aws, f"/aws/lambda/{name}"))


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html")
def test_a_function_may_log_into_a_group_of_its_choice(
    functions: Functions, aws: Aws, unique: Callable[[str], str]
) -> None:
    group = unique("/shared/functions")
    name = functions.make(
        "def handler(event, context):\n    print('here')\n",
        LoggingConfig={"LogGroup": group, "LogFormat": "Text"},
    )
    functions.invoke(name)
    eventually(lambda: "here\n" in messages(aws, group))
    assert not streams(aws, f"/aws/lambda/{name}")


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html")
def test_invocations_errors_duration_and_throttles_are_counted(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda", config=Config(retries={"max_attempts": 0}))
    name = functions.make("def handler(event, context):\n    return 1 / event\n")
    for value in (1, 2, 0):
        functions.invoke(name, value)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    for _ in range(2):
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.invoke(FunctionName=name)
    cloudwatch = aws.client("cloudwatch")
    now = datetime.datetime.now(datetime.UTC)

    def statistic(metric: str, kind: str, *more: dict[str, str]) -> float | None:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": name}, *more],
            StartTime=now - datetime.timedelta(minutes=10),
            EndTime=now + datetime.timedelta(minutes=10),
            Period=3600,
            Statistics=[kind],
        )["Datapoints"]
        return sum(point[kind] for point in points) if points else None

    eventually(lambda: statistic("Invocations", "Sum") == 3, within=30)
    assert statistic("Errors", "Sum") == 1
    assert statistic("Errors", "SampleCount") == 3
    eventually(lambda: statistic("Throttles", "Sum") == 2, within=30)
    duration = statistic("Duration", "Average")
    assert duration is not None
    assert 0 < duration < 10_000
    assert statistic("ConcurrentExecutions", "Maximum") == 1
    resource = {"Name": "Resource", "Value": name}
    assert statistic("Invocations", "Sum", resource) == 3


@pytest.mark.source(
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension"
)
def test_each_set_of_dimensions_is_a_metric_of_its_own(aws: Aws, unique: Callable[[str], str]) -> None:
    """`orders`, `orders-2` and `orders_2` are three functions."""
    cloudwatch = aws.client("cloudwatch")
    namespace = unique("Dimensions")
    now = datetime.datetime.now(datetime.UTC)
    sets = [
        [("FunctionName", "orders")],
        [("FunctionName", "orders-2")],
        [("FunctionName", "orders_2")],
        [("FunctionName", "orders"), ("Resource", "orders:live")],
    ]
    for value, dimensions in enumerate(sets, start=1):
        cloudwatch.put_metric_data(
            Namespace=namespace,
            MetricData=[
                {
                    "MetricName": "Errors",
                    "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions],
                    "Value": 10.0**value,
                    "Timestamp": now,
                }
            ],
        )

    def total(dimensions: list[tuple[str, str]]) -> float:
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName="Errors",
            Dimensions=[{"Name": key, "Value": text} for key, text in dimensions],
            StartTime=now - datetime.timedelta(minutes=5),
            EndTime=now + datetime.timedelta(minutes=5),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    for value, dimensions in enumerate(sets, start=1):
        eventually(lambda d=dimensions, v=value: total(d) == 10.0**v, within=30)  # type: ignore[misc]
    listed = cloudwatch.list_metrics(
        Namespace=namespace, Dimensions=[{"Name": "FunctionName", "Value": "orders"}]
    )["Metrics"]
    assert [len(metric["Dimensions"]) for metric in listed] in ([1, 2], [2, 1])
