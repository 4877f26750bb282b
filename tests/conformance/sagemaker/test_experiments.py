"""Experiments, trials, trial components and their metrics."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"

pytestmark = pytest.mark.source(f"{REFERENCE}/API_CreateExperiment.html")


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws.client("sagemaker")


@pytest.fixture
def experiment(client: Any, unique: Callable[[str], str]) -> str:
    name = unique("Experiment")
    client.create_experiment(ExperimentName=name, Description="trees")
    return name


@pytest.fixture
def trial(client: Any, experiment: str, unique: Callable[[str], str]) -> str:
    name = unique("Trial")
    client.create_trial(TrialName=name, ExperimentName=experiment)
    return name


@pytest.fixture
def component(client: Any, unique: Callable[[str], str]) -> str:
    name = unique("component")
    client.create_trial_component(TrialComponentName=name)
    return name


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_an_experiment_is_described(client: Any, experiment: str) -> None:
    found = client.describe_experiment(ExperimentName=experiment)
    assert found["ExperimentName"] == experiment
    assert found["DisplayName"] == experiment
    assert found["Description"] == "trees"
    assert found["ExperimentArn"].endswith(f":experiment/{experiment.lower()}")


def test_an_experiment_is_updated(client: Any, experiment: str) -> None:
    client.update_experiment(ExperimentName=experiment, DisplayName="Forests")
    found = client.describe_experiment(ExperimentName=experiment)
    assert (found["DisplayName"], found["Description"]) == ("Forests", "trees")
    assert found["LastModifiedTime"] >= found["CreationTime"]


@pytest.mark.source(
    "https://github.com/aws/sagemaker-python-sdk/blob/v2.200.0/src/sagemaker/experiments/experiment.py"
)
def test_a_name_is_taken_once(client: Any, experiment: str) -> None:
    """The SDK's load-or-create looks for this code and these words."""
    with pytest.raises(ClientError, match="already exists") as error:
        client.create_experiment(ExperimentName=experiment)
    assert code(error) == "ValidationException"


@pytest.mark.source(f"{REFERENCE}/API_DescribeExperiment.html")
def test_what_is_missing_is_not_found(client: Any) -> None:
    for call in (
        lambda: client.describe_experiment(ExperimentName="missing"),
        lambda: client.describe_trial(TrialName="missing"),
        lambda: client.describe_trial_component(TrialComponentName="missing"),
        lambda: client.create_trial(TrialName="t", ExperimentName="missing"),
        lambda: client.list_trials(ExperimentName="missing"),
        lambda: client.list_trial_components(TrialName="missing"),
        lambda: client.update_trial(TrialName="missing"),
        lambda: client.delete_experiment(ExperimentName="missing"),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert code(error) == "ResourceNotFound"


@pytest.mark.source(f"{REFERENCE}/API_CreateTrial.html")
def test_a_trial_is_described_updated_and_listed(client: Any, experiment: str, trial: str) -> None:
    client.update_trial(TrialName=trial, DisplayName="Trees")
    found = client.describe_trial(TrialName=trial)
    assert (found["TrialName"], found["DisplayName"]) == (trial, "Trees")
    assert found["ExperimentName"] == experiment
    assert found["TrialArn"].endswith(f":experiment-trial/{trial.lower()}")
    listed = client.list_trials(ExperimentName=experiment)["TrialSummaries"]
    assert [(each["TrialName"], each["DisplayName"]) for each in listed] == [(trial, "Trees")]


@pytest.mark.source(f"{REFERENCE}/API_AddTags.html")
def test_experiments_have_tags(client: Any, experiment: str) -> None:
    arn = client.describe_experiment(ExperimentName=experiment)["ExperimentArn"]
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "delays"}])
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "delays"}]


@pytest.mark.source("https://github.com/aws/sagemaker-python-sdk/pull/1515")
def test_what_is_linked_is_not_deleted(client: Any, experiment: str, trial: str, component: str) -> None:
    client.associate_trial_component(TrialName=trial, TrialComponentName=component)
    with pytest.raises(ClientError, match="is linked to 1 or more trials and cannot be deleted") as error:
        client.delete_trial_component(TrialComponentName=component)
    assert code(error) == "ValidationException"
    with pytest.raises(ClientError, match="cannot be deleted"):
        client.delete_trial(TrialName=trial)
    with pytest.raises(ClientError, match="cannot be deleted"):
        client.delete_experiment(ExperimentName=experiment)
    client.disassociate_trial_component(TrialName=trial, TrialComponentName=component)
    client.delete_trial_component(TrialComponentName=component)
    client.delete_trial(TrialName=trial)
    client.delete_experiment(ExperimentName=experiment)
    with pytest.raises(ClientError):
        client.describe_experiment(ExperimentName=experiment)


@pytest.mark.source(f"{REFERENCE}/API_ListTrialComponents.html")
def test_components_are_listed_by_trial_experiment_and_source(
    client: Any, experiment: str, trial: str, component: str
) -> None:
    client.associate_trial_component(TrialName=trial, TrialComponentName=component)

    def names(**filters: str) -> list[str]:
        found = client.list_trial_components(**filters)["TrialComponentSummaries"]
        return [each["TrialComponentName"] for each in found]

    assert names(TrialName=trial) == [component]
    assert names(ExperimentName=experiment) == [component]
    assert names(SourceArn="arn:aws:sagemaker:us-east-1:000000000000:training-job/none") == []
    with pytest.raises(ClientError, match="only one of"):
        names(TrialName=trial, ExperimentName=experiment)
    by_component = client.list_trials(TrialComponentName=component)["TrialSummaries"]
    assert [each["TrialName"] for each in by_component] == [trial]


