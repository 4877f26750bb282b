"""The xgboost algorithm on real flights: the same library, so the same numbers, to the last bit."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mdlc_emulator.algorithms.formats import matrix

from tests import flights
from tests.emulator.algorithms.flight_jobs import (
    HYPERPARAMETERS,
    TRAIN,
    VALIDATION,
    Trained,
    job,
    metrics,
    with_flights,
)
from tests.emulator.algorithms.jobs import PACKAGE, Done, Job, python, together
from tests.waiting import eventually


def broken(root: Path, data: bytes, content_type: str = "text/csv", **hyperparameters: object) -> Job:
    return job(root, **hyperparameters).channel("train", data, content_type)


BROKEN: list[tuple[Any, str]] = [
    (
        lambda root: broken(root, b"1 2 3\n", eta=7),
        "ClientError: Hyperparameter eta: 7.0 is not in [0, 1]",
    ),
    (
        lambda root: broken(root, b"abc\n"),
        "ClientError: Could not determine delimiter on line abc\n:\nCould not determine delimiter",
    ),
    (
        lambda root: broken(root, b"1,2\n0,x\n"),
        "ClientError: Failed to load csv data with exception:\ndata: Row #2, column #1: 'x' is not a number",
    ),
    (
        lambda root: broken(root, b"7,2\n0,1\n"),
        "ClientError: label must be in [0,1] for logistic regression",
    ),
    (
        lambda root: broken(
            root, b"7,2\n0,1\n", objective="multi:softmax", num_class=3, eval_metric="merror"
        ),
        "ClientError: SoftmaxMultiClassObj: label must be in [0, num_class).",
    ),
    (
        lambda root: broken(root, b"1,2,3\n", "text/libsvm"),
        "ClientError: First line '1,2,3...' of file 'data' is not 'LIBSVM' format. "
        "Please ensure the file is in 'LIBSVM' format.",
    ),
    (
        lambda root: broken(root, b"1,2,3\n", "application/x-recordio-protobuf"),
        "ClientError: Failed to load recordio-protobuf data with exception:\nTruncated record at offset 0",
    ),
    (lambda root: broken(root, b""), "ClientError: No data in training channel path "),
    (job, "ClientError: Missing required channel: train"),
    (
        lambda root: Job(root, "xgboost", HYPERPARAMETERS, hosts=("algo-1", "algo-2")).channel(
            "train", b"1,2\n"
        ),
        "ClientError: Distributed training is not supported here: the job asks for 2 instances.",
    ),
    (lambda root: Job(root, "ipinsights", {}), "ClientError: There is no algorithm 'ipinsights' here."),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("flights"))


def test_each_rounds_metrics_are_the_bare_librarys(trained: Trained) -> None:
    found = metrics(trained.log)
    for data in ("train", "validation"):
        for name in ("logloss", "auc"):
            assert found[f"{data}:{name}"] == [
                float(f"{value:.5f}") for value in trained.bare_log[data][name]
            ]
    assert found["validation:auc"][-1] > 0.53


def test_sagemakers_own_metrics_are_logged_too(trained: Trained) -> None:
    labels = np.array([row[0] for row in VALIDATION])
    late = np.array(trained.bare_predictions) > 0.5
    assert metrics(trained.log)["validation:accuracy"][-1] == pytest.approx((late == labels).mean(), abs=1e-5)
    hits = [
        2 * ((late == k) & (labels == k)).sum() / ((late == k).sum() + (labels == k).sum()) for k in (0, 1)
    ]
    assert metrics(trained.log)["validation:f1"][-1] == pytest.approx(np.mean(hits), abs=1e-5)


def test_both_versions_are_in_the_log_and_beside_the_model(trained: Trained) -> None:
    said = json.loads((trained.job.root / "model" / ".mdlc" / "made-by.json").read_text())
    assert said["image_version"] == "1.7-1"
    assert said["ran"].startswith("xgboost 3.")
    assert f"Image version 1.7-1, run by {said['ran']}" in trained.log


def test_the_library_loads_the_model_as_it_lies_there(trained: Trained) -> None:
    code = "import sys, xgboost; print(xgboost.Booster(model_file=sys.argv[1]).num_boosted_rounds())"
    model = trained.job.root / "model" / "xgboost-model"
    assert python(code, str(model)).split() == [b"12"]


def libsvm(rows: Any) -> bytes:
    def line(row: Any) -> str:
        return " ".join([f"{row[0]:g}", *(f"{at}:{value:g}" for at, value in enumerate(row[1:]))])

    return "\n".join(map(line, rows)).encode()


def parquet(rows: Any) -> bytes:
    import io

    import pyarrow
    from pyarrow import parquet as files

    sink = io.BytesIO()
    files.write_table(
        pyarrow.table({f"c{at}": column for at, column in enumerate(zip(*rows, strict=True))}), sink
    )
    return sink.getvalue()


def recordio(rows: Any) -> bytes:
    table = np.array(rows, np.float32)
    return matrix.write(table[:, 1:], table[:, 0])


def in_format(root: Path, written: Any, content_type: str) -> Job:
    given = job(root)
    given.channel("train", written(TRAIN), content_type)
    return given.channel("validation", written(VALIDATION), content_type)


def weighted(root: Path) -> Job:
    rows = [(row[0], 0.0 if row[0] else 1.0, *row[1:]) for row in TRAIN]
    return job(root, csv_weights=1, num_round=2).channel("train", flights.as_csv(tuple(rows)))


CHECKPOINTED = {"subsample": 1, "eval_metric": "auc"}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> dict[str, tuple[Job, Done]]:
    """Jobs by name, with their ends."""
    root = tmp_path_factory.mktemp("many")
    jobs = {
        "libsvm": in_format(root / "libsvm", libsvm, "text/libsvm"),
        "recordio": in_format(root / "recordio", recordio, "application/x-recordio-protobuf"),
        "parquet": in_format(root / "parquet", parquet, "application/x-parquet"),
        "weighted": weighted(root / "weighted"),
        "checkpointed": with_flights(job(root / "checkpointed", **CHECKPOINTED)).checkpoints(),
        "early": with_flights(
            job(root / "early", num_round=80, eta=1, early_stopping_rounds=4, eval_metric="error,auc")
        ),
        "folds": job(root / "folds", num_round=3, _kfold=3).channel("train", flights.as_csv(TRAIN)),
        **{f"broken {number}": make(root / f"broken{number}") for number, (make, _) in enumerate(BROKEN)},
    }
    ends = together(jobs)
    return {name: (given, ends[name]) for name, given in jobs.items()}


@pytest.mark.parametrize("name", ["libsvm", "recordio", "parquet"])
def test_every_training_format_gives_the_same_model(trained: Trained, many: Any, name: str) -> None:
    other, done = many[name]
    assert metrics(done.stdout) == metrics(trained.log)
    model = other.root / "model" / "xgboost-model"
    assert model.read_bytes() == (trained.job.root / "model" / "xgboost-model").read_bytes()


def test_weights_in_the_second_column_count(many: Any) -> None:
    # Late flights count nothing: all others are right at once.
    assert metrics(many["weighted"][1].stdout)["train:logloss"][-1] < 0.2


def test_training_goes_on_from_a_checkpoint_and_ends_the_same(many: Any, tmp_path: Path) -> None:
    whole, done = many["checkpointed"]
    kept = {path.name for path in (whole.root / "checkpoints").iterdir()}
    assert kept == {f"xgboost-checkpoint.{number}" for number in range(7, 12)}
    resumed = with_flights(job(tmp_path / "resumed", **CHECKPOINTED)).checkpoints()
    checkpoint = "checkpoints/xgboost-checkpoint.8"
    (resumed.root / checkpoint).write_bytes((whole.root / checkpoint).read_bytes())
    rounds = [line for line in resumed.trained().splitlines() if "#011" in line]
    assert rounds == [line for line in done.stdout.splitlines() if "#011" in line][-3:]


def test_early_stopping_keeps_the_best_round(many: Any) -> None:
    given, done = many["early"]
    values = metrics(done.stdout)["validation:auc"]
    best = int(np.argmax(values))
    assert len(values) == best + 5
    code = "import sys, xgboost; print(xgboost.Booster(model_file=sys.argv[1]).num_boosted_rounds())"
    assert int(python(code, str(given.root / "model" / "xgboost-model"))) == best + 1


def test_cross_validation_leaves_models_and_predictions(many: Any) -> None:
    given, done = many["folds"]
    models = sorted(path.name for path in (given.root / "model").glob("xgboost-model*"))
    assert models == ["xgboost-model-0", "xgboost-model-1", "xgboost-model-2"]
    rows = np.loadtxt(given.root / "output" / "data" / "predictions.csv", delimiter=",")
    assert rows[:, 0].tolist() == [row[0] for row in TRAIN]
    assert ((rows[:, 1] > 0.5) == rows[:, 2]).all()
    assert "[3]#011train-" in done.stdout


def test_a_job_that_is_stopped_keeps_its_model_if_asked_to(tmp_path: Path) -> None:
    given = with_flights(job(tmp_path, num_round=1_000_000, save_model_on_termination="true"))
    process = subprocess.Popen(given.command("train"), env=given.surroundings(), stdout=subprocess.DEVNULL)
    try:
        model = given.root / "model" / "xgboost-model"
        eventually(model.exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
    assert [path.name for path in (given.root / "model").iterdir()] == ["xgboost-model"]
    python("import sys, xgboost; xgboost.Booster(model_file=sys.argv[1])", str(model))


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_what_fails_says_why_in_the_containers_words(many: Any, number: int) -> None:
    failed, done = many[f"broken {number}"]
    said = BROKEN[number][1]
    assert done.returncode == (2 if failed.algorithm != "xgboost" else 1)
    assert failed.failure().startswith(said)
    assert said in done.stdout
    assert not (failed.root / "model" / "xgboost-model").exists()


SEVERAL = """
import json, os, sys, traceback
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from mdlc_emulator.algorithms.boosting import data
from mdlc_emulator.algorithms.errors import UserError
from mdlc_emulator.algorithms.specification import load
said = []
for given in json.load(sys.stdin):
    try:
        data.check_channels(load("xgboost"), given)
        said.append("")
    except UserError as error:
        said.append(error.message)
