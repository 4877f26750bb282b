"""A training job as the emulator keeps it, and those who watch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.sagemaker.experiments.automatic import job_changed, job_metric
from mdlc_emulator.engine.sagemaker.jobs.job import Job, quietly
from mdlc_emulator.engine.sagemaker.kernel.events import announce
from mdlc_emulator.engine.sagemaker.kernel.resource import Response, moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.training import states

type OnMetric = Callable[[str, float, float], None]


@dataclass(eq=False, slots=True)
class TrainingJob(Job):
    """`members` are those that DescribeTrainingJob shows, but for name, ARN and the times of the record."""

    on_metric: list[OnMetric] = field(default_factory=list)

    @property
    def status(self) -> str:
        """TrainingJobStatus."""
        return str(self.members["TrainingJobStatus"])

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self.members["SecondaryStatus"] in states.FINAL

    def enter(self, secondary: str, **members: Any) -> bool:
        """Move on to a secondary status and tell of it; `members` change at the same moment. False, and
        nothing changes, when the job is being stopped and has no way there any more."""
        with STORE.lock:
            if secondary not in states.NEXT[self.members["SecondaryStatus"]] and self.status == "Stopping":
                return False
            now = clock.now()
            changed = self.members | members
            states.enter(changed, secondary, now)
            self.members = changed
            self.modified = now
        self.tell_change()
        return True

    def tell_change(self) -> None:
        """The job's present state, for EventBridge and for its trial component.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
        """
        detail = self.described() | {"Tags": dict(self.tags)}
        announce(self.caller, "SageMaker Training Job State Change", detail, [self.arn])
        quietly(job_changed, self)

    def metric(self, name: str, value: float, at: float) -> None:
        """A value that the job has printed at `at` seconds; one call after the other."""
        quietly(job_metric, self, name, value, at)
        for call in self.on_metric:
            quietly(call, name, value, at)

    def described(self) -> Response:
        """All members."""
        return {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            **self.members,
            "CreationTime": moment(self.created),
            "LastModifiedTime": moment(self.modified),
        }

    def summary(self) -> Response:
        """An entry of ListTrainingJobs."""
        shown: Response = {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "CreationTime": moment(self.created),
            "LastModifiedTime": moment(self.modified),
        }
        for member in ("TrainingJobStatus", "SecondaryStatus", "TrainingEndTime", "WarmPoolStatus"):
            if member in self.members:
                shown[member] = self.members[member]
        return shown
