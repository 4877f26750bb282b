"""How an algorithm becomes Completed: its images are looked up and its validation profiles run."""

from __future__ import annotations

import logging
import threading
import uuid
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.packages.validation import scan, transform

LOG = logging.getLogger(__name__)


def start(algorithm: Resource) -> None:
    """Go through the states, in a thread of its own."""
    threading.Thread(target=_run, args=(algorithm,), name=f"algorithm-{algorithm.name}", daemon=True).start()


def _run(algorithm: Resource) -> None:
    try:
        _enter(algorithm, "InProgress", [], [])
        scans = scan(_images(algorithm))
        validations = [] if scans else _validate(algorithm)
        failed = bool(scans) or any(each["Status"] == "Failed" for each in validations)
        _enter(algorithm, "Failed" if failed else "Completed", validations, scans)
    except Exception as error:
        LOG.exception("The algorithm %s could not be made.", algorithm.arn)
        reason = f"InternalError: {error}"
        _enter(
            algorithm,
            "Failed",
            [{"Name": algorithm.name, "Status": "Failed", "FailureReason": reason}],
            [],
        )


def _images(algorithm: Resource) -> list[str]:
    inference = algorithm.members.get("InferenceSpecification", {})
    served = [container["Image"] for container in inference.get("Containers", ())]
    return [algorithm.members["TrainingSpecification"]["TrainingImage"], *served]


def _enter(
    algorithm: Resource, status: str, validations: list[dict[str, Any]], scans: list[dict[str, Any]]
) -> None:
    with STORE.lock:
        algorithm.members = algorithm.members | {
            "AlgorithmStatus": status,
            "AlgorithmStatusDetails": {"ValidationStatuses": validations, "ImageScanStatuses": scans},
        }
        algorithm.touch()


def _validate(algorithm: Resource) -> list[dict[str, Any]]:
    """A training job for each profile, and a transform job with its model where one is asked for. They are
    the account's own, named after the algorithm, and stay."""
    specification = algorithm.members.get("ValidationSpecification")
    if specification is None:
        return []
    statuses = []
    for profile in specification["ValidationProfiles"]:
        try:
            reason = _profile(algorithm, profile, specification["ValidationRole"])
        except AwsError as error:
            reason = f"ClientError: {error.message}"
        status: dict[str, Any] = {
            "Name": profile["ProfileName"],
            "Status": "Failed" if reason else "Completed",
        }
        statuses.append(status | ({"FailureReason": reason} if reason else {}))
    return statuses


def _profile(algorithm: Resource, profile: dict[str, Any], role: str) -> str | None:
    """Why the profile failed, None when it did not."""
    from mdlc_emulator.engine.sagemaker.training.operations import launch

    asked = dict(profile["TrainingJobDefinition"])
    said = algorithm.members["TrainingSpecification"]
    name = f"{algorithm.name[:40]}-validation-{uuid.uuid4().hex[:8]}"
    training = {"TrainingImage": said["TrainingImage"], "TrainingInputMode": asked.pop("TrainingInputMode")}
    if said.get("MetricDefinitions"):
        training["MetricDefinitions"] = said["MetricDefinitions"]
    request = {**asked, "TrainingJobName": name, "RoleArn": role, "AlgorithmSpecification": training}
    job = launch(algorithm.caller, request)
    job.over.wait()
    if job.status != "Completed":
        return str(job.members.get("FailureReason", f"The training job {name} is {job.status}."))
    if "TransformJobDefinition" not in profile:
        return None
    data = job.members["ModelArtifacts"]["S3ModelArtifacts"]
    containers = [
        {**container, "ModelDataUrl": data}
        for container in algorithm.members["InferenceSpecification"]["Containers"]
    ]
    return transform(algorithm.caller, name, containers, profile["TransformJobDefinition"], role)
