"""One execution environment: a runtime, its Runtime API, its limits. Knows nothing of LocalStack."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from mdlc_emulator.engine.functions.runtime_process import RuntimeProcess
from mdlc_emulator.engine.functions.runtime_server import Answer, Event, Poller, RuntimeServer

RESPONSE_LIMIT = 6_291_556
"""Bytes of a response: 6 MiB and 100 bytes."""
FILL_RATE = 1 << 30
"""Bytes a second that a function is thought to take at most: how soon the memory limit is looked at again."""
SHORTEST_WATCH = 0.01
LONGEST_WATCH = 0.1
CLOSE_SECONDS = 2.0
PARTING_SECONDS = 0.5

Kind = Literal[
    "ready", "answer", "init_error", "exit", "timeout", "out_of_memory", "entrypoint", "refused", "stopped"
]


class EntrypointError(Exception):
    """The function's package has no program that could be started; the message is Lambda's."""


@dataclass(slots=True)
class Outcome:
    """How a phase ended, after how many `seconds`; `in_init` if that was while init was run again.

    By kind there is more: `answer` for answer and init_error (what the runtime said), `status` for exit
    (negative for a signal), `reason` for entrypoint and refused.
    """

    kind: Kind
    seconds: float
    answer: Answer | None = None
    status: int = 0
    reason: str = ""
    in_init: bool = False


class Environment:
    """Runs one invocation at a time. Calls may come from any thread; `close` interrupts."""

    def __init__(self, spawn: Callable[[Poller, str], RuntimeProcess], memory_limit: int) -> None:
        """`spawn(poller, runtime API address)` starts the processes; `memory_limit` in bytes."""
        self._spawn = spawn
        self._limit = memory_limit
        self._poller = Poller()
        self._server = RuntimeServer(self._poller, RESPONSE_LIMIT)
        self._process: RuntimeProcess | None = None
        self._lock = threading.Lock()  # held by whoever uses the descriptors
        self._stopped = False
        self._ready = False
        self.peak = 0
        """Bytes: the most memory seen so far in this generation of processes."""

    @property
    def ready(self) -> bool:
        """Whether init is done and the runtime has not been seen to end."""
        return self._ready

    def start(self, timeout: float) -> Outcome:
        """The init phase, in new processes."""
        with self._lock, self._disposing():
            return self._init(time.monotonic() + timeout)

    def invoke(self, event: Event, timeout: float) -> Outcome:
        """Run `event`; a runtime that is gone or never was ready is initialized first, within `timeout`."""
        with self._lock, self._disposing():
            began = time.monotonic()
            deadline = began + timeout
            process = self._waiting_runtime(deadline)
            if process is None:
                outcome = self._init(deadline)
                if outcome.kind != "ready":
                    outcome.in_init = True
                    return outcome
                process = self._process
                assert process is not None
            self._server.deliver(event)
            outcome = self._run(process, deadline, lambda: self._server.answer is not None)
            if outcome.kind == "ready":
                outcome.kind = "answer"
                outcome.answer = self._server.answer
                if outcome.answer is not None and outcome.answer.size > RESPONSE_LIMIT:
                    self._part_from(process)
            outcome.seconds = time.monotonic() - began
            return outcome

    def _waiting_runtime(self, deadline: float) -> RuntimeProcess | None:
        """The runtime that asks for its next event, if there is one. One that has answered its last event may
        be about to ask, or about to end."""
        process = self._process
        if not self._ready or process is None:
            return None
        self._poller.step(0)
        if not self._server.ready and process.exit_status is None:
            self._pump(process, deadline, lambda: self._server.ready)
        return process if process.exit_status is None and not self._stopped else None

    def _part_from(self, process: RuntimeProcess) -> None:
        """Give a runtime whose answer was refused the time to say so in its log, and end it."""
        deadline = time.monotonic() + PARTING_SECONDS
        self._pump(process, deadline, lambda: self._server.ready)
        self._ready = False
        process.end()

    def take_log(self) -> str:
        """What was written since the last call."""
        process = self._process
        return process.take_log() if process is not None else ""

    def discard(self) -> None:
        """End all processes; the next invocation starts new ones, on the code as it is then."""
        with self._lock:
            self._ready = False
            self._server.reset()
            if self._process is not None:
                self._process.close()
                self._process = None

    def interrupt(self) -> None:
        """Whatever runs shall end as `stopped` as soon as its processes do; `close` is still to come."""
        self._stopped = True

    def close(self) -> None:
        """End everything, for good. What runs is interrupted and ends as `stopped`."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()
        if self._lock.acquire(timeout=CLOSE_SECONDS):  # else whoever holds it disposes of all when done
            try:
                self._dispose()
            finally:
                self._lock.release()

    @contextmanager
    def _disposing(self) -> Iterator[None]:
        """Dispose of everything at the end of the block if the environment was closed meanwhile."""
        try:
            yield
        finally:
            if self._stopped:
                self._dispose()

    def _dispose(self) -> None:
        self._ready = False
        if self._process is not None:
            self._process.close()
            self._process = None
        self._server.close()

    def _renew(self) -> RuntimeProcess:
        """A new runtime: below the same init process, so with the same /tmp, if that one is still there."""
        self._ready = False
        self._server.reset()
        process = self._process
        if process is not None and not process.gone and process.failed is None:
            process.restart()
        if process is None or process.gone or process.failed is not None:
            if process is not None:
                process.close()
            process = self._process = self._spawn(self._poller, self._server.address)
        return process

    def _init(self, deadline: float) -> Outcome:
        began = time.monotonic()
        if self._stopped:
            return Outcome("stopped", 0.0)
        self.peak = 0
        try:
            process = self._renew()
        except EntrypointError as error:
            return Outcome("entrypoint", time.monotonic() - began, reason=str(error))
        outcome = self._run(process, deadline, lambda: self._server.ready)
        self._ready = outcome.kind == "ready"
        outcome.seconds = time.monotonic() - began
        return outcome

    def _run(self, process: RuntimeProcess, deadline: float, done: Callable[[], bool]) -> Outcome:
        """Let things happen until `done`, or until the phase ends otherwise; then the processes are ended."""
        outcome = self._pump(process, deadline, done)
        self.peak = max(self.peak, process.peak())
        if self.peak > self._limit and outcome.kind not in ("stopped", "refused"):
            outcome = Outcome("out_of_memory", 0.0)
        if outcome.kind != "ready":
            self._ready = False
            process.end()
        return outcome

    def _pump(self, process: RuntimeProcess, deadline: float, done: Callable[[], bool]) -> Outcome:
        server, poller = self._server, self._poller
        watch = time.monotonic() + SHORTEST_WATCH
        while True:
            if done():
                return Outcome("ready", 0.0)
            if server.init_error is not None:
                return Outcome("init_error", 0.0, server.init_error)
            if self._stopped:
                return Outcome("stopped", 0.0)
            if process.failed is not None:
                return Outcome("refused", 0.0, reason=process.failed)
            if process.exit_status is not None:
                return Outcome("exit", 0.0, status=process.exit_status)
            now = time.monotonic()
            if now >= deadline:
                return Outcome("timeout", 0.0)
            if now >= watch:
                used = process.memory()
                self.peak = max(self.peak, used)
                if used > self._limit:
                    return Outcome("out_of_memory", 0.0)
                room = (self._limit - used) / FILL_RATE
                watch = now + min(max(room, SHORTEST_WATCH), LONGEST_WATCH)
            poller.step(min(deadline, watch) - now)
