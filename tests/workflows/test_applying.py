"""State machines and mappings on the emulator: made, changed, removed; applied twice, nothing changes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import zipped
from tests.waiting import eventually
from tests.workflows.mappings import STREAM
from workflows.applying import Machines
from workflows.definitions import Workflow, WorkflowError
from workflows.mapping_applying import Mappings
from workflows.mappings import Mapping

PREFIX = "mdlc-local"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"n": 1}, "End": True}}})
CALL = json.dumps(
    {
        "StartAt": "Call",
        "States": {
            "Call": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "${AFunctionArn}"},
                "End": True,
            }
        },
    }
)
ARNS = {"AFunctionArn": "arn:aws:lambda:us-east-1:700000000004:function:a"}
Client = Callable[[str], Any]


@pytest.fixture
def client(aws: Aws) -> Client:
    """Clients of an account of its own."""
    return cache(aws.at(account="700000000004").client)


@pytest.fixture
def machines(client: Client) -> Iterator[Machines]:
    made = Machines(client, PREFIX)
    yield made
    made.remove_all()


def workflow(name: str, text: str) -> Workflow:
    return Workflow(name, text, f"workflows/{name}.asl.json")


def changes(applied: list[Any]) -> dict[str, str]:
    return {one.name: one.change for one in applied}


def test_a_machine_is_made_once_and_runs(machines: Machines, client: Client) -> None:
    (made,) = machines.apply([workflow("one", PASS)], ARNS)
    assert (made.name, made.change) == ("mdlc-local-one", "created")
    (again,) = machines.apply([workflow("one", PASS)], ARNS)
    assert (again.arn, again.change) == (made.arn, "unchanged")
    execution = client("stepfunctions").start_execution(stateMachineArn=made.arn)["executionArn"]
    told = eventually(
        lambda: (
            (d := client("stepfunctions").describe_execution(executionArn=execution))["status"] != "RUNNING"
            and d
        )
    )
    assert json.loads(told["output"]) == {"n": 1}


def test_a_changed_definition_updates_machine_and_rights(machines: Machines, client: Client) -> None:
    machines.apply([workflow("one", PASS)], ARNS)
    assert changes(machines.apply([workflow("one", CALL)], ARNS)) == {"mdlc-local-one": "updated"}
    rights = client("iam").get_role_policy(RoleName="mdlc-local-one-workflow", PolicyName="tasks")
    (statement,) = rights["PolicyDocument"]["Statement"]
    assert statement["Resource"] == [ARNS["AFunctionArn"], f"{ARNS['AFunctionArn']}:*"]
    machines.apply([workflow("one", PASS)], ARNS)
    assert client("iam").list_role_policies(RoleName="mdlc-local-one-workflow")["PolicyNames"] == []


def test_the_machine_of_a_removed_file_goes_with_its_role(machines: Machines, client: Client) -> None:
    machines.apply([workflow("one", PASS), workflow("two", PASS)], ARNS)
    assert changes(machines.apply([workflow("two", PASS)], ARNS)) == {
        "mdlc-local-two": "unchanged",
        "mdlc-local-one": "removed",
    }
    roles = {role["RoleName"] for role in client("iam").list_roles()["Roles"]}
    assert "mdlc-local-one-workflow" not in roles


def test_another_stages_machines_are_left_alone(machines: Machines, client: Client) -> None:
    other = Machines(client, "mdlc-dev")
    other.apply([workflow("one", PASS)], ARNS)
    machines.remove_all()
    assert changes(other.apply([workflow("one", PASS)], ARNS)) == {"mdlc-dev-one": "unchanged"}
    other.remove_all()


def test_nothing_is_changed_when_one_workflow_cannot_be_filled(machines: Machines, client: Client) -> None:
    with pytest.raises(WorkflowError):
        machines.apply([workflow("one", PASS), workflow("two", CALL)], {})
    assert client("stepfunctions").list_state_machines()["stateMachines"] == []


@pytest.fixture
def function(client: Client) -> Iterator[str]:
    """A function, stream and queue under the names that the mappings below use."""
    role = client("iam").create_role(RoleName="consumer", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client("lambda").create_function(
        FunctionName=f"{PREFIX}-consume",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Code={
            "ZipFile": zipped({"index.py": "def handler(event, context): return {'batchItemFailures': []}"})
        },
    )
    client("kinesis").create_stream(StreamName=f"{PREFIX}-events", ShardCount=1)
    queues = [
        client("sqs").create_queue(QueueName=f"{PREFIX}-{name}")["QueueUrl"]
        for name in ("failed-events", "orders")
    ]
    yield f"{PREFIX}-consume"
    client("lambda").delete_function(FunctionName=f"{PREFIX}-consume")
    client("kinesis").delete_stream(StreamName=f"{PREFIX}-events")
    client("iam").delete_role(RoleName="consumer")
    for url in queues:
        client("sqs").delete_queue(QueueUrl=url)


QUEUE = Mapping(function="consume", source="queue/orders", batch_size=5, report_batch_item_failures=True)


def test_mappings_are_made_changed_and_removed(client: Client, function: str) -> None:
    mappings = Mappings(client, PREFIX)

    def applied(*declared: Mapping) -> list[str]:
        return sorted(one.change for one in mappings.apply(list(declared), [function]))

    assert applied(STREAM, QUEUE) == ["created", "created"]
    assert applied(STREAM, QUEUE) == ["unchanged", "unchanged"]
    live = {
        m["EventSourceArn"].split(":")[2]: m
        for m in client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    }
    assert live["kinesis"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert live["kinesis"]["BisectBatchOnFunctionError"] is True
    assert live["kinesis"]["MaximumRetryAttempts"] == 3
    assert live["kinesis"]["DestinationConfig"]["OnFailure"]["Destination"].endswith(
        ":mdlc-local-failed-events"
    )
    assert live["sqs"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert applied(replace(STREAM, maximum_retry_attempts=1), QUEUE) == ["unchanged", "updated"]
    assert applied(replace(STREAM, maximum_retry_attempts=1)) == ["removed", "unchanged"]
    assert len(mappings.remove_all([function])) == 1
    assert eventually(
        lambda: not client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    )
