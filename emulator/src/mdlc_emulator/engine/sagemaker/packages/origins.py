"""Where a package's inference specification comes from when the request has none: an algorithm, a model,
another package."""

from __future__ import annotations

import copy
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.algorithms.sources import inference_specification
from mdlc_emulator.engine.sagemaker.kernel.errors import could_not_find
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.packages.checks import check_data
from mdlc_emulator.engine.sagemaker.packages.resources import find_package

_CLONED = ("InferenceSpecification", "SourceAlgorithmSpecification", "AdditionalInferenceSpecifications")
_OF_CONTAINER = (
    "ContainerHostname",
    "Image",
    "ModelDataUrl",
    "ModelDataSource",
    "AdditionalModelDataSources",
    "Environment",
)


def with_algorithm(caller: Caller, members: dict[str, Any]) -> dict[str, Any]:
    """The members with the inference specification that the source algorithm brings, where there is one."""
    source = members.get("SourceAlgorithmSpecification")
    if source is None:
        return members
    containers: list[dict[str, Any]] = []
    specification: dict[str, Any] = {}
    for algorithm in source["SourceAlgorithms"]:
        specification = copy.deepcopy(inference_specification(caller, algorithm["AlgorithmName"]))
        for container in specification["Containers"]:
            for member in ("ModelDataUrl", "ModelDataSource"):
                if member in algorithm:
                    container[member] = algorithm[member]
            check_data(caller, container)
            containers.append(container)
    return members | {"InferenceSpecification": specification | {"Containers": containers}}


def with_source(caller: Caller, members: dict[str, Any]) -> dict[str, Any]:
    """The members with what their SourceUri brings: the specifications of a package that is cloned, or the
    containers of a model that is registered. Other URIs are kept as they are."""
    kind, _, _ = members.get("SourceUri", "").split(":", 5)[-1].partition("/")
    if "InferenceSpecification" in members or not members.get("SourceUri", "").startswith("arn:"):
        return members
    if kind == "model-package":
        source = find_package(caller, members["SourceUri"])
        return {m: source.members[m] for m in _CLONED if m in source.members} | members
    if kind == "model":
        model = STORE.by_arn(caller, members["SourceUri"])
        if model is None:
            raise could_not_find("model")(members["SourceUri"])
        listed = model.members.get("Containers") or [model.members["PrimaryContainer"]]
        containers = [{m: each[m] for m in _OF_CONTAINER if m in each} for each in listed]
        return {"InferenceSpecification": {"Containers": containers}} | members
    return members
