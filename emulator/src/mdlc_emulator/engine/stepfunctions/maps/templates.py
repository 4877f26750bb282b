"""Templates of fields that the stock grammar does not know, evaluated as those of a Pass state are."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from localstack.services.stepfunctions.asl.component.common.string.string_expression import StringJSONata
from localstack.services.stepfunctions.asl.parse.asl_parser import AmazonStateLanguageParser

from mdlc_emulator.engine.stepfunctions.locations import expressions
from mdlc_emulator.engine.stepfunctions.maps.settings import Settings
from mdlc_emulator.engine.stepfunctions.stock import CommonStateField


def value_of(env: Any, settings: Settings, fields: dict[str, Any], name: str, location: str) -> Any:
    """The value of field `name` (or `<name>Path`) of `fields`; None when there is none."""
    if f"{name}Path" in fields:
        return evaluated(env, {"value.$": fields[f"{name}Path"]}, False, f"{location}/{name}Path")["value"]
    if name not in fields:
        return None
    if settings.jsonata:
        return evaluated(env, {"value": fields[name]}, True, f"{location}/{name}")["value"]
    return fields[name]


def evaluated(env: Any, template: dict[str, Any], jsonata: bool, location: str) -> Any:
    """`template` with its expressions (JSONata) or paths (JSONPath) replaced by their values in `env`."""
    component = _component(json.dumps(template), jsonata, location)
    if not jsonata:
        env.stack.append(env.states.get_input())
    component.eval(env)
    value = env.stack.pop()
    if not jsonata:
        env.stack.pop()
    return value


@lru_cache(maxsize=512)
def _component(template: str, jsonata: bool, location: str) -> Any:
    field = "Output" if jsonata else "Parameters"
    state = {"Type": "Pass", field: json.loads(template), "End": True}
    language = "JSONata" if jsonata else "JSONPath"
    definition = {"QueryLanguage": language, "StartAt": "T", "States": {"T": state}}
    program, _ = AmazonStateLanguageParser.parse(json.dumps(definition))
    parsed: Any = program
    made = parsed.states.states["T"]
    component = made.output.jsonata_template_value if jsonata else made.parameters
    for place, expression in expressions(made, StringJSONata, CommonStateField):
        expression.location = location + place.removeprefix("Output").removeprefix("/value")
    return component
