"""From an image URI to what runs here in its place: users' recipes first, then AWS's published images."""

import compileall
import functools

from mdlc_emulator.environments.algorithms import ALGORITHMS
from mdlc_emulator.environments.installed import PACKAGE
from mdlc_emulator.images import catalog, published, user
from mdlc_emulator.images.names import parse
from mdlc_emulator.images.recipe import Recipe, UnknownImage, Use
from mdlc_emulator.images.recipe_file import NAME

__all__ = ["Recipe", "UnknownImage", "Use", "prepare", "resolve"]

INSTALLED = {ALGORITHMS.name: ALGORITHMS}
PROGRAMS = ("algorithms", "scripts")


def resolve(image_uri: str) -> Recipe:
    """The recipe that stands for an image. Installs and starts nothing.

    UnknownImage, with one sentence that says why there is none and how to add one.
    """
    name = parse(image_uri)
    if name is None:
        raise UnknownImage(f"{image_uri!r} is no name of an image: write registry/repository:tag.")
    found = user.find(name)
    if found is not None:
        return found
    try:
        known = catalog.find(name)
    except catalog.WrongNameError as wrong:
        raise UnknownImage(f"No image is called {image_uri}: {wrong}.") from None
    if known is not None:
        return published.recipe(name, known)
    raise UnknownImage(
        f"No recipe stands for the image {image_uri}: add one to {NAME} in the directory where the emulator "
        f'is started, [[image]] with uri = "{name.repository}" and the commands that it runs '
        "(docs/emulator-images.md)."
    )


def prepare(recipe: Recipe) -> None:
    """Install what the recipe needs, unless it is there; the first time this can take half a minute.

    SetupError with one sentence when it cannot be installed.
    """
    for name in recipe.needs:
        INSTALLED[name].build()
    _compile_programs()


@functools.cache
def _compile_programs() -> None:
    """Bytecode of what jobs import of this package: they cannot write it themselves."""
    for name in PROGRAMS:
        compileall.compile_dir(PACKAGE / name, quiet=2)
