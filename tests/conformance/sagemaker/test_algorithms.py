"""Algorithms in the form of AWS Marketplace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import Bucket, Jobs, error_of
from tests.waiting import eventually

REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"

pytestmark = pytest.mark.source(f"{REFERENCE}/API_CreateAlgorithm.html")

Members = dict[str, Any]


def specification(**changes: Any) -> Members:
    return {
        "TrainingImage": XGBOOST,
        "SupportedTrainingInstanceTypes": ["ml.m5.large"],
        "SupportedHyperParameters": [
            {
                "Name": "num_round",
                "Type": "Integer",
                "Range": {"IntegerParameterRangeSpecification": {"MinValue": "1", "MaxValue": "50"}},
                "IsTunable": True,
                "IsRequired": True,
            },
            {"Name": "objective", "Type": "FreeText", "DefaultValue": "reg:squarederror"},
        ],
        "MetricDefinitions": [{"Name": "rmse", "Regex": "validation-rmse:([0-9.]+)"}],
        "SupportedTuningJobObjectiveMetrics": [{"Type": "Minimize", "MetricName": "rmse"}],
        "TrainingChannels": [
            {
                "Name": "train",
                "IsRequired": True,
                "SupportedContentTypes": ["text/csv"],
                "SupportedInputModes": ["File"],
            }
        ],
    } | changes


@pytest.fixture
def made(jobs: Jobs) -> Callable[..., Members]:
    """Create an algorithm and wait until it is Completed or Failed; its description."""

    def create(**members: Any) -> Members:
        name = jobs.name("algorithm")
        asked = {"AlgorithmName": name, "TrainingSpecification": specification()}
        arn = jobs.client.create_algorithm(**(asked | members))["AlgorithmArn"]

        def over() -> Members | None:
            found: Members = jobs.client.describe_algorithm(AlgorithmName=arn)
            return found if found["AlgorithmStatus"] in ("Completed", "Failed") else None

        return eventually(over, within=60) or {}

    return create


def test_an_algorithm_trains(jobs: Jobs, made: Callable[..., Members], bucket: Bucket) -> None:
    algorithm = made()
    assert algorithm["AlgorithmStatus"] == "Completed"
    assert algorithm["AlgorithmStatusDetails"] == {"ValidationStatuses": [], "ImageScanStatuses": []}
    bucket.put("algorithm/rows.csv", "".join(f"{x},{x}\n" for x in range(20)))
    channel = jobs.channel("train", bucket.uri("algorithm/"), ContentType="text/csv")
    asked = jobs.training(
        HyperParameters={"num_round": "2", "objective": "reg:squarederror"},
        InputDataConfig=[channel],
    )
    asked["AlgorithmSpecification"] = {
        "AlgorithmName": algorithm["AlgorithmName"],
        "TrainingInputMode": "File",
    }
    for values, words in (({"num_round": "99"}, "is not within"), ({}, "is required")):
        with pytest.raises(ClientError, match=words):
            jobs.client.create_training_job(**(asked | {"HyperParameters": values}))
    job = jobs.run(asked)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


def test_an_algorithm_of_an_unknown_image_fails(made: Callable[..., Members]) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nobody-knows:1"
    found = made(TrainingSpecification=specification(TrainingImage=image))
    assert found["AlgorithmStatus"] == "Failed"
    (scan,) = found["AlgorithmStatusDetails"]["ImageScanStatuses"]
    assert (scan["Name"], scan["Status"]) == (image, "Failed")


@pytest.mark.source(f"{REFERENCE}/API_AlgorithmValidationSpecification.html")
def test_validation_really_trains(jobs: Jobs, made: Callable[..., Members], bucket: Bucket) -> None:
    bucket.put("broken/rows.csv", "not,a,number\n")
    profile = {
        "ProfileName": "broken",
        "TrainingJobDefinition": {
            "TrainingInputMode": "File",
            "HyperParameters": {"num_round": "1"},
            "InputDataConfig": [
                jobs.channel("train", bucket.uri("broken/"), ContentType="text/csv"),
            ],
            "OutputDataConfig": {"S3OutputPath": bucket.uri("validation")},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        },
    }
    validation = {"ValidationRole": jobs.role, "ValidationProfiles": [profile]}
    found = made(ValidationSpecification=validation)
    assert found["AlgorithmStatus"] == "Failed"
    (status,) = found["AlgorithmStatusDetails"]["ValidationStatuses"]
    assert (status["Name"], status["Status"]) == ("broken", "Failed")
    assert status["FailureReason"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"SupportedHyperParameters": [{"Name": "a", "Type": "FreeText", "IsTunable": True}]},
            "cannot be tunable",
        ),
        ({"SupportedHyperParameters": [{"Name": "a", "Type": "Integer", "IsTunable": True}]}, "have a Range"),
        (
            {"SupportedHyperParameters": [{"Name": "a", "Type": "Integer", "DefaultValue": "x"}]},
            "not of Type",
        ),
        ({"SupportedHyperParameters": [{"Name": "a", "Type": "FreeText"}] * 2}, "must be unique"),
        ({"SupportedTuningJobObjectiveMetrics": [{"Type": "Minimize", "MetricName": "x"}]}, "not one of"),
        ({"MetricDefinitions": [{"Name": "rmse", "Regex": "("}]}, "Invalid regular expression"),
    ],
)
def test_contradictions_are_refused(jobs: Jobs, changes: Members, words: str) -> None:
    name = jobs.name("algorithm")
    with pytest.raises(ClientError, match=words) as raised:
        jobs.client.create_algorithm(AlgorithmName=name, TrainingSpecification=specification(**changes))
    assert error_of(raised)[0] == "ValidationException"
    with pytest.raises(ClientError):
        jobs.client.describe_algorithm(AlgorithmName=name)


@pytest.mark.source(f"{REFERENCE}/API_ListAlgorithms.html")
def test_algorithms_are_listed_and_deleted(jobs: Jobs, made: Callable[..., Members]) -> None:
    name = made(AlgorithmDescription="trees")["AlgorithmName"]
    with pytest.raises(ClientError, match="already exists"):
        jobs.client.create_algorithm(AlgorithmName=name, TrainingSpecification=specification())
    (found,) = jobs.client.list_algorithms(NameContains=name)["AlgorithmSummaryList"]
    assert (found["AlgorithmDescription"], found["AlgorithmStatus"]) == ("trees", "Completed")
    jobs.client.delete_algorithm(AlgorithmName=name)
    assert jobs.client.list_algorithms(NameContains=name)["AlgorithmSummaryList"] == []
