"""Predictions as the algorithms write them: JSON, JSON Lines, CSV and RecordIO-protobuf.

https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html. A prediction is a set of named fields;
here each field is an array with a row for each prediction.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mdlc_emulator.algorithms.formats import content_type as types
from mdlc_emulator.algorithms.formats import uniform

Fields = Mapping[str, Any]
"""Name -> array (n,) or (n, k)."""


def choose(accept: str, offered: Sequence[str]) -> types.MediaType | None:
    """The first of the client's ranges that `offered` (first is the default) has; None where none fits."""
    for text in accept.split(",") if accept else [""]:
        wanted = types.MediaType.parse(text)
        for name in offered:
            if types.matches(wanted.name, name):
                return types.MediaType(name, wanted.parameters)
    return None


def encode(fields: Fields, media_type: str, top: str = "predictions") -> bytes:
    """`fields` in one of the four types; `top` is the name of the list in JSON."""
    if media_type == types.RECORDIO:
        return _recordio(fields)
    if media_type == types.CSV:
        return _csv(fields)
    items = _objects(fields)
    if media_type == types.JSON_LINES:
        return ("\n".join(items) + "\n" if items else "").encode()
    return f'{{"{top}": [{", ".join(items)}]}}'.encode()


def _objects(fields: Fields) -> list[str]:
    """Each prediction as JSON writes it, column by column: json.dumps of each takes four times as long."""
    columns = [_values(np.asarray(column)) for column in fields.values()]
    names = [json.dumps(name).replace("{", "{{").replace("}", "}}") for name in fields]
    pattern = "{{" + ", ".join(f"{name}: {{}}" for name in names) + "}}"
    return list(map(pattern.format, *columns))


def _values(column: Any) -> list[str]:
    if column.dtype.kind == "f" and not np.isfinite(column).all():
        return list(map(json.dumps, column.tolist()))  # NaN and Infinity, which repr writes otherwise
    if column.ndim == 1:
        return list(map(repr, column.tolist()))
    return ["[" + ", ".join(map(repr, row)) + "]" for row in column.tolist()]


def _csv(fields: Fields) -> bytes:
    lists = []
    for column in fields.values():
        values = np.asarray(column)
        if values.ndim == 1:
            lists.append(list(map(repr, values.tolist())))
        else:
            lists.append([",".join(map(repr, row)) for row in values.tolist()])
    if len(lists) == 1:
        return ("\n".join(lists[0]) + "\n").encode()
    return "".join(",".join(row) + "\n" for row in zip(*lists, strict=True)).encode()


def _recordio(fields: Fields) -> bytes:
    columns = {}
    for name, column in fields.items():
        values = np.asarray(column, dtype=np.float32)
        columns[2, name] = values.reshape(len(values), -1)
    return uniform.write(columns)
