"""Training channels as xgboost's matrices, with the container's checks and words.

https://github.com/aws/sagemaker-xgboost-container, data_utils.py.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from mdlc_emulator.algorithms.errors import UserError
from mdlc_emulator.algorithms.formats import csv, libsvm, matrix, parquet
from mdlc_emulator.algorithms.formats.content_type import MediaType
from mdlc_emulator.algorithms.place import data_files
from mdlc_emulator.algorithms.specification import Specification

FORMATS: Mapping[str, str] = {
    "csv": "csv",
    "libsvm": "libsvm",
    "parquet": "parquet",
    "recordio-protobuf": "recordio-protobuf",
    "text/csv": "csv",
    "text/libsvm": "libsvm",
    "text/x-libsvm": "libsvm",
    "application/x-parquet": "parquet",
    "application/x-recordio-protobuf": "recordio-protobuf",
}


def format_of(content_type: str | None) -> str:
    """csv, libsvm, parquet or recordio-protobuf. UserError for another type, ValueError never."""
    if not content_type:
        return "libsvm"
    media = MediaType.parse(content_type)
    if media.name not in FORMATS:
        raise UserError(f"{content_type} is not an accepted ContentType: {', '.join(FORMATS)}.")
    if FORMATS[media.name] == "csv" and media.parameters.get("label_size", "1") != "1":
        raise UserError(
            f"{content_type} is not an accepted csv ContentType. "
            "Optional parameter label_size must be equal to 1"
        )
    return FORMATS[media.name]


def check_channels(of: Specification, given: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Format by channel name ("train", "validation"). UserError."""
    for channel in of.channels.values():
        if channel.required and channel.name not in given:
            raise UserError(f"Missing required channel: {channel.name}")
    formats = {}
    for name, said in given.items():
        if name == "code":
            continue
        if name not in of.channels:
            raise UserError(f"Extraneous channel found: {name}")
        known = of.channels[name]
        content_type = said.get("ContentType") or known.default
        if said.get("TrainingInputMode") == "Pipe":
            raise UserError(
                "Pipe mode is not supported. Please use Fast File mode instead. "
                "Set input_mode='FastFile' in your SageMaker Estimator or TrainingInput."
            )
        if content_type not in known.content_types:
            shown = {**said, "ContentType": content_type}
            raise UserError(f"Channel configuration for '{name}' channel is not supported: {shown}")
        formats[name] = format_of(content_type)
    return formats


def files_of(directory: Path) -> list[Path]:
    """The channel's files that hold data. UserError when one is hidden."""
    if any(part.name.startswith(".") for part in directory.rglob("*") if part.is_file()):
        raise UserError("Hidden file found in the data path! Remove that before training.")
    return [file for file in data_files(directory) if file.stat().st_size]


def read(files: Sequence[Path], kind: str, csv_weights: bool) -> xgboost.DMatrix:
    """The files as one matrix with labels, and weights where the data has them. UserError."""
    if kind == "csv":
        found = _csv(files, csv_weights)
    elif kind == "libsvm":
        found = _libsvm(files)
    elif kind == "parquet":
        found = _parquet(files)
    else:
        found = _recordio(files)
    if found.get_label().size == 0:
        raise UserError(
            "Got input data without labels. Please check the input data set. "
            "If training job is running on multiple instances, please switch "
            "to using single instance if number of records in the data set "
            "is less than number of workers (16 * number of instance) in the cluster."
        )
    return found


def check_labels(matrix_of: xgboost.DMatrix, objective: str, classes: int | None) -> None:
    """What the library checks too, but in newer versions only after it has made other sense of the labels.

    UserError in the words of the images' versions.
    """
    labels = matrix_of.get_label()
    if objective in ("binary:logistic", "binary:logitraw", "reg:logistic"):
        if ((labels < 0) | (labels > 1)).any():
            raise UserError("label must be in [0,1] for logistic regression")
    elif classes is not None and ((labels < 0) | (labels >= classes)).any():
        raise UserError("SoftmaxMultiClassObj: label must be in [0, num_class).")


def _csv(files: Sequence[Path], weights: bool) -> xgboost.DMatrix:
    delimiters = [_delimiter(file) for file in files]
    try:
        table = csv.read(files, delimiters[0])
    except csv.CsvError as error:
        raise UserError(f"Failed to load csv data with exception:\n{error}") from error
    if weights:
        if table.shape[1] < 2:
            raise UserError("Failed to load csv data with exception:\nThere is no second column of weights")
        return xgboost.DMatrix(table[:, 2:], label=table[:, 0], weight=table[:, 1])
    return xgboost.DMatrix(table[:, 1:], label=table[:, 0])


def _delimiter(file: Path) -> str:
    with file.open(errors="ignore") as lines:
        line = lines.readline()
    try:
        found = csv.delimiter_of(line)
    except csv.CsvError as error:
        raise UserError(f"Could not determine delimiter on line {line[:50]}:\n{error}") from error
    logging.info("Determined delimiter of CSV input is '%s'", found)
    return found


def _libsvm(files: Sequence[Path]) -> xgboost.DMatrix:
    parts = []
    for file in files:
        try:
            parts.append(libsvm.parse(file.read_bytes(), labelled=True))
        except libsvm.LibsvmError as error:
            raise UserError(
                f"First line '{error.line[:50]}...' of file '{file.name}' is not 'LIBSVM' format. "
                "Please ensure the file is in 'LIBSVM' format."
            ) from error
    parts = [part for part in parts if part.labels is not None]
    if not parts:
        return xgboost.DMatrix(np.empty((0, 1), np.float32))
    features = parts[0].features if len(parts) == 1 else _below_each_other([part.features for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    weights = None
    if any(part.weights is not None for part in parts):
        weights = np.concatenate(
            [
                np.ones(part.features.shape[0], np.float32) if part.weights is None else part.weights
                for part in parts
            ]
        )
    return xgboost.DMatrix(features, label=labels, weight=weights)


def _below_each_other(matrices: Sequence[Any]) -> Any:
    from scipy.sparse import csr_matrix, vstack

    width = max(part.shape[1] for part in matrices)
    return vstack([csr_matrix((p.data, p.indices, p.indptr), (p.shape[0], width)) for p in matrices], "csr")


def _parquet(files: Sequence[Path]) -> xgboost.DMatrix:
    try:
        table = parquet.read(files)
        return xgboost.DMatrix(table[:, 1:], label=table[:, 0])
    except (parquet.ParquetError, ValueError, IndexError) as error:
        raise UserError(f"Failed to load parquet data with exception:\n{error}") from error


def _recordio(files: Sequence[Path]) -> xgboost.DMatrix:
    try:
        features, labels = matrix.read(b"".join(file.read_bytes() for file in files))
        return xgboost.DMatrix(features, label=labels)
    except ValueError as error:
        raise UserError(f"Failed to load recordio-protobuf data with exception:\n{error}") from error
