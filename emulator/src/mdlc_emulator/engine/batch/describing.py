"""Jobs as DescribeJobs, ListJobs and the events show them. Pure.

Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html and
https://docs.aws.amazon.com/batch/latest/APIReference/API_JobSummary.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.batch.model import Attempt, Job, Status

type Shape = dict[str, Any]


def millis(moment: float) -> int:
    """Seconds since the epoch as Batch tells a time: in milliseconds."""
    return int(moment * 1000)


def detail(job: Job) -> Shape:
    """A job as DescribeJobs shows it: the model's JobDetail."""
    shape: Shape = {
        "jobArn": job.arn,
        "jobName": job.name,
        "jobId": job.id,
        "jobQueue": job.queue.arn,
        "status": str(job.status),
        "attempts": [_attempt(each) for each in job.attempts],
        "createdAt": millis(job.created),
        "retryStrategy": job.retry,
        "dependsOn": job.depends_on,
        "jobDefinition": job.definition.arn,
        "parameters": job.parameters,
        "container": _container(job),
        "tags": {**job.tags},
        "propagateTags": job.propagate_tags,
        "platformCapabilities": list(job.definition.members.get("platformCapabilities") or ()),
        "eksAttempts": [],
        "isCancelled": job.cancel_reason is not None,
        "isTerminated": job.terminate_reason is not None,
    }
    _optional(job, shape)
    if job.timeout is not None:
        shape["timeout"] = {"attemptDurationSeconds": job.timeout}
    if job.priority is not None:
        shape["schedulingPriority"] = job.priority
    if (array := _array(job)) is not None:
        shape["arrayProperties"] = array
    return shape


def summary(job: Job) -> Shape:
    """A job as ListJobs shows it: the model's JobSummary."""
    shape: Shape = {
        "jobArn": job.arn,
        "jobId": job.id,
        "jobName": job.name,
        "createdAt": millis(job.created),
        "status": str(job.status),
        "jobDefinition": job.definition.arn,
    }
    _optional(job, shape)
    last = job.current or (job.attempts[-1] if job.attempts else None)
    container: Shape = {}
    if last is not None and last.exit_code is not None:
        container["exitCode"] = last.exit_code
    if last is not None and last.reason is not None:
        container["reason"] = last.reason
    if container:
        shape["container"] = container
    if job.is_array:
        shape["arrayProperties"] = _array(job)
    elif job.index is not None:
        shape["arrayProperties"] = {"index": job.index}
    for member, reason in (("isCancelled", job.cancel_reason), ("isTerminated", job.terminate_reason)):
        if reason is not None:
            shape[member] = True
    return shape


def _optional(job: Job, shape: Shape) -> None:
    if job.status_reason is not None:
        shape["statusReason"] = job.status_reason
    if job.started is not None:
        shape["startedAt"] = millis(job.started)
    if job.stopped is not None:
        shape["stoppedAt"] = millis(job.stopped)
    if job.share is not None:
        shape["shareIdentifier"] = job.share


def _container(job: Job) -> Shape:
    shape = {**job.container, "networkInterfaces": []}
    last = job.current or (job.attempts[-1] if job.attempts else None)
    if last is not None:
        shape["taskArn"] = last.task_arn
        if last.started is not None:
            shape["logStreamName"] = last.stream
        if last.exit_code is not None:
            shape["exitCode"] = last.exit_code
        if last.reason is not None:
            shape["reason"] = last.reason
    return shape


def _attempt(attempt: Attempt) -> Shape:
    container: Shape = {"taskArn": attempt.task_arn, "networkInterfaces": []}
    if attempt.exit_code is not None:
        container["exitCode"] = attempt.exit_code
    if attempt.reason is not None:
        container["reason"] = attempt.reason
    shape: Shape = {"container": container}
    if attempt.started is not None:
        container["logStreamName"] = attempt.stream
        shape["startedAt"] = millis(attempt.started)
    if attempt.stopped is not None:
        shape["stoppedAt"] = millis(attempt.stopped)
    if attempt.status_reason is not None:
        shape["statusReason"] = attempt.status_reason
    return shape


def _array(job: Job) -> Shape | None:
    if job.is_array:
        counts: Shape = {str(status): job.counts.get(status, 0) for status in Status}
        shape: Shape = {"statusSummary": counts, "size": job.size}
        if job.counted is not None:
            shape["statusSummaryLastUpdatedAt"] = millis(job.counted)
        return shape
    if job.index is not None:
        return {"statusSummary": {}, "index": job.index}
    return None
