"""A trained model in memory: one booster, or several whose predictions are brought together."""

import json
import logging
import pickle
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xgboost


class ModelError(RuntimeError):
    """The model directory holds nothing that can be loaded."""


class Model:
    """Predicts rows; may be used by several threads at once."""

    def __init__(self, boosters: list[xgboost.Booster]) -> None:
        self._boosters = boosters
        learner = _learner(boosters[0])
        self.objective: str = learner["objective"]["name"]
        self.classes = int(learner["learner_model_param"].get("num_class") or 0)
        self.features = int(boosters[0].num_features())
        self._in_place = learner["gradient_booster"]["name"] != "gblinear"

    @classmethod
    def load(cls, directory: Path, *, ensemble: bool = True) -> "Model":
        """All models in `directory`, the first alone without `ensemble`. ModelError."""
        paths = []
        for path in sorted(directory.iterdir()) if directory.is_dir() else ():
            if path.name.startswith("."):
                if path.is_file():
                    logging.warning("Ignoring dotfile '%s' found in model directory", path)
            elif path.is_file():
                paths.append(path)
        if not paths:
            raise ModelError(f"There is no model in {directory}")
        model = cls([_booster(path) for path in (paths if ensemble else paths[:1])])
        logging.info("Model objective : %s", model.objective)
        return model

    def predict(self, rows: Any) -> Any:
        """The objective's prediction for each row of a dense or sparse matrix: (n,) or (n, classes).

        Columns that are missing at the end count as missing values, as the library has it. ValueError when
        there are more columns than in training.
        """
        found = [self._one(booster, rows) for booster in self._boosters]
        if len(found) == 1:
            return found[0]
        if self.objective in ("multi:softmax", "binary:hinge"):
            votes = np.stack(found)
            return np.array([Counter(column).most_common(1)[0][0] for column in votes.T.tolist()], np.float32)
        return np.mean(found, axis=0)

    def _one(self, booster: xgboost.Booster, rows: Any) -> Any:
        if self._in_place and isinstance(rows, np.ndarray) and rows.shape[1] == self.features:
            return booster.inplace_predict(rows, validate_features=False)
        return booster.predict(xgboost.DMatrix(rows), validate_features=False)


def _booster(path: Path) -> xgboost.Booster:
    logging.info("Loading the model from %s", path)
    try:
        if path.open("rb").read(1) == b"\x80":
            # As SageMaker's server does: older images kept models so, and the model is its owner's code.
            with path.open("rb") as file:
                loaded = pickle.load(file)  # noqa: S301
            booster = loaded if isinstance(loaded, xgboost.Booster) else loaded.get_booster()
        else:
            booster = xgboost.Booster()
            booster.load_model(bytearray(path.read_bytes()))
    except Exception as error:
        raise ModelError(f"Model {path} cannot be loaded:\n{error}") from error
    booster.set_param({"nthread": 1})
    return booster


def _learner(booster: xgboost.Booster) -> Mapping[str, Any]:
    learner: Mapping[str, Any] = json.loads(booster.save_config())["learner"]
    return learner
