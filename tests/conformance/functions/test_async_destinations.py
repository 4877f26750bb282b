"""What becomes of an event: invocation records at destinations, and dead letters."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions
from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
)

WORKS = "def handler(event, context):\n    return {'seen': event}\n"
FAILS = "def handler(event, context):\n    raise KeyError('tail number')\n"


@dataclass
class Queue:
    """A queue of this test's own."""

    client: Any
    url: str
    arn: str

    def next(self) -> dict[str, Any]:
        """The next message, with its attributes."""

        def received() -> Any:
            return self.client.receive_message(
                QueueUrl=self.url, WaitTimeSeconds=1, MessageAttributeNames=["All"]
            ).get("Messages")

        message = eventually(received)[0]
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return dict(message)


@pytest.fixture
def queue(aws: Aws, unique: Callable[[str], str]) -> Iterator[Queue]:
    client = aws.client("sqs")
    url = client.create_queue(QueueName=unique("outcome"))["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}],
    }
    client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    yield Queue(client, url, arn)
    client.delete_queue(QueueUrl=url)


def send(functions: Functions, name: str, event: Any, **options: Any) -> str:
    """Invoke asynchronously; the request id."""
    answer = functions.aws.client("lambda").invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps(event), **options
    )
    return str(answer["ResponseMetadata"]["RequestId"])


def with_destinations(functions: Functions, code: str, **destinations: str) -> str:
    """A function without retries that sends its outcomes to ARNs (`OnSuccess`, `OnFailure`)."""
    name = functions.make(code)
    functions.aws.client("lambda").put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={outcome: {"Destination": arn} for outcome, arn in destinations.items()},
    )
    return name


def test_a_success_is_recorded_with_request_and_response(functions: Functions, queue: Queue) -> None:
    name = with_destinations(functions, WORKS, OnSuccess=queue.arn)
    request_id = send(functions, name, {"flight": 7})
    record = json.loads(queue.next()["Body"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("timestamp"))
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{functions.arn(name)}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"flight": 7},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"seen": {"flight": 7}},
    }


def test_a_failure_is_recorded_with_its_error(functions: Functions, queue: Queue) -> None:
    name = with_destinations(functions, FAILS, OnFailure=queue.arn)
    request_id = send(functions, name, [1, 2])
    record = json.loads(queue.next()["Body"])
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": f"{functions.arn(name)}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 1,
    }
    assert record["requestPayload"] == [1, 2]
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert record["responsePayload"]["errorType"] == "KeyError"


def test_the_settings_of_an_alias_apply_to_events_sent_to_it(functions: Functions, queue: Queue) -> None:
    name = functions.make(WORKS)
    client = functions.aws.client("lambda")
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    client.put_function_event_invoke_config(
        FunctionName=name, Qualifier="live", DestinationConfig={"OnSuccess": {"Destination": queue.arn}}
    )
    send(functions, name, "to latest: no destination")
    send(functions, name, "to live", Qualifier="live")
    record = json.loads(queue.next()["Body"])
    assert record["requestPayload"] == "to live"
    assert record["requestContext"]["functionArn"] == f"{functions.arn(name)}:live"
    assert record["responseContext"]["executedVersion"] == version


def test_a_record_reaches_an_sns_topic(
    functions: Functions, queue: Queue, aws: Aws, unique: Callable[[str], str]
) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=unique("outcomes"))["TopicArn"]
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"}
    )
    name = with_destinations(functions, FAILS, OnFailure=topic)
    send(functions, name, 1)
    assert json.loads(queue.next()["Body"])["requestContext"]["condition"] == "RetriesExhausted"
    sns.delete_topic(TopicArn=topic)


def test_a_record_invokes_a_function(functions: Functions, queue: Queue) -> None:
    """The second function sends on what it was called with."""
    second = functions.make(
        """
        import boto3, json, os

        def handler(event, context):
            boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
        """,
        Environment={"Variables": {"QUEUE": queue.url}},
        MemorySize=256,
        Timeout=30,
    )
    name = with_destinations(functions, WORKS, OnSuccess=functions.arn(second))
    send(functions, name, {"a": 1})
    assert json.loads(queue.next()["Body"])["responsePayload"] == {"seen": {"a": 1}}


