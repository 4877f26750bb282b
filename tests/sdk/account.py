"""What every scenario of an SDK is given: the account's session, a role, a bucket and rows in it.

AWS_ENDPOINT_URL says where the emulator is; the SDKs are used as they come from the package index.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

REGION = "us-east-1"
os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")
os.environ["AWS_DEFAULT_REGION"] = REGION

CALLS = os.environ.get("MDLC_SDK_CALLS")
"""A file that gets one line for each call: the test, the operation, and how it ended."""


class EmuSession(boto3.Session):
    """The one concession: the SDK writes the endpoint of STS into two of its calls, and an endpoint that is
    given beats AWS_ENDPOINT_URL. Everything else reaches the emulator by itself."""

    def client(self, service_name: str, *arguments: Any, **settings: Any) -> Any:
        if service_name == "sts" and "amazonaws.com" in str(settings.get("endpoint_url")):
            settings.pop("endpoint_url")
        return super().client(service_name, *arguments, **settings)


@pytest.fixture(scope="session", autouse=True)
def configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The SDK's own configuration file, which switches its telemetry off."""
    path = tmp_path_factory.mktemp("sagemaker") / "config.yaml"
    settings = {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}
    path.write_text(json.dumps({"SchemaVersion": "1.0", "SageMaker": settings}))  # JSON is YAML
    os.environ["SAGEMAKER_USER_CONFIG_OVERRIDE"] = str(path)


@pytest.fixture
def boto_session(request: pytest.FixtureRequest) -> EmuSession:
    session = EmuSession(region_name=REGION)
    if CALLS:

        def note(model: Any, http_response: Any, **_: Any) -> None:
            with Path(CALLS).open("a") as file:
                operation = f"{model.service_model.service_name}:{model.name}"
                file.write(f"{request.node.nodeid} {operation} {http_response.status_code}\n")

        session.events.register("after-call", note)
    boto3.DEFAULT_SESSION = session
    return session


@pytest.fixture
def unique() -> Callable[[str], str]:
    """`unique("model")` -> "model-1f3a9c2e"."""
    return lambda name: f"{name}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def bucket(boto_session: EmuSession, unique: Callable[[str], str]) -> str:
    name = unique("sdk")
    boto_session.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def role(boto_session: EmuSession, unique: Callable[[str], str]) -> Iterator[str]:
    """The ARN of an execution role as SageMaker's guide says to make one."""
    iam, name = boto_session.client("iam"), unique("execution")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(everything))
    yield arn
    iam.delete_role_policy(RoleName=name, PolicyName="all")
    iam.delete_role(RoleName=name)


@pytest.fixture
def put(boto_session: EmuSession, bucket: str) -> Callable[[str, str | bytes], str]:
    """`put("train/a.csv", text)` -> its URI in the session's bucket."""

    def store(key: str, content: str | bytes) -> str:
        body = content.encode() if isinstance(content, str) else content
        boto_session.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    return store


def labelled(rows: int, seed: int = 7) -> str:
    """CSV lines `label,x,y` without header, as the built-in algorithms read them: 1 where x > y."""
    import random

    draw = random.Random(seed)
    lines = []
    for _ in range(rows):
        x, y = draw.random(), draw.random()
        lines.append(f"{int(x > y)},{x:.4f},{y:.4f}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def training_data(put: Callable[[str, str | bytes], str]) -> dict[str, str]:
    """Channel -> S3 prefix."""
    train = put("data/train/part-0.csv", labelled(400))
    validation = put("data/validation/part-0.csv", labelled(100, seed=8))
    return {"train": train.rpartition("/")[0], "validation": validation.rpartition("/")[0]}
