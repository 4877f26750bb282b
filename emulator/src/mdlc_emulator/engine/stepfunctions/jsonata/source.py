"""What an expression's text says before it is evaluated: the names it uses, and whether it is a plain
path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from mdlc_emulator.engine.stepfunctions.jsonata.errors import JsonataError

# Strings, quoted names, comments and regular expressions hide what they hold from the scan.
_TOKENS = re.compile(
    r"""
      (?P<hidden> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*` | /\*.*?\*/
                | (?<=[(,~>=:;!\[{])\s*/(?:\\.|[^\\/\n])+/[im]* )
    | (?P<late> \?\? | \?: )
    | (?P<name> \$[A-Za-z0-9_]+ (?:\.[A-Za-z_][A-Za-z0-9_]*)? )
    | (?P<root> \$\$? )
    """,
    re.VERBOSE | re.DOTALL,
)
_PATH = re.compile(r"^\$([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z_][A-Za-z0-9_]*)*)$")
_KEYWORDS = {"and", "or", "in", "true", "false", "null", "function"}


@dataclass(frozen=True)
class Source:
    """One expression, scanned once. `variables`: the names after `$`; `states`: which parts of `$states` are
    read, None for all of it; `path`: (variable, *fields) when the whole expression is such a path."""

    text: str
    variables: frozenset[str]
    states: frozenset[str] | None
    path: tuple[str, ...] | None


@lru_cache(maxsize=4096)
def scan(text: str) -> Source:
    """Scan `text`. Raises JsonataError for what JSONata gained after 2.0.6, which is what Step Functions
    speaks."""
    variables: set[str] = set()
    states: set[str] | None = set()
    for token in _TOKENS.finditer(text):
        if late := token.group("late"):
            raise JsonataError("S0204", f"Unknown operator: {late}")
        if name := token.group("name"):
            variable, _, field = name[1:].partition(".")
            variables.add(variable)
            if variable == "states":
                if field and states is not None:
                    states.add(field)
                elif not field:
                    states = None
    plain = _PATH.match(text)
    path = None
    if plain:
        fields = plain.group(2).split(".")[1:]
        if not _KEYWORDS.intersection(fields):
            path = (plain.group(1), *fields)
    return Source(text, frozenset(variables), None if states is None else frozenset(states), path)
