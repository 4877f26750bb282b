"""Integrations with mapping templates: MOCK and Lambda without proxy."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.apigateway.conftest import RestApi, rest_api

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html"
)

REQUEST = """{
    "queryStringParameters": {"answer": $input.json('$.answer')},
    "name": "$input.params('name')",
    "agent": "$util.escapeJavaScript($input.params().header.get('X-Agent'))",
    "stage": "$context.stage"
}"""


@pytest.fixture(scope="module")
def mapped(aws: Aws, echo: str) -> Iterator[RestApi]:
    """`POST /function/{name}` through templates to the echo function; `GET /mock` answered by the API."""
    for api in rest_api(aws):
        client = api.client
        named = api.method("/function/{name}", "POST", requestParameters={"method.request.path.name": True})
        client.put_integration(
            **named,
            type="AWS",
            integrationHttpMethod="POST",
            uri=api.uri(echo),
            requestTemplates={"application/json": REQUEST},
            passthroughBehavior="NEVER",
        )
        for status, pattern in (("200", None), ("422", ".*refused.*")):
            client.put_method_response(
                **named, statusCode=status, responseParameters={"method.response.header.X-Kind": False}
            )
            client.put_integration_response(
                **named,
                statusCode=status,
                responseParameters={"method.response.header.X-Kind": f"'{status}'"},
                responseTemplates={
                    "application/json": "$input.json('$')" if status == "200" else '{"no":true}'
                },
                **({"selectionPattern": pattern} if pattern else {}),
            )
        named = api.method("/mock")
        client.put_integration(
            **named, type="MOCK", requestTemplates={"application/json": '{"statusCode": 202}'}
        )
        client.put_method_response(**named, statusCode="202")
        client.put_integration_response(
            **named,
            statusCode="202",
            responseTemplates={"application/json": '{"stage":"$context.stage","a":"$input.params(\'a\')"}'},
        )
        api.deploy()
        yield api


def send(api: RestApi, body: object, **headers: str):
    headers = {"Content-Type": "application/json", "X-Agent": "it's"} | headers
    return api.request("/function/some", "POST", body=json.dumps(body).encode(), headers=headers)


def test_the_function_gets_what_the_template_makes_and_its_output_is_the_body(mapped: RestApi):
    reply = send(mapped, {"answer": None})
    assert reply.status == 200
    event = json.loads(reply.json["body"])
    assert event["name"] == "some"
    assert event["agent"] == "it's"
    assert event["stage"] == "test"
    assert reply.headers["X-Kind"] == "200"


@pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html"
)
def test_an_error_is_matched_by_the_selection_pattern(mapped: RestApi):
    reply = send(mapped, {"answer": json.dumps({"errorMessage": "refused by rule"})})
    assert (reply.status, reply.json) == (422, {"no": True})
    assert reply.headers["X-Kind"] == "422"


@pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html"
)
def test_a_media_type_without_template_is_unsupported_when_nothing_passes_through(mapped: RestApi):
    reply = send(mapped, {}, **{"Content-Type": "text/plain"})
    assert reply.status == 415
    assert reply.json == {"message": "Unsupported Media Type"}


def test_a_mock_answers_by_its_templates(mapped: RestApi):
    reply = mapped.request("/mock?a=b")
    assert (reply.status, reply.json) == (202, {"stage": "test", "a": "b"})
