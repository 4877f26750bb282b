"""EventBridge Scheduler."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.event_sources.conftest import Bench
from tests.waiting import eventually

pytestmark = [
    pytest.mark.source("https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html"),
    pytest.mark.source("https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"),
]
OFF = {"Mode": "OFF"}


def soon(zone: str = "UTC", seconds: int = 2) -> str:
    """`at(...)` a little ahead, as that zone's clocks show it."""
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    return f"at({moment.astimezone(ZoneInfo(zone)).strftime('%Y-%m-%dT%H:%M:%S')})"


@pytest.fixture
def scheduler(aws: Aws) -> Any:
    return aws.client("scheduler")


def schedule(
    bench: Bench, arn: str, expression: str, *, target: dict[str, Any] | None = None, **more: Any
) -> str:
    """Make a schedule for the target `arn`, remove it afterwards; returns its name."""
    client, name = bench.aws.client("scheduler"), bench.unique("schedule")
    client.create_schedule(
        **{
            "Name": name,
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": OFF,
            "Target": {"Arn": arn, "RoleArn": bench.role, **(target or {})},
            **more,
        }
    )

    def remove() -> None:
        try:
            client.delete_schedule(Name=name, GroupName=more.get("GroupName", "default"))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise

    bench.undo.append(remove)
    return name


def test_a_schedule_is_described_with_its_defaults(bench: Bench, scheduler: Any) -> None:
    box = bench.box()
    name = schedule(bench, box.arn, "cron(0 10 * * ? *)", Description="daily")
    found = scheduler.get_schedule(Name=name)
    assert found == found | {
        "Name": name,
        "GroupName": "default",
        "ScheduleExpression": "cron(0 10 * * ? *)",
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
        "ActionAfterCompletion": "NONE",
        "FlexibleTimeWindow": OFF,
        "Description": "daily",
    }
    assert found["Arn"].endswith(f":schedule/default/{name}")
    assert found["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    with pytest.raises(ClientError) as caught:
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow=OFF,
            Target={"Arn": box.arn, "RoleArn": bench.role},
        )
    assert caught.value.response["Error"]["Code"] == "ConflictException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_a_function_is_invoked_once_at_its_time_and_the_schedule_deleted(
    bench: Bench, scheduler: Any
) -> None:
    box = bench.box()
    function = bench.functions.arn(bench.recorder(box))
    payload = {
        "schedule": "<aws.scheduler.schedule-arn>",
        "time": "<aws.scheduler.scheduled-time>",
        "execution": "<aws.scheduler.execution-id>",
        "attempt": "<aws.scheduler.attempt-number>",
    }
    expression = soon("Asia/Kolkata")
    name = schedule(
        bench,
        function,
        expression,
        target={"Input": json.dumps(payload)},
        ScheduleExpressionTimezone="Asia/Kolkata",
        ActionAfterCompletion="DELETE",
    )
    [event] = box.until(lambda seen: seen)
    assert event["schedule"].endswith(f":schedule/default/{name}")
    meant = datetime.fromisoformat(expression[3:-1]).replace(tzinfo=ZoneInfo("Asia/Kolkata"))
    assert event["time"] == meant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(event["execution"]) == 36
    assert event["attempt"] == "1"

    def gone() -> bool:
        with pytest.raises(ClientError) as caught:
            scheduler.get_schedule(Name=name)
        return bool(caught.value.response["Error"]["Code"] == "ResourceNotFoundException")

    eventually(gone)


