r"""Regular expressions of AWS's models, which are Java's, as Python's.

Python lacks Java's classes of characters (`\p{L}`), its `\z`, and writes characters beyond the basic plane
otherwise. Source: https://docs.oracle.com/javase/8/docs/api/java/util/regex/Pattern.html
"""

import functools
import itertools
import re
import sys
import unicodedata
from collections import defaultdict

_CLASS = re.compile(r"\\p\{(\w+)\}")
_PAIR = re.compile(r"\\u(D[89AB][0-9A-F]{2})\\u(D[C-F][0-9A-F]{2})", re.IGNORECASE)
_POSIX = {
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7F",
    "Print": r"\x20-\x7E",
    "Graph": r"\x21-\x7E",
    "Punct": r"!-/:-@\[-`{-~",
    "Space": r" \t\n\x0B\f\r",
}


@functools.cache
def compile_pattern(java: str) -> re.Pattern[str]:
    """The pattern, ready to match. re.error for what is beyond this translation."""
    text = _PAIR.sub(_beyond_the_basic_plane, java)
    # Some models repeat the end of the text ("...)${1,128}"): their length is a constraint of its own.
    text = re.sub(r"\$\{[\d,]+\}", "$", text).replace(r"\z", r"\Z")
    parts: list[str] = []
    end = 0
    for found in _CLASS.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        characters = _POSIX.get(found[1]) or _category(found[1])
        inside = "".join(parts).rfind("[") > "".join(parts).rfind("]")
        parts.append(characters if inside else f"[{characters}]")
    return re.compile("".join(parts) + text[end:])


def _beyond_the_basic_plane(pair: re.Match[str]) -> str:
    high, low = int(pair[1], 16), int(pair[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"


@functools.cache
def _category(name: str) -> str:
    """The characters of a Unicode category ("L", "Nd") as ranges for a character class."""
    ranges = [run for category, runs in _runs().items() if category.startswith(name) for run in runs]
    if not ranges:
        raise re.error(f"no character is in the category {name}")
    return "".join(f"\\U{first:08X}-\\U{last:08X}" for first, last in sorted(ranges))


@functools.cache
def _runs() -> dict[str, list[tuple[int, int]]]:
    """The first and last character of each run, by category; 0.2 s, once, by the first such pattern."""
    runs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for category, run in itertools.groupby(
        range(sys.maxunicode + 1), key=lambda point: unicodedata.category(chr(point))
    ):
        points = list(run)
        runs[category].append((points[0], points[-1]))
    return runs
