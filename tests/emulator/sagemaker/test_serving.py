"""Model servers of a user's own images: what becomes of their faults, and what they are given."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import sys
import tarfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mdlc_emulator.launcher import Instance, start
from mdlc_emulator.pytest_plugin import Aws

from tests.emulator.sagemaker import model_servers
from tests.waiting import eventually

HERE = Path(__file__).parent
STARTUP = "2.5"
"""Seconds that a server gets to become ready in these tests."""


def recipe(kind: str) -> str:
    """A model server of this kind as the image test/<kind>."""
    python = Path(sys.executable).resolve()
    return (
        f'[[image]]\nuri = "test/{kind}"\nserve = ["{python}", "/srv/model_servers.py", "{kind}"]\n'
        f'mounts = {{ "/srv" = "{HERE}" }}\n'
    )


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    recipes = tmp_path_factory.mktemp("recipes") / "mdlc-images.toml"
    recipes.write_text("\n".join(recipe(kind) for kind in model_servers.KINDS))
    instance = start(settings={"MDLC_IMAGE_RECIPES": str(recipes), "MDLC_SAGEMAKER_STARTUP_SECONDS": STARTUP})
    yield instance
    instance.stop()


class Serving:
    """Endpoints of these images."""

    def __init__(self, instance: Instance) -> None:
        self.aws = Aws(instance.endpoint_url)
        self.client = self.aws.client("sagemaker")
        once = Config(retries={"total_max_attempts": 1}, max_pool_connections=32)
        self.runtime = self.aws.client("sagemaker-runtime", config=once)

    def model(self, kind: str, **members: Any) -> str:
        name = f"model-{uuid.uuid4().hex[:8]}"
        container = {"Image": f"test/{kind}", **members.pop("PrimaryContainer", {})}
        self.client.create_model(ModelName=name, PrimaryContainer=container, **members)
        return name

    def variant(self, model: str, **members: Any) -> dict[str, Any]:
        return {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        } | members

    def config(self, *variants: dict[str, Any], **members: Any) -> str:
        name = f"config-{uuid.uuid4().hex[:8]}"
        self.client.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=list(variants), **members
        )
        return name

    def endpoint(self, *variants: dict[str, Any], status: str = "InService") -> str:
        name = f"endpoint-{uuid.uuid4().hex[:8]}"
        self.client.create_endpoint(EndpointName=name, EndpointConfigName=self.config(*variants))
        self.settled(name, status)
        return name

    def settled(self, name: str, status: str = "InService") -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client.describe_endpoint(EndpointName=name)
            return found if found["EndpointStatus"] in ("InService", "Failed") else None

        found = eventually(over, every=0.02)
        assert found is not None
        assert found["EndpointStatus"] == status, found
        return found

    def reason(self, kind: str) -> str:
        name = self.endpoint(self.variant(self.model(kind)), status="Failed")
        return str(self.client.describe_endpoint(EndpointName=name)["FailureReason"])

    def invoke(self, endpoint: str, body: bytes = b"x", **members: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, **members)
        answer["Body"] = answer["Body"].read()
        return answer


@pytest.fixture(scope="module")
def serving(instance: Instance) -> Serving:
    return Serving(instance)


@pytest.fixture(scope="module")
def echo(serving: Serving) -> str:
    return serving.endpoint(serving.variant(serving.model("echo")))


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


def processes(kind: str) -> list[int]:
    """The model servers of a kind that run on this machine as children of this test's emulator."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if command[1:3] == [b"/srv/model_servers.py", kind.encode()]:
                found.append(int(entry.name))
    return found


def test_every_instance_is_a_server_and_a_killed_one_is_replaced(serving: Serving) -> None:
    endpoint = serving.endpoint(serving.variant(serving.model("slow"), InitialInstanceCount=3))
    before = processes("slow")
    assert len(before) == 3
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: len(set(processes("slow")) - set(before)) == 1)

    def answers() -> bool:
        return [serving.invoke(endpoint)["Body"] for _ in range(6)] == [b"x"] * 6

    eventually(answers)
    serving.client.delete_endpoint(EndpointName=endpoint)
    eventually(lambda: not processes("slow"))


def test_deleting_an_endpoint_answers_what_it_has_taken(serving: Serving) -> None:
    endpoint = serving.endpoint(serving.variant(serving.model("slow")))
    answers: list[bytes] = []
    errors: list[str] = []

    def ask() -> None:
        while not errors:
            try:
                answers.append(serving.invoke(endpoint)["Body"])
            except ClientError as error:
                errors.append(error.response["Error"]["Message"])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(answers) > 12)
    serving.client.delete_endpoint(EndpointName=endpoint)
    for thread in threads:
        thread.join()
    assert set(answers) == {b"x"}
    assert set(errors) == {f"Endpoint {endpoint} of account 000000000000 not found."}


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


def test_a_serverless_variant_takes_so_many_at_once(serving: Serving) -> None:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": serving.model("echo"),
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
    }
    endpoint = serving.endpoint(variant)
    outcomes: list[str] = []

    def ask() -> None:
        try:
            outcomes.append(serving.invoke(endpoint, b"wait")["Body"].decode())
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ThrottlingException", "waited"]


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


