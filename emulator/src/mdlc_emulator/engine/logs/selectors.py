"""Filter patterns over JSON events: `{ ($.level = "ERROR" && $.took > 100) || $.user IS NULL }`."""

import json
import re
from collections.abc import Callable, Iterator

from mdlc_emulator.engine.logs.values import Matches, PatternError, comparison

type Test = Callable[[object], bool]

_PATH = r"""\$(?:\.(?:\['[^']*'\]|\["[^"]*"\]|[\w\-:@/]+|\*)|\[(?:\d+|\*|'[^']*'|"[^"]*")\])*"""
_TOKEN = re.compile(
    rf"""\s*(?:(?P<path>{_PATH})|(?P<text>"(?:[^"\\]|\\.)*")|(?P<regex>%(?:[^%\\]|\\.)*%)
    |(?P<sign>&&|\|\||!=|<=|>=|=|<|>|\(|\))|(?P<word>[^\s()=<>!&|"]+))""",
    re.VERBOSE,
)
_STEP = re.compile(r"""\.?\['([^']*)'\]|\.?\["([^"]*)"\]|\[(\d+)\]|\[(\*)\]|\.([^.\[]+)""")
_STATES = {("IS", "NULL"), ("IS", "TRUE"), ("IS", "FALSE"), ("NOT", "EXISTS")}


def json_pattern(text: str) -> Matches:
    """Compile `{ ... }`. Events that are no JSON never match. PatternError."""
    if not text.endswith("}"):
        raise PatternError("A JSON pattern ends with '}'")
    parser = _Parser(list(_tokens(text[1:-1])))
    test = parser.either()
    if parser.left:
        raise PatternError(f"Nothing may follow at '{parser.left[0][1]}'")

    def matches(message: str) -> bool:
        try:
            event = json.loads(message)
        except ValueError:
            return False
        return isinstance(event, (dict, list)) and test(event)

    return matches


def selected(event: object, path: str) -> list[object]:
    """The values that `path` (`$.a.b[0]`) selects in a decoded event; empty when there are none."""
    found = [event]
    for name, other, index, every, plain in _STEP.findall(path[1:]):
        found = [
            inner
            for outer in found
            for inner in _inner(outer, name or other or plain, index, every or plain == "*")
        ]
    return found


def _inner(outer: object, name: str, index: str, every: object) -> Iterator[object]:
    if isinstance(outer, list):
        if every:
            yield from outer
        elif index and int(index) < len(outer):
            yield outer[int(index)]
    elif isinstance(outer, dict) and not index:
        if every:
            yield from outer.values()
        elif name in outer:
            yield outer[name]


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while text[position:].strip():
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise PatternError(f"Invalid character(s) at '{text[position:].strip()[:40]}'")
        yield found.lastgroup, found[found.lastgroup]
        position = found.end()


class _Parser:
    """or-of-and-of-tests, by recursive descent; `left` holds the tokens that are not read yet."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.left = tokens

    def either(self) -> Test:
        tests = [self.both()]
        while self._take("||"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda event: any(test(event) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self._take("&&"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda event: all(test(event) for test in tests)

    def one(self) -> Test:
        if self._take("("):
            test = self.either()
            if not self._take(")"):
                raise PatternError("A parenthesis is not closed")
            return test
        kind, path = self._next()
        if kind != "path":
            raise PatternError(f"A selector such as $.name is expected at '{path}'")
        kind, operator = self._next()
        if kind == "word":
            return self._state(path, operator.upper())
        if operator not in ("=", "!=", "<", "<=", ">", ">="):
            raise PatternError(f"An operator is expected at '{operator}'")
        kind, literal = self._next()
        if kind not in ("text", "word", "regex"):
            raise PatternError(f"A value is expected at '{literal}'")
        quoted = kind == "text"
        compare = comparison(operator, re.sub(r"\\(.)", r"\1", literal[1:-1]) if quoted else literal, quoted)
        return lambda event: any(compare(value) for value in selected(event, path))

    def _state(self, path: str, first: str) -> Test:
        state = (first, self._next()[1].upper())
        if state not in _STATES:
            raise PatternError(f"'{' '.join(state)}' is none of IS NULL, IS TRUE, IS FALSE, NOT EXISTS")
        if state == ("NOT", "EXISTS"):
            return lambda event: not selected(event, path)
        wanted = {"NULL": None, "TRUE": True, "FALSE": False}[state[1]]
        return lambda event: any(value is wanted for value in selected(event, path))

    def _next(self) -> tuple[str, str]:
        if not self.left:
            raise PatternError("The pattern ends too early")
        return self.left.pop(0)

    def _take(self, sign: str) -> bool:
        if self.left and self.left[0] == ("sign", sign):
            self.left.pop(0)
            return True
        return False
