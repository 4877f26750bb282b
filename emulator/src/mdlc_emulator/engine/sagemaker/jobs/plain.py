"""Jobs whose state is their status alone: processing and transform jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mdlc_emulator.engine.sagemaker.jobs.control import Early
from mdlc_emulator.engine.sagemaker.jobs.job import Job
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid
from mdlc_emulator.engine.sagemaker.kernel.store import STORE

FINAL = frozenset({"Completed", "Failed", "Stopped"})
NEXT = {
    "InProgress": frozenset({"Stopping", *FINAL}),
    "Stopping": frozenset({"Stopped", "Failed"}),
    **dict.fromkeys(FINAL, frozenset[str]()),
}
"""Status -> what may follow it."""


class TransitionError(Exception):
    """A status that cannot follow the present one: a fault of the emulator."""


@dataclass(eq=False, slots=True)
class PlainJob(Job):
    """A job that goes from InProgress to its end, perhaps through Stopping."""

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self.status in FINAL

    def change(self, **members: Any) -> None:
        """Change members, the status among them or not, and tell of it. TransitionError."""
        with STORE.lock:
            following = members.get(f"{self.NOUN}JobStatus", self.status)
            if following != self.status and following not in NEXT[self.status]:
                raise TransitionError(f"{following} cannot follow {self.status}")
            self.members = self.members | members
            self.touch()
        self.tell_change()

    def stop(self) -> None:
        """What Stop does. ValidationException when the job has ended."""
        with STORE.lock:
            if self.ended:
                noun = self.NOUN.lower()
                raise invalid(f"The request was rejected because the {noun} job is in status {self.status}.")
            if self.status != "Stopping":
                self.change(**{f"{self.NOUN}JobStatus": "Stopping"})
            self.control.end(Early.STOPPED)
