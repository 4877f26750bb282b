"""Model servers of a user's own images: what becomes of their faults, and what they are given."""

from __future__ import annotations

import http.client
import io
import json
import tarfile
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mdlc_emulator.launcher import Instance

from tests.emulator.sagemaker.serving import Serving
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("unhealthy", "/ping answered 500"),
        pytest.param("mute", "/ping did not answer within 2 s", marks=pytest.mark.long),
        pytest.param("silent", "port 8080", marks=pytest.mark.long),
    ],
)
def test_a_server_that_is_never_ready_fails_the_endpoint(serving: Serving, kind: str, words: str) -> None:
    reason = serving.reason(kind)
    assert "did not pass the ping health check" in reason
    assert words in reason
    assert f"a server of kind {kind}" in reason


def test_an_image_without_a_recipe_fails_the_endpoint_with_the_way_out(serving: Serving) -> None:
    reason = serving.reason("there-is-no-such-image")
    assert "No recipe stands for the image test/there-is-no-such-image" in reason
    assert "mdlc-images.toml" in reason


def test_the_model_sees_what_the_caller_said(serving: Serving, echo: str) -> None:
    answer = serving.invoke(
        echo,
        b"headers",
        ContentType="application/x-special",
        Accept="application/json",
        CustomAttributes="trace=1",
        InferenceId="id-7",
        SessionId="session-1",
    )
    seen = json.loads(answer["Body"])
    assert seen["content-type"] == "application/x-special"
    assert seen["accept"] == "application/json"
    assert seen["x-amzn-sagemaker-custom-attributes"] == "trace=1"
    assert seen["x-amzn-sagemaker-inference-id"] == "id-7"
    assert seen["x-amzn-sagemaker-session-id"] == "session-1"
    assert answer["CustomAttributes"] == "from=model"


@pytest.mark.parametrize(
    ("status", "side"), [(400, "client"), (415, "client"), (500, "server"), (503, "server")]
)
def test_errors_of_the_model_keep_their_status(serving: Serving, echo: str, status: int, side: str) -> None:
    with pytest.raises(ClientError) as raised:
        serving.invoke(echo, f"status {status}".encode())
    response: Any = raised.value.response
    assert response["OriginalStatusCode"] == status
    assert response["OriginalMessage"] == "as you like"
    assert response["Error"]["Message"].startswith(
        f'Received {side} error ({status}) from primary with message "as'
    )


def test_isolated_models_reach_nothing(serving: Serving, echo: str) -> None:
    assert serving.invoke(echo, b"network")["Body"] == b"reached"
    model = serving.model("echo", EnableNetworkIsolation=True)
    apart = serving.endpoint(serving.variant(model))
    assert serving.invoke(apart, b"network")["Body"] == b"apart"


def over_http(instance: Instance, endpoint: str, body: bytes, headers: dict[str, str]) -> tuple[Any, ...]:
    """Status, headers but for those that differ between any two calls, and body."""
    address = urlsplit(instance.endpoint_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    scope = "000000000000/20260101/us-east-1/sagemaker/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    path = f"/endpoints/{endpoint}/invocations"
    connection.request("POST", path, body, {"Authorization": signed, **headers})
    answer = connection.getresponse()
    content = answer.read()
    passing = {"x-amzn-requestid", "x-amz-request-id", "date", "connection", "server"}
    kept = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in passing}
    if answer.status >= 400:
        said = json.loads(content)
        return (
            answer.status,
            kept.get("x-amzn-errortype"),
            {name.lower(): text for name, text in said.items()},
        )
    return answer.status, kept, content


WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([b"", b"x", b"headers", b"status 400", b"status 503"]),
    st.dictionaries(
        st.sampled_from(
            [
                "Content-Type",
                "Accept",
                "X-Amzn-SageMaker-Custom-Attributes",
                "X-Amzn-SageMaker-Inference-Id",
                "X-Amzn-SageMaker-Target-Variant",
                "X-Amzn-SageMaker-Target-Model",
            ]
        ),
        WORDS,
    ),
    st.booleans(),
)
def test_the_short_way_answers_as_the_long_one(
    instance: Instance, echo: str, body: bytes, headers: dict[str, str], known: bool
) -> None:
    name = echo if known else "there-is-none"
    short = over_http(instance, name, body, headers)
    long = over_http(instance, name, body, headers | {"x-mdlc-path": "generic"})
    assert short == long


