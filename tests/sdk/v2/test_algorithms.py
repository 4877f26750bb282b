"""SDK v2's own classes for Amazon's algorithms: RecordIO-protobuf by the SDK's writer, answers by its reader.

https://sagemaker.readthedocs.io/en/v2.257.1/algorithms/index.html
"""

from __future__ import annotations

from typing import Any

import numpy as np


def blobs(count: int = 300) -> tuple[Any, Any]:
    """Rows around three points of four dimensions, and which they belong to."""
    random = np.random.default_rng(4)
    labels = np.arange(count) % 3
    points = np.array([[0, 0, 0, 0], [8, 8, 0, 0], [0, 8, 8, 0]])
    return (points[labels] + random.normal(size=(count, 4))).astype(np.float32), labels.astype(np.float32)


def made(kind: str, role: str, session: Any, **settings: Any) -> Any:
    import sagemaker

    where = {"instance_count": 1, "instance_type": "ml.m5.large", "sagemaker_session": session}
    return getattr(sagemaker, kind)(role=role, **where, **settings)


def asked(estimator: Any, rows: Any, name: str) -> Any:
    """The records that the deployed model answers, by the SDK's predictor."""
    predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.large", endpoint_name=name)
    try:
        return predictor.predict(rows)
    finally:
        predictor.delete_model()
        predictor.delete_endpoint()


def values(records: Any, name: str) -> Any:
    return np.array([record.label[name].float32_tensor.values for record in records])


def test_kmeans_is_fitted_and_asked(session: Any, role: str, unique: Any) -> None:
    rows, labels = blobs()
    estimator = made("KMeans", role, session, k=3)
    estimator.fit(estimator.record_set(rows), logs=False)
    records = asked(estimator, rows[:30], unique("kmeans"))
    clusters = values(records, "closest_cluster")[:, 0]
    assert len({(cluster, label) for cluster, label in zip(clusters, labels[:30], strict=True)}) == 3
    assert (values(records, "distance_to_cluster") < 6).all()


def test_linear_learner_is_fitted_and_asked(session: Any, role: str, unique: Any) -> None:
    rows, labels = blobs()
    settings = {"predictor_type": "multiclass_classifier", "num_classes": 3}
    estimator = made("LinearLearner", role, session, **settings)
    estimator.fit(estimator.record_set(rows, labels=labels), mini_batch_size=100, logs=False)
    records = asked(estimator, rows[:60], unique("labels"))
    assert (values(records, "predicted_label")[:, 0] == labels[:60]).mean() > 0.95
    assert values(records, "score").shape == (60, 3)
