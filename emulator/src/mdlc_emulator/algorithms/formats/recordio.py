"""RecordIO: how records stand in a file or a request. Each is the magic number, its length, and its bytes
filled up to a multiple of 4.

The upper three bits of the length say which part of a longer record it is (dmlc-core's recordio.h): 0 whole,
1 first, 2 middle, 3 last; between two parts stands the magic number that was taken out. SageMaker's writers
never part a record.
"""

import struct
from collections.abc import Iterable, Iterator

MAGIC = 0xCED7230A
_HEAD = struct.Struct("<II")
_MAGIC_BYTES = struct.pack("<I", MAGIC)
_LENGTH = (1 << 29) - 1


class RecordIOError(ValueError):
    """The bytes are no RecordIO; the message says where."""


def split(data: bytes | bytearray) -> Iterator[memoryview | bytes]:
    """The records of `data`, in order. RecordIOError."""
    view = memoryview(data)
    at, size = 0, len(view)
    parts: list[bytes] = []
    while at < size:
        if at + 8 > size:
            raise RecordIOError(f"Truncated record at offset {at}")
        magic, word = _HEAD.unpack_from(view, at)
        if magic != MAGIC:
            raise RecordIOError(f"Invalid RecordIO magic at offset {at}")
        length, flag = word & _LENGTH, word >> 29
        begin = at + 8
        if begin + length > size:
            raise RecordIOError(f"Truncated record at offset {begin}")
        at = begin + (length + 3) // 4 * 4
        record = view[begin : begin + length]
        if flag == 0:
            yield record
            continue
        if (flag == 1) is bool(parts) or flag > 3:
            raise RecordIOError(f"Misplaced part of a record at offset {begin}")
        parts.append(bytes(record))
        if flag == 3:
            yield _MAGIC_BYTES.join(parts)
            parts = []
    if parts:
        raise RecordIOError(f"Truncated record at offset {size}")


def join(records: Iterable[bytes]) -> bytes:
    """`records` as RecordIO. ValueError for one of half a gibibyte or more."""
    out = bytearray()
    for record in records:
        length = len(record)
        if length > _LENGTH:
            raise ValueError(f"A record of {length} bytes is longer than RecordIO can say")
        out += _HEAD.pack(MAGIC, length)
        out += record
        out += b"\0" * (-length % 4)
    return bytes(out)
