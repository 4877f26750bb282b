"""What can be searched, as the records that SearchRecord shows.

A record is what the resource's own Describe operation says, its tags, and what only Search tells: the parents
of a trial component, the components of a trial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from botocore.model import StructureShape

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.sagemaker.experiments.resources import Component, Trial, components, trials_of
from mdlc_emulator.engine.sagemaker.kernel.errors import unsupported
from mdlc_emulator.engine.sagemaker.kernel.people import user_context
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource, Response, moment
from mdlc_emulator.engine.sagemaker.kernel.shapes import shape
from mdlc_emulator.engine.sagemaker.kernel.store import STORE


@dataclass(frozen=True, slots=True)
class Searched:
    """One value of Search's `Resource`. `path` is that of its kind, `module` and `operation` describe it,
    `member` is where the Describe request names it; `key` is its member of SearchRecord."""

    path: str
    module: str
    operation: str
    member: str
    key: str

    @property
    def shape(self) -> StructureShape:
        """The shape whose members are the properties to search by."""
        found = shape("Model" if self.key == "Model" else _SHAPES.get(self.key, self.key))
        assert isinstance(found, StructureShape)
        return found


_SHAPES = {"HyperParameterTuningJob": "HyperParameterTuningJobSearchEntity"}

RESOURCES: Mapping[str, Searched] = {
    "TrainingJob": Searched(
        "training-job", "training.operations", "DescribeTrainingJob", "TrainingJobName", "TrainingJob"
    ),
    "Experiment": Searched(
        "experiment", "experiments.experiments", "DescribeExperiment", "ExperimentName", "Experiment"
    ),
    "ExperimentTrial": Searched(
        "experiment-trial", "experiments.experiments", "DescribeTrial", "TrialName", "Trial"
    ),
    "ExperimentTrialComponent": Searched(
        "experiment-trial-component",
        "experiments.components",
        "DescribeTrialComponent",
        "TrialComponentName",
        "TrialComponent",
    ),
    "Endpoint": Searched("endpoint", "endpoints.operations", "DescribeEndpoint", "EndpointName", "Endpoint"),
    "Model": Searched("model", "models.operations", "DescribeModel", "ModelName", "Model"),
    "ModelPackage": Searched(
        "model-package", "packages.packages", "DescribeModelPackage", "ModelPackageName", "ModelPackage"
    ),
    "ModelPackageGroup": Searched(
        "model-package-group",
        "packages.groups",
        "DescribeModelPackageGroup",
        "ModelPackageGroupName",
        "ModelPackageGroup",
    ),
    "HyperParameterTuningJob": Searched(
        "hyper-parameter-tuning-job",
        "tuning.operations",
        "DescribeHyperParameterTuningJob",
        "HyperParameterTuningJobName",
        "HyperParameterTuningJob",
    ),
}


def searched(resource: str) -> Searched:
    """ValidationException for a kind of resource that the emulator does not have."""
    found = RESOURCES.get(resource)
    if found is None:
        raise unsupported(f"Search for {resource}", f"It searches {', '.join(RESOURCES)}.")
    return found


def _resources(caller: Caller, path: str) -> Iterator[Resource]:
    for kind, shelf in STORE.shelves(caller):
        if kind.path == path:
            yield from shelf


def records(caller: Caller, kind: Searched) -> Iterator[tuple[Resource, Response]]:
    """Every resource of the kind with its record."""
    module = import_module(f"mdlc_emulator.engine.sagemaker.{kind.module}")
    describe: Callable[[Caller, dict[str, Any]], Response] = module.OPERATIONS[kind.operation]
    members = kind.shape.members
    for resource in _resources(caller, kind.path):
        name = resource.arn if kind.key == "ModelPackage" else resource.name
        try:
            said = describe(caller, {kind.member: name})
        except AwsError:
            continue  # deleted since
        record = {member: value for member, value in said.items() if member in members}
        if "LastModifiedTime" in members:
            record.setdefault("LastModifiedTime", moment(resource.modified))
        if resource.tags:
            record["Tags"] = [{"Key": key, "Value": value} for key, value in resource.tags.items()]
        _complete(resource, record)
        yield resource, record


def _complete(resource: Resource, record: Response) -> None:
    """What only Search tells."""
    if isinstance(resource, Component):
        parents = [
            {"TrialName": trial.name, "ExperimentName": trial.experiment}
            for trial in trials_of(resource.caller, resource.name)
        ]
        if parents:
            record["Parents"] = parents
    elif isinstance(resource, Trial):
        shelf = components(resource.caller)
        summaries = [_simple(found) for name in resource.components if (found := shelf.find(name))]
        if summaries:
            record["TrialComponentSummaries"] = summaries


_JOBS = {
    "SageMakerTrainingJob": ("TrainingJob", "training.operations", "DescribeTrainingJob"),
    "SageMakerProcessingJob": ("ProcessingJob", "processing.operations", "DescribeProcessingJob"),
    "SageMakerTransformJob": ("TransformJob", "transform.operations", "DescribeTransformJob"),
}


def detailed(resource: Resource, record: Response) -> Response:
    """The record with the job that a component stands for: dear, so for those alone that are shown, or when
    the expression asks for it."""
    if isinstance(resource, Component) and (detail := _source_detail(resource)):
        record["SourceDetail"] = detail
    return record


def _source_detail(component: Component) -> Response | None:
    """The job that the component stands for, as its Describe operation shows it."""
    source = component.members.get("Source")
    if source is None:
        return None
    detail: Response = {"SourceArn": source["SourceArn"]}
    noun, module, operation = _JOBS.get(source.get("SourceType", ""), ("", "", ""))
    job = STORE.by_arn(component.caller, source["SourceArn"]) if noun else None
    if job is not None:
        describe = import_module(f"mdlc_emulator.engine.sagemaker.{module}").OPERATIONS[operation]
        said = describe(component.caller, {f"{noun}Name": job.name})
        members = shape(noun).members
        detail[noun] = {member: value for member, value in said.items() if member in members}
    return detail


def _simple(component: Component) -> Response:
    summary: Response = {
        "TrialComponentName": component.name,
        "TrialComponentArn": component.arn,
        "CreationTime": moment(component.created),
        "CreatedBy": user_context(component.caller),
    }
    if "Source" in component.members:
        summary["TrialComponentSource"] = component.members["Source"]
    return summary


def shown(kind: Searched, record: Response) -> Response:
    """An entry of Search's Results."""
    if kind.key == "Model":
        return {"Model": {"Model": record}}
    return {kind.key: record}
