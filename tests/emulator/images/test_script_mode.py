"""Script mode as the framework images have it: AWS's toolkit trains, a user's functions serve.

The programs run in the environment that the recipe names, started by the recipe's own command. Containers are
the engine's business; here SAGEMAKER_BASE_DIR stands for /opt/ml.
"""

import io
import json
import os
import re
import socket
import subprocess
import tarfile
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mdlc_emulator.images.recipe import Use
from mdlc_emulator.images.resolve import prepare, resolve

from tests.emulator.images.wheels import wheel
from tests.waiting import eventually

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
SYSTEM = "/usr/local/bin:/usr/bin:/bin"

TRAINS = """
import argparse, json, os
import joblib, numpy as np
from sklearn.linear_model import LogisticRegression
import helper

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float)
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
given = parser.parse_args()
rows = np.loadtxt(os.path.join(given.train, "rows.csv"), delimiter=",")
model = LogisticRegression(C=given.alpha).fit(rows[:, 1:], rows[:, 0])
joblib.dump(model, os.path.join(given.model_dir, "model.joblib"))
said = {"alpha": given.alpha, "hps": json.loads(os.environ["SM_HPS"]), "helper": helper.WORD,
        "channels": json.loads(os.environ["SM_CHANNELS"]), "host": os.environ["SM_CURRENT_HOST"]}
print("SAID", json.dumps(said))
"""


