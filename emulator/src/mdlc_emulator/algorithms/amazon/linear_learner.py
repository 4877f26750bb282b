"""Linear learner: regression, and classification with a threshold chosen for the criterion asked for.

https://docs.aws.amazon.com/sagemaker/latest/dg/ll_how-it-works.html: normalise, train models with several
regularizations, keep the one that is best on the validation data, calibrate. What is minimised is the mean
loss + l1 |w|_1 + wd/2 |w|^2, over normalised features.
"""

import json
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdlc_emulator.algorithms.amazon import linear_models, linear_scores
from mdlc_emulator.algorithms.amazon.artefact import Artefact
from mdlc_emulator.algorithms.amazon.job import Data, Job, labels_of
from mdlc_emulator.algorithms.errors import UserError

STRENGTHS = (0.0, 1e-4, 1e-2)
"""The values of `wd` that are tried for `auto`; `l1` of `auto` is 0."""
SEED = 1


@dataclass(frozen=True, slots=True)
class Scale:
    """How features and label were moved and divided before training."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    label_mean: float = 0.0
    label_deviation: float = 1.0


@dataclass(frozen=True, slots=True)
class Linear:
    """Raw scores are rows @ weights + bias: (columns, outputs) and (outputs,), on features as they come."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    threshold: float = 0.5

    def raw(self, rows: Any) -> Any:
        return np.asarray(rows, np.float64) @ self.weights + self.bias


def train(job: Job) -> Artefact:
    values = job.values
    predictor, loss = values["predictor_type"], _loss(values)
    labels = labels_of(job.train, "train")
    for name, data in job.channels.items():
        _check_labels(labels_of(data, name), values, name)
    chooser = job.channels.get("validation", job.train)
    scale = _scale(job.train, labels, values)
    best: tuple[float, Linear, dict[str, Any]] | None = None
    for l1, wd, positive in _candidates(values, predictor):
        settings = linear_models.Settings(predictor, loss, l1, wd, positive, values)
        model = _fit(job.train, labels, scale, settings)
        model, badness = _calibrated(model, chooser, values, loss)
        chosen = {"l1": l1, "wd": wd, "positive_example_weight_mult": positive}
        logging.info("Model %s: %r on the %s data", json.dumps(chosen), badness, _segment(job))
        if best is None or badness < best[0]:
            best = badness, model, chosen
    assert best is not None
    model = best[1]
    logging.info("Best model found for hyperparameters: %s", json.dumps(best[2]))
    for segment, data in job.channels.items():
        for name, value, kind in linear_scores.scores(model, data, values, loss):
            if name.endswith("_objective") and segment != "test":
                job.say(segment, name, value, kind, epoch=0)
            if segment != "test":
                logging.info("#%s_score (%s) : ('%s', %r)", segment, job.host, name, value)
            job.say(segment, name, value, kind)
    facts = {"predictor_type": predictor, "loss": loss, "threshold": model.threshold, **best[2]}
    return Artefact(facts, {"weights": model.weights, "bias": model.bias})


def _segment(job: Job) -> str:
    return "validation" if "validation" in job.channels else "train"


def _loss(values: Any) -> str:
    defaults = {
        "binary_classifier": "logistic",
        "multiclass_classifier": "softmax_loss",
        "regressor": "squared_loss",
    }
    return defaults[values["predictor_type"]] if values["loss"] == "auto" else values["loss"]


def _check_labels(labels: Any, values: Any, channel: str) -> None:
    predictor = values["predictor_type"]
    if predictor == "binary_classifier" and not np.isin(labels, (0, 1)).all():
        raise UserError(
            f"Unable to read data channel '{channel}'. The labels of a binary classifier must be 0 or 1, "
            f"found {_first_not(labels, (0, 1))}."
        )
    if predictor == "multiclass_classifier":
        count = values["num_classes"]
        wrong = labels[(labels < 0) | (labels >= count) | (labels != np.floor(labels))]
        if len(wrong):
            raise UserError(
                f"Unable to read data channel '{channel}'. The labels of a multiclass classifier must be "
                f"whole numbers from 0 to num_classes - 1 = {count - 1}, found {wrong[0]!r:.20}."
            )


def _first_not(labels: Any, allowed: tuple[int, ...]) -> float:
    return float(labels[~np.isin(labels, allowed)][0])


