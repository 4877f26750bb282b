"""Requests of a runtime to its Runtime API, parsed from whatever pieces the socket delivers."""

from dataclasses import dataclass, field

LONGEST_HEAD = 1 << 21  # an X-Ray fault may fill a header of 1 MiB


class BadRequestError(ValueError):
    """What arrived is no HTTP/1.1 request."""


@dataclass(slots=True)
class Request:
    """A complete request; header and trailer names in lower case. `size` counts the whole body in bytes, of
    which `body` holds at most what the parser was told to keep."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    size: int = 0
    trailers: dict[str, str] = field(default_factory=dict)


class RequestParser:
    """Feed it bytes in any split: the same requests come out.

    `keep`: bytes of a body that are kept; the rest is counted and dropped, so that no function can fill the
    memory of the emulator.
    """

    __slots__ = (
        "_buffer",
        "_chunk",
        "_chunked",
        "_keep",
        "_kept",
        "_missing",
        "_request",
        "continue_expected",
    )

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._buffer = bytearray()
        self._request: Request | None = None
        self._kept = bytearray()
        self._missing = 0
        self._chunked = False
        self._chunk: str = "size"
        self.continue_expected = False

    def feed(self, data: bytes) -> list[Request]:
        """Every request that `data` completes, in order. BadRequestError for what is none."""
        self._buffer += data
        complete = []
        while (request := self._advance()) is not None:
            complete.append(request)
        return complete

    def _advance(self) -> Request | None:
        if self._request is None and not self._read_head():
            return None
        done = self._read_chunks() if self._chunked else self._read_sized()
        if not done:
            return None
        request = self._request
        assert request is not None
        request.body = bytes(self._kept)
        self._request = None
        self._kept = bytearray()
        self.continue_expected = False
        return request

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LONGEST_HEAD:
                raise BadRequestError("The head of the request is too long.")
            return False
        lines = self._buffer[:end].decode("latin-1").lstrip("\r\n").split("\r\n")
        del self._buffer[: end + 4]
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequestError(f"No request line: {lines[0][:80]!r}")
        headers = _fields(lines[1:])
        self._request = Request(words[0], words[1], headers)
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        self._chunk = "size"
        self._missing = 0
        if not self._chunked:
            length = headers.get("content-length", "0")
            if not length.isascii() or not length.isdigit():
                raise BadRequestError(f"No length: {length[:80]!r}")
            self._missing = int(length)
        self.continue_expected = "100-continue" in headers.get("expect", "").lower()
        return True

    def _take(self, limit: int) -> None:
        """Move up to `limit` bytes of body out of the buffer."""
        request = self._request
        assert request is not None
        count = min(limit, len(self._buffer))
        room = self._keep - len(self._kept)
        if room > 0:
            self._kept += self._buffer[: min(room, count)]
        del self._buffer[:count]
        request.size += count
        self._missing -= count

    def _read_sized(self) -> bool:
        self._take(self._missing)
        return self._missing == 0

    def _line(self) -> str | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > LONGEST_HEAD:
                raise BadRequestError("A line of the request is too long.")
            return None
        line = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 2]
        return line

    def _read_chunks(self) -> bool:
        request = self._request
        assert request is not None
        while True:
            if self._chunk == "data":
                self._take(self._missing)
                if self._missing:
                    return False
                self._chunk = "end"
            line = self._line()
            if line is None:
                return False
            if self._chunk == "end":
                if line:
                    raise BadRequestError("A chunk is longer than it says.")
                self._chunk = "size"
            elif self._chunk == "size":
                digits = line.partition(";")[0].strip()
                try:
                    self._missing = int(digits, 16)
                except ValueError:
                    raise BadRequestError(f"No size of a chunk: {line[:80]!r}") from None
                if self._missing < 0:
                    raise BadRequestError(f"No size of a chunk: {line[:80]!r}")
                self._chunk = "data" if self._missing else "trailers"
            elif line:
                request.trailers |= _fields([line])
            else:
                return True


def _fields(lines: list[str]) -> dict[str, str]:
    fields = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequestError(f"No header: {line[:80]!r}")
        fields[name.strip().lower()] = value.strip()
    return fields
