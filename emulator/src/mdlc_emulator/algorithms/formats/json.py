"""JSON and JSON Lines requests of SageMaker's algorithms, as a matrix.

https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html: `{"instances": [...]}`, each
`{"features": [...]}` or `{"data": {"features": {"values": [...], "keys": [...], "shape": [...]}}}`; JSON
Lines has one such instance a line.
"""

import json
from typing import Any

import numpy as np


class JsonError(ValueError):
    """The body is no request in one of the forms."""


def parse(data: bytes | bytearray) -> Any:
    """The instances of a JSON body: float32, dense, or a csr_matrix when any is sparse. JsonError."""
    body = _load(data)
    if not isinstance(body, dict) or not isinstance(body.get("instances"), list):
        raise JsonError('The body must be an object with a list "instances"')
    return _matrix(body["instances"])


def parse_lines(data: bytes | bytearray) -> Any:
    """The same of a JSON Lines body."""
    return _matrix([_load(line) for line in bytes(data).splitlines() if line.strip()])


def _load(data: bytes | bytearray) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise JsonError(f"The body is no JSON: {error}") from error


def _matrix(instances: list[Any]) -> Any:
    if not instances:
        raise JsonError("There are no instances")
    rows = [_features(instance) for instance in instances]
    try:
        if any(isinstance(row, dict) and row.get("keys") for row in rows):
            return _sparse(rows)
        values = [row["values"] if isinstance(row, dict) else row for row in rows]
        width = len(values[0])
        for number, row in enumerate(values):
            if len(row) != width:
                raise JsonError(f"Instance {number} has {len(row)} values, the first has {width}")
        return np.array(values, dtype=np.float32)
    except (TypeError, KeyError, ValueError) as error:
        if isinstance(error, JsonError):
            raise
        raise JsonError(f"The features are no numbers: {error}") from error


def _features(instance: Any) -> Any:
    inner = instance
    if isinstance(inner, dict) and "data" in inner:
        inner = inner["data"]
    if isinstance(inner, dict) and "features" in inner:
        inner = inner["features"]
    if isinstance(inner, list) or (isinstance(inner, dict) and isinstance(inner.get("values"), list)):
        return inner
    raise JsonError('An instance must have "features", or "data" with "features"')


def _sparse(rows: list[Any]) -> Any:
    from scipy.sparse import csr_matrix

    data: list[float] = []
    indices: list[int] = []
    indptr, widths = [0], []
    for row in rows:
        values = row["values"] if isinstance(row, dict) else row
        keys = (row.get("keys") if isinstance(row, dict) else None) or list(range(len(values)))
        shape = row.get("shape") if isinstance(row, dict) else None
        if len(keys) != len(values):
            raise JsonError(f"An instance has {len(keys)} keys and {len(values)} values")
        width = int(np.prod(shape)) if shape else max(keys, default=-1) + 1
        if keys and (max(keys) >= width or min(keys) < 0):
            raise JsonError(f"An instance of shape {shape} has a key outside it")
        data += values
        indices += keys
        indptr.append(len(indices))
        widths.append(width)
    return csr_matrix((np.array(data, np.float32), indices, indptr), shape=(len(rows), max(widths)))
