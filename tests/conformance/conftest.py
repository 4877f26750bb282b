"""The base of the conformance suite: behaviour of AWS as AWS documents it, through boto3 only.

The same tests run against the emulator (the default) and against AWS itself (`pytest --aws real`). Every
test cites where its expected values come from with `@pytest.mark.source(...)`; a known gap of the emulator
stands in gaps.toml with its reason and fails strictly: a closed gap must be taken off the list.
"""

from __future__ import annotations

import io
import json
import textwrap
import tomllib
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

HERE = Path(__file__).parent
GAPS: dict[str, str] = tomllib.loads((HERE / "gaps.toml").read_text())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        if item.get_closest_marker("source") is None:
            raise pytest.UsageError(f"{item.nodeid} cites no source: add @pytest.mark.source('https://...')")
        name = item.nodeid.removeprefix("tests/conformance/")
        reason = GAPS.get(name) or GAPS.get(name.split("[")[0])
        if reason and config.getoption("--aws") != "real":
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.fixture
def unique() -> Callable[[str], str]:
    """`unique("orders")` -> "orders-1f3a9c2e": names that no other test shares."""
    return lambda name: f"{name}-{uuid.uuid4().hex[:8]}"


def zipped(files: dict[str, str | bytes]) -> bytes:
    """A deployment package holding `files` (path -> content)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            text = textwrap.dedent(content) if isinstance(content, str) else content
            info = zipfile.ZipInfo(path)
            info.external_attr = 0o755 << 16
            archive.writestr(info, text)
    return buffer.getvalue()


@dataclass
class Answer:
    """What an Invoke returned, decoded."""

    status: int
    payload: Any
    error: str | None
    log: str
    version: str | None = None


@dataclass
class Functions:
    """Makes Lambda functions from source text and removes them afterwards."""

    aws: Aws
    role_arn: str
    made: list[str] = field(default_factory=list)

    def make(self, code: str | dict[str, str | bytes], *, name: str | None = None, **settings: Any) -> str:
        """Create a function, wait until it is active, return its name. `code` is index.py or {path: content};
        `settings` go to CreateFunction."""
        name = name or f"f-{uuid.uuid4().hex[:10]}"
        files = code if isinstance(code, dict) else {"index.py": code}
        client = self.aws.client("lambda")
        request: dict[str, Any] = {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": self.role_arn,
            "Code": {"ZipFile": zipped(files)},
            "Timeout": 10,
        }
        client.create_function(**(request | settings))
        self.made.append(name)
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    def invoke(self, name: str, event: Any = None, **options: Any) -> Answer:
        """Invoke and decode; `options` go to Invoke."""
        import base64

        answer = self.aws.client("lambda").invoke(
            FunctionName=name, Payload=json.dumps(event).encode(), **({"LogType": "Tail"} | options)
        )
        body = answer["Payload"].read()
        log = base64.b64decode(answer.get("LogResult", "")).decode()
        return Answer(
            answer["StatusCode"],
            json.loads(body) if body else None,
            answer.get("FunctionError"),
            log,
            answer.get("ExecutedVersion"),
        )

    def arn(self, name: str) -> str:
        return str(self.aws.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"])


@pytest.fixture(scope="session")
def role(aws: Aws) -> Iterator[str]:
    """A role that Lambda, Step Functions, EventBridge and API Gateway may assume, with wide rights."""
    iam = aws.client("iam")
    name = f"conformance-{uuid.uuid4().hex[:8]}"
    services = ["lambda", "states", "events", "scheduler", "apigateway", "pipes", "logs"]
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": [f"{service}.amazonaws.com" for service in services]},
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


@pytest.fixture
def functions(aws: Aws, role: str) -> Iterator[Functions]:
    made = Functions(aws, role)
    yield made
    client = aws.client("lambda")
    for name in made.made:
        try:
            client.delete_function(FunctionName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
