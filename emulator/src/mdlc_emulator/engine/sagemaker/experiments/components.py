"""Trial components, and which trials they belong to.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrialComponent.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.experiments.resources import (
    Component,
    Trial,
    components,
    described,
    experiments,
    refuse_existing,
    trials,
    trials_of,
)
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.people import user_context
from mdlc_emulator.engine.sagemaker.kernel.resource import Operation, Request, Response, moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags, tag
from mdlc_emulator.engine.sagemaker.lineage.vertices import forget

_ASKED = (
    "DisplayName",
    "Status",
    "StartTime",
    "EndTime",
    "Parameters",
    "InputArtifacts",
    "OutputArtifacts",
    "MetadataProperties",
)
_MAPS = ("Parameters", "InputArtifacts", "OutputArtifacts")
MOST: Mapping[str, int] = {"Parameters": 300, "InputArtifacts": 60, "OutputArtifacts": 60}
"""Entries of one component, as the model limits each request."""


def _check(request: Request) -> None:
    for name, value in request.get("Parameters", {}).items():
        if len(value) != 1:
            raise invalid(f"Parameter {name} must have exactly one of StringValue and NumberValue.")


def create_component(caller: Caller, request: Request) -> Response:
    shelf = components(caller)
    name = request["TrialComponentName"]
    refuse_existing(shelf, "TrialComponent", name)
    _check(request)
    check_tags(request.get("Tags"))
    members = {member: request[member] for member in _ASKED if member in request}
    component = Component(name, shelf.arn(name), caller, members)
    tag(component, request.get("Tags"))
    return {"TrialComponentArn": shelf.add(component).arn}


def describe_component(caller: Caller, request: Request) -> Response:
    component = components(caller).get(request["TrialComponentName"])
    response = described(component, "TrialComponent")
    if metrics := component.summaries():
        response["Metrics"] = metrics
    return response


def update_component(caller: Caller, request: Request) -> Response:
    """Entries of parameters and artifacts are added or replaced; `...ToRemove` takes entries away."""
    _check(request)
    with STORE.lock:
        component = components(caller).get(request["TrialComponentName"])
        members = component.members | {
            member: request[member]
            for member in _ASKED
            if member in request and member not in (*_MAPS, "MetadataProperties")
        }
        for member in _MAPS:
            entries = dict(members.get(member, {})) | request.get(member, {})
            for name in request.get(f"{member}ToRemove", ()):
                entries.pop(name, None)
            if len(entries) > MOST[member]:
                raise invalid(f"A trial component has at most {MOST[member]} {member}.")
            members.pop(member, None)
            if entries:
                members[member] = entries
        component.members = members
        component.touch()
    return {"TrialComponentArn": component.arn}


def delete_component(caller: Caller, request: Request) -> Response:
    """It must have been disassociated from all trials before."""
    with STORE.lock:
        component = components(caller).get(request["TrialComponentName"])
        if trials_of(caller, component.name):
            raise invalid(
                f"TrialComponent '{component.arn}' is linked to 1 or more trials and cannot be deleted."
            )
        components(caller).remove(component.name)
        forget(caller, component.arn)
    return {"TrialComponentArn": component.arn}


def associate(component: Component, trial: Trial) -> None:
    """Make the component one of the trial's; again is no error."""
    with STORE.lock:
        trial.components.setdefault(component.name, clock.now())


def associate_component(caller: Caller, request: Request) -> Response:
    with STORE.lock:
        trial = trials(caller).get(request["TrialName"])
        component = components(caller).get(request["TrialComponentName"])
        associate(component, trial)
    return {"TrialComponentArn": component.arn, "TrialArn": trial.arn}


def disassociate_component(caller: Caller, request: Request) -> Response:
    with STORE.lock:
        trial = trials(caller).get(request["TrialName"])
        component = components(caller).get(request["TrialComponentName"])
        trial.components.pop(component.name, None)
    return {"TrialComponentArn": component.arn, "TrialArn": trial.arn}


def _summary(component: Component) -> dict[str, Any]:
    who = user_context(component.caller)
    summary = {
        "TrialComponentName": component.name,
        "TrialComponentArn": component.arn,
        "DisplayName": component.members.get("DisplayName", component.name),
        "CreationTime": moment(component.created),
        "CreatedBy": who,
        "LastModifiedTime": moment(component.modified),
        "LastModifiedBy": who,
    }
    for member in ("Status", "StartTime", "EndTime"):
        if member in component.members:
            summary[member] = component.members[member]
    if "Source" in component.members:
        summary["TrialComponentSource"] = component.members["Source"]
    return summary


def _of_experiment(component: Component, name: str) -> bool:
    return any(trial.experiment == name for trial in trials_of(component.caller, component.name))


def _of_trial(component: Component, name: str) -> bool:
    return component.name in trials(component.caller).get(name).components


def _from_source(component: Component, arn: str) -> bool:
    sources = component.members.get("Sources", ())
    return arn in {
        component.members.get("Source", {}).get("SourceArn"),
        *(source["SourceArn"] for source in sources),
    }


_LISTING = Listing[Component](
    "TrialComponentSummaries",
    _summary,
    filters={
        "ExperimentName": _of_experiment,
        "TrialName": _of_trial,
        "SourceArn": _from_source,
    },
)


def list_components(caller: Caller, request: Request) -> Response:
    """One of ExperimentName, TrialName and SourceArn at most."""
    if sum(member in request for member in ("ExperimentName", "TrialName", "SourceArn")) > 1:
        raise invalid("You can specify only one of ExperimentName, TrialName and SourceArn.")
    if "ExperimentName" in request:
        experiments(caller).get(request["ExperimentName"])
    if "TrialName" in request:
        trials(caller).get(request["TrialName"])
    return _LISTING.answer(components(caller), request)


OPERATIONS: dict[str, Operation] = {
    "CreateTrialComponent": create_component,
    "DescribeTrialComponent": describe_component,
    "UpdateTrialComponent": update_component,
    "DeleteTrialComponent": delete_component,
    "ListTrialComponents": list_components,
    "AssociateTrialComponent": associate_component,
    "DisassociateTrialComponent": disassociate_component,
}
