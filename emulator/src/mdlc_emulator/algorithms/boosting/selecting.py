"""Selectable inference: which fields of a prediction SAGEMAKER_INFERENCE_OUTPUT asks for.

https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html and the container's serve_utils.py.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mdlc_emulator.algorithms.formats import content_type as types
from mdlc_emulator.algorithms.formats import record as wire
from mdlc_emulator.algorithms.formats import recordio

_SCORE = ("predicted_score",)
_CLASSES = ("predicted_label", "labels", "raw_score", "raw_scores")
_PROBABLE = (*_CLASSES, "probability", "probabilities")
FIELDS: dict[str, tuple[str, ...]] = {
    "reg:squarederror": _SCORE,
    "reg:logistic": _SCORE,
    "reg:gamma": _SCORE,
    "reg:absoluteerror": _SCORE,
    "reg:tweedie": _SCORE,
    "binary:logistic": _PROBABLE,
    "binary:logitraw": _CLASSES,
    "binary:hinge": _CLASSES,
    "multi:softmax": _CLASSES,
    "multi:softprob": _PROBABLE,
}
NAN = float("nan")


class SelectionError(ValueError):
    """The objective offers no fields to select from."""


def keys(asked: str) -> list[str]:
    """The names in SAGEMAKER_INFERENCE_OUTPUT, in their order."""
    return asked.replace(" ", "").lower().split(",")


def select(predictions: Any, names: Sequence[str], objective: str, classes: int) -> list[dict[str, Any]]:
    """For each prediction the fields `names`; NaN for those that the objective does not have."""
    if objective not in FIELDS:
        raise SelectionError(f"Objective `{objective}` unsupported for selectable inference predictions.")
    offered = FIELDS[objective]
    rows = np.asarray(predictions).tolist()
    return [
        {name: _FIELD[name](row, objective, classes) if name in offered else NAN for name in names}
        for row in rows
    ]


def _label(row: Any, objective: str, _classes: int) -> Any:
    if objective in ("binary:hinge", "multi:softmax"):
        return row
    if objective == "multi:softprob":
        return int(np.argmax(row))
    return int(row > (0 if objective == "binary:logitraw" else 0.5))


def _labels(_row: Any, objective: str, classes: int) -> Any:
    if objective.startswith("binary:"):
        return [0, 1]
    return list(range(classes)) if classes else NAN


def _highest(row: Any, objective: str, _classes: int) -> Any:
    return max(row) if objective == "multi:softprob" else row


def _each(row: Any, objective: str, _classes: int) -> Any:
    return row if objective == "multi:softprob" else [1.0 - row, row]


_FIELD: dict[str, Callable[[Any, str, int], Any]] = {
    "predicted_label": _label,
    "labels": _labels,
    "probability": _highest,
    "probabilities": _each,
    "raw_score": _highest,
    "raw_scores": _each,
    "predicted_score": lambda row, _objective, _classes: row,
}


def encode(
    predictions: Sequence[dict[str, Any]], names: Sequence[str], media_type: str, *, batch: bool
) -> bytes:
    """`predictions` as the client asked for them."""
    if media_type == types.JSON:
        return json.dumps({"predictions": list(predictions)}).encode()
    if media_type == types.JSON_LINES:
        return "".join(json.dumps(item) + "\n" for item in predictions).encode()
    if media_type == types.RECORDIO:
        return recordio.join(wire.serialize(_record(item)) for item in predictions)
    lines = (",".join(_cell(item[name]) for name in names) for item in predictions)
    return ("\n".join(lines) + ("\n" if batch else "")).encode()


def _cell(value: Any) -> str:
    return f'"{value}"' if isinstance(value, list) else str(value)


def _record(item: dict[str, Any]) -> wire.Record:
    return wire.Record(
        label={
            name: wire.Tensor(np.atleast_1d(np.asarray(value, np.float32))) for name, value in item.items()
        }
    )
