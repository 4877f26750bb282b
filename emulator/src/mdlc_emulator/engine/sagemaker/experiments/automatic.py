"""The trial component and the lineage that SageMaker keeps of every job, asked for or not.

Jobs call `check_experiment_config` before they are made, `job_created` once they stand on their shelf,
`job_metric` for every value found in a log, and `job_changed` after each change of status.
https://docs.aws.amazon.com/sagemaker/latest/dg/experiments-view-compare.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.experiments.components import associate
from mdlc_emulator.engine.sagemaker.experiments.experiments import new_trial
from mdlc_emulator.engine.sagemaker.experiments.reading import (
    Artifacts,
    Parameters,
    inputs_of,
    outputs_of,
    parameters_of,
)
from mdlc_emulator.engine.sagemaker.experiments.resources import (
    Component,
    Trial,
    components,
    experiments,
    trials,
)
from mdlc_emulator.engine.sagemaker.experiments.series import Point
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, not_found
from mdlc_emulator.engine.sagemaker.kernel.resource import Request, Resource
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.lineage.automatic import consumed, produced, served


@dataclass(frozen=True, slots=True)
class _Job:
    """How one kind of job is named in its component and in its own members."""

    suffix: str
    noun: str
    start: str
    end: str


_JOBS: Mapping[str, _Job] = {
    "SageMakerTrainingJob": _Job("aws-training-job", "TrainingJob", "TrainingStartTime", "TrainingEndTime"),
    "SageMakerProcessingJob": _Job(
        "aws-processing-job", "ProcessingJob", "ProcessingStartTime", "ProcessingEndTime"
    ),
    "SageMakerTransformJob": _Job(
        "aws-transform-job", "TransformJob", "TransformStartTime", "TransformEndTime"
    ),
}
_OVER = frozenset({"Completed", "Failed", "Stopped"})


def check_experiment_config(caller: Caller, config: Mapping[str, str] | None) -> None:
    """What a job's ExperimentConfig names must be there: ResourceNotFound."""
    if not config:
        return
    if "ExperimentName" in config:
        experiments(caller).get(config["ExperimentName"])
    if "TrialName" in config:
        trial = trials(caller).get(config["TrialName"])
        if config.get("ExperimentName", trial.experiment) != trial.experiment:
            raise invalid(f"Trial '{trial.arn}' is not part of the experiment {config['ExperimentName']}.")
    if "RunName" in config and _run(caller, config) is None:
        raise not_found(f"Run '{config['RunName']}' does not exist.")


def _run(caller: Caller, config: Mapping[str, str]) -> Component | None:
    """The component of a run: SDKs name it after its experiment and the run."""
    shelf = components(caller)
    run = config["RunName"]
    return shelf.find(run) or shelf.find(f"{config.get('ExperimentName', '')}-{run}")


def job_created(job: Resource, source_type: str, request: Request) -> Component:
    """Make the component of a job. `source_type` is a key of the table above, `request` what created it."""
    kind = _JOBS[source_type]
    source = {"SourceArn": job.arn, "SourceType": source_type}
    config = request.get("ExperimentConfig") or {}
    caller = job.caller
    members: dict[str, Any] = {"Source": source, "Sources": [source]}
    if "TrialComponentDisplayName" in config:
        members["DisplayName"] = config["TrialComponentDisplayName"]
    parameters: Parameters = parameters_of(request)
    inputs: Artifacts = inputs_of(request)
    if parameters:
        members["Parameters"] = parameters
    if inputs:
        members["InputArtifacts"] = inputs
    shelf = components(caller)
    with STORE.lock:
        name = f"{job.name}-{kind.suffix}"
        component = shelf.find(name) or shelf.add(Component(name, shelf.arn(name), caller))
        component.members = members
        trial = _trial(job, config)
        if trial is not None:
            associate(component, trial)
        if "RunName" in config and (run := _run(caller, config)) is not None:
            run.members = run.members | {"Sources": [*run.members.get("Sources", ()), source]}
            run.touch()
        consumed(caller, component.arn, inputs)
        if source_type == "SageMakerTransformJob":
            served(caller, component.arn, request["ModelName"])
    job_changed(job)
    return component


def _trial(job: Resource, config: Mapping[str, str]) -> Trial | None:
    """The trial that the job belongs to; a new one where only the experiment is named."""
    if "TrialName" in config:
        return trials(job.caller).find(config["TrialName"])
    if "ExperimentName" not in config:
        return None
    name = f"{job.name}-aws-trial"[-120:].lstrip("-")
    return trials(job.caller).find(name) or new_trial(job.caller, name, config["ExperimentName"], {})


def component_of(job: Resource) -> Component | None:
    """The component of a job, None when it was deleted or never made."""
    shelf = components(job.caller)
    for kind in _JOBS.values():
        found = shelf.find(f"{job.name}-{kind.suffix}")
        if found is not None and found.members["Source"]["SourceArn"] == job.arn:
            return found
    return None


def job_changed(job: Resource) -> None:
    """Bring the component up to date with the job's members."""
    with STORE.lock:
        component = component_of(job)
        if component is None:
            return
        kind = _JOBS[component.members["Source"]["SourceType"]]
        now = job.members
        status = now.get(f"{kind.noun}Status", "InProgress")
        members = component.members | {"Status": _status(status, now)}
        for member, of_job in (("StartTime", kind.start), ("EndTime", kind.end)):
            if of_job in now:
                members[member] = now[of_job]
        if status in _OVER and (outputs := outputs_of(now)):
            members["OutputArtifacts"] = outputs
            if status == "Completed":
                produced(job.caller, component.arn, outputs)
        component.members = members
        component.touch()


def _status(status: str, members: Mapping[str, Any]) -> dict[str, str]:
    message = (
        f"Status: {status}, secondary status: {members.get('SecondaryStatus', 'null')}, "
        f"failure reason: {members.get('FailureReason', '')}."
    )
    return {"PrimaryStatus": status, "Message": message[:1024]}


def job_metric(job: Resource, name: str, value: float, at: float) -> None:
    """One value of a metric that a job wrote to its log at `at`, in seconds since the epoch."""
    with STORE.lock:
        component = component_of(job)
        if component is not None:
            count = len(component.metrics[name].points) if name in component.metrics else 0
            component.measure(name, Point(at, count, value))
