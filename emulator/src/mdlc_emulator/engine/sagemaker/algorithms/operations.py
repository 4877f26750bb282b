"""CreateAlgorithm, DescribeAlgorithm, ListAlgorithms, DeleteAlgorithm.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAlgorithm.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.algorithms import making
from mdlc_emulator.engine.sagemaker.algorithms.hyperparameters import check_specifications, check_values
from mdlc_emulator.engine.sagemaker.algorithms.sources import algorithms
from mdlc_emulator.engine.sagemaker.kernel.checks import check_role
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, unsupported
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.resource import (
    Operation,
    Request,
    Resource,
    Response,
    moment,
)
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags, tag
from mdlc_emulator.engine.sagemaker.packages.checks import check_specification

_ASKED = (
    "AlgorithmDescription",
    "TrainingSpecification",
    "InferenceSpecification",
    "ValidationSpecification",
)


def create_algorithm(caller: Caller, request: Request) -> Response:
    shelf = algorithms(caller)
    name = request["AlgorithmName"]
    shelf.refuse_existing(name)
    check_tags(request.get("Tags"))
    if request.get("CertifyForMarketplace"):
        raise unsupported(
            "CertifyForMarketplace", "There is no AWS Marketplace here; leave it out or set it to false."
        )
    training = request["TrainingSpecification"]
    _check_training(training)
    if "InferenceSpecification" in request:
        check_specification(caller, request["InferenceSpecification"], versioned=False)
    if "ValidationSpecification" in request:
        _check_validation(caller, request)
    members = {member: request[member] for member in _ASKED if member in request}
    members |= {
        "CertifyForMarketplace": False,
        "AlgorithmStatus": "Pending",
        "AlgorithmStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
    }
    algorithm = Resource(name, shelf.arn(name), caller, members)
    tag(algorithm, request.get("Tags"))
    shelf.add(algorithm)
    making.start(algorithm)
    return {"AlgorithmArn": algorithm.arn}


def _check_training(training: Mapping[str, Any]) -> None:
    check_specifications(training.get("SupportedHyperParameters", ()))
    channels = [each["Name"] for each in training["TrainingChannels"]]
    if len(set(channels)) < len(channels):
        raise invalid("The names of TrainingChannels must be unique.")
    metrics = {each["Name"] for each in training.get("MetricDefinitions", ())}
    for each in training.get("MetricDefinitions", ()):
        try:
            re.compile(each["Regex"])
        except re.error as error:
            raise invalid(
                f"Invalid regular expression in the metric definition {each['Name']}: {error}."
            ) from error
    for each in training.get("SupportedTuningJobObjectiveMetrics", ()):
        if each["MetricName"] not in metrics:
            raise invalid(f"The objective metric {each['MetricName']} is not one of the MetricDefinitions.")


def _check_validation(caller: Caller, request: Request) -> None:
    asked, training = request["ValidationSpecification"], request["TrainingSpecification"]
    check_role(caller, asked["ValidationRole"])
    for profile in asked["ValidationProfiles"]:
        job = profile["TrainingJobDefinition"]
        check_values(training.get("SupportedHyperParameters", ()), job.get("HyperParameters", {}))
        given = {channel["ChannelName"] for channel in job["InputDataConfig"]}
        needed = {each["Name"] for each in training["TrainingChannels"] if each.get("IsRequired")}
        if missing := sorted(needed - given):
            raise invalid(f"The channel {missing[0]} is required and missing in {profile['ProfileName']}.")
        if "TransformJobDefinition" in profile and "InferenceSpecification" not in request:
            raise invalid("A TransformJobDefinition needs the algorithm's InferenceSpecification.")


def describe_algorithm(caller: Caller, request: Request) -> Response:
    algorithm = algorithms(caller).get(request["AlgorithmName"])
    return {
        "AlgorithmName": algorithm.name,
        "AlgorithmArn": algorithm.arn,
        "CreationTime": moment(algorithm.created),
        **algorithm.members,
    }


def _summary(algorithm: Resource) -> dict[str, Any]:
    shown = {
        "AlgorithmName": algorithm.name,
        "AlgorithmArn": algorithm.arn,
        "CreationTime": moment(algorithm.created),
        "AlgorithmStatus": algorithm.members["AlgorithmStatus"],
    }
    if "AlgorithmDescription" in algorithm.members:
        shown["AlgorithmDescription"] = algorithm.members["AlgorithmDescription"]
    return shown


_LISTING = Listing[Resource]("AlgorithmSummaryList", _summary, descending=False)


def list_algorithms(caller: Caller, request: Request) -> Response:
    return _LISTING.answer(algorithms(caller), request)


def delete_algorithm(caller: Caller, request: Request) -> Response:
    algorithms(caller).remove(request["AlgorithmName"])
    return {}


OPERATIONS: dict[str, Operation] = {
    "CreateAlgorithm": create_algorithm,
    "DescribeAlgorithm": describe_algorithm,
    "ListAlgorithms": list_algorithms,
    "DeleteAlgorithm": delete_algorithm,
}
