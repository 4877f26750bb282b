"""How training jobs end: failed with a reason, stopped, out of time; and what is kept of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import Bucket, Jobs, error_of
from tests.waiting import eventually

GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"
REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"

pytestmark = pytest.mark.source(f"{GUIDE}/your-algorithms-training-algo-output.html")

PATIENT = """
    import signal, sys, time
    def leave(*_):
        open("/opt/ml/model/w", "w").write("half")
        sys.exit(0)
    signal.signal(signal.SIGTERM, leave)
    open("/opt/ml/output/data/begun", "w").close()
    print("begun", flush=True)
    while True: time.sleep(0.05)
"""


def running(jobs: Jobs, name: str) -> None:
    """Wait until the job's script has begun."""

    def begun() -> bool:
        try:
            return "begun" in jobs.log(name)
        except (ClientError, ValueError):
            return False

    eventually(begun, within=60)


def steps(described: dict[str, object]) -> list[str]:
    transitions: list[dict[str, str]] = described["SecondaryStatusTransitions"]  # type: ignore[assignment]
    return [step["Status"] for step in transitions]


def test_what_the_algorithm_writes_is_the_reason(jobs: Jobs) -> None:
    described = jobs.train(
        """
        import sys
        open("/opt/ml/output/failure", "w").write("the loss is not a number")
        sys.exit(3)
        """
    )
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Failed"
    assert described["FailureReason"] == "AlgorithmError: the loss is not a number, exit code: 3"
    assert described["SecondaryStatusTransitions"][-1]["StatusMessage"] == "Training job failed"


def test_a_reason_has_1024_characters(jobs: Jobs) -> None:
    described = jobs.train("open('/opt/ml/output/failure', 'w').write('x' * 5000)\nraise SystemExit(1)")
    reason = described["FailureReason"]
    assert len(reason) == 1024
    assert reason.startswith("AlgorithmError: xxx")


def test_without_a_reason_the_exit_code_is_said(jobs: Jobs) -> None:
    described = jobs.train("raise SystemExit(7)")
    assert described["FailureReason"] == "AlgorithmError: , exit code: 7"


def test_a_killed_process_fails_the_job(jobs: Jobs) -> None:
    described = jobs.train("import os\nos.kill(os.getpid(), 9)")
    assert described["FailureReason"].endswith("exit code: 137")


def test_what_a_failed_job_left_is_kept(jobs: Jobs) -> None:
    described = jobs.train("open('/opt/ml/model/w', 'w').write('half')\nraise SystemExit(1)")
    assert steps(described) == ["Starting", "Downloading", "Training", "Uploading", "Failed"]
    assert jobs.model(described) == {"w": b"half"}


def test_one_host_that_fails_ends_the_job(jobs: Jobs) -> None:
    described = jobs.train(
        """
        import json, time
        me = json.load(open("/opt/ml/input/config/resourceconfig.json"))["current_host"]
        if me == "algo-2":
            raise SystemExit(5)
        while True: time.sleep(0.05)
        """,
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5},
    )
    assert described["FailureReason"] == "AlgorithmError: , exit code: 5"


@pytest.mark.source(f"{REFERENCE}/API_StopTrainingJob.html")
def test_a_stopped_job_may_end_in_peace_and_its_model_is_kept(jobs: Jobs) -> None:
    name = jobs.start(jobs.training(PATIENT))
    running(jobs, name)
    jobs.client.stop_training_job(TrainingJobName=name)
    assert jobs.status(name) in ("Stopping", "Stopped")
    described = jobs.over(name)
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Stopped"
    assert steps(described) == ["Starting", "Downloading", "Training", "Stopping", "Uploading", "Stopped"]
    assert jobs.model(described) == {"w": b"half"}
    assert "FailureReason" not in described


@pytest.mark.source(f"{REFERENCE}/API_StopTrainingJob.html")
def test_a_job_that_has_ended_cannot_be_stopped(jobs: Jobs) -> None:
    name = jobs.train("pass")["TrainingJobName"]
    with pytest.raises(ClientError) as raised:
        jobs.client.stop_training_job(TrainingJobName=name)
    assert error_of(raised) == (
        "ValidationException",
        "The request was rejected because the training job is in status Completed.",
    )


