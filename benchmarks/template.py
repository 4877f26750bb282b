"""Starts from a template process: a start of our own, without a counterpart at the peer."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.contestants import BenchmarkError, Running, clean_environment
from benchmarks.duel import FAILURES, Board, reason
from benchmarks.ours import MDLC, STATE, Ours, up
from benchmarks.processes import PROC, tree, usage
from benchmarks.scenarios.plan import Plan

STARTS = 5
WITHIN = 30.0


def template(plan: Plan, board: Board) -> None:
    """One template, several instances forked from it, one after the other."""
    home = Path(tempfile.mkdtemp(prefix="bench-template-"))
    try:
        up(home, lambda: None, ["--template"]).end()
        forker = _await_template(home)
        board.add(Ours.name, {"template_pss": [usage(tree([forker])).pss]})
        for _ in range(min(STARTS, plan.rounds + 2)):
            running = up(home, lambda: None)
            try:
                _forked(running, forker)
                board.add(Ours.name, {"ready_template": [running.ready_seconds]})
            finally:
                running.end()
    except FAILURES as error:
        board.fail(Ours.name, ["ready_template", "template_pss"], reason(error))
    finally:
        environment = clean_environment({"XDG_STATE_HOME": str(home)})
        subprocess.run([str(MDLC), "down", "--all"], env=environment, capture_output=True, check=False)
        shutil.rmtree(home, ignore_errors=True)


def _await_template(home: Path) -> int:
    """Its pid, once it takes orders."""
    socket, deadline = home / STATE / "template.sock", time.perf_counter() + WITHIN
    while not socket.exists():
        if time.perf_counter() > deadline:
            raise BenchmarkError(f"The template process took no orders within {WITHIN:.0f} s.")
        time.sleep(0.05)
    for entry in PROC.iterdir():
        if entry.name.isdigit() and str(socket).encode() in _command(int(entry.name)):
            return int(entry.name)
    raise BenchmarkError("The template process has ended.")


def _command(pid: int) -> bytes:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""


def _forked(running: Running, forker: int) -> None:
    """A fork keeps the command line of what it was forked from; an engine started anew has its own."""
    if not any(_command(pid) == _command(forker) for pid in running.roots):
        raise BenchmarkError("The instance was started anew although a template was ready.")
