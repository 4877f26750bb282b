"""How one value of an event is compared with what a filter pattern names: numbers, text with `*`, regular
expressions."""

import re
from collections.abc import Callable

type Matches = Callable[[str], bool]
type Compared = Callable[[object], bool]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
ORDERED: dict[str, Callable[[float, float], bool]] = {
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


class PatternError(ValueError):
    """A filter pattern that CloudWatch Logs would refuse; `str()` is the message for the client."""


def regex(text: str) -> re.Pattern[str]:
    """The expression between two percent signs. PatternError when it is none."""
    try:
        return re.compile(text)
    except re.error as error:
        raise PatternError(f"Invalid regular expression '{text}': {error}") from None


def number(value: object) -> float | None:
    """`value` as a number, also of text that is one; None for anything else, True and False too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return None


def comparison(operator: str, literal: str, quoted: bool) -> Compared:
    """A test of one value: `operator` is one of = != < <= > >=. PatternError where only numbers would do."""
    if operator in ORDERED:
        bound = number(literal)
        if bound is None:
            raise PatternError(f"{operator} compares numbers, and '{literal}' is none")
        ordered, limit = ORDERED[operator], bound
        return lambda value: (found := number(value)) is not None and ordered(found, limit)
    equal = _equal(literal, quoted)
    return equal if operator == "=" else lambda value: not equal(value)


def _equal(literal: str, quoted: bool) -> Compared:
    if not quoted and len(literal) > 1 and literal.startswith("%") and literal.endswith("%"):
        expression = regex(literal[1:-1])
        return lambda value: expression.search(_text(value)) is not None
    if not quoted and (exact := number(literal)) is not None:
        wanted = exact
        return lambda value: number(value) == wanted
    shape = re.compile(
        "".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", literal)), re.S
    )
    return lambda value: isinstance(value, (str, int, float)) and shape.fullmatch(_text(value)) is not None


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
