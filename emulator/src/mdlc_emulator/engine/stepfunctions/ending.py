"""How an execution begins and ends: at once when it is stopped or its time is up, exactly once, whoever ends
it.

The stock interpreter learns of a stop at the next state and leaves the execution RUNNING until the task in
hand is done. Here the end is published by whoever brings it about (the last state, StopExecution,
TimeoutSeconds); what is still under way is left to itself and can no longer write into the history.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from localstack.aws.api.stepfunctions import StateMachineType
from localstack.services.stepfunctions.backend import execution as executions
from localstack.services.stepfunctions.backend import execution_worker as workers

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.stepfunctions.interpreter import input_text
from mdlc_emulator.engine.stepfunctions.patching import original, replace, replaces
from mdlc_emulator.engine.stepfunctions.stock import (
    Environment,
    EventDetails,
    EventManager,
    ExecutionAbortedEventDetails,
    ExecutionFailedEventDetails,
    ExecutionStartedEventDetails,
    ExecutionSucceededEventDetails,
    ExecutionTimedOutEventDetails,
    FailureEventException,
    HistoryEventExecutionDataDetails,
    HistoryEventType,
    Program,
    ProgramEnded,
    ProgramError,
    ProgramStopped,
    ProgramTimedOut,
    StatesErrorName,
    StatesErrorNameType,
)
from mdlc_emulator.engine.stepfunctions.values import text_of

LOG = logging.getLogger(__name__)

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
EXPRESS_SECONDS = 300
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html
HISTORY_EVENTS = 25_000
_LAST_EVENTS = frozenset(
    {
        HistoryEventType.ExecutionSucceeded,
        HistoryEventType.ExecutionFailed,
        HistoryEventType.ExecutionAborted,
        HistoryEventType.ExecutionTimedOut,
    }
)


def install() -> None:
    _history()
    _programs()
    replace(workers.ExecutionWorker, "start", _start)
    replace(workers.ExecutionWorker, "stop", _stop)
    replace(workers.ExecutionWorker, "_execution_logic", _run)
    replace(workers.SyncExecutionWorker, "start", _run)
    reflect = original(executions.BaseExecutionWorkerCommunication, "_reflect_execution_status")

    @replaces(executions.BaseExecutionWorkerCommunication, "_reflect_execution_status")
    def reflect_with_reason(self: Any) -> None:
        reflect(self)
        state = self.execution.exec_worker.env.program_state()
        if isinstance(state, ProgramStopped):
            # DescribeExecution shows what StopExecution was told.
            self.execution.error, self.execution.cause = state.error, state.cause

    replaces(Environment, "set_error")(_only_running(original(Environment, "set_error")))
    replaces(Environment, "set_timed_out")(_only_running(original(Environment, "set_timed_out")))


def _only_running(change: Any) -> Any:
    # What fails after the end (a task that a stop cut short) does not change how the execution ended.
    def changed(self: Any, *args: Any, **named: Any) -> None:
        with self._state_mutex:
            if self.is_running():
                change(self, *args, **named)

    return changed


def _history() -> None:
    publish = original(EventManager, "add_event")

    @replaces(EventManager, "add_event")
    def add_event(self: Any, context: Any, event_type: HistoryEventType, *args: Any, **named: Any) -> int:
        if getattr(self, "_mdlc_closed", False):
            return int(context.last_published_event_id)
        limited = getattr(self, "_mdlc_limited", None)
        full = limited is not None and self._event_id_gen._next_id >= HISTORY_EVENTS
        if full and event_type not in _LAST_EVENTS:
            _full(limited)
            return int(context.last_published_event_id)
        event_id: int = publish(self, context, event_type, *args, **named)
        return event_id

    @replaces(EventManager, "get_event_history")
    def get_event_history(self: Any) -> Any:
        # Events are never changed once published: a copy of the list is enough.
        with self._mutex:
            return list(self._history_event_list)


def _full(env: Any) -> None:
    """The last event that the history of `env`, an execution, has room for tells that it is full."""
    error = StatesErrorName(typ=StatesErrorNameType.StatesRuntime).error_name
    cause = f"The execution reached the maximum number of history events ({HISTORY_EVENTS})."
    env.set_error(ExecutionFailedEventDetails(error=error, cause=cause))
    finish(env)


def _limit(env: Any) -> None:
    """Standard executions have a history of limited length. Express ones have none that could be asked for:
    keeping one would fill the memory while it loops."""
    if env.execution_type == StateMachineType.EXPRESS:
        env.event_manager._publish_history_event = _unkept
    else:
        env.event_manager._mdlc_limited = env


def _unkept(**_: Any) -> None:
    """In place of adding an event to the history."""


def _programs() -> None:
    @replaces(Program, "eval")
    def evaluate(self: Any, env: Any) -> None:
        env.next_state_name = getattr(env, "_mdlc_resume_at", None) or self.start_at.start_at_name
        seconds = self.timeout_seconds.timeout_seconds if self.timeout_seconds else None
        if env.execution_type == StateMachineType.EXPRESS and not env.is_frame():
            seconds = min(seconds or EXPRESS_SECONDS, EXPRESS_SECONDS)
        timer = None
        if seconds is not None:
            timer = clock.call_at(clock.now() + seconds, lambda: _time_out(env))
        try:
            self._eval_body(env)
        finally:
            if timer is not None:
                timer.cancel()

    @replaces(Program, "_eval_body")
    def run(self: Any, env: Any) -> None:
        try:
            while env.is_running():
                # Where RedriveExecution would go on.
                env._mdlc_at = (env.next_state_name, env.states._states_data["input"])
                self._get_state(env.next_state_name).eval(env)
                env.stack.clear()
                env.heap.clear()
        except FailureEventException as failure:
            env.set_error(error=failure.get_execution_failed_event_details())
        except Exception as error:
            cause = f"{type(error).__name__}({error})"
            if env.is_running():
                LOG.info("An execution ended by an exception: %s", cause, exc_info=True)
            name = StatesErrorName(typ=StatesErrorNameType.StatesRuntime).error_name
            env.set_error(ExecutionFailedEventDetails(error=name, cause=cause))
        if not env.is_frame():
            finish(env)


def _time_out(env: Any) -> None:
    env.set_timed_out()
    if not env.is_frame():
        # The end may call other services: not in the clock's thread.
        threading.Thread(target=finish, args=(env,), name="states-timeout", daemon=True).start()


def finish(env: Any) -> None:
    """Publish the end of the execution of `env`: its last event, its status, its EventBridge event.
    Idempotent."""
    with env._state_mutex:
        if getattr(env, "_mdlc_finished", False):
            return
        env._mdlc_finished = True
    publish_end(env)
    env.event_manager._mdlc_closed = True
    terminated = getattr(env, "_mdlc_terminated", None)
    if terminated is not None:
        terminated()


def publish_end(env: Any) -> None:
    """The last event of the history of `env`, as its program ended."""
    state = env.program_state()
    kind, details = None, EventDetails()
    match state:
        case ProgramError():
            error = state.error or {}
            kept = {key: error[key] for key in ("error", "cause") if error.get(key) is not None}
            kind = HistoryEventType.ExecutionFailed
            details["executionFailedEventDetails"] = ExecutionFailedEventDetails(**kept)  # type: ignore[typeddict-item]
        case ProgramStopped():
            env.event_history_context.source_event_id = 0
            kept = {
                key: value
                for key, value in (("error", state.error), ("cause", state.cause))
                if value is not None
            }
            kind = HistoryEventType.ExecutionAborted
            details["executionAbortedEventDetails"] = ExecutionAbortedEventDetails(**kept)  # type: ignore[typeddict-item]
        case ProgramTimedOut():
            kind = HistoryEventType.ExecutionTimedOut
            details["executionTimedOutEventDetails"] = ExecutionTimedOutEventDetails()
        case ProgramEnded():
            kind = HistoryEventType.ExecutionSucceeded
            details["executionSucceededEventDetails"] = ExecutionSucceededEventDetails(
                output=input_text(env), outputDetails=HistoryEventExecutionDataDetails(truncated=False)
            )
    if kind is not None:
        env.event_manager.add_event(context=env.event_history_context, event_type=kind, event_details=details)


def _prepare(self: Any) -> Any:
    """The program, with this worker's environment made and the first event published."""
    program = self._get_evaluation_entrypoint()
    env = self.env = self._get_evaluation_environment()
    env.states.context_object.context_object_data["Execution"]["RedriveCount"] = 0
    env._mdlc_terminated = self._execution_communication.terminated
    _limit(env)
    details = self._evaluation_details
    publish_start(env, details.execution_details.inpt, details.aws_execution_details.role_arn)
    env.next_state_name = program.start_at.start_at_name if hasattr(program, "start_at") else ""
    return program


