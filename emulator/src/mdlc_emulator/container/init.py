"""The first process of a container: starts the command, reaps orphans, stops what it is told to stop, keeps
the memory limit, opens connections from inside, and tells the emulator how it ended.

On its stream socket travel lines of JSON. It says `{"started": true}` with a pidfd of the command,
`{"listening": port}` with the socket, `{"failed": ...}` or
`{"exit": code, "ending": "exited"|"stopped"|"out-of-memory", "seconds": s}`. It is told
`{"stop": seconds}`, and `{"connect": port}` or `{"usage": true}` with a socket for the answer. When the
stream ends, so does everything inside.
"""

from __future__ import annotations

import array
import errno
import json
import os
import select
import signal
import socket
import time
from typing import Any, NoReturn

from mdlc_emulator.container import namespaces, priority
from mdlc_emulator.container.network import open_inside, told
from mdlc_emulator.container.processes import Processes
from mdlc_emulator.guest import birth

FASTEST_GROWTH = 4 << 30
"""Bytes a second by which resident memory can grow: how long one may look away from it."""
LOOKS = 0.01, 0.25
AGAIN = 0.12
"""Seconds between attempts to let the command weigh less."""


def say(sock: socket.socket, message: dict[str, Any], descriptor: int | None = None) -> None:
    """A line, with a descriptor if there is one; lost when nobody listens any more."""
    line = json.dumps(message).encode() + b"\n"
    files = (
        [] if descriptor is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
    )
    try:
        sock.sendmsg([line], files)
    except OSError:
        pass


