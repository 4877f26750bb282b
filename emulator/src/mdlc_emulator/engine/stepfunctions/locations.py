"""Where in its state each JSONata expression stands: "Output/total", "Arguments/Input/ids[2]",
"Choices[1]/Condition".

AWS names the field in the cause of States.QueryEvaluationError and in EvaluationFailed events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SEGMENTS = {
    "Output": "Output",
    "AssignDecl": "Assign",
    "ArgumentsStringJSONata": "Arguments",
    "ArgumentsJSONataTemplateValueObject": "Arguments",
    "ItemsJSONata": "Items",
    "ItemsArray": "Items",
    "ItemSelector": "ItemSelector",
    "MaxConcurrencyJSONata": "MaxConcurrency",
    "TimeoutSecondsJSONata": "TimeoutSeconds",
    "HeartbeatSecondsJSONata": "HeartbeatSeconds",
    "SecondsJSONata": "Seconds",
    "Timestamp": "Timestamp",
    "ConditionStringJSONata": "Condition",
    "ToleratedFailureCountStringJSONata": "ToleratedFailureCount",
    "ToleratedFailurePercentageStringJSONata": "ToleratedFailurePercentage",
    "MaxItemsStringJSONata": "MaxItems",
    "ItemReader": "ItemReader",
    "ItemBatcher": "ItemBatcher",
    "ResultWriter": "ResultWriter",
    "ReaderConfig": "ReaderConfig",
    "Error": "Error",
    "Cause": "Cause",
    "Credentials": "Credentials",
}
_LISTS = {"ChoicesDecl": "Choices", "CatchDecl": "Catch"}


def expressions(state: Any, expression_type: type, state_type: type) -> Iterator[tuple[str, Any]]:
    """(location, expression) for every expression of `state` itself, not of the states nested in it."""
    seen: set[int] = set()

    def visit(node: Any, location: str, top: bool) -> Iterator[tuple[str, Any]]:
        if isinstance(node, list | tuple):
            for item in node:
                yield from visit(item, location, False)
            return
        if not hasattr(node, "__dict__") or id(node) in seen:
            return
        if isinstance(node, state_type) and not top:
            return
        seen.add(id(node))
        name = type(node).__name__
        if isinstance(node, expression_type):
            yield location, node
            return
        if name in SEGMENTS:
            location = _join(location, SEGMENTS[name])
        if name in _LISTS:
            for items in vars(node).values():
                if isinstance(items, list):
                    for index, item in enumerate(items):
                        yield from visit(item, _join(location, f"{_LISTS[name]}[{index}]"), False)
            return
        if name.endswith("ValueArray"):
            for index, item in enumerate(node.values):
                yield from visit(item, f"{location}[{index}]", False)
            return
        identifier = getattr(node, "identifier", None)
        if isinstance(identifier, str):
            location = _join(location, identifier)
        for value in list(vars(node).values()):
            yield from visit(value, location, False)

    yield from visit(state, "", True)


def _join(location: str, segment: str) -> str:
    return f"{location}/{segment}" if location else segment
