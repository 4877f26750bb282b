"""The template process seen from outside: start it, order an instance from it, end it.

It is opt-in (`mdlc up --template`, or MDLC_TEMPLATE=1): it costs memory for as long as it lives, and gives
a start in a fraction of the time. Once there, every start uses it that asks for the same settings;
MDLC_TEMPLATE=0 keeps out of its way. It ends by `mdlc down --all`, after half an hour without an order, or
when the engine's code changes.
"""

import hashlib
import json
import os
import signal
import socket
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mdlc_emulator.launcher.environment import engine_environment
from mdlc_emulator.launcher.state import state_directory
from mdlc_emulator.supervisor import host
from mdlc_emulator.supervisor.spec import Spec, send_order
from mdlc_emulator.supervisor.sweep import remove_tree

IDLE = 1800.0
"""Seconds without an order after which a template ends by itself; MDLC_TEMPLATE_IDLE says otherwise."""

_PACKAGE = Path(__file__).parents[1]


def wanted(explicit: bool | None) -> bool | None:
    """True: keep one; None: use one that is there; False: neither. `explicit` wins over MDLC_TEMPLATE."""
    if explicit is not None:
        return explicit
    return {"1": True, "0": False}.get(os.environ.get("MDLC_TEMPLATE", ""))


def socket_path() -> Path:
    return state_directory() / "template.sock"


def code_key(python: Path) -> str:
    """Changes whenever this package's code or the interpreter does: a template of older code is of no use."""
    digest = hashlib.sha256(str(python).encode())
    for directory, folders, files in os.walk(_PACKAGE):
        folders[:] = sorted(folder for folder in folders if folder != "__pycache__")
        for name in sorted(files):
            stat = os.stat(f"{directory}/{name}")  # noqa: PTH116 - hundreds of files at every start
            digest.update(f"{name}:{stat.st_mtime_ns}:{stat.st_size};".encode())
    with suppress(OSError):
        digest.update(str((python.parents[1] / "pyvenv.cfg").stat().st_mtime_ns).encode())
    return digest.hexdigest()[:20]


@dataclass(frozen=True)
class Template:
    """A living template process."""

    pid: int
    mark: str | None
    key: str

    def stop(self, timeout: float = 5.0) -> None:
        """End it; instances that came from it stay."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        if not host.wait_for_end(self.pid, self.mark, timeout):
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            host.wait_for_end(self.pid, self.mark, timeout)
        _forget()


def _home() -> Path:
    """Where what LocalStack wants to have on disk while it is imported goes."""
    return state_directory() / "template"


def _forget() -> None:
    remove_tree(str(_home()))
    for path in (socket_path(), socket_path().with_suffix(".json")):
        path.unlink(missing_ok=True)


def current() -> Template | None:
    """The user's template, if one lives."""
    try:
        raw = json.loads(socket_path().with_suffix(".json").read_text())
        found = Template(int(raw["pid"]), raw["mark"], str(raw["key"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if host.is_same(found.pid, found.mark):
        return found
    _forget()
    return None


def keep(python: Path, settings: dict[str, str]) -> subprocess.Popen[bytes] | None:
    """See to it that a template of the present code lives, or soon will; None when one does.

    `settings`: environment variables as for `start()`. The process returned is on its way, and needs no
    watching.
    """
    path = socket_path()
    key = code_key(python)
    present = current()
    if present is not None:
        if present.key == key:
            return None
        present.stop()
    path.parent.mkdir(parents=True, exist_ok=True)
    (_home() / "tmp").mkdir(parents=True, exist_ok=True)
    environment = engine_environment(os.environ, port=1, home=_home(), settings=settings)
    idle = os.environ.get("MDLC_TEMPLATE_IDLE") or str(IDLE)
    with (path.parent / "template.log").open("wb") as log:
        process = subprocess.Popen(
            [str(python), "-m", "mdlc_emulator.engine", "template", str(path), key, idle],
            env=environment,
            cwd=_home(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Known from now on, so that nobody starts another one while it is importing.
    told = {"pid": process.pid, "mark": host.start_mark(process.pid), "key": key}
    path.with_suffix(".json").write_text(json.dumps(told))
    return process


def order(python: Path, spec: Spec, environment: dict[str, str], fds: list[int]) -> int | None:
    """The pid of the supervisor of an instance forked from the template; None when none could be had: there
    is no template, it is busy dying, or it was made from other code or with other settings.

    `fds`: listening socket, ready pipe (write), owner pipe (read), log.
    """
    present = current()
    if present is None:
        return None
    if present.key != code_key(python):
        present.stop()
        return None
    request: dict[str, Any] = {"key": present.key, "spec": asdict(spec), "environment": environment}
    try:
        with host.socket_address(socket_path()) as address, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5.0)
            connection.connect(address)
            send_order(connection, request, fds)
            answer = connection.makefile("rb").readline()
        return int(json.loads(answer)["supervisor"])
    except (OSError, ValueError, KeyError):
        return None
