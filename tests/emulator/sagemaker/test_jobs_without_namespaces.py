"""Where containers have no namespaces, a job of one host runs, and what would need them is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.launcher import Instance, start
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.sagemaker.conftest import MACHINE, Bucket, Jobs

TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.fixture(scope="module")
def bare(module_state: Path) -> Iterator[Instance]:
    instance = start(settings={"MDLC_CONTAINERS": "off"})
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def jobs(bare: Instance) -> Jobs:
    aws = Aws(bare.endpoint_url)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    made = aws.client("iam").create_role(RoleName="bare", AssumeRolePolicyDocument=policy)
    bucket = Bucket(aws.client("s3"), "bare-bucket")
    bucket.s3.create_bucket(Bucket=bucket.name)
    return Jobs(aws, made["Role"]["Arn"], bucket)


def test_a_job_finds_its_host_by_a_name_that_is_known(jobs: Jobs) -> None:
    described = jobs.train(
        """
        import json, os, socket
        root = os.environ["SAGEMAKER_BASE_DIR"]
        resources = json.load(open(f"{root}/input/config/resourceconfig.json"))
        socket.gethostbyname(resources["current_host"])
        open(f"{root}/model/hosts", "w").write(",".join(resources["hosts"]))
        """
    )
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    assert jobs.model(described) == {"hosts": b"localhost"}


@pytest.mark.parametrize(
    "changes",
    [{"ResourceConfig": MACHINE | {"InstanceCount": 2}}, {"EnableNetworkIsolation": True}],
    ids=["two hosts", "isolation"],
)
def test_what_needs_namespaces_is_refused(jobs: Jobs, changes: dict[str, object]) -> None:
    with pytest.raises(ClientError, match=r"on this machine\. It has no namespaces for containers"):
        jobs.client.create_training_job(**jobs.training("pass", **changes))
