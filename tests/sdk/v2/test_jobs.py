"""Estimators, tuners and processors of SDK v2: https://sagemaker.readthedocs.io/en/v2.257.1/"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sdk.shared import artifact_of, content_of

SCRIPT = """
import argparse, os, pathlib

parser = argparse.ArgumentParser()
parser.add_argument("--word")
files = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]).glob("*.csv")
rows = sum(len(path.read_text().splitlines()) for path in files)
pathlib.Path(os.environ["SM_MODEL_DIR"], "seen.txt").write_text(f"{parser.parse_args().word} {rows}")
"""
COUNT = """
import pathlib

rows = pathlib.Path("/opt/ml/processing/input/rows/a.txt").read_text().split()
out = pathlib.Path("/opt/ml/processing/output")
(out / "count.txt").write_text(str(len(rows)))
"""


def test_a_script_is_fitted(
    session: Any, role: str, training_data: dict[str, str], tmp_path: Path, unique: Any
) -> None:
    from sagemaker.sklearn import SKLearn

    (tmp_path / "train.py").write_text(SCRIPT)
    estimator = SKLearn(
        entry_point="train.py",
        source_dir=str(tmp_path),
        framework_version="1.2-1",
        py_version="py3",
        role=role,
        instance_count=1,
        instance_type="ml.m5.large",
        hyperparameters={"word": "seen"},
        sagemaker_session=session,
        base_job_name=unique("script"),
    )
    estimator.fit({"train": training_data["train"]}, logs=False)
    assert artifact_of(session, estimator.model_data)["seen.txt"] == b"seen 400"


def test_the_built_in_xgboost_is_tuned(
    session: Any, role: str, xgboost_image: str, training_data: dict[str, str], unique: Any
) -> None:
    from sagemaker.estimator import Estimator
    from sagemaker.inputs import TrainingInput
    from sagemaker.tuner import HyperparameterTuner, IntegerParameter

    estimator = Estimator(
        xgboost_image,
        role,
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
        hyperparameters={"objective": "binary:logistic", "eval_metric": "auc", "num_round": 5},
    )
    tuner = HyperparameterTuner(
        estimator,
        "validation:auc",
        {"max_depth": IntegerParameter(1, 4)},
        strategy="Random",
        max_jobs=2,
        max_parallel_jobs=2,
        base_tuning_job_name=unique("v2")[:20],
    )
    inputs = {name: TrainingInput(uri, content_type="text/csv") for name, uri in training_data.items()}
    tuner.fit(inputs)
    assert tuner.describe()["HyperParameterTuningJobStatus"] == "Completed"
    best = session.describe_training_job(tuner.best_training_job())
    assert 1 <= int(best["HyperParameters"]["max_depth"]) <= 4
    frame = tuner.analytics().dataframe()
    assert len(frame) == 2
    assert frame["FinalObjectiveValue"].max() == pytest.approx(
        {one["MetricName"]: one["Value"] for one in best["FinalMetricDataList"]}["validation:auc"]
    )


def test_a_script_is_processed(session: Any, role: str, bucket: str, put: Any, tmp_path: Path) -> None:
    from sagemaker.processing import ProcessingInput, ProcessingOutput
    from sagemaker.sklearn.processing import SKLearnProcessor

    script = tmp_path / "count.py"
    script.write_text(COUNT)
    put("rows/a.txt", "1\n2\n3\n")
    processor = SKLearnProcessor(
        framework_version="1.2-1",
        role=role,
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
    )
    processor.run(
        code=str(script),
        inputs=[ProcessingInput(source=f"s3://{bucket}/rows", destination="/opt/ml/processing/input/rows")],
        outputs=[ProcessingOutput(source="/opt/ml/processing/output", destination=f"s3://{bucket}/counted")],
        logs=False,
    )
    assert content_of(session, f"s3://{bucket}/counted/count.txt") == b"3"
