"""One shard: a log of records and the range of hash keys that go there."""

from __future__ import annotations

from typing import NamedTuple

from mdlc_emulator.engine.kinesis.sequence import belongs_to, sequence_number, shard_id
from mdlc_emulator.engine.log import Log


class Record(NamedTuple):
    """One record as stored; `arrived` is in seconds since the epoch."""

    sequence: int
    arrived: float
    partition_key: str
    data: bytes

    @property
    def weight(self) -> int:
        return len(self.data) + len(self.partition_key)


class Shard(Log[Record]):
    """Records of one range of hash keys (both ends included); `made` in seconds since the epoch."""

    def __init__(self, index: int, made: float, low: int, high: int, parents: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.index, self.made, self.low, self.high, self.parents = index, made, low, high, parents
        self.given = 0
        self.ending: int | None = None

    @property
    def id(self) -> str:
        return shard_id(self.index)

    @property
    def starting(self) -> int:
        return sequence_number(int(self.made), self.index, 0, int(self.made))

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    def append(self, partition_key: str, data: bytes, now: float) -> Record:
        """Store a record; the stream's lock is held, so that numbers are given in order."""
        self.given += 1
        number = sequence_number(int(self.made), self.index, self.given, int(now))
        record = Record(number, now, partition_key, data)
        self.add(record)
        return record

    def close(self, now: float) -> None:
        self.ending = sequence_number(int(self.made), self.index, self.given + 1, int(now))
        super().close(now)

    def gave(self, sequence: int) -> bool:
        return belongs_to(sequence, int(self.made), self.index)
