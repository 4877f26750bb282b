"""Lines out of a stream of bytes, and pieces out of a line."""

from collections.abc import Callable, Iterator

LONGEST = 1 << 20
"""A line without an end is handed on in pieces of this many bytes."""


class Lines:
    """Calls `on_line` for every line, without its end (\\n or \\r\\n). Bytes that are not UTF-8 are replaced
    by U+FFFD."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Some more of the stream."""
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._give(line)
        while len(rest) >= LONGEST:
            cut = _boundary(rest)
            self._give(rest[:cut])
            rest = rest[cut:]
        self._rest = rest

    def end(self) -> None:
        """The stream has ended: what has no line end yet is a line."""
        if self._rest:
            self._give(self._rest)
        self._rest = b""

    def _give(self, line: bytes) -> None:
        self._on_line(line.removesuffix(b"\r").decode(errors="replace"))


def _boundary(data: bytes) -> int:
    """Where to cut `data` at `LONGEST` or shortly before, so that no character is cut in two."""
    cut = LONGEST
    while cut > LONGEST - 4 and cut < len(data) and data[cut] & 0xC0 == 0x80:
        cut -= 1
    return cut


def pieces(line: str, size: int) -> Iterator[str]:
    """`line` in pieces of at most `size` bytes of UTF-8 (`size` is 4 or more), no character cut in two."""
    if len(line) * 4 <= size:
        yield line
        return
    data = line.encode()
    start = 0
    while start < len(data):
        end = min(start + size, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        yield data[start:end].decode()
        start = end
