"""What a trial component says of a job, read from what created the job and from what became of it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

type Parameters = dict[str, dict[str, Any]]
"""Name -> {"NumberValue": ...} or {"StringValue": ...}."""
type Artifacts = dict[str, dict[str, str]]
"""Name -> {"Value": URI, "MediaType": ...}."""

_LONGEST = 2500
_TUNING = "_tuning_objective_metric"


def parameters_of(request: Mapping[str, Any]) -> Parameters:
    """Hyperparameters (or a processing job's environment) and the resources of a Create*Job request."""
    found: Parameters = {}
    for name, value in {**request.get("HyperParameters", {}), **_environment(request)}.items():
        if name != _TUNING and len(name) <= 320:
            found[name] = _value(value)
    for name, value in _resources(request):
        found[f"SageMaker.{name}"] = _value(value)
    return dict(list(found.items())[-300:])


def _environment(request: Mapping[str, Any]) -> Mapping[str, str]:
    return request.get("Environment", {}) if "ProcessingJobName" in request else {}


def _resources(request: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    cluster = (
        request.get("ResourceConfig")
        or request.get("ProcessingResources", {}).get("ClusterConfig")
        or request.get("TransformResources")
        or {}
    )
    for name in ("InstanceCount", "InstanceType", "VolumeSizeInGB"):
        if name in cluster:
            yield name, cluster[name]
    for name in ("MaxConcurrentTransforms", "MaxPayloadInMB", "BatchStrategy", "ModelName"):
        if "TransformJobName" in request and name in request:
            yield name, request[name]


def _value(value: Any) -> dict[str, Any]:
    """A number where it reads as one."""
    text = str(value).strip()
    with contextlib.suppress(ValueError):
        number = float(text.strip('"'))
        if math.isfinite(number):
            return {"NumberValue": number}
    return {"StringValue": text[:_LONGEST]}


def inputs_of(request: Mapping[str, Any]) -> Artifacts:
    """The image, and what the job reads from S3."""
    found: Artifacts = {}
    image = request.get("AlgorithmSpecification", {}).get("TrainingImage") or request.get(
        "AppSpecification", {}
    ).get("ImageUri")
    if image:
        found["SageMaker.ImageUri"] = {"Value": image}
    for channel in request.get("InputDataConfig", ()):
        uri = channel["DataSource"].get("S3DataSource", {}).get("S3Uri")
        if uri:
            found[channel["ChannelName"]] = _artifact(uri, channel.get("ContentType"))
    for each in request.get("ProcessingInputs", ()):
        if "S3Input" in each:
            found[each["InputName"]] = _artifact(each["S3Input"]["S3Uri"])
    if "TransformInput" in request:
        asked = request["TransformInput"]
        uri = asked["DataSource"]["S3DataSource"]["S3Uri"]
        found["SageMaker.TransformInput"] = _artifact(uri, asked.get("ContentType"))
    return found


def outputs_of(job: Mapping[str, Any]) -> Artifacts:
    """What the job has written, from its members as Describe shows them."""
    found: Artifacts = {}
    if model := job.get("ModelArtifacts", {}).get("S3ModelArtifacts"):
        found["SageMaker.ModelArtifact"] = {"Value": model}
    for each in job.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        if "S3Output" in each:
            found[each["OutputName"]] = _artifact(each["S3Output"]["S3Uri"])
    if output := job.get("TransformOutput"):
        found["SageMaker.TransformOutput"] = _artifact(output["S3OutputPath"], output.get("Accept"))
    return found


def _artifact(uri: str, media_type: str | None = None) -> dict[str, str]:
    return {"Value": uri} | ({"MediaType": media_type[:64]} if media_type else {})
