"""Search and GetSearchSuggestions.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Search.html
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid
from mdlc_emulator.engine.sagemaker.kernel.resource import Operation, Request, Resource, Response
from mdlc_emulator.engine.sagemaker.search.expressions import compile_expression
from mdlc_emulator.engine.sagemaker.search.properties import Property, names, resolve, seconds
from mdlc_emulator.engine.sagemaker.search.records import Searched, detailed, records, searched, shown

PAGE = 10
MOST_SUGGESTIONS = 100

type _Place = tuple[int, float | str, str]
"""Numbers before texts, then the value, then the name, which no other record of the kind has."""

_LAST = 2
"""The rank of records that lack the property: last, whatever the order."""


def search(caller: Caller, request: Request) -> Response:
    """The records that satisfy the expression, ordered by a property, those without it last."""
    kind = searched(request["Resource"])
    shape = kind.shape
    expression = request.get("SearchExpression")
    passes = compile_expression(shape, expression) if expression is not None else lambda record: True
    by = request.get("SortBy", "LastModifiedTime" if "LastModifiedTime" in shape.members else "CreationTime")
    order = resolve(shape, by)
    if order.kind == "structure":
        raise invalid(f"SortBy {by} has no value to sort by; name one of its members.")
    dear = "sourcedetail" in json.dumps([expression, by]).casefold()
    found = [
        (_place(order, resource, record), (resource, record))
        for resource, record in records(caller, kind)
        if passes(detailed(resource, record) if dear else record) and _visible(record, request)
    ]
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        found = []  # nothing is shared between accounts here
    descending = request.get("SortOrder", "Descending") == "Descending"
    ordered = _sorted(found, descending)
    scope = _scope(request)
    if (token := request.get("NextToken")) is not None:
        after = _read(token, scope)
        ordered = [pair for pair in ordered if _behind(pair[0], after, descending)]
    page = ordered[: request.get("MaxResults", PAGE)]
    response: Response = {
        "Results": [shown(kind, detailed(*each)) for _, each in page],
        "TotalHits": {"Value": len(found), "Relation": "EqualTo"},
    }
    if len(ordered) > len(page):
        response["NextToken"] = _write(scope, page[-1][0])
    return response


def _place(order: Property, resource: Resource, record: Response) -> _Place:
    """By the first value of the property."""
    value: Any = next(order.values(record), None)
    if value is None:
        return _LAST, "", resource.arn
    if order.kind == "time":
        return 0, seconds(value), resource.arn
    if order.kind in ("number", "boolean"):
        return 0, float(value), resource.arn
    if order.kind == "hyperparameter":
        try:
            return 0, float(value), resource.arn
        except ValueError:
            pass
    return 1, str(value), resource.arn


def _sorted[T](found: Iterable[tuple[_Place, T]], descending: bool) -> list[tuple[_Place, T]]:
    ordered = sorted(found, key=lambda pair: pair[0], reverse=descending)
    return sorted(ordered, key=lambda pair: pair[0][0] == _LAST)


def _behind(place: _Place, after: _Place, descending: bool) -> bool:
    if (place[0] == _LAST) != (after[0] == _LAST):
        return place[0] == _LAST
    return place < after if descending else place > after


def _visible(record: Response, request: Request) -> bool:
    """A record that has a key of the conditions must have its value."""
    tags = {f"Tags.{tag['Key']}": tag["Value"] for tag in record.get("Tags", ())}
    return all(
        tags.get(each.get("Key", ""), each.get("Value")) == each.get("Value")
        for each in request.get("VisibilityConditions", ())
    )


def _scope(request: Request) -> str:
    asked = [request.get(m) for m in ("Resource", "SearchExpression", "SortBy", "SortOrder")]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def _write(scope: str, place: _Place) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, *place]).encode()).decode()


def _read(token: str, scope: str) -> _Place:
    try:
        of, rank, value, name = json.loads(base64.urlsafe_b64decode(token.encode()))
        place: _Place = int(rank), float(value) if rank == 0 else str(value), str(name)
    except (ValueError, TypeError):
        raise invalid("The NextToken is not one that this operation gave.") from None
    if of != scope:
        raise invalid("The NextToken was given for another search.")
    return place


def suggestions(caller: Caller, request: Request) -> Response:
    """Names of properties that begin with the hint: those of the kind, and those that resources have of
    hyperparameters, tags and metrics."""
    kind = searched(request["Resource"])
    hint = request.get("SuggestionQuery", {}).get("PropertyNameQuery", {}).get("PropertyNameHint", "")
    known = dict.fromkeys(names(kind.shape))
    known |= dict.fromkeys(sorted(_used(caller, kind)))
    fitting = [name for name in known if name.casefold().startswith(hint.casefold())]
    return {"PropertyNameSuggestions": [{"PropertyName": name} for name in fitting[:MOST_SUGGESTIONS]]}


def _used(caller: Caller, kind: Searched) -> set[str]:
    found: set[str] = set()
    for _, record in records(caller, kind):
        for member in ("HyperParameters", "Parameters"):
            found.update(f"{member}.{name}" for name in record.get(member, ()))
        found.update(f"Tags.{tag['Key']}" for tag in record.get("Tags", ()))
        for member in ("FinalMetricDataList", "Metrics"):
            found.update(f"Metrics.{metric['MetricName']}" for metric in record.get(member, ()))
    return found


OPERATIONS: dict[str, Operation] = {
    "Search": search,
    "GetSearchSuggestions": suggestions,
}
