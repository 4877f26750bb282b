"""What a client is told when a request reaches no function, or its function does not answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.apigateway.conftest import RestApi, rest_api
from tests.conformance.conftest import Functions

RESPONSES = (
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html"
)
pytestmark = pytest.mark.source(RESPONSES)


@pytest.fixture(scope="module")
def own_responses(aws: Aws, echo: str) -> Iterator[RestApi]:
    """An API with gateway responses of its own."""
    for made in rest_api(aws):
        made.proxy("/echo", echo, "GET")
        made.client.put_gateway_response(
            restApiId=made.id,
            responseType="MISSING_AUTHENTICATION_TOKEN",
            statusCode="404",
            responseParameters={
                "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
                "gatewayresponse.header.X-Asked": "method.request.header.X-Ask",
                "gatewayresponse.header.X-Stage": "context.stage",
            },
            responseTemplates={
                "application/json": '{"error":$context.error.messageString,"path":"$context.path"}'
            },
        )
        made.client.put_gateway_response(
            restApiId=made.id,
            responseType="DEFAULT_5XX",
            responseParameters={"gatewayresponse.header.X-Failed": "'yes'"},
        )
        made.deploy()
        yield made


@pytest.mark.parametrize(("path", "method"), [("/nowhere", "GET"), ("/items", "GET"), ("/items/a/", "TRACE")])
def test_an_unknown_resource_or_method_misses_its_authentication_token(api: RestApi, path: str, method: str):
    reply = api.request(path, method)
    assert reply.status == 403
    assert reply.json == {"message": "Missing Authentication Token"}
    assert reply.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    assert reply.headers["x-amzn-RequestId"]


def test_an_unknown_stage_is_forbidden(api: RestApi):
    reply = api.request("/echo", stage="nowhere")
    assert reply.status == 403
    assert reply.json == {"message": "Forbidden"}
    assert reply.headers["x-amzn-ErrorType"] == "ForbiddenException"


def test_a_trailing_slash_does_not_matter(api: RestApi):
    assert api.request("/echo/").status == 200


@pytest.mark.source("https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html")
def test_a_body_of_more_than_ten_megabytes_is_too_large(api: RestApi):
    reply = api.request("/echo", "POST", body=b"x" * (10 * 1024 * 1024 + 1))
    assert reply.status == 413
    assert reply.json == {"message": "HTTP content length exceeded 10485760 bytes."}


@pytest.mark.source("https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html")
def test_an_integration_that_takes_longer_than_it_may_times_out(aws: Aws, functions: Functions):
    slow = functions.make("import time\ndef handler(event, context): time.sleep(3)")
    for api in rest_api(aws):
        api.proxy("/slow", functions.arn(slow), "GET", timeoutInMillis=500)
        api.deploy()
        reply = api.request("/slow")
        assert reply.status == 504
        assert reply.json == {"message": "Endpoint request timed out"}


@pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html"
)
def test_a_function_that_is_not_there_is_an_internal_error(aws: Aws, echo: str):
    for api in rest_api(aws):
        api.proxy("/gone", f"{echo}-gone", "GET")
        api.deploy()
        reply = api.request("/gone")
        assert reply.status in (500, 502)
        assert reply.json == {"message": "Internal server error"}


def test_a_gateway_response_sets_status_headers_and_body(own_responses: RestApi):
    reply = own_responses.request("/nowhere", headers={"X-Ask": "me"})
    assert reply.status == 404
    assert reply.json == {"error": "Missing Authentication Token", "path": "/test/nowhere"}
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["X-Asked"] == "me"
    assert reply.headers["X-Stage"] == "test"


def test_the_default_gateway_response_applies_to_all_errors_of_its_kind_and_keeps_their_status(
    own_responses: RestApi,
):
    reply = own_responses.answering("/echo", "malformed")
    assert reply.status == 502
    assert reply.headers["X-Failed"] == "yes"
