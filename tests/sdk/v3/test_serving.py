"""ModelBuilder, its endpoint, the registry and Transformer:
https://sagemaker.readthedocs.io/en/stable/inference/index.html"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sdk.shared import content_of


@pytest.fixture
def artifact(session: Any, role: str, xgboost_image: str, training_data: dict[str, str], unique: Any) -> str:
    """The model.tar.gz of a small xgboost model, trained now."""
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, InputData

    trainer = ModelTrainer(
        training_image=xgboost_image,
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5),
        hyperparameters={"objective": "binary:logistic", "num_round": 10},
        role=role,
        sagemaker_session=session,
        base_job_name=unique("served"),
    )
    data = [InputData(channel_name="train", data_source=training_data["train"], content_type="text/csv")]
    trainer.train(input_data_config=data, logs=False)
    return str(trainer._latest_training_job.model_artifacts.s3_model_artifacts)


def _builder(session: Any, role: str, image: str, artifact: str) -> Any:
    from sagemaker.serve.model_builder import ModelBuilder

    return ModelBuilder(
        image_uri=image,
        s3_model_data_url=artifact,
        role_arn=role,
        sagemaker_session=session,
        instance_type="ml.m5.large",
    )


def test_a_model_is_built_deployed_and_invoked(
    session: Any, role: str, xgboost_image: str, artifact: str, unique: Any
) -> None:
    from sagemaker.core.resources import EndpointConfig, Model

    builder = _builder(session, role, xgboost_image, artifact)
    model = builder.build(model_name=unique("model"))
    assert Model.get(model.model_name, session=session.boto_session).primary_container.image == xgboost_image
    endpoint = builder.deploy(
        endpoint_name=unique("endpoint"), instance_type="ml.m5.large", initial_instance_count=1
    )
    assert endpoint.endpoint_status == "InService"
    answer = endpoint.invoke(body="0.9,0.1\n0.1,0.9\n", content_type="text/csv", accept="text/csv")
    high, low = (float(each) for each in answer.body.read().decode().replace("\n", ",").strip(",").split(","))
    assert high > 0.5 > low
    config = EndpointConfig.get(endpoint.endpoint_config_name, session=session.boto_session)
    assert config.production_variants[0].model_name == model.model_name
    endpoint.delete()
    endpoint.wait_for_delete(poll=1)
    config.delete()
    model.delete()


def test_a_transformer_scores_what_is_in_s3(
    session: Any, role: str, xgboost_image: str, artifact: str, bucket: str, put: Any, unique: Any
) -> None:
    from sagemaker.core.transformer import Transformer

    model = _builder(session, role, xgboost_image, artifact).build(model_name=unique("model"))
    put("input/rows.csv", "a,0.9,0.1\nb,0.1,0.9\n")
    transformer = Transformer(
        model_name=model.model_name,
        instance_count=1,
        instance_type="ml.m5.large",
        strategy="MultiRecord",
        assemble_with="Line",
        accept="text/csv",
        output_path=f"s3://{bucket}/output",
        sagemaker_session=session,
    )
    transformer.transform(
        f"s3://{bucket}/input",
        content_type="text/csv",
        split_type="Line",
        input_filter="$[1:]",
        output_filter="$[0,-1]",
        join_source="Input",
        logs=False,
    )
    lines = content_of(session, f"s3://{bucket}/output/rows.csv.out").decode().splitlines()
    scores = {name: float(score) for name, score in (line.split(",") for line in lines)}
    assert scores["a"] > 0.5 > scores["b"]


def test_a_model_is_registered_and_approved(
    session: Any, role: str, xgboost_image: str, artifact: str, unique: Any
) -> None:
    from sagemaker.core.resources import ModelPackage, ModelPackageGroup

    group = unique("group")
    builder = _builder(session, role, xgboost_image, artifact)
    arn = builder.register(
        model_package_group_name=group,
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
        approval_status="PendingManualApproval",
        description="10 rounds",
    )
    assert (
        ModelPackageGroup.get(group, session=session.boto_session).model_package_group_status == "Completed"
    )
    package = ModelPackage.get(arn, session=session.boto_session)
    assert package.model_package_version == 1
    assert package.model_approval_status == "PendingManualApproval"
    package.update(model_approval_status="Approved", approval_description="auc is fine")
    package.refresh()
    assert package.model_approval_status == "Approved"
    assert package.inference_specification.containers[0].model_data_url == artifact
