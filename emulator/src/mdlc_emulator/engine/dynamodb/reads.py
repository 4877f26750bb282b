"""Query and Scan: pages of at most 1 MB, or of `Limit` items looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.dynamodb.capacity import consumed, query_units
from mdlc_emulator.engine.dynamodb.conditions import holds, refuse_bad_operands
from mdlc_emulator.engine.dynamodb.grammar import parse_condition, parse_projection
from mdlc_emulator.engine.dynamodb.index import Entry, Order
from mdlc_emulator.engine.dynamodb.items import projection_places, with_capacity
from mdlc_emulator.engine.dynamodb.key_conditions import KeyRange, filter_names, key_range
from mdlc_emulator.engine.dynamodb.keys import KeySchema, Sortable
from mdlc_emulator.engine.dynamodb.legacy import modernised
from mdlc_emulator.engine.dynamodb.projections import project
from mdlc_emulator.engine.dynamodb.scope import Place, Scope
from mdlc_emulator.engine.dynamodb.store import TableStore
from mdlc_emulator.engine.dynamodb.syntax import Condition, Parsed
from mdlc_emulator.engine.dynamodb.table import Index, Table
from mdlc_emulator.engine.dynamodb.values import Item, clean, item_size, type_of

MOST_BYTES = 2**20

type Request = dict[str, Any]
type Response = dict[str, Any]


class _Page:
    """What a Query and a Scan have in common: which index, filter, projection and start."""

    def __init__(self, table: Table, request: Request) -> None:
        self.table, self.request = table, request
        name = request.get("IndexName")
        self.index: Index | None = None if name is None else table.index(name)
        if self.index is not None and self.index.is_global and request.get("ConsistentRead"):
            raise _invalid("Consistent reads are not supported on global secondary indexes")
        self.keys: KeySchema = table.keys if self.index is None else self.index.keys
        self.order: Order = table.order if self.index is None else self.index.order
        text = request.get("FilterExpression")
        self.filter: Parsed[Condition] | None = (
            None if text is None else parse_condition("FilterExpression", text)
        )
        text = request.get("ProjectionExpression")
        self.projection = None if text is None else parse_projection(text)
        self.places: list[Place] | None = None
        self.scope = Scope(
            {}, []
        )  # replaced by `open`, once the operation has said which expressions it carries

    def open(self, key_condition: tuple[str, Parsed[Condition] | None] | None) -> None:
        """Check the expressions together: their placeholders are shared."""
        own = [("FilterExpression", self.filter), ("ProjectionExpression", self.projection)]
        self.scope = Scope(self.request, own if key_condition is None else [*own, key_condition])
        self.places = projection_places(self.request, self.scope)
        if self.filter is not None:
            refuse_bad_operands("FilterExpression", self.filter.tree, self.scope)
        self._check_select()

    def _check_select(self) -> None:
        select = self.request.get("Select")
        if self.places is not None and select not in (None, "SPECIFIC_ATTRIBUTES"):
            raise _invalid(f"Cannot specify the ProjectionExpression when choosing to get {select}")
        if select == "SPECIFIC_ATTRIBUTES" and self.places is None:
            raise _invalid("Must specify the ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
        if select == "ALL_PROJECTED_ATTRIBUTES" and self.index is None:
            raise _invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
        index = self.index
        if index is None or not index.is_global:
            return
        if select == "ALL_ATTRIBUTES" and index.projection.get("ProjectionType") != "ALL":
            raise _invalid(
                "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for "
                f"global secondary index {index.name} because its projection type is not ALL"
            )
        if self.places is not None:
            asked = {str(place[0]) for place in self.places}
            if not index.holds_all(asked, self.table.keys):
                held = {
                    *index.keys.names,
                    *self.table.keys.names,
                    *index.projection.get("NonKeyAttributes", ()),
                }
                raise _invalid(
                    "One or more parameter values were invalid: Global secondary index "
                    f"{index.name} does not project {sorted(asked - held)}"
                )

    def start(self) -> tuple[Sortable, Entry] | None:
        """Where ExclusiveStartKey points: (partition, entry)."""
        given = self.request.get("ExclusiveStartKey")
        if given is None:
            return None
        schemas = [self.table.keys] if self.index is None else [self.table.keys, self.keys]
        names = {name: schema.type_of(name) for schema in schemas for name in schema.names}
        if set(given) != set(names):
            raise _invalid("The provided starting key is invalid")
        key = {name: clean(value) for name, value in given.items()}
        if any(type_of(key[name]) != wanted for name, wanted in names.items()):
            raise _invalid(
                "The provided starting key is invalid: The provided key element does not match the schema"
            )
        hash_key, range_key = self.keys.of_item(key)
        return hash_key, (range_key, self.table.keys.of_item(key))

    def read(self, entries: Iterator[Entry]) -> Response:
        """Walk `entries` until the page is full."""
        table, index, limit = self.table, self.index, self.request.get("Limit")
        found: list[Item] = []
        looked = size = 0
        last: Item | None = None
        full = False
        for _, primary in entries:
            item = table.items[primary]
            whole = item
            if index is not None:
                item = index.project(item, table.keys)
            looked += 1
            size += item_size(item)
            last = whole
            if self.filter is None or holds(self.filter.tree, item, self.scope):
                found.append(self._shape(item, whole))
            if looked == limit or size > MOST_BYTES:
                full = True
                break
        answer: Response = {"Count": len(found), "ScannedCount": looked}
        if self.request.get("Select") != "COUNT":
            answer["Items"] = found
        if full and last is not None:
            names = dict.fromkeys((*table.keys.names, *self.keys.names))
            answer["LastEvaluatedKey"] = {name: last[name] for name in names}
        consistent = bool(self.request.get("ConsistentRead"))
        units, indexes = query_units(table, index, size, consistent=consistent)
        return with_capacity(
            answer, consumed(self.request.get("ReturnConsumedCapacity"), table, units, indexes)
        )

    def _shape(self, item: Item, whole: Item) -> Item:
        index = self.index
        local = index is not None and not index.is_global
        # A local index fetches from the table what it does not hold itself.
        if local and (self.request.get("Select") == "ALL_ATTRIBUTES" or self.places is not None):
            item = whole
        return item if self.places is None else project(item, self.places)


class Reads:
    """Query and Scan."""

    def __init__(self, store: TableStore) -> None:
        self._store = store

    def query(self, caller: Caller, request: Request) -> Response:
        table = self._store.table(caller, request["TableName"])
        request = modernised(request)
        page = _Page(table, request)
        text = request.get("KeyConditionExpression")
        if text is None:
            raise _invalid(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
                "request."
            )
        condition = parse_condition("KeyConditionExpression", text)
        page.open(("KeyConditionExpression", condition))
        wanted = key_range(condition.tree, page.keys, page.scope)
        if page.filter is not None:
            for name in filter_names(page.filter.tree, page.scope) & set(page.keys.names):
                raise _invalid(
                    "Filter Expression can only contain non-primary key attributes: "
                    f"Primary key attribute: {name}"
                )
        start = page.start()
        if start is not None and start[0] != wanted.hash_key:
            raise _invalid(
                "The provided starting key is outside query boundaries based on provided conditions"
            )
        forward = request.get("ScanIndexForward", True)
        with table.lock:
            entries = page.order.partition(
                wanted.hash_key, forward=forward, after=None if start is None else start[1]
            )
            return page.read(_within(entries, wanted, forward=forward))

    def scan(self, caller: Caller, request: Request) -> Response:
        table = self._store.table(caller, request["TableName"])
        request = modernised(request)
        segment, total = request.get("Segment"), request.get("TotalSegments")
        if (segment is None) != (total is None):
            present, missing = ("Segment", "TotalSegments") if total is None else ("TotalSegments", "Segment")
            raise _invalid(
                f"The {missing} parameter is required but was not present in the request when parameter "
                f"{present} is present"
            )
        if segment is not None and total is not None and segment >= total:
            raise _invalid(
                "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
                f"Segment: {segment} is not less than TotalSegments: {total}"
            )
        page = _Page(table, request)
        page.open(None)
        with table.lock:
            entries = page.order.everything(page.start())
            if segment is not None and total is not None:
                entries = _segment(entries, page, segment, total)
            return page.read(entries)


def _within(entries: Iterator[Entry], wanted: KeyRange, *, forward: bool) -> Iterator[Entry]:
    """The entries whose sort key meets the condition; they lie side by side."""
    inside = False
    for entry in entries:
        if wanted.accepts(entry[0]):
            inside = True
            yield entry
        elif inside or (wanted.beyond(entry[0]) if forward else wanted.before(entry[0])):
            return


def _segment(entries: Iterator[Entry], page: _Page, segment: int, total: int) -> Iterator[Entry]:
    for entry in entries:
        hash_key = page.keys.of_item(page.table.items[entry[1]])[0]
        if page.order.segment_of(hash_key, total) == segment:
            yield entry


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
