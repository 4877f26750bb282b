"""ModelTrainer, as its guide shows it: https://sagemaker.readthedocs.io/en/stable/training/index.html"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.shared import artifact_of

SCRIPT = """
import argparse, json, os, pathlib

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--word")
arguments = parser.parse_args()
channel = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"])
rows = sum(len(path.read_text().splitlines()) for path in channel.glob("*.csv"))
for epoch in range(arguments.epochs):
    print(f"epoch={epoch} loss={1 / (epoch + 1):.4f};", flush=True)
seen = {
    "rows": rows,
    "word": arguments.word,
    "host": os.environ["SM_CURRENT_HOST"],
    "hyperparameters": json.loads(os.environ["SM_HPS"]),
    "extra": os.environ["EXTRA"],
}
pathlib.Path(os.environ["SM_MODEL_DIR"], "seen.json").write_text(json.dumps(seen))
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "source"
    directory.mkdir()
    (directory / "train.py").write_text(SCRIPT)
    return directory


def test_a_script_is_trained(
    session: Any, role: str, sklearn_image: str, training_data: dict[str, str], source: Path, unique: Any
) -> None:
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, InputData, MetricDefinition, SourceCode

    trainer = ModelTrainer(
        training_image=sklearn_image,
        source_code=SourceCode(source_dir=str(source), entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5),
        hyperparameters={"epochs": 3, "word": "two words"},
        environment={"EXTRA": "yes"},
        role=role,
        sagemaker_session=session,
        base_job_name=unique("script"),
    ).with_metric_definitions([MetricDefinition(name="loss", regex="loss=(.*?);")])
    trainer.train(
        input_data_config=[InputData(channel_name="train", data_source=training_data["train"])],
        wait=True,
        logs=True,
    )
    job = trainer._latest_training_job
    assert job.training_job_status == "Completed"
    assert job.secondary_status == "Completed"
    seen = json.loads(artifact_of(session, job.model_artifacts.s3_model_artifacts)["seen.json"])
    assert seen["rows"] == 400
    assert seen["word"] == "two words"
    assert seen["host"] == "algo-1"
    assert seen["hyperparameters"]["epochs"] == 3
    assert seen["extra"] == "yes"
    metrics = {each.metric_name: each.value for each in job.final_metric_data_list}
    assert metrics["loss"] == pytest.approx(1 / 3, abs=1e-3)
    statuses = [each.status for each in job.secondary_status_transitions]
    assert statuses[0] == "Starting"
    assert statuses[-1] == "Completed"
    assert "Training" in statuses


def test_a_script_that_fails_says_why(
    session: Any, role: str, sklearn_image: str, training_data: dict[str, str], tmp_path: Path, unique: Any
) -> None:
    from sagemaker.core.utils.exceptions import FailedStatusError
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, InputData, SourceCode

    directory = tmp_path / "broken"
    directory.mkdir()
    (directory / "train.py").write_text("raise ValueError('no such column: delay')\n")
    trainer = ModelTrainer(
        training_image=sklearn_image,
        source_code=SourceCode(source_dir=str(directory), entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5),
        role=role,
        sagemaker_session=session,
        base_job_name=unique("broken"),
    )
    with pytest.raises(FailedStatusError, match="AlgorithmError"):
        trainer.train(
            input_data_config=[InputData(channel_name="train", data_source=training_data["train"])],
            logs=False,
        )


def test_the_built_in_xgboost_is_trained(
    session: Any, role: str, xgboost_image: str, training_data: dict[str, str], unique: Any
) -> None:
    from sagemaker.core.resources import TrainingJob
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, InputData

    trainer = ModelTrainer(
        training_image=xgboost_image,
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5),
        hyperparameters={"objective": "binary:logistic", "num_round": 20, "eval_metric": "auc"},
        role=role,
        sagemaker_session=session,
        base_job_name=unique("xgboost"),
    )
    trainer.train(
        input_data_config=[
            InputData(channel_name=name, data_source=uri, content_type="text/csv")
            for name, uri in training_data.items()
        ],
        logs=False,
    )
    job = TrainingJob.get(trainer._latest_training_job.training_job_name, session=session.boto_session)
    assert job.training_job_status == "Completed"
    metrics = {each.metric_name: each.value for each in job.final_metric_data_list}
    assert metrics["validation:auc"] > 0.95
    assert "xgboost-model" in artifact_of(session, job.model_artifacts.s3_model_artifacts)
