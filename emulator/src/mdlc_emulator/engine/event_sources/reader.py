"""One lane of one shard: gathers records into batches and has them delivered, in order. Pure.

A reader sleeps on its shard's log: a record reaches its function as soon as it is written, and an idle
mapping costs nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.event_sources.delivery import Delivered, GiveUp, Invoke, Policy, deliver
from mdlc_emulator.engine.event_sources.lanes import ShardProgress, lane_of
from mdlc_emulator.engine.event_sources.streams import Source, SourceShard

LOG = logging.getLogger(__name__)

# An invocation takes 6 MB, in which data stands base64-coded beside a few hundred bytes of metadata.
MOST_PAYLOAD = 6 * 2**20
METADATA_BYTES = 600
READ_AT_ONCE = 1000
PAUSE_AFTER_ERROR = 1.0


@dataclass(frozen=True)
class Batching:
    """How many records go together, and how long the first waits for others (seconds)."""

    size: int
    window: float = 0


@dataclass(frozen=True)
class Handling:
    """What happens to the records of a mapping."""

    batching: Batching
    policy: Policy
    accepts: Callable[[Delivered], bool]
    invoke: Invoke
    give_up: Callable[[SourceShard], GiveUp]


class LaneReader:
    """Reads lane `lane` of `shard` in a thread of its own until the shard ends or `stop` is set."""

    def __init__(
        self,
        source: Source,
        shard: SourceShard,
        lane: int,
        progress: ShardProgress,
        handling: Handling,
        stop: threading.Event,
        done: Callable[[SourceShard], None],
    ) -> None:
        self._source, self._shard, self._lane = source, shard, lane
        self._progress, self._handling, self._stop, self._done = progress, handling, stop, done
        self._seen = progress.positions[lane]
        self._thread = threading.Thread(target=self._run, name=f"mapping-{shard.id}-{lane}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._shard.log.wake()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set() and not self._source.gone():
            try:
                if not self._advance():
                    return
            except Exception:
                # Whatever it was, the shard goes on: from the checkpoint, so that nothing is lost.
                LOG.exception("The reader of %s lane %d has failed.", self._shard.id, self._lane)
                self._seen = self._progress.positions[self._lane]
                clock.pause(PAUSE_AFTER_ERROR, self._stop)

    def _advance(self) -> bool:
        """Deliver the next batch; False when there is nothing more to do."""
        batch = self._gather()
        if batch:
            return self._deliver(batch)
        if self._shard.log.exhausted(self._seen):
            self._done(self._shard)
            return False
        return True

    def _gather(self) -> list[Delivered]:
        """The next batch, full or due; empty when there is nothing and never will be, or on the way to "
        "a stop."""
        log, batching = self._shard.log, self._handling.batching
        batch: list[Delivered] = []
        size = 0
        due: float | None = None
        alarm: clock.Timer | None = None
        try:
            while not self._stop.is_set() and not self._source.gone():
                self._source.trim()
                entries, following = log.read(self._seen, READ_AT_ONCE, MOST_PAYLOAD)
                first = following - len(entries)
                for at, entry in enumerate(entries):
                    key = self._source.key(entry)
                    mine = lane_of(key, self._progress.factor) == self._lane
                    if mine and not self._progress.settled(first + at, key):
                        event = self._source.event(self._shard, first + at, entry)
                        if self._handling.accepts(event):
                            weight = entry.weight * 4 // 3 + METADATA_BYTES
                            if batch and size + weight > MOST_PAYLOAD:
                                return batch
                            batch.append(event)
                            size += weight
                    self._seen = first + at + 1
                    if len(batch) >= batching.size:
                        return batch
                if not batch:
                    # What another lane reads or the filter drops is settled for this lane.
                    self._progress.positions[self._lane] = max(
                        self._seen, self._progress.positions[self._lane]
                    )
                if entries:
                    continue
                if log.exhausted(self._seen):
                    return batch
                if batch:
                    if due is None:
                        due = clock.now() + batching.window
                        alarm = clock.call_at(due, log.wake) if batching.window else None
                    if clock.now() >= due:
                        return batch
                with log.changed:
                    if self._idle() and (due is None or clock.now() < due):
                        log.changed.wait()
            return []
        finally:
            if alarm is not None:
                alarm.cancel()

    def _idle(self) -> bool:
        log = self._shard.log
        return (
            self._seen >= log.end
            and log.closed is None
            and not self._stop.is_set()
            and not self._source.gone()
        )

    def _policy(self) -> Policy:
        """The mapping's policy; what the stream itself would have forgotten is too old in any case."""
        policy, kept = self._handling.policy, self._source.retention()
        oldest = kept if policy.oldest_seconds < 0 else min(policy.oldest_seconds, kept)
        return replace(policy, oldest_seconds=oldest)

    def _deliver(self, batch: Sequence[Delivered]) -> bool:
        def commit(position: int) -> None:
            self._progress.positions[self._lane] = position

        settled = deliver(
            batch,
            self._policy(),
            invoke=self._handling.invoke,
            give_up=self._handling.give_up(self._shard),
            commit=commit,
            now=clock.now,
            pause=lambda seconds: clock.pause(seconds, self._stop),
        )
        if settled:
            # Between the last record of the batch and what was looked at, nothing was for this lane.
            commit(self._seen)
        return settled
