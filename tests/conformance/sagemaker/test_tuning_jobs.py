"""Hyperparameter tuning jobs of the built-in xgboost."""

from __future__ import annotations

import copy
import random
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import MACHINE, Bucket, Jobs, error_of
from tests.waiting import eventually

REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
OWN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"

pytestmark = pytest.mark.source(f"{REFERENCE}/API_CreateHyperParameterTuningJob.html")

Members = dict[str, Any]


@pytest.fixture(scope="module")
def rows(bucket: Bucket) -> Bucket:
    """Label first: whether two numbers add up to more than 1."""
    draw = random.Random(4)
    points = [(draw.random(), draw.random()) for _ in range(300)]
    text = "".join(f"{int(x + y > 1)},{x:.4f},{y:.4f}\n" for x, y in points)
    bucket.put("train/rows.csv", text)
    bucket.put("validation/rows.csv", text)
    return bucket


@pytest.fixture
def request_of(rows: Bucket, sagemaker_role: str) -> Members:
    """A request that would be taken; nothing of it has been made."""

    def channel(name: str) -> Members:
        source = {"S3DataType": "S3Prefix", "S3Uri": rows.uri(f"{name}/")}
        return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}

    return {
        "HyperParameterTuningJobName": f"tune-{uuid.uuid4().hex[:10]}",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5", "ScalingType": "Logarithmic"}
                ],
                "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "5"}],
            },
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
            "StaticHyperParameters": {"objective": "binary:logistic", "num_round": "5"},
            "RoleArn": sagemaker_role,
            "InputDataConfig": [channel("train"), channel("validation")],
            "OutputDataConfig": {"S3OutputPath": rows.uri("output")},
            "ResourceConfig": MACHINE,
            "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        },
    }


