"""An append-only log in memory with a trimmed head, and those who wait for its tail.

The storage of a Kinesis shard and of a DynamoDB stream's shard alike. Positions count from the first entry
the log ever held; those below `trimmed` are gone.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from typing import Protocol


class Entry(Protocol):
    """What a log holds; `arrived` is in seconds since the epoch, `sequence` grows."""

    @property
    def sequence(self) -> int: ...

    @property
    def arrived(self) -> float: ...

    @property
    def weight(self) -> int:
        """Bytes that count towards the size of an answer."""
        ...


class Log[T: Entry]:
    """Entries in order. `changed` is notified whenever one comes or the log closes."""

    def __init__(self) -> None:
        self.entries: list[T] = []
        self.trimmed = 0
        self.closed: float | None = None
        self.changed = threading.Condition()

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "changed"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.changed = threading.Condition()

    @property
    def end(self) -> int:
        """The position after the last entry."""
        return self.trimmed + len(self.entries)

    def add(self, entry: T) -> None:
        with self.changed:
            self.entries.append(entry)
            self.changed.notify_all()

    def close(self, now: float) -> None:
        """Nothing more will come."""
        with self.changed:
            self.closed = now
            self.changed.notify_all()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        with self.changed:
            self.changed.notify_all()

    def trim(self, before: float) -> None:
        """Forget the entries that arrived earlier than `before`."""
        with self.changed:
            if self.entries and self.entries[0].arrived < before:
                gone = bisect_left(self.entries, before, key=lambda entry: entry.arrived)
                del self.entries[:gone]
                self.trimmed += gone

    def read(self, position: int, limit: int, most_bytes: int) -> tuple[list[T], int]:
        """Up to `limit` entries of together `most_bytes` (at least one) from `position`, and the next one."""
        with self.changed:
            start = max(position, self.trimmed)
            found = self.entries[start - self.trimmed : start - self.trimmed + limit]
        size = 0
        for count, entry in enumerate(found):
            size += entry.weight
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
            waiting = self.entries[max(position, self.trimmed) - self.trimmed]
        return max(0, int((now - waiting.arrived) * 1000))

    def position_of(self, sequence: int) -> int:
        """The position of the first entry whose number is at least `sequence`."""
        with self.changed:
            return self.trimmed + bisect_left(self.entries, sequence, key=lambda entry: entry.sequence)

    def position_after(self, sequence: int) -> int:
        with self.changed:
            return self.trimmed + bisect_right(self.entries, sequence, key=lambda entry: entry.sequence)

    def position_at(self, moment: float) -> int:
        """The position of the first entry that arrived at or after `moment`."""
        with self.changed:
            return self.trimmed + bisect_left(self.entries, moment, key=lambda entry: entry.arrived)

    def wait(self, position: int, timeout: float) -> None:
        """Return once there is something to read at `position`, the log has closed, or time is up."""
        with self.changed:
            if position >= self.end and self.closed is None:
                self.changed.wait(timeout)
