"""What must hold of a request before a model package is made or changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.sagemaker.kernel.checks import check_role, split_s3
from mdlc_emulator.engine.sagemaker.kernel.clients import client
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, unsupported

MOST_ADDITIONAL = 15


def check_names(request: Mapping[str, Any]) -> None:
    """A package is a version of a group or has a name of its own."""
    if "ModelPackageName" in request and "ModelPackageGroupName" in request:
        raise invalid(
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. "
            "Cannot determine which one to use."
        )
    if "ModelPackageName" not in request and "ModelPackageGroupName" not in request:
        raise invalid("Missing ARN.")
    if "ModelPackageGroupName" in request:
        if request.get("Tags"):
            raise invalid(
                "Tags are not supported for versioned model packages: they use those of their model group."
            )
        return
    if "ModelApprovalStatus" in request:
        raise invalid("ModelApprovalStatus is not supported for unversioned model packages.")


def check_contents(caller: Caller, request: Mapping[str, Any]) -> None:
    """Specifications are whole, and what they name in S3 is there."""
    if "InferenceSpecification" in request and "SourceAlgorithmSpecification" in request:
        raise invalid("You must specify only one of InferenceSpecification and SourceAlgorithmSpecification.")
    if not {"InferenceSpecification", "SourceAlgorithmSpecification", "SourceUri"} & request.keys():
        raise invalid(
            "You must specify one of InferenceSpecification, SourceAlgorithmSpecification and SourceUri."
        )
    if request.get("CertifyForMarketplace"):
        raise unsupported(
            "CertifyForMarketplace", "There is no AWS Marketplace here; leave it out or set it to false."
        )
    specification = request.get("InferenceSpecification")
    if specification is not None:
        check_specification(caller, specification, versioned="ModelPackageGroupName" in request)
    check_additional(caller, request.get("AdditionalInferenceSpecifications", ()), ())
    if "ValidationSpecification" in request:
        check_role(caller, request["ValidationSpecification"]["ValidationRole"])


def check_specification(caller: Caller, specification: Mapping[str, Any], *, versioned: bool) -> None:
    """An inference specification: containers with images and model data; instance types where they are
    required."""
    for container in specification["Containers"]:
        if "Image" not in container:
            raise invalid("Image must be specified for each container of an InferenceSpecification.")
        if "ModelDataUrl" in container and "ModelDataSource" in container:
            raise invalid("You must specify only one of ModelDataUrl and ModelDataSource.")
        check_data(caller, container)
    if versioned:
        return
    for member in ("SupportedTransformInstanceTypes", "SupportedRealtimeInferenceInstanceTypes"):
        if not specification.get(member):
            raise invalid(f"{member} is required for unversioned model packages.")


def check_additional(
    caller: Caller, added: list[dict[str, Any]] | tuple[()], there: list[dict[str, Any]] | tuple[()]
) -> None:
    """Additional specifications have names of their own."""
    names = [each["Name"] for each in (*there, *added)]
    if len(set(names)) < len(names):
        raise invalid("The names of additional inference specifications must be unique.")
    if len(names) > MOST_ADDITIONAL:
        raise invalid(f"A model package has at most {MOST_ADDITIONAL} additional inference specifications.")
    for each in added:
        check_specification(caller, each, versioned=True)


def data_of(container: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """The S3 URIs of a container's model data, and whether each is a prefix."""
    if "ModelDataUrl" in container:
        yield container["ModelDataUrl"], False
    sources = [container.get("ModelDataSource", {}), *container.get("AdditionalModelDataSources", ())]
    for source in sources:
        if found := source.get("S3DataSource"):
            yield found["S3Uri"], found["S3DataType"] == "S3Prefix"


def check_data(caller: Caller, container: Mapping[str, Any]) -> None:
    """ValidationException for model data that is not in S3."""
    s3 = client("s3", caller)
    for uri, prefix in data_of(container):
        bucket, key = split_s3(uri)
        try:
            if prefix:
                there = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount", 0) > 0
            else:
                there = bool(s3.head_object(Bucket=bucket, Key=key))
        except s3.exceptions.ClientError:
            there = False
        if not there:
            raise missing_data(uri)


def missing_data(uri: str) -> AwsError:
    """ValidationException for model data that are not in S3."""
    return invalid(f"Could not find model data at {uri}.")
