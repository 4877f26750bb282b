"""SageMaker's Record (aialgs.data.Record) on the wire, without a compiled schema.

https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html has the schema: a record has maps of named
tensors `features` and `label`, and three texts. A tensor has packed `values`, `keys` where it is sparse, and
a `shape`. Unknown fields are passed over, as Protocol Buffers asks.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int32]
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_TENSORS: Mapping[int, Any] = {2: np.float32, 3: np.float64, 7: np.int32}
_TENSOR_FIELDS = {np.dtype(kind): number for number, kind in _TENSORS.items()}
_TEXTS = {3: "uid", 4: "metadata", 5: "configuration"}


class RecordError(ValueError):
    """The bytes are no Record."""


@dataclass(slots=True)
class Tensor:
    """Values of float32, float64 or int32; dense without `keys`. `shape` may be ()."""

    values: Values
    keys: NDArray[np.uint64] | None = None
    shape: tuple[int, ...] = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tensor):
            return NotImplemented
        same_keys = (self.keys is None) == (other.keys is None) and (
            self.keys is None or np.array_equal(self.keys, other.keys)  # type: ignore[arg-type]
        )
        return (
            self.values.dtype == other.values.dtype
            and self.values.tobytes() == other.values.tobytes()
            and same_keys
            and self.shape == other.shape
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class Record:
    """One observation, or one prediction."""

    features: dict[str, Tensor] = field(default_factory=dict)
    label: dict[str, Tensor] = field(default_factory=dict)
    uid: str = ""
    metadata: str = ""
    configuration: str = ""


# ---- reading ----------------------------------------------------------------------------------------------


def parse(data: memoryview | bytes) -> Record:
    """The record in `data`. RecordError."""
    record = Record()
    for number, value in fields(data):
        if number in (1, 2) and not isinstance(value, int):
            name, tensor = _entry(value)
            if tensor is not None:
                (record.features if number == 1 else record.label)[name] = tensor
        elif number in _TEXTS and not isinstance(value, int):
            setattr(record, _TEXTS[number], _text(value))
    return record


def _entry(data: memoryview) -> tuple[str, Tensor | None]:
    name, tensor = "", None
    for number, value in fields(data):
        if isinstance(value, int):
            continue
        if number == 1:
            name = _text(value)
        elif number == 2:
            for kind, content in fields(value):
                if kind in _TENSORS and not isinstance(content, int):
                    tensor = _tensor(content, _TENSORS[kind])
    return name, tensor


def _tensor(data: memoryview, kind: Any) -> Tensor:
    parts: dict[int, list[Any]] = {1: [], 2: [], 3: []}
    for number, value in fields(data):
        if number not in parts:
            continue
        packed = not isinstance(value, int)
        if number == 1 and kind is not np.int32:
            parts[1].append(_packed_floats(value, kind) if packed else _one_float(value, kind))
        else:
            parts[number].append(_varints(value) if packed else np.array([value], np.uint64))
    if kind is np.int32:
        values = _join(parts[1], np.uint64).astype(np.uint32).view(np.int32)
    else:
        values = _join(parts[1], kind)
    keys = _join(parts[2], np.uint64)
    shape = tuple(int(size) for size in _join(parts[3], np.uint64))
    return Tensor(values, keys if len(keys) else None, shape)


def _join(parts: list[Any], kind: Any) -> Any:
    if not parts:
        return np.empty(0, kind)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _packed_floats(data: Any, kind: Any) -> Any:
    if len(data) % np.dtype(kind).itemsize:
        raise RecordError("a packed field of numbers has a length that is no multiple of theirs")
    return np.frombuffer(data, np.dtype(kind).newbyteorder("<")).astype(kind)


def _one_float(bits: int, kind: Any) -> Any:
    word = np.uint32 if kind is np.float32 else np.uint64
    return np.array([bits], word).view(kind)


def _varints(data: memoryview) -> NDArray[np.uint64]:
    """All numbers of a packed field at once."""
    octets = np.frombuffer(data, np.uint8)
    if not len(octets):
        return np.empty(0, np.uint64)
    ends = np.flatnonzero(octets < 128)
    if not len(ends) or ends[-1] != len(octets) - 1:
        raise RecordError("a number is cut off")
    starts = np.concatenate(([0], ends[:-1] + 1))
    if int((ends - starts).max()) > 9:
        raise RecordError("a number has more than ten bytes")
    place = np.arange(len(octets)) - np.repeat(starts, ends - starts + 1)
    worth = (octets & 127).astype(np.uint64) << (place * 7).astype(np.uint64)
    return np.bitwise_or.reduceat(worth, starts)


def _text(data: memoryview) -> str:
    try:
        return bytes(data).decode()
    except UnicodeDecodeError as error:
        raise RecordError(f"a text is not UTF-8: {error}") from error


def fields(data: memoryview | bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field: bytes for a length-delimited one, else its bits as an integer."""
    view = memoryview(data)
    at, size = 0, len(view)
    while at < size:
        tag, at = _varint(view, at)
        wire = tag & 7
        if wire == _BYTES:
            length, at = _varint(view, at)
            if at + length > size:
                raise RecordError("a field is longer than its record")
            yield tag >> 3, view[at : at + length]
            at += length
        elif wire == _VARINT:
            value, at = _varint(view, at)
            yield tag >> 3, value
        elif wire in (_FIXED32, _FIXED64):
            width = 4 if wire == _FIXED32 else 8
            if at + width > size:
                raise RecordError("a field is longer than its record")
            yield tag >> 3, int.from_bytes(view[at : at + width], "little")
            at += width
        else:
            raise RecordError(f"unknown wire type {wire}")


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    size = len(view)
    while at < size and shift < 70:
        octet = view[at]
        at += 1
        value |= (octet & 127) << shift
        if octet < 128:
            return value, at
        shift += 7
    raise RecordError("a number is cut off")


# ---- writing ----------------------------------------------------------------------------------------------


def serialize(record: Record) -> bytes:
    """`record` on the wire; names in their order, so that equal records have equal bytes."""
    out = bytearray()
    for number, tensors in ((1, record.features), (2, record.label)):
        for name, tensor in tensors.items():
            entry = _delimited(1, name.encode()) + _delimited(2, _value(tensor))
            out += _delimited(number, entry)
    for number, name in _TEXTS.items():
        if text := getattr(record, name):
            out += _delimited(number, text.encode())
    return bytes(out)


def _value(tensor: Tensor) -> bytes:
    values = tensor.values
    content = b""
    if values.dtype == np.int32:
        wide = values.astype(np.int64).astype(np.uint64)
        packed = b"".join(_number(int(value)) for value in wide)
    else:
        packed = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
    if packed:
        content += _delimited(1, packed)
    if tensor.keys is not None and len(tensor.keys):
        content += _delimited(2, b"".join(_number(int(key)) for key in tensor.keys))
    if tensor.shape:
        content += _delimited(3, b"".join(_number(size) for size in tensor.shape))
    return _delimited(_TENSOR_FIELDS[values.dtype], content)


def _delimited(number: int, content: bytes) -> bytes:
    return _number(number << 3 | _BYTES) + _number(len(content)) + content


def _number(value: int) -> bytes:
    if value < 128:
        return _ONE[value]
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


_ONE = [struct.pack("B", value) for value in range(128)]
