"""Provisioned concurrency: environments that are there before anyone calls."""

from collections.abc import Callable
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions
from tests.waiting import eventually

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html")

KIND = """
import os

def handler(event, context):
    return [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], context.function_version]
"""


def ready(client: Any, name: str, qualifier: str) -> dict[str, Any]:
    def status() -> Any:
        found = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
        assert found["Status"] != "FAILED", found
        return found if found["Status"] == "READY" else None

    return dict(eventually(status, within=30))


def test_provisioned_environments_become_ready_and_serve_their_version(
    functions: Functions, aws: Aws
) -> None:
    client = aws.client("lambda")
    name = functions.make(KIND)
    version = client.publish_version(FunctionName=name)["Version"]
    answer = client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=version, ProvisionedConcurrentExecutions=2
    )
    assert answer["Status"] == "IN_PROGRESS"
    assert answer["RequestedProvisionedConcurrentExecutions"] == 2
    found = ready(client, name, version)
    assert found["AllocatedProvisionedConcurrentExecutions"] == 2
    assert found["AvailableProvisionedConcurrentExecutions"] == 2
    assert functions.invoke(name, Qualifier=version).payload == ["provisioned-concurrency", version]
    assert functions.invoke(name).payload == ["on-demand", "$LATEST"]


def test_provisioned_concurrency_on_an_alias_follows_it(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make(KIND)
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=1
    )
    ready(client, name, "live")
    assert functions.invoke(name, Qualifier="live").payload == ["provisioned-concurrency", version]
    listed = client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    assert [config["FunctionArn"].rsplit(":", 1)[-1] for config in listed] == ["live"]
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    with pytest.raises(client.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    assert functions.invoke(name, Qualifier="live").payload == ["on-demand", version]


def test_environments_whose_init_fails_are_reported_as_failed(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make("raise RuntimeError('never ready')\n\ndef handler(event, context): ...\n")
    version = client.publish_version(FunctionName=name)["Version"]
    client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=version, ProvisionedConcurrentExecutions=1
    )

    def failed() -> Any:
        found = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=version)
        assert found["Status"] != "READY"
        return found if found["Status"] == "FAILED" else None

    found = eventually(failed, within=30)
    assert found["StatusReason"].startswith("FUNCTION_ERROR_INIT_FAILURE")
    assert found.get("AvailableProvisionedConcurrentExecutions", 0) == 0
    logs = aws.client("logs")

    def logged() -> bool:
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return False
        return any("never ready" in event["message"] for event in events)

    eventually(logged)


def test_latest_cannot_be_provisioned(functions: Functions, aws: Aws, unique: Callable[[str], str]) -> None:
    client = aws.client("lambda")
    name = functions.make(KIND)
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier="$LATEST", ProvisionedConcurrentExecutions=1
        )


def test_the_number_can_be_changed_while_the_first_are_still_coming(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make(KIND)
    version = client.publish_version(FunctionName=name)["Version"]
    for number in (3, 1):
        client.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier=version, ProvisionedConcurrentExecutions=number
        )

    def settled() -> bool:
        found = ready(client, name, version)
        return bool(
            found["RequestedProvisionedConcurrentExecutions"] == 1
            and found["AvailableProvisionedConcurrentExecutions"] == 1
        )

    eventually(settled)
    assert functions.invoke(name, Qualifier=version).payload == ["provisioned-concurrency", version]
