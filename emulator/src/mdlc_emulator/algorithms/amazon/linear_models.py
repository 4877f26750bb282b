"""What minimises which loss of linear learner: a solver here, or one of scikit-learn's with its parameters.

Linear learner minimises mean loss + l1 |w|_1 + wd/2 |w|^2. Exact solvers where scikit-learn has one;
stochastic gradient descent, as Amazon's, for the other losses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 1
QUANTILE_ROWS = 10_000
"""Rows that the linear program of quantile regression gets: it grows faster than they do."""
PASSES = 1000


@dataclass(frozen=True, slots=True)
class Settings:
    """`positive` is the weight of positive examples: a number or "balanced"."""

    predictor: str
    loss: str
    l1: float
    wd: float
    positive: Any
    values: Mapping[str, Any]

    @property
    def strength(self) -> float:
        return self.l1 + self.wd

    @property
    def l1_ratio(self) -> float:
        return self.l1 / self.strength if self.strength else 0.0

    @property
    def intercept(self) -> bool:
        return bool(self.values["use_bias"] == "true")


def fit(rows: Any, target: Any, by: Settings) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (columns, outputs) and bias (outputs,)."""
    if by.predictor != "regressor":
        known = np.unique(target)
        if len(known) == 1:
            return _constant(rows.shape[1], int(known[0]), by)
        if by.loss != "hinge_loss" and not by.l1:
            return _softmax(rows, target, by)
        estimator = _classifier(len(rows), target, by)
    elif by.loss == "squared_loss" and not by.l1:
        return _ridge(rows, target, by)
    else:
        estimator = _regressor(by)
        if by.loss == "quantile_loss" and len(rows) > QUANTILE_ROWS:
            chosen = np.random.default_rng(SEED).choice(len(rows), QUANTILE_ROWS, replace=False)
            rows, target = rows[chosen], target[chosen]
    estimator.fit(rows, target)
    weights = np.atleast_2d(estimator.coef_).T.astype(np.float64)
    bias = np.broadcast_to(np.atleast_1d(estimator.intercept_).astype(np.float64), (weights.shape[1],)).copy()
    if by.predictor == "multiclass_classifier":
        return _spread(weights, bias, estimator.classes_, by.values["num_classes"])
    return weights, bias


def _ridge(rows: Any, target: Any, by: Settings) -> tuple[Any, Any]:
    """Least squares with wd/2 |w|^2, exactly; the bias is not regularized."""
    count, columns = rows.shape
    mean, level = (rows.mean(axis=0), target.mean()) if by.intercept else (np.zeros(columns), 0.0)
    centred = rows - mean
    gram = centred.T @ centred + by.wd * count * np.eye(columns)
    weights = np.linalg.lstsq(gram, centred.T @ (target - level), rcond=None)[0]
    return weights[:, None], np.array([level - mean @ weights])


def _softmax(rows: Any, target: Any, by: Settings) -> tuple[Any, Any]:
    """Logistic regression of two classes or several by L-BFGS, as scikit-learn's LogisticRegression does it,
    which takes two seconds to import."""
    from scipy.optimize import minimize

    count, columns = rows.shape
    classes = 2 if by.predictor == "binary_classifier" else int(by.values["num_classes"])
    outputs = 1 if classes == 2 else classes
    share = _row_weights(target, by) / count
    design = np.column_stack([rows, np.ones(count)]) if by.intercept else rows
    truth = (target[:, None] == np.arange(classes))[:, -outputs:].astype(np.float64)

    def loss(flat: Any) -> tuple[float, Any]:
        matrix = flat.reshape(-1, outputs)
        raw = design @ matrix
        if outputs == 1:
            bad = np.logaddexp(0, np.where(truth == 1, -raw, raw))[:, 0]
            chance = 0.5 * (1 + np.tanh(0.5 * raw))
        else:
            shifted = raw - raw.max(axis=1, keepdims=True)
            total = np.exp(shifted).sum(axis=1, keepdims=True)
            bad = (np.log(total) - (shifted * truth).sum(axis=1, keepdims=True))[:, 0]
            chance = np.exp(shifted) / total
        slope = design.T @ (share[:, None] * (chance - truth))
        weights = matrix[:columns]
        slope[:columns] += by.wd * weights
        return float(share @ bad + by.wd / 2 * (weights**2).sum()), slope.ravel()

    start = np.zeros(design.shape[1] * outputs)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": PASSES, "gtol": 1e-6}).x
    matrix = found.reshape(-1, outputs)
    bias = matrix[columns] if by.intercept else np.zeros(outputs)
    return matrix[:columns], bias


