"""xgboost on real flights: the job that most tests look at, and the bare library on the same rows."""

import json
from pathlib import Path
from typing import Any

from mdlc_emulator.algorithms.specification import load

from tests import flights
from tests.emulator.algorithms.jobs import Job, python

HYPERPARAMETERS = {
    "num_round": 12,
    "max_depth": 5,
    "eta": 0.3,
    "subsample": 0.8,
    "seed": 3,
    "objective": "binary:logistic",
    "eval_metric": "logloss,auc,accuracy,f1",
}
TRAIN, VALIDATION = flights.split(5000)

BARE = """
import io, json, sys
import numpy, xgboost
given = json.load(sys.stdin)
def matrix(rows):
    table = numpy.array(rows, dtype="float32")
    return xgboost.DMatrix(table[:, 1:], label=table[:, 0])
train, validation = matrix(given["train"]), matrix(given["validation"])
log = {}
watched = [(train, "train"), (validation, "validation")]
model = xgboost.train(given["parameters"], train, given["rounds"], watched, evals_result=log, verbose_eval=0)
json.dump([log, model.predict(validation).tolist()], sys.stdout)
"""
"""The library without anything of ours."""


def bare(rounds: int = 12) -> tuple[dict[str, Any], list[float]]:
    parameters = {key: HYPERPARAMETERS[key] for key in ("max_depth", "eta", "subsample", "seed", "objective")}
    asked = {
        "train": TRAIN,
        "validation": VALIDATION,
        "rounds": rounds,
        "parameters": parameters | {"eval_metric": ["logloss", "auc"]},
    }
    log, predicted = json.loads(python(BARE, data=json.dumps(asked).encode()))
    return log, predicted


def metrics(log: str) -> dict[str, list[float]]:
    """What SageMaker's metric definitions find in a log, in the order of the lines."""
    found: dict[str, list[float]] = {}
    for line in log.splitlines():
        for metric in load("xgboost").metrics:
            if (value := metric.find(line)) is not None:
                found.setdefault(metric.name, []).append(value)
    return found


def job(root: Path, **hyperparameters: object) -> Job:
    return Job(root, "xgboost", {**HYPERPARAMETERS, **hyperparameters})


def with_flights(given: Job) -> Job:
    given.channel("train", flights.as_csv(TRAIN))
    return given.channel("validation", flights.as_csv(VALIDATION))


class Trained:
    def __init__(self, root: Path) -> None:
        self.job = with_flights(job(root))
        self.job.environment["MDLC_IMAGE_VERSION"] = "1.7-1"
        self.log = self.job.trained()
        self.bare_log, self.bare_predictions = bare()
