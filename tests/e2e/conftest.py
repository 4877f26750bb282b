"""What both ways from rows to a deployed model start from: flights in S3, a role, and a broken model."""

from __future__ import annotations

import io
import json
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests import flights
from tests.conformance.conftest import functions, role

__all__ = ["functions", "role"]

ROWS = 12000
"""Flights that are used, of 327,346; the later fifth is scored and never learned from."""
BROKEN = """
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    raise RuntimeError("this model was broken on purpose")
"""


@dataclass(frozen=True)
class Prepared:
    bucket: str
    role: str
    holdout: tuple[tuple[float, ...], ...]
    """Rows that are scored: label first."""
    broken: str
    """The URI of a model whose every invocation fails with status 500."""


def archive(files: dict[str, str]) -> bytes:
    """A model.tar.gz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def prepared(aws: Aws) -> Iterator[Prepared]:
    learned, holdout = flights.split(ROWS)
    at = len(learned) * 3 // 4
    s3, iam, name = aws.client("s3"), aws.client("iam"), f"flights-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    objects = {
        "train/part-0.csv": flights.as_csv(learned[:at]),
        "validation/part-0.csv": flights.as_csv(learned[at:]),
        "holdout/part-0.csv": flights.as_csv(holdout),
        "broken/model.tar.gz": archive({"code/inference.py": BROKEN}),
    }
    for key, body in objects.items():
        s3.put_object(Bucket=name, Key=key, Body=body)
    services = ["sagemaker.amazonaws.com", "states.amazonaws.com"]
    trust: dict[str, Any] = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}],
    }
    rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(rights))
    yield Prepared(name, role, holdout, f"s3://{name}/broken/model.tar.gz")
    iam.delete_role_policy(RoleName=name, PolicyName="all")
    iam.delete_role(RoleName=name)
