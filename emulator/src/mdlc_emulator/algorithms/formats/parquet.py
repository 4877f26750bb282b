"""Parquet with the label in the first column, as xgboost's container reads it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


class ParquetError(ValueError):
    """The files are no Parquet of numbers."""


def read(files: Sequence[Path]) -> Any:
    """All columns of all files, float64, missing values as NaN. ParquetError."""
    import pyarrow
    from pyarrow import parquet

    try:
        table = pyarrow.concat_tables([parquet.read_table(file) for file in files])
    except (pyarrow.ArrowException, OSError) as error:
        raise ParquetError(str(error)) from error
    result = np.empty((table.num_rows, table.num_columns))
    for number, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True)):
        try:
            result[:, number] = column.cast(pyarrow.float64()).to_numpy()
        except pyarrow.ArrowException as error:
            raise ParquetError(f"column {name!r} is not numeric: {error}") from error
    return result
