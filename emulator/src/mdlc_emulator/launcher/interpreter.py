"""The engine's private interpreter: where it is, and making it when there is none yet.

In a checkout it is emulator/.venv, made by the project's set-up. Of an installed wheel it is a virtual
environment in the user's cache directory, named by the digest of the lock file that the wheel brings and of
this package's own code, installed by uv or, without uv, by venv and pip.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mdlc_emulator.launcher.errors import EnvironmentMissingError

PACKAGE = Path(__file__).parents[1]
LOCK = PACKAGE / "engine.lock.txt"
"""`uv export --only-group engine` of the emulator's lock: every distribution with its hashes."""

INSTALLING = "Installing the engine's environment, once, some 300 MB"
"""What `progress` is told before the one step that takes minutes."""

_COMPLETE = ".complete"


def checkout() -> Path | None:
    """The emulator's directory when this code runs from a checkout of the project."""
    directory = PACKAGE.parents[1]
    return directory if (directory / "pyproject.toml").exists() and (directory / "uv.lock").exists() else None


def cache_directory() -> Path:
    """$XDG_CACHE_HOME/mdlc-emulator, else ~/.cache/mdlc-emulator."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mdlc-emulator"


def engine_python(progress: Callable[[str], None]) -> Path:
    """The interpreter that holds LocalStack and this package; installed first where there is none.

    Raises EnvironmentMissingError when it is not there and cannot be made.
    """
    directory = checkout()
    if directory is not None:
        python = directory / ".venv" / "bin" / "python"
        if not python.exists():
            raise EnvironmentMissingError(
                "The engine's environment is not installed yet: run `make setup`, or "
                f"`uv sync --locked --group engine --compile-bytecode --project {directory}`."
            )
        return python
    home = cache_directory() / f"engine-{_digest()}"
    python = home / "bin" / "python"
    if not (home / _COMPLETE).exists():
        with _alone(home):
            if not (home / _COMPLETE).exists():
                progress(INSTALLING)
                _install(home, python)
                (home / _COMPLETE).touch()
    return python


def _digest() -> str:
    digest = hashlib.sha256(LOCK.read_bytes())
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Only one process installs; the others wait for it."""
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        lock = home.with_suffix(".lock").open("w")
    except OSError as error:
        raise EnvironmentMissingError(
            f"{home.parent} cannot be written ({error.strerror}): name another place by XDG_CACHE_HOME."
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(home: Path, python: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    wanted = ["--no-deps", "--require-hashes", "--quiet", "--requirement", str(LOCK)]
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is not None:
        _run([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(home)])
        _run([uv, "pip", "install", "--compile-bytecode", "--python", str(python), *wanted])
    else:
        _run([sys.executable, "-m", "venv", str(home)])
        _run([str(python), "-m", "pip", "install", "--disable-pip-version-check", *wanted])
    _copy_package(python)


def _copy_package(python: Path) -> None:
    """This very package and its entry points, by which LocalStack finds its plugins."""
    from importlib import metadata  # the second largest import of a start, and seldom needed

    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    target = python.parents[1] / "lib" / version / "site-packages"
    shutil.copytree(PACKAGE, target / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    distribution = metadata.distribution("mdlc-emulator")
    described = target / f"mdlc_emulator-{distribution.version}.dist-info"
    described.mkdir()
    for name in ("METADATA", "entry_points.txt"):
        (described / name).write_text(distribution.read_text(name) or "")
    _run([str(python), "-m", "compileall", "-q", str(target / PACKAGE.name)])


def _run(command: list[str]) -> None:
    misleading = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if name not in misleading}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise EnvironmentMissingError(
            f"The engine's environment cannot be installed ({command[0]}: {error.strerror}): "
            "install uv, then try again."
        ) from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise EnvironmentMissingError(
            f"The engine's environment cannot be installed ({said[-1].strip() if said else command[0]}): "
            "check the network and the package index, then try again."
        )
