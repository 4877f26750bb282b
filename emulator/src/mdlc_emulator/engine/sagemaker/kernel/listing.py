"""Lists of resources: filters, order and pages, the same for every `List*` operation.

A page's token names the last item that was shown, by what the list is ordered by and its name, so that what
is created or deleted between two pages neither repeats an item nor leaves one out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine.sagemaker.kernel.errors import invalid
from mdlc_emulator.engine.sagemaker.kernel.resource import Request, Resource, Response

DEFAULT_PAGE = 10
_NOT_GIVEN = "The NextToken is not one that this operation gave."


@dataclass(frozen=True, slots=True)
class Listing[R: Resource]:
    """How one `List*` operation answers.

    `member` is the response's list ("TrainingJobSummaries"), `summary` one entry of it. `orders` are the
    values of SortBy and what each orders by, a number or a string; `filters` are request members and whether
    a resource passes their value, beside those of every list (NameContains, CreationTimeAfter, ...).
    """

    member: str
    summary: Callable[[R], dict[str, Any]]
    orders: Mapping[str, Callable[[R], float | str]] = field(default_factory=dict)
    filters: Mapping[str, Callable[[R, Any], bool]] = field(default_factory=dict)
    sort_by: str = "CreationTime"
    descending: bool = True
    page_size: int = DEFAULT_PAGE

    def answer(self, resources: Iterable[R], request: Request) -> Response:
        """The page that `request` asks for."""
        by = request.get("SortBy", self.sort_by)
        order = self._order(by)
        order_name = request.get("SortOrder", "Descending" if self.descending else "Ascending")
        chosen = sorted(
            (resource for resource in resources if self._passes(resource, request)),
            key=lambda resource: (order(resource), resource.name),
            reverse=order_name == "Descending",
        )
        scope = [by, order_name]
        if (token := request.get("NextToken")) is not None:
            after = _read(token, scope)
            if any(isinstance(order(each), str) != isinstance(after[0], str) for each in chosen[:1]):
                raise invalid(_NOT_GIVEN)
            descending = order_name == "Descending"
            chosen = [
                resource
                for resource in chosen
                if _is_behind((order(resource), resource.name), after, descending)
            ]
        size = request.get("MaxResults", self.page_size)
        response: Response = {self.member: [self.summary(resource) for resource in chosen[:size]]}
        if len(chosen) > size:
            last = chosen[size - 1]
            response["NextToken"] = _write(scope, (order(last), last.name))
        return response

    def _order(self, by: str) -> Callable[[R], float | str]:
        common: dict[str, Callable[[R], float | str]] = {
            "CreationTime": lambda resource: resource.created,
            "LastModifiedTime": lambda resource: resource.modified,
            "Name": lambda resource: resource.name,
        }
        found = self.orders.get(by) or common.get(by)
        if found is None:
            raise invalid(f"SortBy {by} is not one of {', '.join({**common, **self.orders})}.")
        return found

    def _passes(self, resource: R, request: Request) -> bool:
        for member, passes in _COMMON.items():
            if (
                member not in self.filters
                and (wanted := request.get(member)) is not None
                and not passes(resource, wanted)
            ):
                return False
        return all(
            passes(resource, request[member])
            for member, passes in self.filters.items()
            if request.get(member) is not None
        )


_COMMON: Mapping[str, Callable[[Resource, Any], bool]] = {
    "NameContains": lambda resource, part: part.lower() in resource.name.lower(),
    "CreationTimeAfter": lambda resource, time: resource.created >= seconds(time),
    "CreationTimeBefore": lambda resource, time: resource.created <= seconds(time),
    "CreatedAfter": lambda resource, time: resource.created >= seconds(time),
    "CreatedBefore": lambda resource, time: resource.created <= seconds(time),
    "LastModifiedTimeAfter": lambda resource, time: resource.modified >= seconds(time),
    "LastModifiedTimeBefore": lambda resource, time: resource.modified <= seconds(time),
}


def seconds(time: Any) -> float:
    """A request's timestamp, as the parser leaves it, in seconds since the epoch."""
    return float(time.timestamp() if hasattr(time, "timestamp") else time)


def _is_behind(place: tuple[Any, str], after: tuple[Any, str], descending: bool) -> bool:
    return place < after if descending else place > after


def _write(scope: list[str], place: tuple[Any, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, *place]).encode()).decode()


def _read(token: str, scope: list[str]) -> tuple[Any, str]:
    try:
        found_scope, value, name = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError):
        raise invalid(_NOT_GIVEN) from None
    if found_scope != scope or not isinstance(name, str) or not isinstance(value, float | int | str):
        raise invalid("The NextToken was given for another order of the list.")
    return value, name
