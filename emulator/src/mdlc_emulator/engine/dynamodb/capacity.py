"""Consumed capacity, which an answer reports only when it was asked for.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.dynamodb.table import Index, Table
from mdlc_emulator.engine.dynamodb.values import Item, item_size


def read_units(size: int, *, consistent: bool) -> float:
    """Units to read `size` bytes: one for 4 KB, half of that when eventually consistent."""
    return max(1, -(-size // 4096)) * (1.0 if consistent else 0.5)


def write_units(old: Item | None, new: Item | None) -> float:
    """Units to write an item: one for each KB of the larger image."""
    size = max(item_size(image) if image else 0 for image in (old, new))
    return float(max(1, -(-size // 1024)))


def index_units(table: Table, old: Item | None, new: Item | None) -> dict[str, float]:
    """Units that a write costs in each index it touches."""
    units: dict[str, float] = {}
    for index in table.indexes.values():
        before = index.project(old, table.keys) if old and index.keys.covers(old) else None
        after = index.project(new, table.keys) if new and index.keys.covers(new) else None
        if before != after:
            moved = before and after and index.keys.of_item(before) != index.keys.of_item(after)
            units[index.name] = write_units(before, after) * (2 if moved else 1)
    return units


def consumed(
    mode: str | None,
    table: Table,
    units: float,
    indexes: dict[str, float] | None = None,
    *,
    kind: str | None = None,
) -> dict[str, Any] | None:
    """A `ConsumedCapacity` for ReturnConsumedCapacity `mode`; None when none was asked for.

    `kind` is Read or Write where the operation tells them apart (transactions).
    """
    if mode not in ("TOTAL", "INDEXES"):
        return None
    indexes = indexes or {}
    total = units + sum(indexes.values())
    shape: dict[str, Any] = {"TableName": table.name, "CapacityUnits": total}
    if kind:
        shape[f"{kind}CapacityUnits"] = total
    if mode == "INDEXES":
        shape["Table"] = _units(units, kind)
        for member, is_global in (("GlobalSecondaryIndexes", True), ("LocalSecondaryIndexes", False)):
            found = {
                name: _units(cost, kind)
                for name, cost in indexes.items()
                if table.indexes[name].is_global is is_global
            }
            if found:
                shape[member] = found
    return shape


def _units(units: float, kind: str | None) -> dict[str, float]:
    return {"CapacityUnits": units} | ({f"{kind}CapacityUnits": units} if kind else {})


def add_up(shapes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One `ConsumedCapacity` for each table, the parts of `shapes` summed."""
    totals: dict[str, dict[str, Any]] = {}
    for shape in shapes:
        known = totals.get(shape["TableName"])
        totals[shape["TableName"]] = shape if known is None else _sum(known, shape)
    return list(totals.values())


def _sum(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    merged = dict(left)
    for name, value in right.items():
        if isinstance(value, dict):
            merged[name] = _sum(left.get(name, {}), value)
        elif isinstance(value, float):
            merged[name] = left.get(name, 0.0) + value
        else:
            merged[name] = value
    return merged


def query_units(
    table: Table, index: Index | None, size: int, *, consistent: bool
) -> tuple[float, dict[str, float]]:
    """(units of the table, units of each index) for a page of `size` bytes."""
    units = read_units(size, consistent=consistent)
    return (units, {}) if index is None else (0.0, {index.name: units})
