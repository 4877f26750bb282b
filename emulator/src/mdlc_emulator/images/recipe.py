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


class UnknownImage(Exception):
    """No recipe stands for the image. The message names the image and says how to add a recipe."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to start for one use of an image.

    `command` is the image's own entry point for that use, () where the request must bring one; `path` are the
    directories that come first in PATH; `environment` is what the image sets itself.
    """

    command: Sequence[str]
    path: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[tuple[Path, str]] = ()
    """(directory of the machine, absolute path inside), read-only: where an image has its code elsewhere."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What stands for one image. `algorithm` is the built-in algorithm's name ("xgboost"), None for other
    images; `framework` the framework of a script-mode image ("scikit-learn"); `version` the image's version
    as its tag says it; `runs` what runs here instead, with its version ("xgboost 3.4.1"); `difference` what
    a user must know of it, or ""; `origin` where the recipe is declared."""

    image: str
    origin: str
    programs: Mapping[Use, Program]
    algorithm: str | None = None
    framework: str | None = None
    version: str = ""
    runs: str = ""
    difference: str = ""
