"""Events are tried again: how often, when, and for how long.

On AWS the retries come after one and two minutes. The emulator here is started with
LAMBDA_RETRY_BASE_DELAY, which shortens the first of them; the second stays twice as long."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from mdlc_emulator.launcher import start
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import zipped
from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"
)

BASE = 1
FAILS = "def handler(event, context):\n    raise ValueError('always')\n"


@contextmanager
def emulator(request: pytest.FixtureRequest, base_delay: int) -> Iterator[Aws]:
    if request.config.getoption("--aws") == "real":
        yield Aws(None)
        return
    instance = start(settings={"LAMBDA_RETRY_BASE_DELAY": str(base_delay)})
    try:
        yield Aws(instance.endpoint_url)
    finally:
        instance.stop()


@pytest.fixture(scope="module")
def hasty(request: pytest.FixtureRequest) -> Iterator[Aws]:
    with emulator(request, BASE) as made:
        yield made


def failing(aws: Aws, name: str, queue: str, **settings: Any) -> tuple[str, str]:
    """A function that always fails and whose failures go to `queue`; the queue's URL and the role's name."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    rights = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["sqs:*", "logs:*"], "Resource": "*"}],
    }
    iam, sqs, client = aws.client("iam"), aws.client("sqs"), aws.client("lambda")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(rights))
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": zipped({"index.py": FAILS})},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": arn}}, **settings
    )
    return url, name


def record_of(aws: Aws, url: str) -> dict[str, Any]:
    sqs = aws.client("sqs")
    messages = eventually(
        lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), within=300
    )
    return dict(json.loads(messages[0]["Body"]))


def remove(aws: Aws, url: str, name: str) -> None:
    aws.client("sqs").delete_queue(QueueUrl=url)
    aws.client("lambda").delete_function(FunctionName=name)
    iam = aws.client("iam")
    iam.delete_role_policy(RoleName=name, PolicyName="all")
    iam.delete_role(RoleName=name)


@pytest.mark.parametrize(("settings", "attempts"), [({}, 3), ({"MaximumRetryAttempts": 1}, 2)])
def test_an_event_that_fails_is_tried_again_under_the_same_id(
    hasty: Aws, unique: Callable[[str], str], settings: dict[str, Any], attempts: int
) -> None:
    name = unique("retried")
    url, _ = failing(hasty, name, unique("failed"), **settings)
    sent = hasty.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    record = record_of(hasty, url)
    assert record["requestContext"]["approximateInvokeCount"] == attempts
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    request_id = sent["ResponseMetadata"]["RequestId"]
    assert record["requestContext"]["requestId"] == request_id
    logs = hasty.client("logs")

    def starts() -> list[int]:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        return [e["timestamp"] for e in found if e["message"].startswith(f"START RequestId: {request_id}")]

    times = eventually(lambda: starts() if len(starts()) == attempts else None)
    for number, (before, after) in enumerate(itertools.pairwise(times), start=1):
        assert after - before >= number * BASE * 1000 * 0.9
    remove(hasty, url, name)


def test_an_event_is_given_up_when_it_would_be_too_old_for_the_next_try(
    request: pytest.FixtureRequest, unique: Callable[[str], str]
) -> None:
    with emulator(request, 61) as slow:
        name = unique("aged")
        url, _ = failing(slow, name, unique("failed"), MaximumEventAgeInSeconds=60)
        slow.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
        record = record_of(slow, url)
        assert record["requestContext"]["condition"] == "EventAgeExceeded"
        assert record["requestContext"]["approximateInvokeCount"] < 3
        remove(slow, url, name)


def test_a_throttled_event_waits_until_there_is_room(hasty: Aws, unique: Callable[[str], str]) -> None:
    """With a reserved concurrency of one, events run one after another; none is lost."""
    name = unique("queued")
    url, _ = failing(hasty, name, unique("done"), MaximumRetryAttempts=0)
    client, sqs = hasty.client("lambda"), hasty.client("sqs")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    for number in range(4):
        client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(number))
    seen: set[int] = set()

    def all_seen() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages", []
        ):
            record = json.loads(message["Body"])
            assert record["requestContext"]["condition"] == "RetriesExhausted"
            seen.add(record["requestPayload"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return seen == {0, 1, 2, 3}

    eventually(all_seen, within=60)
    remove(hasty, url, name)
