"""The engine's private interpreter: where it is, and making it when there is none yet."""

from collections.abc import Callable
from pathlib import Path

from mdlc_emulator.launcher.errors import EnvironmentMissingError

PACKAGE = Path(__file__).parents[1]


def checkout() -> Path | None:
    """The emulator's directory when this code runs from a checkout of the project."""
    directory = PACKAGE.parents[1]
    return directory if (directory / "pyproject.toml").exists() and (directory / "uv.lock").exists() else None


def engine_python(progress: Callable[[str], None]) -> Path:
    """The interpreter that holds LocalStack and this package."""
    directory = checkout()
    if directory is None:
        raise EnvironmentMissingError("not yet")
    python = directory / ".venv" / "bin" / "python"
    if not python.exists():
        raise EnvironmentMissingError(
            "The engine's environment does not exist yet: make it with `uv sync --locked --group engine "
            f"--compile-bytecode --project {directory}`."
        )
    return python
