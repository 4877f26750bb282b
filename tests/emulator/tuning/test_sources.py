"""What tuning jobs run: algorithms of the account, within the account's limits."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.tuning.conftest import IMAGE, Tuner, choices, continuous
from tests.waiting import eventually


@pytest.fixture(scope="module")
def algorithm(tuner: Tuner) -> str:
    """x is tunable within [0, 1], epochs are not; the score is to be maximized."""
    continuous_range = {"ContinuousParameterRangeSpecification": {"MinValue": "0", "MaxValue": "1"}}
    integer_range = {"IntegerParameterRangeSpecification": {"MinValue": "1", "MaxValue": "9"}}
    tuner.client.create_algorithm(
        AlgorithmName="quick",
        TrainingSpecification={
            "TrainingImage": IMAGE,
            "SupportedTrainingInstanceTypes": ["ml.m5.large"],
            "SupportedHyperParameters": [
                {"Name": "x", "Type": "Continuous", "Range": continuous_range, "IsTunable": True},
                {"Name": "epochs", "Type": "Integer", "Range": integer_range},
            ],
            "MetricDefinitions": [{"Name": "score", "Regex": "score=(.*?);"}],
            "SupportedTuningJobObjectiveMetrics": [{"Type": "Maximize", "MetricName": "score"}],
            "TrainingChannels": [
                {
                    "Name": "train",
                    "SupportedContentTypes": ["text/csv"],
                    "SupportedInputModes": ["File"],
                }
            ],
        },
    )

    def made() -> bool:
        found = tuner.client.describe_algorithm(AlgorithmName="quick")
        return bool(found["AlgorithmStatus"] == "Completed")

    eventually(made)
    return "quick"


def request(tuner: Tuner, algorithm: str, **options: Any) -> dict[str, Any]:
    asked = tuner.request(**options)
    asked["TrainingJobDefinition"]["AlgorithmSpecification"] = {
        "AlgorithmName": algorithm,
        "TrainingInputMode": "File",
    }
    return asked


def test_an_algorithm_of_the_account_is_tuned(tuner: Tuner, algorithm: str) -> None:
    found = tuner.over(tuner.start(request(tuner, algorithm, jobs=2, static={"epochs": "3"})))
    assert found["HyperParameterTuningJobStatus"] == "Completed", found.get("FailureReason")
    assert found["ObjectiveStatusCounters"]["Succeeded"] == 2
    name = found["BestTrainingJob"]["TrainingJobName"]
    job = tuner.client.describe_training_job(TrainingJobName=name)
    assert job["AlgorithmSpecification"]["AlgorithmName"] == algorithm
    assert job["HyperParameters"]["epochs"] == "3"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ranges": continuous("x", "0", "2")}, "is not within"),
        ({"ranges": continuous("epochs", "1", "2")}, "isn't tunable"),
        ({"ranges": choices(x=["0.1", "0.2"]), "jobs": 2}, "a range of type Categorical cannot tune it"),
        ({"static": {"epochs": "99"}}, "is not within"),
        ({"static": {"unknown": "1"}}, "is not supported"),
    ],
)
def test_what_the_algorithm_does_not_allow_is_refused(
    tuner: Tuner, algorithm: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError, match=words) as raised:
        tuner.start(request(tuner, algorithm, **options))
    assert raised.value.response["Error"]["Code"] == "ValidationException"


def test_a_tuning_job_waits_for_the_account_s_instances(tuner: Tuner) -> None:
    """20 instances of a type may run at once; 24 trials are asked for at once."""
    found = tuner.run(jobs=24, parallel=24, static={"pace": "0.2"})
    assert found["HyperParameterTuningJobStatus"] == "Completed", found.get("FailureReason")
    assert found["TrainingJobStatusCounters"]["Completed"] == 24


def test_what_a_definition_says_reaches_its_jobs(tuner: Tuner) -> None:
    """Of several instance configurations the first; checkpoints of each job apart from those of others."""
    asked = tuner.request(jobs=1, parallel=1)
    definition = asked["TrainingJobDefinition"]
    del definition["ResourceConfig"]
    machine = {"InstanceCount": 1, "VolumeSizeInGB": 7}
    definition |= {
        "HyperParameterTuningResourceConfig": {
            "InstanceConfigs": [
                {"InstanceType": "ml.c5.xlarge", **machine},
                {"InstanceType": "ml.m5.large", **machine},
            ],
        },
        "CheckpointConfig": {"S3Uri": "s3://tuning/checkpoints/"},
        "Environment": {"FLAVOUR": "plain"},
        "EnableNetworkIsolation": True,
    }
    found = tuner.over(tuner.start(asked))
    assert found["HyperParameterTuningJobStatus"] == "Completed", found.get("FailureReason")
    name = found["BestTrainingJob"]["TrainingJobName"]
    job = tuner.client.describe_training_job(TrainingJobName=name)
    assert job["ResourceConfig"]["InstanceType"] == "ml.c5.xlarge"
    assert job["ResourceConfig"]["VolumeSizeInGB"] == 7
    assert job["CheckpointConfig"]["S3Uri"] == f"s3://tuning/checkpoints/{name}"
    assert job["Environment"] == {"FLAVOUR": "plain"}
    assert job["EnableNetworkIsolation"] is True
    assert job["OutputDataConfig"]["S3OutputPath"] == "s3://tuning/output"


def test_no_job_is_the_best_of_different_objectives(tuner: Tuner) -> None:
    def definition(name: str, direction: str) -> dict[str, Any]:
        return tuner.definition() | {
            "DefinitionName": name,
            "TuningObjective": {"Type": direction, "MetricName": "score"},
            "HyperParameterRanges": continuous("x", "0", "1"),
        }

    asked = tuner.request(jobs=2)
    del asked["TrainingJobDefinition"]
    config = asked["HyperParameterTuningJobConfig"]
    del config["ParameterRanges"], config["HyperParameterTuningJobObjective"]
    asked["TrainingJobDefinitions"] = [definition("high", "Maximize"), definition("low", "Minimize")]
    found = tuner.over(tuner.start(asked))
    assert found["ObjectiveStatusCounters"]["Succeeded"] == 2
    assert "BestTrainingJob" not in found
