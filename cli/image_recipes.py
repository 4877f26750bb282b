"""What `mdlc image list` and `mdlc image resolve` say of recipes."""

from dataclasses import dataclass
from typing import Any

from mdlc_emulator.images import catalog, published, user
from mdlc_emulator.images.names import ImageName
from mdlc_emulator.images.recipe import Recipe, UnknownImage
from mdlc_emulator.images.resolve import INSTALLED, resolve

from cli.exits import MdlcError


@dataclass(frozen=True)
class Listed:
    """One line: a pattern or a repository, and what runs in its place. `remark` is the difference from AWS,
    or why it cannot run."""

    image: str
    origin: str
    runnable: bool
    runs: str = ""
    remark: str = ""


def listed(everything: bool) -> list[Listed]:
    """Users' entries, then the published repositories that run here; with `everything` the others too.

    MdlcError when a recipe file is wrong, which names its line.
    """
    try:
        entries = user.entries()
    except UnknownImage as error:
        raise MdlcError(str(error)) from None
    found = []
    for entry in entries:
        try:
            name = ImageName(entry.uri, "", entry.uri, "", "", "", "")
            found.append(Listed(entry.uri, entry.origin, True, user.recipe(entry, name).runs))
        except UnknownImage as error:
            found.append(Listed(entry.uri, entry.origin, False, remark=str(error)))
    supported = set(published.supported())
    wanted = [name for name in catalog.repositories() if name in supported or everything]
    return [*found, *map(_published, wanted)]


def _published(repository: str) -> Listed:
    region, accounts = next(iter(catalog.accounts(repository).items()))
    entry = catalog.repositories()[repository][0]
    tag = f":{entry['tags'][0]}" if entry["tags"][0] else ""
    for account in sorted(accounts):
        try:
            recipe = resolve(f"{account}.dkr.ecr.{region}.amazonaws.com/{repository}{tag}")
        except UnknownImage as error:
            reason = str(error).partition(" is SageMaker's, but ")[2].partition(". To run it")[0]
            if reason:
                return Listed(repository, catalog.source(), False, remark=reason)
        else:
            return Listed(repository, recipe.origin, True, recipe.runs, recipe.difference)
    return Listed(repository, catalog.source(), False, remark="no version of it is published there")


def explained(uri: str) -> dict[str, Any]:
    """What stands for one image. MdlcError with the reason when nothing does."""
    try:
        recipe = resolve(uri)
    except UnknownImage as error:
        raise MdlcError(str(error)) from None
    return {
        "image": uri,
        "declared": recipe.origin,
        "runs": recipe.runs,
        "version": recipe.version,
        "difference": recipe.difference,
        "environment": _state(recipe),
        "commands": {
            use.value: [*program.command, *program.arguments] for use, program in recipe.programs.items()
        },
    }


def _state(recipe: Recipe) -> str:
    lacking = [name for name in recipe.needs if not INSTALLED[name].is_complete()]
    return f"{', '.join(lacking)}: installed at the first use" if lacking else "installed"
