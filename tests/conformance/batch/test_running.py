"""A job runs: command, environment, output, exit code, limits."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.batch.conftest import GUIDE, REFERENCE, Batch, refusal

pytestmark = pytest.mark.source(f"{GUIDE}/job_states.html")


def test_a_job_that_exits_with_zero_succeeds(batch: Batch, queue: str) -> None:
    definition = batch.shell("echo one; echo two >&2; exit 0")
    job = batch.run(queue, definition)
    assert job["status"] == "SUCCEEDED"
    assert job["statusReason"] == "Essential container in task exited"
    assert job["container"]["exitCode"] == 0
    assert sorted(batch.lines(job)) == ["one", "two"]


def test_a_job_that_exits_otherwise_fails_with_its_code(batch: Batch, queue: str) -> None:
    job = batch.run(queue, batch.shell("exit 7"))
    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Essential container in task exited"
    assert job["container"]["exitCode"] == 7
    [attempt] = job["attempts"]
    assert attempt["container"]["exitCode"] == 7
    assert attempt["statusReason"] == "Essential container in task exited"
    assert job["createdAt"] <= job["startedAt"] <= job["stoppedAt"]
    assert (attempt["startedAt"], attempt["stoppedAt"]) == (job["startedAt"], job["stoppedAt"])


@pytest.mark.source(f"{REFERENCE}/API_JobDetail.html")
def test_describe_shows_what_the_job_was_made_of(batch: Batch, queue: str) -> None:
    definition = batch.shell("true", parameters={"a": "1"}, tags={"of": "definition"})
    job_id = batch.submit(
        queue, definition, jobName="described", parameters={"b": "2"}, tags={"of": "job"}, propagateTags=True
    )
    job = batch.ended(job_id)
    assert job["jobName"] == "described"
    assert job["jobId"] == job_id
    assert job["jobArn"].endswith(f":job/{job_id}")
    assert job["jobQueue"].endswith(f":job-queue/{queue}")
    assert job["jobDefinition"].endswith(f":job-definition/{definition}:1")
    assert job["parameters"] == {"a": "1", "b": "2"}
    assert job["retryStrategy"] == {"attempts": 1, "evaluateOnExit": []}
    assert job["dependsOn"] == []
    assert job["tags"]["of"] == "job"
    assert job["propagateTags"] is True
    assert job["platformCapabilities"] == ["FARGATE"]
    container = job["container"]
    assert container["command"] == ["sh", "-c", "true"]
    for member in ("volumes", "environment", "mountPoints", "ulimits", "secrets"):
        assert container[member] == []


@pytest.mark.source(f"{GUIDE}/job_env_vars.html")
def test_batch_tells_the_job_who_it_is(batch: Batch, queue: str) -> None:
    definition = batch.shell("env")
    job = batch.run(queue, definition)
    seen = dict(line.split("=", 1) for line in batch.lines(job) if "=" in line)
    assert seen["AWS_BATCH_JOB_ID"] == job["jobId"]
    assert seen["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert seen["AWS_BATCH_JQ_NAME"] == queue
    [details] = batch.client.describe_job_queues(jobQueues=[queue])["jobQueues"]
    [environment] = details["computeEnvironmentOrder"]
    assert environment["computeEnvironment"].endswith(f"/{seen['AWS_BATCH_CE_NAME']}")
    assert "AWS_BATCH_JOB_ARRAY_INDEX" not in seen


@pytest.mark.source(f"{REFERENCE}/API_ContainerOverrides.html")
def test_overrides_add_to_and_replace_what_is_defined(batch: Batch, queue: str) -> None:
    definition = batch.shell(
        "exit 1", container={"environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    )
    overrides: dict[str, Any] = {
        "command": ["sh", "-c", "echo $A-$B-$C"],
        "environment": [{"name": "B", "value": "two"}, {"name": "C", "value": "three"}],
        "resourceRequirements": [{"type": "MEMORY", "value": "1024"}],
    }
    job = batch.run(queue, definition, containerOverrides=overrides)
    assert batch.lines(job) == ["1-two-three"]
    requirements = {each["type"]: each["value"] for each in job["container"]["resourceRequirements"]}
    assert requirements == {"VCPU": "0.25", "MEMORY": "1024"}
    assert {each["name"]: each["value"] for each in job["container"]["environment"]} == {
        "A": "1",
        "B": "two",
        "C": "three",
    }


@pytest.mark.source(f"{GUIDE}/job_definition_parameters.html#parameters")
def test_parameters_replace_references_in_the_command(batch: Batch, queue: str) -> None:
    definition = batch.define(
        "sh", "-c", 'printf "%s\\n" "$@"', "x", "Ref::who", "Ref::what", parameters={"who": "a", "what": "b"}
    )
    assert batch.output(queue, definition) == ["a", "b"]
    assert batch.output(queue, definition, parameters={"what": "c d"}) == ["a", "c d"]


@pytest.mark.source(f"{GUIDE}/job_definition_parameters.html#parameters")
def test_a_reference_without_a_parameter_is_refused(batch: Batch, queue: str) -> None:
    definition = batch.define("echo", "Ref::missing")
    with pytest.raises(ClientError) as error:
        batch.submit(queue, definition)
    assert "No parameter found for reference missing" in refusal(error)


@pytest.mark.source(f"{GUIDE}/using_cloudwatch_logs.html")
def test_streams_are_named_after_definition_and_task(batch: Batch, queue: str) -> None:
    definition = batch.shell("echo here")
    job = batch.run(queue, definition)
    stream = job["container"]["logStreamName"]
    task = job["container"]["taskArn"].rsplit("/", 1)[-1]
    assert stream == f"{definition}/default/{task}"
    assert job["attempts"][0]["container"]["logStreamName"] == stream


@pytest.mark.source(f"{GUIDE}/create-log-group.html")
def test_logs_go_where_the_definition_says(batch: Batch, queue: str, unique: Any) -> None:
    logs = batch.aws.client("logs")
    group = unique("/batch/own")
    logs.create_log_group(logGroupName=group)
    options = {"awslogs-group": group, "awslogs-stream-prefix": "mine"}
    settings = {"logConfiguration": {"logDriver": "awslogs", "options": options}}
    try:
        job = batch.run(queue, batch.shell("echo there", container=settings))
        assert job["container"]["logStreamName"].startswith("mine/default/")
        assert batch.lines(job, group) == ["there"]
    finally:
        logs.delete_log_group(logGroupName=group)


@pytest.mark.source(
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html"
)
def test_a_log_group_that_is_missing_fails_the_job(batch: Batch, queue: str) -> None:
    settings = {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/not/there"}}}
    job = batch.run(queue, batch.shell("true", container=settings))
    assert job["status"] == "FAILED"
    assert job["statusReason"].startswith("ResourceInitializationError")
    assert "The specified log group does not exist" in job["statusReason"]
    assert "exitCode" not in job["container"]


@pytest.mark.source(
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html"
)
def test_an_unknown_image_fails_the_job_when_it_starts(batch: Batch, queue: str) -> None:
    definition = batch.shell("true", container={"image": "nobody/has-this:1"})
    job = batch.run(queue, definition)
    assert job["status"] == "FAILED"
    assert job["container"]["reason"].startswith("CannotPullContainerError")
    assert "exitCode" not in job["container"]


@pytest.mark.source(f"{REFERENCE}/API_ContainerProperties.html")
def test_the_job_has_its_roles_credentials(batch: Batch, queue: str, job_role: str) -> None:
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    definition = batch.define("python", "-c", code, container={"jobRoleArn": job_role})
    [who] = batch.output(queue, definition)
    assert f":assumed-role/{job_role.rsplit('/', 1)[-1]}/" in who


@pytest.mark.source(
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html"
)
def test_a_role_that_is_missing_fails_the_job(batch: Batch, queue: str, job_role: str) -> None:
    role = job_role.rsplit("/", 1)[0] + "/not-there"
    job = batch.run(queue, batch.shell("true", container={"jobRoleArn": role}))
    assert job["status"] == "FAILED"
    assert f"ECS was unable to assume the role '{role}'" in job["statusReason"]


@pytest.mark.source(f"{REFERENCE}/API_ResourceRequirement.html")
def test_more_memory_than_the_limit_ends_the_job(batch: Batch, queue: str) -> None:
    code = "keep = [bytearray(1 << 20) for _ in range(2000)]"
    job = batch.run(queue, batch.define("python", "-c", code))
    assert job["status"] == "FAILED"
    assert job["container"]["exitCode"] == 137
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


@pytest.mark.source(f"{GUIDE}/jobs.html")
def test_files_of_one_job_are_not_there_for_the_next(batch: Batch, queue: str) -> None:
    definition = batch.shell("ls /tmp/mine 2>/dev/null || echo none; touch /tmp/mine")
    assert batch.output(queue, definition) == ["none"]
    assert batch.output(queue, definition) == ["none"]


@pytest.mark.source(f"{REFERENCE}/API_MountPoint.html")
def test_a_volume_is_shown_at_its_mount_point(batch: Batch, queue: str) -> None:
    settings = {
        "volumes": [{"name": "scratch"}],
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/scratch"}],
    }
    definition = batch.shell("echo kept > /scratch/a && cat /scratch/a", container=settings)
    assert batch.output(queue, definition) == ["kept"]
