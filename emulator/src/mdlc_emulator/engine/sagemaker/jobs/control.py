"""How a job is asked to end early: by its user, or because its time is over."""

from __future__ import annotations

import threading
from enum import Enum

from mdlc_emulator.engine.sagemaker.jobs.hosts import GRACE, Running


class Early(Enum):
    """Why a job ends before its container does."""

    STOPPED = "Stopped"
    RUNTIME = "MaxRuntimeExceeded"


class Control:
    """Shared by the job's thread and everybody who may end it; the first reason counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Running | None = None
        self.early: Early | None = None

    def asked(self) -> bool:
        """Whether the job is to end."""
        return self.early is not None

    def end(self, why: Early, grace: float = GRACE) -> bool:
        """Ask the job to end; False when it has been asked before."""
        with self._lock:
            if self.early is not None:
                return False
            self.early = why
            running = self._running
        if running is not None:
            running.stop(grace)
        return True

    def attach(self, running: Running) -> None:
        """The job's containers are these from now on; they are stopped at once if the job is to end."""
        with self._lock:
            self._running = running
            asked = self.early is not None
        if asked:
            running.stop()
