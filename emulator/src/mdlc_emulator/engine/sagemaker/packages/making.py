"""How a model package becomes Completed: Pending, InProgress while its images are looked up and its
validation runs, then Completed or Failed. Each change is an event.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from mdlc_emulator.engine.sagemaker.kernel.events import announce
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.lineage.automatic import package_registered, package_reviewed
from mdlc_emulator.engine.sagemaker.packages.checks import data_of
from mdlc_emulator.engine.sagemaker.packages.resources import Package, described, find_group, packages
from mdlc_emulator.engine.sagemaker.packages.validation import scan, validate

LOG = logging.getLogger(__name__)


def containers_of(members: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every container of the package, those of additional specifications too."""
    yield from members.get("InferenceSpecification", {}).get("Containers", ())
    for each in members.get("AdditionalInferenceSpecifications", ()):
        yield from each["Containers"]


def start(package: Package) -> None:
    """Go through the states, in a thread of its own."""
    _tell(package)
    threading.Thread(target=_run, args=(package,), name=f"package-{package.name}", daemon=True).start()


def _run(package: Package) -> None:
    try:
        _enter(package, "InProgress", [], [])
        skip = package.members.get("SkipModelValidation") == "All"
        images = (container["Image"] for container in containers_of(package.members))
        scans = [] if skip else scan(images)
        failed = bool(scans)
        validations = [] if skip or failed else validate(package)
        failed = failed or any(each["Status"] == "Failed" for each in validations)
        if not failed:
            _keep_lineage(package)
        _enter(package, "Failed" if failed else "Completed", validations, scans)
    except Exception as error:
        LOG.exception("The model package %s could not be made.", package.arn)
        reason = f"InternalError: {error}"
        status = {"Name": package.name, "Status": "Failed", "FailureReason": reason}
        _enter(package, "Failed", [status], [])


def _enter(
    package: Package, status: str, validations: list[dict[str, Any]], scans: list[dict[str, Any]]
) -> None:
    with STORE.lock:
        package.members = package.members | {
            "ModelPackageStatus": status,
            "ModelPackageStatusDetails": {"ValidationStatuses": validations, "ImageScanStatuses": scans},
        }
        package.touch()
        deleted = packages(package.caller).find(package.name) is not package
    if not deleted:
        _tell(package)


def _keep_lineage(package: Package) -> None:
    group = package.members.get("ModelPackageGroupName")
    package_registered(
        package.caller,
        package.arn,
        find_group(package.caller, group).arn if group else None,
        [container["Image"] for container in containers_of(package.members)],
        [uri for container in containers_of(package.members) for uri, _ in data_of(container)],
    )


def reviewed(package: Package, approval: bool) -> None:
    """The package was updated; `approval` when its approval status was."""
    if approval:
        package_reviewed(package.caller, package.arn, package.members["ModelApprovalStatus"])
    _tell(package)


def _tell(package: Package) -> None:
    detail = {
        member: value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
        for member, value in described(package).items()
        if member != "ModelCard"
    }
    announce(package.caller, "SageMaker Model Package State Change", detail, [package.arn])
