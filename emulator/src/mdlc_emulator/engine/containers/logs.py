"""What a container writes, line by line on its way to a stream of CloudWatch Logs."""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.containers.lines import pieces
from mdlc_emulator.engine.logs.writing import Stream, store

LOG = logging.getLogger(__name__)
GATHER_SECONDS = 0.1
"""How long lines are gathered before they are stored together."""
EVENTS = 1000
"""How many are stored at once: other threads get their turn in between."""
EVENT_BYTES = 262_144 - 26
"""Longer lines become several events. PutLogEvents takes more today; the log driver of AWS's containers cuts
here (https://docs.docker.com/engine/logging/drivers/awslogs/, and
https://github.com/moby/moby/blob/master/daemon/logger/awslogs/cloudwatchlogs.go, maximumBytesPerEvent)."""


class LogWriter:
    """A container's `on_line` that stores what it is given within a fifth of a second, in order, each line
    with the moment at which it came. Group and stream are made with the first line. `close` when the
    container has ended: what it wrote is to be seen as soon as its end is."""

    def __init__(self, account: str, region: str, group: str, stream: str) -> None:
        self._stream = Stream(account, region, group, stream)
        self._waiting: deque[tuple[int, str]] = deque()
        self._storing = threading.Lock()
        self._last = 0

    def __call__(self, line: str) -> None:
        """Take one line. Called from one thread at a time; empty lines are left out, as AWS's driver does."""
        if line:
            self._last = max(self._last, int(clock.now() * 1000))  # a batch must be in order
            self._waiting.append((self._last, line))
            if len(self._waiting) == 1:
                _DELIVERY.wake(self)

    def flush(self) -> None:
        """Store everything that has come until now. Failures are logged."""
        with self._storing:
            while self._waiting:
                count = min(EVENTS, len(self._waiting))
                events = [event for _ in range(count) for event in _events(*self._waiting.popleft())]
                try:
                    store(self._stream, events)
                except Exception:  # the log must not end the job
                    LOG.warning("Could not store the log %s", self._stream, exc_info=True)

    def close(self) -> None:
        """No line will come any more: store those that are waiting."""
        self.flush()


class _Delivery:
    """The thread that stores for all writers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._writers: set[LogWriter] = set()
        self._thread: threading.Thread | None = None

    def wake(self, writer: LogWriter) -> None:
        with self._changed:
            self._writers.add(writer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="container-logs", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._writers:
                    self._changed.wait()
            time.sleep(GATHER_SECONDS)
            with self._changed:
                writers, self._writers = self._writers, set()
            for writer in writers:
                writer.flush()


_DELIVERY = _Delivery()


def _events(timestamp: int, line: str) -> Iterator[dict[str, Any]]:
    for message in pieces(line, EVENT_BYTES):
        yield {"timestamp": timestamp, "message": message}
