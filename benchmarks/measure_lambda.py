"""What function processes cost beyond the headline figures: cold starts of every kind, crashes."""

import base64
import io
import json
import re
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.clients import CREDENTIALS, ECHO, Echo, package

COLD_STARTS = 7
CALLS = 200
MODULES = 150
"""Modules of the package whose first and later cold starts are compared."""
CRASHER = "import os\ndef handler(event, context):\n    return os._exit(1) if event == 'crash' else event\n"
DURATION = re.compile(r"\tDuration: ([\d.]+) ms")

type Row = dict[str, Any]


def run(endpoint_url: str) -> list[Row]:
    """The figures of the emulator at `endpoint_url`."""
    session = boto3.Session(**CREDENTIALS)  # type: ignore[arg-type]
    config = Config(retries={"max_attempts": 0}, read_timeout=120)
    lambda_ = session.client("lambda", endpoint_url=endpoint_url, config=config)
    bench = _Bench(lambda_)
    with bench.functions(package(ECHO)) as [name]:
        bench.echo(name)  # brings the zygote up
    return [*_cold(bench), *_share(bench), *_modules(bench), *_crash(bench)]


class _Bench:
    def __init__(self, lambda_: Any) -> None:
        self.lambda_ = lambda_

    @contextmanager
    def functions(self, code: bytes, number: int = 1, **settings: Any) -> Iterator[list[str]]:
        """Functions of one package; removed afterwards."""
        names = [f"bench-{uuid.uuid4().hex[:8]}" for _ in range(number)]
        try:
            for name in names:
                self.lambda_.create_function(
                    FunctionName=name,
                    Runtime="python3.13",
                    Handler="index.handler",
                    Role="arn:aws:iam::000000000000:role/bench",
                    MemorySize=256,
                    Timeout=30,
                    Code={"ZipFile": code},
                    **settings,
                )
                self.lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
            yield names
        finally:
            for name in names:
                self.lambda_.delete_function(FunctionName=name)

    def call(self, name: str, event: Any) -> tuple[Any, str]:
        """The answer and the end of the log."""
        answer = self.lambda_.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
        return json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()

    def echo(self, name: str) -> None:
        sent = {"id": uuid.uuid4().hex}
        Echo.of(self.call(name, sent)[0], sent)


def _milliseconds(call: Callable[[], object]) -> float:
    since = time.perf_counter()
    call()
    return (time.perf_counter() - since) * 1000


def _cold(bench: _Bench) -> Iterator[Row]:
    def starts(code: bytes, **settings: Any) -> float:
        with bench.functions(code, COLD_STARTS, **settings) as names:
            return median(_milliseconds(lambda name=name: bench.echo(name)) for name in names)  # type: ignore[misc]

    library_only = package("import statistics\n" + ECHO)
    yield {
        "name": "Cold call, the function imports the library only, p50",
        "ours": starts(library_only),
        "unit": "ms",
    }
    fresh = {"Environment": {"Variables": {"PYTHONOPTIMIZE": "1"}}}
    yield {
        "name": "Cold call in a fresh interpreter (a variable that Python reads at its start), p50",
        "ours": starts(package(ECHO), **fresh),
        "unit": "ms",
    }


def _share(bench: _Bench) -> Iterator[Row]:
    with bench.functions(package(ECHO)) as [name]:
        logs = [bench.call(name, {})[1] for _ in range(CALLS)]
    durations = [float(found[1]) for log in logs if (found := DURATION.search(log))]
    yield {
        "name": "The runtime's own share of a warm call (Duration of an empty function), p50",
        "ours": median(durations),
        "unit": "ms",
        "target": 1.0,
    }


def _modules(bench: _Bench) -> Iterator[Row]:
    """A package of many modules: compiled by its first cold start, read from then on."""
    body = "\n".join(f"def function_{n}(a, b, c=None):\n    return [a, b, c, {n}]" for n in range(60))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(MODULES):
            archive.writestr(f"many/module_{n}.py", f"# {uuid.uuid4()}\n{body}")
        imports = "\n".join(f"import many.module_{n}" for n in range(MODULES))
        archive.writestr("index.py", f"{imports}\n{ECHO}")
    with bench.functions(buffer.getvalue()) as [name]:
        took = []
        for memory in (256, 257, 258, 259):
            bench.lambda_.update_function_configuration(FunctionName=name, MemorySize=memory)
            bench.lambda_.get_waiter("function_updated_v2").wait(FunctionName=name)
            took.append(_milliseconds(lambda: bench.echo(name)))
    yield {"name": f"Cold call, {MODULES} modules of its own, the first", "ours": took[0], "unit": "ms"}
    yield {
        "name": f"Cold call, {MODULES} modules of its own, later, p50",
        "ours": median(took[1:]),
        "unit": "ms",
    }


def _crash(bench: _Bench) -> Iterator[Row]:
    with bench.functions(package(CRASHER)) as [name]:
        took = []
        for _ in range(COLD_STARTS):
            bench.call(name, "crash")
            took.append(_milliseconds(lambda: bench.call(name, "well")))
    yield {"name": "Call after a crash, init included, p50", "ours": median(took), "unit": "ms"}
