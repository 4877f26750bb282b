"""K-means: mini-batches over more centers than asked for, which Lloyd's algorithm then brings down to k.

https://docs.aws.amazon.com/sagemaker/latest/dg/algo-kmeans-tech-notes.html
"""

import json
from typing import Any

import numpy as np

from mdlc_emulator.algorithms.amazon.artefact import Artefact
from mdlc_emulator.algorithms.amazon.job import Job
from mdlc_emulator.algorithms.errors import UserError

FACTOR = 4
TRIALS = 3
"""What `auto` stands for."""
SEED = 1


def train(job: Job) -> Artefact:
    from sklearn.cluster import KMeans, MiniBatchKMeans

    values, rows = job.values, job.train.features
    k = values["k"]
    if len(rows) < k:
        raise UserError(f"The number of records ({len(rows)}) must not be less than k ({k})")
    metrics = _metrics(values["eval_metrics"])
    factor = FACTOR if values["extra_center_factor"] == "auto" else values["extra_center_factor"]
    many = MiniBatchKMeans(
        n_clusters=min(k * factor, len(rows)),
        init=_initial(values["init_method"]),
        batch_size=values["mini_batch_size"],
        max_iter=values["epochs"],
        n_init=1,
        max_no_improvement=None,
        random_state=SEED,
    ).fit(rows)
    weights = np.bincount(many.labels_, minlength=len(many.cluster_centers_)).astype(float)
    kept = weights > 0
    trials = TRIALS if values["local_lloyd_num_trials"] == "auto" else values["local_lloyd_num_trials"]
    candidates = many.cluster_centers_[kept]
    if len(candidates) < k:
        candidates, weights = rows, np.ones(len(rows))
    else:
        weights = weights[kept]
    final = KMeans(
        n_clusters=k,
        init=_initial(values["local_lloyd_init_method"]),
        n_init=trials,
        max_iter=values["local_lloyd_max_iter"],
        tol=values["local_lloyd_tol"],
        random_state=SEED,
    ).fit(candidates, sample_weight=weights)
    centers = final.cluster_centers_.astype(np.float32)
    for segment, data in job.channels.items():
        squared = _distances(data.features, centers)[1] ** 2
        for name in metrics:
            job.say(segment, name, float(squared.mean() if name == "msd" else squared.sum()), "loss")
    return Artefact({"k": k}, {"centers": centers})


def _initial(method: str) -> str:
    return "k-means++" if method == "kmeans++" else method


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


def _distances(rows: Any, centers: Any) -> tuple[Any, Any]:
    """The closest center of each row, and the distance to it."""
    offset = centers.mean(axis=0)  # distances of what lies far from 0 would lose their digits
    rows, centers = np.asarray(rows, np.float64) - offset, centers.astype(np.float64) - offset
    nearest = np.empty(len(rows), np.int64)
    squared = np.empty(len(rows))
    norms = (centers**2).sum(axis=1)
    for start in range(0, len(rows), 8192):
        part = rows[start : start + 8192]
        found = norms - 2 * part @ centers.T
        at = found.argmin(axis=1)
        nearest[start : start + 8192] = at
        squared[start : start + 8192] = ((part - centers[at]) ** 2).sum(axis=1)
    return nearest, np.sqrt(squared)


class Predictor:
    """The closest cluster of a row, and how far it is."""

    top = "predictions"

    def __init__(self, artefact: Artefact) -> None:
        self._centers = artefact.arrays["centers"]

    def predict(self, rows: Any, *, verbose: bool = False) -> dict[str, Any]:  # noqa: ARG002
        nearest, distances = _distances(rows, self._centers)
        return {
            "closest_cluster": nearest.astype(np.float32),
            "distance_to_cluster": distances.astype(np.float32),
        }
