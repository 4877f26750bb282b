"""The one place where tests wait: for a condition, never for a time."""

import threading
import time
from collections.abc import Callable

_PACE = threading.Event()
longest = float("inf")
"""No condition is waited for longer: tests of the tests, most of which shall fail, lower it."""


def eventually[T](condition: Callable[[], T], *, within: float = 20.0, every: float = 0.05) -> T:
    """The first truthy value of `condition`, asked every `every` seconds; an AssertionError that shows
    the last value once `within` seconds have passed. An AssertionError of the condition means "not yet"."""
    within = min(within, longest)
    deadline = time.monotonic() + within
    last: object = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except AssertionError as error:
            last = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"Still not so after {within} s; last seen: {last!r}")
        _PACE.wait(every)
