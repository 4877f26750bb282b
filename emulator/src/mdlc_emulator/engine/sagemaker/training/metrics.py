"""Metrics that a training job prints: found in its log by regular expressions.

https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import regex

LONGEST_LINE = 1 << 16
"""Characters of a line that are looked at."""
SECONDS = 1.0
"""For which one expression may search one line."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A metric's name and the expression whose first group is its value."""

    name: str
    regex: Any
    """Of the module `regex`, which understands what `re` does, but lets the engine's other threads run while
    it searches, and gives up: by `re` one line and one bad expression stop the whole emulator."""


def compile_definitions(definitions: Sequence[Mapping[str, str]]) -> list[Definition]:
    """MetricDefinitions, ready to search. re.error, with the expression, for one that is none."""
    return [Definition(each["Name"], _compiled(each["Regex"])) for each in definitions]


def _compiled(expression: str) -> Any:
    re.compile(expression)
    try:
        return regex.compile(expression)
    except regex.error as error:
        raise re.error(str(error), expression) from error


def scrape(
    definitions: Sequence[Definition], line: str, slow: Callable[[Definition], None]
) -> Iterator[tuple[str, float]]:
    """The values that a line of the log holds: every match of every definition, in the order of definitions.
    `slow` is told of a definition that has searched the line for `SECONDS` in vain.

    What the first group (the whole match where there is no group) says must be a number, else it is no value.
    """
    line = line[:LONGEST_LINE]
    for definition in definitions:
        try:
            matches = list(definition.regex.finditer(line, concurrent=True, timeout=SECONDS))
        except TimeoutError:
            slow(definition)
            continue
        for found in matches:
            text = found[1] if definition.regex.groups else found[0]
            try:
                yield definition.name, float(text)
            except (TypeError, ValueError):
                continue
