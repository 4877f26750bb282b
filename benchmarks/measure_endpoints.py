"""SageMaker's endpoints and transform jobs: what the emulator costs beyond the model server itself."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import boto3
import mdlc_emulator
from botocore.config import Config

from benchmarks.clients import CREDENTIALS
from benchmarks.samples import percentile

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
MODEL = """
def model_fn(directory):
    return None

def transform_fn(model, body, content_type, accept):
    rows = body.splitlines()
    return "".join(["0\\n" for row in rows]), "text/csv"
"""
"""A model that does nothing but what every model does: it looks at each row, and answers each."""

CALLS, WARM_UP = 400, 50
STARTS = 5
ROWS = 1_000_000
PAYLOAD = 6 << 20
PAIRS = 5
READY_TARGET, OVERHEAD_TARGET, LEAST_SHARE = 2.0, 3.0, 0.8

type Row = dict[str, Any]


def run(endpoint_url: str) -> list[Row]:
    """Rows for the report; what is made is removed."""
    bench = _Bench(endpoint_url)
    with bench.prepared(), _by_hand() as port:
        return [*_overhead(bench, port), *_transform(bench, port), *_ready(bench)]


class _Bench:
    """A model of `MODEL`, and endpoints and jobs of it."""

    def __init__(self, endpoint_url: str) -> None:
        session = boto3.Session(**CREDENTIALS)  # type: ignore[arg-type]
        self.s3, self.sagemaker = (
            session.client(name, endpoint_url=endpoint_url) for name in ("s3", "sagemaker")
        )
        self.runtime = session.client(
            "sagemaker-runtime", endpoint_url=endpoint_url, config=Config(retries={"max_attempts": 0})
        )
        self.address = urlsplit(endpoint_url)
        self.name = f"bench-{uuid.uuid4().hex[:8]}"

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        self.s3.create_bucket(Bucket=self.name)
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "code").mkdir()
            (Path(directory) / "code" / "inference.py").write_text(MODEL)
            archive = subprocess.run(
                ["tar", "-C", directory, "-cz", "code"], check=True, capture_output=True
            ).stdout
        self.s3.put_object(Bucket=self.name, Key="model.tar.gz", Body=archive)
        container = {
            "Image": IMAGE,
            "ModelDataUrl": f"s3://{self.name}/model.tar.gz",
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
        }
        self.sagemaker.create_model(ModelName=self.name, PrimaryContainer=container)
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": self.name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        }
        self.sagemaker.create_endpoint_config(EndpointConfigName=self.name, ProductionVariants=[variant])
        try:
            yield
        finally:
            for each in self.s3.list_objects_v2(Bucket=self.name)["Contents"]:
                self.s3.delete_object(Bucket=self.name, Key=each["Key"])
            self.s3.delete_bucket(Bucket=self.name)
            self.sagemaker.delete_endpoint_config(EndpointConfigName=self.name)
            self.sagemaker.delete_model(ModelName=self.name)

    @contextlib.contextmanager
    def endpoint(self) -> Iterator[tuple[str, float]]:
        """An endpoint in service, and when it was so by this process's clock."""
        name = f"bench-{uuid.uuid4().hex[:8]}"
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=self.name)
        while (status := self.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]) == "Creating":
            time.sleep(0.02)
        since = time.time()
        if status != "InService":
            raise RuntimeError(self.sagemaker.describe_endpoint(EndpointName=name)["FailureReason"])
        try:
            yield name, since
        finally:
            self.sagemaker.delete_endpoint(EndpointName=name)

    def transform(self) -> float:
        """Seconds from the start of a job's work to its end."""
        name = f"bench-{uuid.uuid4().hex[:8]}"
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.name}/in/"}}
        self.sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=self.name,
            TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
            TransformOutput={"S3OutputPath": f"s3://{self.name}/out", "AssembleWith": "Line"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )
        while True:
            job = self.sagemaker.describe_transform_job(TransformJobName=name)
            if job["TransformJobStatus"] == "Completed":
                taken: float = (job["TransformEndTime"] - job["TransformStartTime"]).total_seconds()
                return taken
            if job["TransformJobStatus"] == "Failed":
                raise RuntimeError(job["FailureReason"])
            time.sleep(0.05)


