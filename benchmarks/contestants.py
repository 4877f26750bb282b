"""What is measured: an emulator that can be started, reached and ended, ours and the peer alike."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Protocol

from benchmarks.processes import tree

# Both answer it; the first 200 ends the measurement of "ready".
HEALTH = "/_localstack/health"
POLL = 0.002


class BenchmarkError(Exception):
    """A measurement that cannot be made, in one sentence."""


@dataclass
class Running:
    """An emulator that answers.

    `roots`: the processes whose descendants are the emulator. `started`: when its command was given
    (time.perf_counter); `ready_seconds`: what passed from then to its first answer. `environment`: for
    commands that work with this emulator.
    """

    name: str
    port: int
    roots: tuple[int, ...]
    started: float
    ready_seconds: float
    end: Callable[[], None]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def processes(self) -> set[int]:
        return tree(self.roots)


class Contestant(Protocol):
    """Starts emulators of one kind. `start` raises BenchmarkError when none answers within its time."""

    name: str

    def start(self) -> Running: ...


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without what would slow or redirect an emulator, and with `extra`."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")
    kept = {k: v for k, v in os.environ.items() if k not in dropped and not k.startswith("AWS_")}
    return kept | dict(extra or {})


def answers(port: int, path: str = HEALTH, timeout: float = 10.0) -> bool:
    """Whether a GET of `path` is answered with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def await_ready(port: int, since: float, alive: Callable[[], bool], within: float = 60.0) -> float:
    """Seconds from `since` (time.perf_counter) to the first answer on `port`. BenchmarkError when the process
    ended or the time passed before."""
    while time.perf_counter() - since < within:
        if answers(port):
            return time.perf_counter() - since
        if not alive():
            raise BenchmarkError("The emulator ended before it answered.")
        time.sleep(POLL)
    raise BenchmarkError(f"The emulator did not answer within {within:.0f} s.")


def await_gone(pids: set[int], within: float = 30.0) -> None:
    """Return when none of `pids` lives. BenchmarkError names those that outlive the time."""
    deadline = time.perf_counter() + within
    while left := tree(pids) & pids:
        if time.perf_counter() > deadline:
            raise BenchmarkError(f"{len(left)} processes of the emulator outlived its end by {within:.0f} s.")
        time.sleep(POLL)


class Command:
    """A contestant that is one foreground command. `command` and `environment` get its port and home."""

    def __init__(
        self,
        name: str,
        command: Callable[[int], Sequence[str]],
        environment: Callable[[int, Path], Mapping[str, str]],
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment

    def start(self) -> Running:
        port, home = free_port(), Path(tempfile.mkdtemp(prefix=f"bench-{self.name}-"))
        log = home / "log"
        with log.open("wb") as output:
            since = time.perf_counter()
            process = subprocess.Popen(
                list(self._command(port)),
                env=clean_environment(self._environment(port, home)),
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

        def end() -> None:
            pids = tree([process.pid])
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
                await_gone(pids)
            except (subprocess.TimeoutExpired, BenchmarkError):
                for pid in tree(pids):
                    os.kill(pid, signal.SIGKILL)
                process.wait()
                raise BenchmarkError(f"{self.name} did not end within 30 s of SIGTERM.") from None
            finally:
                shutil.rmtree(home, ignore_errors=True)

        try:
            ready = await_ready(port, since, lambda: process.poll() is None)
        except BaseException as error:
            tail = log.read_text(errors="replace")[-2000:]
            end()
            if isinstance(error, BenchmarkError):
                raise BenchmarkError(f"{error} It said: {tail}") from error
            raise
        return Running(self.name, port, (process.pid,), since, ready, end)
