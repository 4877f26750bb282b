"""`mdlc` and `chalice` as a user calls them, on a copy of the project, in an account of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from mdlc_emulator.pytest_plugin import Aws

from cli.deploy_project import Project
from tests.packaging.conftest import copied

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Answer:
    """What a command line or an HTTP request came to."""

    code: int
    out: str
    error: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class User:
    """Somebody in a checkout, with the emulator's variables set."""

    project: Project
    aws: Aws
    client: Callable[[str], Any]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MDLC_"))}
        return kept | {
            "AWS_ENDPOINT_URL": str(self.aws.endpoint_url),
            "AWS_ACCESS_KEY_ID": self.aws.account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": self.aws.region,
        }

    def run(self, program: str, *arguments: str, **environment: str) -> Answer:
        done = subprocess.run(
            [BIN / program, *arguments],
            cwd=self.project.root,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def mdlc(self, *arguments: str, **environment: str) -> Answer:
        return self.run("mdlc", *arguments, **environment)

    def change(self, path: str, text: str = "# changed\n") -> None:
        """Add a line to a file of the checkout."""
        with (self.project.root / path).open("a") as file:
            file.write(text)


def get(url: str, **headers: str) -> Answer:
    """GET; error answers too."""
    try:
        with urlopen(Request(url, headers=headers), timeout=30) as answer:
            return Answer(answer.status, answer.read().decode(), headers=dict(answer.headers))
    except HTTPError as error:
        return Answer(error.code, error.read().decode(), headers=dict(error.headers))


def everything(user: User) -> dict[str, list[str]]:
    """All that exists in the user's account, by kind."""
    client = user.client
    return {
        "functions": [f["FunctionName"] for f in client("lambda").list_functions()["Functions"]],
        "layers": [
            version["LayerVersionArn"]
            for name in ("mdlc-local-dependencies", "mdlc-local-managed-layer")
            for version in client("lambda").list_layer_versions(LayerName=name)["LayerVersions"]
        ],
        "mappings": [m["UUID"] for m in client("lambda").list_event_source_mappings()["EventSourceMappings"]],
        "roles": [role["RoleName"] for role in client("iam").list_roles()["Roles"]],
        "logs": [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]],
        "machines": [m["name"] for m in client("stepfunctions").list_state_machines()["stateMachines"]],
        "stacks": [
            stack["StackName"]
            for stack in client("cloudformation").list_stacks()["StackSummaries"]
            if stack["StackStatus"] != "DELETE_COMPLETE"
        ],
        "buckets": [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]],
        "tables": client("dynamodb").list_tables()["TableNames"],
        "streams": client("kinesis").list_streams()["StreamNames"],
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "apis": [api["id"] for api in client("apigateway").get_rest_apis()["items"]],
        "rules": [rule["Name"] for rule in client("events").list_rules()["Rules"]],
        "alarms": [alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]],
    }


_ACCOUNTS = iter(range(710000000000, 710000001000))


def new_user(aws: Aws, root: Path) -> User:
    there = aws.at(account=str(next(_ACCOUNTS)))
    return User(copied(root), there, cache(there.client))


@pytest.fixture
def user(aws: Aws, tmp_path: Path) -> User:
    """A user of an account in which nothing is deployed yet."""
    return new_user(aws, tmp_path)


@pytest.fixture(scope="module")
def deployed(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[User, Any]]:
    """A user who has run `mdlc deploy`, and its report."""
    somebody = new_user(aws, tmp_path_factory.mktemp("deployed"))
    done = somebody.mdlc("deploy", "--stage", "local", "--json")
    assert done.code == 0, done.error
    yield somebody, done.json
    somebody.mdlc("destroy", "--force")
