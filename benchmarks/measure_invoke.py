"""Lambda's Invoke beyond the headline figures: CPU time of both sides, new code, events."""

import io
import json
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.clients import CREDENTIALS, ECHO, Echo, package
from benchmarks.samples import percentile

CALLS = 200
WARM_UP = 30
FUNCTIONS = 8
DEPENDENCIES = 2000
"""Files beside the function in the package whose change is measured: about what a real one has."""
CLOCK_TICKS = 100
"""Linux counts CPU time of processes in hundredths of a second."""

type Row = dict[str, Any]


def run(endpoint_url: str) -> list[Row]:
    """The figures of the emulator at `endpoint_url`; milliseconds unless the unit says otherwise."""
    session = boto3.Session(**CREDENTIALS)  # type: ignore[arg-type]
    lambda_ = session.client("lambda", endpoint_url=endpoint_url, config=Config(retries={"max_attempts": 0}))
    return [*_warm(lambda_, endpoint_url), *_events(lambda_, endpoint_url), *_changes(lambda_, endpoint_url)]


def _warm(lambda_: Any, endpoint_url: str) -> Iterator[Row]:
    def call() -> None:
        sent = {"id": uuid.uuid4().hex}
        answer = lambda_.invoke(FunctionName=name, Payload=json.dumps(sent).encode())
        Echo.of(json.loads(answer["Payload"].read()), sent)

    with _function(lambda_, endpoint_url, package(ECHO)) as name:
        for _ in range(WARM_UP):
            call()
        before, own = _engine_cpu(endpoint_url), time.process_time()
        for _ in range(CALLS):
            call()
        engine = (_engine_cpu(endpoint_url) - before) / CALLS * 1000
        client = (time.process_time() - own) / CALLS * 1000
    yield {"name": "Invoke warm, CPU of the engine per call", "ours": engine, "unit": "ms"}
    yield {"name": "Invoke warm, CPU of the client per call", "ours": client, "unit": "ms"}
    yield {
        "name": "Invoke warm, the engine's share of the CPU",
        "ours": 100 * engine / (engine + client),
        "unit": "%",
    }


def _events(lambda_: Any, endpoint_url: str) -> Iterator[Row]:
    with _function(lambda_, endpoint_url, package(ECHO)) as name:
        lambda_.invoke(FunctionName=name, Payload=b"{}")
        took = _timed(lambda: lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}"), CALLS)
    yield {"name": "Invoke of type Event accepted, p50", "ours": percentile(took, 0.5), "unit": "ms"}


def _changes(lambda_: Any, endpoint_url: str) -> Iterator[Row]:
    """New code for several functions from one package, each until it is ready: a deployment's code change."""
    with _functions(lambda_, endpoint_url, _large("0"), FUNCTIONS) as names:
        code = _large("1")
        since = time.perf_counter()
        for name in names:
            lambda_.update_function_code(FunctionName=name, ZipFile=code)
            if lambda_.get_function(FunctionName=name)["Configuration"]["LastUpdateStatus"] != "Successful":
                lambda_.get_waiter("function_updated_v2").wait(FunctionName=name)
        took = time.perf_counter() - since
        for name in names:
            answer = json.loads(lambda_.invoke(FunctionName=name)["Payload"].read())
            if answer != "1":
                raise RuntimeError(
                    f"{name} answers {answer!r}: the new code was reported as ready and is not"
                )
    yield {
        "name": f"Code change of {FUNCTIONS} functions, until ready",
        "ours": took,
        "unit": "s",
        "target": 2.0,
    }


def _large(version: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.py", f"def handler(event, context):\n    return {version!r}\n")
        for number in range(DEPENDENCIES):
            archive.writestr(f"library/module_{number}.py", f"VALUE = {number}\n" * 200)
    return buffer.getvalue()


@contextmanager
def _function(lambda_: Any, endpoint_url: str, code: bytes) -> Iterator[str]:
    with _functions(lambda_, endpoint_url, code, 1) as names:
        yield names[0]


@contextmanager
def _functions(lambda_: Any, endpoint_url: str, code: bytes, number: int) -> Iterator[list[str]]:
    session = boto3.Session(**CREDENTIALS)  # type: ignore[arg-type]
    iam = session.client("iam", endpoint_url=endpoint_url)
    role = f"bench-{uuid.uuid4().hex[:8]}"
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    names = [f"{role}-{index}" for index in range(number)]
    try:
        for name in names:
            lambda_.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Handler="index.handler",
                Role=arn,
                MemorySize=256,
                Code={"ZipFile": code},
            )
            lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
        yield names
    finally:
        for name in names:
            lambda_.delete_function(FunctionName=name)
        iam.delete_role(RoleName=role)


def _timed(call: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each call."""
    took = []
    for _ in range(times):
        since = time.perf_counter()
        call()
        took.append((time.perf_counter() - since) * 1000)
    return took


def _engine_cpu(endpoint_url: str) -> float:
    """Seconds of CPU of the engine's process, without the functions' own. 0 where there is no /proc."""
    with urllib.request.urlopen(f"{endpoint_url}/_mdlc/status") as answer:
        pid = json.load(answer)["pid"]
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS
