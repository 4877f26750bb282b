"""CreateTrainingJob, DescribeTrainingJob, ListTrainingJobs, StopTrainingJob, UpdateTrainingJob,
DeleteTrainingJob.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from __future__ import annotations

from collections.abc import Callable

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.experiments.automatic import check_experiment_config, job_created
from mdlc_emulator.engine.sagemaker.jobs.control import Early
from mdlc_emulator.engine.sagemaker.kernel.errors import in_use, invalid, name_taken, requested_not_found
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.resource import Kind, Operation, Request, Response
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf
from mdlc_emulator.engine.sagemaker.kernel.tags import tag
from mdlc_emulator.engine.sagemaker.training import asked, checks, run, states
from mdlc_emulator.engine.sagemaker.training.job import OnMetric, TrainingJob

TRAINING_JOB = Kind("training-job", requested_not_found, name_taken("Training job"))


def training_jobs(caller: Caller) -> Shelf[TrainingJob]:
    """The caller's training jobs."""
    return STORE.shelf(TRAINING_JOB, caller, TrainingJob)


def launch(caller: Caller, request: Request, *, tuning_job_arn: str | None = None) -> TrainingJob:
    """Check the request, keep the job and let it run; what CreateTrainingJob does. `tuning_job_arn` names the
    tuning job that it belongs to."""
    shelf = training_jobs(caller)
    name = request["TrainingJobName"]
    shelf.refuse_existing(name)
    checks.check(caller, request)
    check_experiment_config(caller, request.get("ExperimentConfig"))
    image, members = asked.image(caller, request), asked.members(caller, request)
    checks.check_places(caller, request)
    if tuning_job_arn is not None:
        members["TuningJobArn"] = tuning_job_arn
    job = TrainingJob(name, shelf.arn(name), caller, members | states.first(clock.now()))
    tag(job, request.get("Tags"))
    with STORE.lock:
        shelf.refuse_existing(name)
        checks.check_quota(shelf, members)
        shelf.add(job)
        job_created(job, "SageMakerTrainingJob", request)
    job.tell_change()
    run.start(job, asked.recipe(image), asked.hosts(members))
    return job


def watch(
    job: TrainingJob,
    on_metric: OnMetric | None = None,
    on_over: Callable[[TrainingJob], None] | None = None,
) -> None:
    """Tell of the job: `on_metric(name, value, seconds)` for each value that is scraped from its log from now
    on, in order; `on_over(job)` once, after all of them, when its status is final, at once if it is already.
    Both in threads of the job: they must not take long."""
    if on_metric is not None:
        with STORE.lock:
            job.on_metric = [*job.on_metric, on_metric]
    if on_over is not None:
        job.watch_end(on_over)


def stop(job: TrainingJob) -> None:
    """What StopTrainingJob does. ValidationException when the job has ended."""
    with STORE.lock:
        if job.ended:
            raise invalid(f"The request was rejected because the training job is in status {job.status}.")
        if job.status != "Stopping":
            job.enter("Stopping")
        job.control.end(Early.STOPPED)


def create_training_job(caller: Caller, request: Request) -> Response:
    return {"TrainingJobArn": launch(caller, request).arn}


def describe_training_job(caller: Caller, request: Request) -> Response:
    return training_jobs(caller).get(request["TrainingJobName"]).described()


_LISTING = Listing[TrainingJob](
    "TrainingJobSummaries",
    TrainingJob.summary,
    orders={"Status": lambda job: job.status},
    filters={
        "StatusEquals": lambda job, status: job.status == status,
        "WarmPoolStatusEquals": lambda job, status: (
            job.members.get("WarmPoolStatus", {}).get("Status") == status
        ),
        "TrainingPlanArnEquals": lambda job, arn: False,
    },
)


def list_training_jobs(caller: Caller, request: Request) -> Response:
    return _LISTING.answer(training_jobs(caller), request)


def stop_training_job(caller: Caller, request: Request) -> Response:
    stop(training_jobs(caller).get(request["TrainingJobName"]))
    return {}


def update_training_job(caller: Caller, request: Request) -> Response:
    """The keep-alive period of a warm pool is kept; profiling and remote debugging are refused.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateTrainingJob.html
    """
    job = training_jobs(caller).get(request["TrainingJobName"])
    checks.refuse_update(request)
    with STORE.lock:
        if job.ended:
            raise invalid(f"The request was rejected because the training job is in status {job.status}.")
        if (resources := request.get("ResourceConfig")) is not None:
            job.members = job.members | {
                "ResourceConfig": job.members["ResourceConfig"] | resources,
                "WarmPoolStatus": {"Status": "InUse"},
            }
            job.touch()
    return {"TrainingJobArn": job.arn}


def delete_training_job(caller: Caller, request: Request) -> Response:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteTrainingJob.html"""
    with STORE.lock:
        job = training_jobs(caller).get(request["TrainingJobName"])
        if not job.ended:
            raise in_use(
                f"The training job {job.name} is in status {job.status}: only a training job in a terminal "
                "state (Completed, Failed, Stopped) can be deleted."
            )
        training_jobs(caller).remove(job.name)
    return {}


OPERATIONS: dict[str, Operation] = {
    "CreateTrainingJob": create_training_job,
    "DescribeTrainingJob": describe_training_job,
    "ListTrainingJobs": list_training_jobs,
    "StopTrainingJob": stop_training_job,
    "UpdateTrainingJob": update_training_job,
    "DeleteTrainingJob": delete_training_job,
}
