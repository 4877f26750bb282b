"""HTTP/1.1 as it stands on the wire: heads and bodies of requests. Standard library only.

RFC 9112 in the parts that AWS clients use: fixed and chunked bodies, `Expect: 100-continue`, keep-alive,
absolute-form targets. What does not fit is a `ProtocolError`, which carries the status to answer with.
"""

import io
import socket
from dataclasses import dataclass

HEAD_LIMIT = 128 * 1024
"""Bytes of request line and headers together; X-Amz headers and presigned URLs fit many times over."""

PATH_LIMIT = 8 * 1024
"""Bytes of a request's path. The longest that AWS takes, an S3 key of 1024 bytes that are all escaped, is
half of this; the gateway's rules take time that grows with its square, during which nobody is served."""

EAGER_BODY = 256 * 1024
"""A body up to this many bytes is read before the request is handled; a longer one while it is."""

DRAIN_LIMIT = 1024 * 1024
"""What a handler left unread of a body is read and dropped up to here; past it the connection is closed."""


class ProtocolError(Exception):
    """A request that HTTP/1.1 does not allow; `status` is what to answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Disconnected(ConnectionError):  # noqa: N818 - a connection's end, no fault of ours
    """The client went away in the middle of a message."""


@dataclass(slots=True)
class Head:
    """Request line and headers; `headers` in the order and letter case in which they came."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    fields: dict[str, str]
    """Headers by lower-case name; of repeated ones the last."""

    @property
    def keep_alive(self) -> bool:
        connection = self.fields.get("connection", "").lower()
        if self.version == "HTTP/1.0":
            return "keep-alive" in connection
        return "close" not in connection


def parse_head(raw: bytes) -> Head:
    """`raw`: everything before the empty line, without it."""
    first, *lines = raw.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise ProtocolError(400, f"Not a request line of HTTP/1.1: {first[:80]!r}")
    if len(parts[1]) > PATH_LIMIT and len(parts[1].partition("?")[0]) > PATH_LIMIT:
        raise ProtocolError(414, f"The request's path exceeds {PATH_LIMIT} bytes")
    headers: list[tuple[str, str]] = []
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name[-1] in " \t" or name[0] in " \t":
            raise ProtocolError(400, f"Not a header line: {line[:80]!r}")
        value = value.strip(" \t")
        headers.append((name, value))
        field = name.lower()
        if field == "content-length" and fields.get(field, value) != value:
            raise ProtocolError(400, "Two Content-Length headers contradict each other")
        fields[field] = value
    return Head(parts[0], parts[1], parts[2], headers, fields)


class Connection:
    """The receiving half of one client connection: a socket and what was read of it ahead of need."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._ahead = b""

    def read_head(self) -> Head | None:
        """The next request's head; None when the client closed the connection between requests."""
        data = self._ahead.lstrip(b"\r\n") if self._ahead else b""
        start = 0
        while (end := data.find(b"\r\n\r\n", start)) < 0:
            if len(data) > HEAD_LIMIT:
                raise ProtocolError(431, f"Request line and headers exceed {HEAD_LIMIT} bytes")
            start = max(0, len(data) - 3)
            more = self.sock.recv(65536)
            if not more:
                if data:
                    raise Disconnected("the client closed the connection within a request's head")
                return None
            data = data + more if data else more.lstrip(b"\r\n")
        self._ahead = data[end + 4 :]
        return parse_head(data[:end])

    def read_some(self, most: int) -> bytes:
        """1 to `most` bytes; b"" at the end of the connection."""
        if self._ahead:
            some, self._ahead = self._ahead[:most], self._ahead[most:]
            return some
        return self.sock.recv(min(most, 1024 * 1024))

    def read_exactly(self, size: int) -> bytes:
        if len(self._ahead) >= size:
            return self.read_some(size)
        parts = []
        while size:
            part = self.read_some(size)
            if not part:
                raise Disconnected("the client closed the connection within a request's body")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def read_line(self) -> bytes:
        """A line of a chunked body without its line end."""
        while (end := self._ahead.find(b"\r\n")) < 0:
            if len(self._ahead) > HEAD_LIMIT:
                raise ProtocolError(400, "A line of the chunked body is too long")
            more = self.sock.recv(65536)
            if not more:
                raise Disconnected("the client closed the connection within a chunked body")
            self._ahead += more
        line, self._ahead = self._ahead[:end], self._ahead[end + 2 :]
        return line


class _Body(io.RawIOBase):
    def readable(self) -> bool:
        return True


class FixedBody(_Body):
    """A body of `Content-Length` bytes, read from the connection as it is asked for."""

    def __init__(self, connection: Connection, size: int) -> None:
        self._connection = connection
        self.left = size

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self.left:
            return 0
        part = self._connection.read_some(min(self.left, len(buffer)))
        if not part:
            raise Disconnected("the client closed the connection within a request's body")
        buffer[: len(part)] = part
        self.left -= len(part)
        return len(part)


class ChunkedBody(_Body):
    """A body in `Transfer-Encoding: chunked`; trailers are read and dropped."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._chunk = 0
        self.left = 1
        """0 once the last chunk has been read."""

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self.left:
            return 0
        if not self._chunk:
            size = self._connection.read_line().partition(b";")[0].strip()
            try:
                self._chunk = int(size, 16)
            except ValueError:
                raise ProtocolError(400, f"Not the size of a chunk: {size[:20]!r}") from None
            if self._chunk < 0:
                raise ProtocolError(400, "A chunk cannot have a negative size")
            if not self._chunk:
                while self._connection.read_line():
                    pass
                self.left = 0
                return 0
        part = self._connection.read_some(min(self._chunk, len(buffer)))
        if not part:
            raise Disconnected("the client closed the connection within a chunked body")
        buffer[: len(part)] = part
        self._chunk -= len(part)
        if not self._chunk and self._connection.read_line():
            raise ProtocolError(400, "A chunk is longer than it says")
        return len(part)


@dataclass(slots=True)
class Body:
    """A request's body: `stream` for who reads it, `raw` when it is still on the wire."""

    stream: io.BytesIO | io.BufferedReader
    raw: FixedBody | ChunkedBody | None = None

    def drain(self) -> bool:
        """Drop what was not read; False when that is more than is worth reading."""
        if self.raw is None or not self.raw.left:
            return True
        if isinstance(self.raw, FixedBody) and self.raw.left > DRAIN_LIMIT:
            return False
        dropped = 0
        while part := self.stream.read(65536):
            dropped += len(part)
            if dropped > DRAIN_LIMIT:
                return False
        return True


def body_of(connection: Connection, head: Head) -> Body:
    """The body that `head` announces; says 100 Continue first where the client waits for it."""
    coding = head.fields.get("transfer-encoding", "").lower()
    length = head.fields.get("content-length")
    if coding and coding != "identity":
        if coding != "chunked":
            raise ProtocolError(501, f"Transfer-Encoding {coding!r} is not supported; send it chunked")
        size = None
    else:
        if length is not None and not length.isdigit():
            raise ProtocolError(400, f"Not a Content-Length: {length[:20]!r}")
        size = int(length or 0)
        if not size:
            return Body(io.BytesIO())
    if head.fields.get("expect", "").lower() == "100-continue":
        connection.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if size is not None and size <= EAGER_BODY:
        return Body(io.BytesIO(connection.read_exactly(size)))
    raw = ChunkedBody(connection) if size is None else FixedBody(connection, size)
    return Body(io.BufferedReader(raw, 256 * 1024), raw)
