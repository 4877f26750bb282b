"""State changes told to EventBridge.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

import json
import logging
import queue
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.clients import client
from mdlc_emulator.engine.sagemaker.kernel.resource import moment

LOG = logging.getLogger(__name__)


class Announcer:
    """Sends events one after the other, off the path of the call that causes them."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[Caller, dict[str, Any]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def announce(
        self, caller: Caller, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]
    ) -> None:
        """Put an event of source `aws.sagemaker` on the account's default bus, soon."""
        entry = {
            "Source": "aws.sagemaker",
            "DetailType": detail_type,
            "Detail": json.dumps(detail, default=_plain),
            "Resources": list(resources),
            "Time": moment(clock.now()),
        }
        self._waiting.put((caller, entry))
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="sagemaker-events", daemon=True)
                self._thread.start()

    def _loop(self) -> None:
        while True:
            caller, entry = self._waiting.get()
            try:
                client("events", caller).put_events(Entries=[entry])
            except Exception:
                LOG.exception("An event of SageMaker could not be put on the bus.")


def _plain(value: Any) -> Any:
    """Times in events are milliseconds since the epoch."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    raise TypeError(f"{type(value).__name__} in an event")


_ANNOUNCER = Announcer()
announce = _ANNOUNCER.announce
