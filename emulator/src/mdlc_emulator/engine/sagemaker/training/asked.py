"""What a CreateTrainingJob request asks for: the members that Describe shows, the hosts, the image's recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mdlc_emulator.engine.sagemaker.jobs.hosts import Host
from mdlc_emulator.engine.sagemaker.kernel.resource import Request
from mdlc_emulator.images.recipe import Recipe, UnknownImage

DAY = 86400
"""Seconds of MaxRuntimeInSeconds where none are asked for."""

_KEPT = (
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "CheckpointConfig",
    "ExperimentConfig",
    "Environment",
    "RetryStrategy",
)


def members(request: Request) -> dict[str, Any]:
    """As DescribeTrainingJob shows them, with the service's defaults."""
    shown: dict[str, Any] = {member: request[member] for member in _KEPT if request.get(member) is not None}
    for flag in (
        "EnableNetworkIsolation",
        "EnableInterContainerTrafficEncryption",
        "EnableManagedSpotTraining",
    ):
        shown[flag] = bool(request.get(flag))
    shown["StoppingCondition"] = {"MaxRuntimeInSeconds": DAY} | request.get("StoppingCondition", {})
    shown["OutputDataConfig"] = {"CompressionType": "GZIP", "KmsKeyId": ""} | request["OutputDataConfig"]
    specification = {"EnableSageMakerMetricsTimeSeries": False} | request["AlgorithmSpecification"]
    if definitions := _own_metrics(specification):
        specification = {"MetricDefinitions": definitions} | specification
    shown["AlgorithmSpecification"] = specification
    if channels := request.get("InputDataConfig"):
        shown["InputDataConfig"] = [_channel(channel) for channel in channels]
    return shown


def _channel(channel: Mapping[str, Any]) -> dict[str, Any]:
    source = channel["DataSource"]["S3DataSource"]
    return {
        "CompressionType": "None",
        "RecordWrapperType": "None",
        **channel,
        "DataSource": {"S3DataSource": {"S3DataDistributionType": "FullyReplicated"} | source},
    }


def _own_metrics(specification: Mapping[str, Any]) -> list[dict[str, str]]:
    """The metrics that a built-in algorithm brings itself."""
    from mdlc_emulator.algorithms.specification import NAMES, load

    found = resolved(specification.get("TrainingImage", ""))
    if found is None or found.algorithm not in NAMES:
        return []
    return [{"Name": metric.name, "Regex": metric.regex} for metric in load(found.algorithm).metrics]


def resolved(image: str) -> Recipe | None:
    """The image's recipe, None for an unknown image."""
    from mdlc_emulator.images.resolve import resolve

    try:
        return resolve(image)
    except UnknownImage:
        return None


def recipe(request: Request) -> Callable[[], Recipe]:
    """Finds the recipe of the request's image when it is called. UnknownImage when there is none."""
    image = request["AlgorithmSpecification"]["TrainingImage"]

    def find() -> Recipe:
        from mdlc_emulator.images.resolve import resolve

        return resolve(image)

    return find


def hosts(members: Mapping[str, Any]) -> list[Host]:
    """The machines asked for, those of instance groups one group after the other."""
    resources = members["ResourceConfig"]
    if groups := resources.get("InstanceGroups"):
        kinds = [
            (group["InstanceType"], group["InstanceGroupName"])
            for group in groups
            for _ in range(group["InstanceCount"])
        ]
    else:
        kinds = [(resources["InstanceType"], "homogeneousCluster")] * resources["InstanceCount"]
    return [Host(number, kind, group) for number, (kind, group) in enumerate(kinds)]
