"""The application's own part of the package: compiled lifecycles, and the zip of app.py and chalicelib."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from chalice.deploy.packager import AppOnlyDeploymentPackager, PipRunner, SubprocessPip
from chalice.deploy.packager import DependencyBuilder as PipDependencyBuilder
from chalice.utils import UI, OSUtils

from app.compiled import StaleLifecycleError, load
from cli.deploy_project import Project
from cli.exits import MdlcError
from cli.package_layer import RUNTIME
from cli.package_zip import write_zip

_KEPT_ZIPS = 4


def compile_lifecycles(project: Project) -> bool:
    """Compile the declarations unless their compiled forms are up to date; whether any was compiled.

    In a process of its own: it imports pandera, and the declarations of `project` rather than ours.
    Raises MdlcError with the declaration's own error, which names the line.
    """
    app = project.root / "app"
    try:
        load(app / "compiled", app / "lifecycles")
    except StaleLifecycleError:
        pass
    else:
        return False
    done = subprocess.run(
        [sys.executable, "-B", "-m", "app.compiling"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise MdlcError(_last_line(done.stderr))
    return True


def build_app(project: Project) -> bool:
    """Write the application's zip where Chalice looks for it, unless it is there; whether it was written."""
    # Bytecode of this machine would make every zip another one.
    for cache in (project.root / "app").rglob("__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)
    packager = _Packager(project)
    target = packager.target
    if target.exists():
        os.utime(target)
        return False
    write_zip(target, packager.files())
    _forget_older(target)
    return True


class _Packager(AppOnlyDeploymentPackager):
    """Chalice's own packager, asked for the name and the files of the zip it would make."""

    def __init__(self, project: Project) -> None:
        osutils = OSUtils()
        super().__init__(
            osutils, PipDependencyBuilder(osutils, PipRunner(SubprocessPip(osutils), osutils)), UI()
        )
        self.project = project

    @property
    def target(self) -> Path:
        return Path(self.deployment_package_filename(str(self.project.root), RUNTIME))

    def files(self) -> list[tuple[str, Path]]:
        return [(name, Path(path)) for path, name in self._iter_app_filenames(str(self.project.root))]


def _forget_older(target: Path) -> None:
    """Keep the last few zips of the application, one for each state of the code that was packaged."""
    for pattern in ("appcode-*.zip", "[0-9a-f]*-python*.zip"):
        zips = sorted(target.parent.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in zips[_KEPT_ZIPS:]:
            path.unlink(missing_ok=True)


def _last_line(text: str) -> str:
    """What a traceback says at its end, without the exception's module."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    last = lines[-1] if lines else "Compiling the lifecycles failed without a word."
    name, separator, message = last.partition(": ")
    return message if separator and name.endswith("Error") and "." in name else last
