"""The life of an instance seen from above: start the engine, wait, end it, leave nothing behind."""

import os
import selectors
import signal
import sys
import time
from contextlib import suppress
from typing import NoReturn

from mdlc_emulator.supervisor import host
from mdlc_emulator.supervisor.spec import (
    LIFE_FD,
    LISTEN_FD,
    OWNER_FD,
    READY_FD,
    Spec,
    remove_record,
    write_record,
)

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
DETACH = b"d"
"""What an owner writes before it closes its pipe when the instance shall outlive it."""


def taken_fd(name: str) -> int | None:
    """The open file that the parent named by the variable `name`; the variable and its heirs are gone
    after."""
    value = os.environ.pop(name, None)
    if value is None:
        return None
    os.set_inheritable(int(value), False)
    return int(value)


def supervise(spec: Spec) -> int:
    """Run the engine that `spec.command` starts, until it ends or is told to; returns its exit code."""
    host.become_subreaper()
    owner = taken_fd(OWNER_FD)
    passed = {name: fd for name in (LISTEN_FD, READY_FD) if (fd := taken_fd(name)) is not None}
    life_read, life_write = os.pipe()
    watch = _Watch(owner)
    engine = os.fork()
    if engine == 0:
        _become_engine(spec, {**passed, LIFE_FD: life_read})
    for fd in (*passed.values(), life_read):
        os.close(fd)
    return _watch_over(spec, engine, watch, life_write)


def adopt(spec: Spec, engine: int) -> int:
    """Go on as the supervisor of an engine that this very process forked before it was executed anew."""
    watch = _Watch(taken_fd(OWNER_FD))
    return _watch_over(spec, engine, watch, taken_fd(LIFE_FD))


def _become_engine(spec: Spec, fds: dict[str, int]) -> NoReturn:
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (*ENDING_SIGNALS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        for name, fd in fds.items():
            os.set_inheritable(fd, True)
            os.environ[name] = str(fd)
        os.environ["MDLC_INSTANCE"] = spec.dump()
        os.execv(spec.command[0], spec.command)  # noqa: S606 - no shell wanted
    except OSError as error:
        print(
            f"The engine cannot be started: {spec.command[0]}: {error.strerror}.", file=sys.stderr, flush=True
        )
    os._exit(127)


class _Watch:
    """Signals and the owner's pipe, waited for together and without polling."""

    def __init__(self, owner: int | None) -> None:
        self.asked_to_end = 0
        self.owner = owner
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_write, False)
        os.set_blocking(self.wake_read, False)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        for number in ENDING_SIGNALS:
            signal.signal(number, self._on_end)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.wake_read, selectors.EVENT_READ)
        if owner is not None:
            self.selector.register(owner, selectors.EVENT_READ)

    def _on_end(self, *_: object) -> None:
        self.asked_to_end += 1

    def wait(self, seconds: float | None) -> None:
        for key, _ in self.selector.select(seconds):
            if key.fd == self.owner:
                word = os.read(key.fd, 1)
                self.selector.unregister(key.fd)
                os.close(key.fd)
                self.owner = None
                if word != DETACH:
                    self.asked_to_end += 1
            else:
                with suppress(BlockingIOError):
                    os.read(key.fd, 4096)


def _watch_over(spec: Spec, engine: int, watch: _Watch, life: int | None) -> int:
    me = os.getpid()
    write_record(spec, (engine, host.start_mark(engine)), (me, host.start_mark(me)), time.time())
    code = _until_engine_ends(spec, engine, watch)
    if life is not None:
        os.close(life)
    _reap_all()
    host.kill_strays(spec.home)
    from mdlc_emulator.supervisor.sweep import keep_log, remove_tree

    if not watch.asked_to_end:
        keep_log(spec.log, spec.kept_log)
    remove_tree(spec.home)
    remove_record(spec)
    return code if code >= 0 else 128 - code


def _until_engine_ends(spec: Spec, engine: int, watch: _Watch) -> int:
    signalled, deadline = 0, float("inf")
    while True:
        while (ended := _reap_one()) is not None:
            if ended[0] == engine:
                return ended[1]
        if watch.asked_to_end > signalled:
            # Asked once: in order. Asked again, or too slow: at once.
            number = signal.SIGTERM if signalled == 0 else signal.SIGKILL
            signalled = watch.asked_to_end
            deadline = min(deadline, time.monotonic() + spec.grace)
            with suppress(ProcessLookupError):
                os.kill(engine, number)
        left = deadline - time.monotonic()
        if left <= 0:
            print(f"The engine did not end within {spec.grace:g} s: killing it.", file=sys.stderr, flush=True)
            with suppress(ProcessLookupError):
                os.kill(engine, signal.SIGKILL)
            deadline = float("inf")
        watch.wait(None if deadline == float("inf") else max(left, 0.0))


def _reap_one() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None


def _reap_all() -> None:
    """Kill and reap whatever the engine left: function processes, zygotes, their children's children."""
    while True:
        host.kill_descendants(os.getpid())
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def sweep(spec: Spec, pipe: int) -> int:
    """Wait until the engine that holds the other end of `pipe` is gone, then remove what it leaves on
    disk."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    while os.read(pipe, 1):
        pass
    from mdlc_emulator.supervisor.sweep import keep_log, remove_tree

    keep_log(spec.log, spec.kept_log)
    remove_tree(spec.home)
    remove_record(spec)
    return 0
