"""The addresses of a deployed API."""

from __future__ import annotations

import json

import pytest
import urllib3
from mdlc_emulator.launcher import Instance
from mdlc_emulator.pytest_plugin import Aws

TEMPLATE = json.dumps({"statusCode": 200})


@pytest.fixture(scope="module")
def mock_api(aws: Aws) -> str:
    """The id of an API whose root answers by itself, at stage `s`."""
    client = aws.client("apigateway")
    api = client.create_rest_api(name="addresses")["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    named = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    client.put_method(**named, authorizationType="NONE")
    client.put_integration(**named, type="MOCK", requestTemplates={"application/json": TEMPLATE})
    client.put_method_response(**named, statusCode="200")
    templates = {"application/json": '{"host":"$context.domainName","path":"$context.path"}'}
    client.put_integration_response(**named, statusCode="200", responseTemplates=templates)
    client.create_deployment(restApiId=api, stageName="s")
    return str(api)


@pytest.mark.parametrize(
    "host",
    [
        "{api}.execute-api.localhost.localstack.cloud:{port}",
        "{api}.execute-api.us-east-1.amazonaws.com",
        "{api}.execute-api.localhost:{port}",
    ],
)
def test_an_api_answers_at_its_host(emulator: Instance, mock_api: str, host: str):
    named = host.format(api=mock_api, port=emulator.port)
    answer = urllib3.request("GET", f"{emulator.endpoint_url}/s/", headers={"Host": named})
    assert answer.status == 200
    assert answer.json() == {"host": named, "path": "/s/"}


@pytest.mark.parametrize("path", ["/_aws/execute-api/{api}/s", "/_aws/execute-api/{api}/s/"])
def test_an_api_answers_at_its_path(emulator: Instance, mock_api: str, path: str):
    answer = urllib3.request("GET", emulator.endpoint_url + path.format(api=mock_api))
    assert answer.status == 200


def test_an_unknown_api_is_named(emulator: Instance):
    answer = urllib3.request("GET", f"{emulator.endpoint_url}/_aws/execute-api/nowhere/s/")
    assert answer.status == 404
    assert "nowhere" in answer.json()["message"]


def test_an_imported_authorizer_is_told_as_simulated(emulator: Instance, aws: Aws):
    document = {
        "swagger": "2.0",
        "info": {"title": "guarded", "version": "1"},
        "paths": {},
        "securityDefinitions": {
            "guard": {
                "type": "apiKey",
                "name": "Authorization",
                "in": "header",
                "x-amazon-apigateway-authtype": "custom",
                "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": "arn:none"},
            }
        },
    }
    client = aws.client("apigateway")
    client.import_rest_api(body=json.dumps(document).encode())
    found = urllib3.request("GET", f"{emulator.endpoint_url}/_mdlc/fidelity").json()["entries"]
    assert "simulated" in {one["fidelity"] for one in found if one["operation"] == "ImportRestApi"}
