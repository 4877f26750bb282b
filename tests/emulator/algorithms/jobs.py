"""Training jobs and model servers as their container runs them, in a directory that stands for /opt/ml."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import mdlc_emulator
from mdlc_emulator.environments.algorithms import algorithms_python

from tests.waiting import eventually

PACKAGE = Path(mdlc_emulator.__file__).parent
LAUNCH = PACKAGE / "images" / "launch.py"


@cache
def interpreter() -> str:
    return str(algorithms_python())


@dataclass
class Job:
    """`root` is what the container sees as /opt/ml."""

    root: Path
    algorithm: str
    hyperparameters: Mapping[str, object]
    environment: dict[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ("algo-1",)

    def __post_init__(self) -> None:
        self.config = self.root / "input" / "config"
        self.config.mkdir(parents=True)
        given = {name: str(value) for name, value in self.hyperparameters.items()}
        self._write("hyperparameters", given)
        self._write("resourceconfig", {"current_host": "algo-1", "hosts": self.hosts})
        self._channels: dict[str, dict[str, str]] = {}
        self._write("inputdataconfig", self._channels)

    def _write(self, name: str, value: object) -> None:
        (self.config / f"{name}.json").write_text(json.dumps(value))

    def channel(self, name: str, data: bytes, content_type: str = "text/csv", **more: str) -> "Job":
        """Add a channel of one file."""
        directory = self.root / "input" / "data" / name
        directory.mkdir(parents=True)
        (directory / "data").write_bytes(data)
        self._channels[name] = {
            "ContentType": content_type,
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
            **more,
        }
        self._write("inputdataconfig", self._channels)
        return self

    def checkpoints(self) -> "Job":
        (self.root / "checkpoints").mkdir()
        self._write("checkpointconfig", {"LocalPath": "/opt/ml/checkpoints"})
        return self

    def command(self, program: str) -> list[str]:
        return [interpreter(), str(LAUNCH), f"mdlc_emulator.algorithms.{program}", self.algorithm]

    def surroundings(self, **more: str) -> dict[str, str]:
        """The whole environment of the container's first process."""
        return {
            "PATH": os.environ["PATH"],
            "SAGEMAKER_BASE_DIR": str(self.root),
            **self.environment,
            **more,
        }

    def run(self) -> subprocess.CompletedProcess[str]:
        """Train; the log is in `stdout`."""
        return subprocess.run(
            self.command("train"),
            env=self.surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )

    def trained(self) -> str:
        """Train; the log. An error when the job fails."""
        done = self.run()
        assert done.returncode == 0, done.stdout
        return done.stdout

    def failure(self) -> str:
        return (self.root / "output" / "failure").read_text()

    @contextmanager
    def served(self, **environment: str) -> Iterator["Client"]:
        """A model server for the model, until the context ends; it must end in order."""
        port = free_port()
        server = subprocess.Popen(
            self.command("serve"),
            env=self.surroundings(SAGEMAKER_BIND_TO_PORT=str(port), **environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            client = Client(port)
            eventually(lambda: server.poll() is not None or client.answers(), within=30)
            assert server.poll() is None, server.stdout and server.stdout.read()
            yield client
            server.terminate()
            assert server.wait(10) == 0
        finally:
            server.kill()
            server.wait()
            assert server.stdout
            server.stdout.close()


@dataclass
class Answer:
    status: int
    body: bytes
    content_type: str

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Calls a model server."""

    def __init__(self, port: int) -> None:
        self.port = port

    def answers(self) -> bool:
        try:
            return self.call("GET", "/ping").status == 200
        except OSError:
            return False

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, named)
            return answer(connection.getresponse())
        finally:
            connection.close()

    def invoke(self, body: bytes | str, content_type: str = "text/csv", accept: str = "") -> Answer:
        headers = {"Content_Type": content_type} | ({"Accept": accept} if accept else {})
        return self.call("POST", "/invocations", body, **headers)


def answer(response: HTTPResponse) -> Answer:
    return Answer(response.status, response.read(), response.headers.get("Content-Type", ""))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


TOGETHER = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from mdlc_emulator.algorithms.train import main
given = json.load(sys.stdin)
for job in given:
    os.environ.update(job["environment"])
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = main([job["algorithm"]])
    sys.stdout.flush()
    with open(job["log"] + ".code", "w") as file:
        file.write(str(code))
os._exit(0)
"""


@dataclass
class Done:
    returncode: int
    stdout: str


def together(jobs: Mapping[str, Job]) -> dict[str, Done]:
    """Each job's end and log, by the name it has in `jobs`, trained one after the other by one interpreter:
    starting one and loading its libraries takes longer than training on a few rows."""
    logs = {name: str(job.root / "log") for name, job in jobs.items()}
    asked = [
        {"algorithm": job.algorithm, "environment": job.surroundings(), "log": logs[name]}
        for name, job in jobs.items()
    ]
    python(TOGETHER, str(PACKAGE.parent), data=json.dumps(asked).encode())
    return {
        name: Done(int(Path(f"{log}.code").read_text()), Path(log).read_text()) for name, log in logs.items()
    }


def python(code: str, *arguments: str, data: bytes = b"") -> bytes:
    """What `code`, run by the algorithms' interpreter with nothing of ours, writes to its output."""
    done = subprocess.run(
        [interpreter(), "-c", code, *arguments],
        env={**os.environ, "OMP_WAIT_POLICY": "passive"},
        input=data,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
