"""Models, endpoints and transform jobs for the tests, served by functions of the test."""

from __future__ import annotations

import io
import tarfile
import textwrap
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.sagemaker.conftest import IMAGE, Bucket
from tests.waiting import eventually

WITHIN = 60.0
"""Seconds within which an endpoint or a job of these tests is there; against AWS itself set it higher."""

ECHO = """
import os, time

def model_fn(directory):
    with open(os.path.join(directory, "name")) as file:
        return file.read()

def transform_fn(model, body, content_type, accept):
    text = body if isinstance(body, str) else bytes(body).decode()
    if text.startswith("fail"):
        raise ValueError("failed as asked")
    if text.startswith("die"):
        os._exit(3)
    if text.startswith("sleep"):
        time.sleep(float(text.split()[1]))
    if text.startswith("pid"):
        return str(os.getpid()), "text/plain"
    return f"{model}:{text}", content_type
"""
"""Answers with the model's name and what it was sent; some words make it fail, die, sleep, tell its pid."""


def archive(files: dict[str, str]) -> bytes:
    """model.tar.gz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, text in files.items():
            data = textwrap.dedent(text).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@dataclass
class Serving:
    """Makes models, configurations, endpoints and jobs; removes endpoints afterwards."""

    aws: Aws
    role: str
    bucket: Bucket
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.aws.client("sagemaker")
        self.unchecked = self.aws.client("sagemaker", config=Config(parameter_validation=False))
        self.runtime = self.aws.client(
            "sagemaker-runtime", config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32)
        )

    def name(self, what: str) -> str:
        return f"{what}-{uuid.uuid4().hex[:10]}"

    def data(self, code: str = ECHO, files: dict[str, str] | None = None) -> str:
        """Model data in S3: `code` as inference.py."""
        content = archive({"code/inference.py": code, "name": "m", **(files or {})})
        return self.bucket.put(f"models/{uuid.uuid4().hex}/model.tar.gz", content)

    def container(self, code: str = ECHO, name: str = "m", **members: Any) -> dict[str, Any]:
        """A ContainerDefinition."""
        variables = {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        }
        return {
            "Image": IMAGE,
            "ModelDataUrl": self.data(code, {"name": name}),
            "Environment": variables,
            **members,
        }

    def model(self, code: str = ECHO, name: str = "m", **members: Any) -> str:
        """A model that answers `name:...`; its name."""
        request = {"PrimaryContainer": self.container(code, name)} | members
        made = self.name("model")
        self.client.create_model(ModelName=made, ExecutionRoleArn=self.role, **request)
        return made

    def variant(self, model: str, **members: Any) -> dict[str, Any]:
        """A ProductionVariant."""
        return {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        } | members

    def config(self, *variants: dict[str, Any], **members: Any) -> str:
        """An endpoint configuration; its name."""
        made = self.name("config")
        self.client.create_endpoint_config(
            EndpointConfigName=made, ProductionVariants=list(variants), **members
        )
        return made

    def begin(self, config: str) -> str:
        """An endpoint that is not waited for; its name."""
        made = self.name("endpoint")
        self.made.append(made)
        self.client.create_endpoint(EndpointName=made, EndpointConfigName=config)
        return made

    def endpoint(self, config: str) -> str:
        """An endpoint in service; its name."""
        made = self.begin(config)
        self.settled(made)
        return made

    def settled(self, endpoint: str, status: str = "InService", within: float = WITHIN) -> dict[str, Any]:
        """DescribeEndpoint once it is no longer on its way; an AssertionError unless it has `status`."""

        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client.describe_endpoint(EndpointName=endpoint)
            return found if found["EndpointStatus"] in ("InService", "Failed") else None

        found = eventually(over, within=within)
        assert found is not None
        assert found["EndpointStatus"] == status, found
        return found

    def invoke(self, endpoint: str, body: str | bytes = "x", **members: Any) -> dict[str, Any]:
        """InvokeEndpoint's response with its Body as text."""
        request = {"ContentType": "text/csv"} | members
        answer: dict[str, Any] = self.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, **request)
        answer["Body"] = answer["Body"].read().decode()
        return answer

    def transform(self, model: str, source: str, **members: Any) -> str:
        """A transform job of the objects under `source`; its name."""
        made = self.name("transform")
        inputs = {"ContentType": "text/csv", "SplitType": "Line"} | members.pop("TransformInput", {})
        output = {"S3OutputPath": self.bucket.uri(f"out/{made}")} | members.pop("TransformOutput", {})
        self.client.create_transform_job(
            TransformJobName=made,
            ModelName=model,
            TransformInput={
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
                **inputs,
            },
            TransformOutput=output,
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1}
            | members.pop("TransformResources", {}),
            **members,
        )
        return made

    def transformed(self, job: str, status: str = "Completed") -> dict[str, Any]:
        """DescribeTransformJob once it is over; an AssertionError unless it has `status`."""

        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client.describe_transform_job(TransformJobName=job)
            return found if found["TransformJobStatus"] in ("Completed", "Failed", "Stopped") else None

        found = eventually(over, within=WITHIN)
        assert found is not None
        assert found["TransformJobStatus"] == status, found
        return found

    def output(self, job: str, name: str) -> bytes:
        """What a transform job wrote for the file `name`."""
        return self.bucket.read(f"out/{job}/{name}.out")

    def cleared(self) -> None:
        """Delete the endpoints that are left."""
        for endpoint in self.made:
            try:
                eventually(_deleted(self.client, endpoint), within=WITHIN)
            except ClientError as error:
                if "Could not find" not in error.response["Error"]["Message"]:
                    raise


def _deleted(client: Any, endpoint: str) -> Callable[[], bool]:
    def delete() -> bool:
        try:
            client.delete_endpoint(EndpointName=endpoint)
        except ClientError as error:
            if "in-progress" in error.response["Error"]["Message"]:
                return False
            raise
        return True

    return delete


@pytest.fixture(scope="module")
def serving(aws: Aws, sagemaker_role: str, bucket: Bucket) -> Iterator[Serving]:
    made = Serving(aws, sagemaker_role, bucket)
    yield made
    made.cleared()
