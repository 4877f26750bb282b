"""Making the processes of one instance: its supervisor, by that its engine, or both from a template."""

import errno
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mdlc_emulator.launcher import template
from mdlc_emulator.launcher.environment import engine_environment
from mdlc_emulator.launcher.errors import StartError
from mdlc_emulator.launcher.state import kept_log_path, record_path
from mdlc_emulator.supervisor import host
from mdlc_emulator.supervisor.spec import LISTEN_FD, OWNER_FD, READY_FD, Spec
from mdlc_emulator.supervisor.sweep import remove_tree

GRACE = 3.0
"""Seconds an engine has to end in order, before it is killed."""


@dataclass(frozen=True)
class Launched:
    """An instance under way. `ready` reads its word that it answers; closing `owner` ends it."""

    port: int
    home: Path
    supervisor_pid: int
    details: dict[str, str]
    process: subprocess.Popen[bytes] | None
    ready: int
    owner: int


def launch(
    python: Path,
    listening: socket.socket,
    settings: Mapping[str, str],
    background: bool,
    *,
    use_template: bool,
) -> Launched:
    """Start an instance on the socket `listening`. StartError when `python` cannot be run."""
    port = int(listening.getsockname()[1])
    home = _home(port)
    details = {"kind": "background" if background else "owned", **settings}
    spec = Spec(
        port=port,
        home=str(home),
        record=str(record_path(port)),
        kept_log=str(kept_log_path(port)),
        command=[str(python), "-m", "mdlc_emulator.engine"],
        details=details,
        grace=GRACE,
    )
    # Where image recipes are looked for, and the environment that they call the project's.
    started = {"MDLC_STARTED_IN": str(Path.cwd()), "MDLC_STARTED_WITH": sys.prefix}
    environment = engine_environment(os.environ, port=port, home=home, settings=started | dict(settings))
    ready_read, ready_write = os.pipe()
    owner_read, owner_write = os.pipe()
    process = None
    try:
        with (home / "engine.log").open("ab") as log:
            files = [listening.fileno(), ready_write, owner_read, log.fileno()]
            pid = template.order(python, spec, environment, files) if use_template else None
            if pid is None:
                process = _supervise(python, spec, environment, files)
                pid = process.pid
    except OSError as error:
        remove_tree(str(home))
        for fd in (ready_read, owner_write):
            os.close(fd)
        raise StartError(f"{python} cannot be run ({error.strerror}): set the project up again.") from None
    finally:
        os.close(ready_write)
        os.close(owner_read)
    return Launched(port, home, pid, details, process, ready_read, owner_write)


def _home(port: int) -> Path:
    """A new directory for the instance, and the one its record goes to. StartError when either cannot be
    had."""
    try:
        records = record_path(port).parent
        records.mkdir(parents=True, exist_ok=True)
        if not os.access(records, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(records))
    except OSError as error:
        raise StartError(
            f"{error.filename} cannot be written ({error.strerror}): name another place by XDG_STATE_HOME."
        ) from None
    try:
        home = Path(tempfile.mkdtemp(prefix=f"mdlc-emulator-{port}-"))
        (home / "tmp").mkdir()
    except OSError as error:
        raise StartError(
            f"{tempfile.gettempdir()} cannot be written ({error.strerror}): free space, or set TMPDIR."
        ) from None
    return home


def _supervise(
    python: Path, spec: Spec, environment: dict[str, str], files: list[int]
) -> subprocess.Popen[bytes]:
    listen, ready, owner, log = files
    heirs = {LISTEN_FD: listen, READY_FD: ready, OWNER_FD: owner}
    return subprocess.Popen(
        [str(python), "-I", "-S", str(Path(host.__file__).parent), "run", spec.dump()],
        env=environment | {name: str(fd) for name, fd in heirs.items()},
        cwd=spec.home,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=tuple(heirs.values()),
    )
