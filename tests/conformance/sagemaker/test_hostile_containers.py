"""What a container leaves in /opt/ml leads nowhere but into /opt/ml: links, pipes and odd names."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import Bucket, Jobs, error_of

GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"
pytestmark = pytest.mark.source(f"{GUIDE}/your-algorithms-training-algo-output.html")

LINK = """
    import os, shutil, sys
    shutil.rmtree("/opt/ml/{part}", ignore_errors=True)
    os.symlink("/etc", "/opt/ml/{part}")
"""


@pytest.mark.parametrize("part", ["model", "output/data", "output"])
def test_a_directory_that_became_a_link_stores_nothing(jobs: Jobs, bucket: Bucket, part: str) -> None:
    described = jobs.train(LINK.format(part=part))
    stored = bucket.below(f"output/{described['TrainingJobName']}/")
    assert described["TrainingJobStatus"] == "Failed"
    assert f"the directory {part}" in described["FailureReason"], described["FailureReason"]
    assert not any("passwd" in name for key in stored for name in bucket.archive(key))


def test_a_link_among_checkpoints_stores_nothing_of_elsewhere(jobs: Jobs, bucket: Bucket) -> None:
    config = {"S3Uri": bucket.uri("hostile-checkpoints")}
    script = LINK.format(part="checkpoints") + "    import time; time.sleep(1.2)\n"
    described = jobs.train(script, CheckpointConfig=config)
    assert described["TrainingJobStatus"] == "Failed"
    assert "checkpoints was replaced" in described["FailureReason"]
    assert bucket.below("hostile-checkpoints") == []


def test_a_reason_that_is_a_link_is_none(jobs: Jobs) -> None:
    described = jobs.train('import os; os.symlink("/etc/passwd", "/opt/ml/output/failure"); os._exit(3)')
    assert described["FailureReason"] == "AlgorithmError: , exit code: 3"


def test_a_reason_that_is_a_pipe_is_not_waited_for(jobs: Jobs) -> None:
    described = jobs.train('import os; os.mkfifo("/opt/ml/output/failure"); os._exit(4)')
    assert described["FailureReason"] == "AlgorithmError: , exit code: 4"


def test_a_message_that_is_a_link_is_none(jobs: Jobs) -> None:
    described = jobs.process('import os; os.symlink("/etc/passwd", "/opt/ml/output/message")')
    assert described["ProcessingJobStatus"] == "Completed"
    assert "ExitMessage" not in described


def test_a_model_directory_that_was_removed_is_empty(jobs: Jobs, bucket: Bucket) -> None:
    described = jobs.train('import shutil; shutil.rmtree("/opt/ml/model")')
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    assert bucket.archive(described["ModelArtifacts"]["S3ModelArtifacts"]) == {}


def test_names_that_no_key_can_have_are_told(jobs: Jobs, bucket: Bucket) -> None:
    output = {"S3OutputPath": bucket.uri("output"), "CompressionType": "NONE"}
    described = jobs.train(r'open(b"/opt/ml/model/\xff", "w").close()', OutputDataConfig=output)
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("ClientError: Artifact upload failed: ")
    assert "is not UTF-8" in described["FailureReason"]


@pytest.mark.source("https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CheckpointConfig.html")
@pytest.mark.parametrize("path", ["/opt/ml/../../../tmp/elsewhere", "checkpoints", "/"])
def test_checkpoints_lie_at_a_path_of_the_container(jobs: Jobs, bucket: Bucket, path: str) -> None:
    config: dict[str, Any] = {"S3Uri": bucket.uri("hostile"), "LocalPath": path}
    with pytest.raises(ClientError) as raised:
        jobs.train("pass", CheckpointConfig=config)
    assert error_of(raised)[0] == "ValidationException"


@pytest.mark.source(f"{GUIDE}/model-checkpoints.html")
def test_checkpoints_of_keys_that_lead_out_are_told(jobs: Jobs, bucket: Bucket) -> None:
    bucket.put("up/a/../../../b", "x")
    described = jobs.train("pass", CheckpointConfig={"S3Uri": bucket.uri("up/")})
    assert described["FailureReason"].startswith("ClientError: Data download failed: ")


@pytest.mark.source(f"{GUIDE}/model-access-training-data.html")
def test_a_key_that_is_no_name_of_a_file_is_told(jobs: Jobs, bucket: Bucket) -> None:
    bucket.put("odd/a\0b", "x")
    described = jobs.train("pass", channels=[Jobs.channel("odd", bucket.uri("odd/"))])
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("ClientError: Data download failed for ")


@pytest.mark.source(f"{GUIDE}/define-train-metrics.html")
def test_an_expression_that_never_ends_stops_nobody(jobs: Jobs) -> None:
    definitions = [
        {"Name": "bad", "Regex": "(a+)+$"},
        {"Name": "worse", "Regex": "(.*a){8}z"},
        {"Name": "good", "Regex": "good=(.*)"},
    ]
    name = jobs.start(
        jobs.training(
            'print("a" * 3000 + "!"); print("good=1")',
            AlgorithmSpecification={"MetricDefinitions": definitions},
        )
    )
    began = time.monotonic()
    jobs.client.list_models()
    assert time.monotonic() - began < 1
    described = jobs.over(name)
    assert [each["MetricName"] for each in described["FinalMetricDataList"]] == ["good"]
    assert any("The metric worse is not looked for any more" in line for line in jobs.log(name))
