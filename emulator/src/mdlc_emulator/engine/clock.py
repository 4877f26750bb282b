"""The engine's one source of time: `now()` to read it, `call_at()` to be called when it comes.

Whatever waits or stamps asks the clock of this module, so that a clock moved by hand (`ManualClock`) can
drive schedules, retention and back-off. Pure: imports nothing but the standard library.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

LOG = logging.getLogger(__name__)

# A monotonic sleep this long at most: a wall clock that is set back or forth is noticed within it.
LONGEST_SLEEP = 5.0


@dataclass(eq=False)
class Timer:
    """One pending call; `cancel()` is idempotent and may come too late."""

    due: float
    call: Callable[[], None]
    cancelled: bool = field(default=False)

    def cancel(self) -> None:
        self.cancelled = True


class Clock(Protocol):
    """Time as seconds since the epoch (UTC)."""

    def now(self) -> float:
        """The present moment."""
        ...

    def call_at(self, due: float, call: Callable[[], None]) -> Timer:
        """Call `call` once, in a thread of the clock, when `now() >= due`; at once when that is past.

        The call must be short: hand work to another thread. What it raises is logged.
        """
        ...


class _Agenda:
    """Pending timers, soonest first; equal moments in the order they were asked for."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def add(self, timer: Timer) -> None:
        heapq.heappush(self._heap, (timer.due, next(self._order), timer))

    def soonest(self) -> float | None:
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> Timer | None:
        soonest = self.soonest()
        if soonest is None or soonest > now:
            return None
        return heapq.heappop(self._heap)[2]


def _run(timer: Timer) -> None:
    try:
        timer.call()
    except Exception:
        LOG.exception("A call of the clock failed.")


class RealClock:
    """The machine's clock; one daemon thread, started with the first timer, sleeps until the soonest."""

    def __init__(self) -> None:
        self._agenda = _Agenda()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def now(self) -> float:
        return time.time()

    def call_at(self, due: float, call: Callable[[], None]) -> Timer:
        timer = Timer(due, call)
        with self._changed:
            self._agenda.add(timer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="mdlc-clock", daemon=True)
                self._thread.start()
            self._changed.notify()
        return timer

    def _loop(self) -> None:
        while True:
            with self._changed:
                timer = self._agenda.pop_due(self.now())
                if timer is None:
                    soonest = self._agenda.soonest()
                    pause = None if soonest is None else max(0.0, min(LONGEST_SLEEP, soonest - self.now()))
                    self._changed.wait(pause)
                    continue
            _run(timer)


class ManualClock:
    """A clock that stands still until `advance`: for tests and for time that is driven from outside."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._agenda = _Agenda()
        self._lock = threading.RLock()

    def now(self) -> float:
        return self._now

    def call_at(self, due: float, call: Callable[[], None]) -> Timer:
        timer = Timer(due, call)
        with self._lock:
            self._agenda.add(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`, making every call that falls due, each at its own moment, in order."""
        with self._lock:
            end = self._now + seconds
            while (timer := self._agenda.pop_due(end)) is not None:
                self._now = max(self._now, timer.due)
                _run(timer)
            self._now = end


_clock: Clock = RealClock()


def clock() -> Clock:
    """The clock that the whole engine reads."""
    return _clock


def use_clock(replacement: Clock) -> None:
    """Let the engine read another clock; timers already set stay with the old one."""
    global _clock
    _clock = replacement


def now() -> float:
    """Seconds since the epoch by the engine's clock."""
    return _clock.now()


def call_at(due: float, call: Callable[[], None]) -> Timer:
    """See `Clock.call_at`."""
    return _clock.call_at(due, call)


def pause(seconds: float, stop: threading.Event) -> bool:
    """Wait `seconds` of the engine's clock; False when `stop` was set meanwhile."""
    if stop.is_set() or seconds <= 0:
        return not stop.is_set()
    over = threading.Event()
    timer = call_at(now() + seconds, over.set)
    # `stop` has no listeners: it is looked at often enough that nobody notices the difference.
    while not over.wait(0.05):
        if stop.is_set():
            timer.cancel()
            return False
    return not stop.is_set()
