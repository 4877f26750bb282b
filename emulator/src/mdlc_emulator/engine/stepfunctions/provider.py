"""The Step Functions API: LocalStack's, with what it leaves out or answers otherwise than AWS."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, cast

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.api.stepfunctions import (
    CloudWatchEventsExecutionDataDetails,
    DescribeExecutionOutput,
    ExecutionDoesNotExist,
    ExecutionListItem,
    ExecutionStatus,
    GetActivityTaskOutput,
    GetExecutionHistoryOutput,
    InvalidDefinition,
    InvalidExecutionInput,
    InvalidName,
    InvalidOutput,
    InvalidToken,
    ListExecutionsOutput,
    RedriveExecutionOutput,
    SendTaskFailureOutput,
    SendTaskHeartbeatOutput,
    SendTaskSuccessOutput,
    StateMachineType,
    TaskTimedOut,
)
from localstack.services.stepfunctions.asl.eval.callback.callback import (
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)
from localstack.services.stepfunctions.asl.parse.asl_parser import ASLParserException
from localstack.services.stepfunctions.provider import StepFunctionsProvider

from mdlc_emulator.engine.stepfunctions import redrive
from mdlc_emulator.engine.stepfunctions.activities import next_task
from mdlc_emulator.engine.stepfunctions.maps.results import Child
from mdlc_emulator.engine.stepfunctions.patching import replace
from mdlc_emulator.engine.stepfunctions.values import MAX_BYTES, fits, text_of

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
_BAD_IN_NAMES = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
_HISTORY_PAGE = 1000
# ...:execution:<state machine>/<label>:<name>
_CHILD_ARN = re.compile(r":execution:[^:/]+(/[^:/]+)+:[^:/]+$")


class Provider(StepFunctionsProvider):
    """Every operation that differs from the stock provider's says why."""

    def create_state_machine(self, context: RequestContext, request: Any, **kwargs: Any) -> Any:
        _check_name(request["name"])
        return super().create_state_machine(context, request, **kwargs)

    def start_execution(self, context: RequestContext, **request: Any) -> Any:  # type: ignore[override]
        _check_start(request.get("name"), request.get("input"))
        return super().start_execution(context, **request)

    def start_sync_execution(self, context: RequestContext, **request: Any) -> Any:  # type: ignore[override]
        _check_start(request.get("name"), request.get("input"))
        return super().start_sync_execution(context, **request)

    def get_execution_history(
        self,
        context: RequestContext,
        execution_arn: str,
        max_results: int | None = None,
        reverse_order: bool | None = None,
        next_token: str | None = None,
        include_execution_data: bool | None = None,
        **kwargs: Any,
    ) -> GetExecutionHistoryOutput:
        """In pages: the stock provider returns every event whatever was asked."""
        found = self._child(context, execution_arn)
        if found:
            events = found[0].history[:: -1 if reverse_order else 1]
        else:
            whole = super().get_execution_history(
                context, execution_arn=execution_arn, reverse_order=bool(reverse_order), **kwargs
            )
            events = whole["events"]
        first = _position(next_token)
        size = max_results or _HISTORY_PAGE
        page = events[first : first + size]
        if include_execution_data is False:
            page = [_without_data(event) for event in page]
        answer = GetExecutionHistoryOutput(events=page)
        if first + size < len(events):
            answer["nextToken"] = _token(first + size)
        return answer

    def describe_execution(
        self, context: RequestContext, execution_arn: str, included_data: Any = None, **kwargs: Any
    ) -> DescribeExecutionOutput:
        """Of the children of Map Runs as well."""
        found = self._child(context, execution_arn)
        if found:
            return _child_description(*found)
        answer = super().describe_execution(context, execution_arn, included_data, **kwargs)
        members = redrive.described(self._get_execution(context, execution_arn))
        return cast(DescribeExecutionOutput, {**answer, **members})

    def redrive_execution(
        self, context: RequestContext, execution_arn: str, client_token: str | None = None, **kwargs: Any
    ) -> RedriveExecutionOutput:
        self._validate_state_machine_execution_arn(execution_arn)
        execution = self._get_execution(context=context, execution_arn=execution_arn)
        if execution.sm_type != StateMachineType.STANDARD:
            self._raise_resource_type_not_in_context(resource_type=execution.sm_type)
        return RedriveExecutionOutput(redriveDate=redrive.redrive(execution, client_token))

    def _child(self, context: RequestContext, arn: str) -> tuple[Child, str] | None:
        """(the child execution of that ARN, the ARN of its Map Run), or None."""
        if not _CHILD_ARN.search(arn):
            return None
        for execution in list(self.get_store(context).executions.values()):
            worker = execution.exec_worker
            if worker is None or worker.env is None:
                continue
            for record in worker.env.map_run_record_pool_manager.get_all():
                for child in getattr(record, "children", []):
                    if child.arn == arn:
                        return child, record.map_run_arn
        raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{arn}'")

    def list_executions(  # type: ignore[override]
        self, context: RequestContext, map_run_arn: str | None = None, **request: Any
    ) -> ListExecutionsOutput:
        """Of a Map Run as well: the stock provider knows state machines only."""
        if map_run_arn is None:
            return super().list_executions(context, **request)
        wanted = request.get("status_filter")
        items: list[ExecutionListItem] = []
        for execution in list(self.get_store(context).executions.values()):
            worker = execution.exec_worker
            record = worker and worker.env and worker.env.map_run_record_pool_manager.get(map_run_arn)
            if record:
                children = getattr(record, "children", [])
                items = [
                    _child_item(child, map_run_arn) for child in children if wanted in (None, child.status)
                ]
                break
        else:
            self._raise_resource_not_found(map_run_arn)
        first = _position(request.get("next_token"))
        size = request.get("max_results") or 100
        answer = ListExecutionsOutput(executions=items[first : first + size])
        if first + size < len(items):
            answer["nextToken"] = _token(first + size)
        return answer

    @staticmethod
    def _raise_resource_not_found(arn: str) -> None:
        raise CommonServiceException("ResourceNotFound", f"Resource not found: '{arn}'", 400)

    def send_task_success(
        self, context: RequestContext, task_token: str, output: str, **kwargs: Any
    ) -> SendTaskSuccessOutput:
        try:
            json.loads(output)
        except ValueError:
            raise InvalidOutput("Invalid Output: 'Invalid JSON'") from None
        if not fits(output):
            raise CommonServiceException("ValidationException", _too_long("output"), 400)
        self._notify(context, task_token, CallbackOutcomeSuccess(callback_id=task_token, output=output))
        return SendTaskSuccessOutput()

    def send_task_failure(
        self,
        context: RequestContext,
        task_token: str,
        error: str | None = None,
        cause: str | None = None,
        **kwargs: Any,
    ) -> SendTaskFailureOutput:
        self._notify(
            context, task_token, CallbackOutcomeFailure(callback_id=task_token, error=error, cause=cause)
        )
        return SendTaskFailureOutput()

    def send_task_heartbeat(
        self, context: RequestContext, task_token: str, **kwargs: Any
    ) -> SendTaskHeartbeatOutput:
        endpoint = self._endpoint(context, task_token)
        endpoint.notify_heartbeat()
        return SendTaskHeartbeatOutput()

    def get_activity_task(
        self, context: RequestContext, activity_arn: str, worker_name: str | None = None, **kwargs: Any
    ) -> GetActivityTaskOutput:
        """At once when there is a task, and none that has timed out; the stock one looks every second."""
        self._validate_activity_arn(activity_arn)
        activity = self._get_activity(context=context, activity_arn=activity_arn)

        def is_waited_for(token: str) -> bool:
            try:
                self._endpoint(context, token)
            except (TaskTimedOut, InvalidToken):
                return False
            return True

        task = next_task(activity, is_waited_for)
        if task is None:
            return GetActivityTaskOutput()
        self._endpoint(context, task.task_token).notify_activity_task_start(worker_name=worker_name)
        return GetActivityTaskOutput(taskToken=task.task_token, input=task.task_input)

    def _notify(self, context: RequestContext, token: str, outcome: Any) -> None:
        endpoint = self._endpoint(context, token)
        endpoint.notify(outcome=outcome)

    def _endpoint(self, context: RequestContext, token: str) -> Any:
        """Where `token`'s task waits. TaskTimedOut when it does not wait any more, InvalidToken when none
        ever did.

        The stock provider forgets tokens with their execution, and takes a second answer for a first one.
        """
        for execution in list(self.get_store(context).executions.values()):
            worker = execution.exec_worker
            if worker is None or worker.env is None:
                continue
            endpoint = worker.env.callback_pool_manager.get(token)
            if endpoint is None:
                continue
            closed = execution.exec_status != ExecutionStatus.RUNNING or endpoint.get_outcome() is not None
            if closed or endpoint.consumer_error is not None or endpoint._notify_event.is_set():
                raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")
            return endpoint
        raise InvalidToken("Invalid Token: 'Invalid token'")


