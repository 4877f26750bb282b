"""What workflows that use SageMaker are given: a bucket, a role, and jobs that run a line of shell."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
"""Has a shell and Python; published for everybody in us-east-1."""


@pytest.fixture
def bucket(aws: Aws, unique: Callable[[str], str]) -> str:
    name = unique("sagemaker")
    aws.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def execution_role(aws: Aws, unique: Callable[[str], str]) -> Iterator[str]:
    iam, name = aws.client("iam"), unique("job")
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
    yield iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.delete_role(RoleName=name)


@pytest.fixture
def job(bucket: str, execution_role: str, unique: Callable[[str], str]) -> Callable[..., dict[str, Any]]:
    """`job("echo hello")` -> what CreateTrainingJob is asked for to run that in a shell."""

    def parameters(script: str, **others: Any) -> dict[str, Any]:
        return {
            "TrainingJobName": unique("job"),
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["/bin/sh", "-c"],
                "ContainerArguments": [script],
            },
            "RoleArn": execution_role,
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        } | others

    return parameters
