"""RecordIO-protobuf as a matrix, and back: what training channels and requests hold.

A file of dense records has them all of one size and alike but for their numbers, so it is read as one array;
anything else record by record.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdlc_emulator.algorithms.formats import record as wire
from mdlc_emulator.algorithms.formats import recordio, uniform

NAME = "values"


class Labelled(NamedTuple):
    """`features` is dense or a scipy csr_matrix; `labels` None where no record has one."""

    features: Any
    labels: NDArray[Any] | None


class MatrixError(ValueError):
    """Records that are no rows of one matrix."""


def read(data: bytes | bytearray) -> Labelled:
    """The matrix in `data`. RecordIOError, RecordError or MatrixError."""
    if not data:
        raise MatrixError("No records found in RecordIO-Protobuf data")
    return _alike(data) or _one_by_one(data)


def write(features: Any, labels: Any = None) -> bytes:
    """Rows of a dense or sparse matrix as RecordIO-protobuf, float32 but for float64 and int32 arrays."""
    sparse = hasattr(features, "tocsr")
    rows: Any = features.tocsr() if sparse else np.asarray(features)
    if rows.dtype not in (np.float32, np.float64, np.int32):
        rows = rows.astype(np.float32)
    marks = None if labels is None else np.asarray(labels).reshape(len(labels), -1)
    if marks is not None and marks.dtype not in (np.float32, np.float64, np.int32):
        marks = marks.astype(np.float32)
    if not sparse and rows.dtype != np.int32 and (marks is None or marks.dtype != np.int32) and rows.size:
        columns = {(1, NAME): rows}
        return uniform.write(columns if marks is None else {**columns, (2, NAME): marks})
    written = []
    for number in range(rows.shape[0]):
        if sparse:
            begin, end = rows.indptr[number], rows.indptr[number + 1]
            keys = rows.indices[begin:end].astype(np.uint64)
            tensor = wire.Tensor(rows.data[begin:end], keys, (rows.shape[1],))
        else:
            tensor = wire.Tensor(rows[number])
        label = {} if marks is None else {NAME: wire.Tensor(marks[number])}
        written.append(wire.serialize(wire.Record({NAME: tensor}, label)))
    return recordio.join(written)


def _alike(data: bytes | bytearray) -> Labelled | None:
    """The fast way: None where the records are not alike, or have more than values and a label."""
    columns = uniform.read(data)
    if columns is None or (1, NAME) not in columns or len(columns) > 2:
        return None
    label = columns.get((2, NAME))
    if (len(columns) == 2 and label is None) or (label is not None and label.shape[1] != 1):
        return None
    return Labelled(columns[1, NAME], None if label is None else label.ravel())


def _one_by_one(data: bytes | bytearray) -> Labelled:
    rows: list[wire.Tensor] = []
    labels: list[Any] = []
    for content in recordio.split(data):
        record = wire.parse(content)
        if NAME not in record.features:
            raise MatrixError("A record has no features called 'values'")
        rows.append(record.features[NAME])
        if NAME in record.label:
            labels.append(record.label[NAME].values)
    if labels and len(labels) != len(rows):
        raise MatrixError("Some records have a label and some have none")
    marks = np.concatenate(labels) if labels else None
    if marks is not None and len(marks) != len(rows):
        raise MatrixError("Each record must have one label")
    sparse = any(row.keys is not None or (row.shape and len(row.values) != _size(row.shape)) for row in rows)
    return Labelled(_sparse(rows) if sparse else _dense(rows), marks)


def _dense(rows: list[wire.Tensor]) -> Any:
    width = len(rows[0].values)
    for row in rows:
        if len(row.values) != width:
            raise MatrixError(
                f"cannot copy sequence with size {len(row.values)} to array axis with dimension {width}"
            )
    return np.stack([row.values for row in rows])


def _sparse(rows: list[wire.Tensor]) -> Any:
    from scipy.sparse import csr_matrix

    lengths = [len(row.values) for row in rows]
    keys = [np.arange(len(row.values), dtype=np.uint64) if row.keys is None else row.keys for row in rows]
    for row, at in zip(rows, keys, strict=True):
        if len(at) != len(row.values):
            raise MatrixError(f"A sparse record has {len(at)} keys and {len(row.values)} values")
        if row.shape and len(at) and int(at.max()) >= _size(row.shape):
            raise MatrixError(f"A sparse record of shape {list(row.shape)} has the key {int(at.max())}")
    indices = np.concatenate(keys).astype(np.int64)
    needed = int(indices.max()) + 1 if len(indices) else 0
    width = max([needed, *(_size(row.shape) for row in rows)])
    values = np.concatenate([row.values for row in rows])
    indptr = np.concatenate(([0], np.cumsum(lengths)))
    return csr_matrix((values, indices, indptr), shape=(len(rows), width))


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape)) if shape else 0
