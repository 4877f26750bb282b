"""The fidelity ledger: how often which call was executed, simulated or unsupported. Standard library only.

Counting is exact whatever happens: the counts of all entries always add up to the number of calls recorded,
for each fidelity. Only the detail is bounded: past a number of distinct resources of one action, and past a
number of entries in all, further calls are counted in an entry whose resource (and principal, and region) is
`OTHERS`.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

OTHERS = "(others)"
"""Stands for everything that is not listed one by one any more."""

LONGEST_NAME = 512
"""Characters kept of a resource's name."""


class Fidelity(StrEnum):
    EXECUTED = "executed"
    """The call did what AWS promises of it."""
    SIMULATED = "simulated"
    """The call was answered from a model; what it promises was not done, or only in part."""
    UNSUPPORTED = "unsupported"
    """The call was refused: this emulator does not know it."""


class Key(NamedTuple):
    """Who did what to which resource, and how true the answer was."""

    fidelity: Fidelity
    service: str
    operation: str
    resource: str
    account: str
    access_key: str
    region: str
    internal: bool
    """Made by the emulator itself, not by a client."""


@dataclass(frozen=True)
class Entry:
    """One line of the ledger. Times are seconds since the epoch."""

    key: Key
    count: int
    errors: int
    last_error: str | None
    first: float
    last: float


class _Line:
    __slots__ = ("count", "errors", "first", "last", "last_error")

    def __init__(self, now: float) -> None:
        self.count = 0
        self.errors = 0
        self.last_error: str | None = None
        self.first = now
        self.last = now


class Ledger:
    """Thread-safe. `resources`: distinct lines of one action before the rest is counted together; `lines`: of
    all actions together. At most `2 * lines + 3` lines are ever held."""

    def __init__(self, resources: int = 500, lines: int = 20_000) -> None:
        self._resources = resources
        self._limit = lines
        self._lock = threading.Lock()
        self._lines: dict[Key, _Line] = {}
        self._of_action: dict[tuple[Fidelity, str, str], int] = {}
        self.since = time.time()

    def record(self, key: Key, error: str | None = None) -> None:
        """Count one call; `error` is the code of the error it was answered with."""
        now = time.time()
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                line = self._line_for(key, now)
            line.count += 1
            line.last = now
            if error is not None:
                line.errors += 1
                line.last_error = error

    def _line_for(self, key: Key, now: float) -> _Line:
        """The line of a key that is not there yet: its own, or the one that stands for the others."""
        if len(key.resource) > LONGEST_NAME:
            key = key._replace(resource=key.resource[: LONGEST_NAME - 1] + "…")
        action = (key.fidelity, key.service, key.operation)
        distinct = self._of_action.get(action, 0)
        if key not in self._lines and (distinct >= self._resources or len(self._lines) >= self._limit):
            key = Key(key.fidelity, key.service, key.operation, OTHERS, OTHERS, OTHERS, OTHERS, key.internal)
            if key not in self._lines and len(self._lines) >= 2 * self._limit:
                key = Key(key.fidelity, OTHERS, OTHERS, OTHERS, OTHERS, OTHERS, OTHERS, False)
            return self._lines.setdefault(key, _Line(now))
        if key not in self._lines:
            self._of_action[action] = distinct + 1
        return self._lines.setdefault(key, _Line(now))

    def entries(self) -> list[Entry]:
        """All lines as they stand now, the most frequent first."""
        with self._lock:
            found = [
                Entry(key, line.count, line.errors, line.last_error, line.first, line.last)
                for key, line in self._lines.items()
            ]
        return sorted(found, key=lambda entry: (-entry.count, entry.key))

    def totals(self) -> dict[Fidelity, int]:
        """Calls by fidelity, those of the emulator itself included."""
        sums = dict.fromkeys(Fidelity, 0)
        for entry in self.entries():
            sums[entry.key.fidelity] += entry.count
        return sums

    def reset(self) -> None:
        """Forget everything counted so far."""
        with self._lock:
            self._lines.clear()
            self._of_action.clear()
            self.since = time.time()

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries())
