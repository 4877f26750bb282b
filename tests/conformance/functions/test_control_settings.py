"""Settings beside code and configuration: recursion, tags, permissions, function URLs of aliases."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html")

CODE = "def handler(event, context):\n    return 1\n"


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionRecursionConfig.html")
def test_recursive_loops_are_ended_unless_allowed(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make(CODE)
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html")
def test_tags_are_kept_with_the_function(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make(CODE, Tags={"team": "fares"})
    arn = functions.arn(name)
    client.tag_resource(Resource=arn, Tags={"stage": "test"})
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "fares", "stage": "test"}
    assert client.get_function(FunctionName=name)["Tags"] == {"team": "fares", "stage": "test"}
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert client.list_tags(Resource=arn)["Tags"] == {"stage": "test"}


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html")
def test_permissions_make_up_the_functions_policy(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make(CODE)
    permission = {
        "FunctionName": name,
        "StatementId": "rules",
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": "arn:aws:events:us-east-1:000000000000:rule/nightly",
    }
    client.add_permission(**permission)
    statement = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"][0]
    assert statement["Resource"] == functions.arn(name)
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.add_permission(**permission)
    client.remove_permission(FunctionName=name, StatementId="rules")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_policy(FunctionName=name)


def ask(aws: Aws, url: str) -> tuple[int, bytes]:
    """Status and body of a GET of a function's URL."""
    request = urllib.request.Request(url)
    if aws.endpoint_url is not None:
        # The host name of the URL does not resolve without a network: it goes into the Host header.
        request = urllib.request.Request(f"{aws.endpoint_url}/", headers={"Host": url.split("/")[2]})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html")
def test_an_alias_may_have_a_url_and_an_error_is_a_bad_gateway(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make("""
    def handler(event, context):
        if event["rawQueryString"] or context.function_version == "$LATEST":
            raise ValueError("only versions answer")
        return {"version": context.function_version}
    """)
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    urls: dict[str, str] = {}
    for qualifier in ({}, {"Qualifier": "live"}):
        options: dict[str, Any] = {"FunctionName": name, **qualifier}
        made = client.create_function_url_config(AuthType="NONE", **options)
        urls[qualifier.get("Qualifier", "$LATEST")] = made["FunctionUrl"]
        client.add_permission(
            StatementId="public",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
            **options,
        )
    assert ask(aws, urls["live"]) == (200, json.dumps({"version": version}, separators=(",", ":")).encode())
    status, body = ask(aws, urls["$LATEST"])
    assert (status, body) == (502, b"Internal Server Error")
    client.delete_function_url_config(FunctionName=name, Qualifier="live")
    assert ask(aws, urls["live"])[0] in (403, 404)
