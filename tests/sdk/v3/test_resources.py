"""sagemaker-core's resource classes: https://sagemaker-core.readthedocs.io/en/stable/"""

from __future__ import annotations

from typing import Any

import pytest


def test_what_is_not_there_is_an_error_of_the_service(session: Any) -> None:
    from botocore.exceptions import ClientError
    from sagemaker.core.resources import Endpoint, TrainingJob

    with pytest.raises(ClientError, match="Requested resource not found"):
        TrainingJob.get("no-such-job", session=session.boto_session)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        Endpoint.get("no-such-endpoint", session=session.boto_session)


def test_a_training_job_is_created_stopped_and_listed(
    session: Any, role: str, xgboost_image: str, training_data: dict[str, str], unique: Any
) -> None:
    from sagemaker.core.resources import TrainingJob
    from sagemaker.core.shapes import (
        AlgorithmSpecification,
        Channel,
        DataSource,
        OutputDataConfig,
        ResourceConfig,
        S3DataSource,
        StoppingCondition,
    )

    name = unique("core")
    job = TrainingJob.create(
        training_job_name=name,
        algorithm_specification=AlgorithmSpecification(
            training_image=xgboost_image, training_input_mode="File"
        ),
        role_arn=role,
        hyper_parameters={"num_round": "2000000", "objective": "binary:logistic"},
        input_data_config=[
            Channel(
                channel_name="train",
                content_type="text/csv",
                data_source=DataSource(
                    s3_data_source=S3DataSource(s3_data_type="S3Prefix", s3_uri=training_data["train"])
                ),
            )
        ],
        output_data_config=OutputDataConfig(
            s3_output_path=training_data["train"].replace("data/train", "output")
        ),
        resource_config=ResourceConfig(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
        tags=[{"key": "team", "value": "core"}],
        session=session.boto_session,
    )
    assert job.training_job_status == "InProgress"
    found = [
        each.training_job_name
        for each in TrainingJob.get_all(name_contains=name, session=session.boto_session)
    ]
    assert found == [name]
    job.stop()
    job.wait(poll=1)
    assert job.training_job_status == "Stopped"
    tags = session.sagemaker_client.list_tags(ResourceArn=job.training_job_arn)["Tags"]
    assert {"Key": "team", "Value": "core"} in tags
