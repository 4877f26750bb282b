"""Model packages: CreateModelPackage and its like.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
"""

from __future__ import annotations

import json
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import conflict, invalid
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.people import user_context
from mdlc_emulator.engine.sagemaker.kernel.resource import Operation, Request, Response, moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags, tag
from mdlc_emulator.engine.sagemaker.packages import checks, making
from mdlc_emulator.engine.sagemaker.packages.origins import with_algorithm, with_source
from mdlc_emulator.engine.sagemaker.packages.resources import (
    Package,
    described,
    find_group,
    find_package,
    identity,
    packages,
)

_ASKED = (
    "ModelPackageDescription",
    "ModelPackageRegistrationType",
    "InferenceSpecification",
    "SourceAlgorithmSpecification",
    "ValidationSpecification",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "SecurityConfig",
    "ModelCard",
    "ModelLifeCycle",
    "ManagedStorageType",
)


def create_package(caller: Caller, request: Request) -> Response:
    checks.check_names(request)
    if (made := _made_before(caller, request)) is not None:
        return {"ModelPackageArn": made.arn}
    check_tags(request.get("Tags"))
    if "ModelPackageGroupName" in request:
        find_group(caller, request["ModelPackageGroupName"])
    else:
        packages(caller).refuse_existing(request["ModelPackageName"])
    checks.check_contents(caller, request)
    members = {member: request[member] for member in _ASKED if member in request}
    defaults = {"CertifyForMarketplace": False, "SkipModelValidation": "None"}
    members = defaults | with_source(caller, with_algorithm(caller, members))
    members |= {
        "ModelPackageStatus": "Pending",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
    }
    package = _add(caller, request, members)
    tag(package, request.get("Tags"))
    making.start(package)
    return {"ModelPackageArn": package.arn}


def _made_before(caller: Caller, request: Request) -> Package | None:
    """The package that an earlier call with the same token made."""
    token = request.get("ClientToken")
    found = next((each for each in packages(caller) if token and each.token == token), None)
    if found is not None and found.asked != _digest(request):
        raise conflict("The ClientToken was used for another request.")
    return found


def _digest(request: Request) -> str:
    return json.dumps(request, sort_keys=True, default=str)


def _add(caller: Caller, request: Request, members: dict[str, Any]) -> Package:
    token, asked = request.get("ClientToken"), _digest(request) if "ClientToken" in request else ""
    with STORE.lock:
        if "ModelPackageName" in request:
            shelf = packages(caller)
            name = request["ModelPackageName"]
            return shelf.add(Package(name, shelf.arn(name), caller, members, token=token, asked=asked))
        group = find_group(caller, request["ModelPackageGroupName"])
        members = {"ModelApprovalStatus": "PendingManualApproval"} | members
        members["ModelPackageGroupName"] = group.name
        shelf = packages(group.caller)
        name = f"{group.name}/{group.newest + 1}"
        package = Package(
            name,
            shelf.arn(name),
            group.caller,
            members,
            version=group.newest + 1,
            token=token,
            asked=asked,
        )
        shelf.add(package)
        group.newest += 1
        return package


def describe_package(caller: Caller, request: Request) -> Response:
    package = find_package(caller, request["ModelPackageName"])
    who = user_context(package.caller)
    response = described(package) | {"CreatedBy": who, "LastModifiedBy": who}
    if request.get("IncludedData") == "MetadataOnly" and "ModelCard" in response:
        response["ModelCard"] = _sanitized(response["ModelCard"])
    return response


def _sanitized(card: dict[str, Any]) -> dict[str, Any]:
    """Of a model card's content, what may be seen without its key: its risk rating."""
    try:
        rating = json.loads(card.get("ModelCardContent", "{}"))["intended_uses"]["risk_rating"]
    except (ValueError, KeyError, TypeError):
        return card | {"ModelCardContent": "{}"}
    return card | {"ModelCardContent": json.dumps({"intended_uses": {"risk_rating": rating}})}


