"""What CreateTrainingJob looks at before it makes a job.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from __future__ import annotations

import posixpath
import re
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
from mdlc_emulator.engine.sagemaker.training import asked
from mdlc_emulator.engine.sagemaker.training.job import TrainingJob
from mdlc_emulator.engine.sagemaker.training.metrics import compile_definitions

LONGEST_KEY = 256
LONGEST_VALUE = 2500


def check(caller: Caller, request: Request) -> None:
    """The error that AWS answers, or the emulator's refusal; nothing has been made."""
    check_tags(request.get("Tags"))
    _check_algorithm(request["AlgorithmSpecification"])
    _check_hyperparameters(request.get("HyperParameters", {}))
    _check_resources(request)
    _refuse(request)
    _check_channels(request)
    _check_checkpoints(request)
    check_role(caller, request["RoleArn"])


def check_quota(jobs: Iterable[TrainingJob], members: Mapping[str, Any]) -> None:
    """ResourceLimitExceeded when the account's running jobs leave too little for this one."""
    used = counted(
        each
        for job in jobs
        if job.status in ("InProgress", "Stopping")
        for each in asked.instances(job.members)
    )
    check_instances("training job", used, counted(asked.instances(members)))


def _check_algorithm(specification: Mapping[str, Any]) -> None:
    if ("TrainingImage" in specification) == ("AlgorithmName" in specification):
        raise invalid(
            "You must specify either an algorithm name or a training image in the AlgorithmSpecification, "
            "but not both."
        )
    for definition in specification.get("MetricDefinitions", ()):
        try:
            compile_definitions([definition])
        except re.error as error:
            raise invalid(
                f"Invalid regular expression in the metric definition {definition['Name']}: {error}."
            ) from error


def _check_hyperparameters(values: Mapping[str, str]) -> None:
    for key, value in values.items():
        if len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
            what, most = ("key", LONGEST_KEY) if len(key) > LONGEST_KEY else ("value", LONGEST_VALUE)
            raise invalid(
                "1 validation error detected: Value at 'hyperParameters' failed to satisfy constraint: Map "
                f"{what} must satisfy constraint: [Member must have length less than or equal to {most}]"
            )


def _check_resources(request: Request) -> None:
    resources = request.get("ResourceConfig")
    if not resources:
        raise invalid("ResourceConfig is required for a training job.")
    if resources.get("InstanceGroups"):
        if "InstanceType" in resources or "InstanceCount" in resources:
            raise invalid("InstanceGroups cannot be used together with InstanceType and InstanceCount.")
        names = [group["InstanceGroupName"] for group in resources["InstanceGroups"]]
        if len(set(names)) < len(names):
            raise invalid("InstanceGroupName must be unique among the InstanceGroups of a training job.")
        counts = [group["InstanceCount"] for group in resources["InstanceGroups"]]
    elif "InstanceType" in resources:
        counts = [resources.get("InstanceCount", 1)]
        resources.setdefault("InstanceCount", 1)
    else:
        raise invalid("ResourceConfig must name an InstanceType and an InstanceCount, or InstanceGroups.")
    if min(counts) < 1:
        raise invalid(
            "1 validation error detected: Value '0' at 'resourceConfig.instanceCount' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1"
        )
    check_abilities(sum(counts), isolated=bool(request.get("EnableNetworkIsolation")))
    limits = request.get("StoppingCondition", {})
    if request.get("EnableManagedSpotTraining"):
        wait = limits.get("MaxWaitTimeInSeconds")
        if wait is None or wait < limits.get("MaxRuntimeInSeconds", asked.DAY):
            raise invalid(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
                "MaxRuntimeInSeconds"
            )
    elif "MaxWaitTimeInSeconds" in limits:
        raise invalid("MaxWaitTimeInSeconds is only allowed with EnableManagedSpotTraining.")


_UNSUPPORTED = {
    "DebugRuleConfigurations": "Leave them out: no rule would be evaluated.",
    "TensorBoardOutputConfig": "Leave it out, and write events below /opt/ml/output/data.",
    "ProfilerRuleConfigurations": "Leave them out: no rule would be evaluated.",
    "ServerlessJobConfig": "Name a TrainingImage and a ResourceConfig.",
    "MlflowConfig": "Leave it out, and log to a tracking server of your own.",
    "ModelPackageConfig": "Create the model package from the job's artefacts by CreateModelPackage.",
    "SessionChainingConfig": "Leave it out: sessions have no tags here.",
}
"""Member -> the way out."""


