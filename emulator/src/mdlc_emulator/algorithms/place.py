"""Where a training or serving program finds what it was given: /opt/ml, or SAGEMAKER_BASE_DIR instead.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdlc_emulator.algorithms.errors import AlgorithmError


@dataclass(frozen=True, slots=True)
class Place:
    """One container's directories."""

    root: Path

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> "Place":
        return cls(Path(environment.get("SAGEMAKER_BASE_DIR") or "/opt/ml"))

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def output(self) -> Path:
        return self.root / "output"

    @property
    def output_data(self) -> Path:
        return self.root / "output" / "data"

    def channel(self, name: str) -> Path:
        return self.root / "input" / "data" / name

    def hyperparameters(self) -> dict[str, str]:
        """As the job gives them: all values are text."""
        return {name: str(value) for name, value in self._config("hyperparameters", {}).items()}

    def channels(self) -> dict[str, dict[str, Any]]:
        """The configuration of each channel: ContentType, TrainingInputMode, S3DistributionType ..."""
        return dict(self._config("inputdataconfig", {}))

    def hosts(self) -> list[str]:
        return list(self._config("resourceconfig", {}).get("hosts") or ["algo-1"])

    def host(self) -> str:
        return str(self._config("resourceconfig", {}).get("current_host") or "algo-1")

    def checkpoints(self) -> Path | None:
        """The directory for checkpoints, where the job keeps them."""
        local = self._config("checkpointconfig", {}).get("LocalPath")
        if local:
            path = Path(local)
            inside = path.is_absolute() and path.is_relative_to("/opt/ml")
            return self.root / path.relative_to("/opt/ml") if inside else path
        found = self.root / "checkpoints"
        return found if found.is_dir() else None

    def fail(self, reason: str) -> None:
        """Write the failure file: what the job's FailureReason is made of."""
        self.output.mkdir(parents=True, exist_ok=True)
        (self.output / "failure").write_text(reason)

    def _config(self, name: str, default: Any) -> Any:
        path = self.root / "input" / "config" / f"{name}.json"
        try:
            return json.loads(path.read_text())
        except FileNotFoundError:
            return default
        except ValueError as error:
            raise AlgorithmError(f"Could not read {path}", error) from error


def data_files(directory: Path) -> list[Path]:
    """The files of a channel in a fixed order, without hidden ones and markers (_SUCCESS)."""
    return sorted(_files(directory))


def _files(directory: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(directory):
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        for name in names:
            if not name.startswith((".", "_")):
                yield Path(root, name)
