"""How a child of the zygote becomes an execution environment: an init process and, below it, the runtime.

The init process stays as long as the environment. It reports when the runtime ends, takes everything the
runtime started with it, and starts the runtime anew when told to, in the same /tmp.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
DYING_SECONDS = 2.0

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(how: int = signal.SIGKILL) -> None:
    """Ask the kernel to send `how` when this process's parent ends (Linux; elsewhere the sockets tell)."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, how, 0, 0, 0)


def say(report: socket.socket, message: dict[str, Any], descriptor: int | None = None) -> None:
    """A line to the emulator, with a descriptor if there is one."""
    line = json.dumps(message).encode() + b"\n"
    if descriptor is None:
        report.sendall(line)
    else:
        report.sendmsg([line], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))])


def announce(report: socket.socket, message: dict[str, Any]) -> None:
    """Tell who we are; on Linux by a descriptor of this very process, so that nobody else is ever
    signalled."""
    if hasattr(os, "pidfd_open"):
        descriptor = os.pidfd_open(os.getpid())
        say(report, message, descriptor)
        os.close(descriptor)
    else:
        say(report, message)


class Init:
    """The first process of an environment."""

    def __init__(
        self, report: socket.socket, log: int, isolated: bool, become_user: Callable[[], object]
    ) -> None:
        self._report = report
        self._log = log
        self._isolated = isolated
        self._become_user = become_user
        self._generation = 0
        self._runtime: int | None = None

    def run(self) -> None:
        """Start runtimes and watch over them. Returns only in the process of a runtime, where the standard
        streams are in place and the function's user is set."""
        announce(self._report, {"init": os.getpid()})
        if sys.platform == "linux":
            _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.signal(signal.SIGTERM, self.terminate)
        waking, wake = os.pipe()
        os.set_blocking(waking, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        buffer = b""
        if self._fork([waking, wake]):
            return
        while True:
            sources: list[socket.socket | int] = [self._report, waking]
            ready: list[Any] = select.select(sources, [], [])[0]
            if waking in ready:
                while _drain(waking):
                    pass
                self._reap()
            if self._report in ready:
                data = self._report.recv(4096)
                if not data:
                    self.terminate()
                *commands, buffer = (buffer + data).split(b"\n")
                for command in commands:
                    if command == b"end":
                        self._end_all()
                    elif command == b"start" and self._fork([waking, wake]):
                        return

    def _fork(self, descriptors: list[int]) -> bool:
        """Start a runtime; True in its process."""
        self._generation += 1
        self._runtime = os.fork()
        if self._runtime:
            return False
        signal.set_wakeup_fd(-1)
        for name in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(name, signal.SIG_DFL)
        for descriptor in descriptors:
            os.close(descriptor)
        os.setsid()
        announce(self._report, {"runtime": os.getpid(), "generation": self._generation})
        self._report.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(self._log, 1)
        os.dup2(self._log, 2)
        os.close(nothing)
        os.close(self._log)
        self._become_user()
        die_with_parent()  # after the change of user, which takes it back
        return True

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._runtime:
                self._end_all()
                code = os.waitstatus_to_exitcode(status)
                say(self._report, {"exit": code, "generation": self._generation})

    def _end_all(self) -> None:
        """Kill everything but ourselves, and see it dead."""
        deadline = time.monotonic() + DYING_SECONDS
        while time.monotonic() < deadline:
            self._kill_all()
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                break
            time.sleep(0.001)
        self._runtime = None

    def _kill_all(self) -> None:
        if self._isolated:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            return
        # The kernel's list of children may miss some while others end: hence the repetition above.
        for pid in _descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._runtime is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._runtime, signal.SIGKILL)

    def terminate(self, *_: object) -> None:
        """End everything, ourselves last."""
        self._end_all()
        os._exit(0)


def _drain(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return b""


def _descendants(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        try:
            with open(f"/proc/{parent}/task/{parent}/children") as file:
                children = [int(word) for word in file.read().split()]
        except OSError:
            continue
        found += children
        waiting += children
    return found
