"""Who may call an API: authorizers and IAM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.apigateway.conftest import RestApi, rest_api
from tests.conformance.conftest import Functions

DENIES = """
    def handler(event, context):
        if event["authorizationToken"] != "good":
            raise Exception("Unauthorized")
        effect = {"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
        return {
            "principalId": "user",
            "policyDocument": {"Version": "2012-10-17", "Statement": [effect]},
        }
"""


@pytest.fixture(scope="module")
def guarded(aws: Aws, echo: str, role: str) -> Iterator[RestApi]:
    """`/custom` behind an authorizer that knows one token and denies even that, `/iam` behind IAM."""
    made = Functions(aws, role)
    guard = made.make(DENIES)
    for api in rest_api(aws):
        authorizer = api.client.create_authorizer(
            restApiId=api.id,
            name="guard",
            type="TOKEN",
            authorizerUri=api.uri(made.arn(guard)),
            authorizerCredentials=role,
            identitySource="method.request.header.Authorization",
        )["id"]
        for path, settings in (
            ("/custom", {"authorizationType": "CUSTOM", "authorizerId": authorizer}),
            ("/iam", {"authorizationType": "AWS_IAM"}),
        ):
            named = {"restApiId": api.id, "resourceId": api.resource(path), "httpMethod": "GET"}
            api.client.put_method(**named, **settings)
            api.client.put_integration(
                **named, type="AWS_PROXY", integrationHttpMethod="POST", uri=api.uri(echo)
            )
        api.deploy()
        yield api
    aws.client("lambda").delete_function(FunctionName=guard)


@pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html"
)
def test_a_request_without_token_is_unauthorized(guarded: RestApi):
    reply = guarded.request("/custom")
    assert (reply.status, reply.json) == (401, {"message": "Unauthorized"})


@pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html"
)
def test_what_an_authorizer_denies_is_forbidden(guarded: RestApi):
    assert guarded.request("/custom", headers={"Authorization": "good"}).status == 403


@pytest.mark.source("https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html")
def test_an_unsigned_request_misses_its_authentication_token(guarded: RestApi):
    reply = guarded.request("/iam")
    assert (reply.status, reply.json) == (403, {"message": "Missing Authentication Token"})
