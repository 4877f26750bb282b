"""Compute environments and job queues: their states, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.batch.conftest import GUIDE, REFERENCE, Batch, refusal

pytestmark = pytest.mark.source(f"{REFERENCE}/API_CreateComputeEnvironment.html")


@pytest.mark.source(f"{REFERENCE}/API_ComputeEnvironmentDetail.html")
def test_an_environment_is_creating_then_valid(batch: Batch) -> None:
    name = batch.environment(8, wait=False, tags={"team": "a"})
    [new] = batch.client.describe_compute_environments(computeEnvironments=[name])["computeEnvironments"]
    assert new["status"] in ("CREATING", "VALID")
    found = batch.settled(name)
    assert (found["status"], found["statusReason"]) == ("VALID", "ComputeEnvironment Healthy")
    assert (found["type"], found["state"]) == ("MANAGED", "ENABLED")
    assert found["computeEnvironmentArn"].endswith(f":compute-environment/{name}")
    assert found["computeResources"]["maxvCpus"] == 8
    assert found["computeResources"]["type"] == "FARGATE"
    assert found["containerOrchestrationType"] == "ECS"
    assert found["tags"] == {"team": "a"}
    assert ":cluster/" in found["ecsClusterArn"]


def test_a_name_is_taken_once(batch: Batch, environment: str) -> None:
    with pytest.raises(ClientError) as error:
        batch.environment(computeEnvironmentName=environment)
    assert refusal(error) == "Object already exists"


@pytest.mark.parametrize(
    "change",
    [
        {"computeEnvironmentName": "-not-a-name"},
        {"computeEnvironmentName": "a" * 129},
        {"computeResources": None},
        {"computeResources": {"maxvCpus": 0}},
        {"computeResources": {"subnets": []}},
        {"computeResources": {"securityGroupIds": []}},
        {"computeResources": {"minvCpus": 1}},
        {"computeResources": {"instanceTypes": ["m5.large"]}},
        {"computeResources": {"type": "EC2"}},
        {"computeResources": {"type": "EC2", "instanceTypes": ["optimal"], "minvCpus": 0}},
        {"type": "UNMANAGED"},
        {"type": "OTHER"},
    ],
)
def test_an_environment_that_makes_no_sense_is_refused(batch: Batch, change: dict[str, Any]) -> None:
    request: dict[str, Any] = {
        "computeEnvironmentName": "never-made",
        "type": "MANAGED",
        "computeResources": {"type": "FARGATE", "maxvCpus": 4, **batch.network},
    }
    for member, value in change.items():
        if isinstance(value, dict):
            request[member] = request[member] | value
        elif value is None:
            del request[member]
        else:
            request[member] = value
    with pytest.raises(ClientError) as error:
        batch.client.create_compute_environment(**request)
    refusal(error)
    found = batch.client.describe_compute_environments(computeEnvironments=["never-made"])
    assert found["computeEnvironments"] == []


@pytest.mark.source(f"{REFERENCE}/API_UpdateComputeEnvironment.html")
def test_an_update_is_seen(batch: Batch) -> None:
    name = batch.environment(4)
    answer = batch.client.update_compute_environment(
        computeEnvironment=name, state="DISABLED", computeResources={"maxvCpus": 32}
    )
    assert answer["computeEnvironmentName"] == name
    found = batch.settled(name)
    assert (found["state"], found["computeResources"]["maxvCpus"]) == ("DISABLED", 32)


@pytest.mark.source(f"{REFERENCE}/API_DeleteComputeEnvironment.html")
def test_only_a_disabled_and_unused_environment_is_deleted(batch: Batch) -> None:
    name = batch.environment()
    client = batch.client
    queue = batch.queue(name)
    with pytest.raises(ClientError) as error:
        client.delete_compute_environment(computeEnvironment=name)
    refusal(error)
    client.update_compute_environment(computeEnvironment=name, state="DISABLED")
    batch.settled(name)
    with pytest.raises(ClientError) as error:
        client.delete_compute_environment(computeEnvironment=name)
    assert refusal(error) == "Cannot delete, found existing JobQueue relationship"
    batch.drop_queue(queue)
    client.delete_compute_environment(computeEnvironment=name)
    batch.environments.remove(name)
    batch.gone(name)


@pytest.mark.source(f"{REFERENCE}/API_DescribeComputeEnvironments.html")
def test_environments_come_in_pages(batch: Batch) -> None:
    made = {batch.environment(wait=False) for _ in range(3)}
    pages = batch.client.get_paginator("describe_compute_environments").paginate(
        PaginationConfig={"PageSize": 1}
    )
    names = [each["computeEnvironmentName"] for page in pages for each in page["computeEnvironments"]]
    assert made <= set(names)
    assert len(names) == len(set(names))
    with pytest.raises(ClientError) as error:
        batch.client.describe_compute_environments(computeEnvironments=sorted(made), maxResults=1)
    assert "ComputeEnvironments and MaxResults cannot both be set" in refusal(error)


@pytest.mark.source(f"{REFERENCE}/API_JobQueueDetail.html")
def test_a_queue_is_described(batch: Batch, environment: str) -> None:
    one, other = environment, batch.environment()
    name = batch.queue(one, other, priority=7, tags={"team": "b"})
    found = batch.queue_settled(name)
    assert (found["state"], found["status"], found["priority"]) == ("ENABLED", "VALID", 7)
    assert found["jobQueueArn"].endswith(f":job-queue/{name}")
    order = sorted(found["computeEnvironmentOrder"], key=lambda each: each["order"])
    assert [each["computeEnvironment"].rsplit("/", 1)[-1] for each in order] == [one, other]
    assert found["tags"] == {"team": "b"}


@pytest.mark.source(f"{REFERENCE}/API_CreateJobQueue.html")
@pytest.mark.parametrize(
    "change",
    [
        {"jobQueueName": "not a name"},
        {"priority": 1001},
        {"priority": -1},
        {"computeEnvironmentOrder": []},
        {"computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "not-there"}]},
        {"schedulingPolicyArn": "arn:aws:batch:us-east-1:000000000000:scheduling-policy/not-there"},
        {
            "jobStateTimeLimitActions": [
                {"reason": "OTHER", "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}
            ]
        },
        {
            "jobStateTimeLimitActions": [
                {
                    "reason": "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
                    "state": "RUNNABLE",
                    "maxTimeSeconds": 599,
                    "action": "CANCEL",
                }
            ]
        },
    ],
)
def test_a_queue_that_makes_no_sense_is_refused(
    batch: Batch, environment: str, change: dict[str, Any]
) -> None:
    order = [{"order": 1, "computeEnvironment": environment}]
    request = {"jobQueueName": "never-made", "priority": 1, "computeEnvironmentOrder": order}
    with pytest.raises(ClientError) as error:
        batch.client.create_job_queue(**(request | change))
    refusal(error)
    assert batch.client.describe_job_queues(jobQueues=["never-made"])["jobQueues"] == []


@pytest.mark.source(f"{REFERENCE}/API_UpdateJobQueue.html")
def test_a_disabled_queue_takes_no_jobs_and_finishes_those_it_has(batch: Batch, environment: str) -> None:
    queue = batch.queue(environment)
    definition = batch.shell("sleep 0.5")
    job_id = batch.submit(queue, definition)
    batch.client.update_job_queue(jobQueue=queue, state="DISABLED", priority=9)
    assert batch.queue_settled(queue)["priority"] == 9
    with pytest.raises(ClientError) as error:
        batch.submit(queue, definition)
    refusal(error)
    assert batch.ended(job_id)["status"] == "SUCCEEDED"


@pytest.mark.source(f"{REFERENCE}/API_DeleteJobQueue.html")
def test_deleting_a_queue_ends_its_jobs(batch: Batch, environment: str) -> None:
    queue = batch.queue(environment)
    job_id = batch.submit(queue, batch.shell("sleep 60"))
    waiting = batch.submit(queue, batch.shell("true"), dependsOn=[{"jobId": job_id}])
    batch.until(job_id, "RUNNING")
    with pytest.raises(ClientError) as error:
        batch.client.delete_job_queue(jobQueue=queue)
    refusal(error)
    batch.drop_queue(queue)
    assert [batch.job(each)["status"] for each in (job_id, waiting)] == ["FAILED", "FAILED"]


@pytest.fixture(scope="module")
def ec2_queue(shared: Batch) -> str:
    resources = {
        "type": "EC2",
        "minvCpus": 0,
        "maxvCpus": 4,
        "instanceTypes": ["optimal"],
        "instanceRole": "ecsInstanceRole",
        **shared.network,
    }
    return shared.queue(shared.environment(computeResources=resources))


WHOLE = {"resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]}


@pytest.mark.source(f"{REFERENCE}/API_ContainerProperties.html")
@pytest.mark.parametrize(
    ("container", "script", "lines"),
    [
        ({}, "echo $AWS_EXECUTION_ENV", ["AWS_ECS_EC2"]),
        ({"ulimits": [{"name": "nofile", "softLimit": 512, "hardLimit": 600}]}, "ulimit -n", ["512"]),
        ({"readonlyRootFilesystem": True}, "touch /etc/x 2>/dev/null || echo not there", ["not there"]),
        ({"linuxParameters": {"sharedMemorySize": 32}}, "df -k /dev/shm | tail -1", None),
        ({"linuxParameters": {"initProcessEnabled": True}}, "echo initialised", ["initialised"]),
    ],
)
def test_an_ec2_environment_gives_containers_what_they_ask_for(
    batch: Batch, ec2_queue: str, container: dict[str, Any], script: str, lines: list[str] | None
) -> None:
    definition = batch.shell(script, container=WHOLE | container, platformCapabilities=["EC2"])
    said = batch.output(ec2_queue, definition)
    if lines is None:
        assert int(said[0].split()[1]) == 32 * 1024
    else:
        assert said == lines


@pytest.mark.source(f"{GUIDE}/when-to-use-fargate.html")
def test_a_fargate_queue_does_not_take_a_job_for_ec2(batch: Batch, queue: str) -> None:
    definition = batch.shell("true", container=WHOLE, platformCapabilities=["EC2"])
    with pytest.raises(ClientError) as error:
        batch.submit(queue, definition)
    assert "can not run Jobs with capability EC2" in refusal(error)


@pytest.mark.source(f"{REFERENCE}/API_TagResource.html")
def test_tags_of_every_resource(batch: Batch, environment: str, queue: str) -> None:
    client = batch.client
    environment = batch.settled(environment)["computeEnvironmentArn"]
    own_queue = batch.queue_settled(queue)["jobQueueArn"]
    job = batch.run(queue, batch.shell("true"))
    for arn in (environment, own_queue, job["jobArn"], job["jobDefinition"]):
        client.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
        client.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert client.list_tags_for_resource(resourceArn=arn)["tags"]["b"] == "2"
        assert "a" not in client.list_tags_for_resource(resourceArn=arn)["tags"]
        client.untag_resource(resourceArn=arn, tagKeys=["b"])
    with pytest.raises(ClientError) as error:
        client.list_tags_for_resource(resourceArn=own_queue + "-other")
    refusal(error)


@pytest.mark.source(f"{GUIDE}/unmanaged-compute-environments.html")
def test_an_unmanaged_environment_without_instances_runs_nothing(batch: Batch, unique: Any) -> None:
    name = unique("unmanaged")
    batch.client.create_compute_environment(computeEnvironmentName=name, type="UNMANAGED")
    batch.environments.append(name)
    found = batch.settled(name)
    assert (found["type"], found["status"]) == ("UNMANAGED", "VALID")
    assert "computeResources" not in found
    queue = batch.queue(name)
    definition = batch.shell("true", container=WHOLE, platformCapabilities=["EC2"])
    job_id = batch.submit(queue, definition)
    assert batch.until(job_id, "RUNNABLE")["attempts"] == []
    batch.client.cancel_job(jobId=job_id, reason="over")
    assert batch.ended(job_id)["statusReason"] == "over"
