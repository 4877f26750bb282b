"""From rows to a deployed model in one Step Functions execution: train, tune, register, deploy, promote by
canary, invoke, break, roll back by alarm, score a batch. The workflow is flights.asl.json."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions
from tests.waiting import eventually

from .conftest import Prepared

DEFINITION = Path(__file__).with_name("flights.asl.json")
REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
XGBOOST = f"{REGISTRY}/sagemaker-xgboost:1.7-1"
SCRIPTS = f"{REGISTRY}/sagemaker-scikit-learn:1.2-1-cpu-py3"


INVOKE = """
import boto3

runtime = boto3.client("sagemaker-runtime")

def handler(event, context):
    answer = runtime.invoke_endpoint(
        EndpointName=event["endpoint"], Body=event["row"], ContentType="text/csv", Accept="text/csv"
    )
    return float(answer["Body"].read())
"""


@pytest.mark.long
def test_flights_from_rows_to_a_deployed_model(aws: Aws, prepared: Prepared, functions: Functions) -> None:
    states, sagemaker = aws.client("stepfunctions"), aws.client("sagemaker")
    name = f"flights-{uuid.uuid4().hex[:8]}"
    row = ",".join(f"{value:g}" for value in prepared.holdout[0][1:])
    machine = states.create_state_machine(
        name=name, definition=DEFINITION.read_text(), roleArn=prepared.role
    )["stateMachineArn"]
    start = {
        "name": name,
        "bucket": prepared.bucket,
        "role": prepared.role,
        "image": XGBOOST,
        "script_image": SCRIPTS,
        "broken": prepared.broken,
        "row": row,
        "function": functions.make(INVOKE),
    }
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(start))["executionArn"]
    ended = eventually(
        lambda: (
            found
            if (found := states.describe_execution(executionArn=execution))["status"] != "RUNNING"
            else None
        ),
        within=300,
        every=0.5,
    )
    assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
    output = json.loads(ended["output"])

    tuned = output["tuned"]
    assert tuned["TrainingJobStatusCounters"]["Completed"] == 8
    trials = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=f"{name}-tune"
    )["TrainingJobSummaries"]
    scores = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in trials]
    best = output["best"]
    assert best["TrainingJobName"] == tuned["BestTrainingJob"]["TrainingJobName"]
    metrics = {one["MetricName"]: one["Value"] for one in best["FinalMetricDataList"]}
    assert metrics["validation:auc"] == pytest.approx(max(scores), abs=1e-6)

    package = sagemaker.describe_model_package(ModelPackageName=output["registered"]["ModelPackageArn"])
    assert package["ModelApprovalStatus"] == "Approved"

    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == f"{name}-tuned", "the broken model was rolled back"
    assert f"{name}-errors" in endpoint["FailureReason"]
    assert output["error"]["Error"] == "ModelError"

    scored = aws.client("s3").get_object(Bucket=prepared.bucket, Key="scored/part-0.csv.out")["Body"].read()
    lines = [line.split(",") for line in scored.decode().splitlines()]
    assert [float(label) for label, _ in lines] == [row[0] for row in prepared.holdout]
    assert area(lines) > 0.56
    assert output["answer"]["score"] == pytest.approx(float(lines[0][1]), abs=1e-5)

    sagemaker.delete_endpoint(EndpointName=name)


def area(lines: list[list[str]]) -> float:
    """The area under the ROC curve of `label,score` lines."""
    late = [float(score) for label, score in lines if float(label) == 1.0]
    rest = [float(score) for label, score in lines if float(label) == 0.0]
    wins = sum((a > b) + 0.5 * (a == b) for a in late for b in rest)
    return wins / (len(late) * len(rest))
