"""Secrets of Secrets Manager and parameters of Systems Manager in a job's environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.batch.conftest import GUIDE, Batch

pytestmark = pytest.mark.source(f"{GUIDE}/specifying-sensitive-data-secrets.html")


@pytest.fixture
def secret(batch: Batch, unique: Any) -> Iterator[str]:
    client = batch.aws.client("secretsmanager")
    text = json.dumps({"user": "ann", "password": "p w"})
    arn = client.create_secret(Name=unique("secret"), SecretString=text)["ARN"]
    yield arn
    client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def parameter(batch: Batch, unique: Any) -> Iterator[str]:
    client = batch.aws.client("ssm")
    name = unique("parameter")
    client.put_parameter(Name=name, Value="hidden", Type="SecureString")
    yield name
    client.delete_parameter(Name=name)


def test_a_secret_and_one_of_its_keys(batch: Batch, queue: str, secret: str) -> None:
    secrets = [
        {"name": "WHOLE", "valueFrom": secret},
        {"name": "KEY", "valueFrom": f"{secret}:password::"},
    ]
    definition = batch.shell('echo "$WHOLE"; echo "$KEY"', container={"secrets": secrets})
    job = batch.run(queue, definition)
    whole, key = batch.lines(job)
    assert json.loads(whole) == {"user": "ann", "password": "p w"}
    assert key == "p w"
    assert job["container"]["secrets"] == secrets
    assert job["container"]["environment"] == []


@pytest.mark.source(f"{GUIDE}/specifying-sensitive-data-parameters.html")
def test_a_parameter_by_name_and_by_arn(batch: Batch, queue: str, parameter: str) -> None:
    described = batch.aws.client("ssm").get_parameter(Name=parameter)
    arn = described["Parameter"]["ARN"]
    secrets = [{"name": "NAME", "valueFrom": parameter}, {"name": "ARN", "valueFrom": arn}]
    definition = batch.shell("echo $NAME $ARN", container={"secrets": secrets})
    assert batch.output(queue, definition) == ["hidden hidden"]


@pytest.mark.source(
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html"
)
@pytest.mark.parametrize("kind", ["secret", "key", "parameter"])
def test_what_is_missing_fails_the_job_before_it_runs(
    batch: Batch, queue: str, secret: str, kind: str
) -> None:
    sources = {"secret": secret.replace(":secret:", ":secret:not-"), "key": f"{secret}:other::"}
    value = sources.get(kind, "not-there")
    definition = batch.shell("echo ran", container={"secrets": [{"name": "A", "valueFrom": value}]})
    job = batch.run(queue, definition)
    assert job["status"] == "FAILED"
    assert job["statusReason"].startswith("ResourceInitializationError: unable to pull secrets")
    assert "exitCode" not in job["container"]
    assert "startedAt" not in job
