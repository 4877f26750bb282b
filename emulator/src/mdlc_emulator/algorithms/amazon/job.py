"""What a training of one of Amazon's algorithms is given: checked hyperparameters, and channels as matrices.

Errors are put in the words of the algorithms' own SDK, as far as these are known from jobs' FailureReasons.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdlc_emulator.algorithms.errors import UserError
from mdlc_emulator.algorithms.formats import content_type as types
from mdlc_emulator.algorithms.formats import csv, matrix
from mdlc_emulator.algorithms.place import Place, data_files
from mdlc_emulator.algorithms.specification import Specification

DENSE_LIMIT = 400_000_000
"""Numbers that a sparse channel may have as a dense matrix: 1.6 GB."""


class Data(NamedTuple):
    """One channel: features (rows, columns) in float32, labels (rows,) or None."""

    features: NDArray[np.float32]
    labels: NDArray[np.float32] | None


class InputError(ValueError):
    """What the data iterators of the algorithms say they stumbled over."""


@dataclass(slots=True)
class Job:
    """`values` are the checked hyperparameters; `channels` those that the job has."""

    values: Mapping[str, Any]
    channels: Mapping[str, Data]
    host: str = "algo-1"
    scores: list[tuple[str, str, float]] = field(default_factory=list)
    """(segment, name, value) of all that was written to the log."""

    @property
    def train(self) -> Data:
        return self.channels["train"]

    def say(
        self, segment: str, name: str, value: float, kind: str = "score", epoch: int | None = None
    ) -> None:
        """One line of the log that SageMaker's metric definitions read; `kind` is "score" or "loss"."""
        at = "" if epoch is None else f"epoch={epoch}, "
        logging.info(
            "#quality_metric: host=%s, %s%s %s <%s>=%r", self.host, at, segment, name, kind, float(value)
        )
        self.scores.append((segment, name, float(value)))


def labels_of(data: Data, channel: str) -> NDArray[np.float32]:
    """The labels of a supervised algorithm's channel. UserError when there are none."""
    if data.labels is None:
        raise UserError(f"Unable to read data channel '{channel}'. The records have no labels.")
    return data.labels


def read_channels(place: Place, of: Specification, dimension: int | None) -> dict[str, Data]:
    """The job's channels. `dimension` is feature_dim, None for any. UserError."""
    given = place.channels()
    for channel in of.channels.values():
        if channel.required and channel.name not in given:
            raise UserError(
                "Unable to initialize the algorithm. Failed to validate input data configuration.",
                _invalid(f"'{channel.name}' is a required property"),
            )
    found = {}
    for name, said in given.items():
        if name not in of.channels:
            raise UserError(
                "Unable to initialize the algorithm. Failed to validate input data configuration.",
                _invalid(f"Additional properties are not allowed ('{name}' was unexpected)"),
            )
        found[name] = _read(place, name, said, of.channels[name].content_types)
    width = dimension or found["train"].features.shape[1]
    for name, data in found.items():
        if data.features.shape[1] != width:
            raise UserError(
                f"Unable to read data channel '{name}'. The records have {data.features.shape[1]} features, "
                f"and feature_dim is {width}."
            )
    return found


class ValidationError(ValueError):
    """As the algorithms name the cause of what their schema refuses."""


def _invalid(message: str) -> ValidationError:
    return ValidationError(message)


def _read(place: Place, name: str, said: Mapping[str, Any], accepted: tuple[str, ...]) -> Data:
    asked = said.get("ContentType") or types.RECORDIO
    media = types.MediaType.parse(asked)
    if media.name not in accepted:
        raise UserError(
            f"Unable to read data channel '{name}'. The content-type '{asked}' is not supported; "
            f"supported are {', '.join(accepted)}."
        )
    if said.get("TrainingInputMode") == "Pipe":
        raise UserError(
            f"Unable to read data channel '{name}'. Pipe mode is not supported here: use File or FastFile."
        )
    files = [file for file in data_files(place.channel(name)) if file.stat().st_size]
    if not files:
        raise UserError(f"Unable to read data channel '{name}'. No data was found in it.")
    try:
        if media.name == types.CSV:
            data = _csv(csv.read(files), int(media.parameters.get("label_size", "1")))
        else:
            data = _records(matrix.read(b"".join(file.read_bytes() for file in files)))
    except ValueError as error:
        raise UserError(
            f"Unable to read data channel '{name}'. Requested content-type is '{asked}'. "
            "Please verify the data matches the requested content-type.",
            InputError(str(error)),
        ) from error
    _check_finite(name, data)
    return data


def _csv(table: Any, label_size: int) -> Data:
    if label_size not in (0, 1):
        raise ValueError(f"label_size must be 0 or 1, not {label_size}")
    return Data(table[:, label_size:], table[:, 0] if label_size else None)


def _records(found: matrix.Labelled) -> Data:
    features, labels = found
    if hasattr(features, "toarray"):
        if features.shape[0] * features.shape[1] > DENSE_LIMIT:
            raise ValueError(
                f"{features.shape[0]} sparse records of {features.shape[1]} features are too many here"
            )
        features = features.toarray()
    return Data(features.astype(np.float32), None if labels is None else labels.astype(np.float32))


def _check_finite(name: str, data: Data) -> None:
    for part in data:
        if part is None or np.isfinite(part).all():
            continue
        if np.isnan(part).any():
            raise UserError(
                f"Unable to read data channel '{name}'. Found missing (NaN) values. "
                "Please remove any missing (NaN) values in the input data.",
                InputError("(Input Error) (NaN)"),
            )
        raise UserError(
            f"Unable to read data channel '{name}'. Found infinite floating point values. "
            "Please remove any infinite floating point values in the input data.",
            InputError("(Input Error) (Inf)"),
        )
