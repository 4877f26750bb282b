"""APIs imported from OpenAPI 2 as Chalice writes it: routes, CORS by a MOCK preflight, binary types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.apigateway.conftest import RestApi
from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api.html"
)

ALLOWED = "Authorization,Content-Type,X-Amz-Date,X-Amz-Security-Token,X-Api-Key"


def integration(region: str, function: str) -> dict[str, Any]:
    return {
        "responses": {"default": {"statusCode": "200"}},
        "uri": f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations",
        "passthroughBehavior": "when_no_match",
        "httpMethod": "POST",
        "contentHandling": "CONVERT_TO_TEXT",
        "type": "aws_proxy",
    }


def preflight() -> dict[str, Any]:
    headers = {"Methods": "GET,POST,OPTIONS", "Origin": "*", "Headers": ALLOWED}
    names = {f"Access-Control-Allow-{name}": f"'{value}'" for name, value in headers.items()}
    return {
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "responses": {
            "200": {
                "description": "200 response",
                "schema": {"$ref": "#/definitions/Empty"},
                "headers": {name: {"type": "string"} for name in names},
            }
        },
        "x-amazon-apigateway-integration": {
            "responses": {
                "default": {
                    "statusCode": "200",
                    "responseParameters": {f"method.response.header.{n}": v for n, v in names.items()},
                }
            },
            "requestTemplates": {"application/json": '{"statusCode": 200}'},
            "passthroughBehavior": "when_no_match",
            "type": "mock",
            "contentHandling": "CONVERT_TO_TEXT",
        },
    }


def document(region: str, function: str, *paths: str) -> bytes:
    """What Chalice sends for routes with CORS at `paths`."""
    operation = {
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "responses": {"200": {"description": "200 response", "schema": {"$ref": "#/definitions/Empty"}}},
        "x-amazon-apigateway-integration": integration(region, function),
    }
    content = {
        "swagger": "2.0",
        "info": {"version": "1.0", "title": "imported"},
        "schemes": ["https"],
        "paths": {path: {"get": operation, "post": operation, "options": preflight()} for path in paths},
        "definitions": {"Empty": {"type": "object", "title": "Empty Schema"}},
        "x-amazon-apigateway-binary-media-types": ["application/octet-stream"],
    }
    return json.dumps(content).encode()


@pytest.fixture(scope="module")
def imported(aws: Aws, echo: str) -> Iterator[RestApi]:
    client = aws.client("apigateway")
    region = client.meta.region_name
    made = client.import_rest_api(
        body=document(region, echo, "/health", "/items/{name}"),
        parameters={"endpointConfigurationTypes": "EDGE"},
    )["id"]
    api = RestApi(aws, made, region, client)
    api.deploy("api")
    yield api
    client.delete_rest_api(restApiId=made)


def test_imported_routes_reach_the_function(imported: RestApi):
    event = imported.request("/items/a?x=1", stage="api").json
    assert event["pathParameters"] == {"name": "a"}
    assert event["resource"] == "/items/{name}"


@pytest.mark.source("https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html")
def test_the_preflight_is_answered_by_the_api_itself_for_any_origin(imported: RestApi):
    reply = imported.request(
        "/health",
        "OPTIONS",
        stage="api",
        headers={"Origin": "https://pages.example", "Access-Control-Request-Method": "POST"},
    )
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Access-Control-Allow-Methods"] == "GET,POST,OPTIONS"
    assert reply.headers["Access-Control-Allow-Headers"] == ALLOWED


@pytest.mark.source("https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html")
def test_only_the_function_sets_cors_headers_on_its_answers(imported: RestApi):
    asked = {"Origin": "https://pages.example", "Referer": "https://pages.example/x"}
    plain = imported.answering("/health", {"statusCode": 200}, stage="api", headers=asked)
    assert plain.status == 200
    assert not [name for name in plain.headers if name.lower().startswith("access-control-")]
    own = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "https://pages.example"}}
    reply = imported.answering("/health", own, stage="api", headers=asked)
    assert reply.headers["Access-Control-Allow-Origin"] == "https://pages.example"


def test_imported_binary_types_apply(imported: RestApi):
    sent = {"Content-Type": "application/octet-stream"}
    event = imported.request("/health", "POST", stage="api", body=b"\xff\x00", headers=sent).json
    assert (event["isBase64Encoded"], event["body"]) == (True, "/wA=")


@pytest.mark.source("https://docs.aws.amazon.com/apigateway/latest/api/API_PutRestApi.html")
def test_overwriting_replaces_routes_at_the_next_deployment(aws: Aws, echo: str):
    client = aws.client("apigateway")
    region = client.meta.region_name
    made = client.import_rest_api(body=document(region, echo, "/old"))["id"]
    api = RestApi(aws, made, region, client)
    try:
        api.deploy("api")
        client.put_rest_api(restApiId=made, mode="overwrite", body=document(region, echo, "/new"))
        assert api.request("/old", stage="api").status == 200
        assert api.request("/new", stage="api").status == 403
        api.deploy("api")
        assert eventually(lambda: api.request("/new", stage="api").status == 200)
        assert api.request("/old", stage="api").status == 403
    finally:
        client.delete_rest_api(restApiId=made)
