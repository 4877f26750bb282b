"""One container while it runs and after."""

from __future__ import annotations

import array
import contextlib
import json
import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.containers.contract import ContainerError, ContainerSpec, Ending, Exit, Network
from mdlc_emulator.engine.containers.endpoint import Endpoint
from mdlc_emulator.engine.containers.lines import Lines

LOG = logging.getLogger(__name__)
START_SECONDS = 60
ANSWER_SECONDS = 5.0
CHUNK = 1 << 16
BREATH = 0.004
"""Seconds that the reader leaves the interpreter to others after a chunk was full: at most some 15 MB/s."""


class Streams(NamedTuple):
    """To the container's first process, the reading end of its output, and who gets its lines."""

    report: socket.socket
    output: int
    on_line: Callable[[str], None]


class RunningContainer:
    """Implements `contract.Container`. `network` is what it really has; `ports` maps those of the container
    to the machine's, where they are not the same. `endpoint` shall be served inside too. `forget` is called
    when it has ended."""

    def __init__(
        self,
        spec: ContainerSpec,
        streams: Streams,
        network: Network,
        ports: Mapping[int, int],
        endpoint: Endpoint | None,
        forget: Callable[[], None],
    ) -> None:
        self._spec = spec
        self._report, self._output, on_line = streams
        self._lines = Lines(_guarded(on_line, spec.name))
        self._inside = network is not Network.HOST
        self._endpoint = endpoint
        self._listener: socket.socket | None = None
        self._ports = ports
        self._forget = forget
        self._lock = threading.Lock()
        self._state = threading.Condition()
        self._started = False
        self._failure = ""
        self._pid = 0
        self._exit: Exit | None = None
        self._callbacks: list[Callable[[Exit], None]] = []
        self._seconds = 0.0
        self._said: dict[str, Any] | None = None
        self._stop_asked = False

    @property
    def name(self) -> str:
        return self._spec.name

    @property
    def process_id(self) -> int:
        return self._pid

    def watch(self) -> None:
        """Begin to read what it writes and says."""
        threading.Thread(target=self._watch, name=f"container-{self.name}", daemon=True).start()

    def await_start(self) -> None:
        """Wait until the command runs. ContainerError when it does not."""
        with self._state:
            if not self._state.wait_for(lambda: self._started or self._failure, START_SECONDS):
                self._failure = f"nothing was heard of it in {START_SECONDS} s; the machine may be too busy"
            failure = self._failure
        if failure:
            with contextlib.suppress(OSError):
                self._report.shutdown(socket.SHUT_RDWR)  # whatever comes of it ends at once
            raise ContainerError(f"{self.name} was not started: {failure}.")

    def wait(self, timeout: float | None = None) -> Exit | None:
        """See `contract.Container`."""
        with self._state:
            self._state.wait_for(lambda: self._exit is not None, timeout)
            return self._exit

    def when_over(self, call: Callable[[Exit], None]) -> None:
        """See `contract.Container`."""
        with self._state:
            if self._exit is None:
                self._callbacks.append(call)
                return
            ended = self._exit
        _call(call, ended)

    def stop(self, grace: float) -> None:
        """See `contract.Container`."""
        self._stop_asked = True
        with contextlib.suppress(OSError):
            self._tell({"stop": max(0.0, grace)})

    def connect(self, port: int, timeout: float) -> socket.socket:
        """See `contract.Container`."""
        if not self._inside:
            return socket.create_connection(("127.0.0.1", self._ports.get(port, port)), timeout)
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._tell({"connect": port}, theirs)
            ours.settimeout(timeout)
            said, files = _receive(ours)
        if said is None:
            raise ConnectionRefusedError(f"{self.name} has ended: nothing listens on its port {port}.")
        if not files:
            raise OSError(said["errno"], f"port {port} of {self.name}: {os.strerror(said['errno'])}")
        stream = socket.socket(fileno=files[0])
        stream.settimeout(timeout)
        if not said["connected"]:
            _await_connection(stream, timeout)
        return stream

    def memory_mib(self) -> float:
        """See `contract.Container`."""
        used = self._usage()
        return 0.0 if used is None else float(used["resident"]) / (1 << 20)

    def processor_seconds(self) -> float:
        """See `contract.Container`."""
        used = self._usage()
        return self._seconds if used is None else float(used["seconds"])

    def _usage(self) -> dict[str, Any] | None:
        if self._exit is not None:
            return None
        ours, theirs = socket.socketpair()
        try:
            with ours:
                with theirs:
                    self._tell({"usage": True}, theirs)
                ours.settimeout(ANSWER_SECONDS)
                said, _ = _receive(ours)
        except OSError:
            return None
        if said is not None:
            self._seconds = max(self._seconds, said["seconds"])
        return said

    def _tell(self, order: dict[str, Any], answer: socket.socket | None = None) -> None:
        line = json.dumps(order).encode() + b"\n"
        files = [answer.fileno()] if answer is not None else []
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
        with self._lock:
            self._report.sendmsg([line], rights)

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        poll.register(self._report, select.POLLIN)
        buffer, open_ends = b"", 2
        while open_ends:
            for number, _ in poll.poll():
                if number == self._output:
                    data = os.read(self._output, CHUNK)
                    self._lines.feed(data)
                    if len(data) == CHUNK:
                        time.sleep(BREATH)
                else:
                    data, files = _read(self._report)
                    *lines, buffer = (buffer + data).split(b"\n")
                    for line in lines:
                        self._hear(json.loads(line), files)
                if not data:
                    poll.unregister(number)
                    open_ends -= 1
        self._lines.end()
        self._over()

    def _hear(self, said: dict[str, Any], files: list[int]) -> None:
        with self._state:
            if "started" in said:
                self._pid = _process(files[0]) if files else said["started"]
                self._started = True
            elif "failed" in said:
                self._failure = said["failed"]
            elif "listening" in said and self._endpoint is not None:
                self._listener = socket.socket(fileno=files.pop())
                self._endpoint.serve_also(self._listener)
            else:
                self._said = said
                self._seconds = said["seconds"]
            for number in files:
                os.close(number)
            self._state.notify_all()

    def _over(self) -> None:
        said = self._said or {"exit": 137, "ending": "stopped" if self._stop_asked else "exited"}
        os.close(self._output)
        if self._listener is not None and self._endpoint is not None:
            self._endpoint.serve_no_more(self._listener)
        with self._lock:
            self._report.close()
        self._forget()
        with self._state:
            self._exit = ended = Exit(said["exit"], Ending(said["ending"]), clock.now())
            if not self._started and not self._failure:
                self._failure = "its first process was killed while it started"
            calls, self._callbacks = self._callbacks, []
            self._state.notify_all()
        for call in calls:
            _call(call, ended)


