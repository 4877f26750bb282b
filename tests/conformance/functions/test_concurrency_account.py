"""The concurrency that all functions of an account share in a region."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from mdlc_emulator.launcher import start
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import zipped
from tests.waiting import eventually

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html")

LIMIT = 3
# Runs until the queue that it is given holds a message for it.
HELD = """
import boto3

def handler(event, context):
    if event != "probe":
        sqs = boto3.client("sqs")
        while not sqs.receive_message(QueueUrl=event, WaitTimeSeconds=1).get("Messages"):
            pass
    return "done"
"""


@pytest.fixture(scope="module")
def small(request: pytest.FixtureRequest) -> Iterator[Aws]:
    """An emulator whose accounts may run three invocations at once."""
    if request.config.getoption("--aws") == "real":
        pytest.skip("an account's limit cannot be lowered for a test")
    settings = {
        "LAMBDA_LIMITS_CONCURRENT_EXECUTIONS": str(LIMIT),
        "LAMBDA_LIMITS_MINIMUM_UNRESERVED_CONCURRENCY": "1",
    }
    instance = start(settings=settings)
    yield Aws(instance.endpoint_url)
    instance.stop()


@pytest.fixture(scope="module")
def roles(small: Aws) -> str:
    return str(small.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"])


def make(aws: Aws, name: str, role: str) -> str:
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Timeout=60,
        MemorySize=256,
        Code={"ZipFile": zipped({"index.py": HELD})},
    )
    return name


def lambda_client(aws: Aws) -> Any:
    return aws.client("lambda", config=Config(retries={"max_attempts": 0}))


def reason(client: Any, name: str) -> str | None:
    """Why an invocation is throttled; None if it is not."""
    try:
        client.invoke(FunctionName=name, Payload=b'"probe"')
    except client.exceptions.TooManyRequestsException as error:
        return str(error.response["Reason"])
    return None


def test_all_functions_share_the_accounts_concurrency(
    small: Aws, roles: str, unique: Callable[[str], str]
) -> None:
    client, sqs = lambda_client(small), small.client("sqs")
    queue = sqs.create_queue(QueueName=unique("gate"))["QueueUrl"]
    first, second, reserved = (make(small, unique(name), roles) for name in ("first", "second", "reserved"))
    client.put_function_concurrency(FunctionName=reserved, ReservedConcurrentExecutions=1)
    with ThreadPoolExecutor(2) as pool:

        def held(name: str) -> Any:
            """Run until the gate opens; tried again while a probe has the last share."""

            def accepted() -> Any:
                try:
                    return client.invoke(FunctionName=name, Payload=json.dumps(queue))["Payload"].read()
                except client.exceptions.TooManyRequestsException:
                    return None

            return eventually(accepted, within=60)

        running = [pool.submit(held, first), pool.submit(held, second)]
        # Two of three run, the third is reserved: nothing is left for anybody else.
        eventually(lambda: reason(client, first) == "ConcurrentInvocationLimitExceeded")
        assert reason(client, second) == "ConcurrentInvocationLimitExceeded"
        assert reason(client, reserved) is None
        for _ in running:
            sqs.send_message(QueueUrl=queue, MessageBody="go")
        assert [future.result(60) for future in running] == [b'"done"', b'"done"']
    assert reason(client, first) is None


def test_another_region_has_a_concurrency_of_its_own(
    small: Aws, roles: str, unique: Callable[[str], str]
) -> None:
    there = small.at(region="eu-west-1")
    client, other = lambda_client(small), lambda_client(there)
    name = unique("f")
    for place in (small, there):
        make(place, name, roles)
    left = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=left - 1)
    settings = other.get_account_settings()["AccountLimit"]
    assert settings["UnreservedConcurrentExecutions"] == settings["ConcurrentExecutions"] == LIMIT
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert reason(client, name) == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert reason(other, name) is None
