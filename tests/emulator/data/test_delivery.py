"""How batches of a stream reach a function: nothing lost, nothing out of order, given up exactly as told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.clock import ManualClock, now
from mdlc_emulator.engine.event_sources.delivery import Delivered, Outcome, Policy, deliver
from mdlc_emulator.engine.event_sources.failures import failed_items
from mdlc_emulator.engine.event_sources.lanes import Progress, ShardProgress, lane_of
from mdlc_emulator.engine.event_sources.reader import Batching, Handling
from mdlc_emulator.engine.event_sources.stream_mapping import StreamMapping
from mdlc_emulator.engine.event_sources.streams import KinesisSource, SourceShard
from mdlc_emulator.engine.kinesis.backend import operations
from mdlc_emulator.engine.kinesis.records import Records
from mdlc_emulator.engine.kinesis.store import StreamStore

from tests.waiting import eventually


def records(count: int, *, arrived: float = 0.0) -> list[Delivered]:
    return [Delivered(at, str(at), arrived, {"n": at}) for at in range(count)]


@dataclass
class Function:
    """A function that fails whenever it sees a poisoned record; partial: it names them."""

    poison: frozenset[str]
    partial: bool = False
    taken: list[str] = field(default_factory=list)
    tries: list[list[str]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    given_up: list[tuple[list[str], str, int]] = field(default_factory=list)
    checkpoint: int = 0

    def invoke(self, batch: Sequence[Delivered]) -> Outcome:
        names = [record.sequence for record in batch]
        self.tries.append(names)
        failed = self.poison & set(names)
        if not failed:
            self.taken += names
            return Outcome()
        if self.partial:
            first = min(failed, key=int)
            self.taken += names[: names.index(first)]
            return Outcome(frozenset(failed))
        return Outcome(frozenset())

    def give_up(self, batch: Sequence[Delivered], why: str, tries: int, context: dict[str, Any]) -> None:
        self.given_up.append(([record.sequence for record in batch], why, tries))
        self.lost += [record.sequence for record in batch]

    def commit(self, position: int) -> None:
        assert position > self.checkpoint
        self.checkpoint = position

    def handle(self, batch: Sequence[Delivered], policy: Policy, *, at: float = 0.0) -> bool:
        return deliver(
            batch,
            policy,
            invoke=self.invoke,
            give_up=self.give_up,
            commit=self.commit,
            now=lambda: at,
            pause=lambda seconds: True,
        )


poisons = st.frozensets(st.integers(0, 19).map(str), max_size=6)


@given(st.integers(1, 20), poisons, st.integers(0, 3), st.booleans(), st.booleans())
def test_every_record_is_taken_or_given_up_once_and_in_order(
    count: int, poison: frozenset[str], retries: int, bisect: bool, partial: bool
) -> None:
    function = Function(poison, partial)
    policy = Policy(retries=retries, bisect=bisect, report_failures=partial)
    assert function.handle(records(count), policy)
    assert sorted(function.taken + function.lost, key=int) == [str(at) for at in range(count)]
    assert function.taken == sorted(function.taken, key=int)
    assert function.lost == sorted(function.lost, key=int)
    assert function.checkpoint == count


@given(st.integers(1, 20), poisons, st.integers(0, 3))
def test_bisecting_gives_up_nothing_but_poison(count: int, poison: frozenset[str], retries: int) -> None:
    function = Function(poison)
    function.handle(records(count), Policy(retries=retries, bisect=True))
    assert set(function.lost) == {name for name in poison if int(name) < count}
    assert all(tries == retries + 1 for _, _, tries in function.given_up)


def test_a_reported_failure_is_the_checkpoint_and_the_rest_comes_again() -> None:
    function = Function(frozenset({"3"}), partial=True)
    function.handle(records(6), Policy(retries=1, report_failures=True))
    assert function.tries[:3] == [["0", "1", "2", "3", "4", "5"], ["3", "4", "5"], ["3", "4", "5"]]
    assert function.given_up == [(["3", "4", "5"], "RetryAttemptsExhausted", 3)]


def test_reported_failures_with_bisect_split_what_makes_no_progress() -> None:
    function = Function(frozenset({"0"}), partial=False)
    function.handle(records(4), Policy(retries=0, bisect=True, report_failures=True))
    assert function.taken == ["1", "2", "3"]
    assert function.lost == ["0"]


def test_records_past_their_age_are_given_up_without_a_try() -> None:
    function = Function(frozenset())
    old, fresh = records(2, arrived=0.0), [Delivered(2, "2", 95.0, {})]
    function.handle([*old, *fresh], Policy(oldest_seconds=60), at=100.0)
    assert function.given_up == [(["0", "1"], "RecordAgeExceeded", 0)]
    assert function.taken == ["2"]


def test_a_throttle_is_no_attempt() -> None:
    refused = iter([True, True, True, False])
    taken: list[str] = []

    def invoke(batch: Sequence[Delivered]) -> Outcome:
        if next(refused):
            return Outcome(frozenset(), counts=False)
        taken.extend(record.sequence for record in batch)
        return Outcome()

    assert deliver(
        records(2),
        Policy(retries=0),
        invoke=invoke,
        give_up=lambda *_: taken.append("given up"),
        commit=lambda position: None,
        now=lambda: 0.0,
        pause=lambda seconds: True,
    )
    assert taken == ["0", "1"]


@given(st.integers(1, 20), st.integers(0, 12))
def test_stopped_at_any_moment_the_checkpoint_is_exact(count: int, steps: int) -> None:
    function = Function(frozenset({"4", "9"}))
    left = [steps]

    def pause(seconds: float) -> bool:
        left[0] -= 1
        return left[0] > 0

    deliver(
        records(count),
        Policy(retries=1, bisect=True),
        invoke=function.invoke,
        give_up=function.give_up,
        commit=function.commit,
        now=lambda: 0.0,
        pause=pause,
    )
    settled = sorted(function.taken + function.lost, key=int)
    assert settled == [str(at) for at in range(function.checkpoint)]


def test_what_an_answer_says_about_failures() -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    known = {"a", "b"}
    for success in (None, {}, "", {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}):
        assert failed_items(success, known) is None
    assert failed_items({"batchItemFailures": [{"itemIdentifier": "a"}]}, known) == {"a"}
    for whole in ("text", {"batchItemFailures": [{"itemIdentifier": ""}]}):
        assert failed_items(whole, known) == known
    for whole in ([{}], [{"itemIdentifier": None}], [{"itemIdentifier": "c"}], "x"):
        assert failed_items({"batchItemFailures": whole}, known) == known


@given(
    st.lists(st.tuples(st.text(max_size=5), st.integers(0, 50)), max_size=40),
    st.integers(1, 10),
    st.integers(1, 10),
)
def test_regrouping_lanes_forgets_and_repeats_nothing(
    seen: list[tuple[str, int]], first: int, second: int
) -> None:
    progress = ShardProgress(first, [lane * 7 % 50 for lane in range(first)])
    after = progress.regrouped(second)
    for key, position in seen:
        assert after.settled(position, key) == progress.settled(position, key)
        assert 0 <= lane_of(key, second) < second


CALLER = Caller("000000000000", "us-east-1")


@dataclass
class Consumer:
    """A function behind a whole mapping."""

    fails_on: set[str] = field(default_factory=set)
    got: list[tuple[str, str]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def handling(self, batching: Batching, policy: Policy) -> Handling:
        def give_up(shard: SourceShard) -> Any:
            return lambda batch, why, tries, context: self.dropped.extend(r.sequence for r in batch)

        return Handling(batching, policy, lambda record: True, self.invoke, give_up)

    def invoke(self, batch: Sequence[Delivered]) -> Outcome:
        import base64

        events = [record.event["kinesis"] for record in batch]
        keys = {event["partitionKey"] for event in events}
        with self.lock:
            assert not keys & self.busy, "two batches of one key at a time"
            self.busy |= keys
        found = [(event["partitionKey"], base64.b64decode(event["data"]).decode()) for event in events]
        failed = any(data in self.fails_on for _, data in found)
        with self.lock:
            self.busy -= keys
            if not failed:
                self.got += found
                self.batches.append(len(batch))
        return Outcome(frozenset()) if failed else Outcome()


def test_a_mapping_follows_resharding_updates_and_other_lanes_without_losing_or_repeating() -> None:
    store = StreamStore()
    call = operations(store, Records(store))

    def do(operation: str, **request: Any) -> Any:
        return call[operation](CALLER, {"StreamName": "s", **request})

    do("CreateStream", ShardCount=1)
    consumer, progress = Consumer(), Progress()
    arn = store.of(CALLER)["s"].arn
    sent: dict[str, list[str]] = {}
    number = 0

    def put(count: int) -> None:
        nonlocal number
        for _ in range(count):
            number += 1
            key = f"k{number % 7}"
            sent.setdefault(key, []).append(str(number))
            do("PutRecord", Data=str(number).encode(), PartitionKey=key)

    def mapping(factor: int) -> StreamMapping:
        return StreamMapping(
            KinesisSource(store, arn, "role"),
            progress,
            consumer.handling(Batching(10), Policy()),
            position="TRIM_HORIZON",
            factor=factor,
        )

    put(20)
    running = mapping(1)
    running.start()
    put(30)
    do("SplitShard", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    put(40)
    running.stop()
    running.join()
    put(20)
    running = mapping(4)
    running.start()
    put(30)
    do("MergeShards", ShardToMerge="shardId-000000000001", AdjacentShardToMerge="shardId-000000000002")
    put(30)
    eventually(lambda: len(consumer.got) == number, within=10)
    running.stop()
    running.join()
    received: dict[str, list[str]] = {}
    for key, data in consumer.got:
        received.setdefault(key, []).append(data)
    assert received == sent
    assert max(consumer.batches) <= 10


def test_latest_means_the_moment_the_mapping_was_made() -> None:
    store = StreamStore()
    call = operations(store, Records(store))
    call["CreateStream"](CALLER, {"StreamName": "s", "ShardCount": 1})

    def put(data: bytes) -> None:
        call["PutRecord"](CALLER, {"StreamName": "s", "Data": data, "PartitionKey": "k"})

    put(b"before")
    consumer = Consumer()
    running = StreamMapping(
        KinesisSource(store, store.of(CALLER)["s"].arn, "role"),
        Progress(),
        consumer.handling(Batching(10), Policy()),
        position="LATEST",
    )
    put(b"between")
    running.start()
    put(b"after")
    eventually(lambda: len(consumer.got) == 2, within=5)
    running.stop()
    assert [data for _, data in consumer.got] == ["between", "after"]


def test_poison_blocks_its_shard_until_the_stream_forgets_it() -> None:
    before, time = clock.clock(), ManualClock(1_800_000_000.0)
    clock.use_clock(time)
    try:
        store = StreamStore()
        call = operations(store, Records(store))
        call["CreateStream"](CALLER, {"StreamName": "s", "ShardCount": 1})
        consumer = Consumer(fails_on={"poison"})
        running = StreamMapping(
            KinesisSource(store, store.of(CALLER)["s"].arn, "role"),
            Progress(),
            consumer.handling(Batching(1), Policy()),
            position="TRIM_HORIZON",
        )
        running.start()
        for data in (b"poison", b"good"):
            call["PutRecord"](CALLER, {"StreamName": "s", "Data": data, "PartitionKey": "k"})
            time.advance(3600)

        def an_hour_later() -> bool:
            time.advance(3600)
            return bool(consumer.dropped)

        eventually(an_hour_later, within=20)
        running.stop()
        assert time.now() - 1_800_000_000.0 > 24 * 3600
        assert len(consumer.dropped) == 1
        assert all(data != "poison" for _, data in consumer.got)
    finally:
        clock.use_clock(before)


def test_a_window_gathers_records_until_it_is_over_or_the_batch_is_full() -> None:
    store = StreamStore()
    call = operations(store, Records(store))
    call["CreateStream"](CALLER, {"StreamName": "s", "ShardCount": 1})
    consumer = Consumer()
    running = StreamMapping(
        KinesisSource(store, store.of(CALLER)["s"].arn, "role"),
        Progress(),
        consumer.handling(Batching(5, window=0.3), Policy()),
        position="TRIM_HORIZON",
    )
    running.start()
    began = now()
    for number in range(7):
        call["PutRecord"](CALLER, {"StreamName": "s", "Data": str(number).encode(), "PartitionKey": "k"})
    eventually(lambda: sum(consumer.batches) == 7, within=5)
    running.stop()
    assert consumer.batches == [5, 2]
    assert now() - began >= 0.3
