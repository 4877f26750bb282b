"""Warm start: what earlier tuning jobs have found.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-warm-start.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid
from mdlc_emulator.engine.sagemaker.tuning.definitions import Definition
from mdlc_emulator.engine.sagemaker.tuning.job import FINAL, Trial, TuningJob, parents, tuning_jobs
from mdlc_emulator.engine.sagemaker.tuning.ranges import Assignment
from mdlc_emulator.engine.sagemaker.tuning.strategies import Strategy

MOST_PARENTS = 5
SHARE = 4
"""A transfer begins with the best values of its parents: at most this part of all jobs."""


def check(caller: Caller, config: Mapping[str, Any], definitions: list[Definition]) -> None:
    """ValidationException for parents that cannot be learned from."""
    names = [each.get("HyperParameterTuningJobName", "") for each in config["ParentHyperParameterTuningJobs"]]
    if not 1 <= len(names) <= MOST_PARENTS:
        raise invalid(f"A warm start has between 1 and {MOST_PARENTS} parent hyperparameter tuning jobs.")
    if len(set(names)) < len(names):
        raise invalid("The parent hyperparameter tuning jobs of a warm start must be unique.")
    for name in names:
        parent = tuning_jobs(caller).find(name)
        if parent is None:
            raise invalid(f"Amazon SageMaker can't find the parent hyperparameter tuning job {name}.")
        if parent.status not in FINAL:
            raise invalid(
                f"The parent hyperparameter tuning job {name} is in status {parent.status}; it must be "
                "Completed, Stopped, or Failed."
            )
        _compare(parent, config["WarmStartType"], definitions)


def _compare(parent: TuningJob, kind: str, definitions: list[Definition]) -> None:
    if len(parent.definitions) != len(definitions):
        raise invalid(f"The parent {parent.name} has another number of training job definitions.")
    for old, new in zip(parent.definitions, definitions, strict=True):
        if (old.metric, old.sign) != (new.metric, new.sign):
            raise invalid(
                "The objective metric for the new tuning job must be the same as for the parent "
                f"{parent.name}: {old.metric}, {old.direction}."
            )
        for each in new.ranges:
            before = next((found for found in old.ranges if found.name == each.name), None)
            if before is not None and type(before) is not type(each):
                raise invalid(f"The type of the hyperparameter {each.name} is another in {parent.name}.")
        if kind != "IdenticalDataAndAlgorithm":
            continue
        for member in ("AlgorithmSpecification", "InputDataConfig"):
            if old.asked.get(member) != new.asked.get(member):
                raise invalid(
                    f"With IdenticalDataAndAlgorithm, {member} must be the same as that of {parent.name}."
                )
        if _names(old) != _names(new):
            raise invalid(
                "With IdenticalDataAndAlgorithm, the total number of static plus tunable hyperparameters "
                f"must remain the same as in {parent.name}."
            )


def _names(definition: Definition) -> frozenset[str]:
    return frozenset(
        [*definition.asked.get("StaticHyperParameters", {}), *(each.name for each in definition.ranges)]
    )


def _found(job: TuningJob, definition: Definition) -> Iterator[Trial]:
    """Trials of the parents with a value, for the definition in the same place."""
    place = job.definitions.index(definition)
    for parent in parents(job):
        old = parent.definitions[place] if place < len(parent.definitions) else None
        yield from (trial for trial in parent.trials if trial.definition is old and trial.score is not None)


def learn(job: TuningJob, definition: Definition, strategy: Strategy, most: int) -> list[Assignment]:
    """Tell the strategy what the parents found with identical data and algorithm. A transfer cannot take over
    values of another problem: it tries the parents' best assignments first, which are returned."""
    kind = job.members.get("WarmStartConfig", {}).get("WarmStartType")
    if kind is None or job.config["Strategy"] == "Grid":
        return []
    trials = list(_found(job, definition))
    if kind == "IdenticalDataAndAlgorithm":
        for trial in trials:
            strategy.tell(_whole(trial), trial.score)
        return []
    ordered = sorted(trials, key=lambda trial: trial.score or 0.0, reverse=True)
    chosen: list[Assignment] = []
    for trial in ordered:
        values = _whole(trial)
        assignment = {each.name: values.get(each.name, "") for each in definition.ranges}
        inside = all(each.unit(assignment[each.name]) is not None for each in definition.ranges)
        if inside and assignment not in chosen:
            chosen.append(assignment)
    return chosen[: max(1, most // SHARE)]


def _whole(trial: Trial) -> dict[str, str]:
    """Static and tuned hyperparameters: what was static there may be tuned here."""
    return {**trial.definition.asked.get("StaticHyperParameters", {}), **trial.assignment}
