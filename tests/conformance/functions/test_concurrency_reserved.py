"""Reserved concurrency: a function's own share, and what happens beyond it."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions
from tests.waiting import eventually

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html")

# Waits for a message in the queue: the test says when an invocation ends.
HELD = """
import boto3, os

def handler(event, context):
    print("running", event["id"])
    sqs = boto3.client("sqs")
    while not sqs.receive_message(QueueUrl=event["queue"], WaitTimeSeconds=1).get("Messages"):
        pass
    return event["id"]
"""


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as made:
        yield made


def impatient(aws: Aws) -> Any:
    """A Lambda client that does not retry throttles."""
    return aws.client("lambda", config=Config(retries={"max_attempts": 0}, read_timeout=60))


def throttled(call: Callable[..., object], **options: object) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**options)
    response = dict(caught.value.response)
    assert response["Error"]["Code"] == "TooManyRequestsException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    return response


def test_a_function_with_reserved_concurrency_zero_does_not_run(functions: Functions, aws: Aws) -> None:
    name = functions.make("def handler(event, context):\n    return 1\n")
    client = impatient(aws)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    response = throttled(client.invoke, FunctionName=name)
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert response["Error"]["Message"] == "Rate Exceeded."
    client.delete_function_concurrency(FunctionName=name)
    assert client.invoke(FunctionName=name)["Payload"].read() == b"1"


def test_invocations_beyond_the_reserved_concurrency_are_throttled(
    functions: Functions, aws: Aws, pool: ThreadPoolExecutor, unique: Callable[[str], str]
) -> None:
    sqs, client = aws.client("sqs"), impatient(aws)
    queue = sqs.create_queue(QueueName=unique("gate"))["QueueUrl"]
    name = functions.make(HELD, Timeout=60, MemorySize=256)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 2
    logs = aws.client("logs")

    def held(number: int) -> Any:
        """Run until the gate opens; tried again while there is no share of concurrency."""
        payload = json.dumps({"id": number, "queue": queue})

        def accepted() -> list[Any] | None:
            try:
                return [json.loads(client.invoke(FunctionName=name, Payload=payload)["Payload"].read())]
            except client.exceptions.TooManyRequestsException:
                return None

        return eventually(accepted, within=60)[0]

    running = [pool.submit(held, number) for number in range(2)]

    def full() -> bool:
        try:
            client.invoke(
                FunctionName=name, InvocationType="RequestResponse", Payload=b'{"id": 9, "queue": "-"}'
            )
        except client.exceptions.TooManyRequestsException as error:
            return bool(error.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded")
        return False

    eventually(full)
    for _ in range(2):
        sqs.send_message(QueueUrl=queue, MessageBody="go")
    assert sorted(future.result(60) for future in running) == [0, 1]
    sqs.send_message(QueueUrl=queue, MessageBody="go")
    assert held(3) == 3
    # What it logged arrives a moment after the answers.
    eventually(lambda: logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"])
    sqs.delete_queue(QueueUrl=queue)


def test_reserved_concurrency_leaves_a_hundred_for_all_others(functions: Functions, aws: Aws) -> None:
    name = functions.make("def handler(event, context):\n    return 1\n")
    client = aws.client("lambda")
    limit = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=limit - 99)
    assert "below its minimum value of [" in caught.value.response["Error"]["Message"]


def test_an_event_for_a_function_switched_off_goes_to_its_destination_at_once(
    functions: Functions, aws: Aws, unique: Callable[[str], str]
) -> None:
    sqs, client = aws.client("sqs"), impatient(aws)
    queue = sqs.create_queue(QueueName=unique("failed"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = functions.make("def handler(event, context):\n    return 1\n")
    client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"a": 1}')["StatusCode"] == 202
    messages = eventually(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
    record = json.loads(messages[0]["Body"])
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert record["requestPayload"] == {"a": 1}
    assert "responsePayload" not in record
    sqs.delete_queue(QueueUrl=queue)


def test_invocations_at_once_run_in_environments_of_their_own(functions: Functions, aws: Aws) -> None:
    """Each invocation waits until all are there: none can end before every one runs."""
    name = functions.make(
        """
        import os, time, uuid
        HERE = uuid.uuid4().hex

        def handler(event, context):
            time.sleep(1)
            return HERE
        """,
        MemorySize=128,
    )
    client = aws.client("lambda", config=Config(max_pool_connections=20, retries={"max_attempts": 0}))
    barrier = threading.Barrier(20)

    def one(_: int) -> str:
        barrier.wait()
        return str(json.loads(client.invoke(FunctionName=name)["Payload"].read()))

    with ThreadPoolExecutor(20) as many:
        assert len(set(many.map(one, range(20)))) == 20
