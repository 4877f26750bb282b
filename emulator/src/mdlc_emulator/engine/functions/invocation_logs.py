"""What functions print, on its way to CloudWatch Logs: off the path of the invocation, within a tenth of a
second.

LocalStack keeps a thread and an assumed role for each function version and sends every invocation's lines
as an API call of its own. Here one thread serves all functions and hands whole batches to the log store in
this process. Metric filters and subscription filters work as for any other PutLogEvents.
"""

import logging
import threading
import time
from collections import defaultdict
from typing import Any

from localstack.utils.bootstrap import is_api_enabled

from mdlc_emulator.engine.logs.writing import Stream, store

LOG = logging.getLogger(__name__)
GATHER_SECONDS = 0.05
"""How long lines are gathered before they are stored together."""


class LogDelivery:
    """Takes the output of invocations and stores it in the order in which it came."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Stream, int, str]] = []
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ending = False
        self._storing = False

    def add(self, stream: Stream, text: str) -> None:
        """Store the lines of `text` as events of `stream`, with this moment as their time."""
        if not text or not is_api_enabled("logs"):
            return
        with self._lock:
            self._waiting.append((stream, int(time.time() * 1000), text))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lambda-logs", daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:
                self._lock.notify_all()

    def stop(self, within: float = 3.0) -> None:
        """Store what is waiting, then end."""
        with self._lock:
            self._ending = True
            self._lock.notify_all()
        if self._thread is not None:
            self._thread.join(within)

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._waiting and not self._ending:
                    self._lock.wait()
                if not self._ending:
                    self._lock.wait_for(lambda: self._ending, GATHER_SECONDS)
                batch, self._waiting = self._waiting, []
                ending = self._ending
            self._store_all(batch)
            if ending:
                return

    def _store_all(self, batch: list[tuple[Stream, int, str]]) -> None:
        events: dict[Stream, list[dict[str, Any]]] = defaultdict(list)
        for stream, when, text in batch:
            events[stream] += [
                # A carriage return is how awslambdaric breaks lines within one event: a traceback.
                {"timestamp": when, "message": line.replace("\r", "\n") + "\n"}
                for line in text.split("\n")
                if line
            ]
        for stream, lines in events.items():
            if not lines:
                continue
            try:
                store(stream, lines)
            except Exception:  # a group deleted meanwhile must not hold up the others' logs
                LOG.warning("Could not store the logs of %s", stream.group, exc_info=True)
