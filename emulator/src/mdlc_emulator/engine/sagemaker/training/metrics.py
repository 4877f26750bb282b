"""Metrics that a training job prints: found in its log by regular expressions.

https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LONGEST_LINE = 1 << 16
"""Characters of a line that are looked at."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A metric's name and the expression whose first group is its value."""

    name: str
    regex: re.Pattern[str]


def compile_definitions(definitions: Sequence[Mapping[str, str]]) -> list[Definition]:
    """MetricDefinitions, ready to search. re.error, with the expression, for one that is none."""
    return [Definition(each["Name"], re.compile(each["Regex"])) for each in definitions]


def scrape(definitions: Sequence[Definition], line: str) -> Iterator[tuple[str, float]]:
    """The values that a line of the log holds: every match of every definition, in the order of definitions.

    What the first group (the whole match where there is no group) says must be a number, else it is no value.
    """
    line = line[:LONGEST_LINE]
    for definition in definitions:
        for found in definition.regex.finditer(line):
            text = found[1] if definition.regex.groups else found[0]
            try:
                yield definition.name, float(text)
            except (TypeError, ValueError):
                continue
