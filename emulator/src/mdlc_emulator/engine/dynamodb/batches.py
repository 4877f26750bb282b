"""BatchGetItem and BatchWriteItem."""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.dynamodb.capacity import add_up, consumed, index_units, read_units, write_units
from mdlc_emulator.engine.dynamodb.items import collection, projection_places, with_capacity
from mdlc_emulator.engine.dynamodb.legacy import modernised
from mdlc_emulator.engine.dynamodb.projections import project
from mdlc_emulator.engine.dynamodb.store import TableStore
from mdlc_emulator.engine.dynamodb.table import Table
from mdlc_emulator.engine.dynamodb.values import Item, clean_item, item_size

MOST_GETS = 100
MOST_WRITES = 25
MOST_BYTES = 16 * 2**20

type Request = dict[str, Any]
type Response = dict[str, Any]


class Batches:
    """Many items in one call, each on its own: no isolation between them."""

    def __init__(self, store: TableStore) -> None:
        self._store = store

    def get(self, caller: Caller, request: Request) -> Response:
        wanted: Request = request["RequestItems"]
        _check_count(wanted, sum(len(part["Keys"]) for part in wanted.values()), MOST_GETS, "BatchGetItem")
        prepared = []
        for name, part in wanted.items():
            table = self._store.table(caller, name)
            modern = modernised(part)
            places = projection_places(modern)
            keys = [table.keys.clean_key(key) for key in part["Keys"]]
            _refuse_duplicates(table, keys)
            prepared.append((name, table, part, places, keys))
        responses: dict[str, list[Item]] = {name: [] for name in wanted}
        unprocessed: Request = {}
        capacity = []
        size = 0
        for name, table, part, places, keys in prepared:
            units = 0.0
            for at, key in enumerate(keys):
                item = table.get(key)
                weight = item_size(item) if item else 0
                if size + weight > MOST_BYTES:
                    # 16 MB is what one answer holds: the rest has to be asked for again.
                    unprocessed[name] = {**part, "Keys": part["Keys"][at:]}
                    break
                size += weight
                units += read_units(weight, consistent=bool(part.get("ConsistentRead")))
                if item is not None:
                    responses[name].append(item if places is None else project(item, places))
            capacity.append(consumed(request.get("ReturnConsumedCapacity"), table, units))
        answer: Response = {"Responses": responses, "UnprocessedKeys": unprocessed}
        return with_capacity(answer, add_up([shape for shape in capacity if shape]))

    def write(self, caller: Caller, request: Request) -> Response:
        wanted: dict[str, list[Request]] = request["RequestItems"]
        _check_count(wanted, sum(map(len, wanted.values())), MOST_WRITES, "BatchWriteItem")
        writes: list[tuple[str, Table, Item, Item | None]] = []
        for name, parts in wanted.items():
            table = self._store.table(caller, name)
            prepared = [_prepare(table, part) for part in parts]
            _refuse_duplicates(table, [key for key, _ in prepared])
            writes += [(name, table, key, item) for key, item in prepared]
        if sum(item_size(item) for *_, item in writes if item) > MOST_BYTES:
            raise AwsError("ValidationException", "Request size exceeded the maximum of 16 MB")
        capacity: list[Response | None] = []
        metrics: dict[str, list[Response]] = {}
        for name, table, key, new in writes:
            with table.lock:
                old = table.write(key, new, clock.now())
            mode = request.get("ReturnConsumedCapacity")
            if mode not in (None, "NONE"):
                capacity.append(consumed(mode, table, write_units(old, new), index_units(table, old, new)))
            if request.get("ReturnItemCollectionMetrics") == "SIZE" and (found := collection(table, key)):
                metrics.setdefault(name, []).append(found)
        answer: Response = {"UnprocessedItems": {}}
        if metrics:
            answer["ItemCollectionMetrics"] = metrics
        return with_capacity(answer, add_up([shape for shape in capacity if shape]))


def _prepare(table: Table, part: Request) -> tuple[Item, Item | None]:
    """(key, new item) of one write request; None deletes."""
    if ("PutRequest" in part) == ("DeleteRequest" in part):
        raise AwsError(
            "ValidationException",
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
            "supported "
            "datatypes"
            if part
            else "Each WriteRequest must hold a PutRequest or a DeleteRequest",
        )
    if "PutRequest" in part:
        item = clean_item(part["PutRequest"]["Item"])
        table.check(item)
        return table.keys.pick(item), item
    return table.keys.clean_key(part["DeleteRequest"]["Key"]), None


def _check_count(wanted: Request, count: int, most: int, operation: str) -> None:
    if not wanted or not count:
        raise AwsError(
            "ValidationException",
            "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        )
    if count > most:
        raise AwsError("ValidationException", f"Too many items requested for the {operation} call")


def _refuse_duplicates(table: Table, keys: list[Item]) -> None:
    sortable = [table.keys.of_item(key) for key in keys]
    if len(set(sortable)) < len(sortable):
        raise AwsError("ValidationException", "Provided list of item keys contains duplicates")
