"""What Amazon's own algorithms read: channels, labels, thresholds, artefacts, each without a training."""

from pathlib import Path

import numpy as np
import pytest
from mdlc_emulator.algorithms.amazon.artefact import Artefact, ArtefactError
from mdlc_emulator.algorithms.amazon.job import read_channels
from mdlc_emulator.algorithms.amazon.linear_scores import threshold
from mdlc_emulator.algorithms.errors import UserError
from mdlc_emulator.algorithms.place import Place
from mdlc_emulator.algorithms.specification import load

from tests.emulator.algorithms.jobs import Job


def refused(root: Path, data: bytes, content_type: str = "text/csv", dimension: int | None = None) -> str:
    given = Job(root, "kmeans", {}).channel("train", data, content_type)
    with pytest.raises(UserError) as caught:
        read_channels(Place(given.root), load("kmeans"), dimension)
    return caught.value.reason()


@pytest.mark.parametrize(
    ("data", "content_type", "dimension", "said"),
    [
        (
            b"1,2\n",
            "application/x-recordio-protobuf",
            None,
            "ClientError: Unable to read data channel 'train'. Requested content-type is "
            "'application/x-recordio-protobuf'. Please verify the data matches the requested content-type.",
        ),
        (b"1,2\n1,x\n", "text/csv", None, "Please verify the data matches the requested content-type."),
        (
            b"1,2\n1,\n",
            "text/csv",
            None,
            "ClientError: Unable to read data channel 'train'. Found missing (NaN) values. "
            "Please remove any missing (NaN) values in the input data.",
        ),
        (b"1,2\n1,inf\n", "text/csv", None, "Found infinite floating point values."),
        (b"1,2,3\n", "text/csv", 3, "The records have 2 features, and feature_dim is 3."),
        (b"", "text/csv", None, "No data was found in it."),
        (b"1,2\n", "text/plain", None, "The content-type 'text/plain' is not supported"),
    ],
)
def test_a_channel_that_cannot_be_read_says_why(
    tmp_path: Path, data: bytes, content_type: str, dimension: int | None, said: str
) -> None:
    assert said in refused(tmp_path, data, content_type, dimension)


def test_label_size_says_whether_the_first_column_is_a_label(tmp_path: Path) -> None:
    for size, columns in (("0", 3), ("1", 2)):
        given = Job(tmp_path / size, "kmeans", {}).channel("train", b"7,8,9\n", f"text/csv;label_size={size}")
        data = read_channels(Place(given.root), load("kmeans"), None)["train"]
        assert data.features.tolist() == [[7.0, 8.0, 9.0][3 - columns :]]
        assert (data.labels is None) == (size == "0")


def test_channels_that_are_not_known_or_missing_are_named(tmp_path: Path) -> None:
    for given, said in (
        (Job(tmp_path / "missing", "pca", {}), "'train' is a required property"),
        (
            Job(tmp_path / "extra", "pca", {}).channel("train", b"1,2\n").channel("validation", b"1,2\n"),
            "'validation' was unexpected",
        ),
    ):
        with pytest.raises(UserError) as caught:
            read_channels(Place(given.root), load("pca"), None)
        assert (
            "Failed to validate input data configuration. (caused by ValidationError)"
            in caught.value.reason()
        )
        assert said in caught.value.reason()


def test_the_best_threshold_is_the_best_of_all() -> None:
    random = np.random.default_rng(2)
    for _ in range(30):
        score = random.choice([0.1, 0.2, 0.5, 0.7, 0.9], 40)
        truth = (random.random(40) < score).astype(np.float32)
        cut, goodness = threshold(score, truth, "accuracy", {"f_beta": 1.0})
        every = [((score > at) == (truth == 1)).mean() for at in (0, 0.15, 0.3, 0.6, 0.8, 1)]
        assert goodness == pytest.approx(max(every))
        assert ((score > cut) == (truth == 1)).mean() == pytest.approx(goodness)


def test_an_artefact_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="train it here first"):
        Artefact.load(tmp_path)
    (tmp_path / "model_algo-1").write_bytes(b"\x12\x01\0\0\0\0\0\0")  # as MXNet's parameters begin
    with pytest.raises(ArtefactError, match="Train the model here"):
        Artefact.load(tmp_path)
