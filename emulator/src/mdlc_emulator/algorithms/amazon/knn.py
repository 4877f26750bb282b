"""K nearest neighbours.

https://docs.aws.amazon.com/sagemaker/latest/dg/kNN_how-it-works.html: sample, reduce dimensions, index.
Distances are squared for L2, as FAISS gives them.
"""

import logging
from typing import Any

import numpy as np

from mdlc_emulator.algorithms.amazon.artefact import Artefact
from mdlc_emulator.algorithms.amazon.job import Job, labels_of
from mdlc_emulator.algorithms.errors import UserError

SEED = 1
TREE_DIMENSIONS = 16
"""Up to here a tree of rows is quicker than looking at all of them."""
HELD = 1 << 24
"""Distances that are held at once: 128 MB."""
METRICS = {"L2": "sqeuclidean", "COSINE": "cosine", "INNER_PRODUCT": "inner"}


def train(job: Job) -> Artefact:
    values = job.values
    rows, labels = job.train.features, labels_of(job.train, "train")
    random = np.random.default_rng(SEED)
    if len(rows) > values["sample_size"]:
        chosen = np.sort(random.choice(len(rows), values["sample_size"], replace=False))
        rows, labels = rows[chosen], labels[chosen]
    if len(rows) < values["k"]:
        raise UserError(f"The number of records ({len(rows)}) must not be less than k ({values['k']})")
    arrays: dict[str, Any] = {"labels": labels}
    kind = values.get("dimension_reduction_type")
    if kind is not None:
        width = rows.shape[1]
        project = _sign if kind == "sign" else _fjlt
        arrays["projection"] = project(width, values["dimension_reduction_target"], random)
        rows = rows @ arrays["projection"]
    arrays["rows"] = rows
    facts = {
        "k": values["k"],
        "predictor_type": values["predictor_type"],
        "metric": METRICS[values["index_metric"]],
    }
    artefact = Artefact(facts, arrays)
    if "test" in job.channels:
        test = job.channels["test"]
        truth = labels_of(test, "test")
        predicted = Predictor(artefact).predict(test.features)["predicted_label"]
        if values["predictor_type"] == "classifier":
            name, value, said = "accuracy", float((predicted == truth).mean()), "score"
        else:
            name, value, said = "mse", float(((predicted - truth) ** 2).mean()), "loss"
        logging.info("#test_score (%s) : ('%s', %r)", job.host, name, value)
        job.say("test", name, value, said)
    return artefact


def _sign(width: int, target: int, random: np.random.Generator) -> Any:
    """Random projection by signs."""
    return (random.choice([-1.0, 1.0], (width, target)) / np.sqrt(target)).astype(np.float32)


def _fjlt(width: int, target: int, random: np.random.Generator) -> Any:
    """The fast Johnson-Lindenstrauss transform: random signs, a Hadamard matrix, a sample of its columns."""
    from scipy.linalg import hadamard

    size = 1 << (width - 1).bit_length()
    signs = random.choice([-1.0, 1.0], width)
    columns = random.choice(size, target, replace=False)
    return (signs[:, None] * hadamard(size)[:width, columns] / np.sqrt(target)).astype(np.float32)


class Predictor:
    """The label that most of the nearest rows have, or the mean of their labels."""

    top = "predictions"

    def __init__(self, artefact: Artefact) -> None:
        self._k: int = artefact.facts["k"]
        self._classifies = artefact.facts["predictor_type"] == "classifier"
        self._labels = artefact.arrays["labels"]
        self._projection = artefact.arrays.get("projection")
        self._rows = artefact.arrays["rows"].astype(np.float64)
        self._metric: str = artefact.facts["metric"]
        if self._metric == "cosine":
            self._rows = _on_the_sphere(self._rows)
        self._tree = None
        if self._metric != "inner" and self._rows.shape[1] <= TREE_DIMENSIONS:
            from scipy.spatial import cKDTree

            self._tree = cKDTree(self._rows)

    def predict(self, rows: Any, *, verbose: bool = False) -> dict[str, Any]:
        rows = np.asarray(rows, np.float32)
        if self._projection is not None:
            rows = rows @ self._projection
        distances, nearest = self._neighbours(rows)
        labels = self._labels[nearest]
        found = _most_frequent(labels) if self._classifies else labels.mean(axis=1)
        fields = {"predicted_label": found.astype(np.float32)}
        return {**fields, "distances": distances.astype(np.float32), "labels": labels} if verbose else fields

    def _neighbours(self, rows: Any) -> tuple[Any, Any]:
        """Distances of the k nearest, nearest first, and their places."""
        rows = rows.astype(np.float64)
        if self._metric == "cosine":
            rows = _on_the_sphere(rows)
        if self._tree is not None:
            far, nearest = self._tree.query(rows, k=np.arange(1, self._k + 1))
            squared = far**2
        else:
            squared, nearest = self._brute(rows)
        # On the unit sphere the square of the distance is twice one minus the cosine.
        return (squared / 2 if self._metric == "cosine" else squared), nearest

    def _brute(self, rows: Any) -> tuple[Any, Any]:
        places, found = [], []
        norms = (self._rows**2).sum(axis=1)
        block = max(1, HELD // len(self._rows))
        for start in range(0, len(rows), block):
            part = rows[start : start + block]
            products = part @ self._rows.T
            cost = -products if self._metric == "inner" else norms - 2 * products
            at = _smallest(cost, self._k)
            places.append(at)
            if self._metric == "inner":
                found.append(np.take_along_axis(products, at, axis=1))
            else:
                found.append(((self._rows[at] - part[:, None, :]) ** 2).sum(axis=2))
        return np.concatenate(found), np.concatenate(places)


def _smallest(cost: Any, count: int) -> Any:
    """Where in each row the `count` smallest stand, the smallest first."""
    if count < cost.shape[1]:
        some = np.sort(np.argpartition(cost, count - 1, axis=1)[:, :count], axis=1)
    else:
        some = np.broadcast_to(np.arange(count), cost.shape)
    order = np.argsort(np.take_along_axis(cost, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def _on_the_sphere(rows: Any) -> Any:
    """Rows of length one; a row of zeros stays."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)


def _most_frequent(labels: Any) -> Any:
    """Of each row; the smallest of those that are equally frequent."""
    known, codes = np.unique(labels, return_inverse=True)
    codes = codes.reshape(labels.shape)
    counts = np.zeros((len(labels), len(known)), np.int64)
    np.add.at(counts, (np.arange(len(labels))[:, None], codes), 1)
    return known[counts.argmax(axis=1)]
