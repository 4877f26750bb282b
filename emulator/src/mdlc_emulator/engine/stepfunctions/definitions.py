"""Definitions parsed once: the parser takes milliseconds per state, the result holds no state of an
execution."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from localstack.services.stepfunctions.asl.antlt4utils import antlr4utils
from localstack.services.stepfunctions.asl.component.common.string.string_expression import StringJSONata
from localstack.services.stepfunctions.asl.parse.asl_parser import (
    AmazonStateLanguageParser,
    ASLParserException,
)
from localstack.services.stepfunctions.asl.parse.preprocessor import Preprocessor

from mdlc_emulator.engine.stepfunctions.jsonata import JsonataError, validate
from mdlc_emulator.engine.stepfunctions.locations import expressions
from mdlc_emulator.engine.stepfunctions.maps.settings import Settings, SettingsError, taken_out
from mdlc_emulator.engine.stepfunctions.patching import original, replace, replace_everywhere
from mdlc_emulator.engine.stepfunctions.stock import CommonStateField


def install() -> None:
    parse = original(AmazonStateLanguageParser, "parse")

    @lru_cache(maxsize=128)
    def parse_once(definition: str) -> tuple[Any, Any]:
        try:
            known, settings = taken_out(definition)
        except SettingsError as error:
            raise ASLParserException(errors=[f"SCHEMA_VALIDATION_FAILED: {error}"]) from None
        program, tree = parse(known)
        prepare(program, settings)
        return program, tree

    replace(AmazonStateLanguageParser, "parse", staticmethod(parse_once))
    replace(Preprocessor, "_inner_string_of", staticmethod(_text_of_node))
    before = original(antlr4utils, "from_string_literal")
    replace_everywhere("localstack.services.stepfunctions", before, _text_of_node)


def _text_of_node(parser_rule_context: Any) -> str | None:
    """The text that a JSON string of the definition stands for; the stock parser leaves escapes as they
    are."""
    text: str = parser_rule_context.getText()
    if text == "null":
        return None
    if text.startswith('"') and text.endswith('"'):
        decoded: str = json.loads(text, strict=False)
        return decoded
    return text


def prepare(program: Any, settings: dict[str, Settings]) -> None:
    """Tell every JSONata expression of `program` where it stands; raises ASLParserException for those that
    are none."""
    errors = []
    for state in _states(program):
        component = getattr(state, "iteration_component", None)
        if component is not None and state.name in settings:
            component.mdlc_settings = settings[state.name]
        for location, expression in expressions(state, StringJSONata, CommonStateField):
            expression.location = location
            try:
                validate(expression.expression)
            except JsonataError as error:
                where = f"/States/{state.name}/{location}"
                errors.append(
                    f"SCHEMA_VALIDATION_FAILED: The JSONata expression '{expression.expression}' "
                    f"is not valid: {error} at {where}"
                )
    if errors:
        raise ASLParserException(errors=errors)


def _states(node: Any, seen: set[int] | None = None) -> Any:
    """Every state of a program, nested ones included."""
    seen = set() if seen is None else seen
    if isinstance(node, list | tuple):
        for item in node:
            yield from _states(item, seen)
        return
    if isinstance(node, dict):
        for item in node.values():
            yield from _states(item, seen)
        return
    if not hasattr(node, "__dict__") or id(node) in seen or isinstance(node, type):
        return
    seen.add(id(node))
    if isinstance(node, CommonStateField):
        yield node
    for item in list(vars(node).values()):
        yield from _states(item, seen)
