"""How good a linear model is: its loss, the metrics that linear learner logs, and the best threshold.

Names and directions: https://docs.aws.amazon.com/sagemaker/latest/dg/linear-learner-tuning.html
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdlc_emulator.algorithms.amazon.job import Data

Score = tuple[str, float, str]
"""(name, value, "score" or "loss")"""

_OBJECTIVES = {
    "logistic": "binary_classification_cross_entropy_objective",
    "hinge_loss": "hinge_loss_objective",
    "softmax_loss": "multiclass_cross_entropy_objective",
    "squared_loss": "mse_objective",
    "absolute_loss": "absolute_loss_objective",
    "quantile_loss": "quantile_loss_objective",
    "huber_loss": "huber_loss_objective",
    "eps_insensitive_absolute_loss": "eps_insensitive_absolute_loss_objective",
    "eps_insensitive_squared_loss": "eps_insensitive_squared_loss_objective",
}


def score_of(raw: Any, predictor: str, loss: str) -> Any:
    """What is answered for a raw score (rows, outputs): a probability, or itself for other losses."""
    if predictor == "multiclass_classifier":
        shifted = np.exp(raw - raw.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)
    flat = raw[:, 0]
    if loss == "logistic":
        return 0.5 * (1 + np.tanh(0.5 * flat))
    return flat


def objective(model: Any, data: Data, values: Any, loss: str) -> float:
    """The mean loss, without regularization."""
    assert data.labels is not None
    raw, labels = model.raw(data.features), data.labels.astype(np.float64)
    if loss == "softmax_loss":
        chance = score_of(raw, "multiclass_classifier", loss)[np.arange(len(labels)), labels.astype(int)]
        return float(-np.log(np.maximum(chance, 1e-30)).mean())
    flat = raw[:, 0]
    if loss == "logistic":
        return float(np.logaddexp(0, np.where(labels == 1, -flat, flat)).mean())
    if loss == "hinge_loss":
        return float(np.maximum(0, values["margin"] - (2 * labels - 1) * flat).mean())
    error = labels - flat
    size = np.abs(error)
    epsilon, delta, quantile = values["loss_insensitivity"], values["huber_delta"], values["quantile"]
    of = {
        "squared_loss": lambda: error**2,
        "absolute_loss": lambda: size,
        "quantile_loss": lambda: np.maximum(quantile * error, (quantile - 1) * error),
        "huber_loss": lambda: np.where(size < delta, size**2 / 2, delta * (size - delta / 2)),
        "eps_insensitive_absolute_loss": lambda: np.maximum(0, size - epsilon),
        "eps_insensitive_squared_loss": lambda: np.maximum(0, size - epsilon) ** 2,
    }
    return float(of[loss]().mean())


def scores(model: Any, data: Data, values: Any, loss: str) -> Iterator[Score]:
    """Everything that linear learner logs of a data set, in its order."""
    assert data.labels is not None
    predictor, labels = values["predictor_type"], data.labels
    yield _OBJECTIVES[loss], objective(model, data, values, loss), "loss"
    score = score_of(model.raw(data.features), predictor, loss)
    if predictor == "regressor":
        yield from _regression(score, labels)
    elif predictor == "binary_classifier":
        yield from _binary(score, labels, model.threshold, values["f_beta"])
    else:
        yield from _multiclass(score, labels, values)


def _regression(score: Any, labels: Any) -> Iterator[Score]:
    error = score - labels
    mse = float((error**2).mean())
    yield "mse", mse, "loss"
    yield "absolute_loss", float(np.abs(error).mean()), "loss"
    yield "rmse", float(np.sqrt(mse)), "loss"
    variance = float(labels.astype(np.float64).var())
    yield "r2", 1 - mse / variance if variance else 0.0, "score"
    yield "mae", float(np.abs(error).mean()), "loss"


def _binary(score: Any, labels: Any, threshold: float, beta: float) -> Iterator[Score]:
    positive = score > threshold
    truth = labels == 1
    precision, recall, f_beta = _precision_recall((positive & truth).sum(), positive.sum(), truth.sum(), beta)
    yield "binary_classification_accuracy", float((positive == truth).mean()), "score"
    yield f"binary_f_{beta:.3f}", float(f_beta), "score"
    yield "precision", float(precision), "score"
    yield "recall", float(recall), "score"
    if truth.any() and not truth.all():
        yield "roc_auc_score", roc_auc(score, truth), "score"
        yield "binary_balanced_accuracy", float((recall + (~positive[~truth]).mean()) / 2), "score"


def roc_auc(score: Any, truth: Any) -> float:
    """The share of pairs of a positive and a negative row whose scores are in order; ties count half."""
    _, places, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    rank = (last - (counts - 1) / 2)[places]
    positives = int(truth.sum())
    pairs = positives * (len(truth) - positives)
    return float((rank[truth].sum() - positives * (positives + 1) / 2) / pairs)


def _multiclass(score: Any, labels: Any, values: Any) -> Iterator[Score]:
    truth, predicted = labels.astype(int), score.argmax(axis=1)
    top, beta = values["accuracy_top_k"], values["f_beta"]
    rank = (score > score[np.arange(len(truth)), truth][:, None]).sum(axis=1)
    precision, recall, f_beta, balanced = macro(truth, predicted, beta)
    yield "multiclass_accuracy", float((predicted == truth).mean()), "score"
    yield f"multiclass_top_k_accuracy_{top}", float((rank < top).mean()), "score"
    yield "dcg", float((1 / np.log2(rank + 2)).mean()), "score"
    yield "macro_recall", recall, "score"
    yield "macro_precision", precision, "score"
    yield f"macro_f_{beta:.3f}", f_beta, "score"
    yield "multiclass_balanced_accuracy", balanced, "score"


def macro(truth: Any, predicted: Any, beta: float) -> tuple[float, float, float, float]:
    """Means over the classes that occur of precision, recall and F-beta; balanced accuracy."""
    present = np.union1d(truth, predicted)
    hit = truth == predicted
    hits, found, there = (
        np.array([(part == label).sum() for label in present]) for part in (truth[hit], predicted, truth)
    )
    precision, recall, f_beta = _precision_recall(hits, found, there, beta)
    return (
        float(precision.mean()),
        float(recall.mean()),
        float(f_beta.mean()),
        float(recall[there > 0].mean()),
    )


def _precision_recall(hits: Any, found: Any, there: Any, beta: float) -> tuple[Any, Any, Any]:
    """Precision, recall and F-beta; 0 where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(found > 0, hits / found, 0.0)
        recall = np.where(there > 0, hits / there, 0.0)
        f_beta = (1 + beta**2) * hits / (found + beta**2 * there)
    return precision, recall, np.nan_to_num(f_beta)


