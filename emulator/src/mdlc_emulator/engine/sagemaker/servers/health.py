"""Whether a server in service still answers /ping, and when its silence is the end of it.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html#your-algorithms-inference-algo-ping-requests:
/ping is asked again and again, and must answer 200 within two seconds. How often, and how many failures
are too many, AWS does not say; the numbers here are ours.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.sagemaker.servers.wire import TimedOutError, UnansweredError, Wire

LOG = logging.getLogger(__name__)

PING_SECONDS = 2.0
"""Within which /ping must answer: the page above."""

EVERY = 5.0
"""Seconds between a ping's end and the next one."""

FAILURES = 3
"""Failed pings in a row that end a server: one or two may be a machine that is out of breath."""

BUSY = 60.0 + PING_SECONDS
"""Seconds from the first silent ping in a row, before which a server with requests under way is not given up.
An invocation may last 60 s, and a server with a single thread answers nothing else meanwhile. What kept it
from answering the first ping had begun before the two seconds of that were over, and has ended by then."""

_GOLDEN = (5**0.5 - 1) / 2
_STARTED = itertools.count()


def ping_seconds() -> float:
    """Seconds between pings of a server in service: the setting MDLC_SAGEMAKER_PING_SECONDS, else 5."""
    return float(os.environ.get("MDLC_SAGEMAKER_PING_SECONDS") or EVERY)


class Ping(NamedTuple):
    """One ping: the monotonic moment at which it was sent, what was wrong with the answer ("" for nothing),
    and whether there was none in time."""

    sent: float
    wrong: str = ""
    silent: bool = False


def ping(wire: Wire) -> Ping:
    """Ask for /ping. A server that serves one connection after the other waits on the one that is kept: that
    is the one to ask through, and it is given up afterwards, so that no invocation finds it taken."""
    sent = time.monotonic()
    try:
        answer = wire.ask("GET", "/ping", [("Connection", "close")], timeout=PING_SECONDS, aside=True)
    except TimedOutError:
        return Ping(sent, f"/ping did not answer within {PING_SECONDS:g} s", silent=True)
    except UnansweredError as error:
        return Ping(sent, f"/ping was not answered: {error}")
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
    """Pings the servers of one instance until it is over. The engine's clock is the timer of all of them; a
    ping has a thread for as long as it lasts, so that no server waits for another's silence."""

    def __init__(
        self,
        name: str,
        servers: Sequence[Server],
        goes_on: Callable[[], bool],
        busy: Callable[[], bool],
        failed: Callable[[str, bool], None],
    ) -> None:
        """`goes_on` whether the instance is in service, `busy` whether requests are under way; `failed` is
        called once, with what happened and whether the server is silent."""
        self._name = name
        self._pulses = [(server, Pulse()) for server in servers]
        self._goes_on, self._busy, self._failed = goes_on, busy, failed
        self._every = ping_seconds()
        self.doubtful = False
        """Whether a server's last ping failed."""

    def start(self) -> None:
        """Ping from now on. First pings are spread over the interval: servers that came up together are not
        asked together for ever."""
        self._after(self._every * (next(_STARTED) * _GOLDEN % 1))

    def _after(self, seconds: float) -> None:
        clock.call_at(clock.now() + seconds, self._due)

    def _due(self) -> None:
        if self._goes_on():
            threading.Thread(target=self._look, name="sagemaker-ping", daemon=True).start()

    def _look(self) -> None:
        for server, pulse in self._pulses:
            busy = self._busy()
            seen = ping(server.wire)
            if not self._goes_on():
                return
            over = pulse.take(seen, time.monotonic(), heard=server.wire.heard, busy=busy or self._busy())
            self.doubtful = any(each.failures for _, each in self._pulses)
            if pulse.failures:
                LOG.warning("%s, %s: %s (%d in a row)", self._name, server.label, seen.wrong, pulse.failures)
            if over:
                self._failed(f"{server.label}: {seen.wrong}, {pulse.failures} times in a row", seen.silent)
                return
        self._after(self._every)
