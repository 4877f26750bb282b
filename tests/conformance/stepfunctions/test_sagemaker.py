"""SageMaker's own integration: jobs that a workflow waits for, and what it makes of their ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

from .conftest import GUIDE, Workflows
from .sagemaker import IMAGE, bucket, execution_role, job

__all__ = ["bucket", "execution_role", "job"]

pytestmark = [
    pytest.mark.source(f"{GUIDE}/connect-sagemaker.html"),
    pytest.mark.source(f"{GUIDE}/connect-to-resource.html"),
]

SYNC = "arn:aws:states:::sagemaker:createTrainingJob.sync"


def test_a_job_is_waited_for_and_described(
    workflows: Workflows, aws: Aws, job: Callable[..., dict[str, Any]]
) -> None:
    """The output is the job's description: members by SageMaker's names, times in milliseconds, and the tags
    that mark who started it."""
    asked = job("echo trained > /opt/ml/model/model.txt", Tags=[{"Key": "team", "Value": "delays"}])
    before = time.time()
    outcome = workflows.run({"Train": {"Type": "Task", "Resource": SYNC, "Parameters": asked}})
    assert outcome.status == "SUCCEEDED", outcome
    found = outcome.output
    described = aws.client("sagemaker").describe_training_job(TrainingJobName=asked["TrainingJobName"])
    assert found["TrainingJobStatus"] == "Completed"
    assert found["TrainingJobArn"] == described["TrainingJobArn"]
    assert found["ModelArtifacts"] == described["ModelArtifacts"]
    assert found["ResourceConfig"] == asked["ResourceConfig"]
    assert found["CreationTime"] == round(described["CreationTime"].timestamp() * 1000)
    assert before * 1000 - 5000 < found["CreationTime"] < found["TrainingEndTime"]
    assert found["Tags"] == {
        "AWS_STEP_FUNCTIONS_EXECUTION_ARN": outcome.arn,
        "MANAGED_BY_AWS": "STARTED_BY_STEP_FUNCTIONS",
        "team": "delays",
    }
    types = outcome.event_types()
    assert types == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    submitted = next(event for event in outcome.history() if event["type"] == "TaskSubmitted")
    details = submitted["taskSubmittedEventDetails"]
    assert (details["resourceType"], details["resource"]) == ("sagemaker", "createTrainingJob.sync")
    answer = json.loads(details["output"])
    assert answer["TrainingJobArn"] == described["TrainingJobArn"]
    assert answer["SdkHttpMetadata"]["HttpStatusCode"] == 200


def test_jobs_of_a_map_run_side_by_side_and_jsonata_reads_their_descriptions(
    workflows: Workflows, job: Callable[..., dict[str, Any]]
) -> None:
    asked = job("hostname > /opt/ml/model/host")
    asked["TrainingJobName"] = f"{{% '{asked['TrainingJobName']}-' & $states.input %}}"
    train = {
        "Type": "Task",
        "Resource": SYNC,
        "Arguments": asked,
        "Output": {
            "name": "{% $states.result.TrainingJobName %}",
            "seconds": "{% ($states.result.TrainingEndTime - $states.result.CreationTime) / 1000 %}",
        },
        "End": True,
    }
    processor = {
        "ProcessorConfig": {"Mode": "INLINE"},
        "StartAt": "Train",
        "States": {"Train": train},
    }
    outcome = workflows.run(
        {"Each": {"Type": "Map", "Items": ["a", "b", "c"], "ItemProcessor": processor}},
        QueryLanguage="JSONata",
    )
    assert outcome.status == "SUCCEEDED", outcome
    assert [one["name"][-2:] for one in outcome.output] == ["-a", "-b", "-c"]
    assert all(0 < one["seconds"] < 60 for one in outcome.output)


def test_a_failed_job_fails_its_task_with_the_jobs_reason(
    workflows: Workflows, job: Callable[..., dict[str, Any]]
) -> None:
    asked = job("echo 'no column delay' > /opt/ml/output/failure; exit 1")
    catch = [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "Done"}]
    outcome = workflows.run(
        {
            "Train": {"Type": "Task", "Resource": SYNC, "Parameters": asked, "Catch": catch},
            "Done": {"Type": "Pass"},
        }
    )
    assert outcome.status == "SUCCEEDED", outcome
    assert outcome.output["error"]["Error"] == "States.TaskFailed"
    cause = json.loads(outcome.output["error"]["Cause"])
    assert cause["TrainingJobStatus"] == "Failed"
    assert "no column delay" in cause["FailureReason"]
    assert cause["TrainingJobName"] == asked["TrainingJobName"]


def test_without_sync_the_next_state_runs_at_once(
    workflows: Workflows, aws: Aws, job: Callable[..., dict[str, Any]]
) -> None:
    asked = job("sleep 60")
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob",
        "Parameters": asked,
    }
    outcome = workflows.run({"Train": state})
    assert outcome.status == "SUCCEEDED", outcome
    client, name = aws.client("sagemaker"), asked["TrainingJobName"]
    described = client.describe_training_job(TrainingJobName=name)
    assert outcome.output["TrainingJobArn"] == described["TrainingJobArn"]
    assert set(outcome.output) == {"TrainingJobArn", "SdkHttpMetadata", "SdkResponseMetadata"}
    assert described["TrainingJobStatus"] == "InProgress"
    assert client.list_tags(ResourceArn=described["TrainingJobArn"])["Tags"] == []
    client.stop_training_job(TrainingJobName=name)


def test_stopping_the_execution_stops_the_job(
    workflows: Workflows, aws: Aws, job: Callable[..., dict[str, Any]]
) -> None:
    asked = job("sleep 600")
    definition = {
        "StartAt": "Train",
        "States": {"Train": {"Type": "Task", "Resource": SYNC, "Parameters": asked, "End": True}},
    }
    execution = workflows.start(workflows.make(definition))
    client, name = aws.client("sagemaker"), asked["TrainingJobName"]

    def status() -> str | None:
        try:
            return str(client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"])
        except ClientError:
            return None

    eventually(lambda: status() == "InProgress", within=20)
    workflows.client.stop_execution(executionArn=execution)
    eventually(lambda: status() == "Stopped", within=30)


def test_a_task_that_times_out_stops_its_job(
    workflows: Workflows, aws: Aws, job: Callable[..., dict[str, Any]]
) -> None:
    asked = job("sleep 600")
    outcome = workflows.run(
        {"Train": {"Type": "Task", "Resource": SYNC, "Parameters": asked, "TimeoutSeconds": 1}}
    )
    assert (outcome.status, outcome.error) == ("FAILED", "States.Timeout")
    client = aws.client("sagemaker")
    eventually(
        lambda: (
            client.describe_training_job(TrainingJobName=asked["TrainingJobName"])["TrainingJobStatus"]
            == "Stopped"
        ),
        within=30,
    )


def test_a_stopped_job_fails_its_task(
    workflows: Workflows, aws: Aws, job: Callable[..., dict[str, Any]]
) -> None:
    asked = job("sleep 600")
    definition = {
        "StartAt": "Train",
        "States": {"Train": {"Type": "Task", "Resource": SYNC, "Parameters": asked, "End": True}},
    }
    execution = workflows.start(workflows.make(definition))
    client = aws.client("sagemaker")

    def stopped() -> bool:
        try:
            client.stop_training_job(TrainingJobName=asked["TrainingJobName"])
        except ClientError:
            return False
        return True

    eventually(stopped, within=20)
    outcome = workflows.outcome(execution, within=40)
    assert (outcome.status, outcome.error) == ("FAILED", "States.TaskFailed")
    assert json.loads(outcome.cause or "{}")["TrainingJobStatus"] == "Stopped"


@pytest.mark.parametrize(
    ("error", "change"),
    [
        ("SageMaker.AmazonSageMakerException", {"RoleArn": "arn:aws:iam::000000000000:role/nobody"}),
        ("SageMaker.AmazonSageMakerException", {"TrainingJobName": "not_a_name"}),
        ("SageMaker.ResourceInUseException", {}),
        (
            "SageMaker.ResourceLimitExceededException",
            {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2000, "VolumeSizeInGB": 5}},
        ),
    ],
)
def test_errors_have_the_names_that_retry_and_catch_know(
    workflows: Workflows,
    aws: Aws,
    job: Callable[..., dict[str, Any]],
    error: str,
    change: dict[str, Any],
) -> None:
    asked = job("exit 0")
    if not change:
        aws.client("sagemaker").create_training_job(**asked)
    outcome = workflows.run({"Train": {"Type": "Task", "Resource": SYNC, "Parameters": asked | change}})
    assert (outcome.status, outcome.error) == ("FAILED", error), outcome
    assert "(Service: AmazonSageMaker; Status Code: 400; Error Code: " in (outcome.cause or "")


def test_a_member_that_sagemaker_does_not_have_fails_at_run_time(
    workflows: Workflows, job: Callable[..., dict[str, Any]]
) -> None:
    asked = job("exit 0") | {"S3Operations": {}}
    outcome = workflows.run({"Train": {"Type": "Task", "Resource": SYNC, "Parameters": asked}})
    assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
    assert "S3Operations" in (outcome.cause or "")


@pytest.mark.parametrize(
    "resource",
    [
        "sagemaker:createEndpoint.sync",
        "sagemaker:createTrainingJob.waitForTaskToken",
        "sagemaker:describeTrainingJob",
        "sagemaker:noSuchAction",
    ],
)
def test_what_is_no_integration_is_refused_when_the_state_machine_is_made(
    workflows: Workflows, resource: str
) -> None:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": {}, "End": True}
    with pytest.raises(ClientError) as error:
        workflows.make({"StartAt": "Only", "States": {"Only": state}})
    assert error.value.response["Error"]["Code"] == "InvalidDefinition"


def test_models_configurations_and_all_other_actions(
    workflows: Workflows, aws: Aws, execution_role: str, unique: Callable[[str], str]
) -> None:
    """Request and response for the integration's own actions; every other one by the SDK's integration."""
    model = unique("model")
    outcome = workflows.run(
        {
            "Model": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sagemaker:createModel",
                "Parameters": {
                    "ModelName": model,
                    "ExecutionRoleArn": execution_role,
                    "PrimaryContainer": {"Image": IMAGE},
                },
            },
            "Tag": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:sagemaker:addTags",
                "Parameters": {
                    "ResourceArn.$": "$.ModelArn",
                    "Tags": [{"Key": "stage", "Value": "canary"}],
                },
            },
            "Look": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeModel",
                "Parameters": {"ModelName": model},
            },
        }
    )
    assert outcome.status == "SUCCEEDED", outcome
    assert outcome.output["ModelName"] == model
    assert outcome.output["PrimaryContainer"]["Image"] == IMAGE
    client = aws.client("sagemaker")
    tags = client.list_tags(ResourceArn=outcome.output["ModelArn"])["Tags"]
    assert tags == [{"Key": "stage", "Value": "canary"}]
    client.delete_model(ModelName=model)


def test_a_role_is_given_as_input(
    workflows: Workflows, aws: Aws, execution_role: str, unique: Callable[[str], str]
) -> None:
    """`RoleArn.$` is a path like every other name that ends so."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob",
        "Parameters": {"RoleArn.$": "$.role", "TrainingJobName.$": "$.name"},
    }
    data = {"role": execution_role, "name": unique("job")}
    assert workflows.value({"Type": "Pass", "Parameters": state["Parameters"]}, data) == {
        "RoleArn": data["role"],
        "TrainingJobName": data["name"],
    }
    scheduled = next(
        event for event in workflows.run({"Train": state}, data).history() if event["type"] == "TaskScheduled"
    )
    parameters = json.loads(scheduled["taskScheduledEventDetails"]["parameters"])
    assert parameters == {"RoleArn": data["role"], "TrainingJobName": data["name"]}