def _child_description(child: Child, map_run_arn: str) -> DescribeExecutionOutput:
    details = CloudWatchEventsExecutionDataDetails(included=True)
    described = DescribeExecutionOutput(
        executionArn=child.arn,
        stateMachineArn=child.state_machine_arn,
        name=child.name,
        status=ExecutionStatus(child.status),
        startDate=child.start,
        input=text_of(child.input),
        inputDetails=details,
        mapRunArn=map_run_arn,
    )
    if child.stop is not None:
        described["stopDate"] = child.stop
    if child.status == "SUCCEEDED":
        described["output"], described["outputDetails"] = text_of(child.output), details
    if child.error is not None:
        described["error"] = child.error
    if child.cause is not None:
        described["cause"] = child.cause
    return described


def _child_item(child: Child, map_run_arn: str) -> ExecutionListItem:
    item = ExecutionListItem(
        executionArn=child.arn,
        stateMachineArn=child.state_machine_arn,
        name=child.name,
        status=ExecutionStatus(child.status),
        startDate=child.start,
        mapRunArn=map_run_arn,
        itemCount=child.item_count,
    )
    if child.stop is not None:
        item["stopDate"] = child.stop
    return item


def _check_name(name: str | None) -> None:
    if name is not None and (not 1 <= len(name) <= 80 or _BAD_IN_NAMES.search(name)):
        raise InvalidName(f"Invalid Name: '{name}'")


