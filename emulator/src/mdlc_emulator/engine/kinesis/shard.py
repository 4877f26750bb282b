"""One shard: an append-only log of records with a trimmed head, and those who wait for its tail."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from mdlc_emulator.engine.kinesis.sequence import belongs_to, sequence_number, shard_id


class Record(NamedTuple):
    """One record as stored; `arrived` is in seconds since the epoch."""

    sequence: int
    arrived: float
    partition_key: str
    data: bytes


@dataclass(eq=False)
class Shard:
    """Records of one range of hash keys (both ends included).

    Positions count from the first record the shard ever held; those below `trimmed` are gone. `changed` is
    notified whenever a record comes or the shard closes.
    """

    index: int
    made: float
    low: int
    high: int
    parents: tuple[str, ...] = ()
    closed: float | None = None
    records: list[Record] = field(default_factory=list)
    trimmed: int = 0
    given: int = 0
    ending: int | None = None
    changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "changed"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.changed = threading.Condition()

    @property
    def id(self) -> str:
        return shard_id(self.index)

    @property
    def starting(self) -> int:
        return sequence_number(int(self.made), self.index, 0, int(self.made))

    @property
    def end(self) -> int:
        """The position after the last record."""
        return self.trimmed + len(self.records)

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    def append(self, partition_key: str, data: bytes, now: float) -> Record:
        with self.changed:
            self.given += 1
            record = Record(
                sequence_number(int(self.made), self.index, self.given, int(now)), now, partition_key, data
            )
            self.records.append(record)
            self.changed.notify_all()
            return record

    def close(self, now: float) -> None:
        with self.changed:
            self.closed = now
            self.ending = sequence_number(int(self.made), self.index, self.given + 1, int(now))
            self.changed.notify_all()

    def trim(self, before: float) -> None:
        """Forget the records that arrived earlier than `before`."""
        with self.changed:
            if self.records and self.records[0].arrived < before:
                gone = bisect_left(self.records, before, key=lambda record: record.arrived)
                del self.records[:gone]
                self.trimmed += gone

    def read(self, position: int, limit: int, most_bytes: int) -> tuple[list[Record], int]:
        """Up to `limit` records of together `most_bytes` (at least one) from `position`, and the next one."""
        with self.changed:
            start = max(position, self.trimmed)
            found = self.records[start - self.trimmed : start - self.trimmed + limit]
        size = 0
        for count, record in enumerate(found):
            size += len(record.data) + len(record.partition_key)
            if size > most_bytes and count:
                found = found[:count]
                break
        return found, start + len(found)

    def exhausted(self, position: int) -> bool:
        """Whether nothing can ever come at or after `position`."""
        return self.closed is not None and position >= self.end

    def behind(self, position: int, now: float) -> int:
        """How far `position` lies behind the tip, in milliseconds; 0 when everything has been read."""
        with self.changed:
            if position >= self.end:
                return 0
            waiting = self.records[max(position, self.trimmed) - self.trimmed]
        return max(0, int((now - waiting.arrived) * 1000))

    def position_of(self, sequence: int) -> int:
        """The position of the first record whose number is at least `sequence`."""
        with self.changed:
            return self.trimmed + bisect_left(self.records, sequence, key=lambda record: record.sequence)

    def position_after(self, sequence: int) -> int:
        with self.changed:
            return self.trimmed + bisect_right(self.records, sequence, key=lambda record: record.sequence)

    def position_at(self, moment: float) -> int:
        """The position of the first record that arrived at or after `moment`."""
        with self.changed:
            return self.trimmed + bisect_left(self.records, moment, key=lambda record: record.arrived)

    def gave(self, sequence: int) -> bool:
        return belongs_to(sequence, int(self.made), self.index)

    def wait(self, position: int, timeout: float) -> None:
        """Return once there is something to read at `position`, the shard has closed, or time is up."""
        with self.changed:
            if position >= self.end and self.closed is None:
                self.changed.wait(timeout)
