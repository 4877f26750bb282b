"""Jobs of script mode, as the framework images have it: AWS's toolkit trains, a user's functions serve.

The programs run in the environment that the recipe names, started by the recipe's own command. Containers are
the engine's business; here SAGEMAKER_BASE_DIR stands for /opt/ml.
"""

import io
import json
import os
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
from mdlc_emulator.images.recipe import Use
from mdlc_emulator.images.resolve import prepare, resolve

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


def put(job: Job, text: str, name: str = "inference.py") -> None:
    code = job.base / "model" / "code"
    code.mkdir(exist_ok=True)
    (code / name).write_text(textwrap.dedent(text))
    job.variables["SAGEMAKER_PROGRAM"] = name
    job.variables["SAGEMAKER_SUBMIT_DIRECTORY"] = "/opt/ml/model/code"
