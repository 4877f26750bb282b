"""The states of a training job and the ways between them.

TrainingJobStatus is the short form, SecondaryStatus the long one, SecondaryStatusTransitions the history:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_SecondaryStatusTransition.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdlc_emulator.engine.sagemaker.kernel.resource import moment

STATUS: Mapping[str, str] = {
    "Starting": "InProgress",
    "Downloading": "InProgress",
    "Training": "InProgress",
    "Uploading": "InProgress",
    "Stopping": "Stopping",
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
}
"""SecondaryStatus -> TrainingJobStatus; uploading what a stopped job leaves behind counts as Stopping."""

NEXT: Mapping[str, frozenset[str]] = {
    "Starting": frozenset({"Downloading", "Stopping", "Failed"}),
    "Downloading": frozenset({"Training", "Stopping", "Failed"}),
    "Training": frozenset({"Uploading", "Stopping", "Failed"}),
    "Stopping": frozenset({"Uploading", "Stopped", "MaxRuntimeExceeded", "Failed"}),
    "Uploading": frozenset({"Completed", "Failed", "Stopping", "Stopped", "MaxRuntimeExceeded"}),
    "Completed": frozenset(),
    "Failed": frozenset(),
    "Stopped": frozenset(),
    "MaxRuntimeExceeded": frozenset(),
}
"""What may follow each secondary status."""

FINAL = frozenset(status for status, following in NEXT.items() if not following)

MESSAGES: Mapping[str, str] = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


class TransitionError(Exception):
    """A status that cannot follow the present one: a fault of the emulator."""


def first(now: float) -> dict[str, Any]:
    """The members of a job that has just been created."""
    return {
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Starting",
        "SecondaryStatusTransitions": [_transition("Starting", now)],
    }


def enter(members: dict[str, Any], secondary: str, now: float) -> None:
    """Move on to a secondary status at `now` (seconds). TransitionError when the machine has no such way."""
    present = members["SecondaryStatus"]
    if secondary not in NEXT[present]:
        raise TransitionError(f"{secondary} cannot follow {present}")
    history = [*members["SecondaryStatusTransitions"]]
    history[-1] = history[-1] | {"EndTime": moment(now)}
    entry = _transition(secondary, now)
    if secondary in FINAL:
        entry["EndTime"] = moment(now)
    stopping = members["TrainingJobStatus"] == "Stopping" and secondary not in FINAL
    members |= {
        "SecondaryStatusTransitions": [*history, entry],
        "SecondaryStatus": secondary,
        "TrainingJobStatus": "Stopping" if stopping else STATUS[secondary],
    }


def _transition(secondary: str, now: float) -> dict[str, Any]:
    return {"Status": secondary, "StartTime": moment(now), "StatusMessage": MESSAGES[secondary]}
