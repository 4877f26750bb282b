"""Transform jobs: files from S3 through a model, record by record and in order."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import error_of
from tests.conformance.sagemaker.serving import Serving, serving
from tests.waiting import eventually

__all__ = ["serving"]

pytestmark = [
    pytest.mark.source(
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html"
    ),
    pytest.mark.source("https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html"),
]

MODEL = """
import json, os, time

def model_fn(directory):
    return None

def transform_fn(model, body, content_type, accept):
    text = body if isinstance(body, str) else bytes(body).decode()
    if "stay" in text:
        time.sleep(60)
    if "bad" in text:
        raise ValueError("a bad record")
    if content_type == "application/jsonlines":
        rows = [json.loads(line) for line in text.splitlines()]
        return "".join(json.dumps({"sum": sum(row["x"])}) + "\\n" for row in rows), content_type
    rows = [[float(number) for number in line.split(",")] for line in text.splitlines()]
    return "\\n".join(str(sum(row)) for row in rows), "text/csv"
"""
"""Answers each row's sum."""


@pytest.fixture(scope="module")
def model(serving: Serving) -> str:
    return serving.model(MODEL)


def rows(first: int, number: int) -> str:
    return "".join(f"{n},1,0.5\n" for n in range(first, first + number))


def sums(first: int, number: int) -> list[float]:
    return [n + 1.5 for n in range(first, first + number)]


def test_every_file_gets_its_output_in_order(serving: Serving, model: str) -> None:
    prefix = serving.name("in")
    serving.bucket.put(f"{prefix}/one.csv", rows(0, 500))
    serving.bucket.put(f"{prefix}/below/two.csv", rows(1000, 3).rstrip("\n"))
    job = serving.transform(model, serving.bucket.uri(f"{prefix}/"))
    found = serving.client.describe_transform_job(TransformJobName=job)
    assert found["TransformJobStatus"] == "InProgress"
    assert found["ModelName"] == model
    found = serving.transformed(job)
    assert found["CreationTime"] <= found["TransformStartTime"] <= found["TransformEndTime"]
    assert found["TransformInput"]["CompressionType"] == "None"
    assert sorted(serving.bucket.below(f"out/{job}/")) == [
        f"out/{job}/below/two.csv.out",
        f"out/{job}/one.csv.out",
    ]
    assert [float(line) for line in serving.output(job, "one.csv").split()] == sums(0, 500)
    assert [float(line) for line in serving.output(job, "below/two.csv").split()] == sums(1000, 3)
    listed = serving.client.list_transform_jobs(NameContains=job, StatusEquals="Completed")
    assert [one["TransformJobName"] for one in listed["TransformJobSummaries"]] == [job]


def test_one_record_at_a_time_assembled_by_lines(serving: Serving, model: str) -> None:
    prefix = serving.name("in")
    body = gzip.compress(rows(0, 20).encode())
    serving.bucket.s3.put_object(Bucket=serving.bucket.name, Key=f"{prefix}/a.csv.gz", Body=body)
    job = serving.transform(
        model,
        serving.bucket.uri(prefix),
        BatchStrategy="SingleRecord",
        MaxConcurrentTransforms=4,
        TransformInput={"CompressionType": "Gzip"},
        TransformOutput={
            "S3OutputPath": serving.bucket.uri(f"out/{prefix}"),
            "AssembleWith": "Line",
            "Accept": "text/csv",
        },
    )
    serving.transformed(job)
    text = serving.bucket.read(f"out/{prefix}/a.csv.gz.out").decode()
    assert text == "".join(f"{number}\n" for number in sums(0, 20))


def test_a_manifest_names_the_files(serving: Serving, model: str) -> None:
    prefix = serving.name("in")
    for name in ("a.csv", "b.csv", "c.csv"):
        serving.bucket.put(f"{prefix}/{name}", rows(1, 1))
    entries = [{"prefix": serving.bucket.uri(f"{prefix}/")}, "a.csv", "c.csv"]
    manifest = serving.bucket.put(f"{prefix}.manifest", json.dumps(entries))
    source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": manifest}}
    job = serving.transform(model, manifest, TransformInput={"DataSource": source})
    serving.transformed(job)
    assert sorted(serving.bucket.below(f"out/{job}/")) == [f"out/{job}/a.csv.out", f"out/{job}/c.csv.out"]


