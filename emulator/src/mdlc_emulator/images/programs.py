"""The programs of recipes: how a module of this package is run by the interpreter of an environment."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from mdlc_emulator.environments.installed import PACKAGE
from mdlc_emulator.images.recipe import Program, Use

LAUNCHER = PACKAGE / "images" / "launch.py"

SURROUNDINGS = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "OMP_WAIT_POLICY": "passive",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONIOENCODING": "UTF-8",
    "PYTHONUNBUFFERED": "TRUE",
}
"""What the Dockerfiles of SageMaker's own images set:
https://github.com/aws/sagemaker-scikit-learn-container/blob/master/docker/1.4-2-py312/base/Dockerfile.cpu

But OMP_WAIT_POLICY: threads that wait by spinning take the processors of the jobs beside them, 55 s where
8.7 do, with four jobs on two processors.
"""


def module(
    environment: Path, name: str, *arguments: str, variables: Mapping[str, str] | None = None
) -> Program:
    """The module `name` of this package, run by the interpreter of the virtual environment `environment`."""
    python = environment / "bin" / "python"
    return Program(
        [str(python), str(LAUNCHER), name, *arguments],
        _programs(environment),
        {**SURROUNDINGS, **(variables or {})},
        hidden([environment]),
    )


def shell(environment: Path, variables: Mapping[str, str] | None = None) -> Program:
    """No command of its own: what the request brings finds the environment's programs first."""
    return Program((), _programs(environment), {**SURROUNDINGS, **(variables or {})}, hidden([environment]))


def _programs(environment: Path) -> list[Path]:
    """What comes first in PATH: the environment's own programs, then those of the Python below it, which has
    the pip that environments often lack."""
    own = environment / "bin"
    return list(dict.fromkeys([own, (own / "python").resolve().parent]))


def hidden(directories: Iterable[Path]) -> list[tuple[Path, str]]:
    """Those of `directories`, of their interpreters and of this package that a container would not see,
    because it has a /tmp of its own: as mounts at the same place."""
    wanted = [PACKAGE]
    for directory in directories:
        wanted.append(directory)
        python = directory / "bin" / "python"
        if python.is_symlink():
            wanted.append(python.resolve().parents[1])
    return [(path, str(path)) for path in dict.fromkeys(wanted) if path.is_relative_to("/tmp")]


def script_mode(
    environment: Path, framework: str, variables: Mapping[str, str] | None = None
) -> dict[Use, Program]:
    """What a framework's image does: run the user's script, or serve with the user's functions."""
    return {
        Use.TRAIN: module(environment, "mdlc_emulator.scripts.train", framework, variables=variables),
        Use.SERVE: module(environment, "mdlc_emulator.scripts.serve", framework, variables=variables),
        Use.RUN: shell(environment, variables),
    }
