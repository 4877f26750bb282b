"""From real rows to a deployed model with the SDK alone: train, tune, register, deploy by canary, invoke,
deploy a broken model that an alarm rolls back, score a batch. Flights that left New York in 2013."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.shared import content_of

TRIALS = 8
BROKEN = b"""
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    raise RuntimeError("this model was broken on purpose")
"""


@pytest.fixture
def flights(put: Any) -> dict[str, str]:
    """Channel -> S3 prefix; rows as tests/sdk/test_sdks.py writes them: the label first."""
    directory = Path(os.environ["MDLC_FLIGHTS"])
    uris = {}
    for name in ("train", "validation", "holdout"):
        uri = put(f"flights/{name}/rows.csv", (directory / f"{name}.csv").read_bytes())
        uris[name] = uri.rpartition("/")[0]
    return uris


def _channels(flights: dict[str, str]) -> list[Any]:
    from sagemaker.train.configs import InputData

    return [
        InputData(channel_name=name, data_source=flights[name], content_type="text/csv")
        for name in ("train", "validation")
    ]


def _trainer(session: Any, role: str, image: str, name: str, **hyperparameters: Any) -> Any:
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute

    return ModelTrainer(
        training_image=image,
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5),
        hyperparameters={"objective": "binary:logistic", "eval_metric": "auc"} | hyperparameters,
        role=role,
        sagemaker_session=session,
        base_job_name=name,
    )


def _tuned(session: Any, role: str, image: str, name: str, flights: dict[str, str]) -> Any:
    """The best of the trials, a TrainingJob."""
    from sagemaker.core.parameter import ContinuousParameter, IntegerParameter
    from sagemaker.core.resources import TrainingJob
    from sagemaker.train.tuner import HyperparameterTuner

    tuner = HyperparameterTuner(
        _trainer(session, role, image, name, num_round=20),
        objective_metric_name="validation:auc",
        hyperparameter_ranges={"max_depth": IntegerParameter(2, 6), "eta": ContinuousParameter(0.05, 0.5)},
        max_jobs=TRIALS,
        max_parallel_jobs=2,
        random_seed=7,
    )
    tuner.tune(inputs=_channels(flights), job_name=name, wait=False)
    tuner.latest_tuning_job.wait(poll=1)
    tuner.latest_tuning_job.refresh()
    assert tuner.latest_tuning_job.training_job_status_counters.completed == TRIALS
    return TrainingJob.get(tuner.best_training_job(), session=session.boto_session)


def _configuration(session: Any, name: str, model_name: str) -> str:
    from sagemaker.core.resources import EndpointConfig
    from sagemaker.core.shapes import ProductionVariant

    variant = ProductionVariant(
        variant_name="AllTraffic",
        model_name=model_name,
        instance_type="ml.m5.large",
        initial_instance_count=2,
        initial_variant_weight=1.0,
    )
    EndpointConfig.create(
        endpoint_config_name=name, production_variants=[variant], session=session.boto_session
    )
    return name


def _canary(seconds: int, alarm: str | None = None) -> Any:
    from sagemaker.core.shapes import (
        Alarm,
        AutoRollbackConfig,
        BlueGreenUpdatePolicy,
        CapacitySize,
        DeploymentConfig,
        TrafficRoutingConfig,
    )

    policy = BlueGreenUpdatePolicy(
        traffic_routing_configuration=TrafficRoutingConfig(
            type="CANARY",
            canary_size=CapacitySize(type="CAPACITY_PERCENT", value=50),
            wait_interval_in_seconds=seconds,
        ),
        termination_wait_in_seconds=0,
        maximum_execution_timeout_in_seconds=1800,
    )
    if alarm is None:
        return DeploymentConfig(blue_green_update_policy=policy)
    rollback = AutoRollbackConfig(alarms=[Alarm(alarm_name=alarm)])
    return DeploymentConfig(blue_green_update_policy=policy, auto_rollback_configuration=rollback)


def _broken_model(session: Any, role: str, image: str, name: str, put: Any) -> str:
    from sagemaker.core.resources import Model
    from sagemaker.core.shapes import ContainerDefinition

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("code/inference.py")
        info.size = len(BROKEN)
        tar.addfile(info, io.BytesIO(BROKEN))
    container = ContainerDefinition(
        image=image,
        model_data_url=put("broken/model.tar.gz", buffer.getvalue()),
        environment={
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
    )
    Model.create(
        model_name=name, primary_container=container, execution_role_arn=role, session=session.boto_session
    )
    return name


def _alarm(session: Any, endpoint: str) -> str:
    """The SDK has no class for alarms."""
    name = f"{endpoint}-errors"
    dimensions = {"EndpointName": endpoint, "VariantName": "AllTraffic"}
    session.boto_session.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    return name


def _used_until_at_rest(endpoint: Any, row: str) -> int:
    """Invoke the endpoint until its deployment is over; how many invocations have failed."""
    from botocore.exceptions import ClientError

    failed, pace = 0, threading.Event()
    for _ in range(600):
        try:
            endpoint.invoke(body=row, content_type="text/csv")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ModelError":
                raise
            failed += 1
        endpoint.refresh()
        if endpoint.endpoint_status == "InService":
            return failed
        pace.wait(0.2)
    raise AssertionError(f"the endpoint is still {endpoint.endpoint_status}")


def test_flights_from_rows_to_a_deployed_model(
    session: Any,
    role: str,
    xgboost_image: str,
    sklearn_image: str,
    flights: dict[str, str],
    bucket: str,
    put: Any,
    unique: Any,
) -> None:
    from sagemaker.core.resources import ModelPackage
    from sagemaker.core.transformer import Transformer
    from sagemaker.serve.model_builder import ModelBuilder

    name = unique("flights")
    first = _trainer(session, role, xgboost_image, f"{name}-first", num_round=5, max_depth=2)
    first.train(input_data_config=_channels(flights), wait=False, logs=False)
    trained = first._latest_training_job
    trained.wait(poll=1)
    best = _tuned(session, role, xgboost_image, f"{name}-tune", flights)

    def builder(artifact: str) -> Any:
        return ModelBuilder(
            image_uri=xgboost_image,
            s3_model_data_url=artifact,
            role_arn=role,
            sagemaker_session=session,
            instance_type="ml.m5.large",
        )

    tuned = builder(best.model_artifacts.s3_model_artifacts)
    arn = tuned.register(
        model_package_group_name=name,
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
        approval_status="PendingManualApproval",
    )
    package = ModelPackage.get(arn, session=session.boto_session)
    package.update(model_approval_status="Approved")

    old = builder(trained.model_artifacts.s3_model_artifacts)
    old.build(model_name=f"{name}-first")
    endpoint = old.deploy(endpoint_name=name, instance_type="ml.m5.large", initial_instance_count=2)
    model = tuned.build(model_name=f"{name}-tuned")
    good = _configuration(session, f"{name}-tuned", model.model_name)
    endpoint.endpoint_config_name = good
    endpoint.update(deployment_config=_canary(1))
    endpoint.wait_for_status("InService", poll=1)
    assert endpoint.endpoint_config_name == good

    rows = content_of(session, f"{flights['holdout']}/rows.csv").decode().splitlines()
    row = rows[0].partition(",")[2]
    answer = endpoint.invoke(body=row, content_type="text/csv", accept="text/csv")
    score = float(answer.body.read())

    alarm = _alarm(session, name)
    broken = _broken_model(session, role, sklearn_image, f"{name}-broken", put)
    endpoint.endpoint_config_name = _configuration(session, f"{name}-broken", broken)
    endpoint.update(deployment_config=_canary(300, alarm))
    assert _used_until_at_rest(endpoint, row) > 0
    assert endpoint.endpoint_config_name == good, "rolled back"
    assert alarm in endpoint.failure_reason

    transformer = Transformer(
        model_name=model.model_name,
        instance_count=1,
        instance_type="ml.m5.large",
        strategy="MultiRecord",
        assemble_with="Line",
        accept="text/csv",
        output_path=f"s3://{bucket}/scored",
        sagemaker_session=session,
    )
    transformer.transform(
        flights["holdout"],
        content_type="text/csv",
        split_type="Line",
        input_filter="$[1:]",
        output_filter="$[0,-1]",
        join_source="Input",
        logs=False,
    )
    scored = content_of(session, f"s3://{bucket}/scored/rows.csv.out").decode().splitlines()
    found = [tuple(map(float, line.split(","))) for line in scored]
    assert [label for label, _ in found] == [float(line.partition(",")[0]) for line in rows]
    assert found[0][1] == pytest.approx(score, abs=1e-5)
    late = [value for label, value in found if label == 1.0]
    rest = [value for label, value in found if label == 0.0]
    wins = sum((a > b) + 0.5 * (a == b) for a in late for b in rest)
    assert wins / (len(late) * len(rest)) > 0.56
    endpoint.delete()
