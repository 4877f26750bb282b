"""Lambda's control plane where it is the emulator's own: what cannot be prepared, what does not exist."""

import uuid
from collections.abc import Iterator

import pytest
from mdlc_emulator.launcher import Instance
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import zipped


@pytest.fixture
def settings(emulator: Instance) -> Iterator[dict[str, str]]:
    aws, name = Aws(emulator.endpoint_url), f"control-{uuid.uuid4().hex[:8]}"
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    yield {"FunctionName": name, "Runtime": "python3.13", "Handler": "index.handler", "Role": role}
    aws.client("iam").delete_role(RoleName=name)


def test_a_function_that_cannot_be_prepared_says_why_and_can_be_deleted(
    emulator: Instance, settings: dict[str, str]
) -> None:
    client = Aws(emulator.endpoint_url).client("lambda")
    code = {"S3Bucket": "hot-reload", "S3Key": "/nowhere/at/all"}
    client.create_function(Code=code, **settings)
    name = settings["FunctionName"]
    found = client.get_function_configuration(FunctionName=name)
    assert (found["State"], found["LastUpdateStatus"]) == ("Failed", "Failed")
    assert "/nowhere/at/all" in found["StateReason"]
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.invoke(FunctionName=name)
    client.delete_function(FunctionName=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName=name)


def test_an_update_that_cannot_be_prepared_leaves_the_old_code_running(
    emulator: Instance, settings: dict[str, str]
) -> None:
    client = Aws(emulator.endpoint_url).client("lambda")
    source = {"index.py": "def handler(event, context):\n    return 'old'\n"}
    client.create_function(Code={"ZipFile": zipped(source)}, **settings)
    name = settings["FunctionName"]
    before = client.get_function_configuration(FunctionName=name)
    client.update_function_code(FunctionName=name, S3Bucket="hot-reload", S3Key="/nowhere/at/all")
    found = client.get_function_configuration(FunctionName=name)
    assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Failed")
    assert "/nowhere/at/all" in found["LastUpdateStatusReason"]
    assert found["CodeSha256"] == before["CodeSha256"]
    assert client.invoke(FunctionName=name)["Payload"].read() == b'"old"'
    source = {"index.py": "def handler(event, context):\n    return 'new'\n"}
    client.update_function_code(FunctionName=name, ZipFile=zipped(source))
    assert client.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "Successful"
    assert client.invoke(FunctionName=name)["Payload"].read() == b'"new"'
    client.delete_function(FunctionName=name)


def test_managed_instances_are_refused_with_a_way_out(emulator: Instance, settings: dict[str, str]) -> None:
    client = Aws(emulator.endpoint_url).client("lambda")
    provider = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:p"
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.create_function(
            Code={"ZipFile": zipped({"index.py": "def handler(event, context): ...\n"})},
            CapacityProviderConfig={
                "LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": provider}
            },
            **settings,
        )
    assert "Leave CapacityProviderConfig out" in caught.value.response["Error"]["Message"]
