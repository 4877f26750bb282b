"""CreateProcessingJob, DescribeProcessingJob, ListProcessingJobs, StopProcessingJob, DeleteProcessingJob.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html
"""

from __future__ import annotations

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.experiments.automatic import check_experiment_config, job_created
from mdlc_emulator.engine.sagemaker.kernel.errors import in_use, name_taken, requested_not_found
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.resource import Kind, Operation, Request, Response
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf
from mdlc_emulator.engine.sagemaker.kernel.tags import tag
from mdlc_emulator.engine.sagemaker.processing import checks, run
from mdlc_emulator.engine.sagemaker.processing.job import ProcessingJob

PROCESSING_JOB = Kind("processing-job", requested_not_found, name_taken("Processing job"))

_KEPT = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
)


def processing_jobs(caller: Caller) -> Shelf[ProcessingJob]:
    """The caller's processing jobs."""
    return STORE.shelf(PROCESSING_JOB, caller, ProcessingJob)


def launch(caller: Caller, request: Request) -> ProcessingJob:
    """Check the request, keep the job and let it run; what CreateProcessingJob does."""
    shelf = processing_jobs(caller)
    name = request["ProcessingJobName"]
    shelf.refuse_existing(name)
    checks.check(caller, request)
    check_experiment_config(caller, request.get("ExperimentConfig"))
    checks.check_places(caller, request)
    members = {member: request[member] for member in _KEPT if request.get(member)}
    job = ProcessingJob(name, shelf.arn(name), caller, members | {"ProcessingJobStatus": "InProgress"})
    tag(job, request.get("Tags"))
    with STORE.lock:
        shelf.refuse_existing(name)
        checks.check_quota(shelf, request)
        shelf.add(job)
        job_created(job, "SageMakerProcessingJob", request)
    job.tell_change()
    run.start(job)
    return job


def create_processing_job(caller: Caller, request: Request) -> Response:
    return {"ProcessingJobArn": launch(caller, request).arn}


def describe_processing_job(caller: Caller, request: Request) -> Response:
    return processing_jobs(caller).get(request["ProcessingJobName"]).described()


_LISTING = Listing[ProcessingJob](
    "ProcessingJobSummaries",
    ProcessingJob.summary,
    orders={"Status": lambda job: job.status},
    filters={"StatusEquals": lambda job, status: job.status == status},
)


def list_processing_jobs(caller: Caller, request: Request) -> Response:
    return _LISTING.answer(processing_jobs(caller), request)


def stop_processing_job(caller: Caller, request: Request) -> Response:
    processing_jobs(caller).get(request["ProcessingJobName"]).stop()
    return {}


def delete_processing_job(caller: Caller, request: Request) -> Response:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteProcessingJob.html"""
    with STORE.lock:
        job = processing_jobs(caller).get(request["ProcessingJobName"])
        if not job.ended:
            raise in_use(
                f"The processing job {job.name} is in status {job.status}: only a processing job in a "
                "terminal state (Completed, Failed, Stopped) can be deleted."
            )
        processing_jobs(caller).remove(job.name)
    return {}


OPERATIONS: dict[str, Operation] = {
    "CreateProcessingJob": create_processing_job,
    "DescribeProcessingJob": describe_processing_job,
    "ListProcessingJobs": list_processing_jobs,
    "StopProcessingJob": stop_processing_job,
    "DeleteProcessingJob": delete_processing_job,
}
