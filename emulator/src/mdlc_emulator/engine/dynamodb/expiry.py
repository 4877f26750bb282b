"""Deletes items whose time to live is over, a few seconds after it is (AWS: within a few days)."""

from __future__ import annotations

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.dynamodb.store import TableStore

EVERY_SECONDS = 2.0


class Sweeper:
    """Looks at every table every few seconds: a table without expiring items costs nothing."""

    def __init__(self, store: TableStore) -> None:
        self._store = store
        self._timer: clock.Timer | None = None

    def start(self) -> None:
        self._timer = clock.call_at(clock.now() + EVERY_SECONDS, self._sweep)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        try:
            for table in self._store.all():
                if table.expiries and table.expiries[0][0] <= clock.now():
                    table.sweep(clock.now())
        finally:
            self.start()
