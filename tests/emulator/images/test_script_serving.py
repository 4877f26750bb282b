"""Script mode, serving: a user's functions, and those of the images."""

import io
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.emulator.images.script_mode import SKLEARN, XGBOOST, Job, archive, ask, npy, put

SUMS = """
class Model:
    def predict(self, rows):
        assert rows.ndim == 2, "a model wants rows"
        return rows.sum(axis=1)

def model_fn(model_dir):
    return Model()
"""


def test_the_default_functions_of_scikit_learn_read_and_write_csv_json_and_npy(job: Job) -> None:
    put(job, SUMS)
    rows = np.array([[1.0, 2.0], [3.0, 4.5]])
    with job.serving() as url:
        assert ask(url, b"1,2\n3,4.5\n", "text/csv", "text/csv") == (200, "text/csv", b"3.0\n7.5\n")
        assert ask(url, b"[[1,2],[3,4.5]]", "application/json") == (200, "application/json", b"[3.0, 7.5]")
        status, kind, body = ask(url, npy(rows), "application/x-npy", "application/x-npy")
        assert (status, kind) == (200, "application/x-npy")
        assert np.load(io.BytesIO(body)).tolist() == [3.0, 7.5]
        # JSON is what the image answers when anything is accepted.
        assert ask(url, b"[[1,2]]", "application/json", "*/*")[1] == "application/json"
        assert ask(url, b"1,2\n3,4\n", "text/csv;header=absent")[0] == 415


def test_unknown_formats_are_refused_as_the_images_do(job: Job) -> None:
    put(job, SUMS)
    with job.serving() as url:
        status, kind, body = ask(url, b"x", "image/png")
        assert (status, kind) == (415, "application/json")
        assert json.loads(body)["error"] == "UnsupportedFormatError"
        assert "Content type image/png is not supported" in json.loads(body)["error-message"]
        status, _, body = ask(url, b"[[1,2]]", "application/json", "image/png")
        assert (status, json.loads(body)["error"]) == (406, "UnsupportedFormatError")
        assert ask(url, b"1,2\n", "text/csv")[0] == 500  # one row is a vector: as in the image
        assert ask(url, b"[[1,2]]", "application/json")[0] == 200  # and the server lives on


def test_a_user_s_own_functions_are_called_in_turn(job: Job) -> None:
    put(
        job,
        """
        from sagemaker_containers.beta.framework import encoders, worker
        from sagemaker_inference import content_types, decoder, encoder, errors
        from sagemaker_inference.decoder import decode

        assert content_types.CSV == "text/csv" and decode is decoder.decode

        def model_fn(model_dir):
            with open(model_dir + "/word") as file:
                return file.read()

        def input_fn(body, content_type):
            return encoders.decode(body, content_type).tolist()

        def predict_fn(data, model):
            return [model, data]

        def output_fn(prediction, accept):
            return worker.Response(encoders.encode(prediction, accept), mimetype=accept)

        def execution_parameters_fn():
            return {"MaxPayloadInMB": 1}
        """,
    )
    (job.base / "model" / "word").write_text("sum")
    with job.serving() as url:
        assert ask(url, b"[1]", "application/json")[2] == b'["sum", [1]]'
        with urllib.request.urlopen(f"{url}/execution-parameters") as answer:
            assert json.load(answer) == {"MaxPayloadInMB": 1}


def test_transform_fn_stands_for_the_three(job: Job) -> None:
    put(job, "def model_fn(d): return 2\ndef transform_fn(m, body, kind, accept): return (body * m, kind)\n")
    with job.serving() as url:
        assert ask(url, b"ab", "text/csv") == (200, "text/csv", b"abab")


def test_transform_fn_beside_them_is_an_error_of_the_start(job: Job) -> None:
    put(job, "def model_fn(d): pass\ndef transform_fn(*a): pass\ndef input_fn(*a): pass\n")
    with (
        pytest.raises(ChildProcessError, match="Cannot use transform_fn implementation with input_fn"),
        job.serving(),
    ):
        pass


def test_a_model_that_cannot_be_loaded_ends_the_server_with_its_trace(job: Job) -> None:
    put(job, "def model_fn(model_dir): raise RuntimeError('broken pickle')\n")
    with pytest.raises(ChildProcessError, match="RuntimeError: broken pickle"), job.serving():
        pass


def test_code_that_is_not_there_is_told_with_the_way_out(job: Job) -> None:
    with (
        pytest.raises(ChildProcessError, match=r"There is no inference\.py in .*SAGEMAKER_PROGRAM"),
        job.serving(),
    ):
        pass


def test_code_may_come_from_s3(tmp_path: Path, emulator: Any, aws: Any) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="script-serving")
    s3.put_object(Bucket="script-serving", Key="code.tar.gz", Body=archive(own__py=SUMS))
    job = Job(SKLEARN, tmp_path / "ml", emulator.endpoint_url)
    job.variables["SAGEMAKER_PROGRAM"] = "own.py"
    job.variables["SAGEMAKER_SUBMIT_DIRECTORY"] = "s3://script-serving/code.tar.gz"
    with job.serving() as url:
        assert ask(url, b"[[1,2]]", "application/json")[2] == b"[3.0]"


def test_the_default_functions_of_xgboost_read_a_matrix(tmp_path: Path) -> None:
    job = Job(XGBOOST, tmp_path / "ml")
    put(
        job,
        """
        class Model:
            def predict(self, matrix, validate_features):
                assert not validate_features
                return matrix.get_data().toarray().tolist()

        def model_fn(model_dir):
            return Model()
        """,
    )
    with job.serving() as url:
        assert json.loads(ask(url, b"1,2\n3,4\n", "text/csv")[2]) == [[1.0, 2.0], [3.0, 4.0]]
        assert json.loads(ask(url, b"1 1:5 2:6\n", "text/libsvm")[2]) == [[5.0, 6.0]]
        assert ask(url, b"[[1]]", "application/json")[0] == 415
