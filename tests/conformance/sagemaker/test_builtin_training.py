"""Built-in algorithms need no script, no entry point and no metric definitions."""

from __future__ import annotations

import random

import pytest

from tests.conformance.sagemaker.conftest import MACHINE, Bucket, Jobs, Members

GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"

pytestmark = pytest.mark.source(f"{GUIDE}/xgboost.html")

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
HYPERPARAMETERS = {"num_round": "3", "objective": "binary:logistic", "eval_metric": "auc"}


def request(jobs: Jobs, bucket: Bucket, hyperparameters: dict[str, str]) -> Members:
    chance = random.Random(1)
    rows = [[chance.random(), chance.random()] for _ in range(60)]
    text = "".join(f"{int(a > b)},{a:.3f},{b:.3f}\n" for a, b in rows)
    uri = bucket.put("builtin/train/rows.csv", text)
    return {
        "TrainingJobName": jobs.name("xgboost"),
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        "RoleArn": jobs.role,
        "HyperParameters": hyperparameters,
        "InputDataConfig": [
            jobs.channel("train", uri, ContentType="text/csv"),
            jobs.channel("validation", uri, ContentType="text/csv"),
        ],
        "OutputDataConfig": {"S3OutputPath": bucket.uri("output")},
        "ResourceConfig": MACHINE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
    }


@pytest.mark.source(f"{GUIDE}/xgboost-tuning.html")
def test_xgboost_trains_and_its_metrics_are_known(jobs: Jobs, bucket: Bucket) -> None:
    described = jobs.run(request(jobs, bucket, HYPERPARAMETERS))
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    assert "xgboost-model" in jobs.model(described)
    metrics = {each["MetricName"]: each["Value"] for each in described["FinalMetricDataList"]}
    assert 0.5 < metrics["validation:auc"] <= 1
    assert 0.5 < metrics["train:auc"] <= 1
    names = [each["Name"] for each in described["AlgorithmSpecification"]["MetricDefinitions"]]
    assert {"validation:auc", "train:auc", "validation:rmse"} <= set(names)


def test_a_wrong_hyperparameter_fails_the_job_not_the_request(jobs: Jobs, bucket: Bucket) -> None:
    described = jobs.run(request(jobs, bucket, HYPERPARAMETERS | {"max_depth": "deep"}))
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith(("ClientError: ", "AlgorithmError: "))
    assert "max_depth" in described["FailureReason"]
    assert described["FailureReason"].endswith("exit code: 1")
