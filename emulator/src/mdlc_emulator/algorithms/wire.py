"""HTTP/1.1 on a socket, as little of it as a model server needs: requests in, responses out.

Standard library only. A request of one row costs some 30 us here; a body of many megabytes is received into
its own buffer and sent without being copied.
"""

import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote

HEAD_LIMIT = 64 * 1024
CHUNK = 256 * 1024
"""How much is read at once where the length is not known."""
TOGETHER = 64 * 1024
"""Bodies up to this size are sent in one piece with their head."""

Body = bytes | bytearray


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are lower-case; `body` is b"" where there is none."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Body

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def accept(self) -> str:
        return self.headers.get("accept", "")


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. A body that is no bytes but an iterable of them is sent in chunks, as they come."""

    status: int = 200
    body: Body | str | Iterable[bytes] = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class RequestError(Exception):
    """What was received is no request that can be answered further. `status` is what to say."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class DisconnectedError(Exception):
    """The other side is gone, or said nothing for too long."""


class Connection:
    """One client's stream: requests are read and answered in turn."""

    __slots__ = ("_left", "_limit", "_socket")

    def __init__(self, stream: socket.socket, body_limit: int) -> None:
        self._socket = stream
        self._limit = body_limit
        self._left = b""

    def read(self) -> Request | None:
        """The next request; None when the client ended the stream. RequestError, DisconnectedError."""
        head = self._head()
        if head is None:
            return None
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise RequestError(400, "Bad request line")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not name or name[0] in " \t" or name[-1] in " \t":
                raise RequestError(400, "Bad header line")
            headers[name.lower()] = value.strip()
        if words[2] == "HTTP/1.0" and "connection" not in headers:
            headers["connection"] = "close"
        path, _, query = words[1].partition("?")
        body = self._body(headers)
        return Request(words[0], unquote(path) if "%" in path else path, query, headers, body)

    def _head(self) -> bytes | None:
        got = self._left
        while True:
            end = got.find(b"\r\n\r\n")
            if 0 <= end <= HEAD_LIMIT:
                self._left = got[end + 4 :]
                return got[:end].lstrip(b"\r\n")
            if len(got) > HEAD_LIMIT:
                raise RequestError(431, "Request header fields too large")
            more = self._receive(CHUNK)
            if not more:
                if got.strip():
                    raise DisconnectedError
                return None
            got = got + more if got else more

    def _body(self, headers: Mapping[str, str]) -> Body:
        if "transfer-encoding" in headers:
            if headers["transfer-encoding"].lower() != "chunked":
                raise RequestError(501, "Only the transfer coding chunked is understood")
            self._continue(headers)
            return self._chunked()
        given = headers.get("content-length")
        if given is None or given == "0":
            return b""
        if not given.isascii() or not given.isdigit():
            raise RequestError(400, "Bad Content-Length")
        length = int(given)
        if length > self._limit:
            raise RequestError(413, self._too_large(length))
        self._continue(headers)
        left = self._left
        if len(left) >= length:
            self._left = left[length:]
            return left[:length]
        self._left = b""
        body = bytearray(length)
        body[: len(left)] = left
        at = len(left)
        with memoryview(body) as view:
            while at < length:
                try:
                    got = self._socket.recv_into(view[at:])
                except OSError as error:
                    raise DisconnectedError from error
                if not got:
                    raise DisconnectedError
                at += got
        return body

    def _too_large(self, length: int) -> str:
        return f"Request of {length} bytes is larger than the {self._limit} bytes that are accepted"

    def _chunked(self) -> bytearray:
        body = bytearray()
        while True:
            size_line = self._line()
            try:
                size = int(size_line.split(b";")[0], 16)
            except ValueError:
                raise RequestError(400, "Bad chunk size") from None
            if size < 0 or len(body) + size > self._limit:
                raise RequestError(413, self._too_large(len(body) + size))
            if not size:
                while self._line():
                    pass
                return body
            while len(self._left) < size + 2:
                self._more()
            body += self._left[:size]
            if self._left[size : size + 2] != b"\r\n":
                raise RequestError(400, "Bad chunk")
            self._left = self._left[size + 2 :]

    def _line(self) -> bytes:
        while (end := self._left.find(b"\r\n")) < 0:
            if len(self._left) > HEAD_LIMIT:
                raise RequestError(400, "Bad chunk")
            self._more()
        line, self._left = self._left[:end], self._left[end + 2 :]
        return line

    def _more(self) -> None:
        got = self._receive(CHUNK)
        if not got:
            raise DisconnectedError
        self._left += got

    def _receive(self, size: int) -> bytes:
        try:
            return self._socket.recv(size)
        except OSError as error:
            raise DisconnectedError from error

    def _continue(self, headers: Mapping[str, str]) -> None:
        if headers.get("expect", "").lower() == "100-continue":
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def answer(self, response: Response, *, close: bool, with_body: bool = True) -> None:
        """Send `response`; `close` tells the client that the stream ends with it. DisconnectedError."""
        head = [_status_line(response.status), f"Content-Type: {response.content_type}\r\n"]
        head += [f"{name}: {value}\r\n" for name, value in response.headers.items()]
        if close:
            head.append("Connection: close\r\n")
        body = response.body
        if isinstance(body, str):
            body = body.encode()
        if not isinstance(body, bytes | bytearray):
            head.append("Transfer-Encoding: chunked\r\n\r\n")
            self._send("".join(head).encode("latin-1"))
            for piece in _chunks(body if with_body else ()):
                self._send(piece)
            return
        if response.status == HTTPStatus.NO_CONTENT:
            body = b""
        else:
            head.append(f"Content-Length: {len(body)}\r\n")
        head.append("\r\n")
        start = "".join(head).encode("latin-1")
        if not with_body:
            self._send(start)
        elif len(body) <= TOGETHER:
            self._send(start + body)
        else:
            self._send(start)
            self._send(body)

    def _send(self, data: Body) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise DisconnectedError from error

    def linger(self, limit: int = 16 * 1024 * 1024) -> None:
        """End the stream so that the client can still read the answer to a request that was not read."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.settimeout(2)
            while limit > 0 and (got := self._socket.recv(CHUNK)):
                limit -= len(got)
        except OSError:
            pass


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        if piece:
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


def _status_line(status: int) -> str:
    return _STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
