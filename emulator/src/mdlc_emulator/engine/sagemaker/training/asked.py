"""What a CreateTrainingJob request asks for: what Describe shows, the hosts, the image and its recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
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
    "DebugHookConfig",
    "ProfilerConfig",
    "RemoteDebugConfig",
    "InfraCheckConfig",
)
_FLAGS = (
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
)
SCRIPT = "sagemaker_program"
"""The hyperparameter that makes a framework's image run a user's script instead of its algorithm."""


def image(caller: Caller, request: Request) -> str:
    """The training image: the request's own or that of the algorithm it names, whose errors are raised."""
    specification = request["AlgorithmSpecification"]
    return str(specification.get("TrainingImage") or _algorithm(caller, request)["TrainingImage"])


def _algorithm(caller: Caller, request: Request) -> Mapping[str, Any]:
    """The TrainingSpecification of the algorithm that the request names."""
    from mdlc_emulator.engine.sagemaker.algorithms.sources import training_of_algorithm

    name = request["AlgorithmSpecification"]["AlgorithmName"]
    return training_of_algorithm(caller, name, request.get("HyperParameters", {}))


def members(caller: Caller, request: Request) -> dict[str, Any]:
    """As DescribeTrainingJob shows them, with the service's defaults."""
    shown: dict[str, Any] = {member: request[member] for member in _KEPT if request.get(member) is not None}
    shown |= {flag: bool(request.get(flag)) for flag in _FLAGS}
    shown["StoppingCondition"] = {"MaxRuntimeInSeconds": DAY} | request.get("StoppingCondition", {})
    shown["OutputDataConfig"] = {"CompressionType": "GZIP", "KmsKeyId": ""} | request["OutputDataConfig"]
    specification = {"EnableSageMakerMetricsTimeSeries": False} | request["AlgorithmSpecification"]
    if definitions := _own_metrics(caller, request):
        specification = {"MetricDefinitions": definitions} | specification
    shown["AlgorithmSpecification"] = specification
    if channels := request.get("InputDataConfig"):
        shown["InputDataConfig"] = [_channel(channel) for channel in channels]
    if shown["ResourceConfig"].get("KeepAlivePeriodInSeconds"):
        shown["WarmPoolStatus"] = {"Status": "InUse"}
    # Nothing is profiled here, whatever the configuration says.
    shown["ProfilingStatus"] = "Disabled"
    return shown


def _channel(channel: Mapping[str, Any]) -> dict[str, Any]:
    source = channel["DataSource"]["S3DataSource"]
    return {
        "CompressionType": "None",
        "RecordWrapperType": "None",
        **channel,
        "DataSource": {"S3DataSource": {"S3DataDistributionType": "FullyReplicated"} | source},
    }


def _own_metrics(caller: Caller, request: Request) -> list[dict[str, str]]:
    """The metrics that an algorithm brings itself."""
    specification = request["AlgorithmSpecification"]
    if "AlgorithmName" in specification:
        return list(_algorithm(caller, request).get("MetricDefinitions", ()))
    if SCRIPT in request.get("HyperParameters", {}) or "ContainerEntrypoint" in specification:
        return []
    from mdlc_emulator.algorithms.specification import NAMES, load

    try:
        found = recipe(specification["TrainingImage"])()
    except UnknownImage:  # said when the job runs
        return []
    if found.algorithm not in NAMES:
        return []
    return [{"Name": metric.name, "Regex": metric.regex} for metric in load(found.algorithm).metrics]


def recipe(name: str) -> Callable[[], Recipe]:
    """Finds the recipe of the image of that name when it is called. UnknownImage when there is none."""

    def find() -> Recipe:
        from mdlc_emulator.images.resolve import resolve

        return resolve(name)

    return find


def instances(members: Mapping[str, Any]) -> list[tuple[str, int]]:
    """(instance type, number) of each instance group asked for."""
    resources = members["ResourceConfig"]
    groups = resources.get("InstanceGroups") or [resources]
    return [(group["InstanceType"], group["InstanceCount"]) for group in groups]


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
