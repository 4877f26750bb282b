"""The built-in algorithms' programs alone: what they cost beside a bare script, and what their server costs.

Needs no emulator. Ours and the bare script take turns; both train the same model, and its metrics must be
equal.
"""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mdlc_emulator
from mdlc_emulator.environments.algorithms import algorithms_python

from benchmarks.samples import percentile

TURNS = 5
ROWS = 40_000
REQUESTS = 2000
TRANSFORMED = 1_000_000
PIECE = 6 * 1024 * 1024

PACKAGE = Path(mdlc_emulator.__file__).parent
LAUNCH = str(PACKAGE / "images" / "launch.py")
PARAMETERS = {"objective": "binary:logistic", "eval_metric": "auc", "max_depth": "4", "seed": "1"}
ROUNDS = 20

BARE = """
import json, sys
import numpy, xgboost
table = numpy.loadtxt(sys.argv[1], delimiter=",", dtype="float32")
train = xgboost.DMatrix(table[:, 1:], label=table[:, 0])
parameters = json.loads(sys.argv[2])
model = xgboost.train(parameters, train, int(sys.argv[3]), [(train, "train")], verbose_eval=True)
model.save_model(sys.argv[4])
"""
"""What one would write by hand."""

ECHO = """
from mdlc_emulator.algorithms.server import Response, routes, run
run(lambda: routes(invocations=lambda request: Response(200, request.body, "text/csv")), limit=1 << 30)
"""

type Row = dict[str, Any]


def run() -> list[Row]:
    """The figures; milliseconds and seconds as the unit says."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        return [*_training(home), *_serving(home)]


def _training(home: Path) -> Iterator[Row]:
    python = str(algorithms_python())
    root = _job(home)
    data = str(root / "input" / "data" / "train" / "data.csv")
    by_hand = [python, "-c", BARE, data, json.dumps(PARAMETERS), str(ROUNDS), str(home / "bare.ubj")]
    program = [python, LAUNCH, "mdlc_emulator.algorithms.train", "xgboost"]
    environment = {"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(root)}
    ours, bare = [], []
    for _ in range(TURNS):
        one, other = (
            _timed(program, environment),
            _timed(by_hand, {**environment, "OMP_WAIT_POLICY": "passive"}),
        )
        if _metrics(one[2]) != _metrics(other[2]) or len(_metrics(one[2])) != ROUNDS:
            raise RuntimeError("The program and the bare script trained different models")
        ours.append(one)
        bare.append(other)
    wall, processor = (
        percentile([run[at] for run in ours], 0.5) - percentile([run[at] for run in bare], 0.5)
        for at in (0, 1)
    )
    yield {
        "name": "xgboost's training program over a bare script, wall",
        "ours": wall,
        "unit": "s",
        "target": 0.5,
        "stretch": 0.0,
    }
    yield {"name": "xgboost's training program over a bare script, CPU", "ours": processor, "unit": "s"}
    yield {
        "name": "xgboost's training program, CPU",
        "ours": percentile([run[1] for run in ours], 0.5),
        "unit": "s",
    }


def _job(home: Path) -> Path:
    import numpy as np

    root = home / "ml"
    config, channel = root / "input" / "config", root / "input" / "data" / "train"
    config.mkdir(parents=True)
    channel.mkdir(parents=True)
    random = np.random.default_rng(0)
    table = random.normal(size=(ROWS, 11)).astype(np.float32)
    table[:, 0] = table[:, 1] + table[:, 2] * table[:, 3] + random.normal(size=ROWS) > 0
    np.savetxt(channel / "data.csv", table, delimiter=",", fmt="%.6g")
    (config / "hyperparameters.json").write_text(json.dumps({**PARAMETERS, "num_round": str(ROUNDS)}))
    (config / "inputdataconfig.json").write_text(json.dumps({"train": {"ContentType": "text/csv"}}))
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    return root


def _timed(command: list[str], environment: dict[str, str]) -> tuple[float, float, str]:
    """Wall and CPU seconds of a program, and what it said."""
    before = os.times()
    since = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - since
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, spent, done.stdout


def _metrics(log: str) -> list[str]:
    return re.findall(r"train-auc:([0-9.]+)", log)


def _serving(home: Path) -> Iterator[Row]:
    row = b"0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.0"
    with _server(home, [sys.executable, "-c", ECHO]) as port:
        yield {
            "name": "model server, a row through a model that does nothing, p50",
            "ours": _one_by_one(port, row, row),
            "unit": "ms",
            "target": 1.0,
        }
        yield {
            "name": f"model server, {TRANSFORMED:,} rows of CSV in pieces of 6 MB through that model",
            "ours": _many(port, row),
            "unit": "s",
        }
    program = [str(algorithms_python()), LAUNCH, "mdlc_emulator.algorithms.serve", "xgboost"]
    with _server(home, program) as port:
        yield {
            "name": "model server, a row through xgboost, p50",
            "ours": _one_by_one(port, row, None),
            "unit": "ms",
        }


@contextmanager
def _server(home: Path, command: list[str]) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PACKAGE.parent),
        "SAGEMAKER_BASE_DIR": str(home / "ml"),
        "SAGEMAKER_BIND_TO_PORT": str(port),
    }
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not _answers(port):
            if time.monotonic() > until or server.poll() is not None:
                raise RuntimeError("The model server does not answer")
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except OSError:
        return False


def _one_by_one(port: int, row: bytes, wanted: bytes | None) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    took = []
    for _ in range(REQUESTS):
        since = time.perf_counter()
        connection.request("POST", "/invocations", row, {"Content-Type": "text/csv"})
        answer = connection.getresponse().read()
        took.append((time.perf_counter() - since) * 1000)
        if answer != wanted if wanted is not None else not 0 <= float(answer) <= 1:
            raise RuntimeError(f"The model server answered {answer!r}")
    connection.close()
    return percentile(took, 0.5)


def _many(port: int, row: bytes) -> float:
    line = row + b"\n"
    piece = line * (PIECE // len(line))
    whole, rest = divmod(TRANSFORMED * len(line), len(piece))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    since = time.perf_counter()
    for body in [piece] * whole + [piece[:rest]]:
        connection.request("POST", "/invocations", body, {"Content-Type": "text/csv"})
        if connection.getresponse().read() != body:
            raise RuntimeError("The model server did not answer what it was sent")
    took = time.perf_counter() - since
    connection.close()
    return took


if __name__ == "__main__":
    for measured in run():
        print(measured)
