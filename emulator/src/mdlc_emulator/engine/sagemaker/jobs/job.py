"""What every kind of job is: a resource that somebody may stop, and whose end others wait for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from mdlc_emulator.engine.sagemaker.jobs.control import Control, Early
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource
from mdlc_emulator.engine.sagemaker.kernel.store import STORE

LOG = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Job(Resource):
    """`over` is set once the status is final and the job's files are gone."""

    control: Control = field(default_factory=Control)
    over: threading.Event = field(default_factory=threading.Event)
    on_over: list[Callable[[Any], None]] = field(default_factory=list)

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
