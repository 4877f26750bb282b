"""State changes in EventBridge, and rules and schedules that submit jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.batch.conftest import GUIDE, Batch
from tests.waiting import eventually

pytestmark = pytest.mark.source(f"{GUIDE}/batch_job_events.html")


@pytest.fixture
def heard(batch: Batch, unique: Any) -> Iterator[Any]:
    """`heard(job_id)` -> the events of that job so far, in order of arrival."""
    sqs, events = batch.aws.client("sqs"), batch.aws.client("events")
    name = unique("batch-events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    pattern = {"source": ["aws.batch"], "detail-type": ["Batch Job State Change"]}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    found: list[dict[str, Any]] = []

    def read(job_id: str) -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", ()):
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [event for event in found if event["detail"]["jobId"] == job_id]

    yield read
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


def test_every_change_of_state_is_an_event(batch: Batch, queue: str, heard: Any) -> None:
    job = batch.run(queue, batch.shell("exit 3"), jobName="event-test")
    got = eventually(lambda: (found := heard(job["jobId"])) and len(found) >= 4 and found, within=30)
    by_status = {event["detail"]["status"]: event for event in got}
    assert set(by_status) == {"RUNNABLE", "STARTING", "RUNNING", "FAILED"}
    event = by_status["FAILED"]
    assert (event["source"], event["detail-type"]) == ("aws.batch", "Batch Job State Change")
    assert event["resources"] == [job["jobArn"]]
    detail = event["detail"]
    for member in ("jobArn", "jobName", "jobId", "jobQueue", "jobDefinition", "statusReason", "createdAt"):
        assert detail[member] == job[member]
    assert detail["container"]["exitCode"] == 3
    assert detail["attempts"][0]["container"]["exitCode"] == 3
    assert by_status["RUNNABLE"]["detail"]["attempts"] == []


@pytest.mark.source("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_BatchParameters.html")
def test_a_rule_submits_a_job(batch: Batch, queue: str, role: str, unique: Any) -> None:
    events = batch.aws.client("events")
    name, source = unique("to-batch"), unique("mine")
    definition = batch.define("echo", "Ref::what", parameters={"what": "nothing"})
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
    target = {
        "Id": "1",
        "Arn": batch.queue_settled(queue)["jobQueueArn"],
        "RoleArn": role,
        "BatchParameters": {
            "JobDefinition": definition,
            "JobName": name,
            "RetryStrategy": {"Attempts": 2},
            "ArrayProperties": {"Size": 2},
        },
        "InputTransformer": {
            "InputPathsMap": {"key": "$.detail.key"},
            "InputTemplate": '{"Parameters": {"what": "<key>"}}',
        },
    }
    try:
        events.put_targets(Rule=name, Targets=[target])
        entry = {"Source": source, "DetailType": "t", "Detail": json.dumps({"key": "a/b.csv"})}
        events.put_events(Entries=[entry])
        by_name = [{"name": "JOB_NAME", "values": [name]}]
        [found] = eventually(
            lambda: batch.client.list_jobs(jobQueue=queue, filters=by_name)["jobSummaryList"], within=30
        )
        job = batch.ended(found["jobId"])
        assert job["status"] == "SUCCEEDED"
        assert job["arrayProperties"]["size"] == 2
        assert job["retryStrategy"]["attempts"] == 2
        assert batch.lines(batch.job(f"{found['jobId']}:1")) == ["a/b.csv"]
    finally:
        events.remove_targets(Rule=name, Ids=["1"])
        events.delete_rule(Name=name)


@pytest.mark.source("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html")
def test_a_rule_needs_to_know_which_job(batch: Batch, queue: str, role: str, unique: Any) -> None:
    events = batch.aws.client("events")
    name = unique("to-batch")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    target = {"Id": "1", "Arn": batch.queue_settled(queue)["jobQueueArn"], "RoleArn": role}
    try:
        with pytest.raises(ClientError) as error:
            events.put_targets(Rule=name, Targets=[target])
        assert error.value.response["Error"]["Code"] == "ValidationException"
    finally:
        events.delete_rule(Name=name)


@pytest.mark.source("https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html")
def test_a_schedule_submits_a_job(batch: Batch, queue: str, role: str, unique: Any) -> None:
    scheduler = batch.aws.client("scheduler")
    name = unique("nightly")
    soon = datetime.now(UTC) + timedelta(seconds=1)
    definition = batch.shell("echo scheduled")
    request = {"JobName": name, "JobQueue": queue, "JobDefinition": definition}
    scheduler.create_schedule(
        Name=name,
        ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob",
            "RoleArn": role,
            "Input": json.dumps(request),
        },
        ActionAfterCompletion="DELETE",
    )
    by_name = [{"name": "JOB_NAME", "values": [name]}]
    [found] = eventually(
        lambda: batch.client.list_jobs(jobQueue=queue, filters=by_name)["jobSummaryList"], within=120
    )
    assert batch.lines(batch.ended(found["jobId"])) == ["scheduled"]
