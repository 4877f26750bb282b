"""Recipes that users declare: where their files are, and what an entry stands for."""

import os
import sys
from pathlib import Path

from mdlc_emulator.environments.algorithms import ALGORITHMS
from mdlc_emulator.images import programs, recipe_file
from mdlc_emulator.images.names import ImageName
from mdlc_emulator.images.recipe import Program, Recipe, UnknownImage, Use
from mdlc_emulator.images.recipe_file import Entry

FILES = "MDLC_IMAGE_RECIPES"
"""Paths of more files, before the one of the directory, separated as PATH is."""
STARTED_IN = "MDLC_STARTED_IN"
"""The directory that the emulator was started in; set by the launcher."""
STARTED_WITH = "MDLC_STARTED_WITH"
"""The virtual environment that the emulator was started from; set by the launcher."""

_read: dict[Path, tuple[tuple[int, int], list[Entry]]] = {}


def files() -> list[Path]:
    """The recipe files there are. UnknownImage when one that was asked for is not there."""
    asked = [Path(part).expanduser() for part in os.environ.get(FILES, "").split(os.pathsep) if part]
    for path in asked:
        if not path.is_file():
            raise UnknownImage(f"{FILES} names {path}, which is no file: mend the path or unset {FILES}.")
    own = Path(os.environ.get(STARTED_IN) or Path.cwd()) / recipe_file.NAME
    return [*asked, *([own] if own.is_file() else [])]


def entries() -> list[Entry]:
    """Every entry of every file, read again when a file has changed. UnknownImage, which says what is wrong
    in which line."""
    found = []
    for path in files():
        try:
            status = path.stat()
            mark = (status.st_mtime_ns, status.st_size)
            if path not in _read or _read[path][0] != mark:
                _read[path] = (mark, recipe_file.read(path))
        except recipe_file.RecipeFileError as error:
            raise UnknownImage(f"{error}.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise UnknownImage(f"{path} cannot be read ({error}).") from None
        found += _read[path][1]
    return found


def find(name: ImageName) -> Recipe | None:
    """The recipe of the first entry that stands for the image. UnknownImage."""
    for entry in entries():
        if entry.matches(name):
            return recipe(entry, name)
    return None


def recipe(entry: Entry, name: ImageName) -> Recipe:
    """What `entry` declares. UnknownImage when its environment is not there."""
    environment, needs = _environment(entry)
    variables = dict(entry.variables)
    bare = programs.shell(environment, variables)
    script = programs.script_mode(environment, entry.framework, variables) if entry.framework else {}
    own = {Use.TRAIN: entry.train, Use.SERVE: entry.serve}
    uses: dict[Use, Program] = {}
    for use in Use:
        program, arguments = bare, entry.command
        command = own.get(use, entry.entrypoint)
        if use is not Use.RUN and not command:
            # As SageMaker starts an image: its entry point, with this word for an argument.
            command, arguments = entry.entrypoint, (use.value,) if entry.entrypoint else ()
        elif use is not Use.RUN:
            arguments = ()
        if use in script and not command:
            program, command, arguments = script[use], script[use].command, ()
        uses[use] = Program(
            command,
            program.path,
            program.environment,
            [*entry.mounts, *programs.hidden([environment, entry.file.parent])],
            arguments,
            str(entry.directory or "/"),
        )
    return Recipe(
        image=name.uri,
        origin=entry.origin,
        programs=uses,
        framework=entry.framework,
        version=name.tag,
        runs=f"the environment {environment}",
        needs=needs,
    )


def project() -> Path:
    """The environment that the emulator was started from."""
    return Path(os.environ.get(STARTED_WITH) or sys.prefix)


def _environment(entry: Entry) -> tuple[Path, tuple[str, ...]]:
    if entry.environment == recipe_file.ALGORITHMS:
        return ALGORITHMS.place(), (ALGORITHMS.name,)
    environment = project() if entry.environment == recipe_file.PROJECT else Path(entry.environment)
    if not (environment / "bin" / "python").exists():
        raise UnknownImage(
            f"{entry.origin}: the environment {environment} has no bin/python: make it (`uv venv "
            f"{environment}`), or name another."
        )
    return environment, ()