@pytest.mark.source("https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html")
def test_results_are_joined_with_their_records(serving: Serving, model: str) -> None:
    prefix = serving.name("in")
    serving.bucket.put(f"{prefix}/a.csv", "id-1,1,2\nid-2,3,4\n")
    job = serving.transform(
        model,
        serving.bucket.uri(prefix),
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
        TransformOutput={"S3OutputPath": serving.bucket.uri(f"out/{prefix}"), "AssembleWith": "Line"},
    )
    serving.transformed(job)
    assert serving.bucket.read(f"out/{prefix}/a.csv.out") == b"id-1,3.0\nid-2,7.0\n"


@pytest.mark.source("https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html")
def test_json_lines_are_joined_under_sagemaker_output(serving: Serving, model: str) -> None:
    prefix = serving.name("in")
    records = [{"id": n, "x": [n, 1]} for n in range(3)]
    serving.bucket.put(f"{prefix}/a.jsonl", "".join(json.dumps(record) + "\n" for record in records))
    job = serving.transform(
        model,
        serving.bucket.uri(prefix),
        DataProcessing={"JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"},
        TransformInput={"ContentType": "application/jsonlines"},
        TransformOutput={
            "S3OutputPath": serving.bucket.uri(f"out/{prefix}"),
            "Accept": "application/jsonlines",
            "AssembleWith": "Line",
        },
    )
    serving.transformed(job)
    found = [json.loads(line) for line in serving.bucket.read(f"out/{prefix}/a.jsonl.out").splitlines()]
    assert found == [{"id": n, "SageMakerOutput": {"sum": n + 1}} for n in range(3)]


def test_a_bad_record_fails_the_job_and_spares_the_other_files(serving: Serving, model: str) -> None:
    prefix = serving.name("in")
    serving.bucket.put(f"{prefix}/a.csv", "1,2\n")
    serving.bucket.put(f"{prefix}/b.csv", "1,2\nbad,2\n")
    serving.bucket.put(f"{prefix}/c.csv", "3,4\n")
    job = serving.transform(
        model, serving.bucket.uri(f"{prefix}/"), ModelClientConfig={"InvocationsMaxRetries": 0}
    )
    found = serving.transformed(job, "Failed")
    assert found["FailureReason"].startswith("AlgorithmError: See job logs for more information")
    assert sorted(serving.bucket.below(f"out/{job}/")) == [f"out/{job}/a.csv.out", f"out/{job}/c.csv.out"]
    logs = serving.aws.client("logs")

    def said() -> str:
        events = logs.get_log_events(
            logGroupName="/aws/sagemaker/TransformJobs", logStreamName=f"{job}/data-log"
        )["events"]
        text = "\n".join(event["message"] for event in events)
        assert f"{prefix}/b.csv: AlgorithmError: 500" in text
        return text

    assert "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD" in eventually(said)


@pytest.mark.parametrize("source", ["s3://there-is-no-such-bucket-e1f22/in/", "nothing/"])
def test_a_job_without_input_fails(serving: Serving, model: str, source: str) -> None:
    uri = source if source.startswith("s3://") else serving.bucket.uri(source)
    found = serving.transformed(serving.transform(model, uri), "Failed")
    assert found["FailureReason"].startswith("ClientError:")


def test_a_stopped_job_leaves_no_output(serving: Serving, model: str) -> None:
    prefix = serving.name("in")
    serving.bucket.put(f"{prefix}/a.csv", "stay,1\n")
    job = serving.transform(model, serving.bucket.uri(prefix))
    eventually(
        lambda: "TransformStartTime" in serving.client.describe_transform_job(TransformJobName=job), within=60
    )
    serving.client.stop_transform_job(TransformJobName=job)
    serving.transformed(job, "Stopped")
    assert not serving.bucket.below(f"out/{job}/")
    with pytest.raises(ClientError) as raised:
        serving.client.stop_transform_job(TransformJobName=job)
    assert error_of(raised)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"MaxPayloadInMB": 101}, "100"),
        ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}, "100"),
        ({"DataProcessing": {"InputFilter": "a.b"}}, "JSONPath"),
    ],
)
def test_wrong_requests_make_no_job(
    serving: Serving, model: str, members: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError) as raised:
        serving.transform(model, serving.bucket.uri("in"), **members)
    code, message = error_of(raised)
    assert code == "ValidationException"
    assert words in message


def test_a_name_is_taken_once_and_a_model_must_be_there(serving: Serving, model: str) -> None:
    with pytest.raises(ClientError) as raised:
        serving.transform("there-is-none", serving.bucket.uri("in"))
    assert error_of(raised)[0] == "ValidationException"
    assert error_of(raised)[1].startswith("Could not find model")
    with pytest.raises(ClientError) as raised:
        serving.client.describe_transform_job(TransformJobName="there-is-none")
    assert error_of(raised)[0] == "ValidationException"
