"""Many records of one shape at once: they differ in their numbers only, so they are one array of bytes.

Reading and writing so is some hundred times quicker than record by record.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mdlc_emulator.algorithms.formats import record as wire
from mdlc_emulator.algorithms.formats import recordio

Key = tuple[int, str]
"""Which tensor of a record: (1, name) of its features, (2, name) of its label."""

HEAD = 8


def read(data: bytes | bytearray) -> dict[Key, Any] | None:
    """Each tensor of floats as an array (records, values); None where the records are not alike."""
    first = next(recordio.split(data), None)
    if first is None:
        return None
    padded = HEAD + (len(first) + 3) // 4 * 4
    if len(data) % padded:
        return None
    places = _places(first)
    if places is None:
        return None
    table = np.frombuffer(data, np.uint8).reshape(-1, padded)
    same = np.ones(padded, dtype=bool)
    same[HEAD + len(first) :] = False  # what fills up to a multiple of 4 may be anything
    for begin, end, _ in places.values():
        same[begin:end] = False
    if (table[:, same] != table[0, same]).any():
        return None
    return {
        key: np.ascontiguousarray(table[:, begin:end]).view(kind)
        for key, (begin, end, kind) in places.items()
    }


def write(columns: Mapping[Key, Any]) -> bytes:
    """Records whose tensors are the rows of `columns`, arrays (records, values) of float32 or float64."""
    count = len(next(iter(columns.values())))
    if not count:
        return b""
    template = wire.Record()
    for (number, name), values in columns.items():
        (template.features if number == 1 else template.label)[name] = wire.Tensor(values[0])
    content = wire.serialize(template)
    places = _places(content)
    assert places is not None
    one = recordio.join([content])
    table = np.tile(np.frombuffer(one, np.uint8), (count, 1))
    for key, values in columns.items():
        if key in places:
            begin, end, kind = places[key]
            table[:, begin:end] = np.ascontiguousarray(values, kind).view(np.uint8).reshape(count, -1)
    return table.tobytes()


def _places(content: memoryview | bytes) -> dict[Key, tuple[int, int, Any]] | None:
    """Where in a framed record the numbers of each tensor begin and end, and their type."""
    base = memoryview(content)
    found: dict[Key, tuple[int, int, Any]] = {}
    for number, entry in wire.fields(base):
        if number not in (1, 2) or isinstance(entry, int):
            return None
        name, values = "", None
        for inner, value in wire.fields(entry):
            if isinstance(value, int):
                return None
            if inner == 1:
                name = bytes(value).decode("utf-8", "replace")
            else:
                values = _numbers(value)
        if values is None or (number, name) in found:
            return None
        packed, kind = values
        begin = HEAD + _offset(base, packed)
        found[number, name] = (begin, begin + len(packed), kind)
    return found or None


def _numbers(value: memoryview) -> tuple[memoryview, Any] | None:
    """The packed numbers of a dense tensor; None for any other value."""
    inside = list(wire.fields(value))
    if len(inside) != 1 or inside[0][0] not in (2, 3) or isinstance(inside[0][1], int):
        return None
    kind = np.float32 if inside[0][0] == 2 else np.float64
    packed = list(wire.fields(inside[0][1]))
    if len(packed) != 1 or packed[0][0] != 1 or isinstance(packed[0][1], int):
        return None
    numbers = packed[0][1]
    return None if len(numbers) % np.dtype(kind).itemsize or not len(numbers) else (numbers, kind)


def _offset(base: memoryview, part: memoryview) -> int:
    """Where `part`, a slice of `base`, begins in it."""
    address = [np.frombuffer(view, np.uint8).__array_interface__["data"][0] for view in (base, part)]
    return int(address[1] - address[0])