def archive(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        member = tarfile.TarInfo("name")
        member.size = len(name)
        packed.addfile(member, io.BytesIO(name.encode()))
    return buffer.getvalue()


def test_many_models_are_loaded_when_they_are_asked_for(serving: Serving) -> None:
    s3 = serving.aws.client("s3")
    bucket = f"models-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    for name in ("one", "two", "three"):
        s3.put_object(Bucket=bucket, Key=f"all/{name}.tar.gz", Body=archive(name))
    container = {"Mode": "MultiModel", "ModelDataUrl": f"s3://{bucket}/all/"}
    endpoint = serving.endpoint(serving.variant(serving.model("many", PrimaryContainer=container)))
    for name in ("one", "two", "three", "one"):  # two fit: the third drives one out
        answer = serving.invoke(endpoint, b"x", TargetModel=f"{name}.tar.gz")
        assert answer["Body"] == f"{name}:x".encode()
    with pytest.raises(ClientError) as raised:
        serving.invoke(endpoint, b"x", TargetModel="none.tar.gz")
    assert raised.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError) as raised:
        serving.invoke(endpoint, b"x")
    assert raised.value.response["Error"]["Code"] == "ValidationError"


def test_execution_parameters_of_the_container_are_honoured(serving: Serving) -> None:
    s3 = serving.aws.client("s3")
    bucket = f"rows-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="in/a.csv", Body=b"1\n2\n3\n")
    job = f"job-{uuid.uuid4().hex[:8]}"
    serving.client.create_transform_job(
        TransformJobName=job,
        ModelName=serving.model("echo"),
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in/"}},
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": f"s3://{bucket}/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )

    def over() -> bool:
        status = serving.client.describe_transform_job(TransformJobName=job)["TransformJobStatus"]
        return bool(status != "InProgress")

    eventually(over)
    assert s3.get_object(Bucket=bucket, Key="out/a.csv.out")["Body"].read() == b"123"
    logs = serving.aws.client("logs")
    events = logs.get_log_events(
        logGroupName="/aws/sagemaker/TransformJobs", logStreamName=f"{job}/data-log"
    )["events"]
    assert "MaxConcurrentTransforms=3, MaxPayloadInMB=1, BatchStrategy=SINGLE_RECORD" in events[0]["message"]


def test_containers_are_called_by_name_in_direct_mode(serving: Serving) -> None:
    name = f"model-{uuid.uuid4().hex[:8]}"
    serving.client.create_model(
        ModelName=name,
        Containers=[{"Image": "test/echo", "ContainerHostname": host} for host in ("first", "second")],
        InferenceExecutionConfig={"Mode": "Direct"},
    )
    endpoint = serving.endpoint(serving.variant(name))
    assert serving.invoke(endpoint, TargetContainerHostname="second")["Body"] == b"x"
    with pytest.raises(ClientError) as raised:
        serving.invoke(endpoint)
    assert raised.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError) as raised:
        serving.invoke(endpoint, b"status 418", TargetContainerHostname="second")
    assert "from second with message" in raised.value.response["Error"]["Message"]


def test_a_transform_job_without_a_server_fails_with_its_last_lines(serving: Serving) -> None:
    s3 = serving.aws.client("s3")
    bucket = f"rows-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="in/a.csv", Body=b"1\n")
    job = f"job-{uuid.uuid4().hex[:8]}"
    serving.client.create_transform_job(
        TransformJobName=job,
        ModelName=serving.model("silent"),
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in/"}}
        },
        TransformOutput={"S3OutputPath": f"s3://{bucket}/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )

    def over() -> dict[str, Any] | None:
        found: dict[str, Any] = serving.client.describe_transform_job(TransformJobName=job)
        return found if found["TransformJobStatus"] != "InProgress" else None

    found = eventually(over)
    assert found is not None
    assert found["TransformJobStatus"] == "Failed"
    assert found["FailureReason"].startswith("AlgorithmError: Model server of container primary")
    assert "a server of kind silent" in found["FailureReason"]
