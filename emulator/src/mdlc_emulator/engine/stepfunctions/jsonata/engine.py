"""Evaluates expressions in process: each parsed once per thread, bounded, and exact about null, undefined and
numbers.

The native engine computes with doubles, as JSONata does. Plain paths (`$states.input.order.id`) are walked
here, without it: quick, and integers beyond 2**53 pass unharmed.
"""

from __future__ import annotations

import datetime
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import jsonatapy

from mdlc_emulator.engine.stepfunctions.jsonata.additions import ADDED, MAX_SEQUENCE, REPLACED
from mdlc_emulator.engine.stepfunctions.jsonata.errors import JsonataError, UnsupportedResultError
from mdlc_emulator.engine.stepfunctions.jsonata.source import Source, scan

# Evaluation holds the interpreter's lock: this is the longest that one expression can hold up the emulator.
MAX_MILLISECONDS = 1000
MAX_DEPTH = 1000
_CACHE_SIZE = 512


class Undefined:
    """JSONata's "nothing": not null. Has one instance, UNDEFINED."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()


class _Compiled(threading.local):
    """The native engine's expressions belong to the thread that parsed them."""

    def __init__(self) -> None:
        self.expressions: OrderedDict[str, jsonatapy.JsonataExpression] = OrderedDict()


_compiled = _Compiled()


def _compile(source: Source) -> jsonatapy.JsonataExpression:
    known = _compiled.expressions
    expression = known.get(source.text)
    if expression is not None:
        known.move_to_end(source.text)
        return expression
    try:
        expression = jsonatapy.compile(
            source.text, timeout=MAX_MILLISECONDS, max_stack_depth=MAX_DEPTH, max_sequence_length=MAX_SEQUENCE
        )
    except ValueError as error:
        raise JsonataError.of(error) from None
    for name in source.variables & ADDED.keys():
        if name == "random":
            expression.register_override(name, ADDED[name])
        else:
            expression.register(name, ADDED[name])
    for name in source.variables & REPLACED.keys():
        expression.register_override(name, REPLACED[name])
    known[source.text] = expression
    if len(known) > _CACHE_SIZE:
        known.popitem(last=False)
    return expression


def validate(text: str) -> None:
    """Parse `text`; raises JsonataError with the reason when it is no JSONata 2.0.6."""
    _compile(scan(text))


def evaluate(text: str, states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    """The JSON value of expression `text`, or UNDEFINED.

    `states` is what `$states` holds (input, context, result, errorOutput), `variables` the workflow's own.
    Raises JsonataError when evaluation fails or takes too long, UnsupportedResultError when the value is a
    function.
    """
    source = scan(text)
    if source.path is not None:
        found = _walk(source.path, states, variables)
        if not isinstance(found, _NotPlain):
            return found
    bindings = {name: variables[name] for name in source.variables if name in variables}
    if "states" in source.variables:
        wanted = source.states
        bindings["states"] = (
            dict(states) if wanted is None else {key: states[key] for key in wanted if key in states}
        )
    return _run(source, bindings)


class _NotPlain:
    """The path crosses something that is no object: JSONata's own rules decide."""


_NOT_PLAIN = _NotPlain()


def _walk(path: tuple[str, ...], states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    root, *fields = path
    if root == "states":
        value: Any = states
    elif root in variables:
        value = variables[root]
    elif root in ADDED or not fields:
        return _NOT_PLAIN
    else:
        return UNDEFINED
    for field in fields:
        if not isinstance(value, dict):
            return _NOT_PLAIN
        if field not in value:
            return UNDEFINED
        value = value[field]
    return value


def _run(source: Source, bindings: dict[str, Any]) -> Any:
    expression = _compile(source)
    try:
        try:
            text = expression.evaluate_json_or_none(None, bindings)
        except (OverflowError, TypeError):
            # Numbers beyond 64 bits and dates have no native counterpart.
            text = expression.evaluate_json_or_none(None, _plain(bindings))
    except ValueError as error:
        if "Cannot convert Python object" in str(error):
            text = expression.evaluate_json_or_none(None, _plain(bindings))
        else:
            raise JsonataError.of(error) from None
    if text is None:
        return UNDEFINED
    if text == '""' and _is_function(source, bindings):
        raise UnsupportedResultError
    return json.loads(text, parse_float=_number)


def _is_function(source: Source, bindings: dict[str, Any]) -> bool:
    # A function is written out as an empty text; only the native value tells the two apart.
    return _compile(source).evaluate(None, bindings) is None


def _number(text: str) -> int | float:
    """Whole numbers below 1e21 are written without exponent, as JSON.stringify does."""
    value = float(text)
    return int(Decimal(text)) if value.is_integer() and abs(value) < 1e21 else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | float):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else float(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)
