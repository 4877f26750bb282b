"""What happens after each round: the line of metrics, the checkpoint, the model kept in case of a stop."""

import re
from pathlib import Path
from typing import Any

import xgboost

CHECKPOINT = "xgboost-checkpoint"
KEPT = 5
"""Checkpoints that are kept at a time (the container's checkpointing.py, max_to_keep)."""


class Monitor(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """Prints `[round]#011train-auc:0.70000#011validation-auc:0.60000`, as CloudWatch shows the tabs of the
    container's lines: SageMaker's metric definitions look for `#011`."""

    def __init__(self, first: int) -> None:
        self._first = first

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
        line = [f"[{epoch + self._first}]"]
        for data, metrics in evals_log.items():
            line += [f"{data}-{name}:{values[-1]:.5f}" for name, values in metrics.items()]
        print("#011".join(line), flush=True)
        return False


class Checkpoints(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """Saves the model of each round as `xgboost-checkpoint.<round>` and keeps the last few."""

    def __init__(self, directory: Path, first: int) -> None:
        self._directory = directory
        self._first = first
        directory.mkdir(parents=True, exist_ok=True)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
        number = epoch + self._first
        save(model, self._directory / f"{CHECKPOINT}.{number}")
        (self._directory / f"{CHECKPOINT}.{number - KEPT}").unlink(missing_ok=True)
        return False


class Intermediate(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """Keeps the model of the last round in the model directory (save_model_on_termination)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
        save(model, self._path)
        return False


def save(model: Any, path: Path) -> None:
    """Write the model in UBJSON, whole or not at all: a stop may come at any moment.

    The ending in between is one that SageMaker does not upload.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.sagemaker-ignore")
    unfinished.write_bytes(model.save_raw("ubj"))
    unfinished.replace(path)


def latest(directory: Path | None) -> tuple[Path | None, int]:
    """The newest checkpoint and the number of rounds it has; (None, 0) without any."""
    if directory is None or not directory.is_dir():
        return None, 0
    found = {}
    for path in directory.iterdir():
        if match := re.fullmatch(rf"{CHECKPOINT}\.(\d+)", path.name):
            found[int(match.group(1))] = path
    if not found:
        return None, 0
    last = max(found)
    return found[last], last + 1
