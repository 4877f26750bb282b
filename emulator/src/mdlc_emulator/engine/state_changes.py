"""Changes of state on their way to EventBridge: in the background, and only when somebody could see them.

LocalStack takes an event over its own gateway; whoever causes one must not wait for that.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from mdlc_emulator.engine.aws_error import Caller

LOG = logging.getLogger(__name__)


class Courier:
    """Puts entries on the default bus of their account and region, in order, in one thread that starts with
    the first. `source` is the service that they come from, as "aws.batch"."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._waiting: queue.SimpleQueue[tuple[Caller, dict[str, Any]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def announce(self, caller: Caller, entry: Callable[[], dict[str, Any]]) -> None:
        """Send what `entry()` gives, a PutEvents entry without its Source whose Detail is text or can be
        written as JSON. It is called at once, or never when nobody listens."""
        if not heard(caller):
            return
        made = {"Source": self._source, **entry()}
        if not isinstance(made["Detail"], str):
            made["Detail"] = json.dumps(made["Detail"])
        self._waiting.put((caller, made))
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"{self._source}-events", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        from localstack.aws.connect import connect_to

        while True:
            caller, entry = self._waiting.get()
            try:
                clients = connect_to(aws_access_key_id=caller.account, region_name=caller.region)
                clients.events.put_events(Entries=[entry])
            except Exception:
                LOG.exception("A change of state of %s did not reach EventBridge.", self._source)


def heard(caller: Caller) -> bool:
    """Whether the default bus of that account and region has a rule or an archive."""
    from localstack.services.plugins import SERVICE_PLUGINS

    if not SERVICE_PLUGINS.is_running("events"):
        return False
    from localstack.services.events.models import events_stores

    found = events_stores[caller.account][caller.region]
    bus = found.event_buses.get("default")
    return bool(bus and bus.rules) or bool(found.archives)
