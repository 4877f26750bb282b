"""The trees that DynamoDB's expressions become.

Placeholders (`#name`, `:value`) stay unresolved in them, so that one parsed expression serves every request
that sends the same text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Name(NamedTuple):
    """A step of a path: an attribute's name, or the placeholder of one."""

    text: str

    @property
    def placeholder(self) -> bool:
        return self.text.startswith("#")


type Step = Name | int


@dataclass(frozen=True, slots=True)
class Path:
    """`a.b[3].#c`; steps are names and list indexes, the first is a name."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A `:value` placeholder."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function: `size(path)`, `if_not_exists(path, operand)`, ..."""

    function: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left + right` or `left - right`, in SET only."""

    sign: str
    left: Operand
    right: Operand


type Operand = Path | Literal | Call | Arithmetic


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left <operator> right` with =, <>, <, <=, > or >=."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    value: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class In:
    value: Operand
    among: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Not:
    inner: Condition


@dataclass(frozen=True, slots=True)
class And:
    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Or:
    left: Condition
    right: Condition


type Condition = Comparison | Between | In | Not | And | Or | Call


@dataclass(frozen=True, slots=True)
class Update:
    """The clauses of an UpdateExpression."""

    sets: tuple[tuple[Path, Operand], ...] = ()
    removes: tuple[Path, ...] = ()
    adds: tuple[tuple[Path, Literal], ...] = ()
    deletes: tuple[tuple[Path, Literal], ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        return (
            *(path for path, _ in self.sets),
            *self.removes,
            *(path for path, _ in self.adds),
            *(path for path, _ in self.deletes),
        )


@dataclass(frozen=True, slots=True)
class Parsed[T]:
    """A tree with the placeholders it uses."""

    tree: T
    names: frozenset[str]
    values: frozenset[str]
