"""The Runtime API of one execution environment, driven by whichever thread waits for the environment.

There is no server thread: a call that starts or invokes a function polls the environment's descriptors
itself, so that an answer reaches its caller without a single hand-over between threads.
"""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from mdlc_emulator.engine.functions.http_requests import BadRequestError, Request, RequestParser

PREFIX = "/2018-06-01/runtime/"
READ_SIZE = 1 << 18
IN_FLAGS = select.POLLIN | select.POLLHUP | select.POLLERR


class Poller:
    """poll(2) over descriptors that each have a function to call. No thread of its own."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._calls: dict[int, Callable[[int], None]] = {}

    def watch(self, descriptor: int, call: Callable[[int], None], events: int = select.POLLIN) -> None:
        self._calls[descriptor] = call
        self._poll.register(descriptor, events)

    def forget(self, descriptor: int) -> None:
        if self._calls.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def step(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for something to happen, and handle it."""
        for descriptor, events in self._poll.poll(max(0, int(timeout * 1000 + 0.999))):
            call = self._calls.get(descriptor)
            if call is not None:
                call(events)


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    parser: RequestParser
    unsent: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Event:
    """One invocation as the runtime is told of it."""

    request_id: str
    payload: bytes
    headers: str


@dataclass(slots=True)
class Answer:
    """What the runtime said: `body` is kept up to the limit, `size` is its whole length in bytes."""

    body: bytes
    size: int
    is_error: bool
    error_type: str = ""


class RuntimeServer:
    """Listens on a loopback port of its own; holds at most one event at a time.

    After each `Poller.step`: `ready` (the runtime waits for an event), `answer`, `init_error`.
    """

    def __init__(self, poller: Poller, keep: int) -> None:
        self._poller = poller
        self._keep = keep
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self._listener.setblocking(False)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: dict[int, _Connection] = {}
        self._waiting: _Connection | None = None
        self._event: Event | None = None
        self._running: str | None = None
        self.answer: Answer | None = None
        self.init_error: Answer | None = None
        poller.watch(self._listener.fileno(), self._accept)

    @property
    def ready(self) -> bool:
        """Whether the runtime asks for its next event."""
        return self._waiting is not None

    def deliver(self, event: Event) -> None:
        """Hand `event` to the runtime now, or as soon as it asks."""
        self._event = event
        self.answer = None
        if self._waiting is not None:
            self._send_event(self._waiting)

    def reset(self) -> None:
        """Forget the runtime that was; the port stays."""
        for connection in list(self._connections.values()):
            self._drop(connection)
        self._waiting = self._event = self._running = self.answer = self.init_error = None

    def close(self) -> None:
        """Give all sockets back; more than once does no harm."""
        self.reset()
        if self._listener.fileno() >= 0:
            self._poller.forget(self._listener.fileno())
            self._listener.close()

    def _accept(self, _events: int) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError:
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(accepted, RequestParser(self._keep))
        self._connections[accepted.fileno()] = connection
        self._poller.watch(accepted.fileno(), lambda events: self._on_io(connection, events))

    def _drop(self, connection: _Connection) -> None:
        descriptor = connection.socket.fileno()
        if descriptor >= 0:
            self._poller.forget(descriptor)
            self._connections.pop(descriptor, None)
            connection.socket.close()
        if self._waiting is connection:
            self._waiting = None

    def _on_io(self, connection: _Connection, events: int) -> None:
        if events & select.POLLOUT:
            self._flush(connection)
        if not events & IN_FLAGS:
            return
        try:
            data = connection.socket.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        try:
            requests = connection.parser.feed(data)
        except BadRequestError as error:
            self._reply(connection, "400 Bad Request", _error("InvalidRequest", str(error)))
            self._drop(connection)
            return
        if connection.parser.continue_expected:
            connection.parser.continue_expected = False
            self._send(connection, b"HTTP/1.1 100 Continue\r\n\r\n")
        for request in requests:
            self._serve(connection, request)

    def _serve(self, connection: _Connection, request: Request) -> None:
        path = request.path.partition("?")[0]
        if not path.startswith(PREFIX):
            self._reply(connection, "404 Not Found", _error("NotFound", f"No such resource: {path}"))
            return
        steps = path[len(PREFIX) :].split("/")
        if request.method == "GET" and steps == ["invocation", "next"]:
            self._waiting = connection
            if self._event is not None:
                self._send_event(connection)
        elif request.method == "GET" and steps == ["restore", "next"]:
            self._reply(connection, "200 OK", b"")
        elif request.method == "POST" and steps in (["init", "error"], ["restore", "error"]):
            self._reply(connection, "202 Accepted", b'{"status":"OK"}\n')
            self.init_error = Answer(request.body, request.size, True, _error_type(request))
        elif (
            request.method == "POST"
            and len(steps) == 3
            and steps[0] == "invocation"
            and steps[2] in ("response", "error")
        ):
            self._answer(connection, request, steps[1], is_error=steps[2] == "error")
        else:
            self._reply(connection, "404 Not Found", _error("NotFound", f"No such resource: {path}"))

    def _answer(self, connection: _Connection, request: Request, request_id: str, is_error: bool) -> None:
        if request_id != self._running:
            self._reply(connection, "400 Bad Request", _error("InvalidRequestID", "Invalid request ID"))
            return
        self._running = None
        if request.size > self._keep:
            text = f"Exceeded maximum allowed payload size ({self._keep} bytes)."
            self._reply(connection, "413 Payload Too Large", _error("RequestEntityTooLarge", text))
        else:
            self._reply(connection, "202 Accepted", b'{"status":"OK"}\n')
        late = request.trailers.get("lambda-runtime-function-error-type")
        if late is not None:  # a streamed answer that failed half-way
            is_error = True
        self.answer = Answer(request.body, request.size, is_error, late or _error_type(request))

    def _send_event(self, connection: _Connection) -> None:
        event = self._event
        assert event is not None
        self._event = None
        self._waiting = None
        self._running = event.request_id
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"{event.headers}Content-Length: {len(event.payload)}\r\n\r\n"
        )
        self._send(connection, head.encode("utf-8") + event.payload)

    def _reply(self, connection: _Connection, status: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._send(connection, head.encode() + body)

    def _send(self, connection: _Connection, data: bytes) -> None:
        if connection.unsent:
            connection.unsent += data
            return
        try:
            sent = connection.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(connection)
            return
        if sent < len(data):
            connection.unsent += data[sent:]
            descriptor = connection.socket.fileno()
            self._poller.watch(
                descriptor, lambda events: self._on_io(connection, events), select.POLLIN | select.POLLOUT
            )

    def _flush(self, connection: _Connection) -> None:
        try:
            sent = connection.socket.send(connection.unsent[: 1 << 20])
        except BlockingIOError:
            return
        except OSError:
            self._drop(connection)
            return
        del connection.unsent[:sent]
        if not connection.unsent:
            descriptor = connection.socket.fileno()
            self._poller.watch(descriptor, lambda events: self._on_io(connection, events))


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": kind}).encode()


def _error_type(request: Request) -> str:
    return request.headers.get("lambda-runtime-function-error-type", "")
