"""The scheduler: from SUBMITTED over dependencies and capacity to a container, and what follows. Pure.

One thread decides; each container is started in a thread of its own. Everything here is done under the
store's lock, and nothing under it blocks.

Source: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html and
https://docs.aws.amazon.com/batch/latest/userguide/job_scheduling.html
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Protocol

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.batch.describing import detail
from mdlc_emulator.engine.batch.lines import Line
from mdlc_emulator.engine.batch.model import Attempt, Job, Queue, Status, Store
from mdlc_emulator.engine.batch.places import Places
from mdlc_emulator.engine.batch.ports import World
from mdlc_emulator.engine.batch.retrying import Ended, retries

LOG = logging.getLogger(__name__)

STOP_SECONDS = 30.0
"""Between SIGTERM and SIGKILL, as ECS waits.

https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
"""
EXITED = "Essential container in task exited"
TIMED_OUT = "Job attempt duration exceeded timeout"
DEPENDENT = "Dependent Job failed"
ARRAY_FAILED = "Array Child Job failed"
TOO_LARGE = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
TOO_LARGE_TEXT = (
    f"{TOO_LARGE} - CE(s) associated with the job queue cannot meet the CPU requirement of the job."
)


class Starter(Protocol):
    """What starts the attempts that have been given a place."""

    def start(self, job: Job, attempt: Attempt) -> None:
        """Start the container of `attempt`, in the calling thread; report to `started` and `ended`."""
        ...


class Dispatcher:
    """`machine` is how many vCPU all jobs together may hold on this machine; one job alone may have more."""

    def __init__(self, store: Store, world: World, machine: float) -> None:
        self._store, self._world = store, world
        self._places = Places(store, machine)
        self._changed = threading.Condition(store.lock)
        self._dirty = False
        self._thread: threading.Thread | None = None
        self._new: deque[Job] = deque()
        self._over: deque[Job] = deque()
        self._dependents: dict[str, list[Job]] = {}
        self._lines: dict[Queue, Line] = {}
        self._stopping = False
        self.starter: Starter | None = None

    # ---- what the operations call -------------------------------------------------------------------------

    def poke(self) -> None:
        """Look again soon: something may have changed."""
        with self._changed:
            self._dirty = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="batch-dispatch", daemon=True)
                self._thread.start()
            self._changed.notify()

    def add(self, job: Job) -> None:
        """A job that has just been submitted, with its children."""
        with self._store.lock:
            if job.is_array:
                job.counts = {Status.SUBMITTED: len(job.children)}
                job.counted = job.created
            self._new.append(job)
        self.poke()

    def cancel(self, job: Job, reason: str) -> None:
        """What has not begun fails with `reason`; what has goes on."""
        with self._store.lock:
            self._cancel(job, reason)
            self._drain()
        self.poke()

    def terminate(self, job: Job, reason: str) -> None:
        """What has not begun is cancelled, what has is stopped."""
        with self._store.lock:
            for each in (job, *job.children):
                if not each.status.over:
                    each.terminate_reason = reason
                    self._end(each, reason)
            self._drain()
        self.poke()

    def line(self, queue: Queue) -> Line:
        with self._store.lock:
            found = self._lines.get(queue)
            if found is None:
                found = self._lines[queue] = Line(lambda: self._places.policy(queue))
            return found

    def stop_starting(self) -> None:
        """The engine ends: nothing is begun any more, and what ends now is not tried again."""
        with self._store.lock:
            self._stopping = True

    def forget_all(self) -> None:
        """Stop what runs, and know of nothing any more."""
        with self._store.lock:
            for partition in self._store.partitions():
                for job in partition.jobs.values():
                    if job.current is not None and job.current.container is not None:
                        job.current.container.stop(0)
                    job.current = None
            self._new.clear()
            self._over.clear()
            self._dependents.clear()
            self._lines.clear()
            self._places.used = 0.0

    # ---- what the starter reports --------------------------------------------------------------------------

    def started(self, job: Job, attempt: Attempt) -> None:
        """The container of `attempt` runs."""
        with self._store.lock:
            if job.current is not attempt:
                if attempt.container is not None:
                    attempt.container.stop(0)
                return
            attempt.started = clock.now()
            job.started = attempt.started
            self._move(job, Status.RUNNING)
            if job.timeout is not None:
                attempt.timer = clock.call_at(attempt.started + job.timeout, lambda: self._time_out(attempt))
            if job.terminate_reason is not None:
                self._stop(attempt)

    def ended(self, job: Job, attempt: Attempt, end: Ended) -> None:
        """The container of `attempt` is no more, or never was."""
        final = False
        with self._store.lock:
            if job.current is not attempt or self._stopping:
                return
            if attempt.timer is not None:
                attempt.timer.cancel()
            attempt.stopped = clock.now()
            attempt.exit_code, attempt.reason = end.exit_code, end.reason
            attempt.status_reason = end.status_reason
            # What was ended has failed, however it took it.
            if job.terminate_reason is not None:
                attempt.status_reason, final = job.terminate_reason, True
            elif attempt.timed_out:
                attempt.status_reason, final = TIMED_OUT, True
            succeeded = end.exit_code == 0 and not final
            job.attempts.append(attempt)
            job.current = None
            self._places.release(job)
            job.status_reason = attempt.status_reason
            if succeeded:
                self._move(job, Status.SUCCEEDED)
            elif not final and retries(job.retry, len(job.attempts), end):
                self._runnable(job)
            else:
                self._move(job, Status.FAILED)
            self._drain()
        self.poke()

    # ---- the thread ----------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while True:
            with self._changed:
                while not self._dirty or self._stopping:
                    self._changed.wait()
                self._dirty = False
                try:
                    while self._new:
                        self._settle(self._new.popleft())
                    self._drain()
                    begun = self._place()
                except Exception:
                    LOG.exception("A pass of Batch's scheduler failed.")
                    continue
            for job, attempt in begun:
                threading.Thread(
                    target=self._start, args=(job, attempt), name=f"batch-{job.id[:8]}", daemon=True
                ).start()

    def _start(self, job: Job, attempt: Attempt) -> None:
        assert self.starter is not None
        self.starter.start(job, attempt)

    def _settle(self, job: Job) -> None:
        """The first look at a new job: whom does it wait for?"""
        jobs = self._store.of(job.caller).jobs
        for unit in job.children or [job]:
            if unit.status.over:
                continue
            failed = False
            for blocker in sorted(unit.blockers):
                other = jobs.get(blocker)
                if other is None or other.status is Status.SUCCEEDED:
                    unit.blockers.discard(blocker)
                elif other.status is Status.FAILED:
                    failed = True
                else:
                    self._dependents.setdefault(blocker, []).append(unit)
            if failed:
                self._fail(unit, DEPENDENT)
            elif unit.blockers:
                self._move(unit, Status.PENDING)
            else:
                self._runnable(unit)

    def _drain(self) -> None:
        """Let those know who waited for what has ended; without recursion, for chains may be long."""
        while self._over:
            job = self._over.popleft()
            for dependent in self._dependents.pop(job.id, ()):
                if dependent.status.over:
                    continue
                dependent.blockers.discard(job.id)
                if job.status is Status.FAILED:
                    self._fail(dependent, dependent.cancel_reason or dependent.terminate_reason or DEPENDENT)
                elif not dependent.blockers:
                    self._unblocked(dependent)

    def _unblocked(self, job: Job) -> None:
        reason = job.cancel_reason or job.terminate_reason
        if reason is not None:
            self._fail(job, reason)
        else:
            self._runnable(job)

    # ---- places --------------------------------------------------------------------------------------------

    def _place(self) -> list[tuple[Job, Attempt]]:
        """Give RUNNABLE jobs a place: queues by priority, each in its order until its first does not fit."""
        begun: list[tuple[Job, Attempt]] = []
        now = clock.now()
        for queue in sorted(self._lines, key=lambda each: -each.priority):
            line = self._lines[queue]
            if queue.status == "DELETING" and line.head(now) is None:
                del self._lines[queue]
                continue
            while (job := line.head(now)) is not None:
                environment = self._places.room(job, line)
                if environment is None:
                    self._at_head(job, now)
                    if job.status is Status.RUNNABLE:
                        break
                    continue
                line.take(job)
                begun.append((job, self._places.occupy(job, environment, line, now)))
                self._move(job, Status.STARTING)
        self._drain()
        return begun

    def _at_head(self, job: Job, now: float) -> None:
        """`job` is first in its queue and has no place: say why, if that can never change by itself."""
        if job.vcpus <= self._places.largest(job.queue):
            job.status_reason = None
            return
        if job.at_head_since is None:
            job.at_head_since = now
            job.status_reason = TOO_LARGE_TEXT
            arns = [job.arn, job.queue.arn]
            self._world.announce(job.caller, "Batch Job Queue Blocked", arns, lambda: detail(job))
            for limit in job.queue.limits:
                if limit["reason"] == TOO_LARGE:
                    clock.call_at(now + limit["maxTimeSeconds"], self.poke)
        for limit in job.queue.limits:
            if limit["reason"] == TOO_LARGE and now >= job.at_head_since + limit["maxTimeSeconds"]:
                self._fail(job, f"Canceled by JobStateTimeLimit action due to reason: {TOO_LARGE}")

    # ---- changes of state ----------------------------------------------------------------------------------

    def _runnable(self, job: Job) -> None:
        job.runnable_since = clock.now()
        self._move(job, Status.RUNNABLE)
        self.line(job.queue).add(job)

    def _fail(self, job: Job, reason: str) -> None:
        job.status_reason = reason
        self._move(job, Status.FAILED)

    def _cancel(self, job: Job, reason: str) -> None:
        for each in (job, *job.children):
            if each.status.waiting and not each.status.over:
                each.cancel_reason = reason
                if not each.is_array:
                    self._end(each, reason)

    def _end(self, job: Job, reason: str) -> None:
        """Bring one job that is not over to its end, as far as it has come."""
        if job.is_array:
            return
        # What waits for other jobs is ended when they have ended, unless its queue goes away (API_CancelJob).
        deleted = job.status is Status.PENDING and job.queue.status == "DELETING"
        if job.status in (Status.SUBMITTED, Status.RUNNABLE) or deleted:
            self._fail(job, reason)
        elif job.status is Status.RUNNING and job.current is not None:
            self._stop(job.current)

    def _stop(self, attempt: Attempt) -> None:
        if attempt.container is not None:
            attempt.container.stop(STOP_SECONDS)

    def _time_out(self, attempt: Attempt) -> None:
        with self._store.lock:
            attempt.timed_out = True
            self._stop(attempt)

    def _move(self, job: Job, status: Status) -> None:
        before, job.status = job.status, status
        if status.over:
            # With its last attempt, at the very same moment; or without one.
            ran = before in (Status.STARTING, Status.RUNNING) and bool(job.attempts)
            job.stopped = job.attempts[-1].stopped if ran else clock.now()
            self._over.append(job)
        self._announce(job)
        parent = job.parent
        if parent is None:
            return
        parent.counts[before] = parent.counts.get(before, 0) - 1
        parent.counts[status] = parent.counts.get(status, 0) + 1
        parent.counted = clock.now()
        if parent.status.over:
            return
        if status is Status.RUNNABLE and parent.status is Status.SUBMITTED:
            self._move(parent, Status.PENDING)
        if status is Status.RUNNING and parent.started is None:
            parent.started = job.started
        failed, done = parent.counts.get(Status.FAILED, 0), parent.counts.get(Status.SUCCEEDED, 0)
        if failed + done == parent.size:
            if failed:
                reason = parent.cancel_reason or parent.terminate_reason or ARRAY_FAILED
                self._fail(parent, reason)
            else:
                self._move(parent, Status.SUCCEEDED)

    def _announce(self, job: Job) -> None:
        self._world.announce(job.caller, "Batch Job State Change", [job.arn], lambda: detail(job))
