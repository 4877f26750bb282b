"""The RUNNABLE jobs of a queue, in the order in which they are placed. Pure.

First in, first out by the moment of submission; in a queue with a scheduling policy by share, then by
scheduling priority (https://docs.aws.amazon.com/batch/latest/userguide/job_scheduling.html).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mdlc_emulator.engine.batch.fairshare import Usages, next_share
from mdlc_emulator.engine.batch.model import Job, Status

type _Entry = tuple[int, int, Job]


class Line:
    """Jobs that have left RUNNABLE meanwhile are passed over."""

    def __init__(self, policy: Callable[[], Mapping[str, Any] | None]) -> None:
        self._policy = policy
        self._shares: dict[str, list[_Entry]] = {}
        self.usages = Usages()

    def add(self, job: Job) -> None:
        entry = (-(job.priority or 0), job.sequence, job)
        heapq.heappush(self._shares.setdefault(job.share or "", []), entry)

    def head(self, now: float) -> Job | None:
        """The job that is placed next."""
        waiting = [share for share in list(self._shares) if self._first(share) is not None]
        if not waiting:
            return None
        policy = self._policy()
        share = waiting[0] if policy is None else next_share(policy, waiting, self.usages, now)
        return self._first(share)

    def take(self, job: Job) -> None:
        """Remove `job`, which `head` has just returned."""
        heapq.heappop(self._shares[job.share or ""])

    def active(self) -> int:
        """How many shares have jobs waiting or running."""
        return len({share for share in list(self._shares) if self._first(share)} | set(self.usages.running()))

    def jobs(self) -> Iterator[Job]:
        """All that wait, by priority and time."""
        entries = [entry for heap in self._shares.values() for entry in heap]
        return (entry[2] for entry in sorted(entries, key=lambda entry: entry[:2]) if _waits(entry[2]))

    def _first(self, share: str) -> Job | None:
        heap = self._shares[share]
        while heap and not _waits(heap[0][2]):
            heapq.heappop(heap)
        if not heap:
            del self._shares[share]
            return None
        return heap[0][2]


def _waits(job: Job) -> bool:
    return job.status is Status.RUNNABLE
