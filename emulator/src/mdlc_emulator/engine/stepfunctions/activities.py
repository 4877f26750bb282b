"""Activities: only tasks that are waited for are handed to workers, and waiting ends with the execution."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from localstack.services.stepfunctions.asl.component.state.state_execution.state_task import (
    state_task_activitiy,
)
from localstack.services.stepfunctions.asl.eval.callback import callback
from localstack.services.stepfunctions.backend.activity import Activity, ActivityTask

from mdlc_emulator.engine.stepfunctions.patching import original, replace
from mdlc_emulator.engine.stepfunctions.values import text_of

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetActivityTask.html: open for a minute
POLL_SECONDS = 60.0

_scheduled = threading.Condition()


def next_task(activity: Activity, is_waited_for: Callable[[str], bool]) -> ActivityTask | None:
    """The next task of `activity` whose token somebody still waits for; None when a minute brings none."""
    deadline = time.monotonic() + POLL_SECONDS
    while True:
        with _scheduled:
            task = activity._tasks.popleft() if activity._tasks else None
            if task is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                _scheduled.wait(left)
                continue
        if is_waited_for(task.task_token):
            return task


def install() -> None:
    add = original(Activity, "add_task")

    def add_task(self: Any, task: Any) -> None:
        with _scheduled:
            add(self, task)
            _scheduled.notify_all()

    replace(Activity, "add_task", add_task)
    parameters = original(state_task_activitiy.StateTaskActivity, "_eval_parameters")
    # A worker gets JSON, of a text too.
    replace(
        state_task_activitiy.StateTaskActivity,
        "_eval_parameters",
        lambda self, env: text_of(parameters(self, env)),
    )
    # Declared but never set: reading it before a worker came raised AttributeError instead of a timeout.
    original(callback.ActivityTaskStartEndpoint, "wait")
    callback.ActivityTaskStartEndpoint._outcome = None
    interrupt = original(callback.CallbackEndpoint, "interrupt_all")

    def interrupt_all(self: Any) -> None:
        interrupt(self)
        if isinstance(self, callback.ActivityCallbackEndpoint):
            self.get_activity_task_start_endpoint()._next_activity_task_start_event.set()

    replace(callback.CallbackEndpoint, "interrupt_all", interrupt_all)
