"""Items grouped for one child execution each. Pure.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.stepfunctions.values import text_of


def batches(items: list[Any], most: int | None, most_bytes: int | None) -> list[list[Any]]:
    """`items` in order, in groups of at most `most`, each of which as JSON takes at most `most_bytes`.

    An item that alone is larger than `most_bytes` raises ValueError: its child execution could not start.
    """
    groups: list[list[Any]] = []
    size = 0
    for item in items:
        length = len(text_of(item).encode("utf-8", "surrogatepass")) + 1
        if most_bytes is not None and length > most_bytes:
            raise ValueError(f"An item of {length} bytes exceeds MaxInputBytesPerBatch ({most_bytes}).")
        full = not groups or (most is not None and len(groups[-1]) >= most)
        if full or (most_bytes is not None and size + length > most_bytes):
            groups.append([])
            size = 0
        groups[-1].append(item)
        size += length
    return groups


def batch_input(items: list[Any], common: Any) -> dict[str, Any]:
    """What a child execution gets: {"Items": [...]} and, when there is one, {"BatchInput": ...}."""
    return {"Items": items} if common is None else {"BatchInput": common, "Items": items}
