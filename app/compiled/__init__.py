"""The compiled form of lifecycles: all that Lambda knows of a declaration, read by msgspec alone.

`<name>.json` beside this file is written by `mdlc package` (app/compiling.py). It holds the digest of the
source it was compiled from; a form whose source has changed since is refused, with how to build it again.
"""

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

FORMAT = 1
"""Raised whenever the meaning of the compiled form changes; a form of another number is refused."""

COMPILED = Path(__file__).parent
DECLARATIONS = COMPILED.parent / "lifecycles"
_COMPILER = ("lifecycle.py", "contract.py", "compiling.py")
REBUILD = "Run `mdlc package` (`mdlc deploy` does it too), then deploy again."

ColumnType = Literal["bool", "int8", "int16", "int32", "int64", "float32", "float64", "string", "datetime"]
"""A `datetime` is an instant in UTC."""

CheckKind = Literal["at_least", "more_than", "at_most", "less_than", "one_of", "matches", "length"]
"""`length` holds [least, most] characters, either may be null; `matches` a pattern that must match from the
start."""


class StaleLifecycleError(Exception):
    """A declaration has no compiled form, or one of another source."""


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One condition that every value of a column that is not null keeps."""

    kind: CheckKind
    value: bool | int | float | str | list[int | float | str | None]


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One canonical column of a contract."""

    name: str
    type: ColumnType
    nullable: bool
    unique: bool
    checks: tuple[Check, ...]


class CompiledSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where records come from and which columns say whose, when, and when known."""

    stream: str | None
    batch: str | None
    contract: str
    entity: tuple[str, ...]
    event_time: str
    arrival_time: str
    columns: tuple[Column, ...]


class CompiledLifecycle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One lifecycle. `digest` covers its meaning, `source_digest` the text it was compiled from."""

    format: int
    name: str
    source: CompiledSource
    digest: str
    source_digest: str


def source_digest(declaration: Path) -> str:
    """SHA-256 of a declaration and of what compiles it, the same whatever line ends the checkout has."""
    digest = hashlib.sha256()
    for path in (declaration, *(declaration.parent.parent / name for name in _COMPILER)):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n") if path.exists() else b"")
        digest.update(b"\0")
    return digest.hexdigest()


def declared(declarations: Path = DECLARATIONS) -> list[Path]:
    """The files that declare a lifecycle, by name."""
    return sorted(path for path in declarations.glob("*.py") if not path.stem.startswith("_"))


def load(compiled: Path = COMPILED, declarations: Path = DECLARATIONS) -> dict[str, CompiledLifecycle]:
    """Every declared lifecycle in its compiled form, by name.

    Raises StaleLifecycleError, naming the declaration and how to build it again.
    """
    return {path.stem: _load_one(path, compiled / f"{path.stem}.json") for path in declared(declarations)}


def _load_one(declaration: Path, compiled: Path) -> CompiledLifecycle:
    subject = f"The lifecycle app/lifecycles/{declaration.name}"
    if not compiled.exists():
        raise StaleLifecycleError(f"{subject} has not been compiled. {REBUILD}")
    try:
        lifecycle = msgspec.json.decode(compiled.read_bytes(), type=CompiledLifecycle)
    except msgspec.MsgspecError as error:
        raise StaleLifecycleError(
            f"{subject} was compiled by another version ({error}). {REBUILD}"
        ) from error
    if lifecycle.format != FORMAT:
        raise StaleLifecycleError(f"{subject} was compiled by another version of mdlc. {REBUILD}")
    if lifecycle.source_digest != source_digest(declaration):
        raise StaleLifecycleError(f"{subject} has changed since it was compiled. {REBUILD}")
    return lifecycle
