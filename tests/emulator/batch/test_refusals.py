"""What this Batch does not have is refused in a sentence that says the way out, and nothing is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.batch.conftest import Batch

SIZES = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
CONTAINER: dict[str, Any] = {"image": "i", "command": ["true"], "resourceRequirements": SIZES}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "multinode", "containerProperties": None}, "multi-node"),
        (
            {
                "nodeProperties": {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": []},
                "type": "multinode",
            },
            "multi-node",
        ),
        ({"eksProperties": {"podProperties": {}}}, "Kubernetes"),
        ({"ecsProperties": {"taskProperties": [{"containers": []}]}}, "several containers"),
        ({"consumableResourceProperties": {"consumableResourceList": [{}]}}, "consumable resources"),
        ({"privileged": True}, "privileged"),
        ({"resourceRequirements": [*SIZES, {"type": "GPU", "value": "1"}]}, "GPU"),
        ({"linuxParameters": {"devices": [{"hostPath": "/dev/null"}]}}, "devices"),
        ({"linuxParameters": {"tmpfs": [{"containerPath": "/x", "size": 1}]}}, "tmpfs"),
        ({"linuxParameters": {"swappiness": 10}}, "swap"),
        ({"logConfiguration": {"logDriver": "splunk"}}, "splunk"),
        (
            {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-multiline-pattern": "^x"}}},
            "awslogs-multiline-pattern",
        ),
        ({"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]}, "efs"),
        ({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, "Windows"),
        ({"enableExecuteCommand": True}, "ECS Exec"),
    ],
)
def test_definitions(aws: Aws, change: dict[str, Any], words: str) -> None:
    request: dict[str, Any] = {
        "jobDefinitionName": "refused",
        "type": "container",
        "containerProperties": dict(CONTAINER),
    }
    for member, value in change.items():
        if member.endswith("Properties") or member == "type":
            request[member] = value
        else:
            request["containerProperties"][member] = value
    request = {member: value for member, value in request.items() if value is not None}
    client = aws.client("batch")
    with pytest.raises(ClientError) as refused:
        client.register_job_definition(**request)
    details = refused.value.response["Error"]
    assert details["Code"] == "ClientException"
    assert details["Message"].startswith("This emulator's Batch has no ")
    assert words in details["Message"]
    assert client.describe_job_definitions(jobDefinitionName="refused")["jobDefinitions"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resourceRequirements": [{"type": "VCPU", "value": "nan"}, SIZES[1]]}, "no number"),
        ({"resourceRequirements": [{"type": "VCPU", "value": "inf"}, SIZES[1]]}, "no number"),
        ({"logConfiguration": {"logDriver": "awslogs", "options": {"colour": "red"}}}, "unknown log opt"),
    ],
)
def test_values_that_are_none(aws: Aws, change: dict[str, Any], words: str) -> None:
    client = aws.client("batch")
    with pytest.raises(ClientError) as refused:
        client.register_job_definition(
            jobDefinitionName="refused", type="container", containerProperties=CONTAINER | change
        )
    details = refused.value.response["Error"]
    assert details["Code"] == "ClientException"
    assert words in details["Message"]


@pytest.mark.parametrize(
    "request_",
    [
        {"eksConfiguration": {"eksClusterArn": "arn:aws:eks:x", "kubernetesNamespace": "n"}},
        {"computeResources": {"type": "ECS_MANAGED_INSTANCES", "maxvCpus": 1}},
    ],
)
def test_environments(aws: Aws, request_: dict[str, Any]) -> None:
    client = aws.client("batch")
    with pytest.raises(ClientError, match="This emulator's Batch has no"):
        client.create_compute_environment(
            **{"computeEnvironmentName": "refused", "type": "MANAGED"} | request_
        )
    found = client.describe_compute_environments(computeEnvironments=["refused"])
    assert found["computeEnvironments"] == []


def test_operations(aws: Aws) -> None:
    with pytest.raises(ClientError) as refused:
        aws.client("batch").list_consumable_resources()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.fixture
def batch(aws: Aws) -> Iterator[Batch]:
    made = Batch(aws, "", {"subnets": ["subnet-1"]})
    yield made
    made.remove()


@pytest.fixture
def queue(batch: Batch) -> str:
    resources = {
        "type": "EC2",
        "maxvCpus": 2,
        "instanceTypes": ["optimal"],
        "instanceRole": "r",
        "subnets": ["subnet-1"],
    }
    return batch.queue(batch.environment(computeResources=resources))


def test_a_host_path_of_this_machine_is_shown_and_a_missing_one_fails_the_job(
    batch: Batch, queue: str, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("from the machine\n")
    for path, lines in ((str(tmp_path), ["from the machine"]), ("/not/on/this/machine", None)):
        container = {
            "resourceRequirements": SIZES,
            "volumes": [{"name": "data", "host": {"sourcePath": path}}],
            "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": True}],
        }
        definition = batch.shell("cat /data/a", container=container, platformCapabilities=["EC2"])
        job = batch.run(queue, definition)
        if lines is None:
            assert "which is not on this machine" in job["container"]["reason"]
        else:
            assert batch.lines(job) == lines


@pytest.mark.parametrize(("user", "number"), [("1000", "1000"), ("nobody", "65534")])
def test_a_job_runs_as_the_user_it_names_or_not_at_all(
    batch: Batch, queue: str, user: str, number: str
) -> None:
    """Only root may become others: where the emulator is an ordinary user's, the job fails and says so."""
    container = {"resourceRequirements": SIZES, "user": user}
    job = batch.run(queue, batch.shell("id -u", container=container, platformCapabilities=["EC2"]))
    if os.geteuid() == 0:
        assert batch.lines(job) == [number]
    else:
        assert job["status"] == "FAILED"
        assert job["container"]["reason"].startswith("CannotStartContainerError")
