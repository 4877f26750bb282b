"""Models, predictors and transformers of SDK v2: https://sagemaker.readthedocs.io/en/v2.257.1/"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sdk.shared import content_of


@pytest.fixture
def fitted(session: Any, role: str, xgboost_image: str, training_data: dict[str, str]) -> Any:
    """An estimator of a small xgboost model, fitted now."""
    from sagemaker.estimator import Estimator
    from sagemaker.inputs import TrainingInput

    estimator = Estimator(
        xgboost_image,
        role,
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
        hyperparameters={"objective": "binary:logistic", "num_round": 10},
    )
    estimator.fit({"train": TrainingInput(training_data["train"], content_type="text/csv")}, logs=False)
    return estimator


def test_a_model_is_deployed_and_asked(fitted: Any, unique: Any) -> None:
    from sagemaker.deserializers import CSVDeserializer
    from sagemaker.serializers import CSVSerializer

    predictor = fitted.deploy(
        initial_instance_count=1,
        instance_type="ml.m5.large",
        endpoint_name=unique("endpoint"),
        serializer=CSVSerializer(),
        deserializer=CSVDeserializer(),
    )
    answer = predictor.predict([[0.9, 0.1], [0.1, 0.9]])
    high, low = (float(value) for row in answer for value in row)
    assert high > 0.5 > low
    predictor.delete_model()
    predictor.delete_endpoint()


def test_a_model_is_registered_and_scores_a_batch(fitted: Any, bucket: str, put: Any, unique: Any) -> None:
    package = fitted.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
        model_package_group_name=unique("group"),
        approval_status="Approved",
    )
    described = fitted.sagemaker_session.sagemaker_client.describe_model_package(
        ModelPackageName=package.model_package_arn
    )
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["ModelPackageVersion"] == 1
    put("input/rows.csv", "0.9,0.1\n0.1,0.9\n")
    transformer = fitted.transformer(
        instance_count=1,
        instance_type="ml.m5.large",
        output_path=f"s3://{bucket}/output",
        assemble_with="Line",
        accept="text/csv",
    )
    transformer.transform(f"s3://{bucket}/input", content_type="text/csv", split_type="Line", logs=False)
    lines = content_of(fitted.sagemaker_session, f"s3://{bucket}/output/rows.csv.out").decode().split()
    high, low = (float(line) for line in lines)
    assert high > 0.5 > low
