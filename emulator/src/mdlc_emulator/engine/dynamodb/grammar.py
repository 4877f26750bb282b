"""The grammar of DynamoDB's expressions.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
and Expressions.UpdateExpressions.html, Expressions.ProjectionExpressions.html beside it.
"""

from __future__ import annotations

from functools import lru_cache

from mdlc_emulator.engine.dynamodb.lexer import Tokens
from mdlc_emulator.engine.dynamodb.reserved_words import RESERVED_WORDS
from mdlc_emulator.engine.dynamodb.syntax import (
    And,
    Arithmetic,
    Between,
    Call,
    Comparison,
    Condition,
    In,
    Literal,
    Name,
    Not,
    Operand,
    Or,
    Parsed,
    Path,
    Step,
    Update,
)

COMPARATORS = ("=", "<>", "<=", ">=", "<", ">")
# Function -> how many arguments it takes.
CONDITIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
SET_FUNCTIONS = {"if_not_exists": 2, "list_append": 2}
MOST_IN = 100


@lru_cache(maxsize=4096)
def parse_condition(label: str, text: str) -> Parsed[Condition]:
    """A ConditionExpression, FilterExpression or KeyConditionExpression (`label` says which)."""
    parser = _Parser(label, text)
    tree = parser.disjunction()
    parser.tokens.expect_end()
    return parser.parsed(tree)


@lru_cache(maxsize=4096)
def parse_projection(text: str) -> Parsed[tuple[Path, ...]]:
    parser = _Parser("ProjectionExpression", text)
    paths = [parser.path()]
    while parser.tokens.take(","):
        paths.append(parser.path())
    parser.tokens.expect_end()
    return parser.parsed(tuple(paths))


@lru_cache(maxsize=4096)
def parse_update(text: str) -> Parsed[Update]:
    parser = _Parser("UpdateExpression", text)
    tree = parser.update()
    return parser.parsed(tree)


class _Parser:
    def __init__(self, label: str, text: str) -> None:
        self.tokens = Tokens(label, text)
        self._names: set[str] = set()
        self._values: set[str] = set()

    def parsed[T](self, tree: T) -> Parsed[T]:
        return Parsed(tree, frozenset(self._names), frozenset(self._values))

    # Conditions, loosest binding first.

    def disjunction(self) -> Condition:
        left = self._conjunction()
        while self.tokens.take_word("OR"):
            left = Or(left, self._conjunction())
        return left

    def _conjunction(self) -> Condition:
        left = self._negation()
        while self.tokens.take_word("AND"):
            left = And(left, self._negation())
        return left

    def _negation(self) -> Condition:
        if self.tokens.take_word("NOT"):
            return Not(self._negation())
        if self.tokens.take("("):
            inner = self.disjunction()
            self.tokens.expect(")")
            return inner
        return self._test()

    def _test(self) -> Condition:
        left = self._condition_operand()
        token = self.tokens.peek()
        if token.kind == "symbol" and token.text in COMPARATORS:
            self.tokens.next()
            return Comparison(token.text, left, self._condition_operand())
        if self.tokens.take_word("BETWEEN"):
            low = self._condition_operand()
            self.tokens.expect_word("AND")
            return Between(left, low, self._condition_operand())
        if self.tokens.take_word("IN"):
            self.tokens.expect("(")
            among = [self._condition_operand()]
            while self.tokens.take(","):
                among.append(self._condition_operand())
            self.tokens.expect(")")
            if len(among) > MOST_IN:
                raise self.tokens.invalid("The IN operator is provided with too many operands")
            return In(left, tuple(among))
        if isinstance(left, Call) and left.function in CONDITIONS:
            return left
        raise self.tokens.syntax_error()

    def _condition_operand(self) -> Operand:
        return self._operand({**CONDITIONS, "size": 1})

    # Updates.

    def update(self) -> Update:
        clauses: dict[str, list[tuple[Path, Operand]]] = {}
        while self.tokens.peek().kind != "end":
            word = self.tokens.next().text.upper()
            if word not in ("SET", "REMOVE", "ADD", "DELETE"):
                self.tokens._at -= 1
                raise self.tokens.syntax_error()
            if word in clauses:
                raise self.tokens.invalid(
                    f'The "{word}" section can only be used once in an update expression;'
                )
            clauses[word] = [self._action(word)]
            while self.tokens.take(","):
                clauses[word].append(self._action(word))
        return Update(
            sets=tuple(clauses.get("SET", ())),
            removes=tuple(path for path, _ in clauses.get("REMOVE", ())),
            adds=tuple((path, value) for path, value in clauses.get("ADD", ()) if isinstance(value, Literal)),
            deletes=tuple(
                (path, value) for path, value in clauses.get("DELETE", ()) if isinstance(value, Literal)
            ),
        )

    def _action(self, word: str) -> tuple[Path, Operand]:
        path = self.path()
        if word == "SET":
            self.tokens.expect("=")
            return path, self._sum()
        if word == "REMOVE":
            return path, path
        if not self.tokens.peek().text.startswith(":"):
            raise self.tokens.syntax_error()
        return path, self._operand({})

    def _sum(self) -> Operand:
        left = self._set_operand()
        for sign in ("+", "-"):
            if self.tokens.take(sign):
                return Arithmetic(sign, left, self._set_operand())
        return left

    def _set_operand(self) -> Operand:
        if self.tokens.take("("):
            inner = self._sum()
            self.tokens.expect(")")
            return inner
        return self._operand(SET_FUNCTIONS)

    # Operands.

    def _operand(self, functions: dict[str, int]) -> Operand:
        token = self.tokens.peek()
        if token.kind == "placeholder" and token.text.startswith(":"):
            self.tokens.next()
            self._values.add(token.text)
            return Literal(token.text)
        if token.kind == "word" and self.tokens.peek(1).text == "(":
            return self._call(functions)
        return self.path()

    def _call(self, functions: dict[str, int]) -> Call:
        function = self.tokens.next().text
        known = {**CONDITIONS, **SET_FUNCTIONS, "size": 1}
        if function not in known:
            raise self.tokens.invalid(f"Invalid function name; function: {function}")
        if function not in functions:
            raise self.tokens.invalid(
                f"The function is not allowed to be used this way in an expression; function: {function}"
            )
        self.tokens.expect("(")
        arguments = [self._operand(functions)]
        while self.tokens.take(","):
            arguments.append(self._operand(functions))
        self.tokens.expect(")")
        if len(arguments) != functions[function]:
            raise self.tokens.invalid(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {function}, number of operands: {len(arguments)}"
            )
        wants_path = function in (
            "attribute_exists",
            "attribute_not_exists",
            "attribute_type",
            "if_not_exists",
        )
        if wants_path and not isinstance(arguments[0], Path):
            raise self.tokens.invalid(
                f"Operator or function requires a document path; operator or function: {function}"
            )
        return Call(function, tuple(arguments))

    def path(self) -> Path:
        steps: list[Step] = [self._name()]
        while True:
            if self.tokens.take("."):
                steps.append(self._name())
            elif self.tokens.take("["):
                token = self.tokens.next()
                if token.kind != "index":
                    raise self.tokens.syntax_error()
                steps.append(int(token.text))
                self.tokens.expect("]")
            else:
                return Path(tuple(steps))

    def _name(self) -> Name:
        token = self.tokens.peek()
        if token.kind == "placeholder" and token.text.startswith("#"):
            self._names.add(token.text)
        elif token.kind != "word":
            raise self.tokens.syntax_error()
        elif token.text.upper() in RESERVED_WORDS:
            raise self.tokens.invalid(f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
        self.tokens.next()
        return Name(token.text)
