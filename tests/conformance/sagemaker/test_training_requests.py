"""What CreateTrainingJob and its neighbours refuse, when, and in which words; lists; tags; deletion."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import MACHINE, Bucket, Jobs, Refused, error_of

GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"
REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"

pytestmark = pytest.mark.source(f"{REFERENCE}/API_CreateTrainingJob.html")


def test_a_name_is_taken_once(jobs: Jobs) -> None:
    described = jobs.train("pass")
    with pytest.raises(ClientError) as raised:
        jobs.client.create_training_job(**jobs.training(TrainingJobName=described["TrainingJobName"]))
    assert error_of(raised) == (
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region, and a training job with this "
        f"name already exists ({described['TrainingJobArn']})",
    )


def test_a_job_that_is_not_there(jobs: Jobs) -> None:
    for call in (jobs.client.describe_training_job, jobs.client.stop_training_job):
        with pytest.raises(ClientError) as raised:
            call(TrainingJobName="absent")
        assert error_of(raised) == ("ValidationException", "Requested resource not found.")


@pytest.mark.parametrize("name", ["under_score", "-begins", "ends-", "a" * 64, "dot.ted"])
def test_illegal_names(jobs: Jobs, name: str) -> None:
    with pytest.raises(ClientError) as raised:
        jobs.client.create_training_job(**jobs.training(TrainingJobName=name))
    code, message = error_of(raised)
    assert code == "ValidationException"
    assert f"Value '{name}' at 'trainingJobName' failed to satisfy constraint" in message


def test_an_illegal_instance_type(jobs: Jobs, refused: Refused) -> None:
    code, message = refused(jobs.training(ResourceConfig=MACHINE | {"InstanceType": "m5.large"}))
    assert code == "ValidationException"
    assert "Value 'm5.large' at 'resourceConfig.instanceType' failed to satisfy constraint" in message
    assert "Member must satisfy enum value set: " in message


def test_a_role_that_is_not_there(jobs: Jobs, refused: Refused) -> None:
    account = jobs.role.split(":")[4]
    arn = f"arn:aws:iam::{account}:role/absent"
    code, message = refused(jobs.training(RoleArn=arn))
    assert code == "ValidationException"
    assert message.startswith(f"Could not assume role {arn}. Please ensure that the role exists")


@pytest.mark.source("https://github.com/aws/amazon-sagemaker-examples/issues/2489")
def test_an_input_that_is_not_there(jobs: Jobs, refused: Refused, bucket: Bucket) -> None:
    uri = bucket.uri("absent/train")
    code, message = refused(jobs.training(channels=[jobs.channel("train", uri)]))
    assert code == "ValidationException"
    assert message == (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
        "exists in the selected region (us-east-1), that objects exist under that S3 prefix, and that the "
        f'role "{jobs.role}" has "s3:ListBucket" permissions on bucket "{bucket.name}".'
    )


@pytest.mark.source("https://github.com/aws/amazon-sagemaker-examples/issues/2489")
def test_an_input_bucket_that_is_not_there(jobs: Jobs, refused: Refused) -> None:
    code, message = refused(jobs.training(channels=[jobs.channel("train", "s3://absent-zxcvb/train")]))
    assert code == "ValidationException"
    assert message.startswith('No S3 objects found under S3 URL "s3://absent-zxcvb/train" given in input')
    assert message.endswith("Error message from S3: The specified bucket does not exist")


def test_an_output_bucket_that_is_not_there(jobs: Jobs, refused: Refused) -> None:
    code, message = refused(jobs.training(OutputDataConfig={"S3OutputPath": "s3://absent-zxcvb/out"}))
    assert code == "ValidationException"
    assert "absent-zxcvb" in message


def test_either_an_image_or_an_algorithm(jobs: Jobs, refused: Refused) -> None:
    request = jobs.training()
    del request["AlgorithmSpecification"]["TrainingImage"]
    assert refused(request)[0] == "ValidationException"
    both = jobs.training(AlgorithmSpecification={"AlgorithmName": "mine"})
    assert refused(both)[0] == "ValidationException"


@pytest.mark.parametrize(
    "hyperparameters",
    [{f"p{number}": "1" for number in range(101)}, {"k" * 257: "1"}, {"k": "v" * 2501}],
    ids=["too many", "long key", "long value"],
)
def test_hyperparameters_beyond_the_limits(
    jobs: Jobs, refused: Refused, hyperparameters: dict[str, str]
) -> None:
    code, message = refused(jobs.training(HyperParameters=hyperparameters))
    assert code == "ValidationException"
    assert "'hyperParameters" in message


@pytest.mark.source(f"{REFERENCE}/API_Channel.html")
def test_channels_have_names_of_their_own(jobs: Jobs, refused: Refused, bucket: Bucket) -> None:
    uri = bucket.put("twice/a", "1")
    channels = [jobs.channel("train", uri), jobs.channel("train", uri)]
    assert refused(jobs.training(channels=channels))[0] == "ValidationException"


@pytest.mark.source(f"{GUIDE}/model-managed-spot-training.html")
def test_spot_training_needs_a_longest_wait(jobs: Jobs, refused: Refused) -> None:
    code, message = refused(jobs.training(EnableManagedSpotTraining=True))
    assert (code, message.split(".")[0]) == ("ValidationException", "Invalid MaxWaitTimeInSeconds")
    described = jobs.train(
        "pass",
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 300, "MaxWaitTimeInSeconds": 300},
    )
    assert described["TrainingJobStatus"] == "Completed"
    assert described["EnableManagedSpotTraining"] is True


@pytest.mark.source("https://docs.aws.amazon.com/general/latest/gr/sagemaker.html")
@pytest.mark.parametrize("count", [1000, 2_000_000_000])
def test_more_instances_than_the_quota(jobs: Jobs, refused: Refused, count: int) -> None:
    code, message = refused(jobs.training(ResourceConfig=MACHINE | {"InstanceCount": count}))
    assert code == "ResourceLimitExceeded"
    assert message.startswith("The account-level service limit 'ml.m5.large for training job usage' is ")
    assert f" with current utilization of 0 Instances and a request delta of {count} Instances." in message


@pytest.mark.source(f"{REFERENCE}/API_AddTags.html")
def test_tags_are_given_with_the_job(jobs: Jobs) -> None:
    described = jobs.train("pass", Tags=[{"Key": "team", "Value": "blue"}])
    tags = jobs.client.list_tags(ResourceArn=described["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "blue"}]


@pytest.mark.source(f"{REFERENCE}/API_DeleteTrainingJob.html")
def test_only_a_job_that_has_ended_can_be_deleted(jobs: Jobs) -> None:
    name = jobs.start(jobs.training("import time\nwhile True: time.sleep(1)"))
    with pytest.raises(ClientError) as raised:
        jobs.client.delete_training_job(TrainingJobName=name)
    assert error_of(raised)[0] == "ResourceInUse"
    jobs.client.stop_training_job(TrainingJobName=name)
    jobs.over(name)
    jobs.client.delete_training_job(TrainingJobName=name)
    with pytest.raises(ClientError) as raised:
        jobs.client.describe_training_job(TrainingJobName=name)
    assert error_of(raised)[0] == "ValidationException"
    jobs.made.clear()


@pytest.mark.source(f"{REFERENCE}/API_UpdateTrainingJob.html")
def test_the_keep_alive_period_of_a_running_job_can_be_changed(jobs: Jobs) -> None:
    name = jobs.start(
        jobs.training(
            "import time\nwhile True: time.sleep(1)",
            ResourceConfig=MACHINE | {"KeepAlivePeriodInSeconds": 60},
        )
    )
    assert jobs.describe(name)["WarmPoolStatus"]["Status"] == "InUse"
    found = jobs.client.list_training_jobs(NameContains=name, WarmPoolStatusEquals="InUse")
    assert [each["TrainingJobName"] for each in found["TrainingJobSummaries"]] == [name]
    jobs.client.update_training_job(TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 120})
    assert jobs.describe(name)["ResourceConfig"] == MACHINE | {"KeepAlivePeriodInSeconds": 120}
    jobs.client.stop_training_job(TrainingJobName=name)
    described = jobs.over(name)
    assert described["WarmPoolStatus"] == {
        "Status": "Terminated",
        "ResourceRetainedBillableTimeInSeconds": 0,
    }
    with pytest.raises(ClientError) as raised:
        jobs.client.update_training_job(TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 60})
    assert error_of(raised)[0] == "ValidationException"


@pytest.fixture
def listed(jobs: Jobs) -> list[str]:
    """The names of three jobs in the order of their creation: completed, failed, completed."""
    stem = jobs.name("listed")
    for number, script in enumerate(("pass", "raise SystemExit(1)", "pass")):
        jobs.run(jobs.training(script, TrainingJobName=f"{stem}-{number}"))
    return [f"{stem}-{number}" for number in range(3)]


@pytest.mark.source(f"{REFERENCE}/API_ListTrainingJobs.html")
def test_lists_are_filtered_ordered_and_paged(jobs: Jobs, listed: list[str]) -> None:
    stem = listed[0][:-2]

    def names(**request: Any) -> list[str]:
        found = jobs.client.list_training_jobs(**({"NameContains": stem} | request))
        return [each["TrainingJobName"] for each in found["TrainingJobSummaries"]]

    assert names() == listed[::-1]
    assert names(SortOrder="Ascending") == listed
    assert names(SortBy="Name", SortOrder="Ascending") == listed
    assert names(SortBy="Status", SortOrder="Ascending") == [listed[0], listed[2], listed[1]]
    assert names(StatusEquals="Failed") == [listed[1]]
    # Clients send times in whole seconds.
    created, hour = jobs.describe(listed[1])["CreationTime"], timedelta(hours=1)
    for times in ("CreationTime", "LastModifiedTime"):
        assert names(**{f"{times}After": created - hour}) == listed[::-1]
        assert names(**{f"{times}After": created + hour}) == []
        assert names(**{f"{times}Before": created - hour}) == []
        assert names(**{f"{times}Before": created + hour}) == listed[::-1]
    pages = jobs.client.get_paginator("list_training_jobs").paginate(
        NameContains=stem, PaginationConfig={"PageSize": 1}
    )
    assert [each["TrainingJobName"] for page in pages for each in page["TrainingJobSummaries"]] == listed[
        ::-1
    ]


@pytest.mark.source(f"{REFERENCE}/API_TrainingJobSummary.html")
def test_summaries_agree_with_descriptions(jobs: Jobs, listed: list[str]) -> None:
    [summary] = jobs.client.list_training_jobs(NameContains=listed[1])["TrainingJobSummaries"]
    described = jobs.describe(listed[1])
    for member in (
        "TrainingJobName",
        "TrainingJobArn",
        "TrainingJobStatus",
        "CreationTime",
        "LastModifiedTime",
        "TrainingEndTime",
    ):
        assert summary[member] == described[member]


@pytest.mark.source(f"{REFERENCE}/API_ListTrainingJobs.html")
@pytest.mark.parametrize("place", [["x", "y"], [None, "y"], [1.0, 2], "no list"])
def test_a_token_that_nobody_gave_is_an_error(jobs: Jobs, place: object) -> None:
    jobs.start(jobs.training())
    scoped = [["CreationTime", "Descending"], *place] if isinstance(place, list) else place
    token = base64.urlsafe_b64encode(json.dumps(scoped).encode()).decode()
    with pytest.raises(ClientError) as raised:
        jobs.client.list_training_jobs(NextToken=token)
    assert error_of(raised)[0] == "ValidationException"
