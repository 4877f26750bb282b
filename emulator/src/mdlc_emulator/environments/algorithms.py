"""The virtual environment that jobs and model servers of SageMaker's own images run in."""

from pathlib import Path

from mdlc_emulator.environments.installed import Installed, Installer


def _lay_out(installer: Installer, fresh: Path, final: Path) -> None:
    installer.into_environment(ALGORITHMS.lock, fresh)
    for program in (fresh / "bin").iterdir():
        if program.is_symlink():
            continue
        said = program.read_bytes()
        # Scripts name their interpreter by the path that the environment was made at.
        if said.startswith(b"#!"):
            program.write_bytes(said.replace(bytes(fresh), bytes(final)))


ALGORITHMS = Installed("algorithms", "that SageMaker's images stand for (xgboost, scikit-learn)", 1, _lay_out)


def algorithms_python() -> Path:
    """The environment's interpreter; installed first if it is missing. SetupError with a way out."""
    return ALGORITHMS.directory() / "bin" / "python"