def run(client: Any, request: Members) -> Members:
    client.create_hyper_parameter_tuning_job(**request)
    name = request["HyperParameterTuningJobName"]

    def over() -> Members | None:
        found = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return found if found["HyperParameterTuningJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return eventually(over, within=120) or {}


@pytest.mark.source(f"{GUIDE}/xgboost-tuning.html")
def test_xgboost_is_tuned(jobs: Jobs, request_of: Members) -> None:
    client = jobs.client
    found = run(client, request_of)
    name = found["HyperParameterTuningJobName"]
    assert found["HyperParameterTuningJobStatus"] == "Completed", found.get("FailureReason")
    assert found["TrainingJobStatusCounters"]["Completed"] == 2
    assert found["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 0}
    assert found["HyperParameterTuningEndTime"] >= found["CreationTime"]
    ordered = client.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, SortBy="FinalObjectiveMetricValue", SortOrder="Descending"
    )["TrainingJobSummaries"]
    best = found["BestTrainingJob"]
    assert best == ordered[0]
    metric = best["FinalHyperParameterTuningJobObjectiveMetric"]
    assert metric["MetricName"] == "validation:auc"
    assert 0.8 < metric["Value"] <= 1
    for trial in ordered:
        assert 0.1 <= float(trial["TunedHyperParameters"]["eta"]) <= 0.5
        assert 1 <= int(trial["TunedHyperParameters"]["max_depth"]) <= 5
    job = client.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert job["HyperParameters"]["_tuning_objective_metric"] == "validation:auc"
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith(
        f"{best['TrainingJobName']}/output/model.tar.gz"
    )
    listed = client.list_hyper_parameter_tuning_jobs(NameContains=name, StatusEquals="Completed")
    (summary,) = listed["HyperParameterTuningJobSummaries"]
    assert (summary["Strategy"], summary["ResourceLimits"]["MaxNumberOfTrainingJobs"]) == ("Random", 2)
    (record,) = client.search(
        Resource="HyperParameterTuningJob",
        SearchExpression={"Filters": [{"Name": "HyperParameterTuningJobName", "Value": name}]},
    )["Results"]
    assert record["HyperParameterTuningJob"]["BestTrainingJob"]["TrainingJobName"] == best["TrainingJobName"]
    with pytest.raises(ClientError) as raised:
        client.create_hyper_parameter_tuning_job(**request_of)
    assert error_of(raised)[0] == "ResourceInUse"
    with pytest.raises(ClientError) as raised:
        client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert error_of(raised)[0] == "ValidationException"
    client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert not client.list_hyper_parameter_tuning_jobs(NameContains=name)["HyperParameterTuningJobSummaries"]


@pytest.mark.long
@pytest.mark.source(f"{GUIDE}/automatic-model-tuning-how-it-works.html")
def test_eight_trials_by_bayesian_search(jobs: Jobs, request_of: Members) -> None:
    config = request_of["HyperParameterTuningJobConfig"]
    config |= {"Strategy": "Bayesian", "RandomSeed": 1}
    config["ResourceLimits"]["MaxNumberOfTrainingJobs"] = 8
    found = run(jobs.client, request_of)
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    assert found["ObjectiveStatusCounters"]["Succeeded"] == 8


@pytest.mark.source("https://github.com/aws/amazon-sagemaker-examples/issues/1540")
def test_a_missing_tuning_job_is_not_found(jobs: Jobs) -> None:
    for operation in (
        "describe_hyper_parameter_tuning_job",
        "stop_hyper_parameter_tuning_job",
        "delete_hyper_parameter_tuning_job",
        "list_training_jobs_for_hyper_parameter_tuning_job",
    ):
        with pytest.raises(ClientError) as raised:
            getattr(jobs.client, operation)(HyperParameterTuningJobName="missing")
        code, message = error_of(raised)
        assert code == "ResourceNotFound"
        assert message == "Amazon SageMaker can't find a tuning job called missing. Type another name."


def changed(request: Members, path: str, value: Any) -> Members:
    """The request with the member at `path` ("a.b.0.c") replaced, or taken away by None."""
    result = copy.deepcopy(request)
    *way, last = path.split(".")
    inside: Any = result
    for step in way:
        inside = inside[int(step)] if isinstance(inside, list) else inside[step]
    if value is None:
        del inside[last]
    else:
        inside[int(last) if isinstance(inside, list) else last] = value
    return result


CONFIG = "HyperParameterTuningJobConfig"
RANGES = f"{CONFIG}.ParameterRanges"
DEFINITION = "TrainingJobDefinition"
TOO_FEW = "https://github.com/aws/amazon-sagemaker-operator-for-k8s/issues/123"
METRIC = "https://github.com/aws/amazon-sagemaker-examples/issues/1207"

REFUSED = [
    (f"{CONFIG}.HyperParameterTuningJobObjective.MetricName", "validation:beauty", "isn't valid for the"),
    (f"{CONFIG}.HyperParameterTuningJobObjective.Type", "Minimize", "objective metric type, [Minimize]"),
    (
        f"{DEFINITION}.AlgorithmSpecification.TrainingImage",
        OWN,
        "Provide a metric in the metric definitions.",
    ),
    (
        f"{DEFINITION}.AlgorithmSpecification.MetricDefinitions",
        [{"Name": "auc", "Regex": "auc:(.*)"}],
        "You can't override the metric definitions for Amazon SageMaker algorithms.",
    ),
    (f"{RANGES}.ContinuousParameterRanges.0.Name", "seed", "isn't tunable for the"),
    (f"{RANGES}.ContinuousParameterRanges.0.Name", "max_depth", "more than one range"),
    (f"{RANGES}.ContinuousParameterRanges.0.MaxValue", "0.01", "greater than its maximum value"),
    (f"{RANGES}.ContinuousParameterRanges.0.MinValue", "0", "values greater than 0"),
    (f"{RANGES}.ContinuousParameterRanges.0.MaxValue", "2", "is not within"),
    (f"{RANGES}.ContinuousParameterRanges.0.Name", "num_round", "is both static and tuned"),
    (RANGES, {}, "At least one hyperparameter range"),
    (f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs", 3, "must be less than or equal to"),
    (f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs", None, "MaxNumberOfTrainingJobs is required"),
    (f"{CONFIG}.Strategy", "Grid", "supports only categorical"),
    (f"{CONFIG}.Strategy", "Hyperband", "MaxResource"),
    (f"{CONFIG}.StrategyConfig", {"HyperbandStrategyConfig": {"MinResource": 1}}, "only if Hyperband"),
    (f"{DEFINITION}.StaticHyperParameters.nonsense", "1", "isn't valid for the"),
    (f"{DEFINITION}.RoleArn", "arn:aws:iam::000000000000:role/missing", "Could not assume role"),
    (f"{CONFIG}.HyperParameterTuningJobObjective", None, "HyperParameterTuningJobObjective is required"),
    (DEFINITION, None, "either TrainingJobDefinition or TrainingJobDefinitions"),
    (
        "WarmStartConfig",
        {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "missing"}],
            "WarmStartType": "TransferLearning",
        },
        "can't find the parent",
    ),
    pytest.param(
        RANGES,
        {"IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "3", "MaxValue": "3"}]},
        "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter "
        "combinations for the provided ranges [1.0] must be equal or greater than the value of "
        "MaxNumberOfJobs, [2]. Provide additional ranges.",
        marks=pytest.mark.source(TOO_FEW),
    ),
]


@pytest.mark.source(METRIC)
@pytest.mark.parametrize(("path", "value", "words"), REFUSED)
def test_bad_requests_are_refused(jobs: Jobs, request_of: Members, path: str, value: Any, words: str) -> None:
    request = changed(request_of, path, value)
    with pytest.raises(ClientError) as raised:
        jobs.client.create_hyper_parameter_tuning_job(**request)
    code, message = error_of(raised)
    assert code == "ValidationException"
    assert words in message
    name = request["HyperParameterTuningJobName"]
    assert not jobs.client.list_hyper_parameter_tuning_jobs(NameContains=name)[
        "HyperParameterTuningJobSummaries"
    ]


@pytest.mark.source(f"{REFERENCE}/API_StopHyperParameterTuningJob.html")
def test_a_tuning_job_is_stopped(jobs: Jobs, request_of: Members) -> None:
    client, name = jobs.client, request_of["HyperParameterTuningJobName"]
    request_of["TrainingJobDefinition"]["StaticHyperParameters"]["num_round"] = "100000"
    client.create_hyper_parameter_tuning_job(**request_of)
    eventually(
        lambda: client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)[
            "TrainingJobSummaries"
        ]
    )
    client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)

    def status() -> str:
        found = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return str(found["HyperParameterTuningJobStatus"])

    assert status() in ("Stopping", "Stopped")
    eventually(lambda: status() == "Stopped", within=60)
