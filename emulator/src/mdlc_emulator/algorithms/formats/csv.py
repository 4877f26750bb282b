"""CSV of numbers: no header, one record a line, an empty field is a missing value (NaN).

Large data goes through pyarrow's parser, a request of a few rows through Python's own `float`: importing and
starting pyarrow costs more than such a request takes. What pyarrow refuses, the slow way judges, and names
the row and the field.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL = 32 * 1024
"""Bytes up to which Python's own parsing is the quicker one."""
WORTH_IMPORTING = 2 * 1024 * 1024
"""Bytes up to which it is the quicker one in a program that does not have pyarrow yet, and ends soon."""
PREFERRED = ",\t; :"
MISSING = ["", "nan", "NaN", "NAN", "-nan", "-NaN"]

Matrix = NDArray[Any]
"""Of float32 or float64."""


class CsvError(ValueError):
    """The data is no CSV of numbers; the message says where."""


def delimiter_of(line: str) -> str:
    """The delimiter of a line, as Python's sniffer finds it. CsvError with the sniffer's words."""
    if "," in line:
        return ","  # what the sniffer prefers, without its cost
    try:
        found = csv.Sniffer().sniff(line).delimiter
    except csv.Error as error:
        raise CsvError(str(error)) from error
    if found.isalnum() or found in ".+-":
        raise CsvError("Could not determine delimiter")  # a part of a number, guessed for want of better
    return found


def parse(
    data: bytes | bytearray, delimiter: str = ",", dtype: Any = np.float64, small: int = SMALL
) -> Matrix:
    """`data` as an array of rows and columns; up to `small` bytes without pyarrow. CsvError."""
    if len(data) <= small:
        return _slowly(data, delimiter, dtype)
    import pyarrow

    try:
        return _arrow(pyarrow.py_buffer(data), delimiter, dtype)
    except pyarrow.ArrowInvalid:
        return _slowly(data, delimiter, dtype)


def read(files: Sequence[Path], delimiter: str = ",", dtype: Any = np.float32) -> Matrix:
    """All files below each other. CsvError names the file."""
    parts: list[Matrix] = []
    total = sum(file.stat().st_size for file in files)
    small = SMALL if total > WORTH_IMPORTING else WORTH_IMPORTING
    for file in files:
        if not file.stat().st_size:
            continue
        try:
            part = parse(file.read_bytes(), delimiter, dtype, small)
        except CsvError as error:
            raise CsvError(f"{file.name}: {error}") from error
        if parts and part.shape[1] != parts[0].shape[1]:
            raise CsvError(f"{file.name}: Expected {parts[0].shape[1]} columns, got {part.shape[1]}")
        parts.append(part)
    if not parts:
        raise CsvError("There are no rows")
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _arrow(buffer: Any, delimiter: str, dtype: Any) -> Matrix:
    import pyarrow
    from pyarrow import csv as arrow

    view = memoryview(buffer)
    end = bytes(view[: 1 << 20]).find(b"\n")
    first = bytes(view[: end if end >= 0 else len(view)])
    columns = first.count(delimiter.encode()) + 1
    kind = pyarrow.float64()  # rounded once more where float32 is asked for, as Python's way does
    table = arrow.read_csv(
        pyarrow.BufferReader(buffer),
        arrow.ReadOptions(autogenerate_column_names=True, block_size=4 << 20),
        arrow.ParseOptions(delimiter=delimiter),
        arrow.ConvertOptions(
            column_types={f"f{number}": kind for number in range(columns)}, null_values=MISSING
        ),
    )
    result = np.empty((table.num_rows, table.num_columns), dtype)
    start = 0
    for batch in table.to_batches():
        stop = start + batch.num_rows
        for number, column in enumerate(batch.columns):
            result[start:stop, number] = column.to_numpy(zero_copy_only=False)
        start = stop
    return result


def _slowly(data: bytes | bytearray, delimiter: str, dtype: Any) -> Matrix:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CsvError(f"not UTF-8: {error}") from error
    rows: list[list[float]] = []
    for number, fields in enumerate(_fields(text, delimiter), 1):
        if rows and len(fields) != len(rows[0]):
            raise CsvError(f"Row #{number}: Expected {len(rows[0])} columns, got {len(fields)}")
        try:
            rows.append(list(map(float, fields)))
        except ValueError:
            rows.append([_number(field, number, at) for at, field in enumerate(fields)])
    if not rows:
        raise CsvError("There are no rows")
    return np.array(rows, dtype)


def _fields(text: str, delimiter: str) -> Iterable[list[str]]:
    if '"' in text:
        return (row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row)
    return (line.split(delimiter) for line in text.splitlines() if line and not line.isspace())


def _number(field: str, row: int, column: int) -> float:
    stripped = field.strip()
    if not stripped:
        return float("nan")
    try:
        return float(stripped)
    except ValueError:
        raise CsvError(f"Row #{row}, column #{column}: {stripped[:50]!r} is not a number") from None