def test_errors_of_the_sdks_integration_have_the_sdks_names(workflows: Workflows) -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeTrainingJob",
        "Parameters": {"TrainingJobName": "no-such-job"},
    }
    outcome = workflows.run({"Look": state})
    assert (outcome.status, outcome.error) == ("FAILED", "SageMaker.SageMakerException")
    assert "Requested resource not found" in (outcome.cause or "")


@pytest.mark.source(
    "https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html",
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html",
)
def test_a_rule_starts_a_workflow_for_the_jobs_that_its_pattern_selects(
    workflows: Workflows,
    aws: Aws,
    role: str,
    job: Callable[..., dict[str, Any]],
    unique: Callable[[str], str],
) -> None:
    events, client, prefix = aws.client("events"), aws.client("sagemaker"), unique("watched")
    machine = workflows.make({"StartAt": "Keep", "States": {"Keep": {"Type": "Pass", "End": True}}})
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Training Job State Change"],
        "detail": {
            "TrainingJobName": [{"prefix": prefix}],
            "TrainingJobStatus": ["Failed", {"prefix": "Stop"}],
            "ResourceConfig": {"InstanceCount": [{"numeric": [">=", 1]}]},
        },
    }
    rule = unique("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "workflow", "Arn": machine, "RoleArn": role}])
    try:
        good = job("exit 0", TrainingJobName=f"{prefix}-good")
        bad = job("echo 'out of rows' > /opt/ml/output/failure; exit 2", TrainingJobName=f"{prefix}-bad")
        for asked in (good, bad):
            client.create_training_job(**asked)

        def over(asked: dict[str, Any]) -> bool:
            described = client.describe_training_job(TrainingJobName=asked["TrainingJobName"])
            return bool(described["TrainingJobStatus"] in ("Completed", "Failed"))

        eventually(lambda: over(good) and over(bad), within=30)
        [started] = eventually(
            lambda: workflows.client.list_executions(stateMachineArn=machine)["executions"], within=20
        )
        event = workflows.outcome(started["executionArn"]).output
    finally:
        events.remove_targets(Rule=rule, Ids=["workflow"])
        events.delete_rule(Name=rule)
    described = client.describe_training_job(TrainingJobName=bad["TrainingJobName"])
    assert event["detail"]["TrainingJobName"] == bad["TrainingJobName"]
    assert event["detail"]["TrainingJobStatus"] == "Failed"
    assert event["detail"]["FailureReason"] == described["FailureReason"]
    assert event["resources"] == [described["TrainingJobArn"]]
    assert event["detail"]["CreationTime"] == round(described["CreationTime"].timestamp() * 1000)
