"""What the tests of Batch share: environments and queues that are removed, and jobs that are waited for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide"
REFERENCE = "https://docs.aws.amazon.com/batch/latest/APIReference"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
"""Has a shell and Python; published for everybody in us-east-1."""
SMALL = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
OVER = ("SUCCEEDED", "FAILED")

type Job = dict[str, Any]


def refusal(error: pytest.ExceptionInfo[ClientError]) -> str:
    """The message of a ClientException."""
    details = error.value.response["Error"]
    assert details["Code"] == "ClientException", details
    return str(details["Message"])


@dataclass
class Batch:
    """Batch of one account, and what a test has made of it."""

    aws: Aws
    execution_role: str
    network: dict[str, list[str]]
    environments: list[str] = field(default_factory=list)
    queues: list[str] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)

    @property
    def client(self) -> Any:
        return self.aws.client("batch")

    def environment(self, vcpus: int = 16, *, wait: bool = True, **settings: Any) -> str:
        """A Fargate environment; its name."""
        name = f"e-{uuid.uuid4().hex[:10]}"
        resources = {"type": "FARGATE", "maxvCpus": vcpus, **self.network}
        self.client.create_compute_environment(
            **{"computeEnvironmentName": name, "type": "MANAGED", "computeResources": resources} | settings
        )
        self.environments.append(name)
        if wait:
            self.settled(name)
        return name

    def settled(self, name: str) -> dict[str, Any]:
        """The environment once it is no longer CREATING or UPDATING."""

        def look() -> Any:
            [found] = self.client.describe_compute_environments(computeEnvironments=[name])[
                "computeEnvironments"
            ]
            return found if found["status"] in ("VALID", "INVALID") else None

        found: dict[str, Any] = eventually(look, within=120, every=0.02)
        return found

    def queue(self, *environments: str, priority: int = 1, **settings: Any) -> str:
        """A queue, VALID; its name."""
        name = f"q-{uuid.uuid4().hex[:10]}"
        order = [{"order": i, "computeEnvironment": each} for i, each in enumerate(environments, 1)]
        self.client.create_job_queue(
            jobQueueName=name, priority=priority, computeEnvironmentOrder=order, **settings
        )
        self.queues.append(name)
        self.queue_settled(name)
        return name

    def queue_settled(self, name: str) -> dict[str, Any]:
        def look() -> Any:
            [found] = self.client.describe_job_queues(jobQueues=[name])["jobQueues"]
            return found if found["status"] in ("VALID", "INVALID") else None

        found: dict[str, Any] = eventually(look, within=120, every=0.02)
        return found

    def define(self, *command: str, container: dict[str, Any] | None = None, **settings: Any) -> str:
        """A definition of `command`; its name."""
        name = settings.pop("name", None) or f"d-{uuid.uuid4().hex[:10]}"
        properties = {
            "image": IMAGE,
            "command": list(command),
            "resourceRequirements": SMALL,
            "executionRoleArn": self.execution_role,
            **(container or {}),
        }
        request: dict[str, Any] = {
            "jobDefinitionName": name,
            "type": "container",
            "platformCapabilities": ["FARGATE"],
            "containerProperties": properties,
        }
        made = self.client.register_job_definition(**(request | settings))
        self.definitions.append(made["jobDefinitionArn"])
        return name

    def shell(self, script: str, **settings: Any) -> str:
        return self.define("sh", "-c", script, **settings)

    def submit(self, queue: str, definition: str, **settings: Any) -> str:
        """The id of a new job."""
        request: dict[str, Any] = {"jobName": "job", "jobQueue": queue, "jobDefinition": definition}
        return str(self.client.submit_job(**(request | settings))["jobId"])

    def job(self, job_id: str) -> Job:
        [found] = self.client.describe_jobs(jobs=[job_id])["jobs"]
        described: Job = found
        return described

    def until(self, job_id: str, *statuses: str, within: float = 60.0) -> Job:
        """The job once it is in one of `statuses`."""

        def look() -> Job | None:
            found = self.job(job_id)
            if found["status"] in OVER and found["status"] not in statuses:
                pytest.fail(f"{job_id} is {found['status']}: {found}")
            return found if found["status"] in statuses else None

        found = eventually(look, within=within, every=0.02)
        assert found is not None
        return found

    def ended(self, job_id: str, within: float = 60.0) -> Job:
        return self.until(job_id, *OVER, within=within)

    def run(self, queue: str, definition: str, **settings: Any) -> Job:
        return self.ended(self.submit(queue, definition, **settings))

    def lines(self, job: Job, group: str = "/aws/batch/job") -> list[str]:
        """What the job's last attempt wrote."""
        stream = job["container"]["logStreamName"]
        answer = self.aws.client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True
        )
        return [event["message"] for event in answer["events"]]

    def output(self, queue: str, definition: str, **settings: Any) -> list[str]:
        """The lines of a job that succeeds."""
        job = self.run(queue, definition, **settings)
        assert job["status"] == "SUCCEEDED", job
        return self.lines(job)

    def drop_queue(self, name: str) -> None:
        """Delete a queue of ours, with its jobs; it is gone when this returns."""
        client = self.client
        self.queue_settled(name)
        client.update_job_queue(jobQueue=name, state="DISABLED")
        self.queue_settled(name)
        client.delete_job_queue(jobQueue=name)
        self.queues.remove(name)
        eventually(
            lambda: not client.describe_job_queues(jobQueues=[name])["jobQueues"], within=120, every=0.02
        )

    def drop_environment(self, name: str) -> None:
        """Delete an environment of ours; it is gone when this returns."""
        client = self.client
        if self.settled(name)["state"] == "ENABLED":
            client.update_compute_environment(computeEnvironment=name, state="DISABLED")
            self.settled(name)
        client.delete_compute_environment(computeEnvironment=name)
        self.environments.remove(name)
        self.gone(name)

    def gone(self, name: str) -> None:
        def look() -> bool:
            answer = self.client.describe_compute_environments(computeEnvironments=[name])
            return not answer["computeEnvironments"]

        eventually(look, within=120, every=0.02)

    def remove(self) -> None:
        """Everything that is left, and see that it is gone."""
        for name in list(self.queues):
            self.drop_queue(name)
        for name in list(self.environments):
            self.drop_environment(name)
        for arn in self.definitions:
            self.client.deregister_job_definition(jobDefinition=arn)
        if self.definitions:
            answer = self.client.describe_job_definitions(jobDefinitions=self.definitions)
            assert {each["status"] for each in answer["jobDefinitions"]} == {"INACTIVE"}
        for arn in self.policies:
            self.client.delete_scheduling_policy(arn=arn)


