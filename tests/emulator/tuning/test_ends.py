"""How tuning jobs end, and what they leave."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.tuning.conftest import Tuner, choices
from tests.waiting import eventually


def test_a_training_job_is_told_its_objective(tuner: Tuner) -> None:
    found = tuner.run(jobs=1, parallel=1, Tags=[{"Key": "team", "Value": "delays"}])
    name = found["HyperParameterTuningJobName"]
    (trial,) = tuner.trials(name)
    assert re.fullmatch(rf"{name}-001-[0-9a-f]{{8}}", trial["TrainingJobName"])
    job = tuner.client.describe_training_job(TrainingJobName=trial["TrainingJobName"])
    assert job["TuningJobArn"] == found["HyperParameterTuningJobArn"]
    assert job["HyperParameters"] == trial["TunedHyperParameters"] | {"_tuning_objective_metric": "score"}
    tags = tuner.client.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "delays"}]
    assert trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx(
        next(each["Value"] for each in job["FinalMetricDataList"])
    )
    listed = tuner.client.list_trial_components(TrialName=f"{name}-aws-tuning-job")
    (component,) = listed["TrialComponentSummaries"]
    assert component["TrialComponentName"] == f"{trial['TrainingJobName']}-aws-training-job"


def test_failures_are_counted_and_passed_over(tuner: Tuner) -> None:
    found = tuner.run(strategy="Grid", ranges=choices(kind=["broken", "sound"]), jobs=None, parallel=1)
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    assert found["TrainingJobStatusCounters"] == {
        "Completed": 1,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 1,
        "Stopped": 0,
    }
    assert found["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 0, "Failed": 1}
    (failed,) = tuner.trials(found["HyperParameterTuningJobName"], StatusEquals="Failed")
    assert "x is not liked" in failed["FailureReason"]
    assert failed["ObjectiveStatus"] == "Failed"


def test_five_failures_and_no_success_are_enough(tuner: Tuner) -> None:
    found = tuner.run(jobs=9, parallel=1, static={"fails": "true"})
    assert found["HyperParameterTuningJobStatus"] == "Failed"
    assert found["FailureReason"].startswith("No training job succeeded after 5 attempts.")
    assert found["TrainingJobStatusCounters"]["NonRetryableError"] == 5
    assert "BestTrainingJob" not in found


def test_a_metric_that_never_comes_is_said(tuner: Tuner) -> None:
    found = tuner.run(jobs=2, static={"mute": "true"})
    assert found["HyperParameterTuningJobStatus"] == "Failed"
    assert found["FailureReason"].startswith("No objective metrics found after running 2 training jobs.")
    assert found["TrainingJobStatusCounters"]["Completed"] == 2


def test_stopping_stops_the_training_jobs(tuner: Tuner) -> None:
    name = tuner.start(tuner.request(jobs=4, parallel=2, static={"epochs": "600", "pace": "0.1"}))
    eventually(lambda: tuner.describe(name)["TrainingJobStatusCounters"]["InProgress"] == 2)
    with pytest.raises(ClientError, match="cannot be deleted"):
        tuner.client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    tuner.client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    found = tuner.over(name)
    assert found["HyperParameterTuningJobStatus"] == "Stopped"
    assert [each["TrainingJobStatus"] for each in tuner.trials(name)] == ["Stopped", "Stopped"]
    with pytest.raises(ClientError, match="is in status Stopped"):
        tuner.client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def test_a_target_ends_the_search(tuner: Tuner) -> None:
    found = tuner.run(
        strategy="Grid",
        ranges=choices(x=["0.9", "0.3", "0.8", "0.7"]),
        jobs=None,
        parallel=1,
        config={"TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 0.5}},
    )
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    assert len(tuner.trials(found["HyperParameterTuningJobName"])) == 2


def test_no_improvement_ends_the_search(tuner: Tuner) -> None:
    found = tuner.run(
        strategy="Grid",
        ranges=choices(x=["0.3", "0.9", "0.8", "0.7", "0.6", "0.5"]),
        jobs=None,
        parallel=1,
        config={
            "TuningJobCompletionCriteria": {
                "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}
            }
        },
    )
    assert len(tuner.trials(found["HyperParameterTuningJobName"])) == 4
    assert found["TuningJobCompletionDetails"]["NumberOfTrainingJobsObjectiveNotImproving"] == 3


def test_training_jobs_are_listed_by_their_value(tuner: Tuner) -> None:
    found = tuner.run(strategy="Grid", ranges=choices(x=["0.9", "0.3", "0.6"]), jobs=None)
    name = found["HyperParameterTuningJobName"]
    ordered = tuner.trials(
        name,
        SortBy="FinalObjectiveMetricValue",
        SortOrder="Descending",
        PaginationConfig={"PageSize": 1},
    )
    assert [each["TunedHyperParameters"]["x"] for each in ordered] == ["0.3", "0.6", "0.9"]
    tuner.client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    with pytest.raises(ClientError, match="can't find a tuning job called"):
        tuner.describe(name)
    job = tuner.client.describe_training_job(TrainingJobName=ordered[0]["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Completed"


def test_the_end_is_an_event(tuner: Tuner) -> None:
    events, sqs = tuner.aws.client("events"), tuner.aws.client("sqs")
    url = sqs.create_queue(QueueName="tuned")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "detail-type": ["SageMaker HyperParameter Tuning Job State Change"],
        "detail": {"HyperParameterTuningJobStatus": ["Completed"]},
    }
    events.put_rule(Name="tuned", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="tuned", Targets=[{"Id": "queue", "Arn": queue}])
    found = tuner.run(jobs=1, parallel=1)

    def message() -> Any:
        messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
        return json.loads(messages[0]["Body"]) if messages else None

    told = eventually(message)
    assert told["resources"] == [found["HyperParameterTuningJobArn"]]
    assert told["detail"]["TrainingJobStatusCounters"]["Completed"] == 1
    events.remove_targets(Rule="tuned", Ids=["queue"])
    events.delete_rule(Name="tuned")
