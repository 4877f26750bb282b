"""State changes of jobs are events of EventBridge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.sagemaker.conftest import Jobs
from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html"
)

type Event = dict[str, Any]


class Caught:
    """A queue that a rule sends events to."""

    def __init__(self, sqs: Any, queue: str) -> None:
        self._sqs, self._queue = sqs, queue
        self._seen: dict[str, Event] = {}

    def by(self, member: str, wanted: set[str]) -> dict[str, Event]:
        """The events by a member of their detail, once all the wanted values have come."""

        def all_seen() -> bool:
            found = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in found.get("Messages", ()):
                event = json.loads(message["Body"])
                self._seen[event["detail"][member]] = event
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            return wanted <= set(self._seen)

        eventually(all_seen, within=60)
        return self._seen


@pytest.fixture
def catch(aws: Aws, unique: Callable[[str], str]) -> Iterator[Callable[[Event], Caught]]:
    """`catch(pattern)` catches what matches the pattern from now on."""
    events, sqs = aws.client("events"), aws.client("sqs")
    made: list[tuple[str, str]] = []

    def begin(pattern: Event) -> Caught:
        name = unique("events")
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        made.append((name, queue))
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        return Caught(sqs, queue)

    yield begin
    for name, queue in made:
        events.remove_targets(Rule=name, Ids=["queue"])
        events.delete_rule(Name=name)
        sqs.delete_queue(QueueUrl=queue)


def pattern(kind: str, name: str) -> Event:
    return {
        "source": ["aws.sagemaker"],
        "detail-type": [f"SageMaker {kind} Job State Change"],
        "detail": {f"{kind}JobName": [name]},
    }


def test_training_jobs(jobs: Jobs, catch: Callable[[Event], Caught]) -> None:
    name = jobs.name("event")
    caught = catch(pattern("Training", name))
    tags = [{"Key": "team", "Value": "blue"}]
    described = jobs.run(
        jobs.training("pass", TrainingJobName=name, HyperParameters={"alpha": "1"}, Tags=tags)
    )
    steps = {"Starting", "Downloading", "Training", "Uploading", "Completed"}
    last = caught.by("SecondaryStatus", steps)["Completed"]
    assert last["resources"] == [described["TrainingJobArn"]]
    detail = last["detail"]
    assert detail["TrainingJobArn"] == described["TrainingJobArn"]
    assert detail["TrainingJobStatus"] == "Completed"
    assert detail["HyperParameters"] == {"alpha": "1"}
    assert detail["Tags"] == {"team": "blue"}
    assert detail["CreationTime"] == int(described["CreationTime"].timestamp() * 1000)
    assert [step["Status"] for step in detail["SecondaryStatusTransitions"]][-1] == "Completed"


def test_processing_jobs(jobs: Jobs, catch: Callable[[Event], Caught]) -> None:
    name = jobs.name("event")
    caught = catch(pattern("Processing", name))
    described = jobs.run(jobs.processing("raise SystemExit(1)", ProcessingJobName=name))
    seen = caught.by("ProcessingJobStatus", {"InProgress", "Failed"})
    assert seen["Failed"]["resources"] == [described["ProcessingJobArn"]]
    detail = seen["Failed"]["detail"]
    assert detail["FailureReason"] == "AlgorithmError: , exit code: 1"
    assert detail["ProcessingInputs"][0]["InputName"] == "code"
    assert detail["ProcessingEndTime"] == int(described["ProcessingEndTime"].timestamp() * 1000)
