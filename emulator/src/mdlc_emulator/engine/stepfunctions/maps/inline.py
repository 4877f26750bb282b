"""Inline Map states: iterations in a loop, in threads only where one of them can wait."""

from __future__ import annotations

import threading
from typing import Any

from localstack.services.stepfunctions.asl.component.state.state_choice.state_choice import StateChoice
from localstack.services.stepfunctions.asl.component.state.state_execution.state_map.iteration import (
    inline_iteration_component,
    iteration_worker,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_map.iteration.job import (
    JobPool,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_map.state_map import StateMap
from localstack.services.stepfunctions.asl.component.state.state_fail.state_fail import StateFail
from localstack.services.stepfunctions.asl.component.state.state_pass.state_pass import StatePass
from localstack.services.stepfunctions.asl.component.state.state_succeed.state_succeed import StateSucceed

from mdlc_emulator.engine.stepfunctions.patching import original, replace
from mdlc_emulator.engine.stepfunctions.stock import FailureEventException
from mdlc_emulator.engine.stepfunctions.values import text_of

# https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html: "up to 40 concurrent iterations"
MOST = 40
_NO_ARRAY = "Map state input must be an array but was: "
_INSTANT = (StatePass, StateChoice, StateSucceed, StateFail)


def install() -> None:
    replace(iteration_worker.IterationWorker, "_eval_pool", _work)
    replace(inline_iteration_component.InlineIterationComponent, "_eval_body", _iterate)
    replace(JobPool, "get_closed_jobs", _closed)
    execute = original(StateMap, "_eval_execution")

    def eval_execution(self: Any, env: Any) -> None:
        before = list(env.stack)
        try:
            execute(self, env)
        except FailureEventException as failure:
            _, cause = failure.extract_error_cause_pair() or (None, None)
            if not str(cause).startswith(_NO_ARRAY):
                raise
            # The stock text names the Python type; AWS shows the value.
            env.stack[:] = before
            if self.items_path:
                self.items_path.eval(env=env)
            details: Any = failure.failure_event.event_details
            details["evaluationFailedEventDetails"]["cause"] = _NO_ARRAY + text_of(env.stack.pop())
            raise

    replace(StateMap, "_eval_execution", eval_execution)


def is_instant(program: Any) -> bool:
    """Whether no state of `program` can wait: its iterations gain nothing from threads."""
    known: bool | None = getattr(program, "_mdlc_instant", None)
    if known is None:
        known = all(isinstance(state, _INSTANT) for state in program.states.states.values())
        program._mdlc_instant = known
    return known


def _closed(self: Any) -> list[Any]:
    with self._mutex:
        return sorted(self._closed_jobs, key=lambda job: job.job_index)


def _iterate(self: Any, env: Any) -> None:
    wanted = env.stack.pop()
    program = self._get_iteration_program()
    pool = JobPool(job_program=program, job_inputs=wanted.input_items)
    most = min(wanted.max_concurrency or MOST, MOST, len(wanted.input_items))
    if most <= 1 or is_instant(program):
        if wanted.input_items:
            self._create_worker(env=env, eval_input=wanted, job_pool=pool).eval()
    else:
        for _ in range(most):
            worker = self._create_worker(env=env, eval_input=wanted, job_pool=pool)
            threading.Thread(target=worker.eval, name="states-iteration", daemon=True).start()
    pool.await_jobs()
    failure = pool.get_worker_exception()
    if failure is not None:
        raise failure
    env.stack.append([job.job_output for job in pool.get_closed_jobs()])


def _work(self: Any, job: Any, worker_frame: Any) -> None:
    # The stock one calls itself for the next job: a thousand iterations overflow the stack.
    while job is not None:
        frame = worker_frame.open_inner_frame()
        self._eval_job(env=frame, job=job)
        worker_frame.close_frame(frame)
        failed = isinstance(job.job_output, Exception) or self.stopped()
        following = None if failed else self._job_pool.next_job()
        if following is None:
            if not failed:
                # Events that follow the state point at the last event of the last iteration.
                worker_frame.event_history_context.source_event_id = (
                    frame.event_history_context.last_published_event_id
                )
            # The frame is closed before the job: the Map state waits for jobs, not for workers.
            self._env.close_frame(worker_frame)
            self._job_pool.close_job(job)
            return
        self._job_pool.close_job(job)
        job = following
    self._env.close_frame(worker_frame)
