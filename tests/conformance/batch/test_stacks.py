"""Batch's resources in CloudFormation: made, changed, removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.batch.conftest import IMAGE, SMALL, Batch
from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Batch.html"
)


def template(batch: Batch, vcpus: str = "4", command: str = "one", **changes: Any) -> str:
    """An environment, a queue with a policy and a definition, written as people write templates."""
    resources: dict[str, Any] = {
        "Environment": {
            "Type": "AWS::Batch::ComputeEnvironment",
            "Properties": {
                "Type": "MANAGED",
                "State": "ENABLED",
                "ComputeResources": {
                    "Type": "FARGATE",
                    "MaxvCpus": vcpus,
                    "Subnets": batch.network["subnets"],
                    "SecurityGroupIds": batch.network["securityGroupIds"],
                },
                "Tags": {"Team": "a"},
            },
        },
        "Policy": {
            "Type": "AWS::Batch::SchedulingPolicy",
            "Properties": {"FairsharePolicy": {"ShareDecaySeconds": 60}},
        },
        "Queue": {
            "Type": "AWS::Batch::JobQueue",
            "Properties": {
                "Priority": changes.get("priority", 3),
                "SchedulingPolicyArn": {"Ref": "Policy"},
                "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": {"Ref": "Environment"}}],
            },
        },
        "Definition": {
            "Type": "AWS::Batch::JobDefinition",
            "Properties": {
                "Type": "container",
                "PlatformCapabilities": ["FARGATE"],
                "Parameters": {"CamelCase": "kept"},
                "RetryStrategy": {"Attempts": 2},
                "Timeout": {"AttemptDurationSeconds": "90"},
                "ContainerProperties": {
                    "Image": IMAGE,
                    "Command": ["echo", command, "Ref::CamelCase"],
                    "ExecutionRoleArn": batch.execution_role,
                    "Environment": [{"Name": "A", "Value": "1"}],
                    "ResourceRequirements": [
                        {"Type": each["type"], "Value": each["value"]} for each in SMALL
                    ],
                },
            },
        },
    }
    outputs = {name: {"Value": {"Ref": name}} for name in resources}
    return json.dumps({"Resources": resources, "Outputs": outputs})


class Stack:
    def __init__(self, batch: Batch, name: str) -> None:
        self.client, self.name = batch.aws.client("cloudformation"), name

    def settled(self) -> dict[str, Any]:
        """The outputs of the stack once it is as it was asked to be."""

        def look() -> Any:
            [found] = self.client.describe_stacks(StackName=self.name)["Stacks"]
            return found if not found["StackStatus"].endswith("_IN_PROGRESS") else None

        found = eventually(look, within=600)
        assert found["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), self.reasons()
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    def create(self, body: str) -> dict[str, Any]:
        self.client.create_stack(StackName=self.name, TemplateBody=body)
        return self.settled()

    def update(self, body: str) -> dict[str, Any]:
        self.client.update_stack(StackName=self.name, TemplateBody=body)
        return self.settled()

    def delete(self) -> None:
        self.client.delete_stack(StackName=self.name)
        self.client.get_waiter("stack_delete_complete").wait(StackName=self.name, WaiterConfig={"Delay": 1})

    def reasons(self) -> list[str]:
        events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        return [each["ResourceStatusReason"] for each in events if each.get("ResourceStatusReason")]


@pytest.fixture
def stack(batch: Batch, unique: Any) -> Iterator[Stack]:
    made = Stack(batch, unique("batch"))
    yield made
    made.delete()


def test_a_stack_of_batch_runs_jobs(batch: Batch, stack: Stack) -> None:
    made = stack.create(template(batch))
    assert ":compute-environment/" in made["Environment"]
    assert ":job-queue/" in made["Queue"]
    assert ":scheduling-policy/" in made["Policy"]
    assert made["Definition"].endswith(":1")
    job = batch.run(made["Queue"], made["Definition"], shareIdentifier="a")
    assert batch.lines(job) == ["one kept"]
    assert job["retryStrategy"]["attempts"] == 2
    assert job["timeout"] == {"attemptDurationSeconds": 90}
    [environment] = batch.client.describe_compute_environments(computeEnvironments=[made["Environment"]])[
        "computeEnvironments"
    ]
    assert environment["computeResources"]["maxvCpus"] == 4
    assert environment["tags"]["Team"] == "a"


def test_changes_of_the_template_are_made(batch: Batch, stack: Stack) -> None:
    before = stack.create(template(batch))
    after = stack.update(template(batch, vcpus="8", command="two", priority=5))
    assert (after["Environment"], after["Queue"]) == (before["Environment"], before["Queue"])
    assert after["Definition"].endswith(":2")
    client = batch.client
    [environment] = client.describe_compute_environments(computeEnvironments=[after["Environment"]])[
        "computeEnvironments"
    ]
    assert environment["computeResources"]["maxvCpus"] == 8
    assert client.describe_job_queues(jobQueues=[after["Queue"]])["jobQueues"][0]["priority"] == 5
    [old] = client.describe_job_definitions(jobDefinitions=[before["Definition"]])["jobDefinitions"]
    assert old["status"] == "INACTIVE"
    assert batch.output(after["Queue"], after["Definition"], shareIdentifier="a") == ["two kept"]


def test_nothing_is_left_of_a_stack(batch: Batch, unique: Any) -> None:
    stack = Stack(batch, unique("batch"))
    made = stack.create(template(batch))
    stack.delete()
    client = batch.client
    assert (
        client.describe_compute_environments(computeEnvironments=[made["Environment"]])["computeEnvironments"]
        == []
    )
    assert client.describe_job_queues(jobQueues=[made["Queue"]])["jobQueues"] == []
    assert client.describe_scheduling_policies(arns=[made["Policy"]])["schedulingPolicies"] == []
    [definition] = client.describe_job_definitions(jobDefinitions=[made["Definition"]])["jobDefinitions"]
    assert definition["status"] == "INACTIVE"
