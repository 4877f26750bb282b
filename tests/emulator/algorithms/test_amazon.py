"""Amazon's own algorithms on real flights: as good as the method is, and answered as AWS documents it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mdlc_emulator.algorithms.amazon.artefact import Artefact
from mdlc_emulator.algorithms.formats import matrix
from mdlc_emulator.algorithms.formats import record as wire
from mdlc_emulator.algorithms.formats.recordio import split
from mdlc_emulator.algorithms.specification import load

from tests import flights
from tests.emulator.algorithms.jobs import PACKAGE, Done, Job, python, together

TRAIN, TEST = flights.split(4000)
DISTANCE = flights.FEATURES.index("distance")


def _distance_first(rows: Any) -> tuple[tuple[float, ...], ...]:
    """The label is the distance, told from the other features."""
    return tuple((row[1 + DISTANCE], *(v for at, v in enumerate(row[1:]) if at != DISTANCE)) for row in rows)


def _origin_first(rows: Any) -> tuple[tuple[float, ...], ...]:
    """The label is the origin airport, 0 to 2."""
    return tuple((row[-1], *row[1:-1]) for row in rows)


def job(root: Path, algorithm: str, train: Any, test: Any, **hyperparameters: object) -> Job:
    given = Job(root, algorithm, hyperparameters)
    given.channel("train", flights.as_csv(train))
    return given.channel("test", flights.as_csv(test))


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Job, Done]]:
    """One training of each, by name, with their ends."""
    root = tmp_path_factory.mktemp("amazon")
    dimension = len(flights.FEATURES)
    airports = [_origin_first(rows) for rows in (TRAIN, TEST)]
    words = np.random.default_rng(5).poisson(2.0, (300, 12)).astype(float)
    words[:150, :6] = 0
    words[150:, 6:] = 0
    documents = tuple((0.0, *row) for row in words.tolist())
    made = {
        "binary": job(
            root / "binary",
            "linear-learner",
            TRAIN,
            TEST,
            predictor_type="binary_classifier",
            binary_classifier_model_selection_criteria="f_beta",
        ),
        "recall": job(
            root / "recall",
            "linear-learner",
            TRAIN,
            TEST,
            predictor_type="binary_classifier",
            binary_classifier_model_selection_criteria="precision_at_target_recall",
            target_recall=0.9,
            positive_example_weight_mult="balanced",
        ),
        "multiclass": job(
            root / "multiclass",
            "linear-learner",
            *airports,
            predictor_type="multiclass_classifier",
            num_classes=3,
        ),
        "regressor": job(
            root / "regressor",
            "linear-learner",
            _distance_first(TRAIN),
            _distance_first(TEST),
            predictor_type="regressor",
            wd=0,
        ),
        "absolute": job(
            root / "absolute",
            "linear-learner",
            _distance_first(TRAIN),
            _distance_first(TEST),
            predictor_type="regressor",
            loss="absolute_loss",
            wd=0,
        ),
        "knn": job(
            root / "knn",
            "knn",
            TRAIN,
            TEST,
            feature_dim=dimension,
            k=5,
            predictor_type="classifier",
            sample_size=2000,
        ),
        "kmeans": job(
            root / "kmeans", "kmeans", TRAIN, TEST, feature_dim=dimension, k=4, eval_metrics='["msd","ssd"]'
        ),
        "pca": job(
            root / "pca", "pca", TRAIN, TEST, feature_dim=dimension, num_components=3, mini_batch_size=500
        ),
        "randomized": job(
            root / "randomized",
            "pca",
            TRAIN,
            TEST,
            feature_dim=dimension,
            num_components=3,
            mini_batch_size=500,
            algorithm_mode="randomized",
        ),
        "lda": job(
            root / "lda", "lda", documents, documents, feature_dim=12, num_topics=2, mini_batch_size=300
        ),
        "bad label": job(
            root / "label", "linear-learner", ((3.0, *TEST[0][1:]),), TEST, predictor_type="binary_classifier"
        ),
    }
    ends = together(made)
    return {name: (given, ends[name]) for name, given in made.items()}


def metrics(given: tuple[Job, Done]) -> dict[str, float]:
    """What SageMaker's metric definitions find in a job's log, the last of each."""
    assert given[1].returncode == 0, given[1].stdout
    found = {}
    for line in given[1].stdout.splitlines():
        for metric in load(given[0].algorithm).metrics:
            if (value := metric.find(line)) is not None:
                found[metric.name] = value
    return found


def rows(of: Any) -> Any:
    return np.array(of, np.float64)[:, 1:]


def labels(of: Any) -> Any:
    return np.array(of, np.float64)[:, 0]


def body(of: Any) -> bytes:
    return flights.as_csv(tuple(of), label=False)


BARE = """
import json, sys
import numpy
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
train, test = (numpy.array(part) for part in json.load(sys.stdin))
mean, deviation = train[:, 1:].mean(axis=0), train[:, 1:].std(axis=0)
model = LogisticRegression(C=1e9, max_iter=1000).fit((train[:, 1:] - mean) / deviation, train[:, 0])
chance = model.predict_proba((test[:, 1:] - mean) / deviation)[:, 1]
spread = KMeans(4, n_init=10, random_state=1).fit(train[:, 1:]).inertia_ / len(train)
json.dump([roc_auc_score(test[:, 0], chance), log_loss(test[:, 0], chance), spread], sys.stdout)
"""


@pytest.fixture(scope="module")
def bare() -> tuple[float, float, float]:
    """scikit-learn alone: AUC and loss of logistic regression, mean squared distance of k-means."""
    auc, loss, spread = json.loads(python(BARE, data=json.dumps([TRAIN, TEST]).encode()))
    return auc, loss, spread


def test_a_binary_classifier_is_as_good_as_bare_logistic_regression(jobs: Any, bare: Any) -> None:
    auc, loss, _ = bare
    found = metrics(jobs["binary"])
    assert found["test:roc_auc_score"] == pytest.approx(auc, abs=0.005)
    assert found["test:objective_loss"] == pytest.approx(loss, abs=0.005)


def test_the_threshold_serves_the_criterion(jobs: Any) -> None:
    found = metrics(jobs["recall"])
    # Calibrated on the training data, there being no validation.
    assert found["train:recall"] >= 0.9
    everything_late = labels(TRAIN).mean()
    assert found["train:precision"] >= everything_late
    assert metrics(jobs["binary"])["train:binary_f_beta"] >= 2 * everything_late / (1 + everything_late)


def test_a_binary_answer_has_score_and_label_in_every_type(jobs: Any) -> None:
    artefact = Artefact.load(jobs["binary"][0].root / "model")
    with jobs["binary"][0].served() as client:
        answer = client.invoke(body(TEST[:20]), accept="application/json").json()["predictions"]
        assert [set(item) for item in answer] == [{"score", "predicted_label"}] * 20
        scores = np.array([item["score"] for item in answer])
        assert [item["predicted_label"] for item in answer] == (scores > artefact.facts["threshold"]).tolist()
        lines = client.invoke(body(TEST[:20]), accept="application/jsonlines").body.splitlines()
        assert [json.loads(line) for line in lines] == answer
        records = client.invoke(body(TEST[:20]), accept="application/x-recordio-protobuf").body
        parsed = [wire.parse(part) for part in split(records)]
        assert [float(record.label["score"].values[0]) for record in parsed] == scores.tolist()
        assert client.invoke(body(TEST[:20])).json()["predictions"] == answer
        table = client.invoke(body(TEST[:20]), accept="text/csv").body
        assert [float(line.split(b",")[0]) for line in table.splitlines()] == scores.tolist()

        instances = [{"features": row} for row in rows(TEST[:20]).tolist()]
        asked = json.dumps({"instances": instances})
        assert client.invoke(asked, "application/json").json()["predictions"] == answer
        asked = "\n".join(map(json.dumps, instances))
        assert client.invoke(asked, "application/jsonlines").json()["predictions"] == answer
        asked_records = matrix.write(rows(TEST[:20]).astype(np.float32))
        found = client.invoke(asked_records, "application/x-recordio-protobuf").json()["predictions"]
        assert found == answer
        labelled = flights.as_csv(TEST[:20])
        assert client.invoke(labelled, "text/csv;label_size=1").json()["predictions"] == answer

        assert client.invoke(b"1,2", "text/csv").status == 400
        assert b"a record has 2 features, the model has 7" in client.invoke(b"1,2", "text/csv").body
        assert client.invoke(b"x,y", "text/csv").status == 400
        assert client.invoke(b"{}", "application/json").status == 400
        assert client.invoke(b"1,2", "image/png").status == 415
        assert client.invoke(body(TEST[:1]), accept="image/png").status == 406
        assert client.call("GET", "/execution-parameters").json()["BatchStrategy"] == "MULTI_RECORD"


def test_a_multiclass_model_beats_the_commonest_class(jobs: Any) -> None:
    found = metrics(jobs["multiclass"])
    truth = labels(_origin_first(TEST))
    assert found["test:multiclass_accuracy"] > max((truth == k).mean() for k in range(3))
    assert found["test:multiclass_top_k_accuracy"] == 1.0
    assert 0 < found["test:macro_f_beta"] <= 1
    assert found["test:dcg"] > found["test:multiclass_accuracy"]


def test_regression_is_least_squares(jobs: Any) -> None:
    train, test = _distance_first(TRAIN), _distance_first(TEST)
    design = np.column_stack([rows(train), np.ones(len(train))])
    solution = np.linalg.lstsq(design, labels(train), rcond=None)[0]
    error = np.column_stack([rows(test), np.ones(len(test))]) @ solution - labels(test)
    found = metrics(jobs["regressor"])
    assert found["test:mse"] == pytest.approx((error**2).mean(), rel=1e-3)
    assert found["test:objective_loss"] == found["test:mse"]
    assert found["test:absolute_loss"] == pytest.approx(np.abs(error).mean(), rel=1e-3)


def test_another_loss_is_another_model(jobs: Any) -> None:
    absolute, squared = metrics(jobs["absolute"]), metrics(jobs["regressor"])
    assert absolute["train:absolute_loss"] < squared["train:absolute_loss"]
    assert absolute["train:mse"] > squared["train:mse"]


def test_neighbours_are_the_nearest(jobs: Any) -> None:
    given = jobs["knn"][0]
    artefact = Artefact.load(given.root / "model")
    indexed, known = artefact.arrays["rows"].astype(np.float64), artefact.arrays["labels"]
    assert len(indexed) == 2000
    with given.served() as client:
        answer = client.invoke(body(TEST[:10]), accept="application/json; verbose=true").json()["predictions"]
    for row, item in zip(rows(TEST[:10]), answer, strict=True):
        distances = ((indexed - row) ** 2).sum(axis=1)
        assert item["distances"] == pytest.approx(np.sort(distances)[:5].tolist(), rel=1e-4)
        assert item["predicted_label"] == float(sum(item["labels"]) > 2.5)
        assert len(item["labels"]) == 5
    assert set(known.tolist()) == {0.0, 1.0}
    accuracy = metrics(jobs["knn"])["test:accuracy"]
    assert f"#test_score (algo-1) : ('accuracy', {accuracy!r})" in jobs["knn"][1].stdout


def test_clusters_are_as_tight_as_bare_k_means_has_them(jobs: Any, bare: Any) -> None:
    assert metrics(jobs["kmeans"])["train:msd"] <= 1.1 * bare[2]


def test_clusters_are_the_closest_centers(jobs: Any) -> None:
    given = jobs["kmeans"][0]
    centers = Artefact.load(given.root / "model").arrays["centers"].astype(np.float64)
    distances = np.sqrt(((rows(TEST)[:, None, :] - centers) ** 2).sum(axis=2))
    found = metrics(jobs["kmeans"])
    assert found["test:msd"] == pytest.approx((distances.min(axis=1) ** 2).mean(), rel=1e-6)
    assert found["test:ssd"] == pytest.approx((distances.min(axis=1) ** 2).sum(), rel=1e-6)
    # Four clusters explain most of the variance, which the distance of the flight makes up.
    assert found["train:msd"] < 0.2 * rows(TRAIN).var(axis=0).sum()
    with given.served() as client:
        answer = client.invoke(body(TEST[:5]), accept="application/jsonlines").body.splitlines()
    for line, row in zip(answer, distances, strict=False):
        item = json.loads(line)
        assert item["closest_cluster"] == float(row.argmin())
        assert item["distance_to_cluster"] == pytest.approx(row.min(), rel=1e-5)


def test_components_are_those_of_the_covariance(jobs: Any) -> None:
    given = jobs["pca"][0]
    worth, vectors = np.linalg.eigh(np.cov(rows(TRAIN).T))
    artefact = Artefact.load(given.root / "model")
    # Ascending: the last component has the greatest variance.
    assert np.abs((artefact.arrays["v"] * vectors[:, -3:]).sum(axis=0)) == pytest.approx(1, abs=1e-4)
    assert artefact.arrays["s"] == pytest.approx(np.sqrt(worth[-3:] * (len(TRAIN) - 1)), rel=1e-4)
    with given.served() as client:
        answer = client.invoke(body(TRAIN[:50]), accept="application/json").json()["projections"]
    found = np.array([item["projection"] for item in answer])
    wanted = (rows(TRAIN[:50]) - rows(TRAIN).mean(axis=0)) @ artefact.arrays["v"]
    assert found == pytest.approx(wanted, abs=0.05)


def test_the_randomized_mode_finds_the_same_space(jobs: Any) -> None:
    exact, near = (Artefact.load(jobs[name][0].root / "model").arrays["v"] for name in ("pca", "randomized"))
    assert np.abs((exact * near).sum(axis=0)) == pytest.approx(1, abs=1e-2)


def test_topics_tell_documents_apart(jobs: Any) -> None:
    assert metrics(jobs["lda"])["test:pwll"] < 0
    given = jobs["lda"][0]
    documents = [[3.0] * 6 + [0.0] * 6, [0.0] * 6 + [3.0] * 6]
    sparse = [{"data": {"features": {"keys": list(range(6)), "shape": [12], "values": [3.0] * 6}}}]
    with given.served() as client:
        asked = json.dumps({"instances": [{"features": row} for row in documents]})
        one, other = (
            item["topic_mixture"] for item in client.invoke(asked, "application/json").json()["predictions"]
        )
        again = client.invoke(json.dumps({"instances": sparse}), "application/json").json()["predictions"]
    assert sum(one) == pytest.approx(1, abs=1e-5)
    assert int(np.argmax(one)) != int(np.argmax(other))
    assert max(one) > 0.9
    assert again[0]["topic_mixture"] == pytest.approx(one, abs=1e-3)


def test_the_difference_is_in_the_log_and_beside_the_model(jobs: Any) -> None:
    for name in ("binary", "knn", "kmeans", "pca", "lda"):
        given, done = jobs[name]
        difference = load(given.algorithm).difference
        assert f"Difference: {difference}" in done.stdout
        facts = Artefact.load(given.root / "model").facts
        assert facts["difference"] == difference
        named = [library.split()[0] for library in facts["ran"].split(", ")]
        assert named == load(given.algorithm).runs.split(", ")


def test_labels_that_are_no_classes_fail_with_the_customers_code(jobs: Any) -> None:
    given, done = jobs["bad label"]
    assert done.returncode == 2
    assert given.failure() == (
        "ClientError: Unable to read data channel 'train'. The labels of a binary classifier must be 0 or 1, "
        "found 3.0."
    )


NEIGHBOURS = """
import json, sys
import numpy
sys.path.insert(0, sys.argv[1])
from mdlc_emulator.algorithms.amazon.artefact import Artefact
from mdlc_emulator.algorithms.amazon.knn import Predictor
random = numpy.random.default_rng(3)
said = []
for metric in ("sqeuclidean", "cosine", "inner"):
    for width in (3, 40):
        rows, asked = random.normal(size=(500, width)), random.normal(size=(30, width))
        facts = {"k": 4, "predictor_type": "regressor", "metric": metric}
        labels = numpy.arange(500.0)
        found = Predictor(Artefact(facts, {"rows": rows, "labels": labels})).predict(asked, verbose=True)
        asked = asked.astype("float32").astype(float)
        if metric == "inner":
            cost = -asked @ rows.T
        elif metric == "cosine":
            lengths = [numpy.linalg.norm(part, axis=1) for part in (asked, rows)]
            cost = 1 - asked @ rows.T / numpy.outer(*lengths)
        else:
            cost = ((asked[:, None, :] - rows) ** 2).sum(axis=2)
        wanted = numpy.argsort(cost, axis=1)[:, :4]
        distances = numpy.abs(numpy.take_along_axis(cost, wanted, axis=1))
        said.append([
            bool((found["labels"] == wanted).all()),
            bool(numpy.allclose(numpy.abs(found["distances"]), distances, rtol=1e-4, atol=1e-6)),
            bool(numpy.allclose(found["predicted_label"], wanted.mean(axis=1))),
        ])
json.dump(said, sys.stdout)
"""


def test_neighbours_are_the_nearest_by_every_measure_and_in_every_dimension() -> None:
    assert json.loads(python(NEIGHBOURS, str(PACKAGE.parent))) == [[True] * 3] * 6
