"""Processing jobs turn inputs into outputs."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import IMAGE, MACHINE, Bucket, Jobs, Members, Refused, error_of
from tests.waiting import eventually

GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"
REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"

pytestmark = pytest.mark.source(f"{REFERENCE}/API_CreateProcessingJob.html")

FOREVER = "import time\nwhile True: time.sleep(0.05)"


def input_of(name: str, uri: str, **changes: Any) -> Members:
    source = {
        "S3Uri": uri,
        "LocalPath": f"/opt/ml/processing/{name}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    return {"InputName": name, "S3Input": source | changes}


def output_of(name: str, uri: str, mode: str = "EndOfJob") -> Members:
    path = f"/opt/ml/processing/{name}"
    return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": path, "S3UploadMode": mode}}


def test_inputs_become_outputs(jobs: Jobs, bucket: Bucket) -> None:
    bucket.put("in/rows.csv", "1\n2\n")
    bucket.put("in/more/rows.csv", "3\n")
    described = jobs.process(
        """
        import glob, os
        rows = sorted(glob.glob("/opt/ml/processing/rows/**/*.csv", recursive=True))
        os.makedirs("/opt/ml/processing/out/deep")
        total = sum(int(line) for path in rows for line in open(path))
        open("/opt/ml/processing/out/deep/total", "w").write(str(total))
        """,
        inputs=[input_of("rows", bucket.uri("in/"))],
        outputs=[output_of("out", bucket.uri("out"))],
    )
    assert described["ProcessingJobStatus"] == "Completed"
    assert bucket.read("out/deep/total") == b"6"
    assert described["CreationTime"] <= described["ProcessingStartTime"] < described["ProcessingEndTime"]
    for absent in ("FailureReason", "ExitMessage", "NetworkConfig", "Environment"):
        assert absent not in described


@pytest.mark.source(f"{REFERENCE}/API_DescribeProcessingJob.html")
def test_describe_shows_what_was_asked_for(jobs: Jobs, bucket: Bucket) -> None:
    request = jobs.processing(
        outputs=[output_of("out", bucket.uri("shown"))],
        Environment={"A": "B"},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    described = jobs.run(request)
    for member, value in request.items():
        assert described[member] == value
    assert described["ProcessingJobArn"].endswith(f":processing-job/{request['ProcessingJobName']}")


@pytest.mark.source(f"{GUIDE}/build-your-own-processing-container.html")
def test_a_container_finds_its_configuration(jobs: Jobs, bucket: Bucket) -> None:
    request = jobs.processing(
        """
        import json, os, sys
        config = "/opt/ml/config/"
        report = {
            "job": json.load(open(config + "processingjobconfig.json")),
            "resources": json.load(open(config + "resourceconfig.json")),
            "environment": dict(os.environ),
            "arguments": sys.argv[1:],
        }
        json.dump(report, open("/opt/ml/processing/out/report.json", "w"))
        """,
        outputs=[output_of("out", bucket.uri("report"))],
        Environment={"COLOUR": "green"},
    )
    request["AppSpecification"]["ContainerArguments"] = ["--rows", "10"]
    described = jobs.run(request)
    report = json.loads(bucket.read("report/report.json"))
    assert report["arguments"] == ["--rows", "10"]
    assert report["environment"]["COLOUR"] == "green"
    assert report["environment"]["AWS_REGION"] == "us-east-1"
    assert report["resources"]["current_host"] == "algo-1"
    assert report["resources"]["hosts"] == ["algo-1"]
    job = report["job"]
    assert job["ProcessingJobArn"] == described["ProcessingJobArn"]
    assert job["ProcessingJobName"] == described["ProcessingJobName"]
    assert job["AppSpecification"]["ImageUri"] == IMAGE
    assert [each["InputName"] for each in job["ProcessingInputs"]] == ["code"]


@pytest.mark.source(f"{REFERENCE}/API_ProcessingS3Input.html")
def test_inputs_by_manifest_compressed_and_sharded(jobs: Jobs, bucket: Bucket) -> None:
    for number in range(4):
        bucket.put(f"parts/{number}.csv.gz", gzip.compress(str(number).encode()))
    manifest = [{"prefix": bucket.uri("parts/")}, *(f"{number}.csv.gz" for number in range(4))]
    uri = bucket.put("parts.manifest", json.dumps(manifest))
    described = jobs.process(
        """
        import json, os
        me = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
        found = {name: open(f"/opt/ml/processing/parts/{name}").read()
                 for name in os.listdir("/opt/ml/processing/parts")}
        json.dump(found, open(f"/opt/ml/processing/out/{me}.json", "w"))
        """,
        inputs=[
            input_of(
                "parts",
                uri,
                S3DataType="ManifestFile",
                S3DataDistributionType="ShardedByS3Key",
                S3CompressionType="Gzip",
            )
        ],
        outputs=[output_of("out", bucket.uri("sharded"))],
        ProcessingResources={"ClusterConfig": MACHINE | {"InstanceCount": 2}},
    )
    assert described["ProcessingJobStatus"] == "Completed"
    found = [json.loads(bucket.read(f"sharded/algo-{host}.json")) for host in (1, 2)]
    assert [len(part) for part in found] == [2, 2]
    assert found[0] | found[1] == {f"{number}.csv": str(number) for number in range(4)}


@pytest.mark.source(f"{REFERENCE}/API_ProcessingS3Output.html")
def test_continuous_outputs_come_while_the_job_runs(jobs: Jobs, bucket: Bucket) -> None:
    name = jobs.start(
        jobs.processing(
            "open('/opt/ml/processing/out/first', 'w').write('1')\n" + FOREVER,
            outputs=[output_of("out", bucket.uri("continuous"), "Continuous")],
        )
    )
    eventually(lambda: bucket.below("continuous") == ["continuous/first"], within=60)
    assert jobs.status(name) == "InProgress"


@pytest.mark.source(f"{REFERENCE}/API_DescribeProcessingJob.html")
def test_a_message_and_an_exit_code(jobs: Jobs) -> None:
    described = jobs.process(
        """
        open("/opt/ml/output/message", "w").write("three rows are broken")
        raise SystemExit(4)
        """
    )
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["ExitMessage"] == "three rows are broken"
    assert described["FailureReason"] == "AlgorithmError: three rows are broken, exit code: 4"
    completed = jobs.process("open('/opt/ml/output/message', 'w').write('all is well')")
    assert completed["ProcessingJobStatus"] == "Completed"
    assert completed["ExitMessage"] == "all is well"


@pytest.mark.source(f"{GUIDE}/logging-cloudwatch.html")
def test_what_a_job_prints_is_in_its_log(jobs: Jobs) -> None:
    described = jobs.process("print('hello')\nprint('world')")
    assert jobs.log(described["ProcessingJobName"]) == ["hello", "world"]


@pytest.mark.source(f"{REFERENCE}/API_StopProcessingJob.html")
def test_stop(jobs: Jobs) -> None:
    name = jobs.start(jobs.processing(FOREVER))
    eventually(lambda: "ProcessingStartTime" in jobs.describe(name), within=60)
    jobs.client.stop_processing_job(ProcessingJobName=name)
    assert jobs.status(name) in ("Stopping", "Stopped")
    assert jobs.over(name)["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError) as raised:
        jobs.client.stop_processing_job(ProcessingJobName=name)
    code, message = error_of(raised)
    assert code == "ValidationException"
    assert "is in status Stopped" in message


@pytest.mark.source(f"{REFERENCE}/API_ProcessingStoppingCondition.html")
def test_a_job_ends_when_its_time_is_over(jobs: Jobs) -> None:
    described = jobs.process(FOREVER, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert described["ProcessingJobStatus"] == "Stopped"


def test_an_unknown_image_fails_the_job(jobs: Jobs) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nowhere:1"
    described = jobs.process("pass", AppSpecification={"ImageUri": image, "ContainerEntrypoint": ["true"]})
    assert described["ProcessingJobStatus"] == "Failed"
    assert image in described["FailureReason"]


def test_refusals(jobs: Jobs, refused: Refused, bucket: Bucket) -> None:
    absent = input_of("rows", bucket.uri("absent"))
    code, message = refused(jobs.processing(inputs=[absent]))
    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "{bucket.uri("absent")}"')
    outputs = [output_of("out", "s3://absent-zxcvb/out")]
    code, message = refused(jobs.processing(outputs=outputs))
    assert code == "ValidationException"
    assert "absent-zxcvb" in message
    account = jobs.role.split(":")[4]
    code, message = refused(jobs.processing(RoleArn=f"arn:aws:iam::{account}:role/absent"))
    assert message.startswith(f"Could not assume role arn:aws:iam::{account}:role/absent.")
    machine = {"ClusterConfig": MACHINE | {"InstanceType": "large"}}
    code, message = refused(jobs.processing(ProcessingResources=machine))
    assert "at 'processingResources.clusterConfig.instanceType' failed to satisfy constraint" in message
    machine = {"ClusterConfig": MACHINE | {"InstanceCount": 100}}
    code, message = refused(jobs.processing(ProcessingResources=machine))
    assert code == "ResourceLimitExceeded"
    assert message.startswith("The account-level service limit 'ml.m5.large for processing job usage' is ")


def test_a_name_is_taken_once(jobs: Jobs) -> None:
    described = jobs.process("pass")
    with pytest.raises(ClientError) as raised:
        jobs.client.create_processing_job(**jobs.processing(ProcessingJobName=described["ProcessingJobName"]))
    code, message = error_of(raised)
    assert code == "ResourceInUse"
    assert described["ProcessingJobArn"] in message


@pytest.mark.source(f"{REFERENCE}/API_ListProcessingJobs.html")
def test_lists(jobs: Jobs) -> None:
    stem = jobs.name("listed")
    made = [f"{stem}-{number}" for number in range(3)]
    for name, script in zip(made, ("pass", "raise SystemExit(1)", "pass"), strict=True):
        jobs.run(jobs.processing(script, ProcessingJobName=name))

    def names(**request: Any) -> list[str]:
        found = jobs.client.list_processing_jobs(**({"NameContains": stem} | request))
        return [each["ProcessingJobName"] for each in found["ProcessingJobSummaries"]]

    assert names() == made[::-1]
    assert names(SortBy="Name", SortOrder="Ascending") == made
    assert names(StatusEquals="Failed") == [made[1]]
    created, hour = jobs.describe(made[1])["CreationTime"], timedelta(hours=1)
    assert names(CreationTimeAfter=created + hour) == []
    assert names(LastModifiedTimeAfter=created - hour) == made[::-1]
    pages = jobs.client.get_paginator("list_processing_jobs").paginate(
        NameContains=stem, PaginationConfig={"PageSize": 1}
    )
    summaries = [each for page in pages for each in page["ProcessingJobSummaries"]]
    assert [each["ProcessingJobName"] for each in summaries] == made[::-1]
    assert summaries[1]["FailureReason"] == "AlgorithmError: , exit code: 1"


@pytest.mark.source(f"{REFERENCE}/API_DeleteProcessingJob.html")
def test_only_a_job_that_has_ended_can_be_deleted(jobs: Jobs) -> None:
    name = jobs.start(jobs.processing(FOREVER))
    with pytest.raises(ClientError) as raised:
        jobs.client.delete_processing_job(ProcessingJobName=name)
    assert error_of(raised)[0] == "ResourceInUse"
    jobs.client.stop_processing_job(ProcessingJobName=name)
    jobs.over(name)
    jobs.client.delete_processing_job(ProcessingJobName=name)
    with pytest.raises(ClientError) as raised:
        jobs.client.describe_processing_job(ProcessingJobName=name)
    assert error_of(raised) == ("ValidationException", "Requested resource not found.")
    jobs.made.clear()
