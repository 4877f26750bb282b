"""What a compute environment may look like. Pure.

Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html and
https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateComputeEnvironment.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdlc_emulator.engine.batch.errors import invalid, not_here

_NOT_FOR_FARGATE = (
    "minvCpus",
    "desiredvCpus",
    "allocationStrategy",
    "instanceTypes",
    "imageId",
    "ec2KeyPair",
    "instanceRole",
    "tags",
    "placementGroup",
    "bidPercentage",
    "spotIamFleetRole",
    "launchTemplate",
    "ec2Configuration",
    "scalingPolicy",
)
_KINDS = ("EC2", "SPOT", "FARGATE", "FARGATE_SPOT")


def check_environment(request: Mapping[str, Any]) -> None:
    """Refuse what AWS refuses, and what this emulator has no place to run in."""
    if request.get("eksConfiguration"):
        raise not_here("Kubernetes", "leave out eksConfiguration; jobs run in containers of this machine.")
    resources = request.get("computeResources")
    if request["type"] == "UNMANAGED":
        if resources:
            raise invalid("computeResources must not be set for an UNMANAGED compute environment")
        return
    if not resources:
        raise invalid("computeResources must be provided for a MANAGED compute environment")
    if request.get("unmanagedvCpus") is not None:
        raise invalid("unmanagedvCpus must not be set for a MANAGED compute environment")
    check_resources(resources)


def check_resources(resources: Mapping[str, Any]) -> None:
    """ClientException for what a compute environment cannot have, of AWS or here."""
    kind = resources["type"]
    if kind not in _KINDS:
        raise not_here(f"compute resources of type {kind}", f"use one of {', '.join(_KINDS)}.")
    if resources["maxvCpus"] < 1:
        raise invalid("Resource maxvCpus must be positive")
    if not resources.get("subnets"):
        raise invalid("Subnets are required")
    if "FARGATE" in kind:
        for member in _NOT_FOR_FARGATE:
            if resources.get(member) is not None:
                raise invalid(f"{member} is not applicable for Fargate.")
        if not resources.get("securityGroupIds"):
            raise invalid("Security groups are required for Fargate")
        return
    lowest = resources.get("minvCpus", 0)
    if lowest < 0:
        raise invalid("Resource minvCpus must not be negative")
    if lowest > resources["maxvCpus"]:
        raise invalid("minvCpus must not be greater than maxvCpus")
    wanted = resources.get("desiredvCpus")
    if wanted is not None and not lowest <= wanted <= resources["maxvCpus"]:
        raise invalid("desiredvCpus should be between minvCpus and maxvCpus")
    if not resources.get("instanceTypes"):
        raise invalid("Instance types are required")
    if not resources.get("instanceRole"):
        raise invalid("Instance role is required.")
