"""Deployments are snapshots, stages point at them and carry variables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.apigateway.conftest import RestApi, rest_api
from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html"
)


@pytest.fixture
def fresh(aws: Aws, echo: str) -> Iterator[RestApi]:
    for made in rest_api(aws):
        made.proxy("/one", echo)
        yield made


def test_nothing_is_served_before_a_deployment(fresh: RestApi):
    assert fresh.request("/one").status in (403, 404)


def test_a_change_is_served_only_after_the_next_deployment(fresh: RestApi, echo: str):
    fresh.deploy()
    fresh.proxy("/two", echo)
    assert fresh.request("/one").status == 200
    assert fresh.request("/two").status == 403
    fresh.deploy()
    assert eventually(lambda: fresh.request("/two").status == 200)


def test_what_is_removed_is_served_until_the_next_deployment(fresh: RestApi, echo: str):
    fresh.proxy("/two", echo)
    fresh.deploy()
    fresh.client.delete_resource(restApiId=fresh.id, resourceId=fresh.resource("/two"))
    assert fresh.request("/two").status == 200
    fresh.deploy()
    assert eventually(lambda: fresh.request("/two").status == 403)


def test_a_stage_can_be_set_back_to_an_earlier_deployment(fresh: RestApi, echo: str):
    first = fresh.deploy()
    fresh.proxy("/two", echo)
    fresh.deploy()
    assert eventually(lambda: fresh.request("/two").status == 200)
    fresh.client.update_stage(
        restApiId=fresh.id,
        stageName="test",
        patchOperations=[{"op": "replace", "path": "/deploymentId", "value": first}],
    )
    assert eventually(lambda: fresh.request("/two").status == 403)


def test_stages_are_independent(fresh: RestApi, echo: str):
    fresh.deploy("old")
    fresh.proxy("/two", echo)
    fresh.deploy("new")
    assert eventually(lambda: fresh.request("/two", stage="new").status == 200)
    assert fresh.request("/two", stage="old").status == 403
    assert fresh.request("/one", stage="old").json["requestContext"]["stage"] == "old"


@pytest.mark.source("https://docs.aws.amazon.com/apigateway/latest/developerguide/stage-variables.html")
def test_stage_variables_choose_the_function_and_change_without_deployment(fresh: RestApi, echo: str):
    prefix, _, name = echo.rpartition(":")
    fresh.proxy("/chosen", f"{prefix}:${{stageVariables.function}}", "GET")
    fresh.deploy(variables={"function": f"{name}-gone"})
    assert fresh.request("/chosen").status in (500, 502)
    fresh.client.update_stage(
        restApiId=fresh.id,
        stageName="test",
        patchOperations=[{"op": "replace", "path": "/variables/function", "value": name}],
    )
    reply = eventually(lambda: (found := fresh.request("/chosen")).status == 200 and found)
    assert reply.json["stageVariables"] == {"function": name}


def test_a_removed_stage_is_no_longer_served(fresh: RestApi):
    fresh.deploy()
    assert eventually(lambda: fresh.request("/one").status == 200)
    fresh.client.delete_stage(restApiId=fresh.id, stageName="test")
    assert eventually(lambda: fresh.request("/one").status == 403)
