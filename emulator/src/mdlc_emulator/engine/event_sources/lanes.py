"""Where a mapping stands in each shard: the checkpoints, exact to the record. Pure.

A shard is read in `factor` lanes (ParallelizationFactor): a record belongs to the lane that its partition key
hashes to, so that records of one key stay in order. Each lane has a position of its own.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field


def lane_of(key: str, factor: int) -> int:
    if factor == 1:
        return 0
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8]) % factor


@dataclass
class ShardProgress:
    """The positions of all lanes of one shard; everything below a lane's position is settled.

    `before` is the progress under another number of lanes: what was settled then is not delivered again.
    """

    factor: int
    positions: list[int]
    before: ShardProgress | None = None

    def settled(self, position: int, key: str) -> bool:
        """Whether the record at `position` has been dealt with under this or an earlier number of lanes."""
        if position < self.positions[lane_of(key, self.factor)]:
            return True
        return self.before is not None and self.before.settled(position, key)

    def regrouped(self, factor: int) -> ShardProgress:
        """The same progress in another number of lanes."""
        if factor == self.factor:
            return self
        return ShardProgress(factor, [min(self.positions)] * factor, self)


@dataclass
class Progress:
    """Everything a mapping has to remember: it survives that the mapping is disabled or changed."""

    shards: dict[str, ShardProgress] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    started: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.lock = threading.RLock()

    def of(self, shard_id: str, start: int, factor: int) -> ShardProgress:
        """The progress in a shard; `start` is where it begins the first time."""
        with self.lock:
            known = self.shards.get(shard_id)
            progress = ShardProgress(factor, [start] * factor) if known is None else known.regrouped(factor)
            self.shards[shard_id] = progress
            return progress