def test_a_record_becomes_an_eventbridge_event(
    functions: Functions, queue: Queue, aws: Aws, unique: Callable[[str], str]
) -> None:
    events = aws.client("events")
    bus = unique("bus")
    bus_arn = events.create_event_bus(Name=bus)["EventBusArn"]
    pattern = {"source": ["lambda"], "detail-type": ["Lambda Function Invocation Result - Success"]}
    events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "queue", "Arn": queue.arn}])
    name = with_destinations(functions, WORKS, OnSuccess=bus_arn)
    send(functions, name, {"a": 1})
    event = json.loads(queue.next()["Body"])
    assert event["detail"]["requestPayload"] == {"a": 1}
    assert set(event["resources"]) == {bus_arn, f"{functions.arn(name)}:$LATEST"}
    events.remove_targets(Rule="all", EventBusName=bus, Ids=["queue"])
    events.delete_rule(Name="all", EventBusName=bus)
    events.delete_event_bus(Name=bus)


def test_the_record_of_a_failure_is_stored_in_s3(
    functions: Functions, aws: Aws, unique: Callable[[str], str]
) -> None:
    s3 = aws.client("s3")
    bucket = unique("failures")
    s3.create_bucket(Bucket=bucket)
    name = with_destinations(functions, FAILS, OnFailure=f"arn:aws:s3:::{bucket}")
    send(functions, name, {"a": 1})
    found = eventually(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"))
    key = found[0]["Key"]
    assert re.fullmatch(
        rf"aws/lambda/async/{name}/\d{{4}}/\d\d/\d\d/\d{{4}}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{{36}}", key
    )
    record = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    s3.delete_object(Bucket=bucket, Key=key)
    s3.delete_bucket(Bucket=bucket)


def test_s3_is_no_destination_for_successes(functions: Functions) -> None:
    client = functions.aws.client("lambda")
    name = functions.make(WORKS)
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.put_function_event_invoke_config(
            FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": "arn:aws:s3:::bucket"}}
        )


def check_dead_letter(attributes: dict[str, Any], request_id: str) -> None:
    assert attributes["RequestID"]["StringValue"] == request_id
    assert attributes["ErrorCode"] == {"DataType": "Number", "StringValue": "200"}
    assert attributes["ErrorMessage"]["StringValue"] == "'tail number'"


@pytest.mark.source(
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq"
)
def test_a_dead_letter_queue_receives_the_event_itself(functions: Functions, queue: Queue) -> None:
    name = functions.make(FAILS, DeadLetterConfig={"TargetArn": queue.arn})
    client = functions.aws.client("lambda")
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    request_id = send(functions, name, {"flight": 9})
    letter = queue.next()
    assert json.loads(letter["Body"]) == {"flight": 9}
    check_dead_letter(letter["MessageAttributes"], request_id)


@pytest.mark.source(
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq"
)
def test_a_dead_letter_topic_receives_the_event_itself(
    functions: Functions, queue: Queue, aws: Aws, unique: Callable[[str], str]
) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=unique("dead"))["TopicArn"]
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"}
    )
    name = functions.make(FAILS, DeadLetterConfig={"TargetArn": topic})
    functions.aws.client("lambda").put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    request_id = send(functions, name, {"flight": 9})
    letter = queue.next()
    assert json.loads(letter["Body"]) == {"flight": 9}
    check_dead_letter(letter["MessageAttributes"], request_id)
    sns.delete_topic(TopicArn=topic)


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html")
def test_the_settings_can_be_read_changed_listed_and_deleted(functions: Functions, queue: Queue) -> None:
    client = functions.aws.client("lambda")
    name = functions.make(WORKS)
    put = client.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60
    )
    assert (put["MaximumRetryAttempts"], put["MaximumEventAgeInSeconds"]) == (1, 60)
    assert put["FunctionArn"] == f"{functions.arn(name)}:$LATEST"
    client.update_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": queue.arn}}
    )
    found = client.get_function_event_invoke_config(FunctionName=name)
    assert found["MaximumRetryAttempts"] == 1
    assert found["DestinationConfig"]["OnFailure"]["Destination"] == queue.arn
    listed = client.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
    assert len(listed) == 1
    client.delete_function_event_invoke_config(FunctionName=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function_event_invoke_config(FunctionName=name)
