"""An emulator with an image whose training is quick and whose objective is known, and tuning jobs on it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mdlc_emulator.launcher import start
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/quick:1"

TRAINING = '''
"""Prints `score=` once for each epoch: 1 - (x - 0.3)^2, less what has not been learned yet."""

import json
import pathlib
import sys
import time

given = json.loads(pathlib.Path("/opt/ml/input/config/hyperparameters.json").read_text())
x, epochs = float(given.get("x", "0.3")), int(given.get("epochs", "1"))
if given.get("fails") == "true" or given.get("kind") == "broken":
    pathlib.Path("/opt/ml/output/failure").write_text("x is not liked")
    sys.exit(1)
for epoch in range(1, epochs + 1):
    if given.get("mute") != "true":
        score = 1 - (x - 0.3) ** 2 - 0.5 / epoch + float(given.get("bonus", "0"))
        print(f"epoch={epoch} score={score:.6f};", flush=True)
    time.sleep(float(given.get("pace", "0")))
pathlib.Path("/opt/ml/model/epochs").write_text(str(epochs))
'''

Members = dict[str, Any]


@dataclass
class Tuner:
    """Tuning jobs of one emulator."""

    aws: Aws
    role: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def client(self) -> Any:
        return self.aws.client("sagemaker")

    def definition(self, **static: str) -> Members:
        return {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=(.*?);"}],
            },
            "StaticHyperParameters": static,
            "RoleArn": self.role,
            "OutputDataConfig": {"S3OutputPath": "s3://tuning/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }

    def request(
        self,
        *,
        strategy: str = "Random",
        ranges: Members | None = None,
        jobs: int | None = 4,
        parallel: int = 2,
        static: dict[str, str] | None = None,
        config: Members | None = None,
        **members: Any,
    ) -> Members:
        """A CreateHyperParameterTuningJob request: x between 0 and 1, the score to be maximized."""
        limits = {"MaxParallelTrainingJobs": parallel} | (
            {"MaxNumberOfTrainingJobs": jobs} if jobs is not None else {}
        )
        return {
            "HyperParameterTuningJobName": f"tune-{next(self.numbers)}",
            "HyperParameterTuningJobConfig": {
                "Strategy": strategy,
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
                "ResourceLimits": limits,
                "ParameterRanges": ranges or continuous("x", "0", "1"),
            }
            | (config or {}),
            "TrainingJobDefinition": self.definition(**(static or {})),
        } | members

    def start(self, request: Members) -> str:
        self.client.create_hyper_parameter_tuning_job(**request)
        return str(request["HyperParameterTuningJobName"])

    def describe(self, name: str) -> Members:
        found: Members = self.client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return found

    def over(self, name: str) -> Members:
        """The description once the status is final."""

        def final() -> Members | None:
            found = self.describe(name)
            return (
                found
                if found["HyperParameterTuningJobStatus"] in ("Completed", "Failed", "Stopped")
                else None
            )

        return eventually(final, within=60) or {}

    def run(self, **options: Any) -> Members:
        """Make a tuning job and wait for its end."""
        return self.over(self.start(self.request(**options)))

    def trials(self, name: str, **options: Any) -> list[Members]:
        """The training jobs of a tuning job, by default in the order in which they were made."""
        pages = self.client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
            HyperParameterTuningJobName=name, **options
        )
        return [each for page in pages for each in page["TrainingJobSummaries"]]

    def tried(self, name: str) -> list[dict[str, str]]:
        return [each["TunedHyperParameters"] for each in self.trials(name)]


def continuous(name: str, low: str, high: str, scale: str = "Linear") -> Members:
    return {
        "ContinuousParameterRanges": [{"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": scale}]
    }


def choices(**values: list[str]) -> Members:
    return {"CategoricalParameterRanges": [{"Name": k, "Values": v} for k, v in values.items()]}


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    directory: Path = tmp_path_factory.mktemp("quick")
    (directory / "code").mkdir()
    (directory / "code" / "train.py").write_text(TRAINING)
    (directory / "mdlc-images.toml").write_text(
        """
[[image]]
uri = "quick"
environment = "algorithms"
train = ["python", "-I", "-S", "/opt/program/train.py"]

[image.mounts]
"/opt/program" = "code"
"""
    )
    emulator = start(settings={"MDLC_IMAGE_RECIPES": str(directory / "mdlc-images.toml")})
    try:
        yield Aws(emulator.endpoint_url)
    finally:
        emulator.stop()


@pytest.fixture(scope="session")
def tuner(quick: Aws) -> Tuner:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    made = quick.client("iam").create_role(RoleName="tuner", AssumeRolePolicyDocument=json.dumps(trust))
    quick.client("s3").create_bucket(Bucket="tuning")
    return Tuner(quick, made["Role"]["Arn"])
