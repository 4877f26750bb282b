"""Request bodies as xgboost's DMatrix, as the image of xgboost reads them in script mode:
https://github.com/aws/sagemaker-xgboost-container/blob/master/src/sagemaker_xgboost_container/encoder.py"""

from typing import Any

from mdlc_emulator.algorithms.formats import csv, libsvm, matrix
from mdlc_emulator.scripts.codecs import CSV, UnsupportedFormatError

LIBSVM = ("text/libsvm", "text/x-libsvm")
RECORDIO = "application/x-recordio-protobuf"


def csv_to_dmatrix(content: Any, dtype: Any = None) -> Any:
    """Rows without a label."""
    import numpy as np
    import xgboost

    data = _bytes(content).strip()
    delimiter = csv.delimiter_of(data.partition(b"\n")[0].decode("utf-8")[:512])
    rows = csv.parse(data, "," if delimiter.isalnum() else delimiter)
    return xgboost.DMatrix(rows.astype(dtype or np.float32))


def libsvm_to_dmatrix(content: Any) -> Any:
    """Rows with or without a label. Indices that begin with 1 are shifted to 0, as the image does."""
    import xgboost

    rows = libsvm.parse(_bytes(content), labelled=False).features
    if rows.nnz and rows.indices.min() >= 1:
        rows = rows[:, 1:]
    return xgboost.DMatrix(rows.toarray())


def recordio_protobuf_to_dmatrix(content: Any) -> Any:
    """Records, with their labels where they have some."""
    import xgboost

    read = matrix.read(_bytes(content))
    return xgboost.DMatrix(read.features, label=read.labels)


def decode(content: Any, content_type: str) -> Any:
    """The DMatrix in a body. UnsupportedFormatError."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == CSV:
        return csv_to_dmatrix(content)
    if media_type in LIBSVM:
        return libsvm_to_dmatrix(content)
    if media_type == RECORDIO:
        return recordio_protobuf_to_dmatrix(content)
    raise UnsupportedFormatError(media_type)


def _bytes(content: Any) -> bytes:
    return content.encode() if isinstance(content, str) else bytes(content)
