"""A recipe: the interpreter environment and the programs that stand for an image on this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class Use(Enum):
    """What an image is started for; SageMaker gives the same words as the container's argument."""

    TRAIN = "train"
    SERVE = "serve"
    RUN = "run"
    """A processing or Batch job: the command comes from the request, or is the image's own."""


class UnknownImage(Exception):  # noqa: N818 - the word that users and AWS have for it
    """No recipe stands for the image, or none for this use of it. The message names the image and says how to
    add a recipe."""


SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def variables(path: Sequence[Path], environment: Mapping[str, str]) -> dict[str, str]:
    """What every container of an image finds: PATH, HOME and LANG, unless the image sets them itself, with
    its own directories first in PATH."""
    search = ":".join([*map(str, path), environment.get("PATH", SYSTEM_PATH)])
    return {"HOME": "/root", "LANG": "C.UTF-8", **environment, "PATH": search}


@dataclass(frozen=True, slots=True)
class Program:
    """What to start for one use of an image.

    `command` is the image's own entry point for that use, () where the request must bring one; `arguments`
    follow it unless the request brings others; `path` are the directories that come first in PATH;
    `environment` is what the image sets itself.
    """

    command: Sequence[str]
    path: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[tuple[Path, str]] = ()
    """(directory of the machine, absolute path inside), read-only: where an image has its code elsewhere."""
    arguments: Sequence[str] = ()
    working_directory: str = "/"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What stands for one image. `algorithm` is the built-in algorithm's name ("xgboost"), None for other
    images; `framework` the framework of a script-mode image ("scikit-learn"); `version` the image's version
    as its tag says it; `runs` what runs here instead, with its version ("xgboost 3.4.1"); `difference` what
    a user must know of it, or ""; `origin` where the recipe is declared; `needs` the names of the emulator's
    environments that must be installed before it can run (`resolve.prepare` does)."""

    image: str
    origin: str
    programs: Mapping[Use, Program]
    algorithm: str | None = None
    framework: str | None = None
    version: str = ""
    runs: str = ""
    difference: str = ""
    needs: Sequence[str] = ()

    def started(self, use: Use, entrypoint: Sequence[str] = (), arguments: Sequence[str] = ()) -> Program:
        """The program for `use` with the request's own entry point (instead of the image's) and arguments
        (instead of the image's) put in, as Docker joins them. UnknownImage when that leaves no command."""
        program = self.programs.get(use)
        if program is None:
            words = ", ".join(sorted(known.value for known in self.programs))
            raise UnknownImage(f"The image {self.image} ({self.origin}) does not {use.value}, only: {words}.")
        # An entry point of the request takes the image's default arguments away, as in Docker.
        following = arguments if arguments or entrypoint else program.arguments
        command = [*(entrypoint or program.command), *following]
        if not command:
            raise UnknownImage(
                f"The image {self.image} has no command to {use.value}: name one in the request, or add "
                f"`{use.value} = [...]` to its recipe ({self.origin})."
            )
        return Program(
            command,
            program.path,
            program.environment,
            program.mounts,
            working_directory=program.working_directory,
        )
