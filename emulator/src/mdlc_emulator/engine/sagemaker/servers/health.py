"""Whether a server in service still answers /ping, and when its silence is the end of it.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html#your-algorithms-inference-algo-ping-requests:
/ping is asked again and again, and must answer 200 within two seconds. How often, and how many failures
are too many, AWS does not say; the numbers here are ours.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from mdlc_emulator.engine.sagemaker.servers.wire import TimedOutError, UnansweredError, Wire

LOG = logging.getLogger(__name__)

PING_SECONDS = 2.0
"""Within which /ping must answer: the page above."""

EVERY = 5.0
"""Seconds between pings."""

FAILURES = 3
"""Failed pings in a row that end a server: one or two may be a machine that is out of breath."""

BUSY = 60.0 + PING_SECONDS
"""Seconds from the first silent ping in a row, before which a server with requests under way is not given up.
An invocation may last 60 s, and a server with a single thread answers nothing else meanwhile. What kept it
from answering the first ping had begun before the two seconds of that were over, and has ended by then."""

AT_EASE = 0.05
"""A server that answers within so many seconds is asked by the thread of all; others have one of their own
while it lasts, so that nobody waits for another's silence."""


def ping_seconds() -> float:
    """Seconds between pings of a server in service: the setting MDLC_SAGEMAKER_PING_SECONDS, else 5."""
    return float(os.environ.get("MDLC_SAGEMAKER_PING_SECONDS") or EVERY)


class Ping(NamedTuple):
    """One ping: the monotonic moment at which it was sent, what was wrong with the answer ("" for nothing),
    and whether there was none in time."""

    sent: float
    wrong: str = ""
    silent: bool = False


def ping(wire: Wire, busy: Callable[[], bool]) -> Ping:
    """Ask for /ping, over the connection that is kept if there is one: a server that serves one connection
    after the other listens to no other. For the same reason this one is closed if a request has come
    meanwhile, over a connection of its own."""
    sent = time.monotonic()
    try:
        answer = wire.ask("GET", "/ping", timeout=PING_SECONDS, aside=True)
    except TimedOutError:
        return Ping(sent, f"/ping did not answer within {PING_SECONDS:g} s", silent=True)
    except UnansweredError as error:
        return Ping(sent, f"/ping was not answered: {error}")
    if busy():
        wire.drop()
    return Ping(sent, "" if answer.status == 200 else f"/ping answered {answer.status}")


class Pulse:
    """What one server's pings say together."""

    def __init__(self) -> None:
        self.failures = 0
        """In a row, until now."""
        self._since = 0.0

    def take(self, ping: Ping, now: float, *, heard: float, busy: bool) -> bool:
        """Count a ping that is over at `now`; whether the server is to be given up. `heard` is when it last
        answered an invocation, `busy` whether requests are under way; moments are monotonic."""
        if not ping.wrong or (ping.silent and heard > ping.sent):
            # Silent, but it has answered an invocation meanwhile: it does one thing after the other.
            self.failures = 0
            return False
        if not self.failures:
            self._since = ping.sent
        elif ping.silent and heard > self._since:
            self.failures, self._since = 0, ping.sent
        self.failures += 1
        excused = ping.silent and busy and now - self._since < BUSY
        return self.failures >= FAILURES and not excused


class Server(NamedTuple):
    """What is pinged."""

    label: str
    wire: Wire


class HealthChecks:
    """The pings of one instance's servers, until it is over."""

    def __init__(
        self,
        name: str,
        servers: Sequence[Server],
        goes_on: Callable[[], bool],
        busy: Callable[[], bool],
        failed: Callable[[str, bool], None],
    ) -> None:
        """`goes_on` whether the instance is in service, `busy` whether requests are under way; `failed` is
        called once, in a thread of its own, with what happened and whether the server is silent."""
        self._name = name
        self._pulses = [(server, Pulse()) for server in servers]
        self.goes_on, self._busy, self._failed = goes_on, busy, failed
        self.doubtful = False
        """Whether a server's last ping failed."""
        self.at_ease = True
        """Whether all answered at once when they were last asked."""
        self.asked = False
        """Whether they are being asked at this moment."""

    def start(self) -> None:
        """Ping from now on."""
        _ROUNDS.add(self)

    def look(self) -> None:
        """Ping each server once."""
        began = time.monotonic()
        try:
            self._look()
        finally:
            self.at_ease = time.monotonic() - began <= AT_EASE
            self.asked = False

    def _look(self) -> None:
        for server, pulse in self._pulses:
            busy = self._busy()
            seen = ping(server.wire, self._busy)
            if not self.goes_on():
                return
            over = pulse.take(seen, time.monotonic(), heard=server.wire.heard, busy=busy or self._busy())
            self.doubtful = any(each.failures for _, each in self._pulses)
            if pulse.failures:
                LOG.warning("%s, %s: %s (%d in a row)", self._name, server.label, seen.wrong, pulse.failures)
            if over:
                what = f"{server.label}: {seen.wrong}, {pulse.failures} times in a row"
                _in_a_thread(partial(self._failed, what, seen.silent))
                return


class _Rounds:
    """The one thread that asks all instances in service, round after round. While there is none it sleeps."""

    def __init__(self) -> None:
        self._all: list[HealthChecks] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, checks: HealthChecks) -> None:
        with self._changed:
            self._all.append(checks)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sagemaker-health", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        pace, every = threading.Event(), ping_seconds()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._all)
            pace.wait(every)
            with self._changed:
                self._all = [checks for checks in self._all if checks.goes_on()]
                asked = [checks for checks in self._all if not checks.asked]
            at_ease = True
            for checks in asked:
                checks.asked = True
                if at_ease and checks.at_ease:
                    try:
                        checks.look()
                    except Exception:  # the others must be asked
                        LOG.exception("A health check failed")
                    at_ease = checks.at_ease
                else:
                    _in_a_thread(checks.look)


def _in_a_thread(call: Callable[[], None]) -> None:
    threading.Thread(target=call, name="sagemaker-ping", daemon=True).start()


_ROUNDS = _Rounds()