def _call(call: Callable[[Exit], None], ended: Exit) -> None:
    def run() -> None:
        try:
            call(ended)
        except Exception:
            LOG.exception("What follows the end of a container failed")

    threading.Thread(target=run, name="container-over", daemon=True).start()


def _guarded(on_line: Callable[[str], None], name: str) -> Callable[[str], None]:
    """`on_line`, whose failures are logged: the container must not stand still for them."""

    def call(line: str) -> None:
        try:
            on_line(line)
        except Exception:
            LOG.exception("A line of %s was lost", name)

    return call


def _receive(sock: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """One line of JSON and the descriptors that came with it; None at the end."""
    data, files = _read(sock)
    return (json.loads(data) if data else None), files


def _read(sock: socket.socket) -> tuple[bytes, list[int]]:
    try:
        data, files, _, _ = socket.recv_fds(sock, 4096, 4)
    except ConnectionResetError:
        return b"", []
    for number in files:
        os.set_inheritable(number, False)
    return data, files


def _await_connection(stream: socket.socket, timeout: float) -> None:
    poll = select.poll()
    poll.register(stream, select.POLLOUT)
    if not poll.poll(timeout * 1000):
        stream.close()
        raise TimeoutError("timed out")
    if code := stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        stream.close()
        raise OSError(code, os.strerror(code))


def _process(handle: int) -> int:
    """The number, in our namespace, of the process that a pidfd stands for; 0 when it is gone."""
    for line in Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines():
        if line.startswith("Pid:"):
            return max(0, int(line.split()[1]))
    return 0