def _row_weights(target: Any, by: Settings) -> Any:
    """What each row counts, for its class."""
    if by.predictor == "multiclass_classifier":
        if by.values["balance_multiclass_weights"] != "true":
            return np.ones(len(target))
        _, places, counts = np.unique(target, return_inverse=True, return_counts=True)
        return (len(target) / (len(counts) * counts))[places]
    positive = by.positive
    if positive == "balanced":
        positive = (target == 0).sum() / (target == 1).sum()
    return np.where(target == 1, float(positive), 1.0)


def _constant(columns: int, label: int, by: Settings) -> tuple[Any, Any]:
    """Where there is but one class, it is what every row gets."""
    if by.predictor == "binary_classifier":
        return np.zeros((columns, 1)), np.array([20.0 if label else -20.0])
    bias = np.full(by.values["num_classes"], -20.0)
    bias[label] = 20.0
    return np.zeros((columns, len(bias))), bias


def _spread(weights: Any, bias: Any, classes: Any, count: int) -> tuple[Any, Any]:
    """One output for each class, also for those that the data does not have; two classes have but one row."""
    if weights.shape[1] == 1:
        weights, bias = np.hstack([-weights / 2, weights / 2]), np.concatenate([-bias / 2, bias / 2])
    all_weights, all_bias = np.zeros((len(weights), count)), np.full(count, -30.0)
    all_weights[:, classes], all_bias[classes] = weights, bias
    return all_weights, all_bias


def _classifier(count: int, target: Any, by: Settings) -> Any:
    from sklearn.linear_model import LogisticRegression, SGDClassifier

    if by.predictor == "binary_classifier":
        weights: Any = "balanced" if by.positive == "balanced" else {0: 1.0, 1: float(by.positive)}
        if by.positive == "balanced" and target.any() and not target.all():
            weights = {0: 1.0, 1: float((target == 0).sum() / (target == 1).sum())}
    else:
        weights = "balanced" if by.values["balance_multiclass_weights"] == "true" else None
    if by.loss == "hinge_loss":
        return SGDClassifier(
            loss="hinge",
            penalty="elasticnet",
            alpha=max(by.strength, 1e-9),
            l1_ratio=by.l1_ratio,
            fit_intercept=by.intercept,
            max_iter=PASSES,
            class_weight=weights,
            average=True,
            random_state=SEED,
        )
    return LogisticRegression(
        C=1.0 / (max(by.strength, 1e-12) * count),
        l1_ratio=by.l1_ratio,
        solver="saga",
        fit_intercept=by.intercept,
        class_weight=weights,
        max_iter=200,
        random_state=SEED,
    )


def _regressor(by: Settings) -> Any:
    from sklearn.linear_model import ElasticNet, QuantileRegressor, SGDRegressor

    if by.loss == "squared_loss":
        return ElasticNet(alpha=by.strength, l1_ratio=by.l1_ratio, fit_intercept=by.intercept)
    if by.loss == "quantile_loss":
        return QuantileRegressor(
            quantile=by.values["quantile"], alpha=by.l1, fit_intercept=by.intercept, solver="highs"
        )
    names = {
        "absolute_loss": ("epsilon_insensitive", 0.0),
        "eps_insensitive_absolute_loss": ("epsilon_insensitive", by.values["loss_insensitivity"]),
        "eps_insensitive_squared_loss": ("squared_epsilon_insensitive", by.values["loss_insensitivity"]),
        "huber_loss": ("huber", by.values["huber_delta"]),
    }
    loss, epsilon = names[by.loss]
    return SGDRegressor(
        loss=loss,
        epsilon=epsilon,
        penalty="elasticnet",
        alpha=max(by.strength, 1e-9),
        l1_ratio=by.l1_ratio,
        fit_intercept=by.intercept,
        max_iter=PASSES,
        average=True,
        random_state=SEED,
    )
