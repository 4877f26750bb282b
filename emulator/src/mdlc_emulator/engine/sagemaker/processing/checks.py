"""What CreateProcessingJob looks at before it makes a job.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.data.s3 import Objects
from mdlc_emulator.engine.sagemaker.jobs.abilities import check_abilities
from mdlc_emulator.engine.sagemaker.jobs.locations import check_input, check_output
from mdlc_emulator.engine.sagemaker.jobs.quotas import check_instances, counted
from mdlc_emulator.engine.sagemaker.kernel.checks import check_role
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, unsupported
from mdlc_emulator.engine.sagemaker.kernel.resource import Request
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags
from mdlc_emulator.engine.sagemaker.processing.job import ProcessingJob

ROOT = "/opt/ml/processing"
"""Where inputs and outputs lie in the container."""


def check(caller: Caller, request: Request) -> None:
    """The error that AWS answers, or the emulator's refusal; nothing has been made."""
    check_tags(request.get("Tags"))
    _check_cluster(request)
    inputs, outputs = request.get("ProcessingInputs", ()), outputs_of(request)
    _check_names("input", [each["InputName"] for each in inputs])
    _check_names("output", [each["OutputName"] for each in outputs])
    for each in inputs:
        _check_input(each)
    for each in outputs:
        _check_output(each)
    check_role(caller, request["RoleArn"])


def check_places(caller: Caller, request: Request) -> None:
    """S3 is looked at last."""
    objects = Objects(caller)
    for each in request.get("ProcessingInputs", ()):
        check_input(objects, each["S3Input"]["S3Uri"], caller, request["RoleArn"])
    for each in outputs_of(request):
        check_output(objects, each["S3Output"]["S3Uri"])


def check_quota(jobs: Iterable[ProcessingJob], request: Request) -> None:
    """ResourceLimitExceeded when the account's running jobs leave too little for this one."""
    used = counted(instances(job.members) for job in jobs if not job.ended)
    check_instances("processing job", used, counted([instances(request)]))


def instances(members: Mapping[str, Any]) -> tuple[str, int]:
    """The type and the number of instances asked for."""
    cluster = members["ProcessingResources"]["ClusterConfig"]
    return cluster["InstanceType"], cluster.get("InstanceCount", 1)


def outputs_of(members: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The outputs asked for."""
    return list(members.get("ProcessingOutputConfig", {}).get("Outputs", ()))


def _check_cluster(request: Request) -> None:
    cluster = request["ProcessingResources"]["ClusterConfig"]
    if cluster.get("InstancePreferences"):
        raise unsupported("ClusterConfig.InstancePreferences", "Name an InstanceType and an InstanceCount.")
    if "InstanceType" not in cluster:
        raise invalid("ClusterConfig must name an InstanceType and an InstanceCount.")
    isolated = bool(request.get("NetworkConfig", {}).get("EnableNetworkIsolation"))
    check_abilities(cluster.get("InstanceCount", 1), isolated=isolated)


def _check_names(what: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise invalid(f"Processing {what} names must be unique within a processing job.")


def _check_input(each: Mapping[str, Any]) -> None:
    where = f"input {each['InputName']}"
    if "DatasetDefinition" in each:
        raise unsupported(
            f"DatasetDefinition ({where})", "Write the result of the query to S3 and name it by an S3Input."
        )
    if "S3Input" not in each:
        raise invalid(f"The {where} must have an S3Input.")
    source = each["S3Input"]
    if source.get("S3InputMode", "File") == "Pipe":
        raise unsupported(f"S3InputMode Pipe ({where})", "Use File.")
    if each.get("AppManaged"):
        return
    if "LocalPath" not in source:
        raise invalid(f"LocalPath of the {where} is required: a path below {ROOT}.")
    _check_path(where, source["LocalPath"])


def _check_output(each: Mapping[str, Any]) -> None:
    where = f"output {each['OutputName']}"
    if "FeatureStoreOutput" in each:
        raise unsupported(
            f"FeatureStoreOutput ({where})", "Write the records by PutRecord, or to S3 by an S3Output."
        )
    if "S3Output" not in each:
        raise invalid(f"The {where} must have an S3Output.")
    if each.get("AppManaged"):
        return
    if "LocalPath" not in each["S3Output"]:
        raise invalid(f"LocalPath of the {where} is required: a path below {ROOT}.")
    _check_path(where, each["S3Output"]["LocalPath"])


def _check_path(where: str, path: str) -> None:
    if not posixpath.normpath(path).startswith(ROOT + "/"):
        raise invalid(f"LocalPath {path} of the {where} must be below {ROOT}/.")
