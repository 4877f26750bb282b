"""The client side, the same for every emulator: plain boto3, and proof that each answer was worked for."""

import io
import json
import time
import uuid
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.contestants import Running

CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}

# Says who answered: a name that the environment gave itself when it was initialized (process ids repeat
# between namespaces), and how many calls it has had. What was sent comes back.
ECHO = """\
import os
environment = os.urandom(8).hex()
calls = 0
def handler(event, context):
    global calls
    calls += 1
    return {"event": event, "environment": environment, "calls": calls}
"""
COLD = "import boto3\n" + ECHO


class WrongAnswerError(Exception):
    """The emulator answered, but not with what the function would have returned."""


@dataclass(frozen=True)
class Echo:
    """The answer of a function made from ECHO."""

    event: Any
    environment: str
    calls: int

    @classmethod
    def of(cls, answer: Any, sent: Any) -> "Echo":
        """WrongAnswerError unless `answer` is what ECHO returns for `sent`."""
        match answer:
            case {"event": event, "environment": str(environment), "calls": int(calls)} if (
                event == sent and calls > 0
            ):
                return cls(event, environment, calls)
        raise WrongAnswerError(f"sent {sent!r:.80}, got {answer!r:.200}")


def package(source: str) -> bytes:
    """A deployment package whose index.py is `source`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.py", source)
    return buffer.getvalue()


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def sent() -> dict[str, str]:
    """A small payload that no other call has."""
    return {"id": uuid.uuid4().hex}


@dataclass
class Cloud:
    """boto3 against one running emulator. Retries are off: a call that fails is seen, not hidden."""

    running: Running
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            make: Any = boto3.client
            self._clients[service] = make(
                service,
                endpoint_url=self.running.endpoint_url,
                config=Config(
                    retries={"total_max_attempts": 1},
                    read_timeout=120,
                    max_pool_connections=64,
                    tcp_keepalive=True,
                ),
                **CREDENTIALS,
            )
        return self._clients[service]

    @cached_property
    def role(self) -> str:
        """A role that Lambda and Step Functions may assume."""
        iam, name = self.client("iam"), unique("bench")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        return str(arn)

    def create(self, source: str) -> str:
        """CreateFunction; returns the name at once, the function perhaps Pending."""
        name = unique("bench")
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="index.handler",
            Role=self.role,
            Code={"ZipFile": package(source)},
            Timeout=30,
            MemorySize=512,
        )
        return name

    def await_active(self, name: str) -> str:
        """Poll until the function is Active; returns its ARN."""
        while True:
            configuration = self.client("lambda").get_function_configuration(FunctionName=name)
            if configuration["State"] == "Active":
                return str(configuration["FunctionArn"])
            if configuration["State"] == "Failed":
                raise WrongAnswerError(f"{name} failed: {configuration.get('StateReason')}")
            time.sleep(0.01)

    def invoke(self, name: str, event: Any) -> Any:
        """The decoded answer of a synchronous Invoke. WrongAnswerError for a function error."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        body = answer["Payload"].read()
        if answer.get("FunctionError"):
            raise WrongAnswerError(f"{name} raised {body!r:.300}")
        return json.loads(body)

    def delete(self, name: str) -> None:
        """DeleteFunction, so that its processes do not weigh on what is measured next."""
        self.client("lambda").delete_function(FunctionName=name)
