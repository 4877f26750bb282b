"""Zygotes, one for each interpreter and preload set: started on demand, ended with the emulator."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import struct
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdlc_emulator import guest
from mdlc_emulator.engine.functions.interpreters import interpreter
from mdlc_emulator.environments.guest import compile_for, guest_directory

LOG = logging.getLogger(__name__)
PROGRAM = Path(guest.__file__).parent / "zygote.py"
PRELOADED = ("boto3",)
START_SECONDS = 60
ENDING_SECONDS = 0.5
MODES = ("root", "user")
"""Kinds of sandbox, best first."""
LIBRARIES = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
"""LD_LIBRARY_PATH as Lambda has it."""


class ZygoteError(RuntimeError):
    """Functions of this runtime cannot be started; the message says why."""


@dataclass(frozen=True)
class Facts:
    """What a zygote said of itself: `sandbox` is "root", "user" or "none" with the `reason`, `modules` are
    the top-level names it has imported for functions, `path` is the module path of its standard library."""

    sandbox: str
    reason: str
    modules: frozenset[str]
    path: tuple[str, ...]


class Zygote:
    """One forking process and our end of its control socket."""

    def __init__(self, python: str, preload: tuple[str, ...], modes: tuple[str, ...] = MODES) -> None:
        self._lock = threading.Lock()
        self.known: Facts | None = None
        guest_packages = guest_directory()
        self.program = Path(python).resolve()
        """The interpreter."""
        self._socket, theirs = socket.socketpair()
        settings = {
            "control": theirs.fileno(),
            "guest": str(guest_packages),
            "prefix": str(self.program.parent.parent),
            "python": str(self.program),
            "root": str(_mount_point()),
            "modes": list(modes),
            "libraries": LIBRARIES,
            "preload": list(preload),
        }
        try:
            # Ends by the end of its control socket, which only this process holds: a death signal would
            # belong to the thread that happens to be here now.
            self._process = subprocess.Popen(
                [str(self.program), "-I", "-S", str(PROGRAM), json.dumps(settings)],
                pass_fds=[theirs.fileno()],
                env={
                    "PATH": os.defpath,
                    "LANG": "en_US.UTF-8",
                    "TZ": ":UTC",
                    "LC_CTYPE": "C.UTF-8",
                    # An interpreter that was moved, or comes from a module system, finds libpython only so.
                    "LD_LIBRARY_PATH": str(self.program.parent.parent / "lib"),
                },
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        finally:
            theirs.close()

    def facts(self) -> Facts:
        """What it says of itself; waits until it is ready."""
        with self._lock:
            if self.known is None:
                self.known = self._read_facts()
                if self.known.sandbox == "none":
                    LOG.warning(
                        "Functions run without /var/task, /opt and a /tmp of their own (%s): they find their "
                        "places by LAMBDA_TASK_ROOT, LAMBDA_RUNTIME_DIR and TMPDIR.",
                        self.known.reason,
                    )
            return self.known

    def _read_facts(self) -> Facts:
        self._socket.settimeout(START_SECONDS)
        try:
            (size,) = struct.unpack("!I", self._exactly(4))
            said: dict[str, Any] = json.loads(self._exactly(size))
        except (OSError, struct.error) as error:
            raise ZygoteError(f"The process that starts functions ended while starting ({error}).") from error
        self._socket.settimeout(None)
        if "failed" in said:
            raise ZygoteError(said["failed"])
        return Facts(said["sandbox"], said["reason"], frozenset(said["modules"]), tuple(said["path"]))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise OSError(f"exit status {self._process.wait()}")
            data += more
        return data

    def spawn(self, request: dict[str, Any], report: socket.socket, log: int) -> None:
        """Fork an environment. OSError if the zygote is gone."""
        data = json.dumps(request).encode()
        with self._lock:
            socket.send_fds(self._socket, [struct.pack("!I", len(data))], [report.fileno(), log])
            self._socket.sendall(data)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def hang_up(self) -> None:
        """Tell it to end; nothing is waited for."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """End it and everything it forked."""
        self.hang_up()
        self._socket.close()
        try:
            self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _allowed_modes() -> tuple[str, ...]:
    """The kinds of sandbox that MDLC_LAMBDA_SANDBOX leaves: `off` none, `user` only the unprivileged one."""
    wanted = os.environ.get("MDLC_LAMBDA_SANDBOX", "")
    if wanted == "off":
        return ()
    return ("user",) if wanted == "user" else MODES


def _mount_point() -> Path:
    """An empty directory, which sandboxes are built over, each in a mount namespace of its own."""
    path = Path(tempfile.gettempdir()) / "lambda" / "root"
    path.mkdir(parents=True, exist_ok=True)
    return path


class Zygotes:
    """All zygotes of this emulator."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Zygote] = {}
        self._stopped = False

    def get(self, version: str, preload: tuple[str, ...] = PRELOADED, own_user: bool = False) -> Zygote:
        """The zygote for an interpreter version and the modules it shall hold; a dead one is replaced.
        `own_user`: functions shall be able to read what only this process's user can."""
        python = interpreter(version)
        if python is None:
            raise ZygoteError(f"No CPython {version} was found on this machine.")
        compile_for(python, version)
        modes = _allowed_modes()
        if own_user:
            modes = modes[::-1]
        with self._lock:
            if self._stopped:
                raise ZygoteError("The emulator is ending.")
            zygote = self._all.get((version, preload, modes))
            if zygote is None or not zygote.alive:
                zygote = self._all[version, preload, modes] = Zygote(python, preload, modes)
            return zygote

    def status(self) -> dict[str, str]:
        """For `mdlc status`: the kind of sandbox functions run in, and why there is none if so. Before the
        first function: {"sandbox": "unknown"}."""
        with self._lock:
            zygotes = list(self._all.values())
        for zygote in zygotes:
            if zygote.known is not None:
                return {"sandbox": zygote.known.sandbox, "reason": zygote.known.reason}
        return {"sandbox": "unknown", "reason": "no function has run yet"}

    def stop(self) -> None:
        """End all of them, for good."""
        with self._lock:
            self._stopped = True
            zygotes = list(self._all.values())
            self._all.clear()
        for zygote in zygotes:
            zygote.hang_up()
        for zygote in zygotes:
            zygote.stop()


ZYGOTES = Zygotes()
