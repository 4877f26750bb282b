"""RedriveExecution: an execution that failed goes on from the state that failed, with that state's input.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html. Within Map and Parallel states
AWS runs only what failed again; here such a state runs again as a whole.
"""

from __future__ import annotations

import datetime
from typing import Any

from localstack.aws.api.stepfunctions import (
    ExecutionNotRedrivable,
    ExecutionRedrivenEventDetails,
    ExecutionStatus,
)

from mdlc_emulator.engine.stepfunctions.ending import resume
from mdlc_emulator.engine.stepfunctions.interpreter import timestamp
from mdlc_emulator.engine.stepfunctions.stock import EventDetails, EventManager, HistoryEventType

REDRIVABLE = (ExecutionStatus.FAILED, ExecutionStatus.ABORTED, ExecutionStatus.TIMED_OUT)


def described(execution: Any) -> dict[str, Any]:
    """The members of DescribeExecution that tell whether, and how often, `execution` is redriven."""
    members: dict[str, Any] = {"redriveCount": getattr(execution, "_mdlc_redrives", 0)}
    date = getattr(execution, "_mdlc_redrive_date", None)
    if date is not None:
        members["redriveDate"] = date
    if execution.exec_status in REDRIVABLE:
        return members | {"redriveStatus": "REDRIVABLE"}
    reason = f"Execution is {execution.exec_status} and cannot be redriven"
    return members | {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def redrive(execution: Any, token: str | None) -> datetime.datetime:
    """Go on with `execution`; when that was. The same `token` again changes nothing."""
    known: dict[str, datetime.datetime] = execution.__dict__.setdefault("_mdlc_redrive_tokens", {})
    if token is not None and token in known:
        return known[token]
    if execution.exec_status not in REDRIVABLE:
        raise ExecutionNotRedrivable(
            f"Execution Not Redrivable: 'Execution is {execution.exec_status} and cannot be redriven'"
        )
    worker = execution.exec_worker
    before = worker.env
    date = datetime.datetime.now(tz=datetime.UTC)
    execution._mdlc_redrives = getattr(execution, "_mdlc_redrives", 0) + 1
    execution._mdlc_redrive_date = date
    if token is not None:
        known[token] = date
    execution.exec_status = ExecutionStatus.RUNNING
    execution.stop_date = execution.error = execution.cause = None

    env = worker._get_evaluation_environment()
    env.event_manager = _continued(before.event_manager)
    env.event_history_context.last_published_event_id = before.event_history_context.last_published_event_id
    env.event_history_context.source_event_id = before.event_history_context.last_published_event_id
    env.variable_store = before.variable_store
    env.map_run_record_pool_manager = before.map_run_record_pool_manager
    context = env.states.context_object.context_object_data["Execution"]
    context["RedriveCount"] = execution._mdlc_redrives
    context["RedriveTime"] = timestamp()
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.ExecutionRedriven,
        event_details=EventDetails(  # type: ignore[typeddict-unknown-key]
            executionRedrivenEventDetails=ExecutionRedrivenEventDetails(redriveCount=execution._mdlc_redrives)
        ),
    )
    name, data = before._mdlc_at
    env.states.reset(input_value=data)
    execution.publish_execution_status_change_event()
    resume(worker, env, name)
    return date


def _continued(before: Any) -> EventManager:
    """A history that goes on where `before` ended, which stays closed to what it left behind."""
    manager = EventManager(cloud_watch_logging_session=before._cloud_watch_logging_session)
    manager._event_id_gen = before._event_id_gen
    manager._history_event_list.extend(before.get_event_history())
    return manager
