"""Kinesis in memory: laws of sequence numbers, routing, resharding and reading."""

from __future__ import annotations

import hashlib
import pickle
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.clock import ManualClock
from mdlc_emulator.engine.kinesis.backend import operations
from mdlc_emulator.engine.kinesis.records import Records
from mdlc_emulator.engine.kinesis.sequence import MAX_HASH_KEY, even_ranges, hash_key, sequence_number
from mdlc_emulator.engine.kinesis.store import StreamStore

CALLER = Caller("000000000000", "us-east-1")
numbers = st.tuples(
    st.integers(1_700_000_000, 2**35), st.integers(0, 999), st.integers(1, 2**40), st.integers(0, 10**6)
)


@given(numbers)
def test_a_sequence_number_has_56_digits(fields: tuple[int, int, int, int]) -> None:
    made, index, count, age = fields
    assert len(str(sequence_number(made, index, count, made + age))) == 56


@given(numbers, st.integers(1, 1000), st.integers(0, 1000))
def test_sequence_numbers_grow_with_the_count(
    fields: tuple[int, int, int, int], more: int, later: int
) -> None:
    made, index, count, age = fields
    first = sequence_number(made, index, count, made + age)
    assert sequence_number(made, index, count + more, made + age + later) > first


@given(st.text(min_size=1, max_size=256))
def test_a_partition_key_is_hashed_by_md5(key: str) -> None:
    assert hash_key(key) == int(hashlib.md5(key.encode()).hexdigest(), 16)


@given(st.integers(1, 300))
def test_even_ranges_cover_every_hash_key_once(count: int) -> None:
    ranges = even_ranges(count)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == MAX_HASH_KEY
    assert all(left[1] + 1 == right[0] for left, right in pairwise(ranges))


