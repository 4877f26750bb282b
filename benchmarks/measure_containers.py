"""Containers: what a start, a connection and a line of output cost. Wall times are medians of `ROUNDS`; they
depend on what else the machine does, processor times hardly."""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.containers.contract import Container, ContainerSpec, Network
from mdlc_emulator.engine.containers.host import HostContainers

ROUNDS = 30
LINES = 200_000
PATH = {"PATH": os.defpath}
_SERVER = """
import socket
listener, kept = socket.create_server(("", 8080), backlog=128), []
while True:
    kept = [listener.accept()[0], *kept[:50]]
"""

type Row = dict[str, Any]


def run() -> list[Row]:
    """Starts containers of its own; no emulator."""
    with tempfile.TemporaryDirectory() as home:
        containers = HostContainers(Path(home) / "containers")
        try:
            first = _seconds(containers.isolation) * 1000
            return [_row("until it is known what the machine allows, once", first, "ms"), *_rows(containers)]
        finally:
            containers.stop_all()


def _rows(containers: HostContainers) -> list[Row]:
    rows = []
    for network in (Network.HOST, Network.PRIVATE):
        name = f"`true`, network {network.value}"
        starts, wholes, cpu = _lives(containers, network)
        rows += [
            _row(f"{name}: until it runs", starts, "ms", 50),
            _row(f"{name}: until its end is told", wholes, "ms", 80),
            _row(f"{name}: CPU of the engine", cpu, "ms"),
        ]
    server = containers.start(
        ContainerSpec(
            "s", [sys.executable, "-I", "-c", _SERVER], PATH, network=Network.PRIVATE, background=False
        ),
        print,
    )
    rows.append(_row("a connection into a private network", _connection(server), "ms", 0.5))
    rows.append(_row("asking for a container's use of memory", _median(server.memory_mib), "ms"))
    server.stop(0)
    rows.append(_row(f"CPU of the engine for {LINES} lines", _chatter(containers), "s"))
    return rows


def _row(name: str, ours: float, unit: str, target: float | None = None) -> Row:
    return {"name": name, "ours": round(ours, 3), "unit": unit, "target": target, "stretch": None}


def _seconds(measured: Callable[[], object]) -> float:
    began = time.perf_counter()
    measured()
    return time.perf_counter() - began


def _median(measured: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Milliseconds."""
    return statistics.median(_seconds(measured) for _ in range(rounds)) * 1000


def _lives(containers: HostContainers, network: Network) -> tuple[float, float, float]:
    starts, wholes, cpu = [], [], []
    for _ in range(ROUNDS):
        before, began = time.process_time(), time.perf_counter()
        container = containers.start(ContainerSpec("c", ["true"], PATH, network=network), print)
        starts.append(time.perf_counter() - began)
        container.wait()
        wholes.append(time.perf_counter() - began)
        cpu.append(time.process_time() - before)
    start, whole, used = (statistics.median(values) * 1000 for values in (starts, wholes, cpu))
    return start, whole, used


def _connection(server: Container) -> float:
    while True:
        try:
            server.connect(8080, 5).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.01)
    return _median(lambda: server.connect(8080, 5).close(), 500)


def _chatter(containers: HostContainers) -> float:
    count = 0

    def count_line(_: str) -> None:
        nonlocal count
        count += 1

    before = time.process_time()
    spec = ContainerSpec("c", ["sh", "-c", f"yes 'a line of a talkative job' | head -{LINES}"], PATH)
    containers.start(spec, count_line).wait()
    if count != LINES:
        raise RuntimeError(f"{count} of {LINES} lines arrived")
    return time.process_time() - before


if __name__ == "__main__":
    for row in run():
        target = "" if row["target"] is None else f"   (to reach: {row['target']})"
        print(f"{row['name']:60} {row['ours']:>9} {row['unit']}{target}")
