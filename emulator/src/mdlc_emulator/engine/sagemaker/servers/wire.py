"""HTTP/1.1 to a model server, over connections that are kept: what every request of an endpoint or a
transform job costs, so as little as possible.

The contract of the other side: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

type Body = bytes | bytearray | memoryview
type Headers = Sequence[tuple[str, str]]

_TOGETHER = 32 * 1024
"""Bodies up to this size are sent in one piece with their head."""

_IDLE = 60.0
"""Seconds after which a kept connection is not used again."""

_LONGEST = 512 << 20
"""Bytes of an answer that are kept in memory: many times what an endpoint or a transform job may answer."""
_HEAD_LIMIT = 256 * 1024


class UnansweredError(Exception):
    """The server gave no whole answer: it is not there, ended, or spoke no HTTP."""


class NotListeningError(UnansweredError):
    """Nothing listens on the server's port."""


class TimedOutError(UnansweredError):
    """The server did not answer in time."""


class Reply(NamedTuple):
    """What a server answered. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes | bytearray

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


class Wire:
    """The connections to one server. `connect(timeout)` opens a stream to it or raises OSError."""

    def __init__(self, connect: Callable[[float], socket.socket]) -> None:
        self._connect = connect
        self._kept: list[tuple[socket.socket, float]] = []
        self._lock = threading.Lock()
        self._closed = False
        self.heard = 0.0
        """When the server last answered what was no aside, by the monotonic clock; 0 before."""

    def ask(
        self,
        method: str,
        path: str,
        headers: Headers = (),
        body: Body = b"",
        timeout: float = 60.0,
        *,
        aside: bool = False,
    ) -> Reply:
        """One request and its whole answer, within `timeout` seconds. UnansweredError, TimedOutError. An
        `aside` is none of the requests that the server is there for: `heard` stays."""
        deadline = time.monotonic() + timeout
        head = _head(method, path, headers, len(body))
        sock, kept = self._open(deadline)
        try:
            try:
                reply, keep = _exchange(sock, head, body, deadline, method == "HEAD")
            except _StaleError:
                if not kept:
                    raise
                # The server closed a connection that it had kept until now: it has not seen the request.
                sock.close()
                sock = self._fresh(deadline)
                reply, keep = _exchange(sock, head, body, deadline, method == "HEAD")
        except TimeoutError:
            sock.close()
            raise TimedOutError(f"no answer within {timeout:g} s") from None
        except (OSError, UnansweredError) as error:
            sock.close()
            raise error if isinstance(error, UnansweredError) else UnansweredError(str(error)) from error
        except BaseException:
            sock.close()
            raise
        if not aside:
            self.heard = time.monotonic()
        if keep:
            self._keep(sock)
        else:
            sock.close()
        return reply

    def drop(self) -> None:
        """Close the connection that the next request would be sent over, if one is kept."""
        with contextlib.suppress(IndexError):
            self._kept.pop()[0].close()

    def close(self) -> None:
        """Let go of the kept connections; requests under way are not disturbed."""
        with self._lock:
            self._closed = True
            kept, self._kept = self._kept, []
        for sock, _ in kept:
            sock.close()

    def _open(self, deadline: float) -> tuple[socket.socket, bool]:
        now = time.monotonic()
        while self._kept:
            try:
                sock, since = self._kept.pop()
            except IndexError:
                break
            if now - since < _IDLE and _is_open(sock):
                return sock, True
            sock.close()
        return self._fresh(deadline), False

    def _fresh(self, deadline: float) -> socket.socket:
        try:
            sock = self._connect(max(0.05, deadline - time.monotonic()))
        except TimeoutError:  # it listens, but has more waiting than it lets wait
            raise TimedOutError("the server did not take the connection in time") from None
        except OSError as error:
            raise NotListeningError(f"the server is not there: {error}") from error
        with contextlib.suppress(OSError):  # a relay may be a socket of another family
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _keep(self, sock: socket.socket) -> None:
        if not self._closed:
            self._kept.append((sock, time.monotonic()))
            if not self._closed:
                return
        self.close()


class _StaleError(UnansweredError):
    """The connection ended before a byte of an answer."""


def _is_open(sock: socket.socket) -> bool:
    """Whether the other side has neither closed nor spoken since the last answer."""
    try:
        sock.setblocking(False)  # a socket with a timeout waits for it, whatever the flags say
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _head(method: str, path: str, headers: Headers, length: int) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost:8080"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length or method == "POST":
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _exchange(
    sock: socket.socket, head: bytes, body: Body, deadline: float, bodiless: bool
) -> tuple[Reply, bool]:
    """Send, then read the answer; and whether the connection may be used again."""
    sock.settimeout(_left(deadline))
    refused: OSError | None = None
    try:
        if len(body) <= _TOGETHER:
            sock.sendall(head + body)
        else:
            sock.sendall(head)
            sock.sendall(body)
    except TimeoutError:
        raise
    except OSError as error:
        # A server may answer (413) and close before it has read everything: its answer is worth more.
        refused = error
    reader = _Reader(sock, deadline)
    while True:
        status, headers, version = reader.head(refused)
        if status >= 200:
            break
    keep = refused is None and headers.get("connection", "").lower() != "close" and version == "HTTP/1.1"
    if bodiless or status in (204, 304):
        return Reply(status, headers, b""), keep
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Reply(status, headers, reader.chunked()), keep
    if (length := headers.get("content-length")) is not None:
        if not length.isdigit():
            raise UnansweredError("the server's Content-Length is no number")
        return Reply(status, headers, reader.exactly(int(length))), keep
    return Reply(status, headers, reader.rest()), False


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Reader:
    """One answer as it comes in."""

    __slots__ = ("_ahead", "_deadline", "_sock", "_taken")

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline
        self._ahead = b""
        self._taken = 0

    def _receive(self) -> bytes:
        self._sock.settimeout(_left(self._deadline))
        return self._sock.recv(262144)

    def head(self, refused: OSError | None) -> tuple[int, dict[str, str], str]:
        data = self._ahead
        while (end := data.find(b"\r\n\r\n")) < 0:
            if len(data) > _HEAD_LIMIT:
                raise UnansweredError("the server's answer has no end of its headers")
            try:
                more = self._receive()
            except ConnectionError as error:
                if data:
                    raise
                raise _StaleError(str(refused or error)) from error
            if not more:
                if data:
                    raise UnansweredError("the server closed the connection within its answer")
                raise _StaleError(str(refused or "the server closed the connection without an answer"))
            data = data + more if data else more
        self._ahead = data[end + 4 :]
        first, *lines = data[:end].decode("latin-1").split("\r\n")
        words = first.split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
            raise UnansweredError(f"the server's answer is no HTTP/1.1: {first[:80]!r}")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return int(words[1]), headers, words[0]

    def _take(self, size: int) -> None:
        """So many bytes more will be kept. UnansweredError when it is too much: some have no end."""
        self._taken += size
        if size < 0 or self._taken > _LONGEST:
            raise UnansweredError(f"the server's answer is longer than {_LONGEST >> 20} MiB")

    def exactly(self, size: int) -> bytes | bytearray:
        self._take(size)
        if len(self._ahead) >= size:
            found, self._ahead = self._ahead[:size], self._ahead[size:]
            return found
        body = bytearray(size)
        view = memoryview(body)
        got = len(self._ahead)
        view[:got] = self._ahead
        self._ahead = b""
        while got < size:
            self._sock.settimeout(_left(self._deadline))
            count = self._sock.recv_into(view[got:])
            if not count:
                raise UnansweredError("the server closed the connection within its answer")
            got += count
        return body

    def rest(self) -> bytes:
        parts = [self._ahead]
        self._ahead = b""
        while more := self._receive():
            self._take(len(more))
            parts.append(more)
        return b"".join(parts)

    def chunked(self) -> bytes:
        parts: list[bytes | bytearray] = []
        while True:
            size = self._line().partition(b";")[0].strip()
            try:
                length = int(size, 16)
            except ValueError:
                raise UnansweredError("the server's answer is not chunked as it says") from None
            if not length:
                while self._line():
                    pass
                return b"".join(parts)
            parts.append(self.exactly(length))
            self._line()

    def _line(self) -> bytes:
        while (end := self._ahead.find(b"\r\n")) < 0:
            more = self._receive()
            if not more:
                raise UnansweredError("the server closed the connection within its answer")
            self._ahead += more
            if len(self._ahead) > _HEAD_LIMIT:
                raise UnansweredError("the server's answer is not chunked as it says")
        line, self._ahead = self._ahead[:end], self._ahead[end + 2 :]
        return line
