"""Versions, aliases with weights, and function URLs."""

import json
import urllib.request
from collections import Counter
from collections.abc import Callable

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions, zipped

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html")


def source(number: int) -> bytes:
    return zipped(
        {"index.py": f"def handler(event, context):\n    return [{number}, context.function_version]\n"}
    )


def release(functions: Functions, name: str, number: int) -> str:
    """Deploy code `number` and publish it; the version."""
    client = functions.aws.client("lambda")
    client.update_function_code(FunctionName=name, ZipFile=source(number))
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    return str(client.publish_version(FunctionName=name)["Version"])


def test_a_version_keeps_code_and_settings(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context): ...\n"}, Timeout=7)
    assert release(functions, name, 1) == "1"
    client.update_function_configuration(FunctionName=name, Timeout=9)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert release(functions, name, 2) == "2"
    assert functions.invoke(name, Qualifier="1").payload == [1, "1"]
    assert functions.invoke(name, Qualifier="1").version == "1"
    assert functions.invoke(name, Qualifier="2").payload == [2, "2"]
    assert functions.invoke(name).payload == [2, "$LATEST"]
    assert client.get_function_configuration(FunctionName=name, Qualifier="1")["Timeout"] == 7
    listed = client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in listed] == ["$LATEST", "1", "2"]


def test_publishing_what_has_not_changed_returns_the_last_version(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context): ...\n"})
    first = client.publish_version(FunctionName=name)
    again = client.publish_version(FunctionName=name)
    assert first["Version"] == again["Version"] == "1"
    assert first["FunctionArn"] == f"{functions.arn(name)}:1"


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html")
def test_an_alias_reaches_its_version_and_can_be_moved(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context): ...\n"})
    first, second = release(functions, name, 1), release(functions, name, 2)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=first)
    assert functions.invoke(name, Qualifier="live").payload == [1, "1"]
    assert functions.invoke(f"{name}:live").version == "1"
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=second)
    assert functions.invoke(name, Qualifier="live").payload == [2, "2"]
    client.delete_alias(FunctionName=name, Name="live")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName=name, Qualifier="live")


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html")
def test_an_alias_divides_its_traffic_by_weight(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context): ...\n"})
    first, second = release(functions, name, 1), release(functions, name, 2)
    client.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion=first,
        RoutingConfig={"AdditionalVersionWeights": {second: 0.3}},
    )
    seen = Counter(client.invoke(FunctionName=name, Qualifier="live")["ExecutedVersion"] for _ in range(200))
    assert set(seen) == {first, second}
    # 60 expected, standard deviation 6.5: five of them either way.
    assert 27 <= seen[second] <= 93


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html")
def test_a_function_url_passes_the_request_and_returns_the_response(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make("""
    import json

    def handler(event, context):
        seen = {
            "method": event["requestContext"]["http"]["method"],
            "path": event["rawPath"],
            "query": event["rawQueryString"],
            "body": event.get("body"),
        }
        return {"statusCode": 201, "headers": {"x-from": "function"}, "body": json.dumps(seen)}
    """)
    url = client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    client.add_permission(
        FunctionName=name,
        StatementId="public",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    if aws.endpoint_url is None:
        request = urllib.request.Request(f"{url}a/b?c=d", data=b"text", method="POST")
    else:
        # The host name of the URL does not resolve without a network: it goes into the Host header.
        host = url.split("/")[2]
        request = urllib.request.Request(f"{aws.endpoint_url}/a/b?c=d", data=b"text", method="POST")
        request.add_header("Host", host)
    request.add_header("Content-Type", "text/plain")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201
        assert answer.headers["x-from"] == "function"
        assert json.loads(answer.read()) == {"method": "POST", "path": "/a/b", "query": "c=d", "body": "text"}


def test_a_deleted_function_is_gone_and_its_name_free(
    functions: Functions, aws: Aws, unique: Callable[[str], str]
) -> None:
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context):\n    return 1\n"}, name=unique("f"))
    assert functions.invoke(name).payload == 1
    client.delete_function(FunctionName=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName=name)
    functions.make({"index.py": "def handler(event, context):\n    return 2\n"}, name=name)
    assert functions.invoke(name).payload == 2


def test_a_version_can_be_published_with_the_function_and_with_its_code(
    functions: Functions, aws: Aws
) -> None:
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context):\n    return 0\n"}, Publish=True)
    assert functions.invoke(name, Qualifier="1").payload == 0
    published = client.update_function_code(FunctionName=name, ZipFile=source(2), Publish=True)
    assert published["Version"] == "2"
    assert published["FunctionArn"] == f"{functions.arn(name)}:2"
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="2")
    assert functions.invoke(name, Qualifier="2").payload == [2, "2"]


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html")
def test_a_dry_run_of_new_code_checks_it_and_changes_nothing(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context):\n    return 0\n"})
    before = client.get_function_configuration(FunctionName=name)
    tried = client.update_function_code(FunctionName=name, ZipFile=source(2), DryRun=True)
    assert tried["CodeSha256"] != before["CodeSha256"]
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.update_function_code(FunctionName=name, ZipFile=b"no zip", DryRun=True)
    after = client.get_function_configuration(FunctionName=name)
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])
    assert functions.invoke(name).payload == 0
