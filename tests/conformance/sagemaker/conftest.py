"""What the tests of SageMaker share: a role, a bucket, and jobs that run a script and are waited for."""

from __future__ import annotations

import io
import json
import tarfile
import textwrap
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
"""Has a shell and Python; published for everybody in us-east-1."""
OVER = ("Completed", "Failed", "Stopped")
MACHINE = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
WITHIN = 60.0
"""Seconds within which a job of these tests is over; against AWS itself set it higher."""

type Members = dict[str, Any]


def error_of(raised: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    """Code and message."""
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="session")
def sagemaker_role(aws: Aws) -> Iterator[str]:
    """A role that SageMaker may assume, with wide rights."""
    iam = aws.client("iam")
    name = f"sagemaker-{uuid.uuid4().hex[:8]}"
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
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
    yield arn
    iam.delete_role_policy(RoleName=name, PolicyName="all")
    iam.delete_role(RoleName=name)


@dataclass(frozen=True)
class Bucket:
    """A bucket of this module's tests."""

    s3: Any
    name: str

    def uri(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def put(self, key: str, content: str | bytes) -> str:
        """Store an object; its URI."""
        body = content.encode() if isinstance(content, str) else content
        self.s3.put_object(Bucket=self.name, Key=key, Body=body)
        return self.uri(key)

    def read(self, uri: str) -> bytes:
        """The object at a URI or key."""
        key = uri.removeprefix(self.uri())
        body: bytes = self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body

    def below(self, prefix: str = "") -> list[str]:
        """All keys below a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def archive(self, uri: str) -> dict[str, bytes]:
        """The files in a .tar.gz."""
        with tarfile.open(fileobj=io.BytesIO(self.read(uri))) as tar:
            files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
            return {name: file.read() for name, file in files.items() if file is not None}


@pytest.fixture(scope="module")
def bucket(aws: Aws) -> Iterator[Bucket]:
    """Emptied and deleted when the module's tests are over."""
    found = Bucket(aws.client("s3"), f"conformance-{uuid.uuid4().hex[:12]}")
    found.s3.create_bucket(Bucket=found.name)
    yield found
    for key in found.below():
        found.s3.delete_object(Bucket=found.name, Key=key)
    found.s3.delete_bucket(Bucket=found.name)


@dataclass
class Jobs:
    """Training and processing jobs that run a script of the test."""

    aws: Aws
    role: str
    bucket: Bucket
    made: list[tuple[str, str]] = field(default_factory=list)

    @property
    def client(self) -> Any:
        return self.aws.client("sagemaker")

    def name(self, what: str = "job") -> str:
        """A name that no other test has."""
        return f"{what}-{uuid.uuid4().hex[:10]}"

    def code(self, script: str) -> str:
        """The script in S3: the prefix below which it is `main.py`."""
        prefix = f"code/{uuid.uuid4().hex}"
        self.bucket.put(f"{prefix}/main.py", textwrap.dedent(script))
        return self.bucket.uri(prefix)

    def training(self, script: str = "print('nothing to do')", **changes: Any) -> Members:
        """A CreateTrainingJob request that runs the script; `changes` replace its members, those of
        AlgorithmSpecification one by one."""
        specification = {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "/opt/ml/input/data/code/main.py"],
        } | changes.pop("AlgorithmSpecification", {})
        return {
            "TrainingJobName": self.name("train"),
            "AlgorithmSpecification": specification,
            "RoleArn": self.role,
            "InputDataConfig": [self.channel("code", self.code(script)), *changes.pop("channels", ())],
            "OutputDataConfig": {"S3OutputPath": self.bucket.uri("output")},
            "ResourceConfig": MACHINE,
            "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        } | changes

    @staticmethod
    def channel(name: str, uri: str, **changes: Any) -> Members:
        """A channel of objects below a prefix; `changes` go into S3DataSource when it has such a member."""
        source = {"S3DataType": "S3Prefix", "S3Uri": uri}
        for member in ("S3DataType", "S3DataDistributionType", "InstanceGroupNames", "AttributeNames"):
            if member in changes:
                source[member] = changes.pop(member)
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}} | changes

    def processing(self, script: str = "print('nothing to do')", **changes: Any) -> Members:
        """A CreateProcessingJob request that runs the script; `inputs` and `outputs` are added to its own."""
        code = {
            "InputName": "code",
            "S3Input": {
                "S3Uri": self.code(script),
                "LocalPath": "/opt/ml/processing/input/code",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
            },
        }
        outputs = changes.pop("outputs", None)
        request = {
            "ProcessingJobName": self.name("process"),
            "ProcessingInputs": [code, *changes.pop("inputs", ())],
            "ProcessingResources": {"ClusterConfig": MACHINE},
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python", "/opt/ml/processing/input/code/main.py"],
            },
            "RoleArn": self.role,
        }
        if outputs:
            request["ProcessingOutputConfig"] = {"Outputs": outputs}
        return request | changes

    def start(self, request: Members) -> str:
        """Create the job that the request describes; its name."""
        kind = "Training" if "TrainingJobName" in request else "Processing"
        name = str(request[f"{kind}JobName"])
        getattr(self.client, f"create_{kind.lower()}_job")(**request)
        self.made.append((kind, name))
        return name

    def describe(self, name: str) -> Members:
        kind = next(kind for kind, made in self.made if made == name)
        described: Members = getattr(self.client, f"describe_{kind.lower()}_job")(**{f"{kind}JobName": name})
        described.pop("ResponseMetadata")
        return described

    def status(self, name: str) -> str:
        kind = next(kind for kind, made in self.made if made == name)
        return str(self.describe(name)[f"{kind}JobStatus"])

    def over(self, name: str) -> Members:
        """The description once the status is final."""
        eventually(lambda: self.status(name) in OVER, within=WITHIN)
        return self.describe(name)

    def run(self, request: Members) -> Members:
        """Create the job and wait for its end."""
        return self.over(self.start(request))

    def train(self, script: str, **changes: Any) -> Members:
        """The description of a training job that has run the script."""
        return self.run(self.training(script, **changes))

    def process(self, script: str, **changes: Any) -> Members:
        """The description of a processing job that has run the script."""
        return self.run(self.processing(script, **changes))

    def model(self, described: Members) -> dict[str, bytes]:
        """The files of a training job's model.tar.gz."""
        return self.bucket.archive(described["ModelArtifacts"]["S3ModelArtifacts"])

    def report(self, described: Members) -> Any:
        """What the job has written to `report.json` in its model."""
        return json.loads(self.model(described)["report.json"])

    def log(self, name: str, host: str = "algo-1") -> list[str]:
        """The lines in the log of one host."""
        kind = next(kind for kind, made in self.made if made == name)
        logs, group = self.aws.client("logs"), f"/aws/sagemaker/{kind}Jobs"
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/{host}-")
        [stream] = streams["logStreams"]
        events = logs.get_log_events(
            logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
        )
        return [event["message"].rstrip("\n") for event in events["events"]]

    def stop_all(self) -> None:
        """End what a test has left running."""
        for kind, name in self.made:
            if self.status(name) not in OVER:
                getattr(self.client, f"stop_{kind.lower()}_job")(**{f"{kind}JobName": name})


@pytest.fixture
def jobs(aws: Aws, sagemaker_role: str, bucket: Bucket) -> Iterator[Jobs]:
    made = Jobs(aws, sagemaker_role, bucket)
    yield made
    made.stop_all()


type Refused = Callable[[Members], tuple[str, str]]


@pytest.fixture
def refused(jobs: Jobs) -> Refused:
    """`refused(request)`: code and message of the error that creating the job answers; nothing was made."""

    def refuse(request: Members) -> tuple[str, str]:
        kind = "training" if "TrainingJobName" in request else "processing"
        with pytest.raises(ClientError) as raised:
            getattr(jobs.client, f"create_{kind}_job")(**request)
        name = f"{kind.capitalize()}JobName"
        with pytest.raises(ClientError) as missing:
            getattr(jobs.client, f"describe_{kind}_job")(**{name: request[name]})
        assert error_of(missing) == ("ValidationException", "Requested resource not found.")
        return error_of(raised)

    return refuse
