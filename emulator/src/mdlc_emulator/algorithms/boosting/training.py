"""Training of the xgboost algorithm.

https://github.com/aws/sagemaker-xgboost-container, algorithm_mode/train.py, is what this follows.
"""

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xgboost

from mdlc_emulator.algorithms import stopping
from mdlc_emulator.algorithms.boosting import callbacks, data, folds, metrics
from mdlc_emulator.algorithms.checks import ignored
from mdlc_emulator.algorithms.errors import AlgorithmError, UserError
from mdlc_emulator.algorithms.place import Place
from mdlc_emulator.algorithms.specification import load

MODEL = "xgboost-model"
PROVENANCE = ".mdlc/made-by.json"
"""In a directory: SageMaker's own model server takes each file beside the model for a model."""
USERS_FAULTS = (
    "label must be in [0,1] for logistic regression",
    "label must be in [0, num_class)",
    "Target is multiclass but average='binary'",
    "feature_names mismatch",
    "Check failed: preds.size() == info.labels_.size()",
    "the dataset only contains pos or neg samples",
    "base_score must be in (0,1)",
    "label must be nonnegative",
    "Parameter reg_lambda should be greater equal to 0",
    "Invalid label",
)
"""Words by which the library says that the data or the parameters are wrong."""


def train(place: Place) -> None:
    """Read the channels, train, write the model. TrainingError."""
    specification = load("xgboost")
    given = place.hyperparameters()
    values = specification.validate(given)
    formats = data.check_channels(specification, place.channels())
    _refuse(values, place.hosts())
    _say_versions(values)
    for name in ignored(specification, given):
        logging.warning("%s has no effect in xgboost %s", name, xgboost.__version__)

    weighted = values.pop("csv_weights", 0) == 1
    training, validation = (_matrix(place, name, formats, weighted) for name in ("train", "validation"))
    assert training is not None
    logging.info("Single node training.")
    logging.info("Train matrix has %d rows and %d columns", training.num_row(), training.num_col())
    if validation is not None:
        logging.info("Validation matrix has %d rows", validation.num_row())

    for matrix in (training, validation):
        if matrix is not None:
            data.check_labels(matrix, values.get("objective", ""), values.get("num_class"))
    plan = Plan(values, has_validation=validation is not None, place=place)
    try:
        if "_kfold" in values:
            both = training if validation is None else _both(place, formats, weighted)
            folds.train(plan, training, validation, both)
        else:
            model = plan.fit(training, [(training, "train"), *_named(validation)], None)
            callbacks.save(model, place.model / MODEL)
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        said = str(error).partition("\nStack trace:")[0]
        if any(words in said for words in USERS_FAULTS):
            raise UserError(said) from error
        raise AlgorithmError(f"XGB train call failed with exception:\n {said}") from error
    _record(place, specification.difference)


