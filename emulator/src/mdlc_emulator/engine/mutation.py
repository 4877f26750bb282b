"""Canned replies in the place of operations, for the test of tests.

A conformance suite proves an operation only if it fails when the operation does nothing. With MDLC_MUTATION=1
the route `PUT /_mdlc/mutation` names the operations that are answered from here from then on: with their
output's shape, filled with what a stub would say. It is off by default, and then nothing of it is in the path
of any call.
"""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from mdlc_emulator.engine.aws_error import Caller

ENABLED = os.environ.get("MDLC_MUTATION", "").lower() in ("1", "true", "yes")
"""Whether this engine can be told to answer with canned replies."""

_AS_IF_DONE = ("Completed", "InService", "SUCCEEDED", "VALID", "ENABLED", "ACTIVE", "Approved")
_DEEPEST = 4

type Handler = Callable[[Caller, dict[str, Any]], Any]

_replaced: frozenset[str] = frozenset()


def replace(operations: Collection[str]) -> None:
    """From now on `operations` ("sagemaker:CreateModel") are not executed; all others are."""
    global _replaced
    _replaced = frozenset(operations)


def replaced() -> frozenset[str]:
    return _replaced


def replaceable(service: str, model: OperationModel, handle: Handler) -> Handler:
    """`handle`, but for the time that the operation is replaced. What comes before it, as the check of the
    request against the model, stays."""
    name = f"{service}:{model.name}"

    @functools.wraps(handle)
    def answer(caller: Caller, request: dict[str, Any]) -> Any:
        if name in _replaced:
            return canned(model, caller, request)
        return handle(caller, request)

    return answer


def canned(model: OperationModel, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """A reply of the right shape: members that the request has too are given back, all others are constants,
    states say that everything is done."""
    if not isinstance(model.output_shape, StructureShape):
        return {}
    given = {name.lower(): value for name, value in request.items()}
    reply: dict[str, Any] = {}
    for name, shape in model.output_shape.members.items():
        if name.lower().endswith("token"):
            continue
        back = given.get(name.lower())
        reply[name] = back if back is not None else _constant(name, shape, caller, 0)
    return reply


def _constant(name: str, shape: Shape, caller: Caller, depth: int) -> Any:
    match shape:
        case StructureShape():
            if depth >= _DEEPEST:
                return {}
            wanted = shape.required_members or list(shape.members)[:3]
            return {each: _constant(each, shape.members[each], caller, depth + 1) for each in wanted}
        case ListShape():
            return [] if depth >= _DEEPEST else [_constant(name, shape.member, caller, depth + 1)]
        case MapShape():
            return {}
    match shape.type_name:
        case "string" if shape.enum:
            return next((each for each in _AS_IF_DONE if each in shape.enum), shape.enum[0])
        case "string" if name.lower().endswith("arn"):
            return f"arn:aws:sagemaker:{caller.region}:{caller.account}:{name.lower()[:-3] or 'it'}/canned"
        case "string":
            return "canned"
        case "integer" | "long":
            return 1
        case "float" | "double":
            return 1.0
        case "boolean":
            return True
        case "timestamp":
            return datetime.now(UTC)
        case "blob":
            return io.BytesIO(b"canned") if shape.serialization.get("streaming") else b"canned"
    return None
