"""API keys: who has none, or a wrong one, is not let in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.apigateway.conftest import RestApi, rest_api
from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html"
)


@pytest.fixture(scope="module")
def keyed(aws: Aws, echo: str) -> Iterator[tuple[RestApi, str]]:
    """An API whose one method wants a key, and a key that fits."""
    for api in rest_api(aws):
        api.method("/echo", "GET", apiKeyRequired=True)
        api.client.put_integration(
            restApiId=api.id,
            resourceId=api.resource("/echo"),
            httpMethod="GET",
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=api.uri(echo),
        )
        api.deploy()
        key = api.client.create_api_key(name="key", enabled=True)
        plan = api.client.create_usage_plan(name="plan", apiStages=[{"apiId": api.id, "stage": "test"}])["id"]
        api.client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
        yield api, key["value"]
        api.client.delete_usage_plan_key(usagePlanId=plan, keyId=key["id"])
        api.client.delete_api_key(apiKey=key["id"])


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "wrong"}])
def test_without_a_valid_key_a_request_is_forbidden(keyed: tuple[RestApi, str], headers: dict[str, str]):
    reply = keyed[0].request("/echo", headers=headers)
    assert (reply.status, reply.json) == (403, {"message": "Forbidden"})
    assert reply.headers["x-amzn-ErrorType"] == "ForbiddenException"


def test_with_its_key_a_request_passes_and_the_function_sees_it(keyed: tuple[RestApi, str]):
    api, key = keyed
    reply = eventually(
        lambda: (found := api.request("/echo", headers={"X-API-Key": key})).status == 200 and found
    )
    assert reply.json["requestContext"]["identity"]["apiKey"] == key
