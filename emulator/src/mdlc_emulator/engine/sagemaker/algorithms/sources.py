"""Algorithms as resources, and as the source of packages and of training jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.algorithms.hyperparameters import check_values
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid
from mdlc_emulator.engine.sagemaker.kernel.resource import Kind, Resource
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf

ALGORITHM = Kind(
    "algorithm",
    lambda arn: invalid(f"Algorithm {arn} does not exist."),
    lambda arn: invalid(f"Algorithm already exists: {arn}"),
)


def algorithms(caller: Caller) -> Shelf[Resource]:
    return STORE.shelf(ALGORITHM, caller, Resource)


def find_algorithm(caller: Caller, name: str) -> Resource:
    """By name or ARN; one that can be used. ValidationException."""
    found = algorithms(caller).get(name)
    status = found.members["AlgorithmStatus"]
    if status != "Completed":
        raise invalid(f"Algorithm {found.arn} is in status {status}; it must be Completed.")
    return found


def training_specification(caller: Caller, name: str) -> dict[str, Any]:
    """What a training job with `AlgorithmName` runs. ValidationException."""
    found: dict[str, Any] = find_algorithm(caller, name).members["TrainingSpecification"]
    return found


def inference_specification(caller: Caller, name: str) -> dict[str, Any]:
    """What a model made by the algorithm is served by. ValidationException where it has nothing to serve."""
    algorithm = find_algorithm(caller, name)
    found: dict[str, Any] | None = algorithm.members.get("InferenceSpecification")
    if found is None:
        raise invalid(f"Algorithm {algorithm.arn} has no InferenceSpecification.")
    return found


def training_of_algorithm(caller: Caller, name: str, hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """`training_specification` for a job with these hyperparameters. ValidationException for those that the
    algorithm does not allow or misses."""
    said = training_specification(caller, name)
    check_values(said.get("SupportedHyperParameters", ()), hyperparameters)
    return said
