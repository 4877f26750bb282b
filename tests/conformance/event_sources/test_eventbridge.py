"""EventBridge: patterns, what targets receive, retries and dead letters, archives, schedules of rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.event_sources.conftest import Bench
from tests.waiting import eventually

pytestmark = [
    pytest.mark.source(
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"
    ),
    pytest.mark.source("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html"),
]

EVENT = {
    "id": "1",
    "source": "shop.orders",
    "detail-type": "Order placed",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {
        "state": "open",
        "file": "raw/2026/orders.csv",
        "total": 12.5,
        "ip": "10.0.0.7",
        "nothing": None,
        "tags": ["a", "b"],
        "customer": {"name": "Ann"},
    },
}


@pytest.mark.parametrize(
    ("detail", "matches"),
    [
        ({"state": ["open", "closed"]}, True),
        ({"state": ["closed"]}, False),
        ({"state": [{"prefix": "op"}]}, True),
        ({"state": [{"suffix": "en"}]}, True),
        ({"file": [{"suffix": ".csv"}]}, True),
        ({"state": [{"equals-ignore-case": "OPEN"}]}, True),
        ({"state": [{"anything-but": "closed"}]}, True),
        ({"state": [{"anything-but": ["open", "closed"]}]}, False),
        ({"state": [{"anything-but": {"prefix": "op"}}]}, False),
        ({"file": [{"wildcard": "raw/*/orders.*"}]}, True),
        ({"file": [{"wildcard": "raw/*.txt"}]}, False),
        ({"total": [{"numeric": [">", 10, "<=", 12.5]}]}, True),
        ({"total": [{"numeric": ["<", 0]}]}, False),
        ({"total": [12.5]}, True),
        ({"ip": [{"cidr": "10.0.0.0/24"}]}, True),
        ({"ip": [{"cidr": "10.1.0.0/24"}]}, False),
        ({"state": [{"exists": True}], "missing": [{"exists": False}]}, True),
        ({"missing": [{"exists": True}]}, False),
        ({"nothing": [None]}, True),
        ({"tags": ["b"]}, True),
        ({"tags": ["c"]}, False),
        ({"customer": {"name": ["Ann"]}}, True),
        ({"$or": [{"state": ["closed"]}, {"total": [{"numeric": [">", 10]}]}]}, True),
        ({"$or": [{"state": ["closed"]}, {"total": [{"numeric": [">", 20]}]}]}, False),
    ],
)
def test_patterns(aws: Aws, detail: dict[str, Any], matches: bool) -> None:
    answer = aws.client("events").test_event_pattern(
        EventPattern=json.dumps({"source": ["shop.orders"], "detail": detail}), Event=json.dumps(EVENT)
    )
    assert answer["Result"] is matches


def test_a_pattern_that_means_nothing_is_refused(aws: Aws) -> None:
    for pattern in ('{"source": "no list"}', "no JSON", '{"detail": {"n": [{"unknown": 1}]}}'):
        with pytest.raises(ClientError) as caught:
            aws.client("events").test_event_pattern(EventPattern=pattern, Event=json.dumps(EVENT))
        assert caught.value.response["Error"]["Code"] == "InvalidEventPatternException"


def rule(bench: Bench, *targets: dict[str, Any], **settings: Any) -> str:
    """A rule on events of a source of its own (its name), with `targets`."""
    events, name = bench.aws.client("events"), bench.unique("rule")
    pattern = {"EventPattern": json.dumps({"source": [name]})}
    events.put_rule(Name=name, **(settings or pattern))
    answer = events.put_targets(Rule=name, Targets=[{"Id": str(at), **t} for at, t in enumerate(targets)])
    assert answer["FailedEntryCount"] == 0
    bench.undo.append(lambda: events.delete_rule(Name=name))
    bench.undo.append(lambda: events.remove_targets(Rule=name, Ids=[str(at) for at in range(len(targets))]))
    return name


def say(bench: Bench, source: str, **detail: Any) -> None:
    answer = bench.aws.client("events").put_events(
        Entries=[{"Source": source, "DetailType": "said", "Detail": json.dumps(detail), "Resources": ["r"]}]
    )
    assert answer["FailedEntryCount"] == 0


def test_an_event_reaches_every_kind_of_target(bench: Bench) -> None:
    box, called, heard, run = bench.box(), bench.box("called"), bench.box("heard"), bench.box("run")
    function = bench.functions.arn(bench.recorder(called))
    logs = bench.aws.client("logs")
    topic, machine = bench.topic(heard), bench.machine(run)
    stream, stream_arn = bench.stream()
    group = f"/aws/events/{bench.unique('group')}"
    logs.create_log_group(logGroupName=group)
    bench.undo.append(lambda: logs.delete_log_group(logGroupName=group))
    group_arn = f"arn:aws:logs:us-east-1:{bench.aws.account}:log-group:{group}"
    source = rule(
        bench,
        {"Arn": box.arn},
        {"Arn": function},
        {"Arn": topic},
        {"Arn": machine, "RoleArn": bench.role},
        {"Arn": stream_arn, "RoleArn": bench.role, "KinesisParameters": {"PartitionKeyPath": "$.detail.key"}},
    )
    logged = rule(bench, {"Arn": group_arn}, EventPattern=json.dumps({"source": [source]}))
    assert logged
    say(bench, source, key="k1")
    [event] = box.until(lambda seen: seen)
    assert event == event | {
        "version": "0",
        "source": source,
        "detail-type": "said",
        "account": bench.aws.account,
        "region": "us-east-1",
        "resources": ["r"],
        "detail": {"key": "k1"},
    }
    assert {"id", "time"} <= event.keys()
    assert called.until(lambda seen: seen)[0]["id"] == event["id"]
    assert json.loads(heard.until(lambda seen: seen)[0]["Message"])["id"] == event["id"]
    assert run.until(lambda seen: seen)[0]["id"] == event["id"]
    kinesis = bench.aws.client("kinesis")
    token = kinesis.get_shard_iterator(
        StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    [record] = eventually(lambda: kinesis.get_records(ShardIterator=token)["Records"])
    assert record["PartitionKey"] == "k1"
    assert json.loads(record["Data"])["id"] == event["id"]
    found = eventually(lambda: logs.filter_log_events(logGroupName=group)["events"])
    assert json.loads(found[0]["message"])["id"] == event["id"]


@pytest.mark.source("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html")
def test_what_a_target_receives_can_be_chosen(bench: Bench) -> None:
    whole, path, fixed, made, text = (bench.box(name) for name in ("whole", "path", "fixed", "made", "text"))
    source = rule(
        bench,
        {"Arn": whole.arn},
        {"Arn": path.arn, "InputPath": "$.detail.order"},
        {"Arn": fixed.arn, "Input": '{"always": "this"}'},
        {
            "Arn": made.arn,
            "InputTransformer": {
                "InputPathsMap": {"id": "$.detail.order.id", "items": "$.detail.order.items"},
                "InputTemplate": '{"order": <id>, "items": <items>, "text": "number <id>", '
                '"rule": "<aws.events.rule-name>"}',
            },
        },
        {
            "Arn": text.arn,
            "InputTransformer": {
                "InputPathsMap": {"id": "$.detail.order.id"},
                "InputTemplate": '"Order <id> came"',
            },
        },
    )
    say(bench, source, order={"id": 7, "items": ["a", "b"]})
    assert whole.until(lambda seen: seen)[0]["detail"]["order"]["id"] == 7
    assert path.until(lambda seen: seen) == [{"id": 7, "items": ["a", "b"]}]
    assert fixed.until(lambda seen: seen) == [{"always": "this"}]
    assert made.until(lambda seen: seen) == [
        {"order": 7, "items": ["a", "b"], "text": "number 7", "rule": source}
    ]
    assert text.until(lambda seen: seen)[0] in ("Order 7 came", '"Order 7 came"')


@pytest.mark.source("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html")
def test_an_event_that_no_target_takes_goes_to_the_dead_letter_queue(bench: Bench) -> None:
    dead = bench.box("dead")
    gone = f"arn:aws:lambda:us-east-1:{bench.aws.account}:function:{bench.unique('gone')}"
    source = rule(
        bench,
        {
            "Arn": gone,
            "DeadLetterConfig": {"Arn": dead.arn},
            "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
        },
    )
    say(bench, source, lost="event")
    [message] = eventually(dead.raw, within=15)
    assert json.loads(message["Body"])["detail"] == {"lost": "event"}
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["TARGET_ARN"] == gone
    assert attributes["RULE_ARN"].endswith(f"rule/{source}")
    assert attributes["ERROR_CODE"]
    assert attributes["ERROR_MESSAGE"]


def test_a_disabled_rule_is_silent(bench: Bench) -> None:
    box, control = bench.box(), bench.box("control")
    source = rule(bench, {"Arn": box.arn})
    rule(bench, {"Arn": control.arn}, EventPattern=json.dumps({"source": [source]}))
    events = bench.aws.client("events")
    events.disable_rule(Name=source)
    say(bench, source, n=1)
    control.until(lambda seen: len(seen) == 1)
    events.enable_rule(Name=source)
    say(bench, source, n=2)
    assert [event["detail"]["n"] for event in box.until(lambda seen: seen)] == [2]


@pytest.mark.source("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html")
def test_an_archive_is_replayed(bench: Bench) -> None:
    box, events = bench.box(), bench.aws.client("events")
    bus = events.create_event_bus(Name=bench.unique("bus"))["EventBusArn"]
    bus_name = bus.rsplit("/", 1)[-1]
    bench.undo.append(lambda: events.delete_event_bus(Name=bus_name))
    archive = bench.unique("archive")
    archive_arn = events.create_archive(ArchiveName=archive, EventSourceArn=bus)["ArchiveArn"]
    bench.undo.append(lambda: events.delete_archive(ArchiveName=archive))
    began = datetime.now(UTC) - timedelta(minutes=1)
    events.put_events(
        Entries=[{"Source": "s", "DetailType": "t", "Detail": '{"n": 1}', "EventBusName": bus_name}]
    )
    eventually(lambda: events.describe_archive(ArchiveName=archive)["EventCount"] == 1)
    name = bench.unique("rule")
    events.put_rule(Name=name, EventBusName=bus_name, EventPattern='{"source": ["s"]}')
    events.put_targets(Rule=name, EventBusName=bus_name, Targets=[{"Id": "1", "Arn": box.arn}])
    bench.undo.append(lambda: events.delete_rule(Name=name, EventBusName=bus_name))
    bench.undo.append(lambda: events.remove_targets(Rule=name, EventBusName=bus_name, Ids=["1"]))
    replay = bench.unique("replay")
    events.start_replay(
        ReplayName=replay,
        EventSourceArn=archive_arn,
        EventStartTime=began,
        EventEndTime=datetime.now(UTC) + timedelta(minutes=1),
        Destination={"Arn": bus},
    )
    [event] = box.until(lambda seen: seen)
    assert event["detail"] == {"n": 1}
    assert event["replay-name"] == replay


@pytest.mark.parametrize(
    "expression",
    ["rate(0 minutes)", "rate(1 minutes)", "rate(5 minute)", "cron(0 0 * * * *)", "at(2030-01-01T00:00:00)"],
)
def test_schedules_that_mean_nothing(aws: Aws, unique: Callable[[str], str], expression: str) -> None:
    with pytest.raises(ClientError) as caught:
        aws.client("events").put_rule(Name=unique("rule"), ScheduleExpression=expression)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.long
@pytest.mark.source("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html")
def test_a_rule_fires_every_minute_until_it_changes(bench: Bench) -> None:
    box, other = bench.box(), bench.box("other")
    name = rule(bench, {"Arn": box.arn}, ScheduleExpression="rate(1 minute)")
    seen = box.until(lambda seen: len(seen) == 2, within=140)
    for event in seen:
        assert event["detail-type"] == "Scheduled Event"
        assert event["source"] == "aws.events"
        assert event["resources"][0].endswith(f"rule/{name}")
        assert event["detail"] == {}
    first, second = (datetime.fromisoformat(event["time"]) for event in seen)
    assert 55 <= (second - first).total_seconds() <= 65
    assert not other.read()


def test_accounts_and_regions_are_kept_apart(bench: Bench) -> None:
    box = bench.box()
    source = rule(bench, {"Arn": box.arn})
    entry = {"Source": source, "DetailType": "said", "Detail": '{"from": "elsewhere"}'}
    for other in (bench.aws.at(region="eu-west-1"), bench.aws.at(account="111111111111")):
        other.client("events").put_events(Entries=[entry])
        assert source not in [r["Name"] for r in other.client("events").list_rules()["Rules"]]
    say(bench, source, here=True)
    assert [event["detail"] for event in box.until(lambda seen: seen)] == [{"here": True}]
