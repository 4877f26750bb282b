"""A transform job as the emulator keeps it."""

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
"""TransformJobStatus -> what may follow it."""


@dataclass(eq=False, slots=True)
class TransformJob(Job):
    """`members` are those that DescribeTransformJob shows, but for name, ARN and creation time."""

    @property
    def status(self) -> str:
        """TransformJobStatus."""
        return str(self.members["TransformJobStatus"])

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self.status in FINAL

    def change(self, **members: Any) -> None:
        """Change members, TransformJobStatus among them or not, and tell of it."""
        with STORE.lock:
            following = members.get("TransformJobStatus", self.status)
            if following != self.status and following not in NEXT[self.status]:
                raise RuntimeError(f"{following} cannot follow {self.status}")
            self.members = self.members | members
            self.touch()
        self.tell_change()

    def tell_change(self) -> None:
        """The job's present state, for EventBridge and for its trial component.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
        """
        detail = self.described() | {"Tags": dict(self.tags)}
        announce(self.caller, "SageMaker Transform Job State Change", detail, [self.arn])
        quietly(job_changed, self)

    def described(self) -> Response:
        """All members."""
        return {
            "TransformJobName": self.name,
            "TransformJobArn": self.arn,
            **self.members,
            "CreationTime": moment(self.created),
        }

    def summary(self) -> Response:
        """An entry of ListTransformJobs."""
        shown: Response = {
            "TransformJobName": self.name,
            "TransformJobArn": self.arn,
            "CreationTime": moment(self.created),
            "LastModifiedTime": moment(self.modified),
        }
        for member in ("TransformEndTime", "TransformJobStatus", "FailureReason"):
            if member in self.members:
                shown[member] = self.members[member]
        return shown
