"""A processing job as the emulator keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mdlc_emulator.engine.sagemaker.experiments.automatic import job_changed
from mdlc_emulator.engine.sagemaker.jobs.job import Job, quietly
from mdlc_emulator.engine.sagemaker.kernel.events import announce
from mdlc_emulator.engine.sagemaker.kernel.resource import Response, moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE

FINAL = frozenset({"Completed", "Failed", "Stopped"})
NEXT = {
    "InProgress": frozenset({"Stopping", *FINAL}),
    "Stopping": frozenset({"Stopped", "Failed"}),
    **dict.fromkeys(FINAL, frozenset[str]()),
}
"""ProcessingJobStatus -> what may follow it."""


class TransitionError(Exception):
    """A status that cannot follow the present one: a fault of the emulator."""


@dataclass(eq=False, slots=True)
class ProcessingJob(Job):
    """`members` are those that DescribeProcessingJob shows, but for name, ARN and the times of the record."""

    @property
    def status(self) -> str:
        """ProcessingJobStatus."""
        return str(self.members["ProcessingJobStatus"])

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self.status in FINAL

    def change(self, **members: Any) -> None:
        """Change members, ProcessingJobStatus among them or not, and tell of it. TransitionError."""
        with STORE.lock:
            following = members.get("ProcessingJobStatus", self.status)
            if following != self.status and following not in NEXT[self.status]:
                raise TransitionError(f"{following} cannot follow {self.status}")
            self.members = self.members | members
            self.touch()
        self.tell_change()

    def tell_change(self) -> None:
        """The job's present state, for EventBridge and for its trial component.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
        """
        detail = self.described() | {"Tags": dict(self.tags)}
        announce(self.caller, "SageMaker Processing Job State Change", detail, [self.arn])
        quietly(job_changed, self)

    def described(self) -> Response:
        """All members."""
        return {
            "ProcessingJobName": self.name,
            "ProcessingJobArn": self.arn,
            **self.members,
            "CreationTime": moment(self.created),
            "LastModifiedTime": moment(self.modified),
        }

    def summary(self) -> Response:
        """An entry of ListProcessingJobs."""
        shown: Response = {
            "ProcessingJobName": self.name,
            "ProcessingJobArn": self.arn,
            "CreationTime": moment(self.created),
            "LastModifiedTime": moment(self.modified),
        }
        for member in ("ProcessingEndTime", "ProcessingJobStatus", "FailureReason", "ExitMessage"):
            if member in self.members:
                shown[member] = self.members[member]
        return shown
