"""CloudWatch Logs' filter patterns: terms, JSON selectors and space-delimited fields.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
A pattern is compiled to a predicate over the text of an event; `PatternError` says why one makes no sense.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from mdlc_emulator.engine.logs.fields import fields_pattern
from mdlc_emulator.engine.logs.selectors import json_pattern
from mdlc_emulator.engine.logs.values import Matches, PatternError, regex

__all__ = ["Matches", "PatternError", "compile_pattern"]

_TERM = re.compile(r"""\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%((?:[^%\\]|\\.)*)%|([^\s"%]+))(?=\s|$)""")


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Matches:
    """Whether an event's message matches `pattern`; the empty pattern matches every event. PatternError."""
    text = pattern.strip()
    if text.startswith("{"):
        return json_pattern(text)
    if text.startswith("["):
        return fields_pattern(text)
    return _terms(text)


def _terms(text: str) -> Matches:
    wanted: list[Callable[[str], bool]] = []
    refused: list[Callable[[str], bool]] = []
    optional: list[Callable[[str], bool]] = []
    position = 0
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None:
            raise PatternError(f"Invalid character(s) in term '{text[position:].strip()[:40]}'")
        position = found.end()
        kind = {"": wanted, "-": refused, "?": optional}[found[1]]
        kind.append(_term(found))
    if wanted or refused:
        # Beside other terms, those with a question mark count for nothing.
        return lambda message: (
            all(one(message) for one in wanted) and not any(one(message) for one in refused)
        )
    return lambda message: not optional or any(one(message) for one in optional)


def _term(found: re.Match[str]) -> Callable[[str], bool]:
    if found[3] is not None:
        expression = regex(found[3])
        return lambda message: expression.search(message) is not None
    word = found[4] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2])
    if found[2] is None and not re.fullmatch(r"\w+", word):
        raise PatternError(f"Invalid character(s) in term '{word[:40]}'")
    return lambda message: word in message