class Init:
    """Watches over one command. `alone` as for `Processes`; `gate` leads to what serves as the way out of a
    private network."""

    def __init__(
        self,
        request: dict[str, Any],
        report: socket.socket,
        output: int,
        alone: bool,
        gate: socket.socket | None,
    ) -> None:
        self._request = request
        self._report = report
        self._output = output
        self._gate = gate
        self._processes = Processes(alone)
        self._alone = alone
        self._command = 0
        self._limit: int | None = request["memory"]
        self._kill_at: float | None = None
        self._ending = "exited"
        self._buffer = b""
        self._sockets: list[socket.socket] = []
        self._next_look = 0.0
        self._heavy = bool(request["background"])
        """Its session shall weigh less, and does not yet."""

    def run(self) -> NoReturn:
        """Never returns: the process ends with the command."""
        waking, wake = os.pipe()
        os.set_blocking(waking, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (
            signal.SIGTERM,
            signal.SIGINT,
            signal.SIGHUP,
            signal.SIGQUIT,
            signal.SIGUSR1,
            signal.SIGUSR2,
        ):
            signal.signal(number, self._forward)
        if not self._alone:
            signal.signal(signal.SIGHUP, lambda *_: self._end())
        if self._request["endpoint"] is not None:
            self._listen_for_the_emulator(self._request["endpoint"])
        if self._gate is not None:
            self._open_the_way_out(self._gate)
        self._start()
        os.close(self._output)
        while True:
            if self._heavy:
                self._heavy = not priority.session_weighs_less(self._command)
            sources: list[Any] = [self._report, waking]
            ready = select.select(sources, [], [], self._patience())[0]
            if waking in ready:
                _drain(waking)
                self._reap()
            if self._report in ready:
                self._listen()
            now = time.monotonic()
            if self._kill_at is not None and now >= self._kill_at:
                self._finish(128 + signal.SIGKILL)
            if self._limit is not None and now >= self._next_look:
                self._look_at_memory(now)

    def _forward(self, number: int, _: object) -> None:
        if self._command:
            try:
                os.kill(self._command, number)
            except ProcessLookupError:
                pass

    def _listen_for_the_emulator(self, port: int) -> None:
        """The emulator's address in this network: the emulator itself answers there."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen(1024)
            say(self._report, {"listening": port}, listener.fileno())

    def _open_the_way_out(self, gate: socket.socket) -> None:
        with gate:
            url, self._life = open_inside(gate)
        self._request["environment"] = told(
            self._request["environment"], url, [self._request["host_name"], "algo-1"]
        )

    def _start(self) -> None:
        told, tell = os.pipe()  # closed by a successful exec
        pid = os.fork()
        if pid == 0:
            os.close(told)
            self._become_command(tell)
        self._command = pid
        os.close(tell)
        with open(told, "rb") as file:
            failure = file.read().decode()
        if failure:
            say(self._report, {"failed": failure})
            self._processes.kill()
            os._exit(1)
        try:
            handle = os.pidfd_open(pid)
        except (OSError, AttributeError):
            say(self._report, {"started": pid})
        else:
            say(self._report, {"started": pid}, handle)
            os.close(handle)

    def _become_command(self, tell: int) -> NoReturn:
        request = self._request
        doing = "its output"
        try:
            signal.set_wakeup_fd(-1)
            for number in signal.valid_signals():
                if signal.getsignal(number) not in (signal.SIG_DFL, None):
                    signal.signal(number, signal.SIG_DFL)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (self._output, 1), (self._output, 2)):
                os.dup2(source, target)
            os.set_inheritable(tell, False)
            doing = f"its working directory {request['directory']}"
            if request["make_directory"]:
                os.makedirs(request["directory"], exist_ok=True)
            os.chdir(request["directory"])
            doing = "its limits"
            os.setsid()
            if request["background"]:
                os.nice(priority.BACKGROUND)
            priority.limit(request["limits"])
            if self._alone:
                namespaces.give_up_capabilities()
            if request["user"] is not None:
                doing = "its user"
                user, group = request["user"]
                os.setgroups([group])
                os.setgid(group)
                os.setuid(user)
            if not self._alone:
                birth.die_with_parent()  # after the change of user, which takes it back
            doing = f"its command {request['command'][0]}"
            os.umask(0o022)
            os.execvpe(request["command"][0], request["command"], request["environment"])  # noqa: S606
        except (OSError, ValueError) as error:
            os.write(tell, f"{doing}: {getattr(error, 'strerror', None) or error}".encode())
        os._exit(127)

    def _patience(self) -> float | None:
        now = time.monotonic()
        moments = [self._kill_at] if self._kill_at is not None else []
        if self._limit is not None:
            moments.append(self._next_look)
        if self._heavy:
            moments.append(now + AGAIN)
        return max(0.0, min(moments) - now) if moments else None

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._command:
                code = os.waitstatus_to_exitcode(status)
                self._finish(code if code >= 0 else 128 - code)

    def _listen(self) -> None:
        try:
            data, files, _, _ = socket.recv_fds(self._report, 65536, 16)
        except OSError:
            data, files = b"", []
        if not data:
            self._end()
        for number in files:
            os.set_inheritable(number, False)
            self._sockets.append(socket.socket(fileno=number))
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))

    def _obey(self, order: dict[str, Any]) -> None:
        if "stop" in order:
            if self._kill_at is None:
                self._ending = "stopped"
                self._forward(signal.SIGTERM, None)
            until = time.monotonic() + order["stop"]
            self._kill_at = until if self._kill_at is None else min(until, self._kill_at)
        elif "connect" in order:
            self._connect(order["connect"], self._sockets.pop(0))
        elif "usage" in order:
            with self._sockets.pop(0) as answer:
                seconds, resident = self._processes.seconds(), self._processes.resident(exact=True)
                say(answer, {"seconds": seconds, "resident": resident})

    def _connect(self, port: int, answer: socket.socket) -> None:
        """Hand over a stream to `port`, opened in here: nothing stands between its two ends after."""
        with answer, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            code = sock.connect_ex(("127.0.0.1", port))
            # Over the loopback interface the answer is there at once, unless the queue of the server is
            # full: then the caller, who has the socket, waits.
            if code in (0, errno.EINPROGRESS):
                say(answer, {"connected": code == 0}, sock.fileno())
            else:
                say(answer, {"errno": code})

    def _look_at_memory(self, now: float) -> None:
        assert self._limit is not None
        used = self._processes.resident()
        if used > self._limit:
            used = self._processes.resident(exact=True)
        if used > self._limit:
            self._ending = "out-of-memory"
            self._finish(128 + signal.SIGKILL)
        free = (self._limit - used) / FASTEST_GROWTH
        self._next_look = now + min(max(free, LOOKS[0]), LOOKS[1])

    def _finish(self, code: int) -> NoReturn:
        """Take down what is left, and tell how the command ended."""
        seconds = self._processes.seconds()
        self._processes.kill()
        say(self._report, {"exit": code, "ending": self._ending, "seconds": seconds})
        os._exit(0)

    def _end(self) -> NoReturn:
        self._processes.kill()
        os._exit(0)


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        pass