@pytest.mark.long
def test_nothing_of_a_killed_emulator_serves_on(tmp_path: Path) -> None:
    recipes = tmp_path / "mdlc-images.toml"
    recipes.write_text(recipe("echo"))
    instance = start(settings={"MDLC_IMAGE_RECIPES": str(recipes)})
    before = set(processes("echo"))
    other = Serving(instance)
    other.endpoint(other.variant(other.model("echo")))
    assert set(processes("echo")) - before
    os.kill(instance.supervisor_pid, signal.SIGKILL)
    eventually(lambda: not set(processes("echo")) - before)
    instance.stop()


def test_variants_keep_what_they_had_when_an_update_says_so(serving: Serving) -> None:
    model = serving.model("echo")

    def config(**members: Any) -> str:
        two = [serving.variant(model, VariantName=name, **members) for name in ("a", "b")]
        return serving.config(*two)

    def state(endpoint: str) -> dict[str, tuple[float, int]]:
        found = serving.settled(endpoint)["ProductionVariants"]
        return {one["VariantName"]: (one["CurrentWeight"], one["CurrentInstanceCount"]) for one in found}

    endpoint = f"endpoint-{uuid.uuid4().hex[:8]}"
    serving.client.create_endpoint(EndpointName=endpoint, EndpointConfigName=config())
    serving.settled(endpoint)
    serving.client.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[
            {"VariantName": "a", "DesiredWeight": 4, "DesiredInstanceCount": 2},
            {"VariantName": "b", "DesiredWeight": 2},
        ],
    )
    assert state(endpoint) == {"a": (4, 2), "b": (2, 1)}
    serving.client.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=config(InitialVariantWeight=9),
        RetainAllVariantProperties=True,
    )
    assert state(endpoint) == {"a": (4, 2), "b": (2, 1)}
    serving.client.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=config(InitialVariantWeight=9),
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    assert state(endpoint) == {"a": (9, 2), "b": (9, 1)}
    serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config(InitialVariantWeight=5))
    assert state(endpoint) == {"a": (5, 1), "b": (5, 1)}
    with pytest.raises(ClientError) as raised:
        serving.client.update_endpoint(
            EndpointName=endpoint,
            EndpointConfigName=config(),
            ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
        )
    assert raised.value.response["Error"]["Code"] == "ValidationException"


def listening(serving: Serving, detail_type: str) -> Callable[[], list[dict[str, Any]]]:
    """The events of this type from now on, with each call those that are new."""
    events, sqs = serving.aws.client("events"), serving.aws.client("sqs")
    name = f"events-{uuid.uuid4().hex[:8]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"detail-type": [detail_type]}))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])

    def heard() -> list[dict[str, Any]]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ())
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in found]

    return heard


def test_linear_steps_follow_each_other_and_are_told(serving: Serving) -> None:
    model = serving.model("echo")
    endpoint = serving.endpoint(serving.variant(model))
    heard = listening(serving, "SageMaker Endpoint Deployment State Change")
    config = serving.config(serving.variant(model))
    routing = {
        "Type": "LINEAR",
        "WaitIntervalInSeconds": 1,
        "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
    }
    policy = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 1}
    }
    serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, DeploymentConfig=policy)
    said: list[str] = []

    def over() -> bool:
        found = serving.client.describe_endpoint(EndpointName=endpoint)
        for variant in found.get("PendingDeploymentSummary", {}).get("ProductionVariants", ()):
            for status in variant.get("VariantStatus", ()):
                if status["Status"] == "Baking" and status["StatusMessage"] not in said:
                    said.append(status["StatusMessage"])
        return bool(found["EndpointStatus"] == "InService")

    eventually(over, every=0.02)
    assert said == [
        f"Baking for 1 seconds ({setting}) with traffic enabled on {part} capacity of 1 instance(s)."
        for setting, part in (("WaitIntervalInSeconds", "canary"), ("TerminationWaitInSeconds", "full"))
    ]
    told: dict[str, dict[str, Any]] = {}

    def complete() -> bool:
        for event in heard():
            (variant,) = event["detail"]["PendingDeploymentSummary"]["ProductionVariants"]
            told[variant["VariantStatus"][0]["StatusMessage"]] = event
        return set(said) <= told.keys()

    eventually(complete)
    event = told[said[0]]
    assert event["source"] == "aws.sagemaker"
    assert event["detail"]["EndpointStatus"] == "UPDATING"
    assert event["detail"]["PendingDeploymentSummary"]["EndpointConfigName"] == config
    assert event["resources"] == [event["detail"]["EndpointArn"]]


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


def test_more_instances_than_the_quota_are_refused_at_once(serving: Serving) -> None:
    config = serving.config(serving.variant(serving.model("echo"), InitialInstanceCount=21))
    with pytest.raises(ClientError) as raised:
        serving.client.create_endpoint(EndpointName="too-many", EndpointConfigName=config)
    assert raised.value.response["Error"]["Code"] == "ResourceLimitExceeded"
    assert "'ml.m5.large for endpoint usage' is 20 Instances" in raised.value.response["Error"]["Message"]


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
