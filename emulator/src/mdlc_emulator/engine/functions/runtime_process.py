"""The processes of one environment: started by a zygote, watched by descriptors, ended as a whole."""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import signal
import socket
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.functions import memory
from mdlc_emulator.engine.functions.runtime_server import Poller
from mdlc_emulator.engine.functions.zygotes import Zygote

LOG_PIPE_BYTES = 1 << 20
LOG_KEPT_BYTES = 64 << 20
F_SETPIPE_SZ = 1031


class RuntimeProcess:
    """A runtime with everything it started, below an init process that stays when the runtime is replaced.

    After each `Poller.step`: `exit_status` (None while the runtime runs; negative for a signal, as in
    subprocess), `failed` (why it could not be set up), `gone` (the init process too has ended).
    """

    def __init__(self, poller: Poller, zygote: Zygote, request: dict[str, Any]) -> None:
        self._poller = poller
        self.exit_status: int | None = None
        self.failed: str | None = None
        self.gone = False
        self._log = bytearray()
        self._log_lost = 0
        self._isolated = zygote.facts().sandbox != "none"
        self._generation = 1
        self._init: int | None = None  # descriptors of the processes themselves, where the system has them
        self._init_pid: int | None = None
        self._runtime: int | None = None
        self._runtime_pid: int | None = None
        self._buffer = b""
        self._report, theirs = socket.socketpair()
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
            self._lost()
        finally:
            theirs.close()
            os.close(log_start)

    def memory(self) -> int:
        """Bytes resident now in all processes of the environment but its init. None are counted before the
        runtime has come up: what still ends then belongs to its predecessor."""
        if self._init_pid is None or self._runtime_pid is None or not memory.LINUX:
            return 0
        return memory.resident(memory.descendants(self._init_pid))

    def peak(self) -> int:
        """The most bytes the runtime's own process ever held."""
        return memory.peak(self._runtime_pid) if self._runtime_pid and memory.LINUX else 0

    def take_log(self) -> str:
        """What the processes have written since the last call."""
        self._on_log(select.POLLIN)
        text = self._log.decode("utf-8", "replace")
        self._log.clear()
        if self._log_lost:
            text += f"\n[{self._log_lost} bytes of log were dropped: over {LOG_KEPT_BYTES} in one call]\n"
            self._log_lost = 0
        return text

    def end(self) -> None:
        """Kill the runtime and all it started; the environment's /tmp stays. Nothing is waited for."""
        if self.exit_status is None:
            self.exit_status = -signal.SIGKILL
        self._signal(self._runtime)
        self._tell(b"end\n")

    def restart(self) -> None:
        """Start the runtime anew where the last one ended."""
        self._generation += 1
        self.exit_status = None
        self._forget_runtime()
        self._tell(b"end\nstart\n")

    def kill(self) -> None:
        """End all processes at once, the init process too. Safe from any thread."""
        if self._isolated and self._init is not None:
            self._signal(self._init)
        elif self._init_pid is not None:
            # Without a process namespace the init process itself takes its descendants down.
            with contextlib.suppress(OSError):
                os.kill(self._init_pid, signal.SIGTERM)

    def close(self) -> None:
        """Kill, and give all descriptors back."""
        self.kill()
        self._lost()
        if self._log_end >= 0:
            self._poller.forget(self._log_end)
            os.close(self._log_end)
            self._log_end = -1
        self._report.close()
        self._forget_runtime()
        if self._init is not None:
            os.close(self._init)
        self._init = self._init_pid = None

    def _forget_runtime(self) -> None:
        if self._runtime is not None:
            os.close(self._runtime)
        self._runtime = self._runtime_pid = None

    def _lost(self) -> None:
        """The init process is gone, and with it all others."""
        self.gone = True
        if self._report.fileno() >= 0:
            self._poller.forget(self._report.fileno())
        if self.exit_status is None:
            self.exit_status = -signal.SIGKILL

    def _signal(self, process: int | None) -> None:
        if process is not None:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(process, signal.SIGKILL)

    def _tell(self, command: bytes) -> None:
        try:
            self._report.sendall(command)
        except OSError:
            self._lost()

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
            if len(self._log) < LOG_KEPT_BYTES:
                self._log += data
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
        if not data:
            self._lost()
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        processes = list(arrived)
        for line in lines:
            self._understand(json.loads(line), processes)
        for descriptor in processes:
            os.close(descriptor)

    def _understand(self, said: dict[str, Any], processes: list[int]) -> None:
        if "failed" in said:
            self.failed = said["failed"]
        elif "init" in said:
            self._init = processes.pop(0) if processes else None
            self._init_pid = said["init"] if self._init is None else _host_pid(self._init)
        elif said["generation"] != self._generation:
            return  # word of a runtime that has been given up
        elif "exit" in said:
            if self.exit_status is None:
                self.exit_status = said["exit"]
        else:
            self._runtime = processes.pop(0) if processes else None
            self._runtime_pid = said["runtime"] if self._runtime is None else _host_pid(self._runtime)


def _host_pid(descriptor: int) -> int | None:
    """The number that this process would use for the process behind a pidfd; None if it is gone."""
    for line in Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines():
        if line.startswith("Pid:"):
            pid = int(line[4:])
            return pid if pid > 0 else None
    return None
