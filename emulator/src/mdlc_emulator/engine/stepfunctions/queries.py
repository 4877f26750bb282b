"""JSONata and JSONPath inside the interpreter: values are bound, never pasted into the expression's text."""

from __future__ import annotations

from collections import ChainMap
from typing import Any

from jsonpath_ng.ext import parse as extended_parse
from localstack.services.stepfunctions.asl.component.common.path import (
    input_path,
    output_path,
    result_path,
)
from localstack.services.stepfunctions.asl.component.common.string import string_expression
from localstack.services.stepfunctions.asl.component.state.state_execution.state_map.items import items
from localstack.services.stepfunctions.asl.jsonata import jsonata
from localstack.services.stepfunctions.asl.utils import json_path

from mdlc_emulator.engine.stepfunctions import paths
from mdlc_emulator.engine.stepfunctions.failures import execution_failure, query_failure
from mdlc_emulator.engine.stepfunctions.jsonata import (
    UNDEFINED,
    JsonataError,
    UnsupportedResultError,
    evaluate,
)
from mdlc_emulator.engine.stepfunctions.patching import original, replace, replace_everywhere, replaces
from mdlc_emulator.engine.stepfunctions.stock import (
    FailureEventException,
    NoSuchJsonPathError,
    StatesErrorNameType,
)
from mdlc_emulator.engine.stepfunctions.values import copied, text_of

# What the expression of these fields must evaluate to.
_EXPECTED = {
    "Items": "array",
    "Seconds": "number",
    "TimeoutSeconds": "number",
    "HeartbeatSeconds": "number",
    "MaxConcurrency": "number",
    "MaxItems": "number",
    "ToleratedFailureCount": "number",
    "ToleratedFailurePercentage": "number",
    "Timestamp": "string",
    "Error": "string",
    "Cause": "string",
    "Arguments": "object",
}


def install() -> None:
    replace(jsonata, "_eval_jsonata", _no_text_evaluation)
    replace(string_expression.StringJSONata, "_eval_body", _eval_jsonata)
    replace(string_expression.StringVariableSample, "_eval_body", _eval_variable)
    replace(items.ItemsJSONata, "_eval_body", lambda self, env: self.string_jsonata.eval(env=env))

    replace(json_path, "parse", paths.cached(extended_parse))
    slow_extract = original(json_path, "extract_json")

    def extract_json(path: str, data: Any) -> Any:
        names = paths.fields(path)
        if names is None and paths.is_indefinite(path):
            return [match.value for match in original(json_path, "parse")(path).find(data)]
        if names is None:
            return slow_extract(path, data)
        try:
            return paths.walk(names, data)
        except paths.NotFoundError:
            raise NoSuchJsonPathError(json_path=path, data=data) from None

    replace_everywhere("localstack.services.stepfunctions", slow_extract, extract_json)

    replace(result_path, "parse", paths.cached(original(result_path, "parse")))

    @replaces(string_expression.StringJsonPath, "_eval_body")
    def eval_json_path(self: Any, env: Any) -> None:
        whole = env.stack[-1]
        # What lies on the stack is this state's own copy already; only parts of it are taken out.
        env.stack.append(whole if self.json_path == "$" else copied(extract_json(self.json_path, whole)))

    for component in (input_path.InputPath, output_path.OutputPath):
        _with_aws_words(component)
    intrinsic = original(string_expression.StringIntrinsicFunction, "_eval_body")

    @replaces(string_expression.StringIntrinsicFunction, "_eval_body")
    def eval_intrinsic(self: Any, env: Any) -> None:
        try:
            intrinsic(self, env)
        except (FailureEventException, NoSuchJsonPathError):
            raise
        except Exception as error:  # noqa: BLE001 (whatever a function raises is its failure)
            cause = f"The function '{self.literal_value}' had the following error: {error}"
            raise execution_failure(env, StatesErrorNameType.StatesIntrinsicFailure, cause) from None

    slow_place = result_path.ResultPath._eval_body

    @replaces(result_path.ResultPath, "_eval_body")
    def eval_result_path(self: Any, env: Any) -> None:
        source = self.result_path_src
        if source == "$":
            return
        names = None if source is None else paths.fields(source)
        if names is None:
            slow_place(self, env)
            return
        output = env.stack.pop()
        try:
            env.stack.append(paths.placed(names, env.states.get_input(), output))
        except paths.NotFoundError:
            cause = f"Unable to apply ReferencePath {source} to input {text_of(env.states.get_input())}"
            raise execution_failure(env, StatesErrorNameType.StatesResultPathMatchFailure, cause) from None


def _with_aws_words(component: type) -> None:
    evaluate_path = original(component, "_eval_body")

    def eval_body(self: Any, env: Any) -> None:
        try:
            evaluate_path(self, env)
        except FailureEventException as failure:
            missing = failure.__context__
            if isinstance(missing, NoSuchJsonPathError):
                for details in (failure.failure_event.event_details or {}).values():
                    details["cause"] = paths.not_found(missing.json_path, missing.data)  # type: ignore[index]
            raise

    replace(component, "_eval_body", eval_body)


def _no_text_evaluation(expression: str) -> Any:
    raise RuntimeError(f"An expression was to be evaluated as text: {expression!r}")


def _eval_jsonata(self: Any, env: Any) -> None:
    try:
        value = evaluate(self.expression, env.states._states_data, _variables(env))
    except JsonataError as error:
        raise _failure(env, self, f"threw an error during evaluation. {error}") from None
    except UnsupportedResultError:
        raise _failure(env, self, "returned an unsupported result type.") from None
    if value is UNDEFINED:
        raise _failure(env, self, "returned nothing (undefined).")
    expected, actual = _expected(getattr(self, "location", "")), _type_of(value)
    if expected not in (None, actual):
        text = f"Expected '{expected}', but was '{actual}' for value: {text_of(value)}"
        raise _failure(env, self, f"returned an unexpected result type. {text}")
    env.stack.append(copied(value))


def _failure(env: Any, component: Any, what: str) -> Exception:
    location = getattr(component, "location", "") or env.next_field_name or ""
    return query_failure(env, component.expression, location, what)


def _expected(location: str) -> str | None:
    if location.startswith("Choices[") and location.endswith("/Condition"):
        return "boolean"
    return _EXPECTED.get(location)


def _variables(env: Any) -> ChainMap[str, Any]:
    store = env.variable_store
    return ChainMap(store._inner_scope, store._outer_scope)


def _eval_variable(self: Any, env: Any) -> None:
    """`$order.total` in a JSONPath field, or what stands for it in a Choice rule."""
    variables = _variables(env)
    try:
        value = evaluate(self.expression, env.states._states_data, variables)
    except (JsonataError, UnsupportedResultError):
        value = UNDEFINED
    if value is UNDEFINED:
        raise NoSuchJsonPathError(json_path=self.expression, data=dict(variables))
    env.stack.append(copied(value))


def _type_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
