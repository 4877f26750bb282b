"""Experiments: https://sagemaker.readthedocs.io/en/stable/"""

from __future__ import annotations

from typing import Any


def test_a_run_keeps_parameters_metrics_and_files(session: Any, unique: Any, tmp_path: Any) -> None:
    from sagemaker.core.experiments.experiment import Experiment
    from sagemaker.core.experiments.run import Run, list_runs, load_run

    name, run_name = unique("experiment"), unique("run")
    report = tmp_path / "report.txt"
    report.write_text("all is well")
    with Run(experiment_name=name, run_name=run_name, sagemaker_session=session) as run:
        run.log_parameter("max_depth", 6)
        run.log_parameters({"eta": 0.3, "objective": "binary:logistic"})
        for step, loss in enumerate((0.9, 0.5, 0.4)):
            run.log_metric("loss", loss, step=step)
        run.log_artifact("source", "s3://bucket/data.csv", media_type="text/csv", is_output=False)
        run.log_file(str(report), name="report")
    with load_run(experiment_name=name, run_name=run_name, sagemaker_session=session) as run:
        component = run._trial_component
        assert component.parameters == {"max_depth": 6.0, "eta": 0.3, "objective": "binary:logistic"}
        loss = next(each for each in component.metrics if each.metric_name == "loss")
        assert (loss.count, loss.min, loss.max, loss.last) == (3, 0.4, 0.9, 0.4)
        assert component.input_artifacts["source"].value == "s3://bucket/data.csv"
        assert component.output_artifacts["report"].value.startswith("s3://")
    described = session.sagemaker_client.describe_trial_component(
        TrialComponentName=component.trial_component_name
    )
    assert described["Status"] == {"PrimaryStatus": "Completed"}
    (found,) = list_runs(experiment_name=name, sagemaker_session=session)
    assert found.run_name == run_name
    Experiment.load(experiment_name=name, sagemaker_session=session)._delete_all(action="--force")


def test_a_training_job_becomes_part_of_its_run(
    session: Any, role: str, xgboost_image: str, training_data: dict[str, str], unique: Any
) -> None:
    """A job that names an experiment and a trial has a trial component of its own:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ExperimentConfig.html"""
    from sagemaker.core.experiments.run import Run
    from sagemaker.core.resources import TrainingJob
    from sagemaker.core.shapes import (
        AlgorithmSpecification,
        Channel,
        DataSource,
        ExperimentConfig,
        OutputDataConfig,
        ResourceConfig,
        S3DataSource,
        StoppingCondition,
    )

    with Run(experiment_name=unique("experiment"), sagemaker_session=session) as run:
        config = run.experiment_config
        job = TrainingJob.create(
            training_job_name=unique("job"),
            algorithm_specification=AlgorithmSpecification(
                training_image=xgboost_image, training_input_mode="File"
            ),
            role_arn=role,
            hyper_parameters={"num_round": "3", "objective": "binary:logistic"},
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
            resource_config=ResourceConfig(
                instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5
            ),
            stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
            experiment_config=ExperimentConfig(
                experiment_name=config["ExperimentName"], trial_name=config["TrialName"]
            ),
            session=session.boto_session,
        )
        job.wait(poll=1)
    assert job.experiment_config.experiment_name == run.experiment_name
    client = session.sagemaker_client
    summaries = client.list_trial_components(TrialName=run.run_group_name)["TrialComponentSummaries"]
    sources = {each.get("TrialComponentSource", {}).get("SourceArn") for each in summaries}
    assert job.training_job_arn in sources
