"""However an emulator ends, nothing of it is left: no process, no port, no file."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from mdlc_emulator.launcher import Instance, instances, start
from mdlc_emulator.launcher.state import Record, record_path
from mdlc_emulator.supervisor import host

from tests.waiting import eventually

pytestmark = pytest.mark.xdist_group("ends")

# Leaves behind what a careless function leaves behind: a grandchild that nobody waits for.
HANDLER = """
import os, subprocess
subprocess.Popen(["sh", "-c", "sleep 300 & sleep 300"], start_new_session=True)
def handler(event, context):
    return os.getpid()
"""


def client(instance: Instance, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=instance.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="test",
    )


def warm_function(instance: Instance) -> None:
    """Create a function and invoke it, so that its process stays, warm."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", HANDLER)
    lambda_ = client(instance, "lambda")
    lambda_.create_function(
        FunctionName="warm",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": package.getvalue()},
    )
    lambda_.get_waiter("function_active_v2").wait(FunctionName="warm", WaiterConfig={"Delay": 1})
    answer = lambda_.invoke(FunctionName="warm")
    assert json.load(answer["Payload"]) > 0, "the function did not run"


@dataclass
class Traces:
    """Everything by which a running instance could be noticed afterwards."""

    port: int
    home: Path
    record: Path
    processes: dict[int, str | None]

    @classmethod
    def of(cls, instance: Instance) -> Traces:
        record = instance.record()
        assert record is not None
        pids = {record.supervisor_pid, record.engine_pid}
        for pid in tuple(pids):
            pids |= set(host.descendants(pid))
        marks = {pid: host.start_mark(pid) for pid in pids}
        return cls(instance.port, instance.home, record_path(instance.port), marks)

    def left(self) -> list[str]:
        """What is still there, in words."""
        found = [f"process {pid}" for pid, mark in self.processes.items() if host.is_same(pid, mark)]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                found.append(f"port {self.port}")
        return found + [str(path) for path in (self.home, self.record) if path.exists()]


def assert_nothing_left(traces: Traces, within: float = 5.0) -> None:
    def gone() -> bool:
        assert traces.left() == []
        return True

    eventually(gone, within=within)


@pytest.fixture
def used(own_state: Path) -> Iterator[tuple[Instance, Traces, Record]]:
    """An instance with a warm function."""
    instance = start()
    try:
        warm_function(instance)
        record = instance.record()
        assert record is not None
        traces = Traces.of(instance)
        assert len(traces.processes) >= 5, "engine, supervisor, function and what it started should be there"
        yield instance, traces, record
    finally:
        instance.stop()


LONG = pytest.mark.long


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, pytest.param(signal.SIGINT, marks=LONG), pytest.param(signal.SIGHUP, marks=LONG)],
)
def test_a_signal_to_the_supervisor_ends_everything(
    used: tuple[Instance, Traces, Record], number: signal.Signals
) -> None:
    _, traces, record = used
    os.kill(record.supervisor_pid, number)
    assert_nothing_left(traces)


@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGTERM, marks=LONG), pytest.param(signal.SIGINT, marks=LONG), signal.SIGKILL],
)
def test_a_signal_to_the_engine_ends_everything(
    used: tuple[Instance, Traces, Record], number: signal.Signals
) -> None:
    instance, traces, record = used
    os.kill(record.engine_pid, number)
    assert_nothing_left(traces)
    if number == signal.SIGKILL:
        assert "Ready." in instance.log.read_text(), "the log of an engine that died is kept"


def test_a_killed_supervisor_takes_the_engine_with_it(used: tuple[Instance, Traces, Record]) -> None:
    _, traces, record = used
    os.kill(record.supervisor_pid, signal.SIGKILL)
    assert_nothing_left(traces)


def test_when_both_are_killed_at_once_the_next_look_sweeps(used: tuple[Instance, Traces, Record]) -> None:
    _, traces, record = used
    os.kill(record.supervisor_pid, signal.SIGSTOP)
    os.kill(record.engine_pid, signal.SIGKILL)
    os.kill(record.supervisor_pid, signal.SIGKILL)
    eventually(lambda: not record.engine_alive and not record.supervisor_alive)
    assert instances() == []
    assert_nothing_left(traces)


def test_stop_returns_when_nothing_is_left(used: tuple[Instance, Traces, Record]) -> None:
    instance, traces, _ = used
    started = time.monotonic()
    instance.stop()
    seconds = time.monotonic() - started
    assert traces.left() == []
    assert seconds < 3.0


@LONG
def test_stop_can_be_called_twice(used: tuple[Instance, Traces, Record]) -> None:
    instance, traces, _ = used
    instance.stop()
    instance.stop()
    assert traces.left() == []


@LONG
def test_an_engine_that_hangs_is_killed_after_its_grace(used: tuple[Instance, Traces, Record]) -> None:
    instance, traces, record = used
    os.kill(record.engine_pid, signal.SIGSTOP)
    instance.stop(timeout=15)
    assert traces.left() == []


OWNER = """
import sys
from mdlc_emulator.launcher import start
instance = start(background={background})
print(instance.port, flush=True)
sys.stdin.read()
"""


def owned_by_another_process(*, background: bool) -> tuple[subprocess.Popen[str], Instance]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(background=background)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    port = int(owner.stdout.readline())
    (instance,) = [one for one in instances() if one.port == port]
    return owner, instance


def test_an_emulator_ends_with_the_process_that_started_it_however_that_ends(own_state: Path) -> None:
    owner, instance = owned_by_another_process(background=False)
    with owner:
        traces = Traces.of(instance)
        owner.kill()
    assert_nothing_left(traces)


@LONG
def test_an_emulator_in_the_background_outlives_the_process_that_started_it(own_state: Path) -> None:
    owner, instance = owned_by_another_process(background=True)
    with owner:
        owner.kill()
    try:
        assert client(instance, "sts").get_caller_identity()["Account"] == "000000000000"
    finally:
        instance.stop()
