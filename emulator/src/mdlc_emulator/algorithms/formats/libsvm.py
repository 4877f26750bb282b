"""LIBSVM: `<label>[:<weight>] <index>:<value> <index>:<value> ...`, one record a line.

Indices are columns as they stand, counted from 0, as xgboost reads them (its `indexing_mode` 0): column 0 of
a file that counts from 1 is empty, in training and in prediction alike.
"""

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LARGE = 256 * 1024
"""Bytes above which pyarrow's parser is worth its start."""
_ONE_A_LINE = bytes.maketrans(b": ", b"\n\n")
_LINE_FEED, _SPACE, _COLON = 10, 32, 58


class LibsvmError(ValueError):
    """A line is not in the format; `line` is its text."""

    def __init__(self, message: str, line: str) -> None:
        super().__init__(message)
        self.line = line


class Rows(NamedTuple):
    """`features` is a scipy csr_matrix; `labels` and `weights` are None where the lines have none."""

    features: Any
    labels: NDArray[np.float32] | None
    weights: NDArray[np.float32] | None


class Arrays(NamedTuple):
    """The features of row i are `values[starts[i]:starts[i + 1]]` in the columns `indices` of that slice."""

    values: NDArray[np.float32]
    indices: NDArray[np.int32]
    starts: NDArray[np.int64]
    width: int
    labels: NDArray[np.float32] | None
    weights: NDArray[np.float32] | None


def parse(data: bytes | bytearray, *, labelled: bool) -> Rows:
    """The rows of `data`. LibsvmError.

    With `labelled`, each line begins with a label, and `a:b` in its place is label and weight. Without, a
    number in front is passed over: requests may carry labels or not.
    """
    from scipy.sparse import csr_matrix

    found = arrays(data, labelled=labelled)
    shape = (len(found.starts) - 1, found.width)
    features = csr_matrix((found.values, found.indices, found.starts), shape=shape)
    return Rows(features, found.labels, found.weights)


def arrays(data: bytes | bytearray, *, labelled: bool) -> Arrays:
    """The same as `parse`, in arrays."""
    data = _plain(bytes(data))
    if not data:
        nothing = np.empty(0, np.float32)
        return Arrays(nothing, np.empty(0, np.int32), np.zeros(1, np.int64), 0, None, None)
    numbers = _numbers(data)
    counts, leads = _layout(data, labelled)
    starts = np.concatenate(([0], np.cumsum(counts)))
    if starts[-1] != len(numbers):
        raise _fault(data)
    first = starts[:-1]
    labels = weights = None
    if labelled:
        labels = numbers[first].astype(np.float32)
        if (leads == 2).any():
            weights = np.where(leads == 2, numbers[np.minimum(first + 1, len(numbers) - 1)], 1.0).astype(
                np.float32
            )
    lead = np.zeros(len(numbers), dtype=bool)
    lead[first[leads > 0]] = True
    lead[first[leads == 2] + 1] = True
    pairs = numbers[~lead]
    indices = pairs[0::2]
    if (indices < 0).any() or (indices != np.floor(indices)).any():
        raise _fault(data)
    begins = np.concatenate(([0], np.cumsum((counts - leads) // 2)))
    width = int(indices.max()) + 1 if len(indices) else 0
    values = pairs[1::2].astype(np.float32)
    return Arrays(values, indices.astype(np.int32), begins, width, labels, weights)


def _plain(data: bytes) -> bytes:
    """Comments, tabs, blank lines and spaces at the ends taken away; every line ends with a line feed."""
    if b"#" in data:
        data = re.sub(rb"#[^\n]*", b"", data)
    data = data.replace(b"\t", b" ").replace(b"\r", b"")
    if b"  " in data:
        data = re.sub(rb" {2,}", b" ", data)
    data = data.replace(b" \n", b"\n").replace(b"\n ", b"\n").strip()
    if b"\n\n" in data:
        data = re.sub(rb"\n+", b"\n", data)
    return data + b"\n" if data else b""


def _numbers(data: bytes) -> NDArray[np.float64]:
    """All numbers of the text in their order, whatever stands between them."""
    if len(data) > LARGE:
        import pyarrow
        from pyarrow import csv as arrow

        try:
            table = arrow.read_csv(
                pyarrow.py_buffer(data.translate(_ONE_A_LINE)),
                arrow.ReadOptions(column_names=["number"]),
                convert_options=arrow.ConvertOptions(
                    column_types={"number": pyarrow.float64()}, null_values=["nan", "NaN"]
                ),
            )
            found: NDArray[np.float64] = table.column(0).to_numpy()
            return found
        except pyarrow.ArrowInvalid:
            pass
    try:
        return np.array(data.replace(b":", b" ").split(), dtype=np.float64)
    except ValueError:
        raise _fault(data) from None


def _layout(data: bytes, labelled: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each line how many numbers it has, and how many of them stand before the features (0, 1 or 2)."""
    text = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(text == _LINE_FEED)
    begins = np.concatenate(([0], ends[:-1] + 1))
    colons = np.concatenate(([0], np.cumsum(text == _COLON)))
    spaces = np.flatnonzero((text == _SPACE) | (text == _LINE_FEED))
    first_end = spaces[np.searchsorted(spaces, begins)]
    tokens = np.searchsorted(spaces, ends, side="right") - np.searchsorted(spaces, begins)
    pairs = colons[ends] - colons[begins]
    in_first = colons[first_end] - colons[begins]
    if (in_first > 1).any() or (pairs - in_first != tokens - 1).any():
        raise _fault(data)
    leads = 1 + in_first if labelled else 1 - in_first
    return tokens + pairs, leads


def _fault(data: bytes) -> LibsvmError:
    number = rb"[^\s:]+"
    pair = re.compile(rb"\d+:" + number)
    lead = re.compile(number + rb"(:" + number + rb")?")
    for line in data.splitlines():
        first, *rest = line.split(b" ")
        good = bool(lead.fullmatch(first)) and all(pair.fullmatch(token) for token in rest)
        if good:
            try:
                list(map(float, line.replace(b":", b" ").split()))
                continue
            except ValueError:
                pass
        text = line.decode("utf-8", "replace")
        return LibsvmError(f"{text[:50]!r} does not follow LIBSVM format", text)
    return LibsvmError("the data does not follow LIBSVM format", data[:50].decode("utf-8", "replace"))
