"""Lambda proxy integration: the event that a function gets, and the response made of what it returns."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest

from tests.conformance.apigateway.conftest import RestApi

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html"
)


def test_the_event_has_exactly_the_members_of_the_input_format(api: RestApi):
    event = api.request("/echo").json
    assert set(event) == {
        "resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters",
        "multiValueQueryStringParameters", "pathParameters", "stageVariables", "requestContext", "body",
        "isBase64Encoded",
    }  # fmt: skip


def test_method_path_and_resource(api: RestApi):
    event = api.request("/items/a", "DELETE").json
    assert (event["httpMethod"], event["path"], event["resource"]) == ("DELETE", "/items/a", "/items/{name}")


def test_path_parameters_and_greedy_ones(api: RestApi):
    event = api.request("/items/a/b/c").json
    assert event["pathParameters"] == {"name": "a", "rest": "b/c"}


def test_what_is_absent_is_null(api: RestApi):
    event = api.request("/echo").json
    assert event["pathParameters"] is None
    assert event["queryStringParameters"] is None
    assert event["multiValueQueryStringParameters"] is None
    assert event["body"] is None


def test_of_a_repeated_query_parameter_the_last_counts_and_all_are_listed(api: RestApi):
    event = api.request("/echo?a=1&a=2&b=x%20y&empty=").json
    assert event["queryStringParameters"] == {"a": "2", "b": "x y", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["x y"], "empty": [""]}


def test_headers_come_in_their_case_and_with_all_values(api: RestApi):
    event = api.request("/echo", headers={"X-Some-Thing": "1", "Content-Type": "text/plain"}).json
    assert event["headers"]["X-Some-Thing"] == "1"
    assert event["multiValueHeaders"]["X-Some-Thing"] == ["1"]


def test_the_request_was_forwarded_by_https_or_http(api: RestApi):
    event = api.request("/echo", headers={"X-Forwarded-For": "203.0.113.9"}).json
    assert event["headers"]["X-Forwarded-Proto"] in ("http", "https")
    assert event["headers"]["X-Forwarded-Port"].isdigit()
    first, *others = event["headers"]["X-Forwarded-For"].split(", ")
    assert first == "203.0.113.9"
    assert others


def test_a_text_body_arrives_as_it_was_sent(api: RestApi):
    sent = "a=1+2&b=%20ä"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    event = api.request("/echo", "POST", body=sent.encode(), headers=headers).json
    assert event["body"] == sent
    assert event["isBase64Encoded"] is False


def test_a_multipart_body_arrives_as_it_was_sent(api: RestApi):
    sent = '--b\r\nContent-Disposition: form-data; name="x"; filename="f"\r\n\r\nhello\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert api.request("/echo", "POST", body=sent.encode(), headers=headers).json["body"] == sent


def test_stage_variables(api: RestApi):
    assert api.request("/echo").json["stageVariables"] == {"colour": "blue"}


@pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html"
)
def test_the_request_context_is_complete(api: RestApi):
    context = api.request("/items/a", headers={"User-Agent": "tests/1"}).json["requestContext"]
    expected: dict[str, Any] = {
        "apiId": api.id,
        "httpMethod": "GET",
        "path": "/test/items/a",
        "protocol": "HTTP/1.1",
        "resourcePath": "/items/{name}",
        "stage": "test",
    }
    assert {name: context[name] for name in expected} == expected
    assert context["resourceId"] == api.resource("/items/{name}")
    assert re.fullmatch(r"\d{12}", context["accountId"])
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", context["requestId"])
    assert re.fullmatch(r"[A-Za-z0-9+/_-]{15}=", context["extendedRequestId"])
    time = datetime.datetime.strptime(context["requestTime"], "%d/%b/%Y:%H:%M:%S %z")
    assert abs(time.timestamp() - context["requestTimeEpoch"] / 1000) < 1.001
    assert context["domainName"]
    assert context["identity"]["userAgent"] == "tests/1"
    assert context["identity"]["sourceIp"]
    assert {"accessKey", "accountId", "caller", "cognitoIdentityId", "user", "userArn"} <= set(
        context["identity"]
    )


@pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html"
)
def test_the_response_names_the_request(api: RestApi):
    reply = api.request("/echo")
    context = reply.json["requestContext"]
    assert reply.headers["x-amzn-RequestId"] == context["requestId"]
    assert reply.headers["x-amz-apigw-id"] == context["extendedRequestId"]


@pytest.mark.source(
    "https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader"
)
def test_the_trace_id_of_the_function_is_that_of_the_response(api: RestApi):
    reply = api.request("/echo")
    root = reply.json["headers"]["X-Amzn-Trace-Id"].partition(";")[0]
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", root)
    assert reply.headers["X-Amzn-Trace-Id"].startswith(root)


def test_status_headers_and_body_are_those_that_the_function_returns(api: RestApi):
    output = {"statusCode": 201, "headers": {"X-One": "1", "Content-Type": "text/plain"}, "body": "made"}
    reply = api.answering("/echo", output)
    assert (reply.status, reply.body) == (201, b"made")
    assert reply.headers["X-One"] == "1"
    assert reply.headers["Content-Type"] == "text/plain"


def test_without_a_content_type_the_response_is_json(api: RestApi):
    assert (
        api.answering("/echo", {"statusCode": 200, "body": "{}"}).headers["Content-Type"]
        == "application/json"
    )


def test_the_status_may_be_left_out_or_be_a_string(api: RestApi):
    assert api.answering("/echo", {"body": "x"}).status == 200
    assert api.answering("/echo", {"statusCode": "404", "body": "x"}).status == 404


def test_multi_value_headers_are_sent_one_by_one(api: RestApi):
    reply = api.answering("/echo", {"statusCode": 200, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}})
    assert reply.headers.getlist("Set-Cookie") == ["a=1", "b=2"]


def test_headers_and_multi_value_headers_are_merged_and_no_pair_comes_twice(api: RestApi):
    output = {
        "statusCode": 200,
        "headers": {"X-A": "1", "X-B": "b"},
        "multiValueHeaders": {"X-A": ["1", "2"]},
    }
    reply = api.answering("/echo", output)
    assert reply.headers.getlist("X-A") == ["1", "2"]
    assert reply.headers.getlist("X-B") == ["b"]


@pytest.mark.parametrize(
    "output",
    [
        "text",
        ["a", "list"],
        5,
        None,
        {"statusCode": "many"},
        {"statusCode": 200, "unknown": 1},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "headers": ["x"]},
        {"errorMessage": "failed", "errorType": "ValueError"},
    ],
    ids=str,
)
@pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html"
    "#api-gateway-simple-proxy-for-lambda-output-format"
)
def test_malformed_output_is_a_bad_gateway(api: RestApi, output: Any):
    reply = api.answering("/echo", output)
    assert reply.status == 502
    assert reply.json == {"message": "Internal server error"}
    assert reply.headers["x-amzn-ErrorType"] == "InternalServerErrorException"
