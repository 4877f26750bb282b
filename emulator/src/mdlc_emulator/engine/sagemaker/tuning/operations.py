"""CreateHyperParameterTuningJob and its like.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, limit_exceeded
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.resource import Operation, Request, Response
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.kernel.tags import tag
from mdlc_emulator.engine.sagemaker.training.job import TrainingJob
from mdlc_emulator.engine.sagemaker.tuning import checks, warm
from mdlc_emulator.engine.sagemaker.tuning.job import (
    FINAL,
    TuningJob,
    described,
    find,
    summary,
    tell,
    tuning_jobs,
)
from mdlc_emulator.engine.sagemaker.tuning.runner import STOP, Runner

MOST_AT_ONCE = 100

_ASKED = (
    "HyperParameterTuningJobConfig",
    "TrainingJobDefinition",
    "TrainingJobDefinitions",
    "WarmStartConfig",
)


def create_tuning_job(caller: Caller, request: Request) -> Response:
    shelf = tuning_jobs(caller)
    name = request["HyperParameterTuningJobName"]
    shelf.refuse_existing(name)
    running = sum(job.status not in FINAL for job in shelf)
    if running >= MOST_AT_ONCE:
        raise limit_exceeded(
            "The account-level service limit 'Maximum number of concurrent hyperparameter tuning jobs' is "
            f"{MOST_AT_ONCE} tuning jobs, with current utilization of {running} and a request delta of 1."
        )
    definitions = checks.check(caller, request)
    if "WarmStartConfig" in request:
        warm.check(caller, request["WarmStartConfig"], definitions)
    members = {member: request[member] for member in _ASKED if member in request}
    members["HyperParameterTuningJobStatus"] = "InProgress"
    job = TuningJob(name, shelf.arn(name), caller, members, definitions=definitions)
    tag(job, request.get("Tags"))
    shelf.add(job)
    Runner(job).start()
    return {"HyperParameterTuningJobArn": job.arn}


def describe_tuning_job(caller: Caller, request: Request) -> Response:
    with STORE.lock:
        return described(find(caller, request["HyperParameterTuningJobName"]), clock.now())


_LISTING = Listing[TuningJob](
    "HyperParameterTuningJobSummaries",
    summary,
    orders={"Status": lambda job: job.status},
    filters={"StatusEquals": lambda job, status: job.status == status},
    sort_by="Name",
    descending=False,
)


def list_tuning_jobs(caller: Caller, request: Request) -> Response:
    return _LISTING.answer(tuning_jobs(caller), request)


def list_trials(caller: Caller, request: Request) -> Response:
    """Sorted by their final value, jobs that have none are left out."""
    job = find(caller, request["HyperParameterTuningJobName"])
    trials = {trial.job.name: trial for trial in list(job.trials)}
    if request.get("SortBy") == "FinalObjectiveMetricValue":
        trials = {name: trial for name, trial in trials.items() if trial.final is not None}

    def shown(each: TrainingJob) -> dict[str, Any]:
        return trials[each.name].summary()

    listing = Listing[TrainingJob](
        "TrainingJobSummaries",
        shown,
        orders={
            "Status": lambda each: each.status,
            "FinalObjectiveMetricValue": lambda each: trials[each.name].final or 0.0,
        },
        filters={"StatusEquals": lambda each, status: each.status == status},
        sort_by="Name",
        descending=False,
    )
    return listing.answer([trial.job for trial in trials.values()], request)


def stop_tuning_job(caller: Caller, request: Request) -> Response:
    with STORE.lock:
        job = find(caller, request["HyperParameterTuningJobName"])
        if job.status in FINAL:
            raise invalid(
                f"The request was rejected because the hyperparameter tuning job is in status {job.status}."
            )
        again = job.status == "Stopping"
        job.members = job.members | {"HyperParameterTuningJobStatus": "Stopping"}
        job.touch()
    if not again:
        tell(job, clock.now())
        job.inbox.put(STOP)
    return {}


def delete_tuning_job(caller: Caller, request: Request) -> Response:
    """Only the entry; training jobs and what they made stay. A job that runs cannot be deleted."""
    with STORE.lock:
        job = find(caller, request["HyperParameterTuningJobName"])
        if job.status not in FINAL:
            raise invalid(
                f"The hyperparameter tuning job {job.name} is in status {job.status} and cannot be deleted. "
                "Stop it first."
            )
        tuning_jobs(caller).remove(job.name)
    return {}


OPERATIONS: dict[str, Operation] = {
    "CreateHyperParameterTuningJob": create_tuning_job,
    "DescribeHyperParameterTuningJob": describe_tuning_job,
    "ListHyperParameterTuningJobs": list_tuning_jobs,
    "ListTrainingJobsForHyperParameterTuningJob": list_trials,
    "StopHyperParameterTuningJob": stop_tuning_job,
    "DeleteHyperParameterTuningJob": delete_tuning_job,
}
