"""HyperparameterTuner: https://sagemaker.readthedocs.io/en/stable/training/index.html"""

from __future__ import annotations

from typing import Any

from tests.sdk.shared import artifact_of


def test_the_built_in_xgboost_is_tuned(
    session: Any, role: str, xgboost_image: str, training_data: dict[str, str], unique: Any
) -> None:
    from sagemaker.core.parameter import ContinuousParameter, IntegerParameter
    from sagemaker.core.resources import HyperParameterTuningJob, TrainingJob
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, InputData
    from sagemaker.train.tuner import HyperparameterTuner

    trainer = ModelTrainer(
        training_image=xgboost_image,
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5),
        hyperparameters={"objective": "binary:logistic", "num_round": 5, "eval_metric": "auc"},
        role=role,
        sagemaker_session=session,
        base_job_name=unique("tuned"),
    )
    tuner = HyperparameterTuner(
        trainer,
        objective_metric_name="validation:auc",
        hyperparameter_ranges={"max_depth": IntegerParameter(1, 6), "eta": ContinuousParameter(0.05, 0.5)},
        strategy="Random",
        max_jobs=3,
        max_parallel_jobs=2,
        random_seed=11,
    )
    tuner.tune(
        inputs=[
            InputData(channel_name=name, data_source=uri, content_type="text/csv")
            for name, uri in training_data.items()
        ],
        job_name=unique("tuning"),
    )
    job = HyperParameterTuningJob.get(
        tuner.latest_tuning_job.hyper_parameter_tuning_job_name, session=session.boto_session
    )
    assert job.hyper_parameter_tuning_job_status == "Completed"
    assert job.training_job_status_counters.completed == 3
    best = TrainingJob.get(tuner.best_training_job(), session=session.boto_session)
    assert best.training_job_status == "Completed"
    assert best.tuning_job_arn == job.hyper_parameter_tuning_job_arn
    assert 1 <= int(best.hyper_parameters["max_depth"]) <= 6
    assert 0.05 <= float(best.hyper_parameters["eta"]) <= 0.5
    metrics = {each.metric_name: each.value for each in best.final_metric_data_list}
    objective = job.best_training_job.final_hyper_parameter_tuning_job_objective_metric
    assert objective.value == metrics["validation:auc"]
    trials = list(job.get_all_training_jobs(session=session.boto_session))
    assert len(trials) == 3
    values = [each.final_hyper_parameter_tuning_job_objective_metric.value for each in trials]
    assert objective.value == max(values)
    assert "xgboost-model" in artifact_of(session, best.model_artifacts.s3_model_artifacts)