def publish_start(env: Any, data: Any, role_arn: str) -> None:
    """The first event of the history of `env`."""
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.ExecutionStarted,
        event_details=EventDetails(
            executionStartedEventDetails=ExecutionStartedEventDetails(
                input=text_of(data),
                inputDetails=HistoryEventExecutionDataDetails(truncated=False),
                roleArn=role_arn,
            )
        ),
        update_source_event_id=False,
    )


def _start(self: Any) -> None:
    program = _prepare(self)
    threading.Thread(target=_evaluate, args=(self, program), name="states-execution", daemon=True).start()


def resume(worker: Any, env: Any, state_name: str) -> None:
    """Go on with the execution of `worker` at `state_name`, in the new environment `env`."""
    program = worker._get_evaluation_entrypoint()
    env._mdlc_terminated = worker._execution_communication.terminated
    _limit(env)
    env._mdlc_resume_at = env.next_state_name = state_name
    worker.env = env
    threading.Thread(target=_evaluate, args=(worker, program), name="states-execution", daemon=True).start()


def _run(self: Any) -> None:
    _evaluate(self, _prepare(self))


def _evaluate(self: Any, program: Any) -> None:
    program.eval(self.env)
    finish(self.env)


def _stop(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
    env = self.env
    if env is None or not env.is_running():
        return
    env.set_stop(stop_date=stop_date, cause=cause, error=error)
    finish(env)
