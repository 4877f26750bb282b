"""A training job as the emulator keeps it, and those who watch it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.sagemaker.jobs.control import Control
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.training import states

LOG = logging.getLogger(__name__)

type OnMetric = Callable[[str, float, float], None]
type OnOver = Callable[["TrainingJob"], None]
type OnChange = Callable[["TrainingJob"], None]


@dataclass(eq=False, slots=True)
class TrainingJob(Resource):
    """`members` are those that DescribeTrainingJob shows. `over` is set once the status is final."""

    control: Control = field(default_factory=Control)
    over: threading.Event = field(default_factory=threading.Event)
    on_metric: list[OnMetric] = field(default_factory=list)
    on_over: list[OnOver] = field(default_factory=list)

    @property
    def status(self) -> str:
        """TrainingJobStatus."""
        return str(self.members["TrainingJobStatus"])

    def enter(self, secondary: str, **members: Any) -> None:
        """Move on to a secondary status; `members` change with it, for whoever looks, at the same moment."""
        with STORE.lock:
            now = clock.now()
            changed = self.members | members
            states.enter(changed, secondary, now)
            self.members = changed
            self.modified = now

    def metric(self, name: str, value: float, at: float) -> None:
        """A value that the job has printed; from the job's own threads, one after the other."""
        for call in self.on_metric:
            _quietly(call, name, value, at)

    def tell_over(self) -> None:
        """Set `over`, and call everybody who waits for the end."""
        with STORE.lock:
            waiting, self.on_over = self.on_over, []
            self.over.set()
        for call in waiting:
            _quietly(call, self)


def _quietly(call: Callable[..., None], *arguments: Any) -> None:
    try:
        call(*arguments)
    except Exception:
        LOG.exception("A watcher of a training job failed.")