def threshold(score: Any, labels: Any, criterion: str, values: Any) -> tuple[float, float]:
    """The threshold that is best by the criterion, and how good it is there.

    A row is positive above the threshold; candidates lie halfway between neighbouring scores.
    """
    order = np.argsort(-score, kind="stable")
    ranked, truth = score[order], labels[order] == 1
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    found = np.concatenate(([0], last + 1))
    hits = np.concatenate(([0], np.cumsum(truth)[last]))
    cuts = np.concatenate(([_above(ranked[0])], (ranked[last] + _next(ranked, last)) / 2))
    there = int(truth.sum())
    precision, recall, f_beta = _precision_recall(hits, found, there, values["f_beta"])
    if criterion == "accuracy":
        goodness: NDArray[np.float64] = (hits + (len(truth) - there) - (found - hits)) / len(truth)
    elif criterion == "f_beta":
        goodness = f_beta
    elif criterion == "precision_at_target_recall":
        goodness = np.where(recall >= values["target_recall"], precision, -1.0)
    else:
        goodness = np.where(precision >= values["target_precision"], recall, -1.0)
    best = int(goodness.argmax())
    return float(cuts[best]), float(goodness[best])


def _next(ranked: Any, last: Any) -> Any:
    """The score below each cut; below the lowest a little less."""
    following = np.append(ranked, ranked[-1] - max(abs(float(ranked[-1])) * 1e-6, 1e-12))
    return following[last + 1]


def _above(highest: float) -> float:
    return float(highest + max(abs(float(highest)) * 1e-6, 1e-12))
