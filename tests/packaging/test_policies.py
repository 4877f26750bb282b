"""Every function has a policy file of its own, for each stage, with no more than it needs."""

import json
from typing import Any

import pytest

from app.main import app
from tests.packaging.conftest import ROOT

CONFIG: dict[str, Any] = json.loads((ROOT / ".chalice" / "config.json").read_text())
STAGES = list(CONFIG["stages"])
FUNCTIONS = sorted({"api_handler", *(function.name for function in app.pure_lambda_functions)})

# Actions that know no resources, with the reason. None so far.
ANY_RESOURCE: dict[str, str] = {}


def settings(stage: str) -> dict[str, Any]:
    functions: dict[str, Any] = CONFIG["stages"][stage]["lambda_functions"]
    return functions


def policy(stage: str, function: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        (ROOT / ".chalice" / settings(stage)[function]["iam_policy_file"]).read_text()
    )
    return document


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_stages() -> None:
    assert STAGES == ["local", "dev", "prod"]


@pytest.mark.parametrize("stage", STAGES)
def test_every_function_is_configured_and_nothing_else(stage: str) -> None:
    handlers = [*app.pure_lambda_functions, *app.event_sources]
    assert sorted(settings(stage)) == sorted({"api_handler", *(handler.name for handler in handlers)})


@pytest.mark.parametrize("stage", STAGES)
def test_every_function_has_a_policy_file_of_its_own(stage: str) -> None:
    assert CONFIG["stages"][stage]["autogen_policy"] is False
    files = [function["iam_policy_file"] for function in settings(stage).values()]
    assert files == [f"policies/{stage}/{name}.json" for name in settings(stage)]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_policy_grants_named_actions_on_named_resources(stage: str, function: str) -> None:
    for statement in policy(stage, function)["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            assert "*" not in action
            for resource in listed(statement["Resource"]):
                assert resource != "*" or action in ANY_RESOURCE
                assert f"mdlc-{stage}" in resource, f"{resource} is not this stage's"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_stages_differ_by_their_names_alone(function: str) -> None:
    texts = {json.dumps(policy(stage, function)).replace(f"mdlc-{stage}", "mdlc-<stage>") for stage in STAGES}
    assert len(texts) == 1