@pytest.mark.source(f"{REFERENCE}/API_UpdateTrialComponent.html")
def test_entries_of_a_component_are_added_replaced_and_removed(client: Any, component: str) -> None:
    client.update_trial_component(
        TrialComponentName=component,
        Status={"PrimaryStatus": "InProgress"},
        Parameters={"eta": {"NumberValue": 0.1}, "booster": {"StringValue": "gbtree"}},
        InputArtifacts={"train": {"Value": "s3://bucket/train", "MediaType": "text/csv"}},
    )
    client.update_trial_component(
        TrialComponentName=component,
        Parameters={"eta": {"NumberValue": 0.2}},
        ParametersToRemove=["booster"],
        OutputArtifacts={"model": {"Value": "s3://bucket/model"}},
        InputArtifactsToRemove=["train"],
    )
    found = client.describe_trial_component(TrialComponentName=component)
    assert found["Parameters"] == {"eta": {"NumberValue": 0.2}}
    assert found["OutputArtifacts"] == {"model": {"Value": "s3://bucket/model"}}
    assert "InputArtifacts" not in found
    assert found["Status"] == {"PrimaryStatus": "InProgress"}


@pytest.mark.source(f"{REFERENCE}/API_ListExperiments.html")
def test_lists_are_filtered_sorted_and_paged(client: Any, unique: Callable[[str], str]) -> None:
    names = sorted(unique("listed") for _ in range(5))
    for name in names:
        client.create_experiment(ExperimentName=name)
    pages = client.get_paginator("list_experiments").paginate(
        SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    found = [each["ExperimentName"] for page in pages for each in page["ExperimentSummaries"]]
    assert found == sorted(found)
    assert set(names) <= set(found)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert client.list_experiments(CreatedAfter=tomorrow)["ExperimentSummaries"] == []


@pytest.mark.source(f"{REFERENCE}/API_metrics_BatchPutMetrics.html")
def test_metrics_of_a_component(client: Any, aws: Aws, component: str) -> None:
    metrics = aws.client("sagemaker-metrics")
    start = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
    values = [0.9, 0.5, 0.7]
    answer = metrics.batch_put_metrics(
        TrialComponentName=component,
        MetricData=[
            {
                "MetricName": "loss",
                "Timestamp": start + timedelta(seconds=40 * step),
                "Step": step,
                "Value": value,
            }
            for step, value in enumerate(values)
        ],
    )
    assert not answer.get("Errors")
    arn = client.describe_trial_component(TrialComponentName=component)["TrialComponentArn"]
    (summary,) = client.describe_trial_component(TrialComponentName=component)["Metrics"]
    assert summary["MetricName"] == "loss"
    assert (summary["Min"], summary["Max"], summary["Last"], summary["Count"]) == (0.5, 0.9, 0.7, 3)
    assert summary["Avg"] == pytest.approx(0.7)
    by_step, by_minute, wrong = metrics.batch_get_metrics(
        MetricQueries=[
            {
                "MetricName": "loss",
                "ResourceArn": arn,
                "MetricStat": "Last",
                "Period": "IterationNumber",
                "XAxisType": "IterationNumber",
            },
            {
                "MetricName": "loss",
                "ResourceArn": arn,
                "MetricStat": "Max",
                "Period": "OneMinute",
                "XAxisType": "Timestamp",
            },
            {
                "MetricName": "loss",
                "ResourceArn": f"{arn}-missing",
                "MetricStat": "Max",
                "Period": "OneMinute",
                "XAxisType": "Timestamp",
            },
        ]
    )["MetricQueryResults"]
    assert (by_step["Status"], by_step["XAxisValues"]) == ("Complete", [0, 1, 2])
    assert by_step["MetricValues"] == values
    minute = int(start.timestamp())
    assert (by_minute["XAxisValues"], by_minute["MetricValues"]) == ([minute, minute + 60], [0.9, 0.7])
    assert wrong["Status"] == "ValidationError"


@pytest.mark.source(
    "https://github.com/aws/sagemaker-python-sdk/blob/v2.200.0/src/sagemaker/experiments/_metrics.py"
)
def test_the_sdk_writes_seconds_as_text(client: Any, aws: Aws, component: str) -> None:
    answer = aws.client("sagemaker-metrics").batch_put_metrics(
        TrialComponentName=component,
        MetricData=[{"MetricName": "auc", "Timestamp": "1714564800", "Step": 1, "Value": 0.5}],
    )
    assert not answer.get("Errors")
    (metric,) = client.describe_trial_component(TrialComponentName=component)["Metrics"]
    assert metric["TimeStamp"] == datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.source(f"{REFERENCE}/API_metrics_BatchPutMetricsError.html")
def test_metrics_of_no_component_are_refused_one_by_one(aws: Aws) -> None:
    answer = aws.client("sagemaker-metrics").batch_put_metrics(
        TrialComponentName="no-such-component",
        MetricData=[{"MetricName": "loss", "Timestamp": datetime.now(UTC), "Value": 1.0}],
    )
    assert answer["Errors"] == [{"Code": "VALIDATION_ERROR", "MetricIndex": 0}]
