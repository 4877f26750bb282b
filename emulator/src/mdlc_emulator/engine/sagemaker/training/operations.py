"""CreateTrainingJob, DescribeTrainingJob, ListTrainingJobs, StopTrainingJob, UpdateTrainingJob,
DeleteTrainingJob.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from __future__ import annotations

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.jobs.control import Early
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, name_taken, requested_not_found
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.resource import Kind, Operation, Request, Response
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf
from mdlc_emulator.engine.sagemaker.kernel.tags import tag
from mdlc_emulator.engine.sagemaker.training import asked, checks, run, states
from mdlc_emulator.engine.sagemaker.training.describe import described, summary
from mdlc_emulator.engine.sagemaker.training.events import tell
from mdlc_emulator.engine.sagemaker.training.job import OnMetric, OnOver, TrainingJob

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
    members = asked.members(request)
    if tuning_job_arn is not None:
        members["TuningJobArn"] = tuning_job_arn
    job = TrainingJob(name, shelf.arn(name), caller, members | states.first(clock.now()))
    tag(job, request.get("Tags"))
    with STORE.lock:
        checks.check_quota(training_jobs(caller), members)
        shelf.add(job)
    tell(job)
    run.start(job, asked.recipe(request), asked.hosts(members))
    return job


def watch(job: TrainingJob, on_metric: OnMetric | None = None, on_over: OnOver | None = None) -> None:
    """Tell of the job: `on_metric(name, value, seconds)` for each value that is scraped from its log from now
    on, in order; `on_over(job)` once, after all of them, when its status is final, at once if it is already.
    Both in threads of the job: they must not take long."""
    with STORE.lock:
        if not job.over.is_set():
            if on_metric is not None:
                job.on_metric = [*job.on_metric, on_metric]
            if on_over is not None:
                job.on_over = [*job.on_over, on_over]
            return
    if on_over is not None:
        on_over(job)


def stop(job: TrainingJob) -> None:
    """What StopTrainingJob does. ValidationException when the job has ended."""
    with STORE.lock:
        if job.status in ("Completed", "Failed", "Stopped"):
            raise invalid(f"The request was rejected because the training job is in status {job.status}.")
        asked_now = job.control.early is None
        if asked_now and job.members["SecondaryStatus"] != "Stopping":
            job.enter("Stopping")
    if asked_now:
        tell(job)
        job.control.end(Early.STOPPED)


def create_training_job(caller: Caller, request: Request) -> Response:
    return {"TrainingJobArn": launch(caller, request).arn}


def describe_training_job(caller: Caller, request: Request) -> Response:
    return described(training_jobs(caller).get(request["TrainingJobName"]))


_LISTING = Listing[TrainingJob](
    "TrainingJobSummaries",
    summary,
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


OPERATIONS: dict[str, Operation] = {
    "CreateTrainingJob": create_training_job,
    "DescribeTrainingJob": describe_training_job,
    "ListTrainingJobs": list_training_jobs,
    "StopTrainingJob": stop_training_job,
}