class Plan:
    """The hyperparameters sorted out: what goes to the library, and what the callbacks need."""

    def __init__(self, values: Mapping[str, Any], *, has_validation: bool, place: Place) -> None:
        settings = {name: value for name, value in values.items() if not name.startswith("_")}
        self.rounds: int = settings.pop("num_round")
        self.repeats: int = values.get("_num_cv_round", 1)
        self.folds: int = values.get("_kfold", 0)
        self.place = place
        self._keep = settings.pop("save_model_on_termination", "false") == "true"
        self._patience: int | None = settings.pop("early_stopping_rounds", None)
        settings.pop("use_dask_gpu_training", None)
        for name in ignored(load("xgboost"), settings):
            settings.pop(name)
        if "updater" in settings:
            settings["updater"] = ",".join(settings["updater"])
        if "objective" not in settings:
            self.objective = "reg:squarederror"
        else:
            self.objective = settings["objective"] = settings["objective"].replace(
                "reg:linear", "reg:squarederror"
            )
        asked = settings.pop("eval_metric", [])
        tuned = values.get("_tuning_objective_metric")
        aim = [tuned.split(":")[1]] if tuned else []
        if aim:
            logging.info("Setting up HPO optimized metric to be : %s", aim[0])
        names = sorted({*aim, *asked}) if aim and asked else aim or asked
        if own := [name for name in names if name not in metrics.CUSTOM]:
            settings["eval_metric"] = own
        elif names:
            settings["disable_default_eval_metric"] = True
        self.settings = settings
        self.measure = metrics.evaluation(names, self.objective)
        self._watched = (aim or asked or [None])[-1] if has_validation else None

    def fit(self, training: xgboost.DMatrix, watched: list[Any], fold: int | None, log: Any = None) -> Any:
        """Train one model, from its last checkpoint where there is one."""
        directory = self.place.checkpoints()
        if directory is not None and fold is not None:
            directory = directory / f"model-{fold}"
        start, first = callbacks.latest(directory)
        if start is not None:
            logging.info("Checkpoint loaded from %s", start)
            logging.info("Resuming from iteration %s", first)
        called: list[Any] = [callbacks.Monitor(first)]
        if directory is not None:
            called.append(callbacks.Checkpoints(directory, first))
        path = self.place.model / (MODEL if fold is None else f"{MODEL}-{fold}")
        if self._keep:
            called.append(callbacks.Intermediate(path))
            stopping.on_stop(lambda: _only_models(self.place.model))
        if self._patience and self._watched:
            called.append(self._early_stopping())
        return xgboost.train(
            self.settings,
            training,
            num_boost_round=max(self.rounds - first, 0),
            evals=watched,
            custom_metric=self.measure,
            evals_result=log,
            callbacks=called,
            xgb_model=None if start is None else str(start),
            verbose_eval=False,
        )

    def _early_stopping(self) -> Any:
        metric = self._watched
        assert metric is not None
        short = metric.partition("@")[0]
        directions = {known.name: known.direction for known in load("xgboost").metrics}
        return xgboost.callback.EarlyStopping(
            rounds=self._patience,
            data_name="validation",
            metric_name=metric,
            maximize=directions.get(f"validation:{short}") == "Maximize",
            save_best=True,
        )


def _matrix(place: Place, name: str, formats: Mapping[str, str], weighted: bool) -> xgboost.DMatrix | None:
    if name not in formats:
        return None
    files = data.files_of(place.channel(name))
    if not files:
        which = "training" if name == "train" else name
        raise UserError(f"No data in {which} channel path {place.channel(name)}")
    # The container reads both channels in the format of the first.
    return data.read(files, formats["train"], weighted)


def _both(place: Place, formats: Mapping[str, str], weighted: bool) -> xgboost.DMatrix:
    logging.info("Read both train and validation data into one DMatrix")
    files = data.files_of(place.channel("train")) + data.files_of(place.channel("validation"))
    return data.read(files, formats["train"], weighted)


def _named(validation: xgboost.DMatrix | None) -> list[Any]:
    return [] if validation is None else [(validation, "validation")]


def _refuse(values: Mapping[str, Any], hosts: list[str]) -> None:
    if len(hosts) > 1:
        raise UserError(
            f"Distributed training is not supported here: the job asks for {len(hosts)} instances. "
            "Set InstanceCount to 1."
        )
    if values.get("tree_method") == "gpu_hist":
        raise UserError("tree_method 'gpu_hist' needs a GPU, and there is none here. Use 'hist'.")
    if values.get("use_dask_gpu_training") == "true":
        raise UserError("use_dask_gpu_training needs GPUs, and there are none here. Set it to 'false'.")


def _say_versions(values: Mapping[str, Any]) -> None:
    image = os.environ.get("MDLC_IMAGE_VERSION") or "unknown"
    logging.info("Running XGBoost Sagemaker in algorithm mode")
    logging.info("Image version %s, run by xgboost %s", image, xgboost.__version__)
    logging.info("Hyperparameters %s", json.dumps({key: str(value) for key, value in values.items()}))


def _record(place: Place, difference: str) -> None:
    path = place.model / PROVENANCE
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {
        "algorithm": "xgboost",
        "image_version": os.environ.get("MDLC_IMAGE_VERSION", ""),
        "ran": f"xgboost {xgboost.__version__}",
        "difference": difference,
    }
    path.write_text(json.dumps(said, indent=1) + "\n")


def _only_models(directory: Path) -> None:
    """Remove what else lies in the model directory: an unfinished model must not be uploaded."""
    for path in directory.iterdir():
        if path.is_file() and not path.name.startswith(MODEL):
            path.unlink(missing_ok=True)