def test_every_templated_target_is_called(bench: Bench) -> None:
    box, heard, run, put = (bench.box(name) for name in ("box", "heard", "run", "put"))
    events, kinesis = (bench.aws.client(name) for name in ("events", "kinesis"))
    topic, machine = bench.topic(heard), bench.machine(run)
    rule, stream = bench.unique("rule"), bench.stream()
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": put.arn}])
    bench.undo.append(lambda: events.delete_rule(Name=rule))
    bench.undo.append(lambda: events.remove_targets(Rule=rule, Ids=["1"]))
    bus = f"arn:aws:events:us-east-1:{bench.aws.account}:event-bus/default"
    given = {"Input": '{"to": "all"}'}
    schedule(bench, box.arn, soon(), target=given)
    schedule(bench, topic, soon(), target=given)
    schedule(bench, machine, soon(), target=given)
    schedule(
        bench,
        bus,
        soon(),
        target=given | {"EventBridgeParameters": {"DetailType": "planned", "Source": rule}},
    )
    schedule(bench, stream[1], soon(), target=given | {"KinesisParameters": {"PartitionKey": "k"}})
    assert box.until(lambda seen: seen) == [{"to": "all"}]
    assert json.loads(heard.until(lambda seen: seen)[0]["Message"]) == {"to": "all"}
    assert run.until(lambda seen: seen) == [{"to": "all"}]
    [event] = put.until(lambda seen: seen)
    assert (event["detail-type"], event["detail"]) == ("planned", {"to": "all"})
    token = kinesis.get_shard_iterator(
        StreamName=stream[0], ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    [record] = eventually(lambda: kinesis.get_records(ShardIterator=token)["Records"])
    assert (record["PartitionKey"], json.loads(record["Data"])) == ("k", {"to": "all"})


@pytest.mark.source("https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html")
def test_a_universal_target_calls_any_api(bench: Bench) -> None:
    table, _ = bench.table()
    schedule(
        bench,
        "arn:aws:scheduler:::aws-sdk:dynamodb:putItem",
        soon(),
        target={
            "Input": json.dumps({"TableName": table, "Item": {"id": {"S": "<aws.scheduler.scheduled-time>"}}})
        },
    )
    found = eventually(lambda: bench.aws.client("dynamodb").scan(TableName=table)["Items"])
    assert found[0]["id"]["S"].endswith("Z")
    with pytest.raises(ClientError) as caught:
        schedule(bench, "arn:aws:scheduler:::aws-sdk:sqs:receiveMessage", soon())
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.source("https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html")
def test_what_no_target_took_goes_to_the_dead_letter_queue(bench: Bench) -> None:
    dead = bench.box("dead")
    gone = f"arn:aws:sqs:us-east-1:{bench.aws.account}:{bench.unique('gone')}"
    name = schedule(
        bench,
        "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
        soon(),
        target={
            "Input": json.dumps({"QueueUrl": f"http://sqs/{gone}", "MessageBody": "lost"}),
            "DeadLetterConfig": {"Arn": dead.arn},
            "RetryPolicy": {"MaximumRetryAttempts": 0},
        },
    )
    [message] = eventually(dead.raw, within=15)
    assert json.loads(message["Body"])["MessageBody"] == "lost"
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert attributes["SCHEDULE_ARN"].endswith(f"/{name}")
    assert attributes["TARGET_ARN"] == "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
    assert "NonExistentQueue" in attributes["ERROR_CODE"] or "QueueDoesNotExist" in attributes["ERROR_CODE"]
    assert {"ERROR_MESSAGE", "EXECUTION_ID", "SCHEDULED_TIME", "RETRY_ATTEMPTS"} <= attributes.keys()


def test_a_rate_begins_at_once_and_a_disabled_schedule_never(bench: Bench, scheduler: Any) -> None:
    box, silent = bench.box(), bench.box("silent")
    schedule(bench, silent.arn, "rate(1 hour)", target={"Input": "no"}, State="DISABLED")
    schedule(bench, box.arn, "rate(1 hour)", target={"Input": "now"})
    assert box.until(lambda seen: seen) == ["now"]
    assert silent.read() == []


def test_an_update_replaces_the_schedule(bench: Bench, scheduler: Any) -> None:
    box = bench.box()
    name = schedule(bench, box.arn, soon(seconds=3600), target={"Input": "old"}, Description="old")
    scheduler.update_schedule(
        Name=name,
        ScheduleExpression=soon(),
        FlexibleTimeWindow=OFF,
        Target={"Arn": box.arn, "RoleArn": bench.role, "Input": "new"},
    )
    assert "Description" not in scheduler.get_schedule(Name=name)
    assert box.until(lambda seen: seen) == ["new"]


def test_groups_hold_schedules_and_take_them_along(
    bench: Bench, scheduler: Any, unique: Callable[[str], str]
) -> None:
    box, group = bench.box(), unique("group")
    arn = scheduler.create_schedule_group(Name=group, Tags=[{"Key": "a", "Value": "b"}])["ScheduleGroupArn"]
    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    names = sorted(
        schedule(bench, box.arn, "rate(1 day)", GroupName=group, State="DISABLED") for _ in range(3)
    )
    page = scheduler.list_schedules(GroupName=group, MaxResults=2)
    rest = scheduler.list_schedules(GroupName=group, NextToken=page["NextToken"])
    assert [each["Name"] for each in page["Schedules"] + rest["Schedules"]] == names
    assert scheduler.list_schedules(GroupName=group, State="ENABLED")["Schedules"] == []
    with pytest.raises(ClientError) as caught:
        scheduler.get_schedule(Name=names[0])
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert scheduler.get_schedule_group(Name=group)["State"] == "ACTIVE"
    scheduler.delete_schedule_group(Name=group)
    assert scheduler.list_schedules(GroupName=group)["Schedules"] == []
    with pytest.raises(ClientError):
        schedule(bench, box.arn, "rate(1 day)", GroupName=group)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ScheduleExpression": "rate(1 minutes)"}, "Invalid Schedule Expression"),
        ({"ScheduleExpression": "cron(0 0 * * *)"}, "Invalid Schedule Expression"),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "time zone"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes"),
        ({"Name": "no spaces"}, "regular expression"),
        ({"State": "PERHAPS"}, "enum value set"),
        (
            {"StartDate": datetime(2030, 1, 2, tzinfo=UTC), "EndDate": datetime(2030, 1, 1, tzinfo=UTC)},
            "EndDate",
        ),
        (
            {"Target": {"Arn": "arn:aws:ec2:us-east-1:000000000000:x", "RoleArn": "arn:aws:iam::1:role/r"}},
            "Arn",
        ),
    ],
)
def test_schedules_that_are_refused(bench: Bench, aws: Aws, change: dict[str, Any], words: str) -> None:
    from botocore.config import Config

    client = aws.client("scheduler", config=Config(parameter_validation=False))
    request: dict[str, Any] = {
        "Name": bench.unique("schedule"),
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": OFF,
        "Target": {"Arn": f"arn:aws:sqs:us-east-1:{aws.account}:q", "RoleArn": bench.role},
    }
    with pytest.raises(ClientError) as caught:
        client.create_schedule(**(request | change))
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert words in caught.value.response["Error"]["Message"]


def test_accounts_and_regions_are_kept_apart(bench: Bench, aws: Aws) -> None:
    name = schedule(bench, bench.box().arn, "rate(1 day)", State="DISABLED")
    for other in (aws.at(region="eu-west-1"), aws.at(account="111111111111")):
        client = other.client("scheduler")
        assert client.list_schedules()["Schedules"] == []
        with pytest.raises(ClientError):
            client.get_schedule(Name=name)
