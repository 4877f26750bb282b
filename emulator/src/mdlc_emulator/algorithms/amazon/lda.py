"""Latent Dirichlet allocation: topics of documents that are counts of words.

https://docs.aws.amazon.com/sagemaker/latest/dg/lda.html
"""

from typing import Any

import numpy as np

from mdlc_emulator.algorithms.amazon.artefact import Artefact
from mdlc_emulator.algorithms.amazon.job import Job
from mdlc_emulator.algorithms.errors import UserError

PASSES = 10
SEED = 1


def _estimator(topics: int, alpha0: float, passes: int) -> Any:
    from sklearn.decomposition import LatentDirichletAllocation

    return LatentDirichletAllocation(
        n_components=topics,
        doc_topic_prior=alpha0 / topics,
        learning_method="batch",
        max_iter=passes,
        random_state=SEED,
    )


def train(job: Job) -> Artefact:
    values, rows = job.values, job.train.features
    if (rows < 0).any():
        raise UserError("LDA expects counts of words: found negative values in the data channel 'train'")
    topics, alpha0 = values["num_topics"], values["alpha0"]
    model = _estimator(topics, alpha0, min(PASSES, values["max_iterations"])).fit(rows)
    if "test" in job.channels:
        test = job.channels["test"].features
        job.say("test", "pwll", float(model.score(test) / max(test.sum(), 1)))
    return Artefact({"topics": topics, "alpha0": alpha0}, {"components": model.components_})


class Predictor:
    """The mixture of topics of a document."""

    top = "predictions"

    def __init__(self, artefact: Artefact) -> None:
        components = artefact.arrays["components"]
        model = _estimator(len(components), artefact.facts["alpha0"], 1)
        # What fitting leaves behind, of which the inference of a document needs these.
        model.components_ = components
        model.n_features_in_ = components.shape[1]
        model.doc_topic_prior_ = artefact.facts["alpha0"] / len(components)
        model.topic_word_prior_ = 1 / len(components)
        expected = np.exp(_digamma(components) - _digamma(components.sum(axis=1))[:, None])
        model.exp_dirichlet_component_ = expected
        model.random_state_ = np.random.RandomState(SEED)
        self._model = model

    def predict(self, rows: Any, *, verbose: bool = False) -> dict[str, Any]:  # noqa: ARG002
        counts = np.asarray(rows, np.float64)
        if (counts < 0).any():
            raise ValueError("LDA expects counts of words: found negative values")
        return {"topic_mixture": self._model.transform(counts).astype(np.float32)}


def _digamma(values: Any) -> Any:
    from scipy.special import digamma

    return digamma(values)
