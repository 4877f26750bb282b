"""Waiting that ends at once when the execution does.

Every environment (an execution, a branch, an iteration, an attempt of a task) has a `Halt`: raised when it
stops running, for whatever reason, and then for good. Waits of the language (Wait, Retry, TimeoutSeconds) go
by the engine's clock, so that a clock moved by hand drives them; polling of other services goes by real time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.stepfunctions.patching import original, replace, replaces
from mdlc_emulator.engine.stepfunctions.stock import Environment


class Halt:
    """Raised once; tells whoever listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self.raised = False

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` when this is raised; at once when it already is."""
        with self._lock:
            if not self.raised:
                self._listeners.append(listener)
                return
        listener()

    def ignore(self, listener: Callable[[], None]) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def raise_(self) -> None:
        with self._lock:
            if self.raised:
                return
            self.raised = True
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener()


def halt_of(env: Any) -> Halt:
    halt: Halt = env._mdlc_halt
    return halt


def pause(env: Any, seconds: float) -> bool:
    """Wait `seconds` by the engine's clock; False, at once, when `env` stops running."""
    if seconds <= 0:
        return not halt_of(env).raised
    return _wait(env, seconds, lambda wake: None)


def poll_pause(env: Any, seconds: float) -> bool:
    """Wait `seconds` of real time; False, at once, when `env` stops running."""
    woken = threading.Event()
    halt = halt_of(env)
    halt.listen(woken.set)
    woken.wait(seconds)
    halt.ignore(woken.set)
    return not halt.raised


def within(env: Any, seconds: float, work: Callable[[], None]) -> bool:
    """Run `work` in a thread of its own; whether it ended within `seconds` and before `env` stopped running.

    What does not end is left to itself: nothing waits for it and it cannot change the execution any more.
    """
    done = threading.Event()

    def start(wake: threading.Event) -> None:
        def run() -> None:
            try:
                work()
            finally:
                done.set()
                wake.set()

        threading.Thread(target=run, name="states-task", daemon=True).start()

    _wait(env, seconds, start)
    return done.is_set()


def _wait(env: Any, seconds: float, start: Callable[[threading.Event], None]) -> bool:
    woken = threading.Event()
    halt = halt_of(env)
    timer = clock.call_at(clock.now() + seconds, woken.set)
    halt.listen(woken.set)
    start(woken)
    woken.wait()
    timer.cancel()
    halt.ignore(woken.set)
    return not halt.raised


def install() -> None:
    construct = original(Environment, "__init__")

    @replaces(Environment, "__init__")
    def initialise(self: Any, *args: Any, **named: Any) -> None:
        self._mdlc_halt = Halt()
        construct(self, *args, **named)

    open_frame = original(Environment, "as_inner_frame_of")

    def as_inner_frame_of(cls: Any, env: Any, *args: Any, **named: Any) -> Any:
        frame = open_frame.__func__(cls, env, *args, **named)
        if not frame.is_running():
            frame._mdlc_halt.raise_()
        if hasattr(env, "_mdlc_entered"):
            frame._mdlc_entered = env._mdlc_entered
        return frame

    replace(Environment, "as_inner_frame_of", classmethod(as_inner_frame_of))

    for name in ("set_ended", "set_error", "set_timed_out", "set_stop"):
        _raise_after(name)


def _raise_after(name: str) -> None:
    change = original(Environment, name)

    def changed(self: Any, *args: Any, **named: Any) -> None:
        change(self, *args, **named)
        if not self.is_running():
            self._mdlc_halt.raise_()
            if self.callback_pool_manager is not None and name != "set_ended" and not self.is_frame():
                for endpoint in list(self.callback_pool_manager._pool.values()):
                    endpoint.interrupt_all()

    changed.__name__ = name
    replace(Environment, name, changed)