def _check_start(name: str | None, data: str | None) -> None:
    _check_name(name)
    if data is not None and not fits(data):
        raise InvalidExecutionInput(
            f"Invalid State Machine Execution Input: 'The input exceeds {MAX_BYTES} bytes'"
        )


def _too_long(member: str) -> str:
    return (
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
        f"Member must have length less than or equal to {MAX_BYTES}"
    )


def _token(position: int) -> str:
    return base64.b64encode(f"mdlc:{position}".encode()).decode()


def _position(token: str | None) -> int:
    if not token:
        return 0
    try:
        kind, _, position = base64.b64decode(token, validate=True).decode().partition(":")
        if kind == "mdlc":
            return int(position)
    except (ValueError, binascii.Error):
        pass
    raise InvalidToken("Invalid Token: 'Invalid token'")


_DATA = ("input", "output", "inputDetails", "outputDetails", "parameters")


def _without_data(event: Any) -> Any:
    return {
        name: {key: item for key, item in value.items() if key not in _DATA}
        if isinstance(value, dict)
        else value
        for name, value in event.items()
    }


def validate_definition(definition: str, static_analysers: list[Any]) -> None:
    """InvalidDefinition in AWS's form; the stock provider shows the exception of its parser."""
    try:
        for analyser in static_analysers:
            analyser.analyse(definition)
    except ASLParserException as error:
        details = "; ".join(error.errors) if error.errors else "The definition cannot be parsed"
        raise _invalid(details) from None
    except Exception as error:  # noqa: BLE001 (whatever an analyser trips over is the definition's fault)
        raise _invalid(str(error) or type(error).__name__) from None


def _invalid(details: str) -> InvalidDefinition:
    if not details.startswith("SCHEMA_VALIDATION_FAILED"):
        details = f"SCHEMA_VALIDATION_FAILED: {details}"
    return InvalidDefinition(f"Invalid State Machine Definition: '{details}'")


def install() -> None:
    replace(StepFunctionsProvider, "_validate_definition", staticmethod(validate_definition))
