"""A tuning job's request, read: what is searched, by whom, and what counts as better."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine.sagemaker.kernel.resource import Request
from mdlc_emulator.engine.sagemaker.tuning.ranges import Assignment, Range

OBJECTIVE = "_tuning_objective_metric"
"""The hyperparameter by which a training job learns what it is judged by."""

_COPIED = (
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "RetryStrategy",
    "Environment",
)


@dataclass(frozen=True, slots=True)
class Definition:
    """One HyperParameterTrainingJobDefinition. `sign` is 1 where the objective is maximized, else -1."""

    name: str | None
    metric: str
    sign: float
    ranges: tuple[Range, ...]
    asked: Mapping[str, Any] = field(repr=False)

    @property
    def direction(self) -> str:
        return "Maximize" if self.sign > 0 else "Minimize"

    def request(self, name: str, assignment: Assignment, tags: list[dict[str, str]]) -> Request:
        """CreateTrainingJob's request for one assignment."""
        asked = copy.deepcopy(dict(self.asked))
        request: Request = {member: asked[member] for member in _COPIED if member in asked}
        request["TrainingJobName"] = name
        request["AlgorithmSpecification"] = asked["AlgorithmSpecification"]
        request["ResourceConfig"] = _resources(asked)
        request["HyperParameters"] = {
            **asked.get("StaticHyperParameters", {}),
            OBJECTIVE: self.metric,
            **assignment,
        }
        if "CheckpointConfig" in asked:
            # Jobs of one tuning job must not restore each other's checkpoints.
            place = asked["CheckpointConfig"]
            request["CheckpointConfig"] = place | {"S3Uri": f"{place['S3Uri'].rstrip('/')}/{name}"}
        if tags:
            request["Tags"] = tags
        return request


def _resources(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Of several instance configurations the first: there is always capacity for it here."""
    if "ResourceConfig" in asked:
        return dict(asked["ResourceConfig"])
    flexible = asked["HyperParameterTuningResourceConfig"]
    chosen = flexible.get("InstanceConfigs", [flexible])[0]
    resources = {"VolumeSizeInGB": 1}
    for source in (flexible, chosen):
        for member in ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId"):
            if member in source:
                resources[member] = source[member]
    return resources
