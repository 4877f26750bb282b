"""mdlc-images.toml: a user's recipes. Errors name the line, the key and what would be right."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mdlc_emulator.images.names import ImageName

NAME = "mdlc-images.toml"
PROJECT = "project"
"""The environment that the emulator was started from."""
ALGORITHMS = "algorithms"
"""The emulator's own environment, which SageMaker's images run in."""
FRAMEWORKS = ("pytorch", "scikit-learn", "xgboost")

KEYS = {
    "uri": "a repository, with or without registry and tag, * standing for anything",
    "environment": f'a path to a virtual environment, "{PROJECT}" or "{ALGORITHMS}"',
    "framework": "one of " + ", ".join(FRAMEWORKS),
    "entrypoint": "a list of strings, as ENTRYPOINT of a Dockerfile",
    "command": "a list of strings, as CMD of a Dockerfile",
    "train": "a list of strings: the command that trains",
    "serve": "a list of strings: the command that serves",
    "directory": "a path, the working directory",
    "variables": "a table of strings, as ENV of a Dockerfile",
    "mounts": 'a table: absolute path inside = "directory here"',
}
_COMMANDS = ("entrypoint", "command", "train", "serve")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class RecipeFileError(Exception):
    """The file says something that makes no sense; the message begins with file and line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One [[image]] of a file. Paths are absolute; `environment` is "project", "algorithms" or a path;
    `line` is where it begins."""

    file: Path
    line: int
    uri: str
    environment: str = PROJECT
    framework: str | None = None
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    train: Sequence[str] = ()
    serve: Sequence[str] = ()
    directory: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[tuple[Path, str]] = ()

    @property
    def origin(self) -> str:
        """ "mdlc-images.toml:3"."""
        return f"{self.file}:{self.line}"

    def matches(self, name: ImageName) -> bool:
        """Whether `uri` stands for the image: for its repository, with or without registry and tag."""
        full = f"{name.registry}/{name.repository}" if name.registry else name.repository
        tag = f":{name.tag or 'latest'}"
        forms = (name.uri, full + tag, full, name.repository + tag, name.repository)
        return any(fnmatchcase(form, self.uri) for form in forms)


def read(path: Path) -> list[Entry]:
    """The entries of a file, in its order. RecipeFileError; OSError when it cannot be read."""
    text = path.read_text(encoding="utf-8")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+)", str(error))
        line = int(where[1]) if where else len(text.splitlines())
        said = str(error).partition(" (at ")[0]
        raise RecipeFileError(f"{path}:{line}: this is no TOML: {said[:1].lower()}{said[1:]}") from None
    lines = _Lines(text)
    for key in content:
        if key != "image":
            raise RecipeFileError(
                f"{path}:{lines.of_key(None, key)}: {key} is unknown here: write [[image]] tables"
            )
    images = content.get("image", [])
    if not isinstance(images, list):
        raise RecipeFileError(f"{path}:{lines.of_key(None, 'image')}: write [[image]], with double brackets")
    return [_Reader(path, lines, number, table).entry() for number, table in enumerate(images)]


class _Reader:
    """Checks one [[image]] table."""

    def __init__(self, path: Path, lines: "_Lines", number: int, table: Mapping[str, Any]) -> None:
        self._path = path
        self._lines = lines
        self._number = number
        self._table = table

    def entry(self) -> Entry:
        for key in self._table:
            if key not in KEYS:
                near = difflib.get_close_matches(key, KEYS, 1)
                hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(KEYS)}"
                raise self._wrong(key, f"{key} is unknown: {hint}")
        if "uri" not in self._table:
            raise self._wrong("", f"uri is missing: write {KEYS['uri']}")
        uri = self._string("uri")
        if not uri or re.search(r"\s", uri):
            raise self._wrong("uri", f"uri must be {KEYS['uri']}")
        framework = self._string("framework") or None
        if framework is not None and framework not in FRAMEWORKS:
            raise self._wrong("framework", f"framework is {framework!r}: it must be {KEYS['framework']}")
        commands = {key: self._list(key) for key in _COMMANDS}
        return Entry(
            file=self._path,
            line=self._lines.of_table(self._number),
            uri=uri,
            environment=self._environment(),
            framework=framework,
            directory=self._directory("directory", self._string("directory") or "."),
            variables=self._variables(),
            mounts=self._mounts(),
            **commands,
        )

    def _environment(self) -> str:
        named = self._string("environment") or PROJECT
        return named if named in (PROJECT, ALGORITHMS) else str(self._relative(named))

    def _variables(self) -> dict[str, str]:
        variables = self._strings("variables")
        for name in variables:
            if not _VARIABLE.fullmatch(name):
                raise self._wrong(name, f"{name!r} is no name of a variable: letters, digits and _ only")
        return variables

    def _mounts(self) -> list[tuple[Path, str]]:
        mounts = []
        for target, source in self._strings("mounts").items():
            if not target.startswith("/"):
                raise self._wrong(target, f"{target!r} in mounts must be an absolute path, as /opt/program")
            mounts.append((self._directory(target, source), target))
        return mounts

    def _directory(self, key: str, named: str) -> Path:
        path = self._relative(named)
        if not path.is_dir():
            raise self._wrong(key, f"{key}: there is no directory {path}")
        return path

    def _relative(self, named: str) -> Path:
        # Not resolved: an environment is told by the path of its interpreter, which is a symbolic link.
        return Path(self._path.parent.absolute(), Path(named).expanduser())

    def _string(self, key: str) -> str:
        value = self._table.get(key, "")
        if not isinstance(value, str):
            raise self._wrong(key, f"{key} must be {KEYS[key]}")
        return value

    def _list(self, key: str) -> list[str]:
        value = self._table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self._wrong(key, f'{key} must be {KEYS[key]}, like ["python", "-m", "package.module"]')
        return value

    def _strings(self, key: str) -> dict[str, str]:
        value = self._table.get(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, f"{key} must be {KEYS[key]}")
        for name, of in value.items():
            if not isinstance(of, str):
                raise self._wrong(name, f"{name} in {key} must be a string, in quotes")
        return value

    def _wrong(self, key: str, sentence: str) -> RecipeFileError:
        line = self._lines.of_key(self._number, key) if key else self._lines.of_table(self._number)
        return RecipeFileError(f"{self._path}:{line}: {sentence}")


class _Lines:
    """Where things stand in the text: tomllib keeps no lines."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._tables = [
            number for number, line in enumerate(self._lines, 1) if re.match(r"\s*\[\[\s*image\s*\]\]", line)
        ]

    def of_table(self, number: int) -> int:
        """Of the [[image]] with this number, from 0."""
        return self._tables[number] if number < len(self._tables) else 1

    def of_key(self, number: int | None, key: str) -> int:
        """Of `key` in that table, or outside of all tables; its table's line where it is not found."""
        first = 1 if number is None else self.of_table(number)
        following = [line for line in self._tables if line > first]
        last = following[0] - 1 if following and number is not None else len(self._lines)
        quoted = re.escape(key)
        written = re.compile(
            rf"""\s*(\[.*)?['"]?{quoted}['"]?\s*(=|\.|\])|.*[{{,]\s*['"]?{quoted}['"]?\s*="""
        )
        for line in range(first, last + 1):
            if written.match(self._lines[line - 1]):
                return line
        return first
