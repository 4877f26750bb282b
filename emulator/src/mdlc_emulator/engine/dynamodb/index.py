"""The order of a table or of one of its indexes: partitions in hash order, items in sort-key order."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from mdlc_emulator.engine.dynamodb.keys import Key, Sortable

# (sort key in this index, primary key of the item): unique, and in the order a Query walks.
type Entry = tuple[Sortable, Key]
# Partitions are walked in the order of a digest of their key, as a Scan of AWS's does: not by key.
type Place = tuple[bytes, Sortable]


def _place(hash_key: Sortable) -> Place:
    kind = b"b" if isinstance(hash_key, bytes) else b"n"
    written = hash_key if isinstance(hash_key, bytes) else str(hash_key.normalize()).encode()
    return hashlib.md5(kind + written, usedforsecurity=False).digest(), hash_key


class Order:
    """Which primary keys stand where."""

    def __init__(self) -> None:
        self._partitions: dict[Sortable, list[Entry]] = {}
        self._places: list[Place] = []
        self.count = 0

    def add(self, at: Key, primary: Key) -> None:
        """Let the item `primary` stand at the key `at` of this index."""
        hash_key, range_key = at
        entries = self._partitions.get(hash_key)
        if entries is None:
            entries = self._partitions[hash_key] = []
            insort(self._places, _place(hash_key))
        insort(entries, (range_key, primary))
        self.count += 1

    def remove(self, at: Key, primary: Key) -> None:
        hash_key, range_key = at
        entries = self._partitions[hash_key]
        del entries[bisect_left(entries, (range_key, primary))]
        self.count -= 1
        if not entries:
            del self._partitions[hash_key]
            del self._places[bisect_left(self._places, _place(hash_key))]

    def partition(
        self, hash_key: Sortable, *, forward: bool = True, after: Entry | None = None
    ) -> Iterator[Entry]:
        """The entries of one partition in the order of the sort key; `after`: those beyond that entry."""
        entries = self._partitions.get(hash_key, [])
        if forward:
            start = 0 if after is None else bisect_right(entries, after)
            yield from entries[start:]
        else:
            end = len(entries) if after is None else bisect_left(entries, after)
            yield from reversed(entries[:end])

    def everything(self, after: tuple[Sortable, Entry] | None = None) -> Iterator[Entry]:
        """All entries, partition after partition; `after`: those beyond that entry of that partition."""
        start = 0
        if after is not None:
            hash_key, entry = after
            yield from self.partition(hash_key, after=entry)
            start = bisect_right(self._places, _place(hash_key))
        for _, hash_key in list(self._places[start:]):
            yield from self.partition(hash_key)

    @staticmethod
    def segment_of(hash_key: Sortable, total: int) -> int:
        """Which of `total` segments of a parallel scan a partition belongs to."""
        return int.from_bytes(_place(hash_key)[0][:8]) * total >> 64
