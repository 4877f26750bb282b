"""How the engine ends: in order for a moment, then for certain.

LocalStack's own way joins thread pools, pollers and services one after the other and takes seconds once
Lambda was used. Nothing of an instance outlives it (its home directory is removed), so all that an orderly
end must do is to let the shutdown hooks run; what does not follow within `ORDERLY` seconds would only delay
the same end.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from mdlc_emulator.engine.process.handover import Handover
from mdlc_emulator.supervisor import host

LOG = logging.getLogger(__name__)

ORDERLY = 0.7
"""Seconds that shutdown hooks have."""

_begun = threading.Lock()


def install(handover: Handover) -> None:
    """Answer SIGTERM and SIGINT by ending, and end as well when the supervisor is gone. Main thread only."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: begin(signal.Signals(received).name))
    if handover.life is not None:
        threading.Thread(target=_end_with_supervisor, args=(handover,), name="life", daemon=True).start()


def begin(reason: str) -> None:
    """Start the end in a thread of its own; a second call changes nothing."""
    if _begun.acquire(blocking=False):
        threading.Thread(target=_end, args=(reason,), name="ending", daemon=True).start()


def exit_now(code: int) -> None:
    """End this process and everything below it, at once."""
    host.kill_descendants(os.getpid(), spare=frozenset(_spared))
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


_spared: set[int] = set()


def _end(reason: str) -> None:
    started = time.monotonic()
    LOG.info("Ending: %s", reason)
    orderly = threading.Thread(target=_run_hooks, name="ending-hooks", daemon=True)
    orderly.start()
    orderly.join(ORDERLY)
    LOG.info(
        "Ended %s after %.2f s", "at once" if orderly.is_alive() else "in order", time.monotonic() - started
    )
    exit_now(0)


def _run_hooks() -> None:
    from localstack.runtime import events, hooks

    events.infra_stopping.set()
    try:
        hooks.on_runtime_shutdown.run()
    except Exception:
        LOG.exception("A shutdown hook failed")


def _end_with_supervisor(handover: Handover) -> None:
    assert handover.life is not None
    with suppress(OSError):
        while os.read(handover.life, 1):
            pass
    # Nobody above is left to collect orphans and to remove the home directory: do both from here.
    host.become_subreaper()
    if handover.spec is not None:
        _leave_sweeper(handover.spec.dump())
    begin("the supervisor is gone")


def _leave_sweeper(spec: str) -> None:
    """A process that outlives this one only to remove its home directory."""
    read, write = os.pipe()
    directory = str(Path(host.__file__).parent)
    sweeper = subprocess.Popen(
        [sys.executable, "-I", "-S", directory, "sweep", spec, str(read)],
        pass_fds=(read,),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    _spared.add(sweeper.pid)
    os.close(read)
    # `write` stays open until this process is gone: that is what the sweeper waits for.
    _held.append(write)


_held: list[int] = []
