"""What every kind of job is: a resource that somebody may stop, and whose end others wait for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from mdlc_emulator.engine.sagemaker.experiments.automatic import job_changed
from mdlc_emulator.engine.sagemaker.jobs.control import Control, Early
from mdlc_emulator.engine.sagemaker.kernel.events import announce
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource, Response, moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE

LOG = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Job(Resource):
    """`members` are those that Describe shows, but for name, ARN and the times of the record. `over` is set
    once the status is final and the job's files are gone."""

    NOUN: ClassVar[str]
    """What the members of its kind begin with: "Training" for TrainingJobName, TrainingJobStatus, ..."""
    LISTED: ClassVar[tuple[str, ...]]
    """The members that an entry of a list shows, where the job has them."""

    control: Control = field(default_factory=Control)
    over: threading.Event = field(default_factory=threading.Event)
    on_over: list[Callable[[Any], None]] = field(default_factory=list)

    @property
    def status(self) -> str:
        """TrainingJobStatus and its like."""
        return str(self.members[f"{self.NOUN}JobStatus"])

    def tell_change(self) -> None:
        """The job's present state, for EventBridge and for its trial component.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
        """
        detail = self.described() | {"Tags": dict(self.tags)}
        announce(self.caller, f"SageMaker {self.NOUN} Job State Change", detail, [self.arn])
        quietly(job_changed, self)

    def described(self) -> Response:
        """All members, as Describe answers."""
        return {**self._record(), **self.members}

    def summary(self) -> Response:
        """An entry of a list."""
        return self._record() | {
            member: self.members[member] for member in self.LISTED if member in self.members
        }

    def _record(self) -> Response:
        return {
            f"{self.NOUN}JobName": self.name,
            f"{self.NOUN}JobArn": self.arn,
            "CreationTime": moment(self.created),
            "LastModifiedTime": moment(self.modified),
        }

    def watch_end(self, call: Callable[[Self], None]) -> None:
        """Call `call(job)` once when the job is over, in a thread of the job; at once if it is already."""
        with STORE.lock:
            if not self.over.is_set():
                self.on_over = [*self.on_over, call]
                return
        call(self)

    def tell_over(self) -> None:
        """Set `over`, and call everybody who waits for the end."""
        with STORE.lock:
            waiting, self.on_over = self.on_over, []
            self.over.set()
        for call in waiting:
            quietly(call, self)

    def forget(self) -> None:
        """See `Resource.forget`: nothing of the job runs on."""
        self.control.end(Early.STOPPED, grace=0.0)


def quietly(call: Callable[..., None], *arguments: Any) -> None:
    """Call a watcher, whose fault must not become the job's."""
    try:
        call(*arguments)
    except Exception:
        LOG.exception("A watcher of a job failed.")
