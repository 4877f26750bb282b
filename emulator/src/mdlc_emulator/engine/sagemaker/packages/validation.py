"""What a model package must pass: its images are looked up, and transform jobs run to test it.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageValidationSpecification.html
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.sagemaker.packages.resources import Package
from mdlc_emulator.images.recipe import UnknownImage


def scan(images: Iterable[str]) -> list[dict[str, Any]]:
    """A failure for each image that no recipe stands for; as AWS does, nothing is said of the others."""
    from mdlc_emulator.images.resolve import resolve

    failures = []
    for image in sorted(set(images)):
        try:
            resolve(image)
        except UnknownImage as error:
            failures.append({"Name": image, "Status": "Failed", "FailureReason": str(error)})
    return failures


def validate(package: Package) -> list[dict[str, Any]]:
    """Run the package's profiles one after the other; a status for each. Transform jobs and their model are
    the account's own, named after the package, and stay, as on AWS."""
    specification = package.members.get("ValidationSpecification")
    if specification is None:
        return []
    return [
        _profile(package, profile, specification["ValidationRole"])
        for profile in specification["ValidationProfiles"]
    ]


def _profile(package: Package, profile: dict[str, Any], role: str) -> dict[str, Any]:
    name = profile["ProfileName"]
    containers = package.members["InferenceSpecification"]["Containers"]
    job = f"{package.name.replace('/', '-')[:40]}-validation-{uuid.uuid4().hex[:8]}"
    try:
        reason = transform(package.caller, job, containers, profile["TransformJobDefinition"], role)
    except AwsError as error:
        reason = f"ClientError: {error.message}"
    if reason is None:
        return {"Name": name, "Status": "Completed"}
    return {"Name": name, "Status": "Failed", "FailureReason": reason}


def transform(
    caller: Caller, name: str, containers: list[dict[str, Any]], definition: dict[str, Any], role: str
) -> str | None:
    """Make a model of the containers and a transform job of that name, and wait for its end. Why it failed,
    None when it did not."""
    from mdlc_emulator.engine.sagemaker.models.operations import OPERATIONS as MODELS
    from mdlc_emulator.engine.sagemaker.transform.operations import launch

    kept = ("ContainerHostname", "Image", "ModelDataUrl", "ModelDataSource", "Environment")
    definitions = [{member: each[member] for member in kept if member in each} for each in containers]
    MODELS["CreateModel"](caller, {"ModelName": name, "ExecutionRoleArn": role, "Containers": definitions})
    job = launch(caller, {**definition, "TransformJobName": name, "ModelName": name})
    job.over.wait()
    status = job.members["TransformJobStatus"]
    return None if status == "Completed" else job.members.get("FailureReason", f"The job is {status}.")
