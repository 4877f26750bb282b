"""One table: its definition, its items, their order in every index, its stream."""

from __future__ import annotations

import heapq
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.dynamodb.index import Order
from mdlc_emulator.engine.dynamodb.keys import Key, KeySchema
from mdlc_emulator.engine.dynamodb.stream import TableStream
from mdlc_emulator.engine.dynamodb.values import Item, item_size, same_item

MOST_ITEM_BYTES = 400 * 1024

type Listener = Callable[["Table", Item, Item | None, Item | None, float], None]


@dataclass(eq=False)
class Index:
    """A secondary index. `throughput`: read and write units, None when billed per request."""

    name: str
    keys: KeySchema
    projection: dict[str, Any]
    is_global: bool
    arn: str
    throughput: dict[str, int] | None = None
    order: Order = field(default_factory=Order)
    bytes: int = 0

    def project(self, item: Item, table_keys: KeySchema) -> Item:
        """What of `item` this index holds."""
        kind = self.projection.get("ProjectionType")
        if kind == "ALL":
            return item
        names = {*self.keys.names, *table_keys.names}
        if kind == "INCLUDE":
            names |= set(self.projection.get("NonKeyAttributes", ()))
        return {name: value for name, value in item.items() if name in names}

    def holds_all(self, names: set[str], table_keys: KeySchema) -> bool:
        kind = self.projection.get("ProjectionType")
        held = {*self.keys.names, *table_keys.names, *self.projection.get("NonKeyAttributes", ())}
        return kind == "ALL" or names <= held


@dataclass(eq=False)
class Table:
    """Items by primary key. Every change goes through `write`, under `lock`."""

    name: str
    arn: str
    account: str
    region: str
    made: float
    keys: KeySchema
    attributes: dict[str, str]
    billing: str
    throughput: dict[str, int]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    indexes: dict[str, Index] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    stream: TableStream | None = None
    ttl_attribute: str | None = None
    ttl_enabled: bool = False
    items: dict[Key, Item] = field(default_factory=dict)
    order: Order = field(default_factory=Order)
    bytes: int = 0
    recoverable_since: float | None = None
    history: deque[tuple[float, Key, Item | None]] = field(default_factory=deque, repr=False)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    expiries: list[tuple[float, Key]] = field(default_factory=list, repr=False)

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.lock = threading.RLock()

    def index(self, name: str) -> Index:
        try:
            return self.indexes[name]
        except KeyError:
            raise AwsError(
                "ValidationException", f"The table does not have the specified index: {name}"
            ) from None

    def get(self, key: Item) -> Item | None:
        return self.items.get(self.keys.of_item(key))

    def check(self, item: Item, message: str = "Item size has exceeded the maximum allowed size") -> None:
        """Refuse an item that the table or one of its indexes cannot hold."""
        self.keys.check_item(item)
        for index in self.indexes.values():
            index.keys.check_index_key(item, index.name)
        if item_size(item) > MOST_ITEM_BYTES:
            raise AwsError("ValidationException", message)

    def write(self, key: Item, new: Item | None, now: float, *, expired: bool = False) -> Item | None:
        """Replace the item at `key` by `new` (None: delete it); returns what was there."""
        primary = self.keys.of_item(key)
        old = self.items.get(primary)
        if self.recoverable_since is not None:
            self._remember(primary, old, now)
        if old is not None:
            self.bytes -= item_size(old)
        if new is None:
            if old is not None:
                del self.items[primary]
                self.order.remove(primary, primary)
        else:
            self.items[primary] = new
            self.bytes += item_size(new)
            if old is None:
                self.order.add(primary, primary)
        for index in self.indexes.values():
            self._move(index, primary, old, new)
        if new is not None and self.ttl_enabled:
            self.note_expiry(primary, new)
        if self.stream is not None and self.stream.enabled and not same_item(old, new):
            self.stream.write(self.keys.pick(key), old, new, now, expired=expired)
        return old

    def _move(self, index: Index, primary: Key, old: Item | None, new: Item | None) -> None:
        """Let `index` follow a write."""
        held = old if old is not None and index.keys.covers(old) else None
        holds = new if new is not None and index.keys.covers(new) else None
        if held is not None:
            index.bytes -= item_size(index.project(held, self.keys))
        if holds is not None:
            index.bytes += item_size(index.project(holds, self.keys))
        before = None if held is None else index.keys.of_item(held)
        after = None if holds is None else index.keys.of_item(holds)
        if before == after:
            return
        if before is not None:
            index.order.remove(before, primary)
        if after is not None:
            index.order.add(after, primary)

    def _remember(self, primary: Key, old: Item | None, now: float) -> None:
        """Keep what a write replaces, for as long as the table can be restored to it."""
        self.history.append((now, primary, old))
        oldest = now - float(self.settings.get("recovery_days", 35)) * 86400
        while self.history[0][0] < oldest:
            self.recoverable_since = self.history.popleft()[0]

    def as_of(self, moment: float) -> dict[Key, Item]:
        """The items as they were at `moment`: later writes are taken back, the last first."""
        items = dict(self.items)
        for at, primary, old in reversed(self.history):
            if at <= moment:
                break
            if old is None:
                items.pop(primary, None)
            else:
                items[primary] = old
        return items

    def fill(self, index: Index) -> None:
        """Put every item into a new index."""
        for primary, item in self.items.items():
            self._move(index, primary, None, item)

    def note_expiry(self, primary: Key, item: Item) -> None:
        """Remember when an item expires, so that the sweep finds it."""
        moment = self.expiry(item)
        if moment is not None:
            heapq.heappush(self.expiries, (moment, primary))

    def expiry(self, item: Item) -> float | None:
        """When an item expires, in seconds since the epoch; None: never."""
        if not self.ttl_enabled or self.ttl_attribute is None:
            return None
        number = item.get(self.ttl_attribute, {}).get("N")
        return None if number is None else float(number)

    def sweep(self, now: float) -> int:
        """Delete what has expired; as AWS, items more than five years past their time stay."""
        gone = 0
        with self.lock:
            while self.expiries and self.expiries[0][0] <= now:
                moment, primary = heapq.heappop(self.expiries)
                item = self.items.get(primary)
                if item is not None and self.expiry(item) == moment and moment > now - 5 * 365 * 86400:
                    self.write(self.keys.pick(item), None, now, expired=True)
                    gone += 1
        return gone
