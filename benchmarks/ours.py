"""Our own emulator, as a user starts it: by `mdlc up`, with a state directory of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mdlc_emulator.launcher.state import Record

from benchmarks.contestants import (
    BenchmarkError,
    Running,
    await_gone,
    await_ready,
    clean_environment,
    free_port,
)
from benchmarks.processes import tree

MDLC = Path(sys.executable).with_name("mdlc")
STATE = "mdlc-emulator"


class Ours:
    """`mdlc up` and `mdlc down`. What counts is the first answer, not the return of the command."""

    name = "mdlc"

    def start(self) -> Running:
        home = Path(tempfile.mkdtemp(prefix="bench-mdlc-"))

        def remove() -> None:
            shutil.rmtree(home, ignore_errors=True)

        try:
            return up(home, remove)
        except BaseException:
            remove()
            raise


def up(home: Path, ended: Callable[[], None], options: Sequence[str] = ()) -> Running:
    """An instance whose state directory is in `home`; `ended` is called once it is gone.

    BenchmarkError when it does not start.
    """
    port = free_port()
    environment = clean_environment({"XDG_STATE_HOME": str(home)})
    log = home / "log"
    with log.open("wb") as output:
        since = time.perf_counter()
        command = subprocess.Popen(
            [str(MDLC), "up", "--port", str(port), *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        ready = await_ready(port, since, lambda: command.poll() in (None, 0))
        if command.wait(30):
            raise BenchmarkError(f"`mdlc up` ended with {command.returncode}.")
    except BaseException as error:
        command.wait()
        _down(port, environment)
        if isinstance(error, BenchmarkError):
            raise BenchmarkError(f"{error} It said: {log.read_text(errors='replace')[-2000:]}") from error
        raise
    record = Record.read(home / STATE / "instances" / f"{port}.json")
    if record is None:
        raise BenchmarkError(f"`mdlc up` left no record of the instance on port {port}.")
    roots = (record.supervisor_pid, record.engine_pid)

    def end() -> None:
        pids = tree(roots)
        done = _down(port, environment)
        try:
            await_gone(pids)
        except BenchmarkError:
            for pid in tree(pids):
                os.kill(pid, signal.SIGKILL)
            raise
        finally:
            ended()
        if done.returncode:
            raise BenchmarkError(f"`mdlc down` ended with {done.returncode}: {done.stderr.strip()}")

    aimed = environment | {
        "MDLC_PORT": str(port),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return Running(Ours.name, port, roots, since, ready, end, aimed)


def _down(port: int, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(MDLC), "down", "--port", str(port)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
