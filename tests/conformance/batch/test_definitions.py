"""Job definitions: revisions, lists, and what is refused when it is registered."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.batch.conftest import GUIDE, REFERENCE, Batch, refusal

pytestmark = pytest.mark.source(f"{REFERENCE}/API_RegisterJobDefinition.html")


def described(batch: Batch, **request: Any) -> list[dict[str, Any]]:
    pages = batch.client.get_paginator("describe_job_definitions").paginate(**request)
    return [each for page in pages for each in page["jobDefinitions"]]


def test_each_registration_is_a_new_revision(batch: Batch) -> None:
    name = batch.shell("one")
    batch.shell("two", name=name)
    found = described(batch, jobDefinitionName=name)
    assert {each["revision"]: each["containerProperties"]["command"][2] for each in found} == {
        1: "one",
        2: "two",
    }
    assert all(each["jobDefinitionArn"].endswith(f"{name}:{each['revision']}") for each in found)
    assert {each["status"] for each in found} == {"ACTIVE"}
    assert {each["type"] for each in found} == {"container"}


def test_what_was_registered_is_described(batch: Batch) -> None:
    name = batch.shell(
        "true",
        parameters={"a": "b"},
        retryStrategy={"attempts": 3, "evaluateOnExit": [{"onExitCode": "1", "action": "EXIT"}]},
        timeout={"attemptDurationSeconds": 120},
        tags={"team": "a"},
        propagateTags=True,
    )
    [found] = described(batch, jobDefinitionName=name)
    assert found["parameters"] == {"a": "b"}
    assert found["retryStrategy"] == {
        "attempts": 3,
        "evaluateOnExit": [{"onExitCode": "1", "action": "EXIT"}],
    }
    assert found["timeout"] == {"attemptDurationSeconds": 120}
    assert found["tags"] == {"team": "a"}
    assert found["propagateTags"] is True
    assert found["platformCapabilities"] == ["FARGATE"]
    assert found["containerOrchestrationType"] == "ECS"
    assert found["containerProperties"]["resourceRequirements"] == [
        {"type": "VCPU", "value": "0.25"},
        {"type": "MEMORY", "value": "512"},
    ]


@pytest.mark.source(f"{REFERENCE}/API_SubmitJob.html")
def test_a_name_without_revision_is_the_newest_active_one(batch: Batch, queue: str) -> None:
    name = batch.shell("echo one")
    batch.shell("echo two", name=name)
    assert batch.output(queue, name) == ["two"]
    assert batch.output(queue, f"{name}:1") == ["one"]
    newest = next(each for each in described(batch, jobDefinitionName=name) if each["revision"] == 2)
    batch.client.deregister_job_definition(jobDefinition=newest["jobDefinitionArn"])
    assert batch.output(queue, name) == ["one"]
    batch.shell("echo three", name=name)
    assert {each["revision"] for each in described(batch, jobDefinitionName=name)} == {1, 2, 3}


@pytest.mark.source(f"{REFERENCE}/API_DeregisterJobDefinition.html")
def test_a_deregistered_revision_is_inactive(batch: Batch, queue: str) -> None:
    name = batch.shell("true")
    batch.client.deregister_job_definition(jobDefinition=f"{name}:1")
    assert described(batch, jobDefinitionName=name, status="ACTIVE") == []
    [found] = described(batch, jobDefinitions=[f"{name}:1"])
    assert found["status"] == "INACTIVE"
    with pytest.raises(ClientError) as error:
        batch.submit(queue, name)
    assert "does not exist or is not in ACTIVE status" in refusal(error)


@pytest.mark.source("https://github.com/aws/aws-sdk-js/issues/4280")
def test_a_revision_is_a_number(batch: Batch, queue: str) -> None:
    name = batch.shell("true")
    with pytest.raises(ClientError) as error:
        batch.submit(queue, f"{name}:latest")
    assert "not supported pattern" in refusal(error)


@pytest.mark.source(f"{REFERENCE}/API_DescribeJobDefinitions.html")
def test_definitions_come_in_pages(batch: Batch) -> None:
    name = batch.shell("true")
    for _ in range(4):
        batch.shell("true", name=name)
    found = described(batch, jobDefinitionName=name, PaginationConfig={"PageSize": 2})
    assert sorted(each["revision"] for each in found) == [1, 2, 3, 4, 5]


@pytest.mark.source(f"{REFERENCE}/API_ContainerProperties.html")
@pytest.mark.parametrize(
    "container",
    [
        {"image": ""},
        {"resourceRequirements": [{"type": "VCPU", "value": "0.25"}]},
        {"resourceRequirements": [{"type": "MEMORY", "value": "512"}]},
        {"resourceRequirements": [{"type": "VCPU", "value": "x"}, {"type": "MEMORY", "value": "512"}]},
        {"executionRoleArn": ""},
        {"user": "$(id)"},
        {"environment": [{"name": "AWS_BATCH_MINE", "value": "1"}]},
        {"mountPoints": [{"sourceVolume": "none", "containerPath": "/x"}]},
        {"volumes": [{"name": "v", "host": {"sourcePath": "/tmp"}}]},
        {"ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 1}]},
        {"linuxParameters": {"sharedMemorySize": 64}},
    ],
)
def test_a_container_that_makes_no_sense_is_refused(batch: Batch, container: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        batch.shell("true", container=container)
    refusal(error)


@pytest.mark.source(f"{REFERENCE}/API_ResourceRequirement.html")
@pytest.mark.parametrize(("vcpus", "memory"), [("0.25", "4096"), ("1", "1024"), ("3", "8192"), ("16", "512")])
def test_fargate_has_certain_sizes(batch: Batch, vcpus: str, memory: str) -> None:
    sizes = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]
    with pytest.raises(ClientError) as error:
        batch.shell("true", container={"resourceRequirements": sizes})
    assert "Fargate resource requirements" in refusal(error)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "not a name"},
        {"platformCapabilities": ["LAMBDA"]},
        {"schedulingPriority": 10_000},
        {"containerProperties": None},
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(batch: Batch, change: dict[str, Any]) -> None:
    request: dict[str, Any] = {
        "jobDefinitionName": change.pop("name", "never-made"),
        "type": "container",
        "platformCapabilities": ["FARGATE"],
        "containerProperties": {},
    } | change
    if request["containerProperties"] is None:
        del request["containerProperties"]
    with pytest.raises(ClientError) as error:
        batch.client.register_job_definition(**request)
    refusal(error)


@pytest.mark.source(f"{GUIDE}/using-tags.html#tag-restrictions")
def test_tags_of_aws_are_not_given(batch: Batch) -> None:
    with pytest.raises(ClientError) as error:
        batch.shell("true", tags={"aws:mine": "1"})
    refusal(error)
