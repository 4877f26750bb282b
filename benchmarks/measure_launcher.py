"""The launcher beyond the headline figures: what a start costs in CPU, what stands above an engine, what a
kill leaves to do. Wall times are medians of `ROUNDS`."""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mdlc_emulator.launcher import Instance, start
from mdlc_emulator.supervisor import host

ROUNDS = 3
_TICKS = os.sysconf("SC_CLK_TCK")

type Row = dict[str, Any]


def run() -> list[Row]:
    """Starts emulators of its own, on free ports."""
    return [
        _row("CPU of the engine until it is ready, cold", _median(_start_cpu), "s"),
        _row("CPU of the `mdlc` command itself (`mdlc --version`)", _median(_command_cpu), "s"),
        _row("what the supervisor holds (PSS)", _median(_supervisor_pss), "MB"),
        _row("engine killed: until nothing of it is left", _median(_engine_killed), "s", 3.0, 1.0),
        _row("supervisor killed: until nothing of it is left", _median(_supervisor_killed), "s", 3.0, 1.0),
    ]


def _row(name: str, ours: float, unit: str, target: float | None = None, stretch: float | None = None) -> Row:
    return {"name": name, "ours": round(ours, 3), "unit": unit, "target": target, "stretch": stretch}


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS))


def _with_instance(measure: Callable[[Instance], float]) -> float:
    instance = start(template=False)
    try:
        return measure(instance)
    finally:
        instance.stop()


def _engine(instance: Instance) -> int:
    record = instance.record()
    if record is None:
        raise RuntimeError("the emulator has ended by itself")
    return record.engine_pid


def _start_cpu() -> float:
    def cpu(instance: Instance) -> float:
        fields = Path(f"/proc/{_engine(instance)}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    return _with_instance(cpu)


def _command_cpu() -> float:
    before = os.times()
    command = Path(sys.executable).with_name("mdlc")
    subprocess.run([str(command), "--version"], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _supervisor_pss() -> float:
    def pss(instance: Instance) -> float:
        rollup = Path(f"/proc/{instance.supervisor_pid}/smaps_rollup").read_text()
        return next(int(row.split()[1]) for row in rollup.splitlines() if row.startswith("Pss:")) / 1024

    return _with_instance(pss)


def _engine_killed() -> float:
    return _with_instance(lambda instance: _killed(instance, _engine(instance)))


def _supervisor_killed() -> float:
    return _with_instance(lambda instance: _killed(instance, instance.supervisor_pid))


def _killed(instance: Instance, victim: int) -> float:
    """Seconds from SIGKILL until every process and the home directory are gone."""
    marks = {pid: host.start_mark(pid) for pid in (instance.supervisor_pid, _engine(instance))}
    begun = time.perf_counter()
    os.kill(victim, signal.SIGKILL)
    while instance.home.exists() or any(host.is_same(pid, mark) for pid, mark in marks.items()):
        if time.perf_counter() - begun > 30:
            raise RuntimeError(f"something of the emulator on port {instance.port} is left after 30 s")
        time.sleep(0.005)
    return time.perf_counter() - begun
