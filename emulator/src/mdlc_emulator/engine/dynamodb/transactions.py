"""TransactGetItems and TransactWriteItems: all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.dynamodb.capacity import add_up, consumed, index_units, read_units, write_units
from mdlc_emulator.engine.dynamodb.items import FAILED, Write, collection, projection_places, with_capacity
from mdlc_emulator.engine.dynamodb.projections import project
from mdlc_emulator.engine.dynamodb.store import TableStore
from mdlc_emulator.engine.dynamodb.table import Table
from mdlc_emulator.engine.dynamodb.values import Item, item_size

MOST_ACTIONS = 100
MOST_BYTES = 4 * 2**20
TOKEN_SECONDS = 600

type Request = dict[str, Any]
type Response = dict[str, Any]

_PARTS = {
    "Put": ("ConditionExpression",),
    "Delete": ("ConditionExpression",),
    "ConditionCheck": ("ConditionExpression",),
    "Update": ("UpdateExpression", "ConditionExpression"),
}


class Transactions:
    """Several items of several tables in one step that nobody sees half done."""

    def __init__(self, store: TableStore) -> None:
        self._store = store

    def get(self, caller: Caller, request: Request) -> Response:
        actions = _count(request)
        wanted = []
        for action in actions:
            get = action["Get"]
            table = self._store.table(caller, get["TableName"])
            wanted.append((table, table.keys.clean_key(get["Key"]), projection_places(get)))
        with _locks([table for table, *_ in wanted]):
            found = [table.get(key) for table, key, _ in wanted]
        if sum(item_size(item) for item in found if item) > MOST_BYTES:
            raise _canceled([{"Code": "None"} for _ in found], "Transaction size exceeded 4 MB")
        answer: Response = {
            "Responses": [
                {} if item is None else {"Item": item if places is None else project(item, places)}
                for item, (_, _, places) in zip(found, wanted, strict=True)
            ]
        }
        mode = request.get("ReturnConsumedCapacity")
        shapes = [
            consumed(
                mode, table, 2 * read_units(item_size(item) if item else 0, consistent=True), kind="Read"
            )
            for item, (table, *_) in zip(found, wanted, strict=True)
        ]
        return with_capacity(answer, add_up([shape for shape in shapes if shape]))

    def write(self, caller: Caller, request: Request) -> Response:
        actions = _count(request)
        token = request.get("ClientRequestToken")
        with self._store.lock:
            if token is not None and self._repeated(caller, token, request):
                return {}
            answer = self._write(caller, request, actions)
            if token is not None:
                self._forget_old_tokens()
                self._store.tokens[caller.account, caller.region, token] = (
                    clock.now(),
                    _fingerprint(request),
                    None,
                )
        return answer

    def _forget_old_tokens(self) -> None:
        edge = clock.now() - TOKEN_SECONDS
        known = self._store.tokens
        # Tokens are kept in the order of their use: the old ones come first.
        while known and next(iter(known.values()))[0] < edge:
            del known[next(iter(known))]

    def _repeated(self, caller: Caller, token: str, request: Request) -> bool:
        known = self._store.tokens.get((caller.account, caller.region, token))
        if known is None or clock.now() - known[0] > TOKEN_SECONDS:
            return False
        if known[1] != _fingerprint(request):
            raise AwsError(
                "IdempotentParameterMismatchException",
                "The request uses the same client token as a previous, but non-identical request. "
                "Do not reuse a client token with different requests, unless the requests are identical",
            )
        return True

    def _write(self, caller: Caller, request: Request, actions: list[Request]) -> Response:
        writes: list[tuple[str, Write]] = []
        for action in actions:
            [(kind, body)] = action.items()
            table = self._store.table(caller, body["TableName"])
            writes.append((kind, Write(table, body, parts=_PARTS[kind])))
        keys = [(id(write.table), write.table.keys.of_item(write.key)) for _, write in writes]
        if len(set(keys)) < len(keys):
            raise AwsError(
                "ValidationException",
                "Transaction request cannot include multiple operations on one item",
            )
        with _locks([write.table for _, write in writes]):
            images, reasons = _decide(writes)
            if any(reason["Code"] != "None" for reason in reasons):
                raise _canceled(reasons)
            now = clock.now()
            for (kind, write), (_, new) in zip(writes, images, strict=True):
                if kind != "ConditionCheck":
                    write.table.write(write.key, new, now)
        return _answer(request, writes, images)


def _decide(writes: list[tuple[str, Write]]) -> tuple[list[tuple[Item | None, Item | None]], list[Request]]:
    """(what each item was and becomes, why the transaction must be canceled)."""
    images: list[tuple[Item | None, Item | None]] = []
    reasons: list[Request] = []
    size = 0
    for kind, write in writes:
        old = write.table.get(write.key)
        new: Item | None = None
        reason: Request = {"Code": "None"}
        if not write.allowed(old):
            reason = {"Code": "ConditionalCheckFailed", "Message": FAILED}
            if write.request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old is not None:
                reason["Item"] = old
        else:
            outcomes: dict[str, Callable[[Item | None], Item | None]] = {
                "Put": write.put,
                "Update": write.update,
                "Delete": lambda _: None,
                "ConditionCheck": lambda found: found,
            }
            try:
                new = outcomes[kind](old)
            except AwsError as error:
                reason = {"Code": "ValidationError", "Message": error.message}
        size += max(item_size(image) if image else 0 for image in (old, new))
        images.append((old, new))
        reasons.append(reason)
    if size > MOST_BYTES:
        raise AwsError(
            "ValidationException",
            "Collection size of items in the transaction exceeds the limit of 4 MB",
        )
    return images, reasons


def _answer(
    request: Request, writes: list[tuple[str, Write]], images: list[tuple[Item | None, Item | None]]
) -> Response:
    answer: Response = {}
    mode = request.get("ReturnConsumedCapacity")
    if mode not in (None, "NONE"):
        shapes = []
        for (_, write), (old, new) in zip(writes, images, strict=True):
            extra = {name: 2 * units for name, units in index_units(write.table, old, new).items()}
            shapes.append(consumed(mode, write.table, 2 * write_units(old, new), extra, kind="Write"))
        answer["ConsumedCapacity"] = add_up([shape for shape in shapes if shape])
    if request.get("ReturnItemCollectionMetrics") == "SIZE":
        metrics: dict[str, list[Request]] = {}
        for _, write in writes:
            if found := collection(write.table, write.key):
                metrics.setdefault(write.table.name, []).append(found)
        if metrics:
            answer["ItemCollectionMetrics"] = metrics
    return answer


def _count(request: Request) -> list[Request]:
    actions: list[Request] = request["TransactItems"]
    if len(actions) > MOST_ACTIONS:
        raise AwsError(
            "ValidationException",
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MOST_ACTIONS}",
        )
    for action in actions:
        if len(action) != 1:
            raise AwsError(
                "ValidationException",
                "TransactItems can only contain one of Check, Put, Update or Delete",
            )
    return actions


def _canceled(reasons: list[Request], why: str | None = None) -> AwsError:
    codes = ", ".join(reason["Code"] for reason in reasons)
    return AwsError(
        "TransactionCanceledException",
        why or f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=reasons,
    )


def _locks(tables: list[Table]) -> ExitStack:
    """The locks of all tables, always taken in the same order."""
    stack = ExitStack()
    for table in sorted({id(table): table for table in tables}.values(), key=lambda table: table.arn):
        stack.enter_context(table.lock)
    return stack


def _fingerprint(request: Request) -> int:
    def freeze(value: Any) -> Any:
        if isinstance(value, dict):
            return tuple(sorted((key, freeze(inner)) for key, inner in value.items()))
        if isinstance(value, list):
            return tuple(map(freeze, value))
        return value

    return hash(repr(freeze(request["TransactItems"])))
