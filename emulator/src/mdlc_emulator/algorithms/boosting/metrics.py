"""Evaluation metrics that SageMaker adds to xgboost's own.

https://github.com/aws/sagemaker-xgboost-container, metrics/custom_metrics.py, has them from scikit-learn;
here they are computed by the same formulas, since importing it takes longer than most trainings. Two that
the library has too, rmse and mae, are left to it: the same to the digits that the log shows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xgboost

_VALUES = ("mse", "r2")
_LABELS = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "f1_binary",
    "f1_macro",
    "precision",
    "precision_macro",
    "precision_micro",
    "recall",
    "recall_macro",
    "recall_micro",
)
CUSTOM = frozenset(_LABELS) | frozenset(_VALUES)


def evaluation(names: Sequence[str], objective: str) -> Callable[[Any, xgboost.DMatrix], Any] | None:
    """What xgboost calls after each round for those of `names` that are not its own; None for none."""
    wanted = [name for name in names if name in CUSTOM]
    if not wanted:
        return None

    def measure(predictions: Any, data: xgboost.DMatrix) -> list[tuple[str, float]]:
        truth = data.get_label()
        labels = classes(predictions, objective)
        return [
            (name, of_values(name, truth, predictions) if name in _VALUES else of_labels(name, truth, labels))
            for name in wanted
        ]

    return measure


def classes(predictions: Any, objective: str) -> Any:
    """The predicted class of each row, from what the objective's prediction is."""
    values = np.asarray(predictions)
    if values.ndim == 2:
        return values.argmax(axis=1)
    if objective == "multi:softmax":
        return values.astype(int)
    threshold = 0.0 if objective == "binary:logitraw" else 0.5
    return (values > threshold).astype(int)


def of_values(name: str, truth: Any, predicted: Any) -> float:
    """Mean squared error, or the share of the variance that is explained."""
    mse = float(((np.asarray(predicted, np.float64) - truth) ** 2).mean())
    if name == "mse":
        return mse
    variance = float(np.asarray(truth, np.float64).var())
    return 1 - mse / variance if variance else float(mse == 0)


def of_labels(name: str, truth: Any, predicted: Any) -> float:
    """A metric of classes. ValueError for a binary one of more than two classes."""
    truth = np.asarray(truth).astype(int)
    hit = truth == predicted
    if name == "accuracy" or name.endswith("_micro"):
        return float(hit.mean())  # with one label for each row, micro averages are the accuracy
    present = np.union1d(truth, predicted)
    hits, found, there = (
        np.array([(part == label).sum() for label in present], np.float64)
        for part in (truth[hit], predicted, truth)
    )
    if name == "balanced_accuracy":
        known = there > 0
        return float((hits[known] / there[known]).mean())
    kind, _, average = name.partition("_")
    scores = {
        "precision": _ratio(hits, found),
        "recall": _ratio(hits, there),
        "f1": _ratio(2 * hits, found + there),
    }[kind]
    if average == "macro" or name == "f1":
        return float(scores.mean())
    if not set(present.tolist()) <= {0, 1}:
        raise ValueError(
            "Target is multiclass but average='binary'. Please choose another average setting, "
            "one of [None, 'micro', 'macro', 'weighted']."
        )
    return float(scores[present == 1].sum())


def _ratio(part: Any, whole: Any) -> Any:
    """0 where there is nothing to divide by, as scikit-learn has it."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
