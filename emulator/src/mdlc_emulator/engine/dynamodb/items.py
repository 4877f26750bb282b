"""GetItem, PutItem, UpdateItem, DeleteItem, and the conditional writes that transactions share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.dynamodb.capacity import consumed, index_units, read_units, write_units
from mdlc_emulator.engine.dynamodb.conditions import holds, refuse_bad_operands
from mdlc_emulator.engine.dynamodb.grammar import parse_condition, parse_projection, parse_update
from mdlc_emulator.engine.dynamodb.legacy import modernised
from mdlc_emulator.engine.dynamodb.projections import project
from mdlc_emulator.engine.dynamodb.scope import Place, Scope, refuse_overlaps
from mdlc_emulator.engine.dynamodb.store import TableStore
from mdlc_emulator.engine.dynamodb.syntax import Condition, Parsed, Update
from mdlc_emulator.engine.dynamodb.table import Table
from mdlc_emulator.engine.dynamodb.updates import apply_update, check_update
from mdlc_emulator.engine.dynamodb.values import Item, clean_item, item_size

type Request = dict[str, Any]
type Response = dict[str, Any]

FAILED = "The conditional request failed"


class Write:
    """One checked write to one item, not yet made: `decide` says what the item becomes."""

    def __init__(
        self, table: Table, request: Request, *, parts: Sequence[str] = ("ConditionExpression",)
    ) -> None:
        self.table = table
        self.request = request
        self._condition: Parsed[Condition] | None = None
        if (text := request.get("ConditionExpression")) is not None:
            self._condition = parse_condition("ConditionExpression", text)
        self._update: Parsed[Update] | None = None
        if (text := request.get("UpdateExpression")) is not None:
            self._update = parse_update(text)
        trees = {"UpdateExpression": self._update, "ConditionExpression": self._condition}
        self.scope = Scope(request, [(part, trees[part]) for part in parts])
        if self._condition is not None:
            refuse_bad_operands("ConditionExpression", self._condition.tree, self.scope)
        self.places: list[Place] = []
        if "Item" in request:
            self.item: Item | None = clean_item(request["Item"])
            table.check(self.item)
            self.key = table.keys.pick(self.item)
        else:
            self.item = None
            self.key = table.keys.clean_key(request["Key"])
        if self._update is not None:
            self.places = check_update(self._update.tree, self.scope, table.keys.names)

    def allowed(self, old: Item | None) -> bool:
        return self._condition is None or holds(self._condition.tree, old or {}, self.scope)

    def refusal(self, old: Item | None) -> AwsError:
        """The error of a condition that does not hold."""
        members: dict[str, Any] = {}
        if self.request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old is not None:
            members["Item"] = old
        return AwsError("ConditionalCheckFailedException", FAILED, **members)

    def put(self, old: Item | None) -> Item | None:
        return self.item

    def update(self, old: Item | None) -> Item:
        new = dict(old) if old is not None else dict(self.key)
        if self._update is not None:
            new = apply_update(self._update.tree, new, self.scope)
        self.table.check(new, "Item size to update has exceeded the maximum allowed size")
        return new


class Items:
    """Operations on one item."""

    def __init__(self, store: TableStore) -> None:
        self._store = store

    def get_item(self, caller: Caller, request: Request) -> Response:
        table = self._store.table(caller, request["TableName"])
        request = modernised(request)
        places = projection_places(request)
        key = table.keys.clean_key(request["Key"])
        item = table.get(key)
        units = read_units(item_size(item) if item else 0, consistent=bool(request.get("ConsistentRead")))
        answer: Response = {} if item is None else {"Item": item if places is None else project(item, places)}
        return with_capacity(answer, consumed(request.get("ReturnConsumedCapacity"), table, units))

    def put_item(self, caller: Caller, request: Request) -> Response:
        _allow(request, ("NONE", "ALL_OLD"))
        table = self._store.table(caller, request["TableName"])
        write = Write(table, modernised(request))
        old, new = self._commit(table, write, write.put)
        return self._answer(write, old, new, old if request.get("ReturnValues") == "ALL_OLD" else None)

    def delete_item(self, caller: Caller, request: Request) -> Response:
        _allow(request, ("NONE", "ALL_OLD"))
        table = self._store.table(caller, request["TableName"])
        write = Write(table, modernised(request))
        old, new = self._commit(table, write, lambda old: None)
        return self._answer(write, old, new, old if request.get("ReturnValues") == "ALL_OLD" else None)

    def update_item(self, caller: Caller, request: Request) -> Response:
        table = self._store.table(caller, request["TableName"])
        write = Write(table, modernised(request), parts=("UpdateExpression", "ConditionExpression"))
        old, new = self._commit(table, write, write.update)
        assert new is not None
        returned: Item | None = None
        match request.get("ReturnValues", "NONE"):
            case "ALL_OLD":
                returned = old
            case "ALL_NEW":
                returned = new
            case "UPDATED_OLD":
                returned = project(old or {}, write.places)
            case "UPDATED_NEW":
                returned = project(new, write.places)
        return self._answer(write, old, new, returned)

    @staticmethod
    def _commit(table: Table, write: Write, decide: Any) -> tuple[Item | None, Item | None]:
        with table.lock:
            old = table.get(write.key)
            if not write.allowed(old):
                raise write.refusal(old)
            new = decide(old)
            table.write(write.key, new, clock.now())
        return old, new

    @staticmethod
    def _answer(write: Write, old: Item | None, new: Item | None, returned: Item | None) -> Response:
        table, request = write.table, write.request
        answer: Response = {"Attributes": returned} if returned else {}
        if request.get("ReturnItemCollectionMetrics") == "SIZE" and (found := collection(table, write.key)):
            answer["ItemCollectionMetrics"] = found
        mode = request.get("ReturnConsumedCapacity")
        shape = None
        if mode not in (None, "NONE"):
            shape = consumed(mode, table, write_units(old, new), index_units(table, old, new))
        return with_capacity(answer, shape)


def collection(table: Table, key: Item) -> dict[str, Any] | None:
    """ItemCollectionMetrics: only tables with a local index have item collections."""
    if all(index.is_global for index in table.indexes.values()):
        return None
    return {
        "ItemCollectionKey": {table.keys.hash_name: key[table.keys.hash_name]},
        "SizeEstimateRangeGB": [0.0, 1.0],
    }


def projection_places(request: Request, scope: Scope | None = None) -> list[Place] | None:
    """Where a ProjectionExpression points; None: everything."""
    text = request.get("ProjectionExpression")
    parsed = None if text is None else parse_projection(text)
    if scope is None:
        scope = Scope(request, [("ProjectionExpression", parsed)])
    if parsed is None:
        return None
    places = [scope.place(path) for path in parsed.tree]
    refuse_overlaps("ProjectionExpression", places)
    return places


def with_capacity(answer: Response, capacity: Any) -> Response:
    return answer if not capacity else answer | {"ConsumedCapacity": capacity}


def _allow(request: Request, kinds: Sequence[str]) -> None:
    if request.get("ReturnValues", "NONE") not in kinds:
        raise AwsError("ValidationException", f"ReturnValues can only be {' or '.join(reversed(kinds))}")
