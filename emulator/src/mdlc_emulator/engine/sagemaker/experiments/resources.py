"""Experiments, trials and components as resources, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.sagemaker.experiments.series import Point, Series
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, not_found
from mdlc_emulator.engine.sagemaker.kernel.people import user_context
from mdlc_emulator.engine.sagemaker.kernel.resource import Kind, Resource, moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf


def _missing(noun: str) -> Callable[[str], AwsError]:
    return lambda arn: not_found(f"{noun} '{arn}' does not exist.")


def _existing(noun: str) -> Callable[[str], AwsError]:
    """The words that SDKs look for when they load or create: "already exists"."""
    return lambda arn: invalid(f"{noun} with name ({arn.rpartition('/')[2]}) already exists.")


EXPERIMENT = Kind("experiment", _missing("Experiment"), _existing("Experiment"))
TRIAL = Kind("experiment-trial", _missing("Trial"), _existing("Trial"))
COMPONENT = Kind("experiment-trial-component", _missing("TrialComponent"), _existing("TrialComponent"))


@dataclass(eq=False, slots=True)
class Trial(Resource):
    """A trial; `components` are the names of its components, in the order of their association."""

    components: dict[str, float] = field(default_factory=dict)

    @property
    def experiment(self) -> str:
        return str(self.members["ExperimentName"])


@dataclass(eq=False, slots=True)
class Component(Resource):
    """A trial component with the values of its metrics, by their names."""

    metrics: dict[str, Series] = field(default_factory=dict)

    def measure(self, name: str, point: Point) -> None:
        """Add one value; under the store's lock."""
        self.metrics.setdefault(name, Series()).add(point)

    def summaries(self) -> list[dict[str, Any]]:
        """Of all its metrics. Their source is that of the component, or the component itself."""
        source = self.members.get("Source", {}).get("SourceArn", self.arn)
        with STORE.lock:
            return [series.summary(name, source) for name, series in sorted(self.metrics.items())]


def experiments(caller: Caller) -> Shelf[Resource]:
    return STORE.shelf(EXPERIMENT, caller, Resource)


def trials(caller: Caller) -> Shelf[Trial]:
    return STORE.shelf(TRIAL, caller, Trial)


def components(caller: Caller) -> Shelf[Component]:
    return STORE.shelf(COMPONENT, caller, Component)


def trials_of(caller: Caller, component: str) -> list[Trial]:
    """The trials that a component is associated with."""
    return [trial for trial in trials(caller) if component in trial.components]


def refuse_existing(shelf: Shelf[Any], noun: str, name: str) -> None:
    """ValidationException when the name is taken, with the name as it was written."""
    if shelf.find(name) is not None:
        raise invalid(f"{noun} with name ({name}) already exists.")


def described(resource: Resource, noun: str) -> dict[str, Any]:
    """What the three Describe operations have in common; `noun` is "Experiment", "Trial" or
    "TrialComponent"."""
    who = user_context(resource.caller)
    return {
        f"{noun}Name": resource.name,
        f"{noun}Arn": resource.arn,
        "DisplayName": resource.name,
        "CreationTime": moment(resource.created),
        "CreatedBy": who,
        "LastModifiedTime": moment(resource.modified),
        "LastModifiedBy": who,
        **resource.members,
    }
