"""Principal components.

https://docs.aws.amazon.com/sagemaker/latest/dg/how-pca-works.html. As in Amazon's model, components stand in
ascending order of their singular values: the last number of a projection has the greatest variance.
"""

from typing import Any

import numpy as np

from mdlc_emulator.algorithms.amazon.artefact import Artefact
from mdlc_emulator.algorithms.amazon.job import Job
from mdlc_emulator.algorithms.errors import UserError

SEED = 1


def train(job: Job) -> Artefact:
    values = job.values
    rows = job.train.features.astype(np.float64)
    count = values["num_components"]
    if count > min(rows.shape):
        raise UserError(
            f"num_components ({count}) must not be greater than the records and features: {rows.shape}"
        )
    mean = rows.mean(axis=0) if values["subtract_mean"] == "true" else np.zeros(rows.shape[1])
    centred = rows - mean
    if values["algorithm_mode"] == "randomized":
        from sklearn.utils.extmath import randomized_svd

        extra = values["extra_components"]
        more = max(10, count) if extra == -1 else extra
        _, singular, vectors = randomized_svd(centred, count, n_oversamples=more, random_state=SEED)
    else:
        worth, found = np.linalg.eigh(centred.T @ centred)
        singular = np.sqrt(np.maximum(worth[::-1][:count], 0))
        vectors = found[:, ::-1][:, :count].T
    largest = np.abs(vectors).argmax(axis=1)
    vectors = vectors * np.sign(vectors[np.arange(count), largest])[:, None]
    arrays = {"mean": mean, "v": vectors[::-1].T, "s": singular[::-1]}
    return Artefact({}, {name: array.astype(np.float32) for name, array in arrays.items()})


class Predictor:
    """The projection of a row on the components."""

    top = "projections"

    def __init__(self, artefact: Artefact) -> None:
        self._mean = artefact.arrays["mean"]
        self._vectors = artefact.arrays["v"]

    def predict(self, rows: Any, *, verbose: bool = False) -> dict[str, Any]:  # noqa: ARG002
        return {"projection": (np.asarray(rows, np.float32) - self._mean) @ self._vectors}