json.dump(said, sys.stdout)
"""


def test_channels_are_checked_as_the_container_checks_them() -> None:
    good = {"ContentType": "text/csv", "TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"train": good}, ""),
        ({"train": {}, "validation": good, "code": {}}, ""),
        ({"train": good, "test": good}, "Extraneous channel found: test"),
        ({"validation": good}, "Missing required channel: train"),
        (
            {"train": {"ContentType": "image/png"}},
            "Channel configuration for 'train' channel is not supported: ",
        ),
        ({"train": {**good, "TrainingInputMode": "Pipe"}}, "Pipe mode is not supported."),
    ]
    asked = json.dumps([given for given, _ in cases]).encode()
    for (_, wanted), said in zip(
        cases, json.loads(python(SEVERAL, str(PACKAGE.parent), data=asked)), strict=True
    ):
        assert said.startswith(wanted)
        assert bool(said) == bool(wanted)


METRICS = """
import json, sys
import numpy
from sklearn import metrics
sys.path.insert(0, sys.argv[1])
from mdlc_emulator.algorithms.boosting.metrics import CUSTOM, of_labels, of_values

macro, binary = {"average": "macro", "zero_division": 0}, {"zero_division": 0}
wanted = {
    "accuracy": (metrics.accuracy_score, {}),
    "balanced_accuracy": (metrics.balanced_accuracy_score, {}),
    "f1": (metrics.f1_score, macro), "f1_macro": (metrics.f1_score, macro),
    "f1_binary": (metrics.f1_score, binary),
    "precision": (metrics.precision_score, binary), "precision_macro": (metrics.precision_score, macro),
    "precision_micro": (metrics.precision_score, {"average": "micro"}),
    "recall": (metrics.recall_score, binary), "recall_macro": (metrics.recall_score, macro),
    "recall_micro": (metrics.recall_score, {"average": "micro"}),
}
assert set(wanted) | {"mse", "r2"} == CUSTOM
random = numpy.random.default_rng(1)
pairs = []
for classes in (2, 3, 5):
    for _ in range(20):
        truth = random.integers(0, classes, 30)
        predicted = numpy.where(random.random(30) < 0.4, truth, random.integers(0, classes, 30))
        for name, (function, options) in wanted.items():
            if classes == 2 or name not in ("f1_binary", "precision", "recall"):
                pairs.append([name, function(truth, predicted, **options), of_labels(name, truth, predicted)])
    values, guesses = random.normal(size=30), random.normal(size=30)
    pairs.append(["mse", metrics.mean_squared_error(values, guesses), of_values("mse", values, guesses)])
    pairs.append(["r2", metrics.r2_score(values, guesses), of_values("r2", values, guesses)])
json.dump(pairs, sys.stdout)
"""


def test_metrics_of_classes_and_values_are_scikit_learns() -> None:
    for name, wanted, found in json.loads(python(METRICS, str(PACKAGE.parent))):
        assert found == pytest.approx(wanted, abs=1e-12), name