def archive(**files: str) -> bytes:
    """sourcedir.tar.gz."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as packed:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            data = textwrap.dedent(text).encode()
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return content.getvalue()


class Job:
    """One container's directories and variables, and its image's programs."""

    def __init__(self, image: str, base: Path, endpoint: str = "http://127.0.0.1:9") -> None:
        self.recipe = resolve(image)
        prepare(self.recipe)
        self.base = base
        self.variables = {
            "SAGEMAKER_BASE_DIR": str(base),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        for name in ("code", "model", "output/data", "input/config", "input/data/train"):
            (base / name).mkdir(parents=True)
        self.configure("resourceconfig", {"current_host": "localhost", "hosts": ["localhost"]})
        self.configure("inputdataconfig", {"train": {"TrainingInputMode": "File"}})
        self.configure("hyperparameters", {})

    def configure(self, name: str, content: Any) -> None:
        (self.base / "input" / "config" / f"{name}.json").write_text(json.dumps(content))

    def environment(self, use: Use) -> dict[str, str]:
        program = self.recipe.started(use)
        path = os.pathsep.join([*map(str, program.path), SYSTEM])
        return {**program.environment, **self.variables, "PATH": path}

    def train(self) -> subprocess.CompletedProcess[str]:
        command = list(self.recipe.started(Use.TRAIN).command)
        environment = self.environment(Use.TRAIN)
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd="/")

    def script(self, files: dict[str, str], program: str = "train.py") -> None:
        """Put a script where the job finds it, and name it as the SDK does."""
        for name, text in files.items():
            (self.base / "code" / name).write_text(textwrap.dedent(text))
        self.configure("hyperparameters", {"sagemaker_program": json.dumps(program)})

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The URL of the server, once it answers."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {**self.environment(Use.SERVE), "SAGEMAKER_BIND_TO_PORT": str(port)}
        with subprocess.Popen(
            list(self.recipe.started(Use.SERVE).command),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
        ) as server:
            url = f"http://127.0.0.1:{port}"
            try:
                eventually(lambda: server.poll() is not None or _pings(url))
                if server.poll() is not None:
                    assert server.stdout is not None
                    raise ChildProcessError(server.stdout.read().decode())
                yield url
            finally:
                server.terminate()


def _pings(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/ping", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def ask(url: str, body: bytes, kind: str, accept: str | None = None) -> tuple[int, str, bytes]:
    """(status, content type, body) of one invocation."""
    headers = {"Content-Type": kind} | ({"Accept": accept} if accept else {})
    request = urllib.request.Request(f"{url}/invocations", body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


def npy(array: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(SKLEARN, tmp_path / "ml")


# ---- training ----------------------------------------------------------------------------------------------


def test_a_script_from_s3_trains_with_its_hyperparameters_as_arguments(
    tmp_path: Path, emulator: Any, aws: Any
) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="script-mode")
    s3.put_object(
        Bucket="script-mode",
        Key="a b/sourcedir.tar.gz",
        Body=archive(train__py=TRAINS, helper__py="WORD = 'kept'\n"),
    )
    job = Job(SKLEARN, tmp_path / "ml", emulator.endpoint_url)
    (job.base / "input/data/train/rows.csv").write_text("1,0.5,2\n0,-1,0\n1,2,1\n0,-2,0.5\n")
    job.configure(
        "hyperparameters",
        {
            "alpha": "0.5",
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"s3://script-mode/a b/sourcedir.tar.gz"',
        },
    )
    done = job.train()
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.partition("SAID ")[2].splitlines()[0])
    assert said == {
        "alpha": 0.5,
        "hps": {"alpha": 0.5},
        "helper": "kept",
        "channels": ["train"],
        "host": "localhost",
    }
    assert (job.base / "model" / "model.joblib").stat().st_size > 100
    assert (job.base / "output" / "success").exists()
    # Both versions are kept: the one asked for, and the one that ran.
    assert re.match(
        r"The image's version of scikit-learn is 1\.2-1; scikit-learn 1\.\d+\.\d+ runs", done.stdout
    )


def test_an_archive_that_is_not_there_fails_with_boto3_s_own_words(
    tmp_path: Path, emulator: Any, aws: Any
) -> None:
    aws.client("s3").create_bucket(Bucket="script-mode-empty")
    job = Job(SKLEARN, tmp_path / "ml", emulator.endpoint_url)
    job.configure(
        "hyperparameters",
        {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"s3://script-mode-empty/gone.tar.gz"',
        },
    )
    done = job.train()
    assert done.returncode == 1
    failure = (job.base / "output" / "failure").read_text()
    assert "botocore.exceptions.ClientError: An error occurred (404) when calling the HeadObject" in failure


def test_a_script_that_fails_leaves_its_error_as_the_reason(job: Job) -> None:
    job.script({"train.py": "raise ValueError('no rows')"})
    done = job.train()
    assert done.returncode == 1
    failure = (job.base / "output" / "failure").read_text()
    # The image of scikit-learn does not quote the script's last words: they are in the log.
    assert failure.startswith('ExecuteUserScriptError:\nExitCode 1\nErrorMessage ""\nCommand "')
    assert "ValueError: no rows" in done.stderr


def test_a_shell_script_is_an_entry_point_too(job: Job) -> None:
    job.script({"train.sh": 'python -c "import sklearn; print(sklearn.__name__)" > "$SM_MODEL_DIR/said"\n'})
    job.configure("hyperparameters", {"sagemaker_program": '"train.sh"'})
    assert job.train().returncode == 0
    assert (job.base / "model" / "said").read_text() == "sklearn\n"


def test_what_a_script_s_process_sees_is_the_image_s_and_not_the_toolkit_s(job: Job) -> None:
    script = """
        import boto3, importlib.util
        print("KIND", type(boto3).__name__, importlib.util.find_spec("mdlc_emulator"))
    """
    job.script({"train.py": script})
    done = job.train()
    assert "KIND module None" in done.stdout, done.stderr


def test_a_script_of_the_xgboost_image_s_examples_trains(tmp_path: Path) -> None:
    """As in AWS's abalone example: the image's own helpers, on one host."""
    job = Job(XGBOOST, tmp_path / "ml")
    (job.base / "input/data/train/rows.libsvm").write_text("1 0:1 1:2\n0 0:3 1:4\n1 0:1 1:1\n")
    job.script(
        {
            "train.py": """
            import json, os
            import xgboost
            from sagemaker_containers import entry_point
            from sagemaker_xgboost_container import distributed
            from sagemaker_xgboost_container.data_utils import get_dmatrix

            def train(params, rows, is_master):
                model = xgboost.train(params, rows, num_boost_round=2)
                assert is_master
                model.save_model(os.environ["SM_MODEL_DIR"] + "/model.ubj")

            rows = get_dmatrix(os.environ["SM_CHANNEL_TRAIN"], "libsvm")
            print("ROWS", rows.num_row(), rows.num_col(), rows.get_label().tolist())
            distributed.rabit_run(
                exec_fun=train, args={"params": {}, "rows": rows}, include_in_training=True,
                hosts=json.loads(os.environ["SM_HOSTS"]), current_host=os.environ["SM_CURRENT_HOST"],
                update_rabit_args=True,
            )
            assert get_dmatrix(os.environ["SM_MODEL_DIR"] + "/none", "csv") is None
            try:
                distributed.rabit_run(train, {}, True, ["a", "b"], "a")
            except RuntimeError as error:
                print("SAID", error)
            """
        }
    )
    done = job.train()
    assert done.returncode == 0, done.stderr
    assert "ROWS 3 2 [1.0, 0.0, 1.0]" in done.stdout
    assert "one instance; set InstanceCount to 1" in done.stdout
    assert (job.base / "model" / "model.ubj").exists()


def test_the_xgboost_image_runs_a_script_when_the_job_names_one(tmp_path: Path) -> None:
    job = Job(XGBOOST, tmp_path / "ml")
    job.script({"train.py": "import xgboost; print('SCRIPT', xgboost.__version__)"})
    assert "SCRIPT 3." in job.train().stdout


def test_and_the_algorithm_when_it_names_none(tmp_path: Path) -> None:
    job = Job(XGBOOST, tmp_path / "ml")
    done = job.train()
    assert done.returncode == 1
    # The algorithm's own complaint, not the toolkit's.
    assert "num_round" in (job.base / "output" / "failure").read_text()


def test_an_environment_without_the_toolkit_is_told_how_to_get_it(tmp_path: Path) -> None:
    import sys

    launcher = list(resolve(SKLEARN).started(Use.TRAIN).command)[1:]
    done = subprocess.run([sys.executable, *launcher], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "has no sagemaker-training, which runs scripts: install it there" in done.stderr
    assert "Traceback" not in done.stderr


# ---- serving -----------------------------------------------------------------------------------------------

SUMS = """
class Model:
    def predict(self, rows):
        assert rows.ndim == 2, "a model wants rows"
        return rows.sum(axis=1)

