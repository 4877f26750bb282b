"""Cross-validation (`_kfold`, `_num_cv_round`): a model for each fold, predictions for what it left out."""

import logging
from typing import Any

import numpy as np
import xgboost

from mdlc_emulator.algorithms.boosting import callbacks, metrics

PREDICTIONS = "predictions.csv"


def train(
    plan: Any, training: xgboost.DMatrix, validation: xgboost.DMatrix | None, both: xgboost.DMatrix
) -> None:
    """Train and save `xgboost-model-0` and so on, and write predictions.csv: label, then the probability and
    the class of a classification, or the value of a regression, means over the repetitions."""
    from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

    labels = both.get_label()
    classification = "num_class" in plan.settings or plan.objective.startswith("binary:")
    chooser = RepeatedStratifiedKFold if classification else RepeatedKFold
    logging.info(
        "Run %d-round of %d-fold cross validation with %d rows", plan.repeats, plan.folds, both.num_row()
    )
    watched = [(training, "train"), *([] if validation is None else [(validation, "validation")])]
    values = np.zeros((len(labels), plan.repeats))
    classes = np.zeros((len(labels), plan.repeats))
    logs: list[dict[str, Any]] = []
    splits = chooser(n_splits=plan.folds, n_repeats=plan.repeats)
    for number, (rest, held) in enumerate(
        splits.split(np.zeros(len(labels)), labels if classification else None)
    ):
        logging.info("Train cross validation fold %d", number % plan.folds + 1)
        log: dict[str, Any] = {}
        model = plan.fit(both.slice(rest), watched, number, log)
        callbacks.save(model, plan.place.model / f"xgboost-model-{number}")
        logs.append(log)
        predicted = model.predict(both.slice(held))
        turn = number // plan.folds
        values[held, turn] = predicted.max(axis=1) if predicted.ndim == 2 else predicted
        if classification:
            classes[held, turn] = metrics.classes(predicted, plan.objective)
        if (number + 1) % plan.folds == 0:
            logging.info("The metrics of round %d cross validation", turn + 1)
            _say(plan.rounds, logs[-plan.folds :])
    if plan.repeats > 1:
        logging.info("The overall metrics of %d-round cross validation", plan.repeats)
        _say(plan.rounds, logs)
    columns = [labels, values.mean(axis=1)]
    if classification:
        columns.append(_mode(classes))
    directory = plan.place.output_data
    directory.mkdir(parents=True, exist_ok=True)
    logging.info("Storing predictions on validation set(s) in %s", directory / PREDICTIONS)
    np.savetxt(directory / PREDICTIONS, np.column_stack(columns), delimiter=",", fmt="%f")


def _say(rounds: int, logs: list[dict[str, Any]]) -> None:
    line = [f"[{rounds}]"]
    for name in logs[0]["train"]:
        line += [f"{data}-{name}:{np.mean([log[data][name][-1] for log in logs]):.5f}" for data in logs[0]]
    print("#011".join(line), flush=True)


def _mode(classes: Any) -> Any:
    from scipy import stats

    return stats.mode(classes, axis=1, keepdims=False).mode
