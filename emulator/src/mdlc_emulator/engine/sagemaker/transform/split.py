"""Files in pieces that are sent to a model: whole, at line ends, or at the records of RecordIO.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformInput.html. No piece is longer than the
payload may be, no record is cut, and the pieces in a row are the file again. Lines are found from the end of
a piece, not one by one: a million rows cost as many operations as there are pieces.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Protocol

_MAGIC = 0xCED7230A
_LENGTH = (1 << 29) - 1
_HEADER = struct.Struct("<II")
UNLIMITED = 1 << 62
_READ = 8 * 1024 * 1024


type Piece = bytes | memoryview


class Readable(Protocol):
    """What a file is read from; fewer bytes than asked for mean nothing, none means its end."""

    def read(self, size: int, /) -> bytes: ...


class SplitError(Exception):
    """The file cannot be split so. The message is for the job's log and FailureReason."""


def whole(source: Readable, limit: int) -> Iterator[Piece]:
    """The file as one piece."""
    data = _exactly(source, limit + 1)
    if len(data) > limit:
        raise _too_much(limit)
    yield data


def many_lines(source: Readable, limit: int) -> Iterator[Piece]:
    """As many whole lines as fit, with their ends."""
    size = min(limit, _READ)
    rest = b""
    while True:
        data = rest + _exactly(source, size - len(rest))
        if len(data) < size:
            if data:
                yield data
            return
        cut = data.rfind(b"\n") + 1  # a piece is a view: megabytes are not copied for their last line
        if not cut:
            if len(data) >= limit:
                more = source.read(1)
                if not more:
                    yield data
                    return
                raise _too_much(limit)
            size, rest = min(limit, size * 2), data
            continue
        yield memoryview(data)[:cut]
        rest = data[cut:]
        size = min(limit, _READ)


def single_lines(source: Readable, limit: int) -> Iterator[Piece]:
    """Each line that is not empty, without its end."""
    rest = b""
    while True:
        data = source.read(_READ)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield from _line(line, limit)
        if len(rest) > limit + 1:
            raise _too_much(limit)
    yield from _line(rest, limit)


def _line(line: bytes, limit: int) -> Iterator[Piece]:
    bare = line.removesuffix(b"\r")
    if len(bare) > limit:
        raise _too_much(limit)
    if bare:
        yield bare


def record_io(source: Readable, limit: int, *, many: bool) -> Iterator[Piece]:
    """Whole records of RecordIO (https://mxnet.apache.org/versions/1.9.1/api/architecture/note_data_loading),
    as many as fit or each alone."""
    gathered: list[bytes] = []
    size = 0
    for record in _records(source, limit):
        if not many:
            yield record
            continue
        if size + len(record) > limit and gathered:
            yield b"".join(gathered)
            gathered, size = [], 0
        gathered.append(record)
        size += len(record)
    if gathered:
        yield b"".join(gathered)


def _records(source: Readable, limit: int) -> Iterator[bytes]:
    while head := _exactly(source, _HEADER.size):
        if len(head) < _HEADER.size:
            raise SplitError("The file ends within a RecordIO record")
        magic, length = _HEADER.unpack(head)
        if magic != _MAGIC:
            raise SplitError("The file is not in RecordIO format")
        length &= _LENGTH
        padded = (length + 3) & ~3
        if _HEADER.size + padded > limit:
            raise _too_much(limit)
        body = _exactly(source, padded)
        if len(body) < padded:
            raise SplitError("The file ends within a RecordIO record")
        yield head + body


def _exactly(source: Readable, size: int) -> bytes:
    """`size` bytes, fewer only at the end."""
    data = source.read(size)
    if len(data) >= size or not data:
        return data
    parts = [data]
    got = len(data)
    while got < size and (data := source.read(size - got)):
        parts.append(data)
        got += len(data)
    return b"".join(parts)


def _too_much(limit: int) -> SplitError:
    return SplitError(
        "Too much data for max payload size: a record is longer than MaxPayloadInMB "
        f"({limit >> 20} MB) allows"
    )
