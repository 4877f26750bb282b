"""The engine's end of the process that forks containers."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdlc_emulator import container
from mdlc_emulator.container import frames

PROGRAM = Path(container.__file__).parent / "zygote.py"
START_SECONDS = 30
ENDING_SECONDS = 0.3
MODES = ("root", "user")
SETTING = "MDLC_CONTAINERS"


class ZygoteError(RuntimeError):
    """It could not be started, or is gone; the message says why."""


@dataclass(frozen=True)
class Facts:
    """What it found out about this machine: `mode` is "root", "user" or "none" with the `reason`; `writable`
    is whether containers can write outside of their own directories."""

    mode: str
    reason: str
    writable: bool
    quota: bool
    """Whether a share of processors holds as a quota; else whole processors are given."""


class Zygote:
    """One forking process. `directory` is where containers have their files."""

    def __init__(self, directory: Path) -> None:
        self._lock = threading.Lock()
        self.known: Facts | None = None
        """What `facts` has found out."""
        self._socket, theirs = socket.socketpair()
        trial = tempfile.mkdtemp(prefix="trial-", dir=directory)
        wanted = os.environ.get(SETTING, "")
        settings = {
            "control": theirs.fileno(),
            "modes": _modes(wanted),
            "overlay": wanted != "read-only",
            "try": trial,
        }
        try:
            # Ends by the end of its control socket, which only this process holds: a death signal would
            # belong to the thread that happens to be here now.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(PROGRAM), json.dumps(settings)],
                pass_fds=[theirs.fileno()],
                env={"PATH": os.defpath, "LC_CTYPE": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        finally:
            theirs.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def facts(self) -> Facts:
        """What it says of this machine; waits until it is ready."""
        with self._lock:
            if self.known is None:
                self._socket.settimeout(START_SECONDS)
                said = b""
                try:
                    while not said.endswith(b"\n"):
                        if not (data := self._socket.recv(4096)):
                            raise ZygoteError(
                                f"the process that starts containers ended ({self._process.wait()})."
                            )
                        said += data
                except OSError as error:
                    raise ZygoteError(
                        f"the process that starts containers said nothing ({error})."
                    ) from error
                self._socket.settimeout(None)
                found = json.loads(said)
                self.known = Facts(found["mode"], found["reason"], found["writable"], found["quota"])
            return self.known

    def spawn(self, request: dict[str, Any], report: socket.socket, output: int) -> None:
        """Fork a container. OSError when the zygote is gone."""
        with self._lock:
            frames.send(self._socket, request, [report.fileno(), output])

    def remove(self, directory: Path, group: str) -> None:
        """Have a container's files and its control group removed; nothing is waited for."""
        with self._lock, contextlib.suppress(OSError):
            frames.send(self._socket, {"remove": str(directory), "group": group}, [])

    def stop(self) -> None:
        """End it, and with it every container."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.close()


def _modes(wanted: str) -> list[str]:
    """The kinds of isolation that the setting leaves: `off` none, `user` only the unprivileged one."""
    if wanted == "off":
        return []
    return ["user"] if wanted == "user" else list(MODES)
