"""Failures of a state, made as the interpreter raises them."""

from __future__ import annotations

from mdlc_emulator.engine.stepfunctions.stock import (
    Environment,
    EvaluationFailedEventDetails,
    EventDetails,
    ExecutionFailedEventDetails,
    FailureEvent,
    FailureEventException,
    HistoryEventType,
    StatesErrorName,
    StatesErrorNameType,
    TaskFailedEventDetails,
)


def execution_failure(
    env: Environment,
    kind: StatesErrorNameType,
    cause: str,
    event_type: HistoryEventType = HistoryEventType.ExecutionFailed,
) -> FailureEventException:
    """A failure without an event of its own: the execution's (or the catcher's) tells it."""
    name = StatesErrorName(typ=kind)
    details = ExecutionFailedEventDetails(error=name.error_name, cause=cause)
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=name,
            event_type=event_type,
            event_details=EventDetails(executionFailedEventDetails=details),
        )
    )


def task_failure(
    env: Environment, kind: StatesErrorNameType, cause: str, *, resource: str, resource_type: str
) -> FailureEventException:
    """A failure of a service task: a TaskFailed event naming the resource."""
    name = StatesErrorName(typ=kind)
    details = TaskFailedEventDetails(
        error=name.error_name, cause=cause, resource=resource, resourceType=resource_type
    )
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )
    )


def query_failure(env: Environment, expression: str, location: str, what: str) -> FailureEventException:
    """States.QueryEvaluationError in AWS's words, its EvaluationFailed event published."""
    name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = EvaluationFailedEventDetails(
        error=name.error_name,
        cause=f"The JSONata expression '{expression}' specified for the field '{location}' {what}",
        location=location,
    )
    failure = FailureEventException(
        FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.EvaluationFailed,
            event_details=EventDetails(evaluationFailedEventDetails=details),
        )
    )
    publish_evaluation(env, failure)
    return failure


def publish_evaluation(env: Environment, failure: FailureEventException) -> None:
    """The EvaluationFailed event of `failure`, once."""
    if is_published(failure.failure_event):
        return
    failure.failure_event._mdlc_published = True  # type: ignore[attr-defined]
    published = failure.get_evaluation_failed_event_details()
    if published is None:
        return
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.EvaluationFailed,
        event_details=EventDetails(evaluationFailedEventDetails=published),
        update_source_event_id=False,
    )


def is_published(failure: FailureEvent) -> bool:
    """Whether the history already holds the event of this failure."""
    return getattr(failure, "_mdlc_published", False)


def map_run_failure(env: Environment, kind: StatesErrorNameType, cause: str) -> FailureEventException:
    """A failure of a Map Run, which publishes its event itself."""
    return execution_failure(env, kind, cause, HistoryEventType.MapRunFailed)
