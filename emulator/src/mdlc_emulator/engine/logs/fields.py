"""Filter patterns over space-delimited events: `[ip, user, ..., status = 4* && status != 404, bytes]`."""

import re

from mdlc_emulator.engine.logs.values import Compared, Matches, PatternError, comparison

_FIELD = re.compile(r'"((?:[^"\\]|\\.)*)"|\[([^\]]*)\]|(\S+)')
_CONDITION = re.compile(
    r"""\s*([\w.\-]+)\s*(!=|<=|>=|=|<|>)\s*(?:"((?:[^"\\]|\\.)*)"|(%[^%]*%|[^\s&|]+))\s*"""
)
_ANY_NUMBER = "..."


def fields_pattern(text: str) -> Matches:
    """Compile `[ ... ]`. An event matches when it has as many fields as are named (`...` stands for any
    number of them) and each meets its conditions. PatternError."""
    if not text.endswith("]"):
        raise PatternError("A pattern of fields ends with ']'")
    names = [part.strip() for part in _split(text[1:-1])]
    if names.count(_ANY_NUMBER) > 1:
        raise PatternError("'...' may stand only once")
    tests = [None if name == _ANY_NUMBER else _conditions(name) for name in names]
    gap = tests.index(None) if None in tests else len(tests)
    before = [test for test in tests[:gap] if test is not None]
    after = [test for test in tests[gap + 1 :] if test is not None]
    open_ended = gap < len(tests)

    def matches(message: str) -> bool:
        found = [next(part for part in groups if part is not None) for groups in _fields(message)]
        enough = len(before) + len(after)
        if len(found) < enough or (len(found) > enough and not open_ended):
            return False
        ends = found[len(found) - len(after) :]
        return all(
            test(value) for test, value in zip([*before, *after], [*found[: len(before)], *ends], strict=True)
        )

    return matches


def _fields(message: str) -> list[tuple[str | None, ...]]:
    return [found.groups() for found in _FIELD.finditer(message)]


def _split(text: str) -> list[str]:
    """At commas outside of quotes."""
    return re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+', text)


def _conditions(text: str) -> Compared:
    """`name`, `name = 4*`, `name = a || name = b`: && binds closer than ||."""
    if re.fullmatch(r"[\w.\-]*", text):
        return lambda _: True
    choices = [[_condition(one) for one in choice.split("&&")] for choice in text.split("||")]
    return lambda value: any(all(test(value) for test in choice) for choice in choices)


def _condition(text: str) -> Compared:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise PatternError(f"Invalid condition of a field: '{text.strip()[:60]}'")
    quoted = found[3] is not None
    return comparison(found[2], found[3] if quoted else found[4], quoted)
