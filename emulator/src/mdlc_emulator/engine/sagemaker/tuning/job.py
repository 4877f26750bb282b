"""A tuning job and its trials as the emulator keeps them, and as it tells of them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import in_use, not_found
from mdlc_emulator.engine.sagemaker.kernel.events import announce
from mdlc_emulator.engine.sagemaker.kernel.resource import Kind, Resource, moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf
from mdlc_emulator.engine.sagemaker.training.job import TrainingJob
from mdlc_emulator.engine.sagemaker.tuning.definitions import Definition
from mdlc_emulator.engine.sagemaker.tuning.ranges import Assignment


def _missing(name: str) -> AwsError:
    return not_found(f"Amazon SageMaker can't find a tuning job called {name}. Type another name.")


TUNING_JOB = Kind(
    "hyper-parameter-tuning-job",
    lambda arn: _missing(arn.rpartition("/")[2]),
    lambda arn: in_use(
        "Hyperparameter tuning job names must be unique within an AWS account and region, and a "
        f"hyperparameter tuning job with this name already exists ({arn})"
    ),
)

FINAL = frozenset({"Completed", "Failed", "Stopped"})


@dataclass(eq=False, slots=True)
class Trial:
    """One training job of a tuning job. `values` are those of the objective, as they were printed."""

    number: int
    definition: Definition
    assignment: Assignment
    job: TrainingJob
    values: list[float] = field(default_factory=list)
    over: bool = False

    @property
    def status(self) -> str:
        return self.job.status

    @property
    def final(self) -> float | None:
        """The objective's last value once the job is over and was not a failure."""
        if not self.over or self.status == "Failed":
            return None
        for metric in self.job.members.get("FinalMetricDataList", ()):
            if metric["MetricName"] == self.definition.metric:
                return float(metric["Value"])
        return self.values[-1] if self.values else None

    @property
    def score(self) -> float | None:
        """The final value, larger being better."""
        final = self.final
        return None if final is None else self.definition.sign * final

    @property
    def objective_status(self) -> str:
        if not self.over:
            return "Pending"
        return "Failed" if self.final is None else "Succeeded"

    def summary(self, tuning: str | None = None) -> dict[str, Any]:
        """As HyperParameterTrainingJobSummary; `tuning` names the tuning job where it may be another."""
        job = self.job
        shown: dict[str, Any] = {
            "TrainingJobName": job.name,
            "TrainingJobArn": job.arn,
            "CreationTime": moment(job.created),
            "TrainingJobStatus": job.status,
            "TunedHyperParameters": dict(self.assignment),
            "ObjectiveStatus": self.objective_status,
        }
        if tuning is not None:
            shown["TuningJobName"] = tuning
        if self.definition.name is not None:
            shown["TrainingJobDefinitionName"] = self.definition.name
        for member in ("TrainingStartTime", "TrainingEndTime", "FailureReason"):
            if member in job.members:
                shown[member] = job.members[member]
        if (final := self.final) is not None:
            shown["FinalHyperParameterTuningJobObjectiveMetric"] = {
                "Type": self.definition.direction,
                "MetricName": self.definition.metric,
                "Value": final,
            }
        return shown


@dataclass(eq=False, slots=True)
class TuningJob(Resource):
    """`members` are what was asked for and the status. `inbox` is what its thread works through."""

    definitions: list[Definition] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    inbox: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)
    over: threading.Event = field(default_factory=threading.Event)
    ended: float | None = None
    converged_at: float | None = None
    not_improving: int = 0

    @property
    def status(self) -> str:
        """HyperParameterTuningJobStatus."""
        return str(self.members["HyperParameterTuningJobStatus"])

    @property
    def config(self) -> dict[str, Any]:
        found: dict[str, Any] = self.members["HyperParameterTuningJobConfig"]
        return found

    def forget(self) -> None:
        """The state is reset: its thread ends."""
        self.inbox.put(None)


def tuning_jobs(caller: Caller) -> Shelf[TuningJob]:
    """The caller's tuning jobs."""
    return STORE.shelf(TUNING_JOB, caller, TuningJob)


