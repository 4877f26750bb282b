"""Each static check finds what it is there for, in nested machines too."""

import copy
import json
from typing import Any

import pytest

from workflows.checks import problems
from workflows.definitions import Workflow

TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "${AFunctionArn}"},
    "TimeoutSeconds": 10,
    "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"]}],
}
GOOD: dict[str, Any] = {
    "StartAt": "First",
    "TimeoutSeconds": 60,
    "States": {
        "First": {**TASK, "Next": "Which", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}]},
        "Which": {"Type": "Choice", "Choices": [{"Next": "Each"}], "Default": "Failed"},
        "Each": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "One", "States": {"One": {**TASK, "End": True}}},
            "Next": "Both",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [{"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}}],
            "End": True,
        },
        "Failed": {"Type": "Fail"},
    },
}


def told(definition: dict[str, Any]) -> list[str]:
    return problems(Workflow("w", json.dumps(definition), "w.asl.json"), ["AFunctionArn"])


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with the value at the dotted `path` replaced, or removed where it is None."""
    definition = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    place: Any = definition
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return definition


def test_a_good_one_has_no_problems() -> None:
    assert told(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("TimeoutSeconds", None, "has no TimeoutSeconds: an execution could run for a year"),
        ("StartAt", "Nowhere", "starts at 'Nowhere', which is no state"),
        ("States.First.Next", "Wich", "goes from First to 'Wich', which is no state"),
        ("States.Which.Default", "Faild", "goes from Which to 'Faild'"),
        ("States.Lost", {"Type": "Succeed"}, "never reaches Lost"),
        ("States.Both", {"Type": "Pass", "Next": "Each"}, "cannot end once it is in Both"),
        ("States.First.Parameters.FunctionName", "${BFunctionArn}", "names BFunctionArn, which no function"),
        ("States.First.TimeoutSeconds", None, "First has no TimeoutSeconds"),
        ("States.First.Retry", [], "First does not Retry Lambda.TooManyRequestsException"),
        ("States.Each.ItemProcessor.StartAt", "Two", "starts at 'Two', which is no state (in Each)"),
        ("States.Each.ItemProcessor.States.One.Retry", [], "One does not Retry"),
        ("States.Both.Branches.0.States.Left", {"Type": "Pass", "Next": "Left"}, "cannot end once it is"),
    ],
)  # fmt: skip
def test_a_bad_one_is_told(path: str, value: Any, says: str) -> None:
    found = told(changed(path, value))
    assert any(says in problem for problem in found), found
    assert all(problem.startswith("w.asl.json ") for problem in found)
