"""The parts of an item that a projection names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mdlc_emulator.engine.dynamodb.scope import Place, look_up
from mdlc_emulator.engine.dynamodb.values import Item, Value


def project(item: Item, places: Iterable[Place]) -> Item:
    """A new item that holds only what lies at `places`; list elements keep their order, not their index."""
    tree: dict[Any, Any] = {}
    for place in places:
        if look_up(item, place) is None:
            continue
        node = tree
        for step in place[:-1]:
            node = node.setdefault(step, {})
        node[place[-1]] = None
    return {name: _pick(item[name], branch) for name, branch in tree.items()}


def _pick(value: Value, tree: dict[Any, Any] | None) -> Value:
    if tree is None:
        return value
    if "L" in value:
        return {"L": [_pick(value["L"][index], tree[index]) for index in sorted(tree)]}
    return {"M": {name: _pick(value["M"][name], branch) for name, branch in tree.items()}}
