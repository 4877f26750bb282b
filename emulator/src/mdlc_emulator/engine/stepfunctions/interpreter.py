"""The interpreter's inner loop: evaluation without log noise, copies or threads that nobody needs."""

from __future__ import annotations

import copy
import datetime
import logging
from collections import deque
from typing import Any

from localstack.aws.api.stepfunctions import StateEnteredEventDetails, StateExitedEventDetails
from localstack.services.stepfunctions import quotas
from localstack.services.stepfunctions.asl.component.common.catch.catch_outcome import CatchOutcome
from localstack.services.stepfunctions.asl.component.common.catch.catcher_decl import CatcherDecl
from localstack.services.stepfunctions.asl.component.common.catch.catcher_outcome import CatcherOutcomeCaught
from localstack.services.stepfunctions.asl.component.common.retry.retry_outcome import RetryOutcome
from localstack.services.stepfunctions.asl.component.common.timeouts.timeout import (
    EvalTimeoutError,
    TimeoutSeconds,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_map.state_map import StateMap
from localstack.services.stepfunctions.asl.component.state.state_execution.state_parallel import branch_worker
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task import lambda_eval_utils
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.state_task_lambda import (  # noqa: E501
    StateTaskLambda,
)
from localstack.services.stepfunctions.asl.eval import states
from localstack.services.stepfunctions.asl.parse import preprocessor
from localstack.services.stepfunctions.asl.utils import encoding

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.stepfunctions.failures import (
    execution_failure,
    is_published,
    publish_evaluation,
)
from mdlc_emulator.engine.stepfunctions.halting import within
from mdlc_emulator.engine.stepfunctions.patching import original, replace, replace_everywhere, replaces
from mdlc_emulator.engine.stepfunctions.stock import (
    CommonStateField,
    Environment,
    EvalComponent,
    EventDetails,
    ExecutionState,
    FailureEvent,
    FailureEventException,
    HistoryEventExecutionDataDetails,
    HistoryEventType,
    NoSuchJsonPathError,
    ProgramRunning,
    StatesErrorNameType,
)
from mdlc_emulator.engine.stepfunctions.values import copied, fits, text_of


def install() -> None:
    # One line per branch says nothing that the history does not; the other claims what is no longer so.
    logging.getLogger(branch_worker.__name__).setLevel(logging.WARNING)
    logging.getLogger(preprocessor.__name__).setLevel(logging.ERROR)
    # The list of every branch's thread that ever ran; they are daemons, nobody has to end them.
    replace(branch_worker, "TMP_THREADS", deque(maxlen=0))
    replace_everywhere("localstack.services.stepfunctions", original(encoding, "to_json_str"), text_of)
    replace_everywhere("localstack.services.stepfunctions", original(quotas, "is_within_size_quota"), fits)
    replace(EvalComponent, "eval", _evaluate)
    replace(CommonStateField, "_get_state_entered_event_details", _entered)
    replace(CommonStateField, "_get_state_exited_event_details", _exited)
    replace(CommonStateField, "_eval_body", _run_state)
    construct = original(FailureEvent, "__init__")

    @replaces(FailureEvent, "__init__")
    def initialise(self: Any, env: Any, *args: Any, **named: Any) -> None:
        construct(self, env, *args, **named)
        # "entered at the event id #2": of the state, however many events it has published since.
        self.source_event_id = getattr(env, "_mdlc_entered", self.source_event_id)

    _quick_states()
    _quick_environment()
    replace(ExecutionState, "_evaluate_with_timeout", _attempt)
    replace(ExecutionState, "_eval_state", _until_done)
    replace(StateMap, "_eval_state", _until_mapped)
    put_out = original(ExecutionState, "_eval_state_output")

    @replaces(ExecutionState, "_eval_state_output")
    def eval_state_output(self: Any, env: Any) -> None:
        if not isinstance(env.stack[-1], _PutOut):
            put_out(self, env)

    catch = original(CatcherDecl, "_eval_body")

    @replaces(CatcherDecl, "_eval_body")
    def eval_catcher(self: Any, env: Any) -> None:
        catch(self, env)
        env._mdlc_caught = isinstance(env.stack[-1], CatcherOutcomeCaught)

    payload = original(lambda_eval_utils, "to_payload_type")
    # Null is a payload like any other; the stock interpreter hands on an empty object.
    replace(lambda_eval_utils, "to_payload_type", lambda value: b"null" if value is None else payload(value))
    check_size = original(StateTaskLambda, "_verify_size_quota")

    @replaces(StateTaskLambda, "_verify_size_quota")
    def verify_size_quota(self: Any, env: Any, value: Any) -> None:
        # Of a function's answer only the payload becomes the state's result.
        answer = isinstance(value, dict) and "Payload" in value
        check_size(self, env, text_of(value["Payload"]) if answer else value)


class _PutOut:
    """On the stack: the state's Output is evaluated already, its errors within reach of Retry and Catch."""


def _evaluate(self: Any, env: Any) -> None:
    # The stock one asks the logger at every node, and logs a failure again at every level that it passes.
    state = env._program_state
    if not isinstance(state, ProgramRunning):
        return
    name = self._field_name()
    if name is not None:
        state._next_field_name = name
    self._eval_body(env)


def _quick_states() -> None:
    @replaces(states.States, "reset")
    def reset(self: Any, input_value: Any) -> None:
        data = self._states_data
        data["input"] = copied(input_value)
        data["result"] = None
        data["errorOutput"] = None

    def extract(query: str | None, data: Any) -> Any:
        return copied(data if query is None else original(states, "extract_json")(query, data))

    replace(states.States, "_extract", staticmethod(extract))

    @replaces(states.States, "set_result")
    def set_result(self: Any, result: Any) -> None:
        self._states_data["result"] = copied(result)

    @replaces(states.States, "set_error_output")
    def set_error_output(self: Any, error_output: Any) -> None:
        self._states_data["errorOutput"] = copied(error_output)


def input_text(env: Any) -> str:
    """The state's input as JSON. Entry, exit and the size check of a state and the entry of the next all need
    the same text: it is made once. (`reset` always puts a fresh copy there, which nothing changes
    afterwards.)"""
    holder = env.states
    value = holder._states_data["input"]
    if getattr(holder, "_mdlc_text_of", holder) is value:
        text: str = holder._mdlc_text
        return text
    text = text_of(value)
    holder._mdlc_text_of, holder._mdlc_text = value, text
    return text


def _entered(self: Any, env: Any) -> Any:
    return StateEnteredEventDetails(
        name=self.name,
        input=input_text(env),
        inputDetails=HistoryEventExecutionDataDetails(truncated=False),
    )


def _exited(self: Any, env: Any) -> Any:
    details = StateExitedEventDetails(
        name=self.name,
        output=input_text(env),
        outputDetails=HistoryEventExecutionDataDetails(truncated=False),
    )
    store = env.variable_store
    if store._declaration_tracing:
        assigned = {name: text_of(store.get(name)) for name in sorted(store._declaration_tracing)}
        store.reset_tracing()
        details["assignedVariables"] = assigned
        details["assignedVariablesDetails"] = {"truncated": False}
    return details


def _run_state(self: Any, env: Any) -> None:
    env._mdlc_entered = env.event_manager.add_event(
        context=env.event_history_context,
        event_type=self.state_entered_event_type,
        event_details=EventDetails(stateEnteredEventDetails=self._get_state_entered_event_details(env=env)),
    )
    env.states.context_object.context_object_data["State"] = {"EnteredTime": timestamp(), "Name": self.name}
    self._eval_state_input(env=env)
    try:
        self._eval_state(env)
    except NoSuchJsonPathError as missing:
        raise _missing_path(env, missing) from None
    if not env.is_running():
        return
    self._eval_state_output(env=env)
    if not fits(input_text(env)):
        cause = (
            f"The state/task '{self.name}' returned a result with a size exceeding "
            "the maximum number of bytes service limit."
        )
        raise execution_failure(env, StatesErrorNameType.StatesStatesDataLimitExceeded, cause)
    # The stock interpreter takes a catcher that leads back to its own state for none.
    if getattr(env, "_mdlc_caught", False):
        env._mdlc_caught = False
    else:
        self._set_next(env)
    if self.state_exited_event_type is not None:
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=self.state_exited_event_type,
            event_details=EventDetails(stateExitedEventDetails=self._get_state_exited_event_details(env=env)),
        )