@contextlib.contextmanager
def _by_hand() -> Iterator[int]:
    """The same server as the endpoint's, started without the emulator; its port."""
    from mdlc_emulator.environments.algorithms import ALGORITHMS

    with tempfile.TemporaryDirectory() as base, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        code = Path(base) / "model" / "code"
        code.mkdir(parents=True)
        (code / "inference.py").write_text(MODEL)
        launcher = Path(mdlc_emulator.__file__).parent / "images" / "launch.py"
        python = ALGORITHMS.place() / "bin" / "python"
        environment = {
            **os.environ,
            "SAGEMAKER_BASE_DIR": base,
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_BIND_TO_PORT": str(port),
        }
        server = subprocess.Popen(
            [str(python), str(launcher), "mdlc_emulator.scripts.serve", "scikit-learn"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
        )
        try:
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if server.poll() is not None:
                    raise RuntimeError(f"the model server ended with {server.returncode}")
                time.sleep(0.05)
            yield port
        finally:
            server.terminate()
            server.wait()


def _timed(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> list[float]:
    took = []
    for number in range(WARM_UP + CALLS):
        since = time.perf_counter()
        connection.request("POST", path, b"1,2,3\n", headers)
        answer = connection.getresponse()
        body = answer.read()
        if number >= WARM_UP:
            took.append((time.perf_counter() - since) * 1000)
        if answer.status != 200 or body != b"0\n":
            raise RuntimeError(f"{path} answered {answer.status}: {body[:200]!r}")
    return took


def _overhead(bench: _Bench, port: int) -> Iterator[Row]:
    """The same bytes by the same client, to InvokeEndpoint and to the server itself, in turn."""
    scope = f"{CREDENTIALS['aws_access_key_id']}/20260101/us-east-1/sagemaker/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    with bench.endpoint() as (name, _):
        bench.runtime.invoke_endpoint(EndpointName=name, Body=b"1,2,3\n", ContentType="text/csv")
        ours, direct = [], []
        for _ in range(2):
            straight = http.client.HTTPConnection("127.0.0.1", port)
            direct += _timed(straight, "/invocations", {"Content-Type": "text/csv"})
            through = http.client.HTTPConnection(str(bench.address.hostname), bench.address.port)
            headers = {"Content-Type": "text/csv", "Authorization": signed}
            ours += _timed(through, f"/endpoints/{name}/invocations", headers)
    for share in (0.5, 0.99):
        yield {
            "name": f"InvokeEndpoint beyond the model server itself, p{share * 100:.0f}",
            "ours": percentile(ours, share) - percentile(direct, share),
            "unit": "ms",
            **({"target": OVERHEAD_TARGET} if share == 0.5 else {}),
        }


def _transform(bench: _Bench, port: int) -> Iterator[Row]:
    """A job of a million rows, and the same pieces sent to the server by a client that does nothing else."""
    rows = b"".join(b"%d,0.5,1.25,-3.5,7,2013,4,5.5\n" % number for number in range(ROWS))
    bench.s3.put_object(Bucket=bench.name, Key="in/rows.csv", Body=rows)
    pieces = list(_pieces(rows))
    jobs, bare = [], []
    for _ in range(PAIRS):
        jobs.append(bench.transform())
        connection = http.client.HTTPConnection("127.0.0.1", port)
        since = time.perf_counter()
        for piece in pieces:
            connection.request("POST", "/invocations", piece, {"Content-Type": "text/csv"})
            connection.getresponse().read()
        bare.append(time.perf_counter() - since)
    written = bench.s3.get_object(Bucket=bench.name, Key="out/rows.csv.out")["Body"].read()
    if written != b"0\n" * ROWS:
        raise RuntimeError("the transform job lost rows")
    yield {
        "name": "transform of 1M CSV rows, time over that of the server alone",
        "ours": median(jobs) / median(bare),
        "unit": "ratio",
        "target": 1 / LEAST_SHARE,
    }
    yield {"name": "transform of 1M CSV rows", "ours": ROWS / median(jobs) / 1000, "unit": "thousand rows/s"}


def _pieces(rows: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(rows):
        end = min(len(rows), start + PAYLOAD)
        end = rows.rfind(b"\n", start, end) + 1
        yield rows[start:end]
        start = end


def _ready(bench: _Bench) -> Iterator[Row]:
    """From the moment at which the server says that it listens, by its log, to InService."""
    logs = boto3.Session(**CREDENTIALS).client("logs", endpoint_url=bench.address.geturl())  # type: ignore[arg-type]
    taken = []
    for _ in range(STARTS):
        with bench.endpoint() as (name, since):
            group = f"/aws/sagemaker/Endpoints/{name}"
            listening: list[dict[str, Any]] = []
            while not listening:
                time.sleep(0.05)
                with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
                    listening = logs.filter_log_events(logGroupName=group, filterPattern="Listening")[
                        "events"
                    ]
            taken.append(since - listening[0]["timestamp"] / 1000)
    yield {
        "name": "endpoint InService after its server listens, p50",
        "ours": median(taken),
        "unit": "s",
        "target": READY_TARGET,
    }
