"""Sequence numbers, shard ids and hash keys, as Kinesis shapes them.

A sequence number is a 56-digit decimal: unique in its stream, growing within a shard and from a parent shard
to its children. AWS does not document its inside; ours holds, from the highest bits down, when the shard was
made, its index, a running count, the time of the record, and the index again.
"""

from __future__ import annotations

import hashlib

# 2**185 has 56 digits and begins with 49, as AWS's numbers do; all the fields below stay under it.
_BASE = 2 << 184
_COUNT_BITS = 48
MAX_HASH_KEY = 2**128 - 1


def sequence_number(shard_made: int, shard_index: int, count: int, arrived: int) -> int:
    """The number of the `count`-th record of a shard; both times in whole seconds since the epoch."""
    number: int = (
        _BASE
        | (shard_made & (2**36 - 1)) << 144
        | (shard_index & 0xFFFF) << 128
        | (count & (2**_COUNT_BITS - 1)) << 80
        | (arrived & (2**36 - 1)) << 40
        | (shard_index & 0xFFFF) << 4
        | 2
    )
    return number


def belongs_to(number: int, shard_made: int, shard_index: int) -> bool:
    """Whether `number` can have been given by that shard."""
    return number >> 128 == sequence_number(shard_made, shard_index, 0, 0) >> 128


def shard_id(index: int) -> str:
    return f"shardId-{index:012d}"


def hash_key(partition_key: str) -> int:
    """Where a partition key lies in the 128-bit hash key space (MD5, as AWS documents)."""
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest())


def even_ranges(count: int, low: int = 0, high: int = MAX_HASH_KEY) -> list[tuple[int, int]]:
    """`count` adjoining ranges (both ends included) that cover `low` to `high`."""
    span = high - low + 1
    edges = [low + span * part // count for part in range(count + 1)]
    return [(edges[part], edges[part + 1] - 1) for part in range(count)]
