"""One installed directory: made whole from its lock file or not at all, and again only when that changes.

In a checkout it lies in emulator/build, beside the project's other results; of an installed wheel it lies in
the engine's own environment.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
PROJECT = PACKAGE.parents[1]
STAMP = ".complete"
MISLEADING = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "UV_PROJECT_ENVIRONMENT")


class SetupError(RuntimeError):
    """A directory could not be installed; the message is one sentence with a way out."""


@dataclass(frozen=True, slots=True)
class Installer:
    """What installs packages: `uv` (its path), or pip where there is none."""

    uv: str | None

    def into_directory(self, lock: Path, target: Path) -> None:
        """The packages of `lock`, with the hashes it names, as a plain directory to be put on a path."""
        if self.uv is not None:
            # Some binaries are for Linux only, and what is wanted of them is Python.
            linux = ["--python-platform", "linux"] if sys.platform == "darwin" else []
            begin = [self.uv, "pip", "install", "--python", sys.executable, *linux]
        else:
            begin = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
        run([*begin, *self._options(lock), "--target", str(target)])

    def into_environment(self, lock: Path, target: Path) -> None:
        """A virtual environment of this interpreter's version that holds the packages of `lock`."""
        python = target / "bin" / "python"
        if self.uv is not None:
            run([self.uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(target)])
            begin = [self.uv, "pip", "install", "--compile-bytecode", "--python", str(python)]
        else:
            run([sys.executable, "-m", "venv", "--without-pip", str(target)])
            begin = [sys.executable, "-m", "pip", "--python", str(python), "install"]
            begin += ["--disable-pip-version-check"]
        run([*begin, *self._options(lock)])

    @staticmethod
    def _options(lock: Path) -> list[str]:
        return ["--quiet", "--no-deps", "--require-hashes", "--requirement", str(lock)]


@dataclass(frozen=True, slots=True)
class Installed:
    """One directory. `purpose` completes "The packages ... are not installed", `lay_out` fills an empty
    place on disk, which is renamed to the final one (its second argument) afterwards; raise `layout` when
    what it makes changes though the lock does not."""

    name: str
    purpose: str
    layout: int
    lay_out: Callable[[Installer, Path, Path], None]

    @property
    def lock(self) -> Path:
        """What `uv export --only-group` wrote for the group of this name."""
        return PACKAGE / f"{self.name}.lock.txt"

    def place(self, prefix: Path | None = None) -> Path:
        """Where it is, or will be. `prefix` is the engine's environment, if that is not this process's."""
        if (PROJECT / "uv.lock").exists():
            return PROJECT / "build" / self.name
        return (prefix or Path(sys.prefix)) / self.name

    def is_complete(self, prefix: Path | None = None) -> bool:
        """Whether it is there as the lock wants it."""
        place = self.place(prefix)
        try:
            said = (place / STAMP).read_text()
        except OSError:
            return False
        python = place / "bin" / "python"
        # A virtual environment whose interpreter has gone from the machine is none.
        return said == self._wanted() and (python.exists() or not python.is_symlink())

    def directory(self) -> Path:
        """Where it is; installed first where it is missing. SetupError."""
        self.build()
        return self.place()

    def build(self, uv: str | None = None) -> bool:
        """Install it unless it is there. Says whether anything was done. SetupError."""
        if self.is_complete():
            return False
        target = self.place()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # Two emulators that start on a fresh checkout: one installs, the other waits.
            with (target.parent / f".{self.name}.lock").open("w") as turn:
                fcntl.flock(turn, fcntl.LOCK_EX)
                if self.is_complete():
                    return False
                self._build(target, self._installer(uv))
        except OSError as error:
            raise SetupError(
                f"The packages {self.purpose} cannot be installed in {target.parent} ({error.strerror}): "
                f"make room or give access, then run `python -m mdlc_emulator.environments {self.name}`."
            ) from error
        return True

    def _build(self, target: Path, installer: Installer) -> None:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{self.name}-") as scratch:
            fresh = Path(scratch) / self.name
            try:
                self.lay_out(installer, fresh, target)
            except InstallError as error:
                raise SetupError(
                    f"The packages {self.purpose} cannot be installed ({error}): check the network and the "
                    f"package index, then run `python -m mdlc_emulator.environments {self.name}`."
                ) from None
            (fresh / STAMP).write_text(self._wanted())
            fresh.chmod(0o755)
            if target.exists():
                target.rename(Path(scratch) / "old")
            fresh.rename(target)

    def _wanted(self) -> str:
        """Names what the lock wants in the directory, and how this code lays it out."""
        version = "{}.{}".format(*sys.version_info)
        content = f"{self.layout} {version}\n{self.lock.read_text()}"
        return hashlib.sha256(content.encode()).hexdigest()

    def _installer(self, uv: str | None) -> Installer:
        program = uv or os.environ.get("UV") or shutil.which("uv") or _tools_uv()
        if program is None and importlib.util.find_spec("pip") is None:
            raise SetupError(
                f"The packages {self.purpose} are not installed, and neither uv nor pip, which install them, "
                "was found: run `make setup`, or install uv and run "
                f"`python -m mdlc_emulator.environments {self.name}`."
            )
        return Installer(program)


def _tools_uv() -> str | None:
    """uv where the Makefile puts it when the machine has none."""
    for place in (PROJECT.parent / ".tools" / "uv", PROJECT.parent / ".tools" / "bin" / "uv"):
        if place.is_file():
            return str(place)
    return None


class InstallError(Exception):
    """A command failed; the text is what it said last."""


def run(command: list[str]) -> None:
    """Run one command of an installation. InstallError with the last it said."""
    environment = {key: value for key, value in os.environ.items() if key not in MISLEADING}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise InstallError(said or f"{command[0]} ended with {done.returncode}")


def compile_all(directory: Path, python: str = sys.executable) -> None:
    """Bytecode for everything below: what runs there later cannot write it."""
    run([python, "-I", "-S", "-m", "compileall", "-q", "-j", "0", str(directory)])
