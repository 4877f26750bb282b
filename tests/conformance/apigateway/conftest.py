"""Deployed REST APIs for the tests of API Gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import urllib3
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions

ECHO = """
    import base64, json

    def handler(event, context):
        wanted = (event.get("queryStringParameters") or {}).get("answer")
        if wanted:
            return json.loads(wanted)
        return {"statusCode": 200, "body": json.dumps(event)}
"""
"""A function that answers with the event, or with what the query parameter `answer` says in JSON."""

_HTTP = urllib3.PoolManager(maxsize=8)


@dataclass
class Reply:
    """A response over HTTP."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RestApi:
    """One REST API: makes resources and methods, deploys them, sends requests."""

    aws: Aws
    id: str
    region: str
    client: Any
    _resources: dict[str, str] = field(default_factory=dict)

    def resource(self, path: str) -> str:
        """The id of the resource at `path`, made (with its parents) if it is not there."""
        if not self._resources:
            items = self.client.get_resources(restApiId=self.id)["items"]
            self._resources = {item["path"]: item["id"] for item in items}
        if path not in self._resources:
            parent, _, part = path.rpartition("/")
            self._resources[path] = self.client.create_resource(
                restApiId=self.id, parentId=self.resource(parent or "/"), pathPart=part
            )["id"]
        return self._resources[path]

    def method(self, path: str, method: str = "GET", **settings: Any) -> dict[str, str]:
        """A method without authorization; returns what further calls need to name it."""
        named = {"restApiId": self.id, "resourceId": self.resource(path), "httpMethod": method}
        self.client.put_method(**named, authorizationType="NONE", **settings)
        return named

    def proxy(self, path: str, function: str, method: str = "ANY", **settings: Any) -> None:
        """A method with a Lambda proxy integration; `function` is an ARN or may hold stage variables."""
        named = self.method(path, method)
        self.client.put_integration(
            **named, type="AWS_PROXY", integrationHttpMethod="POST", uri=self.uri(function), **settings
        )

    def uri(self, function: str) -> str:
        return f"arn:aws:apigateway:{self.region}:lambda:path/2015-03-31/functions/{function}/invocations"

    def deploy(self, stage: str = "test", **settings: Any) -> str:
        answer: str = self.client.create_deployment(restApiId=self.id, stageName=stage, **settings)["id"]
        return answer

    def url(self, path: str = "", stage: str = "test") -> str:
        if self.aws.endpoint_url is None:
            return f"https://{self.id}.execute-api.{self.region}.amazonaws.com/{stage}{path}"
        return f"{self.aws.endpoint_url}/_aws/execute-api/{self.id}/{stage}{path}"

    def request(
        self,
        path: str,
        method: str = "GET",
        *,
        stage: str = "test",
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """`fields` go into the query."""
        url = self.url(path, stage)
        if fields:
            from urllib.parse import urlencode

            url += "?" + urlencode(fields)
        answer = _HTTP.request(method, url, headers=headers, body=body, retries=False, timeout=40)
        return Reply(answer.status, answer.headers, answer.data)

    def answering(self, path: str, output: Any, **options: Any) -> Reply:
        """The response when the function behind `path` returns `output`."""
        return self.request(path, fields={"answer": json.dumps(output)}, **options)


@pytest.fixture(scope="module")
def echo(aws: Aws, role: str) -> Iterator[str]:
    """The ARN of a function that answers with its event, and that API Gateway may call."""
    made = Functions(aws, role)
    name = made.make(ECHO)
    aws.client("lambda").add_permission(
        FunctionName=name,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    yield made.arn(name)
    aws.client("lambda").delete_function(FunctionName=name)


def rest_api(aws: Aws, **settings: Any) -> Iterator[RestApi]:
    """A new API, removed afterwards."""
    client = aws.client("apigateway")
    made = client.create_rest_api(**({"name": "conformance"} | settings))["id"]
    yield RestApi(aws, made, client.meta.region_name, client)
    client.delete_rest_api(restApiId=made)


@pytest.fixture(scope="module")
def api(aws: Aws, echo: str) -> Iterator[RestApi]:
    """A deployed API with the echo function behind `/`, `/echo` and `/items/{name}/{rest+}`."""
    for made in rest_api(aws):
        for path in ("/", "/echo", "/items/{name}", "/items/{name}/{rest+}"):
            made.proxy(path, echo)
        made.deploy(variables={"colour": "blue"})
        yield made