def _scale(data: Data, labels: Any, values: Any) -> Scale:
    sample = data.features[: values["num_point_for_scaler"]].astype(np.float64)
    columns = sample.shape[1]
    biased = values["use_bias"] == "true"
    normalizes = values["normalize_data"] in ("true", "auto")
    moves = biased and (normalizes or values["unbias_data"] == "true")
    mean = sample.mean(axis=0) if moves else np.zeros(columns)
    deviation = sample.std(axis=0) if normalizes else np.ones(columns)
    deviation[deviation == 0] = 1.0
    if values["predictor_type"] != "regressor":
        return Scale(mean, deviation)
    normal = values["normalize_label"] in ("true", "auto")
    moved = biased and (normal or values["unbias_label"] == "true")
    known = labels[: values["num_point_for_scaler"]].astype(np.float64)
    spread = float(known.std()) if normal else 1.0
    return Scale(mean, deviation, float(known.mean()) if moved else 0.0, spread or 1.0)


def _candidates(values: Any, predictor: str) -> list[tuple[float, float, Any]]:
    """Regularizations and weights of positive examples to try: one unless `auto` leaves the choice."""
    one = values["num_models"] == 1 or "_tuning_objective_metric" in values
    l1 = 0.0 if values["l1"] == "auto" else values["l1"]
    wds = STRENGTHS if values["wd"] == "auto" else (values["wd"],)
    weight = values["positive_example_weight_mult"]
    weights = ["balanced", 1.0] if weight == "auto" and predictor == "binary_classifier" else [weight]
    weights = [1.0 if value == "auto" else value for value in weights]
    found = [(l1, wd, positive) for wd in wds for positive in weights]
    return found[:1] if one else found


def _fit(data: Data, labels: Any, scale: Scale, settings: linear_models.Settings) -> Linear:
    rows = (data.features - scale.mean) / scale.deviation
    target = (labels - scale.label_mean) / scale.label_deviation
    if settings.predictor != "regressor":
        target = labels.astype(np.int64)
    weights, bias = linear_models.fit(rows, target, settings)
    weights = weights / scale.deviation[:, None] * scale.label_deviation
    bias = bias * scale.label_deviation + scale.label_mean - scale.mean @ weights
    if settings.values["use_bias"] == "false":
        bias = np.zeros_like(bias)
    return Linear(weights, bias)


def _calibrated(model: Linear, data: Data, values: Any, loss: str) -> tuple[Linear, float]:
    """The model with its threshold, and how bad it is: what model selection minimises."""
    criterion = values["binary_classifier_model_selection_criteria"]
    assert data.labels is not None
    if values["predictor_type"] != "binary_classifier" or criterion == "loss_function":
        threshold = 0.0 if loss == "hinge_loss" else 0.5
        model = Linear(model.weights, model.bias, threshold)
        return model, linear_scores.objective(model, data, values, loss)
    rows, labels = data.features, data.labels
    most = values["num_calibration_samples"]
    if most != "auto" and most < len(rows):
        chosen = np.random.default_rng(SEED).choice(len(rows), most, replace=False)
        rows, labels = rows[chosen], labels[chosen]
    score = linear_scores.score_of(model.raw(rows), "binary_classifier", loss)
    threshold, goodness = linear_scores.threshold(score, labels, criterion, values)
    return Linear(model.weights, model.bias, threshold), -goodness


class Predictor:
    """A score, and for classifiers the label."""

    top = "predictions"

    def __init__(self, artefact: Artefact) -> None:
        self._kind: str = artefact.facts["predictor_type"]
        self._loss: str = artefact.facts["loss"]
        arrays = artefact.arrays
        self._model = Linear(arrays["weights"], arrays["bias"], artefact.facts["threshold"])

    def predict(self, rows: Any, *, verbose: bool = False) -> dict[str, Any]:  # noqa: ARG002
        score = linear_scores.score_of(self._model.raw(rows), self._kind, self._loss)
        fields = {"score": score.astype(np.float32)}
        if self._kind == "binary_classifier":
            fields["predicted_label"] = (score > self._model.threshold).astype(np.int64)
        elif self._kind == "multiclass_classifier":
            fields["predicted_label"] = score.argmax(axis=1)
        return fields