def model_fn(model_dir):
    return Model()
"""


def put(job: Job, text: str, name: str = "inference.py") -> None:
    code = job.base / "model" / "code"
    code.mkdir(exist_ok=True)
    (code / name).write_text(textwrap.dedent(text))
    job.variables["SAGEMAKER_PROGRAM"] = name
    job.variables["SAGEMAKER_SUBMIT_DIRECTORY"] = "/opt/ml/model/code"


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


def test_what_a_job_installs_without_a_file_system_of_its_own_does_not_stay(job: Job) -> None:
    """pip is sent elsewhere, and both the script and a served module find what it installed."""
    from mdlc_emulator.environments.algorithms import ALGORITHMS

    (job.base / "code" / "spice-1.0-py3-none-any.whl").write_bytes(wheel("spice", "WORD = 'saffron'\n"))
    job.script(
        {
            "train.py": "import spice; print('WORD', spice.WORD)",
            "requirements.txt": "./spice-1.0-py3-none-any.whl\n",
        }
    )
    done = job.train()
    assert "WORD saffron" in done.stdout, done.stderr
    put(
        job,
        "import spice\ndef model_fn(d): return spice.WORD\n"
        "def transform_fn(m, *_): return (m, 'text/plain')\n",
    )
    code = job.base / "model" / "code"
    (code / "requirements.txt").write_text("./spice-1.0-py3-none-any.whl\n")
    (code / "spice-1.0-py3-none-any.whl").write_bytes(wheel("spice", "WORD = 'saffron'\n"))
    with job.serving() as url:
        assert ask(url, b"", "text/csv")[2] == b"saffron"
    assert not list(ALGORITHMS.place().rglob("spice*"))