class Reshaping(RuleBasedStateMachine):
    """Whatever is put, split and merged in whatever order: reading parents before children gives every record
    once, those of one partition key in the order they were put."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.time = clock.clock(), ManualClock(1_800_000_000.0)
        clock.use_clock(self.time)
        self.store = StreamStore()
        self.call = operations(self.store, Records(self.store))
        self.put: dict[str, list[bytes]] = {}
        self.count = 0

    def teardown(self) -> None:
        clock.use_clock(self.before)

    def do(self, operation: str, **request: Any) -> Any:
        return self.call[operation](CALLER, {"StreamName": "s", **request})

    @initialize(shards=st.integers(1, 4))
    def create(self, shards: int) -> None:
        self.do("CreateStream", ShardCount=shards)

    @rule(keys=st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=20))
    def put_records(self, keys: list[str]) -> None:
        entries = []
        for key in keys:
            self.count += 1
            data = str(self.count).encode()
            entries.append({"Data": data, "PartitionKey": key})
            self.put.setdefault(key, []).append(data)
        assert self.do("PutRecords", Records=entries)["FailedRecordCount"] == 0

    @rule(seconds=st.sampled_from([0.0, 0.4, 3.0]))
    def wait(self, seconds: float) -> None:
        self.time.advance(seconds)

    @rule(which=st.integers(0, 100), part=st.integers(1, 99))
    def split(self, which: int, part: int) -> None:
        shards = self.store.of(CALLER)["s"].open_shards()
        shard = shards[which % len(shards)]
        if shard.size > 2 and len(shards) < 8:
            at = shard.low + max(1, shard.size * part // 100)
            self.do("SplitShard", ShardToSplit=shard.id, NewStartingHashKey=str(min(at, shard.high)))

    @rule(which=st.integers(0, 100))
    def merge(self, which: int) -> None:
        shards = self.store.of(CALLER)["s"].open_shards()
        if len(shards) > 1:
            at = which % (len(shards) - 1)
            self.do("MergeShards", ShardToMerge=shards[at].id, AdjacentShardToMerge=shards[at + 1].id)

    @invariant()
    def everything_is_read_once_and_in_order(self) -> None:
        if "s" not in self.store.of(CALLER):
            return
        read: dict[str, list[tuple[int, bytes]]] = {}
        for shard in self.do("ListShards")["Shards"]:
            iterator = self.do("GetShardIterator", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
            token: str | None = iterator["ShardIterator"]
            while token:
                answer = self.do("GetRecords", ShardIterator=token, Limit=7)
                for record in answer["Records"]:
                    assert (
                        int(shard["HashKeyRange"]["StartingHashKey"])
                        <= hash_key(record["PartitionKey"])
                        <= int(shard["HashKeyRange"]["EndingHashKey"])
                    )
                    read.setdefault(record["PartitionKey"], []).append(
                        (int(record["SequenceNumber"]), record["Data"])
                    )
                token = answer.get("NextShardIterator")
                if not answer["Records"]:
                    break
        assert {key: [data for _, data in found] for key, found in read.items()} == self.put
        for found in read.values():
            assert [number for number, _ in found] == sorted({number for number, _ in found})

    @invariant()
    def open_shards_cover_every_hash_key_once(self) -> None:
        if "s" in self.store.of(CALLER):
            shards = self.store.of(CALLER)["s"].open_shards()
            assert shards[0].low == 0
            assert shards[-1].high == MAX_HASH_KEY
            assert all(left.high + 1 == right.low for left, right in pairwise(shards))


TestReshaping = Reshaping.TestCase
TestReshaping.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


@pytest.fixture
def time() -> Any:
    before, manual = clock.clock(), ManualClock(1_800_000_000.0)
    clock.use_clock(manual)
    yield manual
    clock.use_clock(before)


def stream(store: StreamStore, **more: Any) -> Any:
    call = operations(store, Records(store))
    call["CreateStream"](CALLER, {"StreamName": "s", "ShardCount": 1} | more)
    return lambda operation, **request: call[operation](CALLER, {"StreamName": "s", **request})


def test_an_iterator_is_good_for_five_minutes(time: ManualClock) -> None:
    do = stream(StreamStore())
    token = do("GetShardIterator", ShardId="shardId-000000000000", ShardIteratorType="LATEST")[
        "ShardIterator"
    ]
    time.advance(299)
    do("GetRecords", ShardIterator=token)
    time.advance(2)
    with pytest.raises(AwsError) as caught:
        do("GetRecords", ShardIterator=token)
    assert caught.value.code == "ExpiredIteratorException"


def test_records_are_gone_after_the_retention_period(time: ManualClock) -> None:
    do = stream(StreamStore())
    do("PutRecord", Data=b"old", PartitionKey="k")
    time.advance(23 * 3600)
    do("PutRecord", Data=b"new", PartitionKey="k")
    time.advance(3601)
    token = do("GetShardIterator", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
    found = do("GetRecords", ShardIterator=token["ShardIterator"])["Records"]
    assert [record["Data"] for record in found] == [b"new"]


def test_behind_latest_is_the_age_of_what_waits(time: ManualClock) -> None:
    do = stream(StreamStore())
    do("PutRecord", Data=b"1", PartitionKey="k")
    time.advance(5)
    do("PutRecord", Data=b"2", PartitionKey="k")
    time.advance(2)
    token = do("GetShardIterator", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
    first = do("GetRecords", ShardIterator=token["ShardIterator"], Limit=1)
    assert first["MillisBehindLatest"] == 2000
    second = do("GetRecords", ShardIterator=first["NextShardIterator"], Limit=1)
    assert second["MillisBehindLatest"] == 0


def test_a_stream_survives_pickling(time: ManualClock) -> None:
    store = StreamStore()
    do = stream(store)
    do("PutRecord", Data=b"1", PartitionKey="k")
    kept = pickle.loads(pickle.dumps(store.of(CALLER)["s"]))
    assert [record.data for record in kept.shards["shardId-000000000000"].entries] == [b"1"]
    kept.shards["shardId-000000000000"].append("k", b"2", time.now())
