"""A training job as DescribeTrainingJob and its events show it."""

from __future__ import annotations

from mdlc_emulator.engine.sagemaker.kernel.resource import Response, moment
from mdlc_emulator.engine.sagemaker.training.job import TrainingJob


def described(job: TrainingJob) -> Response:
    """All members."""
    return {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        **job.members,
        "CreationTime": moment(job.created),
        "LastModifiedTime": moment(job.modified),
    }


def summary(job: TrainingJob) -> Response:
    """An entry of ListTrainingJobs."""
    members = job.members
    shown: Response = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": moment(job.created),
        "LastModifiedTime": moment(job.modified),
        "TrainingJobStatus": members["TrainingJobStatus"],
        "SecondaryStatus": members["SecondaryStatus"],
    }
    for member in ("TrainingEndTime", "WarmPoolStatus"):
        if member in members:
            shown[member] = members[member]
    return shown
