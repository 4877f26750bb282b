"""Expressions cut into tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

from mdlc_emulator.engine.aws_error import AwsError

MOST_BYTES = 4096
END = "<EOF>"
_TOKEN = re.compile(
    r"\s*(?:(?P<placeholder>[#:][A-Za-z0-9_]+)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<index>\d+)"
    r"|(?P<symbol><>|<=|>=|[=<>(),.\[\]+\-])|(?P<bad>\S))"
)


class Token(NamedTuple):
    """`kind` is one of placeholder, word, index, symbol, end."""

    kind: str
    text: str

    def is_word(self, word: str) -> bool:
        return self.kind == "word" and self.text.upper() == word


class Tokens:
    """A cursor over the tokens of one expression; `label` names the parameter it came in."""

    def __init__(self, label: str, text: str) -> None:
        self._label = label
        if not text.strip():
            raise self.invalid("The expression can not be empty;")
        if len(text.encode()) > MOST_BYTES:
            raise self.invalid(
                "Expression size has exceeded the maximum allowed size; "
                f"expression size: {len(text.encode())}"
            )
        self._tokens: list[Token] = []
        for match in _TOKEN.finditer(text):
            kind = match.lastgroup
            assert kind is not None
            self._tokens.append(Token(kind, match[kind]))
        self._at = 0
        for at, token in enumerate(self._tokens):
            if token.kind == "bad":
                self._at = at
                raise self.syntax_error()

    def invalid(self, message: str) -> AwsError:
        return AwsError("ValidationException", f"Invalid {self._label}: {message}")

    def syntax_error(self) -> AwsError:
        near = self._tokens[max(0, self._at - 1) : self._at + 2]
        shown = " ".join(token.text for token in near)
        return self.invalid(f'Syntax error; token: "{self.peek().text}", near: "{shown}"')

    def peek(self, ahead: int = 0) -> Token:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else Token("end", END)

    def next(self) -> Token:
        token = self.peek()
        self._at += 1
        return token

    def take(self, symbol: str) -> bool:
        """Step over `symbol` when it stands next."""
        if self.peek() == Token("symbol", symbol):
            self._at += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        if not self.take(symbol):
            raise self.syntax_error()

    def take_word(self, word: str) -> bool:
        if self.peek().is_word(word):
            self._at += 1
            return True
        return False

    def expect_word(self, word: str) -> None:
        if not self.take_word(word):
            raise self.syntax_error()

    def expect_end(self) -> None:
        if self.peek().kind != "end":
            raise self.syntax_error()
