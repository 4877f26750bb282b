"""The engine's clock: calls come when they are due, in order, once."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.clock import ManualClock, RealClock


@given(st.lists(st.integers(0, 1000), max_size=30), st.integers(0, 1000))
def test_advancing_makes_every_call_that_is_due_in_order(dues: list[int], until: int) -> None:
    clock, made = ManualClock(), []
    for due in dues:
        clock.call_at(due, lambda due=due: made.append((due, clock.now())))
    clock.advance(until)
    assert made == [(due, due) for due in sorted(dues) if due <= until]
    assert clock.now() == until


def test_a_call_may_set_another_within_the_same_advance() -> None:
    clock, made = ManualClock(100.0), []

    def again() -> None:
        made.append(clock.now())
        if len(made) < 3:
            clock.call_at(clock.now() + 10, again)

    clock.call_at(110, again)
    clock.advance(100)
    assert made == [110, 120, 130]


def test_a_cancelled_timer_is_not_called() -> None:
    clock, made = ManualClock(), []
    clock.call_at(1, lambda: made.append("never")).cancel()
    clock.call_at(2, lambda: made.append("kept"))
    clock.advance(5)
    assert made == ["kept"]


def test_a_call_that_raises_does_not_stop_the_clock() -> None:
    clock, made = ManualClock(), []
    clock.call_at(1, lambda: 1 // 0)
    clock.call_at(2, lambda: made.append("after"))
    clock.advance(5)
    assert made == ["after"]


def test_the_real_clock_calls_in_order_of_due_times() -> None:
    clock, made, done = RealClock(), [], threading.Event()
    now = clock.now()
    clock.call_at(now + 0.2, done.set)
    clock.call_at(now + 0.1, lambda: made.append("second"))
    clock.call_at(now - 5, lambda: made.append("past"))
    assert done.wait(5)
    assert made == ["past", "second"]
    assert clock.now() >= now + 0.2
