"""Associations, the graph they make, and walking it.

https://docs.aws.amazon.com/sagemaker/latest/dg/querying-lineage-entities.html
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, not_found
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing, seconds
from mdlc_emulator.engine.sagemaker.kernel.people import user_context
from mdlc_emulator.engine.sagemaker.kernel.resource import (
    Operation,
    Request,
    Resource,
    Response,
    moment,
)
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.lineage.resources import (
    DEFAULT_GROUP,
    association_name,
    associations,
    group_arn,
)
from mdlc_emulator.engine.sagemaker.lineage.vertices import OF_EXPERIMENTS, Vertex, vertex

DEEPEST = 10
PAGE = 50


def _end(caller: Caller, arn: str) -> Vertex:
    found = vertex(caller, arn)
    if found is None:
        raise not_found(f"Lineage entity '{arn}' does not exist.")
    return found


def associate(caller: Caller, source: str, destination: str, kind: str | None) -> None:
    """A new association. ResourceNotFound for an end that is not there, ValidationException when it exists
    or cannot be."""
    with STORE.lock:
        ends = _end(caller, source), _end(caller, destination)
        if source == destination:
            raise invalid("An entity cannot be associated with itself.")
        if all(end.noun in OF_EXPERIMENTS for end in ends):
            raise invalid("Associations cannot be created between two experiment entities.")
        members = {"SourceArn": source, "DestinationArn": destination}
        if kind is not None:
            members["AssociationType"] = kind
        name = association_name(source, destination)
        associations(caller).add(Resource(name, name, caller, members))


def add_association(caller: Caller, request: Request) -> Response:
    source, destination = request["SourceArn"], request["DestinationArn"]
    associate(caller, source, destination, request.get("AssociationType"))
    return {"SourceArn": source, "DestinationArn": destination}


def delete_association(caller: Caller, request: Request) -> Response:
    source, destination = request["SourceArn"], request["DestinationArn"]
    associations(caller).remove(association_name(source, destination))
    return {"SourceArn": source, "DestinationArn": destination}


def _type_of(association: Resource, end: str) -> str:
    found = vertex(association.caller, association.members[f"{end}Arn"])
    return found.type if found else ""


def _summary(association: Resource) -> dict[str, Any]:
    summary = {
        **association.members,
        "CreationTime": moment(association.created),
        "CreatedBy": user_context(association.caller),
    }
    for end in ("Source", "Destination"):
        if found := vertex(association.caller, association.members[f"{end}Arn"]):
            summary[f"{end}Type"] = found.type
            if found.name:
                summary[f"{end}Name"] = found.name
    return summary


_LISTING = Listing[Resource](
    "AssociationSummaries",
    _summary,
    orders={
        "SourceArn": lambda association: str(association.members["SourceArn"]),
        "DestinationArn": lambda association: str(association.members["DestinationArn"]),
        "SourceType": lambda association: _type_of(association, "Source"),
        "DestinationType": lambda association: _type_of(association, "Destination"),
    },
    filters={
        "SourceArn": lambda association, arn: association.members["SourceArn"] == arn,
        "DestinationArn": lambda association, arn: association.members["DestinationArn"] == arn,
        "SourceType": lambda association, wanted: _type_of(association, "Source") == wanted,
        "DestinationType": lambda association, wanted: _type_of(association, "Destination") == wanted,
        "AssociationType": lambda association, wanted: association.members.get("AssociationType") == wanted,
    },
)


def list_associations(caller: Caller, request: Request) -> Response:
    return _LISTING.answer(associations(caller), request)


def reach(
    edges: Iterable[tuple[str, str]], starts: Iterable[str], direction: str, depth: int
) -> dict[str, int]:
    """The nodes that can be reached from `starts`, these left out, with their distance: at most `depth`
    edges, against the edges' direction ("Ascendants"), along it ("Descendants"), or either ("Both": all
    that lead here and all that come from here, not what else those lead to)."""
    found: dict[str, int] = {}
    forth: dict[str, list[str]] = defaultdict(list)
    back: dict[str, list[str]] = defaultdict(list)
    for source, destination in edges:
        forth[source].append(destination)
        back[destination].append(source)
    begin = list(dict.fromkeys(starts))
    for name, neighbours in (("Ascendants", back), ("Descendants", forth)):
        if direction not in (name, "Both"):
            continue
        seen, edge_of = set(begin), begin
        for distance in range(1, depth + 1):
            edge_of = [
                far
                for near in edge_of
                for far in neighbours[near]
                if not (far in seen or seen.add(far))  # type: ignore[func-returns-value]
            ]
            for far in edge_of:
                found[far] = min(distance, found.get(far, distance))
    for start in begin:
        found.pop(start, None)
    return found


def _passes(entity: Vertex, filters: dict[str, Any]) -> bool:
    wanted = filters.get("Properties", {})
    return (
        ("Types" not in filters or not {entity.type, entity.job_type}.isdisjoint(filters["Types"]))
        and ("LineageTypes" not in filters or entity.noun in filters["LineageTypes"])
        and ("CreatedAfter" not in filters or entity.created >= seconds(filters["CreatedAfter"]))
        and ("CreatedBefore" not in filters or entity.created <= seconds(filters["CreatedBefore"]))
        and ("ModifiedAfter" not in filters or entity.modified >= seconds(filters["ModifiedAfter"]))
        and ("ModifiedBefore" not in filters or entity.modified <= seconds(filters["ModifiedBefore"]))
        and all(entity.properties.get(name) == value for name, value in wanted.items())
    )


def query_lineage(caller: Caller, request: Request) -> Response:
    """What is connected to the start, nearest first. Filters choose what is shown, not what is walked."""
    starts = [_end(caller, arn).arn for arn in request.get("StartArns", ())]
    if not starts:
        raise invalid("At least one of StartArns must be specified.")
    filters = request.get("Filters", {})
    with STORE.lock:
        links = {
            (link.members["SourceArn"], link.members["DestinationArn"]): link for link in associations(caller)
        }
        reached = reach(links, starts, request.get("Direction", "Both"), request.get("MaxDepth", DEEPEST))
        entities = [found for arn in reached if (found := vertex(caller, arn)) is not None]
    entities.sort(key=lambda entity: (reached[entity.arn], entity.arn))
    shown = [entity for entity in entities if _passes(entity, filters)]
    if (token := request.get("NextToken")) is not None:
        after = _read(token)
        shown = [entity for entity in shown if (reached[entity.arn], entity.arn) > after]
    page = shown[: request.get("MaxResults", PAGE)]
    response: Response = {
        "Vertices": [{"Arn": each.arn, "Type": each.job_type, "LineageType": each.noun} for each in page]
    }
    if request.get("IncludeEdges"):
        near = {each.arn for each in page} | set(starts)
        response["Edges"] = [link.members for ends, link in links.items() if near.issuperset(ends)]
    if len(shown) > len(page):
        place = [reached[page[-1].arn], page[-1].arn]
        response["NextToken"] = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
    return response


def _read(token: str) -> tuple[int, str]:
    """The distance and the ARN of the last vertex that was shown."""
    try:
        distance, arn = json.loads(base64.urlsafe_b64decode(token.encode()))
        return int(distance), str(arn)
    except (ValueError, TypeError):
        raise invalid("The NextToken is not one that this operation gave.") from None


def _group(caller: Caller) -> dict[str, Any]:
    """The group is as old as the account; nothing older is known here than the epoch."""
    return {
        "LineageGroupName": DEFAULT_GROUP,
        "LineageGroupArn": group_arn(caller),
        "DisplayName": DEFAULT_GROUP,
        "CreationTime": moment(0),
        "LastModifiedTime": moment(0),
    }


def describe_group(caller: Caller, request: Request) -> Response:
    if request["LineageGroupName"] not in (DEFAULT_GROUP, group_arn(caller)):
        raise not_found(f"LineageGroup '{request['LineageGroupName']}' does not exist.")
    who = user_context(caller)
    return _group(caller) | {"CreatedBy": who, "LastModifiedBy": who}


def list_groups(caller: Caller, request: Request) -> Response:
    made = 0.0
    after, before = request.get("CreatedAfter"), request.get("CreatedBefore")
    there = (after is None or made >= seconds(after)) and (before is None or made <= seconds(before))
    return {"LineageGroupSummaries": [_group(caller)] if there else []}


OPERATIONS: dict[str, Operation] = {
    "AddAssociation": add_association,
    "DeleteAssociation": delete_association,
    "ListAssociations": list_associations,
    "QueryLineage": query_lineage,
    "DescribeLineageGroup": describe_group,
    "ListLineageGroups": list_groups,
}
