"""A mapping from a stream to a function: a reader for each lane of each shard, children after parents. "
"Pure."""

from __future__ import annotations

import threading
from datetime import datetime

from mdlc_emulator.engine.event_sources.lanes import Progress
from mdlc_emulator.engine.event_sources.reader import Handling, LaneReader
from mdlc_emulator.engine.event_sources.streams import Source, SourceShard


class StreamMapping:
    """Reads `source` from `position` on, `factor` lanes in each shard, remembering in `progress`."""

    def __init__(
        self,
        source: Source,
        progress: Progress,
        handling: Handling,
        *,
        position: str,
        moment: datetime | float | None = None,
        factor: int = 1,
    ) -> None:
        self._source, self._progress, self._handling = source, progress, handling
        self._position, self._moment, self._factor = position, moment, factor
        self._stop = threading.Event()
        self._readers: list[LaneReader] = []
        self._reading: dict[str, int] = {}
        if not progress.started:
            self._settle_start()

    def _settle_start(self) -> None:
        """Fix now where each shard begins, so that LATEST means the moment the mapping was made."""
        for shard in self._source.shards():
            start = self._source.start(shard, self._position, self._moment)
            self._progress.of(shard.id, start, self._factor)
            if shard.log.exhausted(start):
                self._progress.finished.add(shard.id)
        self._progress.started = True

    def start(self) -> None:
        self._read_what_is_ready()

    def stop(self) -> None:
        """Ask every reader to end; the records in their hands stay unsettled."""
        self._stop.set()
        for reader in list(self._readers):
            reader.wake()

    def join(self) -> None:
        """Wait until what is being invoked has been answered."""
        for reader in list(self._readers):
            reader.join()

    def _read_what_is_ready(self) -> None:
        """Start readers for the shards whose parents are done."""
        with self._progress.lock:
            shards = self._source.shards()
            known = {shard.id for shard in shards}
            for shard in shards:
                if shard.id in self._reading or shard.id in self._progress.finished:
                    continue
                if any(parent in known - self._progress.finished for parent in shard.parents):
                    continue
                # A shard born after the mapping is read from its first record, whatever the StartingPosition.
                progress = self._progress.of(shard.id, 0, self._factor)
                self._reading[shard.id] = self._factor
                for lane in range(self._factor):
                    reader = LaneReader(
                        self._source, shard, lane, progress, self._handling, self._stop, self._lane_done
                    )
                    self._readers.append(reader)
                    reader.start()

    def _lane_done(self, shard: SourceShard) -> None:
        with self._progress.lock:
            self._reading[shard.id] -= 1
            if self._reading[shard.id]:
                return
            self._progress.finished.add(shard.id)
        self._read_what_is_ready()