def find(caller: Caller, name: str) -> TuningJob:
    """The tuning job of that name. ResourceNotFound, with the name as it was written."""
    found = tuning_jobs(caller).find(name)
    if found is None:
        raise _missing(name)
    return found


def best(trials: Sequence[Trial]) -> Trial | None:
    """The trial with the best final value, the first of equals. Objectives of several definitions are
    compared only where they are one and the same."""
    if len({(trial.definition.metric, trial.definition.sign) for trial in trials}) > 1:
        return None
    found = [(score, -trial.number, trial) for trial in trials if (score := trial.score) is not None]
    return max(found, key=lambda each: each[:2])[2] if found else None


def parents(job: TuningJob) -> Iterator[TuningJob]:
    """The tuning jobs that a warm start names, as far as they are still there."""
    named = job.members.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", ())
    for each in named:
        found = tuning_jobs(job.caller).find(each["HyperParameterTuningJobName"])
        if found is not None:
            yield found


def counters(job: TuningJob) -> dict[str, dict[str, int]]:
    """TrainingJobStatusCounters and ObjectiveStatusCounters."""
    statuses = [trial.status if trial.over else "InProgress" for trial in job.trials]
    objectives = [trial.objective_status for trial in job.trials]
    return {
        "TrainingJobStatusCounters": {
            "Completed": statuses.count("Completed"),
            "InProgress": statuses.count("InProgress"),
            "RetryableError": 0,
            "NonRetryableError": statuses.count("Failed"),
            "Stopped": statuses.count("Stopped"),
        },
        "ObjectiveStatusCounters": {
            "Succeeded": objectives.count("Succeeded"),
            "Pending": objectives.count("Pending"),
            "Failed": objectives.count("Failed"),
        },
    }


def described(job: TuningJob, now: float) -> dict[str, Any]:
    """As DescribeHyperParameterTuningJob shows it at `now`, in seconds."""
    shown: dict[str, Any] = {
        "HyperParameterTuningJobName": job.name,
        "HyperParameterTuningJobArn": job.arn,
        **job.members,
        "CreationTime": moment(job.created),
        "LastModifiedTime": moment(job.modified),
        **counters(job),
        "ConsumedResources": {"RuntimeInSeconds": int((job.ended or now) - job.created)},
    }
    if job.ended is not None:
        shown["HyperParameterTuningEndTime"] = moment(job.ended)
    if (found := best(job.trials)) is not None:
        shown["BestTrainingJob"] = found.summary()
    if (overall := _overall_best(job)) is not None:
        shown["OverallBestTrainingJob"] = overall
    if job.trials:
        details: dict[str, Any] = {"NumberOfTrainingJobsObjectiveNotImproving": job.not_improving}
        if job.converged_at is not None:
            details["ConvergenceDetectedTime"] = moment(job.converged_at)
        shown["TuningJobCompletionDetails"] = details
    return shown


def _overall_best(job: TuningJob) -> dict[str, Any] | None:
    """Of the job and its parents, the earlier of equals; for a warm start with identical data alone."""
    if job.members.get("WarmStartConfig", {}).get("WarmStartType") != "IdenticalDataAndAlgorithm":
        return None
    found = [(each, trial) for each in (*parents(job), job) if (trial := best(each.trials)) is not None]
    if not found:
        return None
    owner, trial = max(found, key=lambda pair: pair[1].score or 0.0)
    return trial.summary(owner.name)


def summary(job: TuningJob) -> dict[str, Any]:
    """An entry of ListHyperParameterTuningJobs."""
    shown: dict[str, Any] = {
        "HyperParameterTuningJobName": job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobStatus": job.status,
        "Strategy": job.config["Strategy"],
        "CreationTime": moment(job.created),
        "LastModifiedTime": moment(job.modified),
        "ResourceLimits": job.config["ResourceLimits"],
        **counters(job),
    }
    if job.ended is not None:
        shown["HyperParameterTuningEndTime"] = moment(job.ended)
    return shown


def tell(job: TuningJob, now: float) -> None:
    """The event of a change of status.

    https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
    """
    detail = described(job, now) | {"Tags": dict(job.tags)}
    announce(job.caller, "SageMaker HyperParameter Tuning Job State Change", detail, [job.arn])
