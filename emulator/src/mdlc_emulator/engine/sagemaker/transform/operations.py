"""CreateTransformJob, DescribeTransformJob, ListTransformJobs, StopTransformJob.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.experiments.automatic import check_experiment_config, job_created
from mdlc_emulator.engine.sagemaker.jobs.quotas import check_instances, counted
from mdlc_emulator.engine.sagemaker.kernel.errors import (
    invalid,
    name_taken,
    requested_not_found,
    unsupported,
)
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.resource import Kind, Operation, Request, Response
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags, tag
from mdlc_emulator.engine.sagemaker.models.operations import models
from mdlc_emulator.engine.sagemaker.transform import run
from mdlc_emulator.engine.sagemaker.transform.job import TransformJob
from mdlc_emulator.engine.sagemaker.transform.paths import PathError
from mdlc_emulator.engine.sagemaker.transform.processing import Processing, ProcessingError

TRANSFORM_JOB = Kind("transform-job", requested_not_found, name_taken("Transform job"))

MOST_MB = 100
"""MaxPayloadInMB, and MaxConcurrentTransforms x MaxPayloadInMB, at most: the page above."""

_KEPT = (
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "DataCaptureConfig",
    "TransformResources",
    "DataProcessing",
    "ExperimentConfig",
)


def transform_jobs(caller: Caller) -> Shelf[TransformJob]:
    """The caller's transform jobs."""
    return STORE.shelf(TRANSFORM_JOB, caller, TransformJob)


def launch(caller: Caller, request: Request) -> TransformJob:
    """Check the request, keep the job and let it run; what CreateTransformJob does."""
    shelf = transform_jobs(caller)
    name = request["TransformJobName"]
    shelf.refuse_existing(name)
    check_tags(request.get("Tags"))
    _check(request)
    models(caller).get(request["ModelName"])
    check_experiment_config(caller, request.get("ExperimentConfig"))
    members = _shown({member: request[member] for member in _KEPT if request.get(member) not in (None, {})})
    job = TransformJob(name, shelf.arn(name), caller, members | {"TransformJobStatus": "InProgress"})
    tag(job, request.get("Tags"))
    with STORE.lock:
        shelf.refuse_existing(name)
        _check_quota(shelf, request)
        shelf.add(job)
        job_created(job, "SageMakerTransformJob", request)
    job.tell_change()
    run.start(job)
    return job


def _check(request: Request) -> None:
    """ValidationException for members that contradict each other, and for what the emulator does not do."""
    source = request["TransformInput"]["DataSource"].get("S3DataSource")
    if source is None:
        raise invalid("TransformInput must specify an S3DataSource.")
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise invalid(
            f"S3DataType {source['S3DataType']} is not possible for transform jobs: use S3Prefix "
            "or ManifestFile."
        )
    split = request["TransformInput"].get("SplitType", "None")
    if split == "TFRecord":
        raise unsupported(
            "SplitType TFRecord", "Use Line or RecordIO, or give the records in files of their own."
        )
    if request.get("DataCaptureConfig", {}).get("GenerateInferenceId"):
        raise unsupported("GenerateInferenceId", "Leave it out and join the input with JoinSource Input.")
    payload, concurrent = request.get("MaxPayloadInMB"), request.get("MaxConcurrentTransforms")
    if payload is not None and payload > MOST_MB:
        raise invalid(f"MaxPayloadInMB must be less than or equal to {MOST_MB}.")
    if payload and concurrent and payload * concurrent > MOST_MB:
        raise invalid(
            "The product of MaxConcurrentTransforms and MaxPayloadInMB must be less than or equal "
            f"to {MOST_MB} MB."
        )
    if split == "None" and request.get("BatchStrategy") == "SingleRecord" and payload == 0:
        raise invalid(
            "MaxPayloadInMB 0 requires a SplitType other than None with BatchStrategy SingleRecord."
        )
    try:
        Processing(request.get("DataProcessing", {}), request["TransformInput"].get("ContentType", ""))
    except (PathError, ProcessingError) as error:
        raise invalid(f"{error}.") from None


def _shown(members: dict[str, Any]) -> dict[str, Any]:
    """Defaults as Describe shows them."""
    inputs, outputs = members["TransformInput"], members["TransformOutput"]
    return members | {
        "TransformInput": {"CompressionType": "None", "SplitType": "None"} | inputs,
        "TransformOutput": {"AssembleWith": "None", "KmsKeyId": ""} | outputs,
        "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
        | members.get("DataProcessing", {}),
    }


def _check_quota(shelf: Shelf[TransformJob], request: Request) -> None:
    def instances(members: dict[str, Any]) -> tuple[str, int]:
        resources = members["TransformResources"]
        return resources["InstanceType"], resources["InstanceCount"]

    used = counted(instances(job.members) for job in shelf if not job.ended)
    check_instances("transform job", used, counted([instances(request)]))


def create_transform_job(caller: Caller, request: Request) -> Response:
    return {"TransformJobArn": launch(caller, request).arn}


def describe_transform_job(caller: Caller, request: Request) -> Response:
    return transform_jobs(caller).get(request["TransformJobName"]).described()


_LISTING = Listing[TransformJob](
    "TransformJobSummaries",
    TransformJob.summary,
    orders={"Status": lambda job: job.status},
    filters={"StatusEquals": lambda job, status: job.status == status},
)


def list_transform_jobs(caller: Caller, request: Request) -> Response:
    return _LISTING.answer(transform_jobs(caller), request)


def stop_transform_job(caller: Caller, request: Request) -> Response:
    transform_jobs(caller).get(request["TransformJobName"]).stop()
    return {}


OPERATIONS: dict[str, Operation] = {
    "CreateTransformJob": create_transform_job,
    "DescribeTransformJob": describe_transform_job,
    "ListTransformJobs": list_transform_jobs,
    "StopTransformJob": stop_transform_job,
}