@pytest.mark.source(f"{REFERENCE}/API_StoppingCondition.html")
def test_a_job_whose_time_is_over_is_stopped_and_its_model_kept(jobs: Jobs) -> None:
    described = jobs.train(PATIENT, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert described["TrainingJobStatus"] == "Stopped"
    assert described["SecondaryStatus"] == "MaxRuntimeExceeded"
    last = described["SecondaryStatusTransitions"][-1]
    assert last["StatusMessage"] == "Training job runtime exceeded MaxRuntimeInSeconds provided"
    assert jobs.model(described) == {"w": b"half"}


@pytest.mark.source(f"{GUIDE}/model-checkpoints.html")
def test_checkpoints_are_restored_and_uploaded_while_the_job_runs(jobs: Jobs, bucket: Bucket) -> None:
    bucket.put("checkpoints/old", "41")
    name = jobs.start(
        jobs.training(
            """
            import time
            old = int(open("/opt/ml/checkpoints/old").read())
            open("/opt/ml/checkpoints/new", "w").write(str(old + 1))
            while True: time.sleep(0.05)
            """,
            CheckpointConfig={"S3Uri": bucket.uri("checkpoints")},
        )
    )
    eventually(lambda: "checkpoints/new" in bucket.below("checkpoints"), within=60)
    assert jobs.status(name) == "InProgress"
    assert bucket.read("checkpoints/new") == b"42"


@pytest.mark.source(f"{GUIDE}/model-checkpoints.html")
def test_checkpoints_of_a_killed_job_are_kept(jobs: Jobs, bucket: Bucket) -> None:
    described = jobs.train(
        "import os\nopen('/tmp/ck/last', 'w').write('7')\nos.kill(os.getpid(), 9)",
        CheckpointConfig={"S3Uri": bucket.uri("killed"), "LocalPath": "/tmp/ck"},
    )
    assert described["TrainingJobStatus"] == "Failed"
    assert bucket.read("killed/last") == b"7"


@pytest.mark.source(f"{GUIDE}/define-train-metrics.html")
def test_metrics_are_found_in_the_log(jobs: Jobs) -> None:
    described = jobs.train(
        """
        for epoch in range(3):
            print(f"epoch={epoch} loss={1 / (epoch + 1):.2f}; note=x")
        print("validation-auc:8.5e-01")
        """,
        AlgorithmSpecification={
            "MetricDefinitions": [
                {"Name": "loss", "Regex": "loss=(.*?);"},
                {"Name": "auc", "Regex": "validation-auc:([0-9.e+-]+)"},
                {"Name": "absent", "Regex": "nowhere=(.*?);"},
            ]
        },
    )
    found = {each["MetricName"]: each["Value"] for each in described["FinalMetricDataList"]}
    assert found == pytest.approx({"loss": 0.33, "auc": 0.85})
    name, start = described["TrainingJobName"], described["TrainingStartTime"]

    def values() -> list[float]:
        response = jobs.aws.client("cloudwatch").get_metric_statistics(
            Namespace="/aws/sagemaker/TrainingJobs",
            MetricName="loss",
            Dimensions=[{"Name": "TrainingJobName", "Value": name}],
            StartTime=start - timedelta(minutes=5),
            EndTime=start + timedelta(minutes=30),
            Period=60,
            Statistics=["SampleCount"],
        )
        return [point["SampleCount"] for point in response["Datapoints"]]

    eventually(lambda: sum(values()) == 3, within=60)


@pytest.mark.source(f"{GUIDE}/mkt-algo-model-internet-free.html")
def test_an_isolated_job_reaches_nothing(jobs: Jobs) -> None:
    described = jobs.train(
        """
        import json, os, socket, urllib.parse, urllib.request
        url = os.environ.get("AWS_ENDPOINT_URL", "https://sts.amazonaws.com")
        try:
            urllib.request.urlopen(url, timeout=5)
            reached = True
        except OSError:
            reached = False
        json.dump(reached, open("/opt/ml/model/report.json", "w"))
        """,
        EnableNetworkIsolation=True,
    )
    assert described["EnableNetworkIsolation"] is True
    assert jobs.report(described) is False


@pytest.mark.source(f"{REFERENCE}/API_AlgorithmSpecification.html")
def test_an_unknown_image_fails_the_job(jobs: Jobs) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nowhere:1"
    described = jobs.train("pass", AlgorithmSpecification={"TrainingImage": image})
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("ClientError: ")
    assert image in described["FailureReason"]


@pytest.mark.source(f"{REFERENCE}/API_S3DataSource.html")
def test_a_manifest_that_names_what_is_not_there_fails_the_job(jobs: Jobs, bucket: Bucket) -> None:
    uri = bucket.put("bad/list.manifest", f'[{{"prefix": "{bucket.uri("bad/")}"}}, "absent.csv"]')
    described = jobs.train("pass", channels=[jobs.channel("train", uri, S3DataType="ManifestFile")])
    assert described["TrainingJobStatus"] == "Failed"
    assert steps(described) == ["Starting", "Downloading", "Failed"]
    assert described["FailureReason"].startswith("ClientError: Data download failed: ")
    assert bucket.uri("bad/absent.csv") in described["FailureReason"]
