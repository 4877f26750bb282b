"""One generation of an environment's processes: started by a zygote, watched by descriptors, killed as a whole."""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import signal
import socket
from typing import Any

from mdlc_emulator.engine.functions import memory
from mdlc_emulator.engine.functions.runtime_server import Poller
from mdlc_emulator.engine.functions.zygotes import Zygote

LOG_PIPE_BYTES = 1 << 20
LOG_KEPT_BYTES = 64 << 20
F_SETPIPE_SZ = 1031


class RuntimeProcess:
    """The runtime of one environment, with everything it started.

    After each `Poller.step`: `exit_status` (None while it runs; negative for a signal, as in subprocess), `failed`
    (why it could not be set up), `log` (what it has written since it was last taken).
    """

    def __init__(self, poller: Poller, zygote: Zygote, request: dict[str, Any]) -> None:
        self._poller = poller
        self.exit_status: int | None = None
        self.failed: str | None = None
        self.log = bytearray()
        self._log_lost = 0
        self._isolated = zygote.facts().sandbox != "none"
        self._init: int | None = None  # descriptors of the processes themselves, where the system has them
        self._init_pid: int | None = None
        self._runtime_pid: int | None = None
        self._descriptors: list[int] = []
        self._report, theirs = socket.socketpair()
        self._buffer = b""
        self._log_end, log_start = os.pipe()
        os.set_blocking(self._log_end, False)
        if memory.LINUX:
            import fcntl

            with contextlib.suppress(OSError):
                fcntl.fcntl(self._log_end, F_SETPIPE_SZ, LOG_PIPE_BYTES)
        poller.watch(self._report.fileno(), self._on_report)
        poller.watch(self._log_end, self._on_log)
        try:
            zygote.spawn(request, theirs, log_start)
        except OSError:
            self.exit_status = -signal.SIGKILL
        finally:
            theirs.close()
            os.close(log_start)

    @property
    def alive(self) -> bool:
        return self.exit_status is None and self.failed is None

    def memory(self) -> int:
        """Bytes resident now in all processes of the environment."""
        return memory.resident(memory.descendants(self._init_pid)) if self._init_pid and memory.LINUX else 0

    def peak(self) -> int:
        """The most bytes the runtime's own process ever held."""
        return memory.peak(self._runtime_pid) if self._runtime_pid and memory.LINUX else 0

    def take_log(self) -> str:
        """What the processes have written since the last call."""
        self._on_log(select.POLLIN)
        text = self.log.decode("utf-8", "replace")
        self.log.clear()
        if self._log_lost:
            text += (
                f"\n[{self._log_lost} bytes of log were dropped: over {LOG_KEPT_BYTES} in one invocation]\n"
            )
            self._log_lost = 0
        return text

    def kill(self) -> None:
        """End all processes at once; nothing is waited for."""
        if self.exit_status is None:
            self.exit_status = -signal.SIGKILL
        if self._isolated and self._init is not None:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)
        elif self._init_pid is not None:
            # Without a process namespace the init process itself takes its descendants down.
            with contextlib.suppress(OSError):
                os.kill(self._init_pid, signal.SIGTERM)

    def close(self) -> None:
        """Kill, and give all descriptors back."""
        self.kill()
        for descriptor in (self._report.fileno(), self._log_end):
            if descriptor >= 0:
                self._poller.forget(descriptor)
        if self._log_end >= 0:
            os.close(self._log_end)
            self._log_end = -1
        self._report.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        self._init = None
        self._init_pid = self._runtime_pid = None

    def _on_log(self, _events: int) -> None:
        while self._log_end >= 0:
            try:
                data = os.read(self._log_end, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                self._poller.forget(self._log_end)
                os.close(self._log_end)
                self._log_end = -1
                return
            if len(self.log) < LOG_KEPT_BYTES:
                self.log += data
            else:
                self._log_lost += len(data)

    def _on_report(self, _events: int) -> None:
        try:
            data, ancillary, _, _ = self._report.recvmsg(1 << 16, socket.CMSG_SPACE(16))
        except OSError:
            data, ancillary = b"", []
        arrived = array.array("i")
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                arrived.frombytes(content[: len(content) - len(content) % arrived.itemsize])
        self._descriptors += arrived
        if not data:
            self._poller.forget(self._report.fileno())
            if self.alive:
                self.exit_status = -signal.SIGKILL
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        own = list(arrived)
        for line in lines:
            self._understand(json.loads(line), own)

    def _understand(self, said: dict[str, Any], arrived: list[int]) -> None:
        if "exit" in said:
            if self.exit_status is None:
                self.exit_status = said["exit"]
        elif "failed" in said:
            self.failed = said["failed"]
        else:
            descriptor = arrived.pop(0) if arrived else None
            role = "init" if "init" in said else "runtime"
            pid = _host_pid(descriptor) if descriptor is not None else said[role]
            if role == "init":
                self._init, self._init_pid = descriptor, pid
            else:
                self._runtime_pid = pid


def _host_pid(descriptor: int) -> int | None:
    """The number that this process would use for the process behind a pidfd; None if it is gone."""
    with open(f"/proc/self/fdinfo/{descriptor}") as file:
        for line in file:
            if line.startswith("Pid:"):
                pid = int(line[4:])
                return pid if pid > 0 else None
    return None
