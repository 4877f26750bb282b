"""Evaluation metrics that SageMaker adds to xgboost's own, computed by scikit-learn.

https://github.com/aws/sagemaker-xgboost-container, metrics/custom_metrics.py. Two that the library has too,
rmse and mae, are left to it: the same to the digits that the log shows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xgboost

_LABELS: dict[str, tuple[str, dict[str, str]]] = {
    "accuracy": ("accuracy_score", {}),
    "balanced_accuracy": ("balanced_accuracy_score", {}),
    "f1": ("f1_score", {"average": "macro"}),
    "f1_binary": ("f1_score", {"average": "binary"}),
    "f1_macro": ("f1_score", {"average": "macro"}),
    "precision": ("precision_score", {}),
    "precision_macro": ("precision_score", {"average": "macro"}),
    "precision_micro": ("precision_score", {"average": "micro"}),
    "recall": ("recall_score", {}),
    "recall_macro": ("recall_score", {"average": "macro"}),
    "recall_micro": ("recall_score", {"average": "micro"}),
}
_VALUES = {"mse": "mean_squared_error", "r2": "r2_score"}
CUSTOM = frozenset(_LABELS) | frozenset(_VALUES)


def evaluation(names: Sequence[str], objective: str) -> Callable[[Any, xgboost.DMatrix], Any] | None:
    """What xgboost calls after each round for those of `names` that are not its own; None for none."""
    wanted = [name for name in names if name in CUSTOM]
    if not wanted:
        return None
    from sklearn import metrics

    def measure(predictions: Any, data: xgboost.DMatrix) -> list[tuple[str, float]]:
        truth = data.get_label()
        labels = classes(predictions, objective)
        found = []
        for name in wanted:
            if name in _VALUES:
                found.append((name, float(getattr(metrics, _VALUES[name])(truth, predictions))))
            else:
                function, options = _LABELS[name]
                found.append((name, float(getattr(metrics, function)(truth, labels, **options))))
        return found

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
