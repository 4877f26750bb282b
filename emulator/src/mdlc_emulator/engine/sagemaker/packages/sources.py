"""A model package as the source of a model: what its name stands for in CreateModel's containers."""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, unsupported
from mdlc_emulator.engine.sagemaker.packages.resources import find_package

_KEPT = (
    "ContainerHostname",
    "Image",
    "ModelDataUrl",
    "ModelDataSource",
    "AdditionalModelDataSources",
    "Environment",
)


def containers_of_package(
    caller: Caller, package_name: str, inference_specification_name: str | None = None
) -> list[dict[str, Any]]:
    """The containers of a package, by name or ARN, as ContainerDefinitions with an image.

    ValidationException for a package that is not there, not Completed, or, being a version, not approved, and
    for a name of an additional specification that it does not have.
    """
    package = find_package(caller, package_name)
    if package.status != "Completed":
        raise invalid(f"Model Package {package.arn} is in status {package.status}; it must be Completed.")
    approval = package.members.get("ModelApprovalStatus", "Approved")
    if approval != "Approved":
        raise invalid(f"Model Package {package.arn} is not approved: its approval status is {approval}.")
    specification = package.members.get("InferenceSpecification")
    if inference_specification_name is not None:
        named = package.members.get("AdditionalInferenceSpecifications", ())
        specification = next((each for each in named if each["Name"] == inference_specification_name), None)
        if specification is None:
            raise invalid(
                f"Model Package {package.arn} has no inference specification "
                f"named {inference_specification_name}."
            )
    if specification is None:
        raise invalid(f"Model Package {package.arn} has no inference specification to make a model of.")
    if any(each.get("AdditionalS3DataSource") for each in specification["Containers"]):
        raise unsupported(
            "AdditionalS3DataSource of a model package", "Put all data of the model into one archive."
        )
    return [{m: each[m] for m in _KEPT if m in each} for each in specification["Containers"]]