def timestamp() -> str:
    """The present as AWS writes it: 2024-03-26T20:14:13.192Z"""
    moment = datetime.datetime.fromtimestamp(clock.now(), tz=datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _missing_path(env: Any, missing: NoSuchJsonPathError) -> Exception:
    cause = (
        f"The JSONPath '{missing.json_path}' specified for the field '{env.next_field_name}' "
        f"could not be found in the input '{text_of(missing.data)}'"
    )
    return execution_failure(env, StatesErrorNameType.StatesRuntime, cause)


def _attempt(self: Any, env: Any) -> None:
    """One attempt of a Task, Map or Parallel state: in this thread, or in one of its own when it has a time
    limit."""
    self.timeout.eval(env=env)
    seconds = env.stack.pop()
    frame = env.open_frame()
    frame.states.reset(input_value=env.states._states_data["input"])
    frame.stack = [copied(value) for value in env.stack]
    try:
        if seconds == TimeoutSeconds.DEFAULT_TIMEOUT_SECONDS:
            self._eval_execution(frame)
        else:
            _bounded(self, env, frame, seconds)
    finally:
        frame.set_ended()
        env.close_frame(frame)
    output = frame.stack.pop()
    env.stack.append(output)
    if not self.is_jsonpath_query_language():
        env.states.set_result(output)
    if self.assign_decl:
        self.assign_decl.eval(env=env)
    if self.result_selector:
        self.result_selector.eval(env=env)
    if self.result_path:
        self.result_path.eval(env)
    else:
        env.states.reset(input_value=env.stack.pop())
    if self.output:
        self.output.eval(env=env)
        env.stack.append(_PutOut())


def _bounded(self: Any, env: Any, frame: Any, seconds: float) -> None:
    failures: list[Exception] = []

    def work() -> None:
        try:
            self._eval_execution(frame)
        except Exception as error:  # noqa: BLE001 (handed to the state's own thread)
            failures.append(error)

    if not within(env, seconds, work):
        raise EvalTimeoutError
    if failures:
        raise failures[0]


def _until_mapped(self: Any, env: Any) -> None:
    """As for any state, but its iterations have published their events, and it closes with its own."""
    _until_done(self, env, closing=HistoryEventType.MapStateFailed)


def _until_done(self: Any, env: Any, closing: HistoryEventType | None = None) -> None:
    """Attempt the state until it succeeds, is caught, or its retries run out."""
    env.states.context_object.context_object_data["State"]["RetryCount"] = 0
    while env.is_running():
        try:
            self._evaluate_with_timeout(env)
            return
        except NoSuchJsonPathError as missing:
            error: Exception = _missing_path(env, missing)
        except Exception as raised:  # noqa: BLE001 (whatever a task raises is a failure of the state)
            error = raised
        if not env.is_running():
            return
        failure = self._from_error(env=env, ex=error)
        if failure.event_type == HistoryEventType.EvaluationFailed:
            publish_evaluation(env, FailureEventException(failure))
        without_event = failure.event_type == HistoryEventType.ExecutionFailed
        if closing is None and not without_event and not is_published(failure):
            env.event_manager.add_event(
                context=env.event_history_context,
                event_type=failure.event_type,
                event_details=failure.event_details,
            )
        env.states.set_error_output(self._construct_error_output_value(failure_event=failure))
        if self.retry and self._handle_retry(env=env, failure_event=failure) == RetryOutcome.CanRetry:
            continue
        if not env.is_running():
            return
        if closing is not None and not without_event:
            env.event_manager.add_event(context=env.event_history_context, event_type=closing)
        if self.catch:
            self._handle_catch(env=env, failure_event=failure)
            if env.stack[-1] == CatchOutcome.Caught:
                return
        self._handle_uncaught(env=env, failure_event=failure)


def _quick_environment() -> None:
    @replaces(Environment, "program_state")
    def program_state(self: Any) -> Any:
        return copy.copy(self._program_state)
