"""Training data as DMatrix, read as the built-in algorithm reads it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mdlc_emulator.algorithms.boosting import data


def get_dmatrix(
    data_path: str | Sequence[str], content_type: str, csv_weights: int = 0, is_pipe: bool = False
) -> Any:
    """The rows below a file, a directory, or several: libsvm, CSV with the label first (and with
    `csv_weights` the weight second), Parquet, RecordIO-protobuf. None where there is no file."""
    if is_pipe:
        raise RuntimeError("Pipe mode is not there in this emulator: use File or FastFile mode.")
    paths = [Path(one) for one in ([data_path] if isinstance(data_path, str) else data_path)]
    files = [file for path in paths for file in (data.files_of(path) if path.is_dir() else [path])]
    if not any(file.exists() for file in files):
        return None
    return data.read(files, data.format_of(content_type), bool(csv_weights))
