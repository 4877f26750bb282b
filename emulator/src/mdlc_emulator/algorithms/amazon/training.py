"""Training of Amazon's algorithms: what is the same for all of them."""

import json
import logging
import os
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

from mdlc_emulator.algorithms.amazon.job import Job, read_channels
from mdlc_emulator.algorithms.checks import ignored
from mdlc_emulator.algorithms.errors import UserError
from mdlc_emulator.algorithms.place import Place
from mdlc_emulator.algorithms.specification import load

TITLES = {
    "linear-learner": "Linear Learner",
    "knn": "AWS/KNN",
    "kmeans": "AWS/KMeansWebscale",
    "pca": "PCA",
    "lda": "LDA",
}
"""As the algorithms call themselves in their log."""


def module_of(algorithm: str) -> Any:
    """The module of an algorithm."""
    return import_module(f"mdlc_emulator.algorithms.amazon.{algorithm.replace('-', '_')}")


def train(algorithm: str, place: Place) -> None:
    """Read, train, write the artefact. TrainingError."""
    begun = time.time()
    specification = load(algorithm)
    given = place.hyperparameters()
    logging.info("Reading provided configuration from hyperparameters.json: %s", json.dumps(given))
    values = specification.validate(given)
    logging.info("Final configuration: %s", json.dumps({key: str(value) for key, value in values.items()}))
    hosts = place.hosts()
    if len(hosts) > 1:
        raise UserError(
            f"Distributed training is not supported here: the job asks for {len(hosts)} instances. "
            "Set InstanceCount to 1."
        )
    library = ", ".join(f"{name} {version(name)}" for name in specification.runs.split(", "))
    image = os.environ.get("MDLC_IMAGE_VERSION") or "unknown"
    logging.info("Image version %s, run by %s", image, library)
    logging.info("Difference: %s", specification.difference)
    for name in ignored(specification, given):
        logging.warning("%s has no effect here", name)
    dimension = values.get("feature_dim")
    channels = read_channels(place, specification, dimension if isinstance(dimension, int) else None)
    job = Job(values, channels, place.host())
    artefact = module_of(algorithm).train(job)
    if "test" in specification.channels and "test" not in channels:
        logging.info("Test data is not provided.")
    facts = {
        "algorithm": algorithm,
        "image_version": os.environ.get("MDLC_IMAGE_VERSION", ""),
        "ran": library,
        "difference": specification.difference,
        "feature_dim": int(job.train.features.shape[1]),
        **artefact.facts,
    }
    type(artefact)(facts, artefact.arrays).save(place.model)
    ended = time.time()
    _say_metrics(algorithm, job, begun, ended)


def _say_metrics(algorithm: str, job: Job, begun: float, ended: float) -> None:
    records = len(job.train.features)
    logging.info("#progress_metric: host=%s, completed 100.0 %% of epochs", job.host)
    rate = records / max(ended - begun, 1e-9)
    logging.info("#throughput_metric: host=%s, train throughput=%r records/second", job.host, rate)
    took = (ended - begun) * 1000
    total = {"sum": took, "count": 1, "min": took, "max": took}
    said = {
        "StartTime": begun,
        "EndTime": ended,
        "Dimensions": {"Algorithm": TITLES[algorithm], "Host": job.host, "Operation": "training"},
        "Metrics": {"totaltime": total},
    }
    print(f"#metrics {json.dumps(said)}", flush=True)
