"""Fires schedules when their time comes, and tries again when a target does not take it. Pure.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html
"""

from __future__ import annotations

import logging
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.scheduler.expressions import LATE_SECONDS, At, next_fire
from mdlc_emulator.engine.scheduler.schedule import Schedule, ScheduleStore

LOG = logging.getLogger(__name__)

DEFAULT_RETRIES = 185
DEFAULT_AGE_SECONDS = 86400
THREADS = 8


class TargetError(Exception):
    """A target did not take an invocation. `retryable`: it may take the next."""

    def __init__(self, code: str, message: str, *, retryable: bool) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.retryable = code, message, retryable


@dataclass
class Firing:
    """One invocation of a schedule; `attempt` counts from 1."""

    schedule: Schedule
    scheduled: float
    begun: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    attempt: int = 1

    @property
    def scheduled_text(self) -> str:
        return datetime.fromtimestamp(self.scheduled, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def filled(self, text: str) -> str:
        """`text` with the context attributes put in."""
        for name, value in {
            "schedule-arn": self.schedule.arn,
            "scheduled-time": self.scheduled_text,
            "execution-id": self.id,
            "attempt-number": str(self.attempt),
        }.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text


class Targets(Protocol):
    """What invokes the targets of schedules."""

    def invoke(self, firing: Firing) -> None:
        """Bring a firing to its target; raises TargetError."""
        ...

    def bury(self, firing: Firing, error: TargetError, exhausted: str | None) -> None:
        """Send what no target took to the schedule's dead-letter queue, when it has one."""
        ...


class Runner:
    """Keeps one timer for each schedule that has a next time."""

    def __init__(self, store: ScheduleStore, targets: Targets) -> None:
        self._store, self._targets = store, targets
        self._timers: dict[str, clock.Timer] = {}
        self._lock = threading.RLock()
        self._pool: ThreadPoolExecutor | None = None
        self._stopped = False

    def watch(self, schedule: Schedule, after: float) -> None:
        """Set the timer for the first time later than `after`; instead of any that was set."""
        with self._lock:
            self.forget(schedule)
            if not schedule.enabled or self._stopped:
                return
            due = self._next(schedule, after)
            if due is None:
                self._complete(schedule)
                return
            self._timers[schedule.arn] = clock.call_at(
                due + schedule.delay(due), lambda: self._fire(schedule, due)
            )

    @staticmethod
    def _next(schedule: Schedule, after: float) -> float | None:
        if isinstance(schedule.expression, At) and schedule.fired is None:
            # Made within the precision of a minute: still on time.
            after -= LATE_SECONDS
        return next_fire(
            schedule.expression, after, made=schedule.made, start=schedule.start, end=schedule.end
        )

    def forget(self, schedule: Schedule) -> None:
        with self._lock:
            timer = self._timers.pop(schedule.arn, None)
        if timer is not None:
            timer.cancel()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _current(self, schedule: Schedule) -> bool:
        return self._store.schedules(schedule.caller).get((schedule.group, schedule.name)) is schedule

    def _fire(self, schedule: Schedule, scheduled: float) -> None:
        if not self._current(schedule) or not schedule.enabled:
            return
        schedule.fired = scheduled
        self._hand_over(Firing(schedule, scheduled, clock.now()))
        self.watch(schedule, scheduled)

    def _hand_over(self, firing: Firing) -> None:
        with self._lock:
            if self._stopped:
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(THREADS, "schedule")
            self._pool.submit(self._try, firing)

    def _try(self, firing: Firing) -> None:
        try:
            self._targets.invoke(firing)
        except TargetError as error:
            self._after_failure(firing, error)
        except Exception as error:
            LOG.exception("%s could not be invoked.", firing.schedule.arn)
            self._after_failure(firing, TargetError("InternalFailure", str(error), retryable=False))

    def _after_failure(self, firing: Firing, error: TargetError) -> None:
        policy = firing.schedule.definition["Target"].get("RetryPolicy", {})
        retries = policy.get("MaximumRetryAttempts", DEFAULT_RETRIES)
        age = policy.get("MaximumEventAgeInSeconds", DEFAULT_AGE_SECONDS)
        pause = min(60.0, 0.5 * 2.0 ** min(firing.attempt - 1, 10))
        exhausted: str | None = None
        if error.retryable:
            if firing.attempt > retries:
                exhausted = "MaximumRetryAttempts"
            elif clock.now() + pause - firing.begun > age:
                exhausted = "MaximumEventAgeInSeconds"
            else:
                firing.attempt += 1
                clock.call_at(clock.now() + pause, lambda: self._hand_over(firing))
                return
        LOG.info("%s: %s", firing.schedule.arn, error)
        self._bury(firing, error, exhausted)

    def _bury(self, firing: Firing, error: TargetError, exhausted: str | None) -> None:
        try:
            self._targets.bury(firing, error, exhausted)
        except Exception:
            LOG.exception("The dead-letter queue of %s took nothing.", firing.schedule.arn)

    def _complete(self, schedule: Schedule) -> None:
        """There is no next time. A schedule that never fired because its time lay past is kept."""
        if schedule.definition.get("ActionAfterCompletion") == "DELETE" and schedule.fired is not None:
            with self._store.lock:
                if self._current(schedule):
                    del self._store.schedules(schedule.caller)[schedule.group, schedule.name]
