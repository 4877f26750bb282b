"""The model server of xgboost on real flights: the bare library's predictions, the container's answers."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mdlc_emulator.algorithms.formats import matrix
from mdlc_emulator.algorithms.formats import record as wire
from mdlc_emulator.algorithms.formats.recordio import split

from tests import flights
from tests.emulator.algorithms.flight_jobs import VALIDATION, Trained
from tests.emulator.algorithms.jobs import Client, Job


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="module")
def client(trained: Trained) -> Iterator[Client]:
    with trained.job.served() as served:
        yield served


FEATURES = flights.as_csv(VALIDATION, label=False)


def test_predictions_are_the_bare_librarys_to_the_last_bit(client: Client, trained: Trained) -> None:
    answer = client.invoke(FEATURES)
    assert answer.content_type.startswith("text/csv")
    assert list(map(float, answer.body.split())) == trained.bare_predictions


def test_one_row_gets_what_it_gets_among_many(client: Client, trained: Trained) -> None:
    for number in (0, 7, 500):
        line = FEATURES.splitlines()[number]
        assert float(client.invoke(line).body) == trained.bare_predictions[number]


@pytest.mark.parametrize("content_type", ["text/libsvm", "text/x-libsvm", "application/x-recordio-protobuf"])
def test_every_content_type_is_the_same_rows(client: Client, trained: Trained, content_type: str) -> None:
    rows = np.array(VALIDATION, dtype=np.float32)[:50, 1:]
    if content_type.endswith("protobuf"):
        body = matrix.write(rows)
    else:
        lines = (" ".join(f"{at}:{value:g}" for at, value in enumerate(row)) for row in rows.tolist())
        body = "\n".join(lines).encode()
    found = list(map(float, client.invoke(body, content_type).body.split()))
    assert found == trained.bare_predictions[:50]


def test_every_accepted_type_says_the_same(client: Client, trained: Trained) -> None:
    body = b"\n".join(FEATURES.splitlines()[:3])
    wanted = trained.bare_predictions[:3]
    assert client.invoke(body, accept="application/json").json() == {
        "predictions": [{"score": s} for s in wanted]
    }
    lines = client.invoke(body, accept="application/jsonlines").body.splitlines()
    assert [json.loads(line) for line in lines] == [{"score": score} for score in wanted]
    records = [
        wire.parse(part) for part in split(client.invoke(body, accept="application/x-recordio-protobuf").body)
    ]
    assert [record.label["score"].values.tolist() for record in records] == [[score] for score in wanted]


# https://github.com/aws/sagemaker-xgboost-container, algorithm_mode/serve.py
@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "said"),
    [
        (b"", "text/csv", "", 204, ""),
        (b"1,2", "text/html", "", 415, "text/html is not an accepted ContentType: csv, libsvm, parquet, "),
        (
            b"1,a",
            "text/csv",
            "",
            415,
            "Loading csv data failed with Exception, please ensure data is in csv format",
        ),
        (b"1,2\n1", "text/csv", "", 415, "Row #2: Expected 2 columns, got 1"),
        (b"1 2:x", "text/libsvm", "", 415, "please ensure data is in libsvm format"),
        (b"1,2", "application/x-recordio-protobuf", "", 415, "Truncated record at offset 0"),
        (b"1,2", "application/x-parquet", "", 415, "Content-type application/x-parquet is not supported."),
        (b"1,2,3,4,5,6,7,8", "text/csv", "", 400, "Unable to evaluate payload provided: "),
        (b"1,2,3,4,5,6,7", "text/csv", "image/png", 406, "Accept type image/png is not supported."),
    ],
)
def test_a_request_that_cannot_be_answered_gets_the_containers_status(
    client: Client, body: bytes, content_type: str, accept: str, status: int, said: str
) -> None:
    answer = client.invoke(body, content_type, accept)
    assert answer.status == status
    assert said in answer.body.decode()
    assert "Stack trace" not in answer.body.decode()


def test_execution_parameters_are_the_containers(client: Client) -> None:
    found = client.call("GET", "/execution-parameters").json()
    assert found == {
        "MaxConcurrentTransforms": len(os.sched_getaffinity(0)),
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 6,
    }


def test_selectable_inference_gives_the_fields_asked_for(trained: Trained) -> None:
    asked = "predicted_label, probability,probabilities"
    body = b"\n".join(FEATURES.splitlines()[:2])
    with trained.job.served(SAGEMAKER_INFERENCE_OUTPUT=asked) as client:
        answer = client.invoke(body, accept="application/json").json()
        chance = trained.bare_predictions[1]
        assert answer["predictions"][1] == {
            "predicted_label": int(chance > 0.5),
            "probability": chance,
            "probabilities": [1.0 - chance, chance],
        }
        line = client.invoke(body).body.decode().splitlines()[1]
        assert line == f'{int(chance > 0.5)},{chance},"[{1.0 - chance}, {chance}]"'


def test_a_batch_gets_a_line_for_each_record_whatever_it_accepts(trained: Trained) -> None:
    with trained.job.served(SAGEMAKER_BATCH="true") as client:
        answer = client.invoke(FEATURES, accept="application/json")
        assert answer.body == "".join(f"{score}\n" for score in trained.bare_predictions).encode()


def test_a_model_directory_without_a_model_ends_the_server(tmp_path: Path) -> None:
    given = Job(tmp_path, "xgboost", {})
    done = subprocess.run(
        given.command("serve"),
        env=given.surroundings(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "There is no model in" in done.stdout.splitlines()[-1]
