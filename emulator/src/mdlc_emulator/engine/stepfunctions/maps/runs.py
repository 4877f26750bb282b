"""Distributed Map states: a Map Run of child executions, its tolerance for failures, and what it writes to
S3.

The stock interpreter counts failures but never acts on them, ignores batches, and writes an empty manifest.
"""

from __future__ import annotations

import datetime
import threading
import uuid
from typing import Any

from botocore.exceptions import ClientError
from localstack.aws.api.stepfunctions import (
    MapRunFailedEventDetails,
    MapRunStartedEventDetails,
    MapRunStatus,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_map.iteration import (
    distributed_iteration_component,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_map.result_writer.resource_eval import (  # noqa: E501
    resource_eval_s3,
)
from localstack.services.stepfunctions.asl.eval.event.event_manager import EventHistoryContext
from localstack.services.stepfunctions.asl.eval.variable_store import VariableStore

from mdlc_emulator.engine.stepfunctions.ending import publish_end, publish_start
from mdlc_emulator.engine.stepfunctions.failures import map_run_failure
from mdlc_emulator.engine.stepfunctions.interpreter import timestamp
from mdlc_emulator.engine.stepfunctions.maps.batches import batch_input, batches
from mdlc_emulator.engine.stepfunctions.maps.inline import is_instant
from mdlc_emulator.engine.stepfunctions.maps.reading import read_items
from mdlc_emulator.engine.stepfunctions.maps.results import Child, files, transformed
from mdlc_emulator.engine.stepfunctions.maps.settings import Settings
from mdlc_emulator.engine.stepfunctions.maps.templates import evaluated, value_of
from mdlc_emulator.engine.stepfunctions.patching import replace
from mdlc_emulator.engine.stepfunctions.stock import (
    EventDetails,
    EventManager,
    FailureEventException,
    HistoryEventType,
    ProgramEnded,
    ProgramError,
    ProgramStopped,
    ProgramTimedOut,
    StatesErrorNameType,
)
from mdlc_emulator.engine.stepfunctions.values import text_of

# Child executions that run at the same time; AWS allows ten thousand, a machine as many threads as it can
# bear.
MOST = 200


def install() -> None:
    replace(distributed_iteration_component.DistributedIterationComponent, "_eval_body", _run)
    replace(resource_eval_s3.ResourceEvalS3, "_handle_put_object", staticmethod(_write))


def _run(self: Any, env: Any) -> None:
    wanted = env.stack.pop()
    record = wanted.map_run_record
    record.children = []
    settings: Settings = getattr(self, "mdlc_settings", None) or Settings(wanted.state_name, jsonata=False)
    record.settings = settings
    _publish(
        env,
        HistoryEventType.MapRunStarted,
        mapRunStartedEventDetails=MapRunStartedEventDetails(mapRunArn=record.map_run_arn),
    )
    try:
        reader = wanted.item_reader
        items = read_items(env, reader, settings) if reader else wanted.input_items
        jobs = _jobs(env, wanted, settings, items)
        _Pool(self, env, record, jobs).run()
    except FailureEventException as failure:
        error, cause = failure.extract_error_cause_pair() or (None, None)
        details = {key: text for key, text in (("error", error), ("cause", cause)) if text}
        _publish(
            env,
            HistoryEventType.MapRunFailed,
            mapRunFailedEventDetails=MapRunFailedEventDetails(**details),  # type: ignore[typeddict-item]
        )
        record.set_stop(status=MapRunStatus.FAILED)
        raise
    if not env.is_running():
        record.set_stop(status=MapRunStatus.ABORTED)
        return
    _publish(env, HistoryEventType.MapRunSucceeded)
    record.set_stop(status=MapRunStatus.SUCCEEDED)
    done = [child for child in record.children if child.status == "SUCCEEDED"]
    transformation = settings.writer.get("Transformation", "NONE")
    env.stack.append(transformed(done, "COMPACT" if transformation == "NONE" else transformation))


def _publish(env: Any, kind: Any, **details: Any) -> None:
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=kind,
        event_details=EventDetails(**details) if details else None,  # type: ignore[typeddict-item]
    )


def _jobs(env: Any, wanted: Any, settings: Settings, items: list[Any]) -> list[tuple[Any, int]]:
    """(input, number of items) of every child execution: items selected one by one, then batched."""
    selector = wanted.item_selector or wanted.parameters
    if selector is not None:
        whole = env.stack[-1] if env.stack else env.states.get_input()
        items = [_selected(env, selector, whole, index, item) for index, item in enumerate(items)]
    batcher = settings.batcher
    if batcher is None:
        return [(item, 1) for item in items]
    where = "ItemBatcher"
    most = value_of(env, settings, batcher, "MaxItemsPerBatch", where)
    most_bytes = value_of(env, settings, batcher, "MaxInputBytesPerBatch", where)
    common = None
    if "BatchInput" in batcher:
        common = evaluated(env, batcher["BatchInput"], settings.jsonata, f"{where}/BatchInput")
    try:
        groups = batches(items, int(most) if most else None, int(most_bytes) if most_bytes else None)
    except ValueError as error:
        raise map_run_failure(env, StatesErrorNameType.StatesItemReaderFailed, str(error)) from None
    return [(batch_input(group, common), len(group)) for group in groups]


def _selected(env: Any, selector: Any, whole: Any, index: int, item: Any) -> Any:
    frame = env.open_inner_frame()
    try:
        frame.states.context_object.context_object_data["Map"] = {"Item": {"Index": index, "Value": item}}
        frame.states.reset(input_value=whole)
        frame.stack.append(frame.states.get_input())
        selector.eval(frame)
        return frame.stack.pop()
    finally:
        env.delete_frame(frame)


class _Pool:
    """The child executions of one Map Run, a few at a time."""

    def __init__(self, component: Any, env: Any, record: Any, jobs: list[tuple[Any, int]]) -> None:
        self._env = env
        self._record = record
        self._program = component._get_iteration_program()
        self._lock = threading.Lock()
        self._waiting = iter(enumerate(jobs))
        self._running: set[Any] = set()
        self._exceeded = False
        self._children: list[Child | None] = [None] * len(jobs)
        self._items = sum(count for _, count in jobs)
        record.item_counter.total.count(self._items)
        record.item_counter.pending.count(self._items)
        record.execution_counter.total.count(len(jobs))
        record.execution_counter.pending.count(len(jobs))

    def run(self) -> None:
        """Raises States.ExceedToleratedFailureThreshold."""
        most = min(self._record.max_concurrency or MOST, MOST, len(self._children))
        if most <= 1 or is_instant(self._program):
            self._work()
        else:
            threads = [
                threading.Thread(target=self._work, name="states-child", daemon=True) for _ in range(most)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if self._exceeded and self._env.is_running():
            raise map_run_failure(
                self._env,
                StatesErrorNameType.StatesExceedToleratedFailureThreshold,
                "The specified tolerated failure threshold was exceeded",
            )

    def _work(self) -> None:
        while self._env.is_running() and not self._exceeded:
            with self._lock:
                job = next(self._waiting, None)
            if job is None:
                return
            index, (data, count) = job
            self._child(index, data, count)

    def _child(self, index: int, data: Any, count: int) -> None:
        record = self._record
        name = str(uuid.uuid4())
        machine = record.map_state_machine_arn
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        child = Child(arn, name, machine, data, count, datetime.datetime.now(tz=datetime.UTC))
        frame = self._frame(child)
        with self._lock:
            self._children[index] = child
            record.children = [known for known in self._children if known is not None]
            self._running.add(frame)
        for counter, number in ((record.item_counter, count), (record.execution_counter, 1)):
            counter.pending.offset(-number)
            counter.running.count(number)
        frame.states.reset(input_value=data)
        self._program.eval(frame)
        self._conclude(child, frame, count)
        with self._lock:
            self._running.discard(frame)
            self._env.delete_frame(frame)
        self._tolerate()

    def _frame(self, child: Child) -> Any:
        """The child's environment: an execution of its own, with a history of its own and without
        variables."""
        env = self._env
        with env._state_mutex:
            frame = env.as_inner_frame_of(env=env, variable_store=VariableStore())
            env._frames.append(frame)
        context = frame.states.context_object.context_object_data
        context["Execution"] = {
            **context["Execution"],
            "Id": child.arn,
            "Input": child.input,
            "Name": child.name,
            "StartTime": timestamp(),
        }
        context["StateMachine"] = {
            "Id": child.state_machine_arn,
            "Name": child.state_machine_arn.partition(":stateMachine:")[2],
        }
        frame.event_manager = EventManager()
        frame.event_history_context = EventHistoryContext.of_program_start()
        child.history = frame.event_manager._history_event_list
        publish_start(frame, child.input, frame.aws_execution_details.role_arn)
        return frame

    def _conclude(self, child: Child, frame: Any, count: int) -> None:
        state = frame.program_state()
        publish_end(frame)
        child.stop = datetime.datetime.now(tz=datetime.UTC)
        match state:
            case ProgramEnded():
                child.status, child.output = "SUCCEEDED", frame.states.get_input()
            case ProgramError():
                child.status = "FAILED"
                error = state.error or {}
                child.error, child.cause = error.get("error"), error.get("cause")
            case ProgramTimedOut():
                child.status, child.error = "TIMED_OUT", "States.Timeout"
            case ProgramStopped():
                child.status = "ABORTED"
        kind = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timed_out"}.get(
            child.status, "aborted"
        )
        for counter, number in ((self._record.item_counter, count), (self._record.execution_counter, 1)):
            counter.running.offset(-number)
            getattr(counter, kind).count(number)

    def _tolerate(self) -> None:
        """Stop everything once more items have failed than the Map Run bears."""
        record = self._record
        failed = record.item_counter.failed.get() + record.item_counter.timed_out.get()
        if not failed:
            return
        count, percentage = record.tolerated_failure_count or 0, record.tolerated_failure_percentage or 0
        # A threshold that is not given does not count, unless neither is: then nothing is tolerated.
        beyond = (count > 0 and failed > count) or (
            percentage > 0 and 100 * failed > percentage * self._items
        )
        if beyond or (count <= 0 and percentage <= 0):
            with self._lock:
                self._exceeded = True
                running = list(self._running)
            for frame in running:
                frame.set_stop(stop_date=datetime.datetime.now(tz=datetime.UTC), cause=None, error=None)


def _write(env: Any, resource_runtime_part: Any, state_credentials: Any) -> None:
    parameters = env.stack.pop()
    env.stack.pop()
    record = env.map_run_record_pool_manager.get_all()[-1]
    writer = record.settings.writer
    prefix = parameters.get("Prefix") or ""
    folder = (
        f"{prefix}{'/' if prefix and not prefix.endswith('/') else ''}{record.map_run_arn.split(':')[-1]}/"
    )
    contents, listed = files(
        record.children, folder, writer.get("Transformation", "NONE"), writer.get("OutputType", "JSON")
    )
    manifest = {
        "DestinationBucket": parameters["Bucket"],
        "MapRunArn": record.map_run_arn,
        "ResultFiles": listed,
    }
    contents[f"{folder}manifest.json"] = text_of(manifest).encode()
    client = resource_eval_s3.ResourceEvalS3._get_s3_client(
        resource_runtime_part=resource_runtime_part, state_credentials=state_credentials
    )
    try:
        for key, content in contents.items():
            client.put_object(Bucket=parameters["Bucket"], Key=key, Body=content)
    except ClientError as error:
        cause = f"{error.response['Error'].get('Message', '')} (Service: Amazon S3)"
        raise map_run_failure(env, StatesErrorNameType.StatesResultWriterFailed, cause) from None
    written = sum(child.item_count for child in record.children)
    record.item_counter.results_written.count(written)
    record.execution_counter.results_written.count(len(record.children))
    env.stack.append(
        {
            "MapRunArn": record.map_run_arn,
            "ResultWriterDetails": {"Bucket": parameters["Bucket"], "Key": f"{folder}manifest.json"},
        }
    )
