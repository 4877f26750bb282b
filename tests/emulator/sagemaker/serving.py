"""Model servers of a user's own images, as endpoints."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import Any

from botocore.config import Config
from mdlc_emulator.launcher import Instance
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

HERE = Path(__file__).parent
STARTUP = "2.5"
"""Seconds that a server gets to become ready in these tests."""


def recipe(kind: str, mounts: dict[str, str] | None = None) -> str:
    """A model server of this kind as the image test/<kind>, with these directories of the machine by the
    paths at which it sees them."""
    seen = ", ".join(
        f'"{target}" = "{source}"' for target, source in {"/srv": HERE, **(mounts or {})}.items()
    )
    python = Path(sys.executable).resolve()
    return (
        f'[[image]]\nuri = "test/{kind}"\nserve = ["{python}", "/srv/model_servers.py", "{kind}"]\n'
        f"mounts = {{ {seen} }}\n"
    )


def processes(kind: str) -> list[int]:
    """The model servers of a kind that run on this machine whichever emulator's they are."""
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
