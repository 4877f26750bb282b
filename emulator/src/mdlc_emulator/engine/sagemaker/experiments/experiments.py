"""Experiments and their trials.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateExperiment.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrial.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.experiments.resources import (
    Trial,
    components,
    described,
    experiments,
    refuse_existing,
    trials,
)
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.resource import (
    Operation,
    Request,
    Resource,
    Response,
    moment,
)
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags, tag


def _asked(request: Request, *members: str) -> dict[str, Any]:
    return {member: request[member] for member in members if member in request}


def create_experiment(caller: Caller, request: Request) -> Response:
    shelf = experiments(caller)
    name = request["ExperimentName"]
    refuse_existing(shelf, "Experiment", name)
    check_tags(request.get("Tags"))
    experiment = Resource(name, shelf.arn(name), caller, _asked(request, "DisplayName", "Description"))
    tag(experiment, request.get("Tags"))
    return {"ExperimentArn": shelf.add(experiment).arn}


def describe_experiment(caller: Caller, request: Request) -> Response:
    return described(experiments(caller).get(request["ExperimentName"]), "Experiment")


def update_experiment(caller: Caller, request: Request) -> Response:
    with STORE.lock:
        experiment = experiments(caller).get(request["ExperimentName"])
        experiment.members = experiment.members | _asked(request, "DisplayName", "Description")
        experiment.touch()
    return {"ExperimentArn": experiment.arn}


def delete_experiment(caller: Caller, request: Request) -> Response:
    """Its trials must have been deleted before."""
    with STORE.lock:
        experiment = experiments(caller).get(request["ExperimentName"])
        if any(trial.experiment == experiment.name for trial in trials(caller)):
            raise invalid(
                f"Experiment '{experiment.arn}' is linked to 1 or more trials and cannot be deleted."
            )
        experiments(caller).remove(experiment.name)
    return {"ExperimentArn": experiment.arn}


def _summary(resource: Resource, noun: str, source: str) -> dict[str, Any]:
    summary = {
        f"{noun}Arn": resource.arn,
        f"{noun}Name": resource.name,
        "DisplayName": resource.members.get("DisplayName", resource.name),
        "CreationTime": moment(resource.created),
        "LastModifiedTime": moment(resource.modified),
    }
    if "Source" in resource.members:
        summary[source] = resource.members["Source"]
    return summary


_EXPERIMENTS = Listing[Resource](
    "ExperimentSummaries", lambda experiment: _summary(experiment, "Experiment", "ExperimentSource")
)


def list_experiments(caller: Caller, request: Request) -> Response:
    return _EXPERIMENTS.answer(experiments(caller), request)


def new_trial(caller: Caller, name: str, experiment: str, members: dict[str, Any]) -> Trial:
    """A trial of an experiment that exists. ResourceNotFound for the experiment, ValidationException when
    the name is taken."""
    with STORE.lock:
        found = experiments(caller).get(experiment)
        shelf = trials(caller)
        refuse_existing(shelf, "Trial", name)
        trial = Trial(name, shelf.arn(name), caller, members | {"ExperimentName": found.name})
        shelf.add(trial)
    return trial


def create_trial(caller: Caller, request: Request) -> Response:
    check_tags(request.get("Tags"))
    members = _asked(request, "DisplayName", "MetadataProperties")
    trial = new_trial(caller, request["TrialName"], request["ExperimentName"], members)
    tag(trial, request.get("Tags"))
    return {"TrialArn": trial.arn}


def describe_trial(caller: Caller, request: Request) -> Response:
    return described(trials(caller).get(request["TrialName"]), "Trial")


def update_trial(caller: Caller, request: Request) -> Response:
    with STORE.lock:
        trial = trials(caller).get(request["TrialName"])
        trial.members = trial.members | _asked(request, "DisplayName")
        trial.touch()
    return {"TrialArn": trial.arn}


def delete_trial(caller: Caller, request: Request) -> Response:
    """Its components must have been disassociated (or deleted) before."""
    with STORE.lock:
        trial = trials(caller).get(request["TrialName"])
        if trial.components:
            raise invalid(
                f"Trial '{trial.arn}' is linked to 1 or more trial components and cannot be deleted."
            )
        trials(caller).remove(trial.name)
    return {"TrialArn": trial.arn}


_TRIALS = Listing[Trial](
    "TrialSummaries",
    lambda trial: _summary(trial, "Trial", "TrialSource"),
    filters={
        "ExperimentName": lambda trial, name: trial.experiment == name,
        "TrialComponentName": lambda trial, name: name in trial.components,
    },
)


def list_trials(caller: Caller, request: Request) -> Response:
    if "ExperimentName" in request:
        experiments(caller).get(request["ExperimentName"])
    if "TrialComponentName" in request:
        components(caller).get(request["TrialComponentName"])
    return _TRIALS.answer(trials(caller), request)


OPERATIONS: dict[str, Operation] = {
    "CreateExperiment": create_experiment,
    "DescribeExperiment": describe_experiment,
    "UpdateExperiment": update_experiment,
    "DeleteExperiment": delete_experiment,
    "ListExperiments": list_experiments,
    "CreateTrial": create_trial,
    "DescribeTrial": describe_trial,
    "UpdateTrial": update_trial,
    "DeleteTrial": delete_trial,
    "ListTrials": list_trials,
}
