"""K-means: mini-batches over more centers than asked for, which Lloyd's algorithm then brings down to k.

Step by step as https://docs.aws.amazon.com/sagemaker/latest/dg/algo-kmeans-tech-notes.html tells it, in
numpy: scikit-learn's mini-batches move their centers otherwise, and take two seconds to import.
"""

import json
from typing import Any

import numpy as np

from mdlc_emulator.algorithms.amazon.artefact import Artefact
from mdlc_emulator.algorithms.amazon.job import Job
from mdlc_emulator.algorithms.errors import UserError

FACTOR = 10
TRIALS = 3
"""What `auto` stands for."""
SEED = 1
HELD = 1 << 24
"""Distances that are held at once: 128 MB."""


def train(job: Job) -> Artefact:
    values, rows = job.values, job.train.features
    k = values["k"]
    if len(rows) < k:
        raise UserError(f"The number of records ({len(rows)}) must not be less than k ({k})")
    metrics = _metrics(values["eval_metrics"])
    factor = FACTOR if values["extra_center_factor"] == "auto" else values["extra_center_factor"]
    random = np.random.default_rng(SEED)
    offset = rows.mean(axis=0, dtype=np.float64)
    many, weights = _stream(rows, min(k * factor, len(rows)), values, offset, random)
    known = weights > 0
    if known.sum() < k:  # fewer different rows than centers: nothing is left to bring down
        many, weights = rows - offset, np.ones(len(rows))
    else:
        many, weights = many[known], weights[known]
    trials = TRIALS if values["local_lloyd_num_trials"] == "auto" else values["local_lloyd_num_trials"]
    found = [_lloyd(many, weights, k, values, random) for _ in range(trials)]
    centers = (min(found, key=lambda one: one[0])[1] + offset).astype(np.float32)
    for segment, data in job.channels.items():
        squared = distances(data.features, centers)[1] ** 2
        for name in metrics:
            job.say(segment, name, float(squared.mean() if name == "msd" else squared.sum()), "loss")
    return Artefact({"k": k}, {"centers": centers})


def _stream(rows: Any, count: int, values: Any, offset: Any, random: np.random.Generator) -> tuple[Any, Any]:
    """Centers, and how many rows each has seen, after the epochs' passes in mini-batches."""
    size = values["mini_batch_size"]
    order = random.permutation(len(rows))
    first = rows[order[: max(size, count)]] - offset
    centers = _initial(first, np.ones(len(first)), count, values["init_method"], random)
    seen = np.zeros(count)
    half_life = values["half_life_time_size"]
    for _ in range(values["epochs"]):
        for start in range(0, len(rows), size):
            batch = rows[order[start : start + size]] - offset
            nearest = _nearest(batch, centers)
            here = np.bincount(nearest, minlength=count)
            if half_life:
                seen *= 0.5 ** (len(batch) / half_life)
            seen += here
            at = here > 0
            part = (here[at] / seen[at])[:, None]
            centers[at] = (1 - part) * centers[at] + part * _means(batch, nearest, here)[at]
        order = random.permutation(len(rows))
    return centers, seen


def _initial(rows: Any, weights: Any, count: int, method: str, random: np.random.Generator) -> Any:
    """Rows chosen at random, or each far from those before (k-means++)."""
    if method == "random":
        return rows[random.choice(len(rows), count, replace=False)].copy()
    chosen = [int(random.choice(len(rows), p=weights / weights.sum()))]
    nearest = ((rows - rows[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < count:
        chance = nearest * weights
        total = chance.sum()
        at = random.choice(len(rows), p=chance / total) if total > 0 else random.integers(len(rows))
        chosen.append(int(at))
        nearest = np.minimum(nearest, ((rows - rows[at]) ** 2).sum(axis=1))
    return rows[chosen].copy()


def _lloyd(rows: Any, weights: Any, k: int, values: Any, random: np.random.Generator) -> tuple[float, Any]:
    """Loss and centers of Lloyd's algorithm on weighted rows."""
    centers = _initial(rows, weights, k, values["local_lloyd_init_method"], random)
    loss = float("inf")
    for _ in range(values["local_lloyd_max_iter"]):
        nearest = _nearest(rows, centers)
        before, loss = loss, float((weights * ((rows - centers[nearest]) ** 2).sum(axis=1)).sum())
        mass = np.bincount(nearest, weights, minlength=k)
        at = mass > 0
        centers[at] = _means(rows * weights[:, None], nearest, mass)[at]
        if before - loss <= values["local_lloyd_tol"] * loss:
            break
    return loss, centers


def _nearest(rows: Any, centers: Any) -> Any:
    norms = (centers**2).sum(axis=1)
    block = max(1, HELD // len(centers))
    parts = [
        (norms - 2 * rows[start : start + block] @ centers.T).argmin(axis=1)
        for start in range(0, len(rows), block)
    ]
    return np.concatenate(parts)


def _means(rows: Any, nearest: Any, mass: Any) -> Any:
    """The sum of each cluster's rows over its mass; rows of zero mass are not to be looked at."""
    sums = np.column_stack([np.bincount(nearest, column, minlength=len(mass)) for column in rows.T])
    return sums / np.maximum(mass, 1e-300)[:, None]


def _metrics(text: str) -> list[str]:
    try:
        names = json.loads(text.replace("'", '"'))
    except ValueError:
        names = None
    if not isinstance(names, list) or not names or not set(names) <= {"msd", "ssd"}:
        raise UserError(
            f"The value '{text}' is not valid for the 'eval_metrics' hyperparameter which accepts one of the "
            'following: \'["msd"]\', \'["ssd"]\', \'["msd","ssd"]\' (caused by ValidationError)'
        )
    return names


def distances(rows: Any, centers: Any) -> tuple[Any, Any]:
    """The closest center of each row, and the distance to it."""
    offset = centers.mean(axis=0, dtype=np.float64)  # far from 0 the digits of a distance would be lost
    rows, centers = np.asarray(rows, np.float64) - offset, centers.astype(np.float64) - offset
    nearest = _nearest(rows, centers)
    return nearest, np.sqrt(((rows - centers[nearest]) ** 2).sum(axis=1))


class Predictor:
    """The closest cluster of a row, and how far it is."""

    top = "predictions"

    def __init__(self, artefact: Artefact) -> None:
        self._centers = artefact.arrays["centers"]

    def predict(self, rows: Any, *, verbose: bool = False) -> dict[str, Any]:  # noqa: ARG002
        nearest, far = distances(rows, self._centers)
        return {
            "closest_cluster": nearest.astype(np.float32),
            "distance_to_cluster": far.astype(np.float32),
        }