@pytest.fixture(scope="session")
def job_role(aws: Aws) -> Iterator[str]:
    """A role that tasks may assume."""
    iam = aws.client("iam")
    name = f"conformance-batch-{uuid.uuid4().hex[:8]}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    yield arn
    iam.delete_role_policy(RoleName=name, PolicyName="all")
    iam.delete_role(RoleName=name)


@pytest.fixture(scope="session")
def network(aws: Aws, pytestconfig: pytest.Config) -> dict[str, list[str]]:
    """Subnets and security groups: the account's default ones; any on the emulator, which has no network."""
    if pytestconfig.getoption("--aws") != "real":
        return {"subnets": ["subnet-0a1b2c3d"], "securityGroupIds": ["sg-0a1b2c3d"]}
    ec2 = aws.client("ec2")
    default = [{"Name": "default-for-az", "Values": ["true"]}]
    subnets = [each["SubnetId"] for each in ec2.describe_subnets(Filters=default)["Subnets"]]
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])
    return {
        "subnets": subnets,
        "securityGroupIds": [each["GroupId"] for each in groups["SecurityGroups"]],
    }


@pytest.fixture
def batch(aws: Aws, job_role: str, network: dict[str, list[str]]) -> Iterator[Batch]:
    made = Batch(aws, job_role, network)
    yield made
    made.remove()


@pytest.fixture(scope="session")
def shared(aws: Aws, job_role: str, network: dict[str, list[str]]) -> Iterator[Batch]:
    made = Batch(aws, job_role, network)
    yield made
    made.remove()


@pytest.fixture(scope="session")
def environment(shared: Batch) -> str:
    """An environment with room, that no test may change."""
    return shared.environment()


@pytest.fixture(scope="session")
def queue(shared: Batch, environment: str) -> str:
    """A queue of it, that every test may submit to and none may change."""
    return shared.queue(environment)
