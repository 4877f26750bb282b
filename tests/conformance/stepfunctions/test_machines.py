"""State machines: creating, versions and aliases, validation, trying a state."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.stepfunctions.conftest import Workflows, program

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"
)

WAITING = program({"W": {"Type": "Wait", "Seconds": 60}})
PASSING = program({"P": {"Type": "Pass"}})


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-cd-aliasing-versioning.html"
)
def test_versions_and_aliases(workflows: Workflows) -> None:
    client = workflows.client
    machine = workflows.make(program({"P": {"Type": "Pass", "Result": 1}}))
    one = client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    client.update_state_machine(
        stateMachineArn=machine, definition=json.dumps(program({"P": {"Type": "Pass", "Result": 2}}))
    )
    two = client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    assert (one, two) == (f"{machine}:1", f"{machine}:2")
    alias = client.create_state_machine_alias(
        name="live", routingConfiguration=[{"stateMachineVersionArn": one, "weight": 100}]
    )["stateMachineAliasArn"]
    assert [workflows.outcome(workflows.start(arn)).output for arn in (machine, one, two, alias)] == [
        2,
        1,
        2,
        1,
    ]
    client.update_state_machine_alias(
        stateMachineAliasArn=alias, routingConfiguration=[{"stateMachineVersionArn": two, "weight": 100}]
    )
    execution = workflows.start(alias)
    assert workflows.outcome(execution).output == 2
    described = client.describe_execution(executionArn=execution)
    assert (described["stateMachineVersionArn"], described["stateMachineAliasArn"]) == (two, alias)
    with pytest.raises(client.exceptions.ConflictException):
        client.delete_state_machine_version(stateMachineVersionArn=two)
    client.delete_state_machine_alias(stateMachineAliasArn=alias)
    client.delete_state_machine_version(stateMachineVersionArn=two)
    versions = client.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"]
    assert [version["stateMachineVersionArn"] for version in versions] == [one]


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html"
)
def test_running_executions_keep_their_definition(workflows: Workflows) -> None:
    client = workflows.client
    machine = workflows.make(
        program({"W": {"Type": "Wait", "Seconds": 1}, "P": {"Type": "Pass", "Result": "old"}})
    )
    execution = workflows.start(machine)
    client.update_state_machine(
        stateMachineArn=machine, definition=json.dumps(program({"P": {"Type": "Pass", "Result": "new"}}))
    )
    assert workflows.outcome(execution).output == "old"
    used = client.describe_state_machine_for_execution(executionArn=execution)
    assert "old" in used["definition"]
    assert workflows.outcome(workflows.start(machine)).output == "new"


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"
)
def test_creating_again(workflows: Workflows, unique: Callable[[str], str]) -> None:
    client = workflows.client
    request = {"name": unique("twice"), "definition": json.dumps(PASSING), "roleArn": workflows.role}
    first = client.create_state_machine(**request)
    workflows.made.append(first["stateMachineArn"])
    again = client.create_state_machine(**request)
    assert (again["stateMachineArn"], again["creationDate"]) == (
        first["stateMachineArn"],
        first["creationDate"],
    )
    with pytest.raises(client.exceptions.StateMachineAlreadyExists):
        client.create_state_machine(**request | {"definition": json.dumps(WAITING)})
    with pytest.raises(client.exceptions.InvalidName):
        client.create_state_machine(**request | {"name": "with space"})


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html")
def test_test_state(workflows: Workflows) -> None:
    client = workflows.client

    def tried(state: dict[str, Any], data: Any, **options: Any) -> Any:
        return client.test_state(
            definition=json.dumps(state), roleArn=workflows.role, input=json.dumps(data), **options
        )

    good = tried({"Type": "Pass", "Parameters": {"v.$": "$.a"}, "Next": "Later"}, {"a": 1})
    assert (good["status"], json.loads(good["output"]), good["nextState"]) == ("SUCCEEDED", {"v": 1}, "Later")
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "One"}],
        "Default": "Other",
    }
    assert [tried(choice, {"a": a})["nextState"] for a in (1, 2)] == ["One", "Other"]
    failing = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "nobody-made-this"},
        "End": True,
    }
    assert tried(failing, {})["status"] == "FAILED"
    caught = tried({**failing, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Rescue"}]}, {})
    assert (caught["status"], caught["nextState"]) == ("CAUGHT_ERROR", "Rescue")
    jsonata = {"QueryLanguage": "JSONata", "Type": "Pass", "Output": "{% $states.input.a + 1 %}", "End": True}
    assert json.loads(tried(jsonata, {"a": 1})["output"]) == 2
    inspected = tried(
        {"Type": "Pass", "Parameters": {"v.$": "$.a"}, "End": True}, {"a": 1}, inspectionLevel="DEBUG"
    )
    assert json.loads(inspected["inspectionData"]["afterParameters"]) == {"v": 1}


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html"
)
def test_definitions_are_validated_without_being_made(workflows: Workflows) -> None:
    client = workflows.client
    good = client.validate_state_machine_definition(definition=json.dumps(PASSING))
    assert (good["result"], good["diagnostics"]) == ("OK", [])
    bad = client.validate_state_machine_definition(definition=json.dumps({"StartAt": "A"}))
    assert bad["result"] == "FAIL"
    assert bad["diagnostics"][0]["severity"] == "ERROR"
