"""The end of a training program by SIGTERM: at once, also while a library computes.

The first process of a container ignores signals it has no handler for, and Python's handlers wait for the
interpreter; so a thread waits for the signal instead.
"""

import os
import signal
import threading
from collections.abc import Callable

_last_deeds: list[Callable[[], None]] = []


def on_stop(call: Callable[[], None]) -> None:
    """Call `call` when SIGTERM comes; the job then ends as a success with what is in the model directory."""
    if call not in _last_deeds:
        _last_deeds.append(call)


def watch() -> None:
    """Begin to wait. Called once, before other threads are started."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    signal.sigwait({signal.SIGTERM})
    code = 0 if _last_deeds else 128 + signal.SIGTERM
    try:
        for call in _last_deeds:
            call()
    finally:
        os._exit(code)