def update_package(caller: Caller, request: Request) -> Response:
    """An event tells of every update."""
    package = find_package(caller, request["ModelPackageArn"])
    if package.version is None and {"ModelApprovalStatus", "ModelLifeCycle"} & request.keys():
        raise invalid("Only versioned model packages have an approval status and a life cycle.")
    if "InferenceSpecification" in request:
        versioned = package.version is not None
        checks.check_specification(caller, request["InferenceSpecification"], versioned=versioned)
    added = request.get("AdditionalInferenceSpecificationsToAdd", [])
    there = package.members.get("AdditionalInferenceSpecifications", [])
    checks.check_additional(caller, added, there)
    with STORE.lock:
        members = package.members | {
            member: request[member]
            for member in (
                "ModelApprovalStatus",
                "ModelPackageRegistrationType",
                "ApprovalDescription",
                "InferenceSpecification",
                "SourceUri",
                "ModelCard",
                "ModelLifeCycle",
            )
            if member in request
        }
        if added:
            members["AdditionalInferenceSpecifications"] = [*there, *added]
        properties = members.pop("CustomerMetadataProperties", {})
        properties = properties | request.get("CustomerMetadataProperties", {})
        for name in request.get("CustomerMetadataPropertiesToRemove", ()):
            properties.pop(name, None)
        if properties:
            members["CustomerMetadataProperties"] = properties
        package.members = members
        package.touch()
    making.reviewed(package, "ModelApprovalStatus" in request)
    return {"ModelPackageArn": package.arn}


def delete_package(caller: Caller, request: Request) -> Response:
    package = find_package(caller, request["ModelPackageName"])
    packages(package.caller).remove(package.name)
    return {}


_SUMMARY = (
    "ModelPackageDescription",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)


def _summary(package: Package) -> dict[str, Any]:
    shown = {member: package.members[member] for member in _SUMMARY if member in package.members}
    return {**identity(package), "CreationTime": moment(package.created), **shown}


def _by_name(package: Package) -> str:
    """Versions of a group in the order of their numbers."""
    group, _, _ = package.name.partition("/")
    return f"{group}/{package.version or 0:09d}"


def _of_type(package: Package, wanted: str) -> bool:
    return wanted == "Both" or (wanted == "Versioned") == (package.version is not None)


_LISTING = Listing[Package](
    "ModelPackageSummaryList",
    _summary,
    orders={"Name": _by_name},
    filters={
        "ModelApprovalStatus": lambda package, wanted: package.members.get("ModelApprovalStatus") == wanted,
        "ModelPackageGroupName": lambda package, name: package.members.get("ModelPackageGroupName") == name,
        "ModelPackageType": _of_type,
    },
    descending=False,
)


def list_packages(caller: Caller, request: Request) -> Response:
    """Without a group and a type: those that have no group."""
    of = caller
    if "ModelPackageGroupName" in request:
        group = find_group(caller, request["ModelPackageGroupName"])
        of = group.caller
        request = {"ModelPackageType": "Versioned"} | request | {"ModelPackageGroupName": group.name}
    return _LISTING.answer(packages(of), {"ModelPackageType": "Unversioned"} | request)


def batch_describe(caller: Caller, request: Request) -> Response:
    """ARNs that name nothing are told in the error map."""
    found: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for arn in request["ModelPackageArnList"]:
        try:
            package = find_package(caller, arn)
        except AwsError as error:
            errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
            continue
        summary = _summary(package)
        summary.pop("ModelLifeCycle", None)
        summary["InferenceSpecification"] = package.members.get("InferenceSpecification", {"Containers": []})
        found[arn] = summary
    response: Response = {"ModelPackageSummaries": found}
    if errors:
        response["BatchDescribeModelPackageErrorMap"] = errors
    return response


OPERATIONS: dict[str, Operation] = {
    "CreateModelPackage": create_package,
    "DescribeModelPackage": describe_package,
    "UpdateModelPackage": update_package,
    "DeleteModelPackage": delete_package,
    "ListModelPackages": list_packages,
    "BatchDescribeModelPackage": batch_describe,
}
