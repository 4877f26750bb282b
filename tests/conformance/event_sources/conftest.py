"""A function that writes down what it receives, and queues to read it from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions
from tests.waiting import eventually

# Sends every event to a queue, then does what the event's bodies ask for: fail, or report failures.
RECORDER = """
    import base64, json, os
    import boto3

    sqs = boto3.client("sqs")

    def body(record):
        if "kinesis" in record:
            return base64.b64decode(record["kinesis"]["data"]).decode()
        if "dynamodb" in record:
            return record["dynamodb"]["Keys"]["id"]["S"]
        return record["body"]

    def identifier(record):
        if "kinesis" in record:
            return record["kinesis"]["sequenceNumber"]
        if "dynamodb" in record:
            return record["dynamodb"]["SequenceNumber"]
        return record["messageId"]

    def handler(event, context):
        sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
        records = event.get("Records", [])
        if os.environ.get("REPORT"):
            failed = [identifier(r) for r in records if "poison" in body(r)]
            return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
        if any("poison" in body(r) for r in records):
            raise ValueError("poison")
"""


@dataclass
class Box:
    """A queue that tests read."""

    sqs: Any
    url: str
    arn: str
    seen: list[Any] = field(default_factory=list)

    def raw(self) -> list[dict[str, Any]]:
        """Messages that have come since, taken off the queue."""
        found = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return list(found)

    def read(self) -> list[Any]:
        """Everything received so far, decoded, in the order of sending."""
        found = sorted(self.raw(), key=lambda message: int(message["Attributes"]["SentTimestamp"]))
        self.seen += [_decoded(message["Body"]) for message in found]
        return self.seen

    def until(self, enough: Callable[[list[Any]], Any], within: float = 20) -> list[Any]:
        """Read until `enough(everything)`."""
        eventually(lambda: enough(self.read()), within=within)
        return self.seen


def _decoded(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


@dataclass
class Bench:
    """What a test of an event source needs; everything it makes is removed afterwards."""

    aws: Aws
    functions: Functions
    unique: Callable[[str], str]
    role: str
    undo: list[Callable[[], Any]] = field(default_factory=list)

    def box(self, name: str = "box", **attributes: str) -> Box:
        sqs = self.aws.client("sqs")
        full = self.unique(name) + (".fifo" if attributes.get("FifoQueue") else "")
        url = sqs.create_queue(QueueName=full, Attributes=attributes)["QueueUrl"]
        self.undo.append(lambda: sqs.delete_queue(QueueUrl=url))
        got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return Box(sqs, url, got["Attributes"]["QueueArn"])

    def recorder(self, box: Box, *, report: bool = False, **settings: Any) -> str:
        """A function that sends what it receives to `box`."""
        variables = {"QUEUE": box.url} | ({"REPORT": "1"} if report else {})
        return self.functions.make(RECORDER, Environment={"Variables": variables}, **settings)

    def topic(self, box: Box) -> str:
        """The ARN of a topic that sends what it receives to `box`."""
        sns = self.aws.client("sns")
        topic = str(sns.create_topic(Name=self.unique("topic"))["TopicArn"])
        self.undo.append(lambda: sns.delete_topic(TopicArn=topic))
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=box.arn)
        return topic

    def machine(self, box: Box) -> str:
        """The ARN of a state machine that sends its input to `box`."""
        states = self.aws.client("stepfunctions")
        task = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": box.url, "MessageBody.$": "$"},
            "End": True,
        }
        machine = states.create_state_machine(
            name=self.unique("machine"),
            definition=json.dumps({"StartAt": "Send", "States": {"Send": task}}),
            roleArn=self.role,
        )["stateMachineArn"]
        self.undo.append(lambda: states.delete_state_machine(stateMachineArn=machine))
        return str(machine)

    def stream(self, shards: int = 1) -> tuple[str, str]:
        """(name, ARN) of a Kinesis stream."""
        kinesis, name = self.aws.client("kinesis"), self.unique("stream")
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        self.undo.append(lambda: kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True))
        kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        return name, summary["StreamARN"]

    def put(self, stream: str, *bodies: str, key: str = "k") -> None:
        """Put records on a stream, in order."""
        self.aws.client("kinesis").put_records(
            StreamName=stream, Records=[{"Data": body.encode(), "PartitionKey": key} for body in bodies]
        )

    def table(self) -> tuple[str, str]:
        """(name, stream ARN) of a table."""
        db, name = self.aws.client("dynamodb"), self.unique("table")
        db.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.undo.append(lambda: db.delete_table(TableName=name))
        db.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        return name, db.describe_table(TableName=name)["Table"]["LatestStreamArn"]

    def map(self, source: str, function: str, **options: Any) -> str:
        """Make a mapping, wait until it is enabled; returns its UUID."""
        client = self.aws.client("lambda")
        made = client.create_event_source_mapping(EventSourceArn=source, FunctionName=function, **options)
        self.undo.append(lambda: _gone(lambda: client.delete_event_source_mapping(UUID=made["UUID"])))
        if options.get("Enabled", True):
            self.state(made["UUID"], "Enabled")
        return str(made["UUID"])

    def state(self, mapping: str, wanted: str) -> dict[str, Any]:
        client = self.aws.client("lambda")

        def look() -> Any:
            found = client.get_event_source_mapping(UUID=mapping)
            return found if found["State"] == wanted else None

        return dict(eventually(look, within=60))


def _gone(call: Callable[[], Any]) -> None:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise


@pytest.fixture
def bench(aws: Aws, functions: Functions, unique: Callable[[str], str], role: str) -> Iterator[Bench]:
    made = Bench(aws, functions, unique, role)
    yield made
    for undo in reversed(made.undo):
        undo()


def bodies(events: list[Any]) -> list[list[str]]:
    """The data of each Kinesis event."""
    import base64

    return [
        [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]
        for event in events
    ]


def flat(events: list[Any]) -> list[str]:
    return [body for batch in bodies(events) for body in batch]
