"""Jobs as tasks of Step Functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.batch.conftest import Batch
from tests.conformance.stepfunctions.conftest import Workflows, program, workflows
from tests.waiting import eventually

__all__ = ["workflows"]

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html")

SYNC = "arn:aws:states:::batch:submitJob.sync"


def task(queue: str, definition: str, resource: str = SYNC, **parameters: Any) -> dict[str, Any]:
    given = {"JobName": "from-a-workflow", "JobQueue": queue, "JobDefinition": definition} | parameters
    return {"Type": "Task", "Resource": resource, "Parameters": given}


def test_sync_waits_for_the_job_and_returns_its_description(
    batch: Batch, queue: str, workflows: Workflows
) -> None:
    definition = batch.define("sh", "-c", "echo $1; env", "x", "Ref::what")
    state = task(
        queue,
        definition,
        Parameters={"what.$": "$.what"},
        ContainerOverrides={"Environment": [{"Name": "MINE", "Value": "1"}]},
        Tags={"of": "workflow"},
    )
    got = workflows.value(state, {"what": "hello"})
    assert got["Status"] == "SUCCEEDED"
    assert got["StatusReason"] == "Essential container in task exited"
    assert got["Container"]["ExitCode"] == 0
    assert got["Attempts"][0]["Container"]["ExitCode"] == 0
    assert got["JobName"] == "from-a-workflow"
    assert got["Parameters"] == {"what": "hello"}
    assert got["Tags"]["of"] == "workflow"
    assert {"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in got["Container"]["Environment"]
    lines = batch.lines(batch.job(got["JobId"]))
    assert lines[0] == "hello"
    assert {"MINE=1", "MANAGED_BY_AWS=STARTED_BY_STEP_FUNCTIONS"} <= set(lines)


def test_a_failed_job_fails_the_task_with_the_description_as_cause(
    batch: Batch, queue: str, workflows: Workflows
) -> None:
    outcome = workflows.run({"Only": task(queue, batch.shell("exit 4"))})
    assert (outcome.status, outcome.error) == ("FAILED", "States.TaskFailed")
    cause = json.loads(outcome.cause or "")
    assert cause["Status"] == "FAILED"
    assert cause["Container"]["ExitCode"] == 4
    assert cause["Attempts"][0]["StatusReason"] == "Essential container in task exited"


def test_without_sync_the_answer_is_that_of_submit_job(
    batch: Batch, queue: str, workflows: Workflows
) -> None:
    definition = batch.shell("sleep 0.3")
    got = workflows.value(task(queue, definition, "arn:aws:states:::batch:submitJob"))
    assert set(got) == {"JobArn", "JobId", "JobName"}
    assert batch.ended(got["JobId"])["status"] == "SUCCEEDED"


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html")
def test_a_refused_job_has_the_services_error(batch: Batch, queue: str, workflows: Workflows) -> None:
    caught = {"ErrorEquals": ["Batch.ClientException"], "Next": "Caught"}
    states = {
        "Submit": task(queue, "not-there") | {"Catch": [caught], "Next": "Caught"},
        "Caught": {"Type": "Pass", "End": True},
    }
    outcome = workflows.run(states)
    assert outcome.status == "SUCCEEDED", outcome
    assert outcome.output["Error"] == "Batch.ClientException"
    assert "JobDefinition name not-there does not exist" in outcome.output["Cause"]


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html")
def test_stopping_the_execution_terminates_the_job(batch: Batch, queue: str, workflows: Workflows) -> None:
    state = task(queue, batch.shell("sleep 60"))
    execution = workflows.start(workflows.make(program({"Only": state})), {})

    def submitted() -> Any:
        history = workflows.client.get_execution_history(executionArn=execution)["events"]
        details = [event.get("taskSubmittedEventDetails") for event in history]
        return next((json.loads(each["output"])["JobId"] for each in details if each), None)

    job_id = eventually(submitted, within=20)
    batch.until(job_id, "RUNNING")
    workflows.client.stop_execution(executionArn=execution)
    assert workflows.outcome(execution).status == "ABORTED"
    job = batch.ended(job_id)
    assert (job["status"], job["isTerminated"]) == ("FAILED", True)


def test_a_task_that_times_out_terminates_its_job(batch: Batch, queue: str, workflows: Workflows) -> None:
    state = task(queue, batch.shell("sleep 60"), JobName="timed-out") | {"TimeoutSeconds": 1}
    outcome = workflows.run({"Only": state})
    assert (outcome.status, outcome.error) == ("FAILED", "States.Timeout")
    by_name = [{"name": "JOB_NAME", "values": ["timed-out"]}]
    [found] = batch.client.list_jobs(jobQueue=queue, filters=by_name)["jobSummaryList"]
    assert batch.ended(found["jobId"])["status"] == "FAILED"


def test_an_array_in_a_workflow(batch: Batch, queue: str, workflows: Workflows) -> None:
    state = task(queue, batch.shell("true"), ArrayProperties={"Size": 3})
    got = workflows.value(state)
    assert got["ArrayProperties"]["Size"] == 3
    assert got["ArrayProperties"]["StatusSummary"]["SUCCEEDED"] == 3


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html")
def test_every_action_is_there_by_the_sdk_integration(batch: Batch, queue: str, workflows: Workflows) -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:batch:describeJobQueues",
        "Parameters": {"JobQueues": [queue]},
    }
    got = workflows.value(state)
    assert [each["JobQueueName"] for each in got["JobQueues"]] == [queue]
