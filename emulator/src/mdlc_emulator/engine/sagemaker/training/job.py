"""A training job as the emulator keeps it, and those who watch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.sagemaker.experiments.automatic import job_metric
from mdlc_emulator.engine.sagemaker.jobs.job import Job, quietly
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.training import states

type OnMetric = Callable[[str, float, float], None]


@dataclass(eq=False, slots=True)
class TrainingJob(Job):
    """A job of CreateTrainingJob. `on_metric` are called for each value that it prints."""

    NOUN = "Training"
    LISTED = ("TrainingJobStatus", "SecondaryStatus", "TrainingEndTime", "WarmPoolStatus")

    on_metric: list[OnMetric] = field(default_factory=list)

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

    def metric(self, name: str, value: float, at: float) -> None:
        """A value that the job has printed at `at` seconds; one call after the other."""
        quietly(job_metric, self, name, value, at)
        for call in self.on_metric:
            quietly(call, name, value, at)
