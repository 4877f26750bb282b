"""What cannot run here is refused when it is created (Lambda itself runs most of it)."""

from collections.abc import Callable
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions, zipped

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html")


@pytest.fixture
def settings(role: str, unique: Callable[[str], str], pytestconfig: pytest.Config) -> dict[str, Any]:
    if pytestconfig.getoption("--aws") == "real":
        pytest.skip("Lambda runs these")
    return {"FunctionName": unique("f"), "Role": role}


@pytest.mark.parametrize("runtime", ["nodejs22.x", "java21", "ruby3.4", "python3.8"])
def test_a_runtime_that_cannot_run_here_is_refused_with_a_way_out(
    aws: Aws, functions: Functions, settings: dict[str, Any], runtime: str
) -> None:
    client = aws.client("lambda")
    code = {"ZipFile": zipped({"index.py": "def handler(event, context): ...\n"})}
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.create_function(Runtime=runtime, Handler="index.handler", Code=code, **settings)
    assert runtime in caught.value.response["Error"]["Message"]
    assert "python3.13" in caught.value.response["Error"]["Message"]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName=settings["FunctionName"])
    name = functions.make("def handler(event, context):\n    return 1\n")
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.update_function_configuration(FunctionName=name, Runtime=runtime)
    assert functions.invoke(name).payload == 1


def test_a_container_image_is_refused_with_a_way_out(aws: Aws, settings: dict[str, Any]) -> None:
    client = aws.client("lambda")
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.create_function(
            PackageType="Image",
            Code={"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/image:latest"},
            **settings,
        )
    assert "zip" in caught.value.response["Error"]["Message"]


def test_a_function_without_runtime_is_refused(aws: Aws, settings: dict[str, Any]) -> None:
    client = aws.client("lambda")
    code = {"ZipFile": zipped({"index.py": "def handler(event, context): ...\n"})}
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.create_function(Handler="index.handler", Code=code, **settings)
