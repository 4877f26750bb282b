"""A stream: its shards, how records find them, and how they split and merge."""

from __future__ import annotations

import threading
from bisect import bisect_right
from dataclasses import dataclass, field

from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.kinesis.sequence import even_ranges
from mdlc_emulator.engine.kinesis.shard import Shard

DEFAULT_RETENTION_HOURS = 24
DEFAULT_RECORD_KIB = 1024
ON_DEMAND_SHARDS = 4


@dataclass(eq=False)
class Consumer:
    """A registered (enhanced fan-out) consumer."""

    name: str
    arn: str
    made: float


@dataclass(eq=False)
class Stream:
    """One data stream; whoever changes its shards holds `lock`."""

    name: str
    arn: str
    account: str
    made: float
    mode: str = "PROVISIONED"
    retention_hours: int = DEFAULT_RETENTION_HOURS
    record_kib: int = DEFAULT_RECORD_KIB
    encryption: str = "NONE"
    key_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[str] = field(default_factory=list)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    shards: dict[str, Shard] = field(default_factory=dict)
    policy: str | None = None
    deleted: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _lows: list[int] = field(default_factory=list, repr=False)
    _open: list[Shard] = field(default_factory=list, repr=False)

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.lock = threading.RLock()

    def start_with(self, count: int) -> None:
        """Make the first `count` shards, ranges of equal size."""
        for low, high in even_ranges(count):
            self._add(low, high, self.made)
        self._settle()

    def _add(self, low: int, high: int, now: float, parents: tuple[Shard, ...] = ()) -> Shard:
        # A child made within its parent's second still has to number its records higher than the parent did.
        made = max([now, *(int(parent.made) + 1 for parent in parents)])
        shard = Shard(len(self.shards), made, low, high, tuple(parent.id for parent in parents))
        self.shards[shard.id] = shard
        return shard

    def _settle(self) -> None:
        self._open = sorted(
            (shard for shard in self.shards.values() if shard.closed is None), key=lambda shard: shard.low
        )
        self._lows = [shard.low for shard in self._open]

    def open_shards(self) -> list[Shard]:
        """The shards that take records, by hash key."""
        return self._open

    def shard_for(self, hash_key: int) -> Shard:
        return self._open[bisect_right(self._lows, hash_key) - 1]

    def shard(self, shard_id: str) -> Shard:
        try:
            return self.shards[shard_id]
        except KeyError:
            raise AwsError(
                "ResourceNotFoundException",
                f"Shard {shard_id} in stream {self.name} under account {self.account} does not exist",
            ) from None

    def children_of(self, shard: Shard) -> list[Shard]:
        return [child for child in list(self.shards.values()) if shard.id in child.parents]

    def trim(self, now: float) -> None:
        """Forget the records that are older than the retention period."""
        for shard in list(self.shards.values()):
            shard.trim(now - self.retention_hours * 3600)

    def split(self, shard_id: str, new_starting: int, now: float) -> None:
        """Close a shard in favour of two: one below `new_starting`, one from it on."""
        parent = self._to_close(shard_id)
        if not parent.low < new_starting <= parent.high:
            raise AwsError(
                "InvalidArgumentException",
                f"NewStartingHashKey {new_starting} used in SplitShard() on shard {shard_id} in stream "
                f"{self.name} under account {self.account} is not both greater than one plus the shard's "
                f"StartingHashKey {parent.low} and less than the shard's EndingHashKey {parent.high - 1}.",
            )
        parent.close(now)
        self._add(parent.low, new_starting - 1, now, (parent,))
        self._add(new_starting, parent.high, now, (parent,))
        self._settle()

    def merge(self, shard_id: str, adjacent_id: str, now: float) -> None:
        """Close two adjoining shards in favour of one."""
        first, second = self._to_close(shard_id), self._to_close(adjacent_id)
        below, above = sorted((first, second), key=lambda shard: shard.low)
        if below.high + 1 != above.low:
            raise AwsError(
                "InvalidArgumentException",
                f"Shards {shard_id} and {adjacent_id} in stream {self.name} under account {self.account} "
                "are not an adjacent pair of shards eligible for merging",
            )
        first.close(now)
        second.close(now)
        self._add(below.low, above.high, now, (first, second))
        self._settle()

    def _to_close(self, shard_id: str) -> Shard:
        shard = self.shard(shard_id)
        if shard.closed is not None:
            raise AwsError(
                "InvalidArgumentException",
                f"Shard {shard_id} in stream {self.name} under account {self.account} has already been "
                "merged or split, and thus is not eligible for merging or splitting.",
            )
        return shard

    def resize(self, count: int, now: float) -> None:
        """Split the widest or merge the narrowest neighbours until `count` shards are open."""
        while len(self._open) < count:
            widest = max(self._open, key=lambda shard: shard.size)
            self.split(widest.id, widest.low + widest.size // 2, now)
        while len(self._open) > count:
            pairs = list(zip(self._open, self._open[1:], strict=False))
            below, above = min(pairs, key=lambda pair: pair[0].size + pair[1].size)
            self.merge(below.id, above.id, now)

    def remove(self) -> None:
        """Mark the stream as gone and wake everybody who waits for a record."""
        self.deleted = True
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits for a record look again."""
        for shard in list(self.shards.values()):
            shard.wake()
