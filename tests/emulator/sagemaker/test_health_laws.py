"""When failed pings are the end of a server, as laws about servers of one thread; no server runs here."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.sagemaker.servers.health import (
    BUSY,
    EVERY,
    FAILURES,
    PING_SECONDS,
    Ping,
    Pulse,
)

LONGEST = 60.0
"""Seconds that an invocation may last."""


def given_up(spans: list[tuple[float, float]], until: float, *, first: float = 0.0) -> float | None:
    """When a server is given up that does nothing else in the `spans` of its invocations, in order and apart;
    None when it is not before `until`."""
    pulse, sent = Pulse(), first
    while sent < until:
        free = next((end for begin, end in spans if begin <= sent < end), sent)
        # What begins at the moment at which it is free comes first.
        for begin, end in spans:
            if begin == free:
                free = end
        silent = free - sent > PING_SECONDS
        over = sent + PING_SECONDS if silent else free
        heard = max((end for _, end in spans if end <= over), default=0.0)
        busy = any(begin <= over and end > sent for begin, end in spans)
        if pulse.take(Ping(sent, "late" if silent else "", silent), over, heard=heard, busy=busy):
            return over
        sent += EVERY
    return None


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0.01, LONGEST)), max_size=12), st.floats(0, EVERY))
def test_a_server_that_answers_in_time_is_never_given_up(
    work: list[tuple[float, float]], first: float
) -> None:
    spans, now = [], 0.0
    for pause, length in work:
        spans.append((now + pause, now + pause + length))
        now += pause + length
    assert given_up(spans, now + 100, first=first) is None


@given(st.floats(0, 200), st.floats(0, EVERY))
def test_a_server_that_hangs_in_an_invocation_is_given_up_soon_after_its_time(
    begin: float, first: float
) -> None:
    over = given_up([(begin, float("inf"))], 1000, first=first)
    assert over is not None
    assert LONGEST <= over - begin <= BUSY + 2 * (EVERY + PING_SECONDS)


@given(st.lists(st.sampled_from(["", "/ping answered 500"]), max_size=30), st.booleans())
def test_what_answers_wrongly_so_many_times_in_a_row_is_given_up_busy_or_not(
    answers: list[str], busy: bool
) -> None:
    pulse, row = Pulse(), 0
    for number, wrong in enumerate(answers):
        row = row + 1 if wrong else 0
        assert pulse.take(Ping(number, wrong), number, heard=number, busy=busy) == (row >= FAILURES)


@given(st.integers(1, 10))
def test_an_idle_server_that_is_silent_is_given_up_at_the_last_ping_of_the_row(number: int) -> None:
    pulse = Pulse()
    found = [
        pulse.take(Ping(7 * n, "late", silent=True), 7 * n + 2, heard=0, busy=False) for n in range(number)
    ]
    assert found == [n >= FAILURES - 1 for n in range(number)]
