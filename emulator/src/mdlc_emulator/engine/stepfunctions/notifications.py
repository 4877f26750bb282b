"""Execution status changes for EventBridge: sent in the background, and only when a rule could see them.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html: standard workflows only.
The stock interpreter sends each over HTTP to its own gateway while StartExecution waits.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from localstack.aws.api.stepfunctions import StateMachineType
from localstack.services.plugins import SERVICE_PLUGINS
from localstack.services.stepfunctions.backend.execution import Execution

from mdlc_emulator.engine.stepfunctions.patching import replace
from mdlc_emulator.engine.stepfunctions.redrive import described
from mdlc_emulator.engine.stepfunctions.values import text_of

LOG = logging.getLogger(__name__)


class Courier:
    """Runs what it is given, in order, in one thread that starts with the first."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self, call: Callable[[], None]) -> None:
        self._waiting.put(call)
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="states-events", daemon=True)
                    self._thread.start()

    def _work(self) -> None:
        while True:
            call = self._waiting.get()
            try:
                call()
            except Exception:
                LOG.exception("An execution's status change did not reach EventBridge.")


_courier = Courier()


def install() -> None:
    replace(Execution, "publish_execution_status_change_event", _publish)


def _publish(self: Any) -> None:
    if self.sm_type != StateMachineType.STANDARD or not _heard(self.account_id, self.region_name):
        return
    entry = _entry(self)
    client = self._get_events_client()
    _courier.send(lambda: client.put_events(Entries=[entry]))


def _heard(account: str, region: str) -> bool:
    """Whether the default bus of that account and region has a rule or an archive."""
    if not SERVICE_PLUGINS.is_running("events"):
        return False
    from localstack.services.events.models import events_stores

    store = events_stores[account][region]
    bus = store.event_buses.get("default")
    return bool(bus and bus.rules) or bool(store.archives)


def _redrive(self: Any) -> dict[str, Any]:
    members = described(self)
    date = members.get("redriveDate")
    return {
        "redriveCount": members["redriveCount"],
        "redriveDate": None if date is None else round(date.timestamp() * 1000),
        "redriveStatus": members["redriveStatus"],
        "redriveStatusReason": members.get("redriveStatusReason"),
    }


def _entry(self: Any) -> dict[str, Any]:
    moment = {
        name: None if date is None else round(date.timestamp() * 1000)
        for name, date in (("startDate", self.start_date), ("stopDate", self.stop_date))
    }
    output = None if self.output is None else text_of(self.output)
    detail = {
        "executionArn": self.exec_arn,
        "stateMachineArn": self.state_machine_arn,
        "stateMachineVersionArn": self.state_machine_version_arn,
        "stateMachineAliasArn": self.state_machine_alias_arn,
        "name": self.name,
        "status": self.exec_status,
        **moment,
        **_redrive(self),
        "input": text_of(self.input_data),
        "inputDetails": {"included": True},
        "output": output,
        "outputDetails": None if output is None else {"included": True},
        "error": self.error,
        "cause": self.cause,
    }
    return {
        "Source": "aws.states",
        "Resources": [self.exec_arn],
        "DetailType": "Step Functions Execution Status Change",
        "Detail": text_of(detail),
    }