def _refuse(request: Request) -> None:
    """What the emulator does not do."""
    for member, way_out in _UNSUPPORTED.items():
        if request.get(member):
            raise unsupported(f"{member} of training jobs", way_out)
    if request.get("DebugHookConfig", {}).get("CollectionConfigurations"):
        raise unsupported(
            "CollectionConfigurations of DebugHookConfig", "Leave them out: nothing is collected."
        )
    _refuse_remote_debugging(request)
    resources = request["ResourceConfig"]
    for member in ("TrainingPlanArn", "InstancePlacementConfig", "InstancePreferences"):
        if resources.get(member):
            raise unsupported(f"ResourceConfig.{member}", "Name an InstanceType and an InstanceCount.")


def _refuse_remote_debugging(request: Request) -> None:
    if request.get("RemoteDebugConfig", {}).get("EnableRemoteDebug"):
        raise unsupported("RemoteDebugConfig", "A job's processes run on this machine: attach to them there.")


def refuse_update(request: Request) -> None:
    """What UpdateTrainingJob cannot change here."""
    for member in ("ProfilerConfig", "ProfilerRuleConfigurations"):
        if request.get(member):
            raise unsupported(f"{member} of training jobs", "Leave it out: nothing is profiled.")
    _refuse_remote_debugging(request)


def _check_channels(request: Request) -> None:
    channels = request.get("InputDataConfig", ())
    names = [channel["ChannelName"] for channel in channels]
    if len(set(names)) < len(names):
        raise invalid("Duplicate channel names found in InputDataConfig. Channel names must be unique.")
    mode = request["AlgorithmSpecification"]["TrainingInputMode"]
    for channel in channels:
        where = f"Channel {channel['ChannelName']}"
        if "S3DataSource" not in channel["DataSource"]:
            kind = next(iter(channel["DataSource"]), "an empty DataSource")
            raise unsupported(f"{kind} ({where})", "Put the data into S3 and name it by an S3DataSource.")
        source = channel["DataSource"]["S3DataSource"]
        if channel.get("InputMode", mode) == "Pipe":
            raise unsupported(f"input mode Pipe ({where})", "Use File or FastFile.")
        if channel.get("RecordWrapperType", "None") != "None":
            raise unsupported(
                f"RecordWrapperType RecordIO ({where})", "It belongs to input mode Pipe; use File."
            )
        if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
            raise unsupported(f"S3DataType {source['S3DataType']} ({where})", "Use S3Prefix or ManifestFile.")
        for member in ("ModelAccessConfig", "HubAccessConfig"):
            if source.get(member):
                raise unsupported(f"{member} ({where})", "Copy the model to a bucket of your own.")
        if channel.get("CompressionType") == "Gzip" and channel.get("InputMode", mode) == "FastFile":
            raise invalid("CompressionType Gzip is not supported with input mode FastFile.")
        groups = {group["InstanceGroupName"] for group in request["ResourceConfig"].get("InstanceGroups", ())}
        if missing := set(source.get("InstanceGroupNames", ())) - groups:
            raise invalid(
                f"{where} names the instance group {min(missing)}, which ResourceConfig does not have."
            )


def _check_checkpoints(request: Request) -> None:
    path = request.get("CheckpointConfig", {}).get("LocalPath", "/opt/ml/checkpoints")
    if not path.startswith("/") or posixpath.normpath(path).strip("/") == "" or ".." in path.split("/"):
        raise invalid(
            f"LocalPath {path} of CheckpointConfig must be an absolute path below /, without '..', such as "
            "/opt/ml/checkpoints."
        )


def check_places(caller: Caller, request: Request) -> None:
    """S3 is looked at last: every input must find something, and what is written must have a bucket."""
    objects = Objects(caller)
    for channel in request.get("InputDataConfig", ()):
        check_input(objects, channel["DataSource"]["S3DataSource"]["S3Uri"], caller, request["RoleArn"])
    output = request["OutputDataConfig"]["S3OutputPath"]
    for uri in (output, request.get("CheckpointConfig", {}).get("S3Uri")):
        if uri:
            check_output(objects, uri)
