"""The parameters that expressions replaced, answered by writing them as expressions.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.aws_error import AwsError

type Request = dict[str, Any]

_EXPRESSIONS = (
    "ProjectionExpression",
    "ConditionExpression",
    "UpdateExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
)
_OLD = {
    "AttributesToGet": "ProjectionExpression",
    "Expected": "ConditionExpression",
    "AttributeUpdates": "UpdateExpression",
    "QueryFilter": "FilterExpression",
    "ScanFilter": "FilterExpression",
    "KeyConditions": "KeyConditionExpression",
}
_COMPARE = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}


class _Writer:
    """Collects placeholders while an expression is written."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def name(self, attribute: str) -> str:
        for placeholder, known in self.names.items():
            if known == attribute:
                return placeholder
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder] = attribute
        return placeholder

    def value(self, value: Any) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def condition(self, attribute: str, operator: str, arguments: list[Any]) -> str:
        name = self.name(attribute)
        match operator:
            case "NULL":
                return f"attribute_not_exists({name})"
            case "NOT_NULL":
                return f"attribute_exists({name})"
            case "BETWEEN":
                low, high = (self.value(each) for each in arguments)
                return f"{name} BETWEEN {low} AND {high}"
            case "IN":
                return f"{name} IN ({', '.join(self.value(each) for each in arguments)})"
            case "BEGINS_WITH":
                return f"begins_with({name}, {self.value(arguments[0])})"
            case "CONTAINS":
                return f"contains({name}, {self.value(arguments[0])})"
            case "NOT_CONTAINS":
                placeholder = self.value(arguments[0])
                return f"(attribute_exists({name}) AND NOT contains({name}, {placeholder}))"
        return f"{name} {_COMPARE[operator]} {self.value(arguments[0])}"


def modernised(request: Request) -> Request:
    """`request` with its legacy parameters written as expressions; itself when it has none."""
    old = [name for name in _OLD if request.get(name)]
    if not old:
        return request
    new = [name for name in _EXPRESSIONS if request.get(name) is not None]
    if new:
        raise AwsError(
            "ValidationException",
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(old)}}} Expression parameters: {{{', '.join(new)}}}",
        )
    writer = _Writer()
    joint = f" {request.get('ConditionalOperator', 'AND')} "
    written = {_OLD[name]: _write(name, request[name], writer, joint) for name in old}
    kept = {name: value for name, value in request.items() if name not in (*_OLD, "ConditionalOperator")}
    placeholders: Request = {"ExpressionAttributeNames": writer.names}
    if writer.values:
        placeholders["ExpressionAttributeValues"] = writer.values
    return kept | written | placeholders


def _write(name: str, given: Any, writer: _Writer, joint: str) -> str:
    match name:
        case "AttributesToGet":
            return ", ".join(writer.name(attribute) for attribute in given)
        case "AttributeUpdates":
            return _updates(given, writer)
        case "Expected":
            return joint.join(_expected(attribute, test, writer) for attribute, test in given.items())
    # Key conditions always hold together; filters may be alternatives.
    glue = " AND " if name == "KeyConditions" else joint
    return glue.join(
        writer.condition(attribute, test["ComparisonOperator"], test.get("AttributeValueList", []))
        for attribute, test in given.items()
    )


def _expected(attribute: str, test: Request, writer: _Writer) -> str:
    if "ComparisonOperator" in test:
        arguments = test.get("AttributeValueList") or ([test["Value"]] if "Value" in test else [])
        return writer.condition(attribute, test["ComparisonOperator"], arguments)
    if test.get("Exists") is False:
        return writer.condition(attribute, "NULL", [])
    return writer.condition(attribute, "EQ", [test["Value"]])


def _updates(given: Request, writer: _Writer) -> str:
    clauses: dict[str, list[str]] = {}
    for attribute, change in given.items():
        name, action = writer.name(attribute), change.get("Action", "PUT")
        if action == "PUT":
            clauses.setdefault("SET", []).append(f"{name} = {writer.value(change['Value'])}")
        elif action == "DELETE" and "Value" not in change:
            clauses.setdefault("REMOVE", []).append(name)
        else:
            clauses.setdefault(action, []).append(f"{name} {writer.value(change['Value'])}")
    return " ".join(f"{word} {', '.join(actions)}" for word, actions in clauses.items())
